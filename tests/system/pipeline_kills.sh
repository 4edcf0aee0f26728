#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The daemon killed at any moment of an import - copying, trial, publication, switch, probation, rollback: the next start serves a proved set, old
# or new, by its samples; nothing is left of the rest. AMP_KILLS: how many (12). AMP_SEED: of the moments.
# shellcheck disable=SC2016 # evaluated later on purpose
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/store.sh"

need_root
need_test_data
kills=${AMP_KILLS:-12}
RANDOM=${AMP_SEED:-4}
store_new kills && instance_set probation_ms 1000 || exit 1
instance_start_ok "the connector starts"
t_exit_is "a first set" 0 cli definitions import "$(set_of 5)"
five=$(set_of 5) six=$(set_of 6)

# What must hold after any start.
is_sound() { # VERSIONS that may answer
	local version links
	version=$(version_that_answers)
	[[ " $1 " == *" $version "* ]] || { echo "version $version answers"; return 1; }
	[ "$(field definitions.builtin)" = false ] || { echo "the built-in set serves"; return 1; }
	wait_for 5 nothing_is_staged || { echo "something is staged"; return 1; }
	wait_for 5 eval '[ "$(link_of active)" = "$(generation)" ]' || { echo "active leads to $(link_of active), $(generation) serves"; return 1; }
	links=$(generations | wc -w)
	[ "$links" -le 4 ] || { echo "$links generations"; return 1; }
}

told=
for ((i = 0; i < kills; i++)); do
	target=$six && [ "$(version_that_answers)" = 6 ] && target=$five
	if [ $((i % 4)) -eq 3 ] && [ "$(generations | wc -w)" -gt 1 ]; then
		cli definitions rollback >/dev/null 2>&1 &
	else
		cli definitions import --force "$target" >/dev/null 2>&1 &
	fi
	client=$!
	sleep "0.$(printf '%03d' $((RANDOM % 260)))"
	kill_pid "$amp_pid" KILL 2>/dev/null
	wait_for 10 is_gone "$amp_pid"
	wait "$client" 2>/dev/null
	instance_start 60 || { told="$told $i: it does not start;"; break; }
	problem=$(is_sound "5 6") || told="$told $i: $problem;"
done 2>/dev/null
t_is "after each of $kills kills a proved set serves, and nothing else is there" "$told" ""
t_is "the journal is whole" "$(field journal.error)" ""
[ "$(version_that_answers)" = 6 ] && six=$five
t_exit_is "and the next import is taken" 0 cli definitions import --force "$six"
t_ok "it passes its probation" wait_for 20 eval '[ "$(link_of last-good)" = "$(generation)" ]'
t_ok "no more than what is kept stays" wait_for 10 eval '[ "$(generations | wc -w)" -le 3 ]'
t_is "no fault is active" "$(field mode)" Normal
