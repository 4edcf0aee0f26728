#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Clients of the control socket that lie, flood, do not listen, come in thousands or change their files meanwhile. One daemon
# takes them all: it must end or answer each, serve the others at once, and keep its descriptors and its memory.
#
# Not tested: a file on a file system that stalls (FUSE, NFS) needs one; docs/architecture.md says why statx does not block.
# shellcheck disable=SC2015,SC2016,SC2317 # || fails too, as meant; eval and t_ok call what looks unreachable
. "${AMP_SRC:-$(dirname "$0")/../..}/tests/lib.sh"

standin=$AMP_BUILD/tests/support/hostile_scansvc
client=$AMP_BUILD/tests/support/hostile_client
rss_limit=${AMP_RSS_LIMIT:-131072} # KiB, at its highest, after everything

[ "$(id -u)" = 0 ] || t_skip_all "needs root"
[ -x "$client" ] && [ -x "$standin" ] || t_skip_all "no $client: configure the build with -Dtests=true"

# ---- an instance with a scan service of the tests: answers by the first word of a file -------------------------------

plan() { printf '%s\n' "$2" >"$1/bin/plan.new" && mv -f "$1/bin/plan.new" "$1/bin/hostile.plan"; } # DIR WORD

launch() { # DIR
	mkdir -p "$1/run" "$1/state" "$1/log" "$1/bin" && chmod 755 "$1" "$1/run" && cp "$standin" "$1/bin/service" || return 1
	printf "%s: '%s'\n" run_dir "$1/run" state_dir "$1/state" log_dir "$1/log" scan_service "$1/bin/service" \
		builtin_dir "$AMP_SRC/definitions/builtin" >"$1/config.yaml"
	printf 'scan_workers: 2\n' >>"$1/config.yaml"
	plan "$1" honest
	"$AMP_BUILD/ampdaemon/ampdaemon" --config "$1/config.yaml" --foreground >"$1/out" 2>&1 </dev/null &
	pid=$!
	t_cleanup "kill_pid $pid KILL"
	wait_for 5 has_worker
}

