#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Definitions as transactions on a real connector: imported, rolled back, put aside when a start does not take them, and proved each time by
# samples that only one version knows.
# shellcheck disable=SC2016 # evaluated later on purpose
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/store.sh"

need_root
need_test_data
store_new store && instance_set start_retry_ms 300 && instance_set probation_ms 2000 || exit 1
instance_start_ok "the connector starts with an empty store"
t_is "the built-in set serves" "$(field definitions.builtin) $(version_that_answers)" "true 3"
t_is "and that is no fault" "$(field mode)" Normal

# ---- import, rollback ------------------------------------------------------------------------------------------------
t_exit_is "an import" 0 cli definitions import "$(set_of 3)"
t_is "serves when it returns" "$(generation) $(field definitions.builtin) $(version_that_answers)" "10 false 3"
t_is "and active leads to it" "$(link_of active)" 10
service=$(field scan_service.pid)
t_exit_is "the same again is nothing new" 0 cli definitions import "$(set_of 3)"
t_is "and replaces nothing" "$(field scan_service.pid) $(generation)" "$service 10"
t_ok "its probation ends" wait_for 20 eval '[ "$(link_of last-good)" = 10 ]'
t_exit_is "a newer one" 0 cli definitions import "$(set_of 6)"
six=$(generation)
t_is "serves" "$(version_that_answers)" 6
pid=$(field pid)
service=$(field scan_service.pid)
t_exit_is "an older one is refused" 7 cli definitions import "$(set_of 5)"
t_like "and it is said why" "$t_output" 'older'
t_exit_is "a damaged one, too" 7 cli definitions import "$(set_of damaged/flip-body-last.cvd)"
t_exit_is "and one that crashes libclamav" 7 cli definitions import "$(set_of damaged/cld-extra-cud.cld)"
t_exit_is "that is known afterwards" 7 cli definitions import "$(set_of damaged/cld-extra-cud.cld)"
t_like "without another trial" "$t_output" 'rejected before'
t_is "what serves is the same process" "$(field pid) $(field scan_service.pid) $(generation) $(version_that_answers)" "$pid $service $six 6"
t_ok "nothing is left of them" wait_for 5 nothing_is_staged
t_is "nor a generation" "$(generations)" "10 $six "
t_exit_is "root may insist on an older one" 0 cli definitions import --force "$(set_of 5)"
t_is "then it serves" "$(version_that_answers)" 5
t_exit_is "a rollback" 0 cli definitions rollback "$six"
t_is "goes back" "$(generation) $(version_that_answers)" "$six 6"
t_exit_is "what was rolled back is not taken again" 7 cli definitions import "$(set_of 5)"
t_exit_is "a rollback to nowhere is refused" 6 cli definitions rollback 77
t_exit_is "nobody but root imports" 5 setpriv --reuid 65534 --clear-groups "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" definitions import "$AMP_TEST_DATA/test-6.cvd"
t_like "the list shows them" "$(cli definitions list)" "$six"

# ---- the administrator's own -----------------------------------------------------------------------------------------
printf 'Own.Thing:0:*:%s\n' "$(printf 'my very own malware' | od -An -tx1 | tr -d ' \n')" >"$store/custom/own.ndb"
printf 'Eicar-Signature\n' >"$store/custom/weak.ign2"
printf 'x my very own malware x' >"$AMP_TMP/own"
t_exit_is "files of one's own come in with the next import" 0 cli definitions import --force "$(set_of 6)"
t_exit_is "and find" 1 cli scan custom "$AMP_TMP/own"
t_is "those that would weaken the engine are left out" "$(version_that_answers)" 6
rm -f "$store/custom/weak.ign2"

# ---- restarts --------------------------------------------------------------------------------------------------------
serving=$(generation)
t_exit_is "a restart in place" 0 cli restart
t_ok "keeps what serves" wait_for 20 eval '[ "$(generation)" = '"$serving"' ]'
t_is "with the same version" "$(version_that_answers)" 6
kill_pid "$amp_pid" KILL
wait_for 10 is_gone "$amp_pid"
instance_start_ok "a daemon that was killed starts again"
t_is "with the same generation" "$(generation) $(version_that_answers)" "$serving 6"

# ---- starts with something broken ------------------------------------------------------------------------------------
t_ok "its probation ends" wait_for 20 eval '[ "$(link_of last-good)" = '"$serving"' ]'
t_exit_is "a set to be broken" 0 cli definitions import --force "$(set_of 4)"
broken=$(generation)
damage() { # GENERATION: a byte in the middle, as a bad disk does
	chattr -i "$store/generations/$1/test.cvd" 2>/dev/null
	printf 'X' | dd of="$store/generations/$1/test.cvd" bs=1 seek=1500 conv=notrunc 2>/dev/null
}
restart() { instance_stop; "$@"; instance_start_ok "the connector starts"; }
restart damage "$broken"
t_is "a broken active generation is put aside" "$(generation) $(version_that_answers)" "$serving 6"
t_is "the fault of it is over" "$(field mode)" Normal
t_like "and is told" "$(event_names 300 | grep 'Fault\|Rolled\|Cure')" 'Rolled Back'
t_exit_is "the same content may come again" 0 cli definitions import --force "$(set_of 4)"

