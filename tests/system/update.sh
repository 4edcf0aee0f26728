#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Definitions from mirrors on a real connector: checked by command and by itself, taken by differences, rejected and not asked for again, with what was
# learnt of mirrors kept over restarts. What an updater makes of a mirror is tests/shell/updater.sh's.
# shellcheck disable=SC2016 # evaluated later on purpose
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/store.sh"
. "$AMP_SRC/tests/support/mirrors.sh"

need_root
need_test_data
need_updater

count_events() { event_names 200 | grep -c "^$1\$"; }
last_reason() { cli history list --json --limit 50 | grep "\"name\":\"$1\"" | head -n 1 | sed 's/.*"reason":"\([^"]*\)".*/\1/'; } # EVENT

mirror_start one
one=$mirror_port
mirror_start two
two=$mirror_port
store_new update && mirrors_of "$one" "$two" && instance_set probation_ms 2000 && instance_set max_definition_age_ms 3153600000000 || exit 1

# ---- the way of definitions ------------------------------------------------------------------------------------------

serve one 3 && serve two 3
start
t_ok "who never had definitions is told that they are out of date" wait_for 10 eval '[ "$(count_events "Definitions Out Of Date")" = 1 ]'
t_like "with the reason" "$(last_reason "Definitions Out Of Date")" 'none were ever installed'
t_like "and the status says so" "$(cli status)" 'out of date: none were ever installed'
t_exit_is "an update" 0 defupdate
t_is "serves when it returns" "$(generation) $(version_that_answers)" "10 3"
t_is "then they are up to date" "$(count_events "Definitions Up To Date")" 1
t_ok "nothing is left of it" wait_for 5 nothing_is_left
forget_requests one two
serve one 6
t_exit_is "version 3 becomes 6" 0 defupdate
t_is "which answers" "$(version_that_answers)" 6
t_is "by differences" "$(asked one 'test.cvd - whole') $(asked one cdiff)" "0 3"
t_is "of the first mirror" "$(asked two .)" 0
six=$(generation)
service=$(field scan_service.pid)
t_exit_is "a second update finds nothing" 0 defupdate
t_like "and says so" "$t_output" '"nothing-new"'
t_is "what serves is the same" "$(generation) $(field scan_service.pid)" "$six $service"
t_is "no check has failed" "$(count_events "Definition Update Failed")" 0

# ---- mirrors that fail -----------------------------------------------------------------------------------------------

behave one test.cvd status:404
behave two test.cvd status:500
t_exit_is "mirrors without definitions" 2 defupdate
t_is "are one event" "$(count_events "Definition Update Failed")" 1
t_like "which names database, mirror and outcome" "$(last_reason "Definition Update Failed")" "test from http://127.0.0.1:($one|$two): the mirror (answers with an error|does not have it)"
behave one test.cvd status:429:3600 && behave two test.cvd status:403
t_exit_is "mirrors that want to be left alone" 2 defupdate
t_exit_is "are" 6 defupdate
t_like "which is said" "$t_output" 'left alone'
forget_requests one two
t_exit_is "a restart in place" 0 cli restart
t_ok "goes on" wait_for 20 instance_is_ready
t_exit_is "does not make it forgotten" 6 defupdate
instance_stop
start
t_exit_is "nor does a stop" 6 defupdate
t_is "nobody was asked" "$(asked one .) $(asked two .)" "0 0"

# ---- what is rejected ------------------------------------------------------------------------------------------------

again() { # NAME: an empty store, and mirrors of whom nothing is known
	instance_stop
	store_new "$1" && mirrors_of "$one" "$two" && instance_set probation_ms 60000
}
again rejected || exit 1
serve one 2 && serve two 2
start
t_exit_is "a set without signatures is rejected" 7 defupdate
t_like "with the reason" "$t_output" 'no signature'
t_is "the built-in set serves" "$(field definitions.builtin)" true
forget_requests one two
t_exit_is "the second mirror has it as well" 7 defupdate
forget_requests one two
t_exit_is "and neither is asked for it again" 2 defupdate
t_like "which is said" "$t_output" '"known-bad"'
t_is "only for the beginning of it" "$(asked one whole) $(asked two whole)" "0 0"
kill_pid "$amp_pid" KILL
wait_for 10 is_gone "$amp_pid"
start
forget_requests one two
t_exit_is "a daemon that was killed knows it, too" 2 defupdate
t_is "and does not fetch it" "$(asked one whole) $(asked two whole)" "0 0"
serve one 5 && serve two 6
t_exit_is "a newer one is taken" 0 defupdate
t_like "and serves" "$(version_that_answers)" '^[56]$'
t_exit_is "what is rolled back" 0 cli definitions import --force "$(set_of 3)"
t_is "goes" "$(version_that_answers)" 3

# ---- whatever a mirror does ------------------------------------------------------------------------------------------