cli() { "$AMP_BUILD/ampcli/ampcli" --socket "$socket" "$@"; }
has_worker() { cli status --json | grep -qE '"state":"(spare|busy)"'; }
figure() { cli status --json 2>/dev/null | grep -oE "\"$1\":[0-9]+" | head -n 1 | cut -d: -f2; } # KEY
hostile() { timeout 60 "$client" "$socket" "$@"; }
descriptors() { find "/proc/$pid/fd" -mindepth 1 -maxdepth 1 | wc -l; }
is_quiet() { [ "$(descriptors)" -le "$fd_base" ] && [ "$(figure queued)$(figure in_flight)" = 00 ]; }
resident() { sed -n "s/^$1:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$pid/status"; } # VmHWM or VmRSS
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# In the background only: the pid is the client's then.
as_nobody() { exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# Root's one file while others are at work.
served_at_once() { # NAME
	local started took
	started=$(now_ms)
	t_like "$1: another's file is answered" "$(cli scan custom --all --json "$dir/infected")" '"verdict":"INFECTED"'
	took=$(($(now_ms) - started))
	t_note "$1: after $took ms"
	t_ok "$1: within a second" test "$took" -lt 1000
}

dir=$AMP_TMP/daemon socket=$AMP_TMP/daemon/run/control.sock
mkdir "$dir"
chmod 755 "$AMP_TMP"
printf 'INFECTED\n' >"$dir/infected"
printf 'clean\n' >"$dir/clean"
printf 'SLOW\n' >"$dir/slow"
chmod 644 "$dir"/infected "$dir"/clean "$dir"/slow
launch "$dir" || { t_fail "the daemon starts" "$(tail "$dir/out")"; exit 1; }
t_is "an honest client is answered" "$(hostile plain "$dir/infected")" INFECTED
sleep 0.3
fd_base=$(descriptors)
t_note "idle: $fd_base descriptors, $(resident VmRSS) KiB"

# ---- one lie each ----------------------------------------------------------------------------------------------------

for word in garbage cut unknown-field two-bodies hello-with-file big-64k1 big-200k begin-first status-first file-first \
	hello-twice file-before-begin end-before-begin history-0 history-501 label-long begin-twice no-fd fd-2 fd-253 pipe \
	socket own-session directory device read-write write-only path-only memfd number-0 number-back number-same path-empty \
	path-too-long end-twice; do
	before=$(figure violations)
	t_is "$word: the session is ended" "$(hostile "$word" "$dir/clean")" ended
	t_is "$word: and counted" "$(figure violations)" $((before + 1))
done
before=$(figure violations)
t_is "past-window: the session is ended" "$(hostile past-window "$dir/slow")" ended
t_is "past-window: and counted" "$(figure violations)" $((before + 1))
t_is "empty: the session is ended" "$(hostile empty)" ended
t_is "half-closed: the session is ended" "$(hostile half-closed "$dir/slow")" ended
t_is "deaf: the session is ended" "$(hostile deaf "$dir/clean")" ended
t_like "version: is told so" "$(hostile version)" '^refused: .*versions'
t_is "path-long: is answered" "$(hostile path-long "$dir/infected")" INFECTED
t_is "path-newline: is answered" "$(hostile path-newline "$dir/infected")" INFECTED
t_is "path-bytes: is answered" "$(hostile path-bytes "$dir/infected")" INFECTED
t_is "history-flood: the session lives" "$(hostile history-flood)" mute
t_ok "no line of the log begins with what a client wrote" test "$(grep -c '^security forged' "$dir/log/ampdaemon.log")" = 0
t_ok "and none has control bytes" test "$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]' "$dir/log/ampdaemon.log")" = 0
t_ok "all files of the liars are closed" wait_for 10 is_quiet

hostile killed "$dir/slow" >"$AMP_TMP/killed" 2>&1
t_ok "a client killed in its scan: its jobs are cancelled, its files closed" wait_for 5 is_quiet
t_like "and the journal says that the scan failed" "$(cli history list --json | head -n 8)" '"Scan Failed".*"not_scanned":[1-9]'
started=$(now_ms)
t_is "a client that never says hello is ended" "$(hostile silent)" ended
t_ok "within 13 seconds" test $(($(now_ms) - started)) -lt 13000
t_exit_is "ampcli at a wrong socket says so" 4 "$AMP_BUILD/ampcli/ampcli" --socket /dev/null status

# ---- many ------------------------------------------------------------------------------------------------------------

t_exit_is "1,000 clients at once, 5 files each: all answered, once" 0 hostile many 1000 5 "$dir/clean"
t_note "$t_output"
hostile hold 3000 4 >"$AMP_TMP/hold" &
holder=$!
wait_for 10 test -s "$AMP_TMP/hold"
t_is "3,000 connections: 2,048 sessions, the surplus is refused" "$(cat "$AMP_TMP/hold")" \
	"admitted 2048 refused 952 whole 0 answered 0 of 0"
t_like "and a person reads why" "$(cli status 2>&1)" 'as many sessions as'
wait "$holder"
t_ok "all descriptors of the crowd are closed" wait_for 10 is_quiet

as_nobody "$client" "$socket" hold 1500 4 >"$AMP_TMP/hold-user" &
holder=$!
wait_for 10 test -s "$AMP_TMP/hold-user"
t_is "one user: half of the sessions" "$(cat "$AMP_TMP/hold-user")" "admitted 1024 refused 476 whole 0 answered 0 of 0"
served_at_once "while a user holds its half"
wait "$holder"

# ---- greedy and deaf -------------------------------------------------------------------------------------------------

as_nobody "$client" "$socket" flood 5000 "$dir/slow" >"$AMP_TMP/flood" &
flood=$!
for _ in 1 2 3 4; do
	as_nobody "$client" "$socket" flood 5000 "$dir/slow" >/dev/null &
	floods="${floods:-} $!"
done
sleep 1
served_at_once "while a user has thousands of files to wait for"
# shellcheck disable=SC2086 # list of pids
for process in $flood $floods; do kill_pid "$process"; done
t_ok "the greedy leave nothing behind" wait_for 10 is_quiet

hostile unread 10000 "$dir/clean" >"$AMP_TMP/unread" &
reader=$!
sleep 0.3
served_at_once "while a client does not read its answers"
wait "$reader"
t_note "$(cat "$AMP_TMP/unread")"
t_like "the client that does not read is stopped" "$(cat "$AMP_TMP/unread")" 'sent [0-9]{1,4}, then: (Resource|Broken|Connection)'

# ---- at the end ------------------------------------------------------------------------------------------------------

t_ok "the daemon has the descriptors of an idle one ($fd_base)" wait_for 10 is_quiet
t_note "at most $(resident VmHWM) KiB, now $(resident VmRSS) KiB"
t_ok "and no more memory than $rss_limit KiB" test "$(resident VmHWM)" -le "$rss_limit"
t_is "it is the same process" "$(figure pid)" "$pid"
kill_pid "$pid"
wait "$pid"
t_is "and stops in order" $? 0

# ---- files that change while they are scanned: with the real engine --------------------------------------------------

[ -x "$AMP_BUILD/ampscansvc/ampscansvc" ] || { t_skip "files that change" "no scan service in the build"; exit $((t_failed > 0)); }
amp_start changing || { t_fail "the connector starts"; exit 1; }
socket=$amp_private/run/control.sock
# EICAR, in two parts: this script is not to be found itself.
printf '%s%s' 'X5O!P%@AP[4\PZX54(P^)7CC)7}$' 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*' >"$AMP_TMP/eicar"
t_is "the test file is found" "$(hostile plain "$AMP_TMP/eicar")" INFECTED
moved=$(hostile moved 300 "$AMP_TMP/eicar")
t_note "offset moved: $moved"
t_like "a client that moves the shared offset hides nothing" "$moved" '^clean 0 infected [1-9]'

# Whatever is done to the tail, the head stays infected: no state of this file is clean.
change() { # COMMAND...: again and again
	while :; do eval "$*"; done
}
for how in 'printf "more and more" >>"$AMP_TMP/eicar"' 'truncate -s 68 "$AMP_TMP/eicar"; truncate -s 2000000 "$AMP_TMP/eicar"'; do
	change "$how" 2>/dev/null &
	changer=$!
	disown "$changer"
	verdicts=$(for _ in $(seq 40); do hostile plain "$AMP_TMP/eicar"; done | sort | uniq -c | tr '\n' ';')
	kill_pid "$changer" KILL
	t_note "changed by $how: $verdicts"
	t_ok "changed by $how: never CLEAN" bash -c 'case $1 in *CLEAN* | "") exit 1 ;; esac' - "$verdicts"
	truncate -s 68 "$AMP_TMP/eicar"
done
truncate -s 10G "$AMP_TMP/sparse"
t_is "a sparse file of 10 GB is told to be too large" "$(hostile plain "$AMP_TMP/sparse")" INCOMPLETE
exit $((t_failed > 0))
