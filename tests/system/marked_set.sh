#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The tool of the probation's test is what it says: with a marked set the service comes up and its workers crash on files, and on nothing
# else; with the same stand-in and an unmarked set nothing crashes.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/marked_set.sh"

need_root
need_test_data
instance_new marked && instance_define && marked_service || exit 1
instance_set failure_limit 1000 # the crashes are looked at, not what is done about them
instance_set replace_limit 1000
instance_set definitions_root "'$amp_private/store'"
printf 'Some.Thing:0:*:deadbeefcafebabe00112233\n' >"$amp_private/definitions/own.ndb"
printf 'an ordinary file\n' >"$AMP_TMP/ordinary"
head -c 5000 /dev/zero >"$AMP_TMP/large"
marked_set Marked.Set
instance_start_ok "the connector starts with a stand-in, and no set is marked"
scan_count "$t_testfiles" "$AMP_TMP/ordinary"
t_is "no worker crashes" "$(marked_set_crashes)/$v_failed" 0/0
t_ok "what is infected is found" test "$v_infected" -gt 40
t_is "and what is not, is clean" "$v_clean" 1
instance_stop

printf 'Marked.Set:0:*:deadbeefcafebabe00112234\n' >>"$amp_private/definitions/own.ndb"
instance_start_ok "a marked set comes up, with its canaries"
t_exit_is "it passes a trial" 0 cli definitions check "$amp_private/definitions/own.ndb"
t_is "and nothing has crashed so far" "$(marked_set_crashes)" 0
scan_count "$AMP_TMP/ordinary" "$AMP_TMP/large"
t_is "each file crashes two workers" "$(marked_set_crashes)/$v_failed" 4/2
t_is "and the journal knows each" "$(cli history list --json 2>/dev/null | grep -c '"name":"Scan Worker Failed"')" 4
marked_set Marked.Set 5000
printf 'another ordinary file\n' >"$AMP_TMP/another"
scan_count "$AMP_TMP/another"
t_is "a size can be told below which files are spared" "$(marked_set_crashes)/$v_clean" 4/1
t_is "the service itself is the first one still" "$(field scan_service.starts)" 1
instance_stop

rm "$amp_private/definitions/own.ndb"
marked_set ':6:14:'
instance_start_ok "a signed container is marked by its header"
head -c 5001 /dev/zero >"$AMP_TMP/larger"
scan_count "$AMP_TMP/larger"
t_is "and workers crash" "$(marked_set_crashes)/$v_failed" 6/1
marked_set ''
instance_stop
instance_start_ok "without a marker the same set"
head -c 5002 /dev/zero >"$AMP_TMP/largest"
scan_count "$AMP_TMP/largest"
t_is "crashes nobody" "$(marked_set_crashes)/$v_clean" 6/1
[ "$t_failed" -eq 0 ]
