#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A set that loads, passes the canaries and its trial, and then makes workers crash on ordinary files: it is taken back by itself, its digest is
# rejected, fault 6 comes and goes, and the journal tells it in order. Once with the restart of the connector that fault 6 brings, and once in
# the middle of a probation that a restart has interrupted.
# shellcheck disable=SC2016 # evaluated later on purpose
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/store.sh"
. "$AMP_SRC/tests/support/marked_set.sh"

need_root
need_test_data
store_new probation && marked_service && instance_set probation_ms 5000 && instance_set failure_window_ms 6000 &&
	instance_set calm_ms 1500 && instance_set replace_limit 1000 || exit 1
mkdir "$AMP_TMP/files"
for i in 1 2 3 4 5 6; do printf 'an ordinary file, number %s\n' "$i" >"$AMP_TMP/files/$i"; done
marked_set ':6:14:'
instance_start_ok "the connector starts"
t_exit_is "a set that serves well" 0 cli definitions import "$(set_of 5)"
good=$(generation)
t_ok "passes its probation" wait_for 20 eval '[ "$(link_of last-good)" = "$good" ]'
scan_count "$AMP_TMP/files"
t_is "files are clean with it" "$v_clean" 6
t_exit_is "a set that only crashes on files passes its trial" 0 cli definitions import "$(set_of 6)"
bad=$(generation)
t_ok "and serves" test "$bad" -gt "$good"
cli scan custom "$AMP_TMP/files" >/dev/null 2>&1 # its answers are another test's
t_ok "it is taken back by itself" wait_for 30 eval '[ "$(generation)" = "$good" ]'
t_ok "active leads to the good one" wait_for 5 eval '[ "$(link_of active)" = "$good" ]'
t_is "which answers" "$(version_that_answers)" 5
t_ok "the bad one goes from the disk" wait_for 10 eval '! [ -e "$store/generations/$bad" ]'
scan_count "$AMP_TMP/files"
t_is "the files are scanned again: what they failed with is gone" "$v_clean" 6
t_exit_is "its digest is rejected" 7 cli definitions import "$(set_of 6)"
t_like "for that reason" "$(cli definitions list)" 'scan workers failed too often with it'
t_ok "fault 6 is cleared" wait_for 30 has_no_fault 6
event_names 1000 >"$AMP_TMP/events"
story=$(grep -E '^(Definitions|Major Fault|Critical Fault|Fault Cleared|Connector Restarted)' "$AMP_TMP/events" | grep -A100 -m1 'Definitions Proved' | tr '\n' ',')
t_like "the journal tells it in order" "$story" \
	'^Definitions Proved,Definitions Staged,Definitions Accepted,Definitions Activated,Major Fault Raised,Definitions Rolled Back,(Connector Restarted,)?Definitions Activated,(Definitions Staged,)?(Definitions Rejected,)?Fault Cleared,'
t_ok "with the failures between" grep -q 'Scan Worker Failed' "$AMP_TMP/events"

# ---- a restart does not end a probation ------------------------------------------------------------------------------
marked_set ''
t_exit_is "another set, by force" 0 cli definitions import --force "$(set_of 6)"
again=$(generation)
marked_set ':6:14:'
kill_pid "$amp_pid" KILL
wait_for 10 is_gone "$amp_pid"
instance_start_ok "a daemon that was killed in the probation"
t_is "starts with the set" "$(generation)" "$again"
for i in 1 2 3 4 5 6; do printf 'a file of another kind, number %s\n' "$i" >"$AMP_TMP/files/$i"; done
cli scan custom "$AMP_TMP/files" >/dev/null 2>&1 # as above
t_ok "and takes it back as well" wait_for 30 eval '[ "$(generation)" = "$good" ]'
t_is "the good one answers" "$(version_that_answers)" 5