again whatever && mirrors_of "$one" && instance_set max_definition_bytes 1048576 || exit 1
start
# From version 3, with a mirror that has 6 and misbehaves: what came of it, and which version serves then.
whatever() { # NAME STATUS OUTCOME VERSION COMMAND...
	local name=$1 status=$2 outcome=$3 version=$4 said pid
	shift 4
	serve one 6
	cli definitions import --force "$(set_of 3)" >/dev/null 2>&1
	"$@"
	pid=$(field pid)
	said=$(defupdate)
	said="$? $(printf '%s' "$said" | sed 's/.*"outcome":"\([^"]*\)".*/\1/') $(version_that_answers) $(field pid)"
	if [ "$said" = "$status $outcome $version $pid" ] && wait_for 5 nothing_is_left && wait_for 5 nothing_is_staged; then
		t_pass "$name"
	else
		t_fail "$name" "got: $said; left: $(left)" "$(tail -n 4 "$amp_private/log/ampdaemon.log")"
	fi
}
of_mirror() { printf '%s\n' "$AMP_TMP/one/$1"; }
flip() { printf 'XX' | dd of="$(of_mirror "$1")" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
put() { cp "$AMP_TEST_DATA/$1" "$(of_mirror test.cvd)" && rm -f "$AMP_TMP/one"/*.cdiff; }
alone() { rm -f "$AMP_TMP/one"/*.cdiff && behave one test.cvd "$1"; }
whatever "a difference that is missing" 0 updated 6 rm -f "$(of_mirror test-5.cdiff)"
whatever "one that is damaged" 0 updated 6 flip test-5.cdiff 400
whatever "a short one" 0 updated 6 truncate -s 100 "$(of_mirror test-6.cdiff)"
whatever "a whole file that is cut" 2 cut 3 alone cut
whatever "one that ends too early" 2 damaged 3 alone short
whatever "one that never ends" 2 too-big 3 alone junk:300000000
whatever "a mirror that stops in the middle" 2 stalled 3 alone stall
whatever "an older version" 0 nothing-new 3 put test-2.cvd
whatever "a damaged file" 2 damaged 3 put damaged/flip-body-last.cvd
whatever "a file that is none" 2 damaged 3 put damaged/random.cvd
whatever "a web page" 2 damaged 3 put damaged/html.cvd
whatever "a server that is broken" 2 refused 3 alone status:500
whatever "another database under its name" 7 updated 3 put bytecode.cvd
whatever "which is not fetched again" 2 known-bad 3 put bytecode.cvd

# ---- what dies -------------------------------------------------------------------------------------------------------

again killed || exit 1
serve one 6 && rm -f "$AMP_TMP/two"/*
behave one test.cvd drip
start
(defupdate >"$AMP_TMP/said" 2>&1; echo $? >"$AMP_TMP/status") &
t_ok "a download goes on" wait_for 20 eval '[ -n "$(updater_pid)" ]'
wait_for 20 eval '[ "$(asked one whole)" -gt 0 ]'
kill_pid "$(updater_pid)" KILL
t_ok "an updater that is killed ends the check" wait_for 30 test -s "$AMP_TMP/status"
t_is "which has failed" "$(cat "$AMP_TMP/status")" 2
t_ok "and nothing is left" wait_for 10 nothing_is_left
forget_requests one two
(defupdate >"$AMP_TMP/said" 2>&1) &
wait_for 20 eval '[ "$(asked one whole)" -gt 0 ]'
kill_pid "$amp_pid" KILL
t_ok "a daemon that is killed takes its updater along" wait_for 10 eval '[ -z "$(updater_pid)" ]'
echo precious >"$AMP_TMP/precious"
mkdir -p "$store/incoming/tmp.1/deeper" && echo scratch >"$store/incoming/tmp.1/deeper/scratch" && mkfifo "$store/incoming/tmp.1/pipe"
ln -s "$AMP_TMP/precious" "$store/incoming/test.cvd" && ln -s "$AMP_TMP" "$store/incoming/tmp.1/link"
start
t_ok "and its next start takes away what was left" wait_for 10 nothing_is_left
t_is "but nothing that a link leads to" "$(cat "$AMP_TMP/precious")" precious
serve one 6
t_exit_is "then the definitions come" 0 defupdate
t_is "and answer" "$(version_that_answers)" 6

# ---- two at once -----------------------------------------------------------------------------------------------------

again both || exit 1
serve one 4
behave one test.cvd stall # for as long as a request may last
start
(defupdate >"$AMP_TMP/said" 2>&1; echo $? >"$AMP_TMP/status.both") &
wait_for 20 eval '[ "$(asked one whole)" -gt 0 ]'
t_exit_is "a second update at the same time is refused" 6 defupdate
t_like "and told why" "$t_output" 'another client waits'
t_exit_is "an import meanwhile is none of its business" 0 cli definitions import "$(set_of 3)"
t_ok "the update ends" wait_for 60 test -s "$AMP_TMP/status.both"
serve one 6 && serve two 6
(defupdate >"$AMP_TMP/said" 2>&1; echo $? >"$AMP_TMP/status.race") &
cli definitions import "$(set_of 5)" >"$AMP_TMP/imported" 2>&1
imported=$?
t_ok "an update and an import that meet both end" wait_for 60 test -s "$AMP_TMP/status.race"
t_is "the update well" "$(cat "$AMP_TMP/status.race")" 0
t_like "the import, too, or it is told of the update" "$imported $(cat "$AMP_TMP/imported")" '^0|^6.*an update of definitions is under way|^7.*older'
t_is "and the newest serves" "$(version_that_answers)" 6

# ---- by itself -------------------------------------------------------------------------------------------------------

again alone && instance_set update_retry_ms 1000 && instance_set update_retry_max_ms 1000 && instance_set update_interval_ms 1000 || exit 1
serve one 4 && serve two 4
start
t_ok "a first check is made without a command" wait_for 30 eval '[ "$(version_that_answers)" = 3 ]'
serve one 6 && serve two 6
t_ok "and others follow" wait_for 30 eval '[ "$(version_that_answers)" = 6 ]'
t_is "definitions of years ago are out of date all the same" "$(count_events "Definitions Out Of Date")" 1
t_like "which is said with their date" "$(cli status)" 'built 2021-06-2[23], [0-9]+ days ago; the limit is 3 days'
instance_stop
instance_set update_user amp-no-such-user
start
t_ok "without its account nobody is asked" wait_for 20 eval 'cli status | grep -q "no mirror is asked, because the updater has no sound account: user amp-no-such-user does not exist"'