damage_all() { for one in $(generations); do damage "$one"; done; }
restart damage_all
t_is "with all of them broken the built-in set serves" "$(field definitions.builtin) $(version_that_answers)" "true 3"
t_ok "fault 7 stays" is_fault 7
t_like "and says so" "$(cli faults 7)" 'put aside or gone'
scan_count "$AMP_TEST_DATA/samples/clean.txt"
t_is "nothing found is not clean then" "$v_text" "clean 0, infected 0, incomplete 1, error 0, failed 0, not scanned 0"
t_exit_is "an import cures it" 0 cli definitions import "$(set_of 6)"
t_ok "the fault is over" wait_for 10 has_no_fault 7
t_is "and it serves" "$(version_that_answers)" 6
empty() { rm -rf "$store"; }
restart empty
t_is "a store that was emptied" "$(field definitions.builtin)" true
t_ok "is a fault" is_fault 7
t_exit_is "which an import cures" 0 cli definitions import "$(set_of 6)"
t_ok "at once" wait_for 10 has_no_fault 7

# ---- to another machine ----------------------------------------------------------------------------------------------
bundle=$AMP_TMP/carried.amp-definitions.tar
t_exit_is "what serves is exported" 0 cli definitions export "$bundle"
digest=$(printf '%s\n' "$t_output" | sed -n 's/.*sha256 //p')
t_is "with the digest that the store tells" "$(cli definitions export --field generation "$bundle")" "$(generation)"
mkdir -m 777 "$AMP_TMP/theirs"
t_exit_is "by anybody who can read the store" 0 setpriv --reuid 65534 --clear-groups "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" definitions export "$AMP_TMP/theirs/x.amp-definitions.tar"
t_ok "with the same bytes" cmp "$bundle" "$AMP_TMP/theirs/x.amp-definitions.tar"
t_exit_is "but nobody else brings it in" 5 setpriv --reuid 65534 --clear-groups "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" definitions import "$AMP_TMP/theirs/x.amp-definitions.tar"
t_exit_is "its own bundle is nothing new here" 0 cli definitions import "$bundle"
first_socket=$amp_socket first_store=$store first_name=$amp_name first_private=$amp_private first_pid=$amp_pid
store_new other && instance_set start_retry_ms 300 || exit 1
instance_start_ok "another connector starts with an empty store"
t_is "it has the built-in set" "$(field definitions.builtin) $(version_that_answers)" "true 3"
t_exit_is "the bundle is not taken under another digest" 7 cli definitions import --digest "$(printf '%064d' 0)" "$bundle"
t_is "and nothing has changed" "$(field definitions.builtin)" true
t_exit_is "with its own it is" 0 cli definitions import --digest "$digest" "$bundle"
t_is "and serves" "$(field definitions.builtin) $(version_that_answers)" "false 6"
printf 'X' | dd of="$bundle" bs=1 seek=3000 conv=notrunc 2>/dev/null
t_exit_is "one that was damaged on the way is rejected" 7 cli definitions import "$bundle"
t_is "and what serves is the same" "$(version_that_answers)" 6
t_exit_is "it can be carried on" 0 cli definitions export "$bundle"
t_is "with the same digest" "$(cli definitions export --field sha256 "$bundle")" "$digest"
instance_stop
amp_socket=$first_socket store=$first_store amp_name=$first_name amp_private=$first_private amp_pid=$first_pid

# ---- a disk that cannot be written -----------------------------------------------------------------------------------
serving=$(generation)
instance_stop
cat >"$AMP_TMP/read_only" <<'EOF'
#!/bin/sh
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"
EOF
chmod +x "$AMP_TMP/read_only"
if unshare --mount --propagation private true 2>/dev/null; then
	instance_launch unshare --mount --propagation private "$AMP_TMP/read_only" "$store"
	t_ok "it starts on a read-only disk" wait_for 60 instance_is_ready
	t_is "with what is there" "$(generation) $(version_that_answers)" "$serving 6"
	t_exit_is "an import is not possible" 7 cli definitions import --force "$(set_of 5)"
	t_like "with the reason" "$t_output" 'ead-only'
	t_is "and nothing has changed" "$(generation) $(version_that_answers)" "$serving 6"
	instance_stop
	cat >"$AMP_TMP/full" <<'EOF'
#!/bin/sh
cp -a "$1" "$1.kept" && mount -t tmpfs -o size=64k tmpfs "$1" && cp -a "$1.kept/." "$1" && rm -rf "$1.kept" || exit 1
head -c 1000000 /dev/zero >"$1/custom/ballast" 2>/dev/null # as much as there is room for
shift && exec "$@"
EOF
	chmod +x "$AMP_TMP/full"
	instance_launch unshare --mount --propagation private "$AMP_TMP/full" "$store"
	t_ok "it starts on a full disk" wait_for 60 instance_is_ready
	t_exit_is "an import is not possible" 7 cli definitions import --force "$(set_of 5)"
	t_like "with the reason" "$t_output" 'No space left'
	t_is "and nothing has changed" "$(generation) $(version_that_answers)" "$serving 6"
	instance_stop
else
	t_skip "read-only and full disks" "no mount namespaces here"
fi

# ---- one at a time ---------------------------------------------------------------------------------------------------
python3 - "$store/custom/big.ndb" <<'EOF'
import random, sys
chance = random.Random(3)
with open(sys.argv[1], "w") as file:
    for i in range(120000):
        file.write(f"Big.{i}:0:*:{chance.randbytes(12).hex()}\n")
EOF
instance_start_ok "the connector starts"
cli definitions import --force "$(set_of 5)" >"$AMP_TMP/first" 2>&1 &
first=$!
t_ok "an import takes its time" wait_for 10 eval 'cli definitions list | grep -q "Under way: an import: trial"'
t_exit_is "a second one meanwhile is refused" 6 cli definitions import --force "$(set_of 3)"
t_like "and is told why" "$t_output" 'an import of definitions is under way'
t_exit_is "a rollback, too" 6 cli definitions rollback
t_like "and is told the same" "$t_output" 'an import of definitions is under way'
wait "$first"
t_is "the first one serves" "$? $(version_that_answers)" "0 5"
