#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Updater or daemon killed at any moment of an update - copies into incoming/, download, hand-over, trial, switch: what serves is a proved set, old or
# new, by its samples; nothing is left of the rest; the next update is taken. AMP_KILLS: how many (12). AMP_SEED: of the moments.
# shellcheck disable=SC2016 # evaluated later on purpose
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/store.sh"
. "$AMP_SRC/tests/support/mirrors.sh"

need_root
need_test_data
need_updater
kills=${AMP_KILLS:-12}
RANDOM=${AMP_SEED:-4}
mirror_start one
store_new kills && mirrors_of "$mirror_port" && instance_set probation_ms 1000 || exit 1
start
t_exit_is "a first set" 0 cli definitions import "$(set_of 3)"

is_sound() { # VERSIONS that may answer
	local version
	version=$(version_that_answers)
	[[ " $1 " == *" $version "* ]] || { echo "version $version answers"; return 1; }
	[ "$(field definitions.builtin)" = false ] || { echo "the built-in set serves"; return 1; }
	wait_for 10 nothing_is_staged || { echo "something is staged"; return 1; }
	wait_for 10 nothing_is_left || { echo "left: $(left)"; return 1; }
	[ -z "$(updater_pid)" ] || { echo "an updater lives"; return 1; }
	wait_for 5 eval '[ "$(link_of active)" = "$(generation)" ]' || { echo "active leads to $(link_of active), $(generation) serves"; return 1; }
}

# The moments are those of an update, however long one takes on this machine.
ms_now() { echo "$(($(date +%s%N) / 1000000))"; }
serve one 6
began=$(ms_now)
t_exit_is "an update that nobody disturbs" 0 defupdate
span=$(($(ms_now) - began + 1))

told=''
updaters=0
daemons=0
midway=0
for ((i = 0; i < kills; i++)); do
	serve one 6
	[ $((i % 2)) -eq 0 ] || rm -f "$AMP_TMP/one"/*.cdiff # whole files are another way
	[ "$(version_that_answers)" = 3 ] || cli definitions import --force "$(set_of 3)" >/dev/null 2>&1
	defupdate >/dev/null 2>&1 &
	client=$!
	if [ $((i % 3)) -eq 0 ]; then
		for ((look = 0; look < 200; look++)); do pid=$(updater_pid) && break; done # it lives for some ten milliseconds
		sleep "0.$(printf '%03d' $((RANDOM % 20)))"
		kill_pid "$pid" KILL 2>/dev/null && updaters=$((updaters + 1))
		wait "$client" 2>/dev/null
	else
		moment=$((RANDOM % span))
		sleep "$((moment / 1000)).$(printf '%03d' $((moment % 1000)))"
		kill_pid "$amp_pid" KILL 2>/dev/null
		wait_for 10 is_gone "$amp_pid"
		wait "$client" 2>/dev/null || midway=$((midway + 1)) # it lost its daemon; else it had its answer
		daemons=$((daemons + 1))
		start
	fi
	problem=$(is_sound "3 6") || told="$told $i: $problem;"
done 2>/dev/null
t_is "after each of $kills kills a proved set serves, and nothing else is there" "$told" ""
t_note "an update takes $span ms; $updaters updaters were caught alive, $midway of $daemons daemons had not answered yet"
t_ok "daemons were killed in the midst of it" [ $((4 * midway)) -ge "$daemons" ]
t_ok "and updaters" [ "$updaters" -gt 0 ]
t_is "the journal is whole" "$(field journal.error)" ""
serve one 6
t_exit_is "and the next update is taken" 0 defupdate
t_is "and answers" "$(version_that_answers)" 6
t_is "no fault is active" "$(field mode)" Normal
