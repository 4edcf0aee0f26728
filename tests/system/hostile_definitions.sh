#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Clients that ask about definitions when they may not, flood, leave in the middle, and do not read what becomes of their set: each is ended or
# answered, what serves goes on, sets that are whole come into force, and the daemon keeps its descriptors and its memory.
# shellcheck disable=SC2016,SC2317 # evaluated later on purpose; wait_for calls what looks unreachable
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/store.sh"
. "$AMP_SRC/tests/support/mirrors.sh"

client=$t_support/hostile_client
rss_limit=${AMP_RSS_LIMIT:-131072} # KiB, at its highest, after everything
need_root
need_test_data
need_updater
[ -x "$client" ] || t_skip_all "no $client: configure the build with -Dtests=true"

hostile() { timeout 200 "$client" "$amp_socket" "$@"; }
say() { hostile say "$@"; } # FILE|- WORD...
as_nobody() { timeout 200 setpriv --reuid=65534 --regid=65534 --clear-groups "$client" "$amp_socket" "$@"; }
descriptors() { find "/proc/$daemon/fd" -mindepth 1 -maxdepth 1 | wc -l; }
is_quiet() { [ "$(descriptors)" -le "$fd_base" ] && [ "$(field scan.sessions)" -le 1 ] && nothing_is_staged; }
resident() { sed -n "s/^$1:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$daemon/status"; } # VmHWM or VmRSS
under_way() { cli definitions list | grep "Under way"; }
nothing_is_under_way() { ! under_way; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

served_at_once() { # NAME: the status, to somebody else
	local started took
	started=$(now_ms)
	t_ok "$1: another is answered" cli status
	took=$(($(now_ms) - started))
	t_ok "$1: within a second ($took ms)" test "$took" -lt 1000
}

mirror_start one
store_new hostile && mirrors_of "$mirror_port" && instance_set probation_ms 2000 || exit 1
serve one 3
start
daemon=$(field pid)
three=$(set_of 3) five=$(set_of 5)
chmod -R a+rX "$AMP_TMP/sets"
t_exit_is "a set to begin with" 0 cli defupdate --json
t_ok "is kept" wait_for 20 eval '[ "$(link_of last-good)" = 10 ]'
sleep 0.3
fd_base=$(descriptors)
t_note "idle: $fd_base descriptors, $(resident VmRSS) KiB"

# ---- at the wrong time -----------------------------------------------------------------------------------------------

breaks() { # NAME FILE|- WORD...
	local name=$1 before
	shift
	before=$(field scan.violations)
	t_is "$name: the session is ended" "$(say "$@" | tail -n 1)" ended
	t_is "$name: and counted" "$(field scan.violations)" $((before + 1))
}
for word in generations rollback update check import; do
	breaks "$word before hello" - "$word"
	breaks "$word in a scan" - hello scan "$word"
	breaks "$word in a set" - hello import "$word"
	breaks "$word with a file" "$three" hello "$word+"
done
breaks "an end before hello" - end
breaks "an end with a file" "$three" hello import end+
breaks "an end in a scan" - hello scan end
breaks "a file before a set" "$three" hello file+
breaks "a file in a scan" "$three" hello scan file+
breaks "a file that is not there" - hello import file
breaks "an end before a set" - hello end
breaks "an end, twice" - hello import end end
breaks "a scan in a set" - hello import scan
breaks "the status in a set" - hello import status
breaks "a check that is forced" - hello forced-check
t_is "who asks what there is, is answered" "$(say - hello generations | head -n 1)" generations
t_like "a check without a file is rejected" "$(say - hello check end)" '^rejected: .*no file'
t_like "an import without a file brings nothing new" "$(say - hello import end)" '^passed: $'
for word in upward-file hidden-file; do
	t_like "$word: the name is refused" "$(say "$three" hello import "$word+")" '^refused: .*name'
done
t_like "a device is no file of definitions" "$(say /dev/zero hello import file+)" '^refused: .*not a regular file'
t_like "nor is a directory" "$(say / hello import file+)" '^refused: .*not a regular file'
t_like "the same name twice is refused" "$(say "$three" hello import file+ file+)" '^refused: '
t_ok "nothing is left of them" wait_for 10 is_quiet
t_is "and what serves goes on" "$(field pid) $(generation) $(version_that_answers)" "$daemon 10 3"

# ---- who may not -----------------------------------------------------------------------------------------------------

for word in check import rollback update; do
	t_like "nobody but root: $word" "$(as_nobody say - hello "$word")" '^refused: only root'
done
t_like "a set that is sent all the same" "$(as_nobody say "$five" hello import file+ file+ end)" '^refused: only root'
t_is "the session goes on after it" "$(as_nobody say - hello import end generations | cut -d: -f1 | tr '\n' ' ')" "refused refused generations mute "
t_is "everybody may see what there is" "$(as_nobody say - hello generations | head -n 1)" generations
t_ok "and nothing is left" wait_for 10 is_quiet
t_is "what serves goes on" "$(generation) $(version_that_answers)" "10 3"

# ---- floods ----------------------------------------------------------------------------------------------------------

before=$(resident VmRSS)
for n in 1 2 3 4; do
	as_nobody flood-generations 100000 >"$AMP_TMP/flood-$n" &
	floods="${floods:-} $!"
done
sleep 0.5
served_at_once "while others ask what there is and do not read"
# shellcheck disable=SC2086 # list of pids
wait $floods
t_like "who asks and does not read is stopped" "$(cat "$AMP_TMP"/flood-*)" 'sent [0-9]{1,4}, then: (Resource|Broken|Connection)'
t_is "each of them" "$(grep -cE 'sent [0-9]{1,4}, then: (Resource|Broken|Connection)' "$AMP_TMP"/flood-* | grep -c ':1$')" 4
t_ok "they leave nothing behind" wait_for 10 is_quiet
t_ok "the daemon has grown by less than 4 MiB (from $before to $(resident VmRSS) KiB)" test $(($(resident VmRSS) - before)) -lt 4096

# ---- who leaves ------------------------------------------------------------------------------------------------------

t_is "who leaves in the middle of a set" "$(hostile leave begun "$five")" left
t_ok "leaves nothing behind" wait_for 10 is_quiet
t_ok "not even a candidate" nothing_is_under_way
t_is "and what serves goes on" "$(generation) $(version_that_answers)" "10 3"
python3 - "$store/custom/big.ndb" <<'END'
import random, sys
chance = random.Random(4)
with open(sys.argv[1], "w") as file:
    for i in range(60000):
        file.write(f"Big.{i}:0:*:{chance.randbytes(12).hex()}\n")
END
t_is "who sent a whole set and leaves" "$(hostile leave import "$five")" left
t_like "leaves an import that goes on" "$(under_way)" 'an import'
served_at_once "meanwhile"
t_like "and keeps others from theirs" "$(say - hello import)" '^refused: .*under way'
t_ok "it comes into force" wait_for 60 eval '[ "$(version_that_answers)" = 5 ]'
five_generation=$(generation)
t_ok "with nothing left behind" wait_for 30 is_quiet

serve one 6
behave one test.cvd drip
behave one test-4.cdiff drip
behave one test-6.cdiff drip
t_is "who asks for an update and leaves" "$(hostile leave update -)" left
t_ok "leaves one that goes on" test -n "$(updater_pid)"
t_is "another who waits for it and leaves" "$(hostile leave update -)" left
(cli defupdate --json >"$AMP_TMP/third" 2>&1; echo $? >"$AMP_TMP/third.status") &
served_at_once "meanwhile"
t_ok "while one waits, others are refused" wait_for 10 eval 'say - hello update | grep -q "^refused: another client waits"'
kill_pid "$(updater_pid)" KILL
t_ok "who stays is answered when it ends" wait_for 30 test -s "$AMP_TMP/third.status"
t_is "it has failed" "$(cat "$AMP_TMP/third.status")" 2
t_is "what serves goes on" "$(generation) $(version_that_answers)" "$five_generation 5"
t_ok "nothing is left" wait_for 30 is_quiet

# ---- who does not read -----------------------------------------------------------------------------------------------

unread() { # NAME SET: its output in $AMP_TMP/NAME; it reads when NAME.go is written to
	mkfifo "$AMP_TMP/$1.go"
	timeout 200 "$client" "$amp_socket" send-unread "$2" <"$AMP_TMP/$1.go" >"$AMP_TMP/$1" &
	exec {unread_go}>"$AMP_TMP/$1.go"
	wait_for 30 grep -q sent "$AMP_TMP/$1"
}
six=$(set_of 6)
before=$(resident VmRSS)
unread late "$six"
late_go=$unread_go late=$!
served_at_once "while somebody does not read how far its import is"
t_ok "the import comes into force all the same" wait_for 60 eval '[ "$(version_that_answers)" = 6 ]'
echo >&"$late_go"
wait "$late"
t_like "who reads late has lost how far it was, but not the verdict" "$(tail -n 1 "$AMP_TMP/late")" '^all of the lists, progress [01], then passed'
newer=$(generation)
unread never "$five"
never_go=$unread_go never=$!
t_ok "the verdict for one who never reads is due" wait_for 60 nothing_is_under_way
t_is "(it was an older set)" "$(generation) $(version_that_answers)" "$newer 6"
t_ok "its session is ended" wait_for 90 is_quiet
echo >&"$never_go"
wait "$never"
t_like "and it reads no more than the kernel has kept" "$(tail -n 1 "$AMP_TMP/never")" '^all of the lists, progress [01], then ended'
t_ok "the daemon has grown by less than 8 MiB (from $before to $(resident VmRSS) KiB)" test $(($(resident VmRSS) - before)) -lt 8192

# ---- at the end ------------------------------------------------------------------------------------------------------

t_ok "the daemon has the descriptors of an idle one ($fd_base)" wait_for 10 is_quiet
t_note "at most $(resident VmHWM) KiB, now $(resident VmRSS) KiB"
t_ok "and no more memory than $rss_limit KiB" test "$(resident VmHWM)" -le "$rss_limit"
t_is "it is the same process" "$(field pid)" "$daemon"
t_ok "no line of the log has control bytes" test "$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]' "$amp_private/log/ampdaemon.log")" = 0
exit $((t_failed > 0))
