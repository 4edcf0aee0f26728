#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Trials that lie: the process that tries a set was taken over by it and says that all is well. Its word is held against what was staged; what it
# cannot be caught at is not looked for here (docs/design/0005).
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
[ -x "$t_support/hostile_scansvc" ] || t_skip_all "no hostile_scansvc: configure the build with -Dtests=true"
instance_new trial || exit 1
mkdir "$amp_private/bin"
cp "$t_support/hostile_scansvc" "$amp_private/bin/service"
instance_set scan_service "'$amp_private/bin/service'"
instance_set definitions_root "'$amp_private/store'"
plan() { printf '%s\n' "$1" >"$amp_private/bin/plan.new" && mv -f "$amp_private/bin/plan.new" "$amp_private/bin/hostile.plan"; }
plan honest
instance_start_ok "the connector starts, with a scan service of the tests"
printf 'whatever it is\n' >"$amp_private/test.cvd" # the stand-in reads nothing
is_put_away() { [ -z "$(find "$amp_private/store/staging" "$amp_private/store/generations" -mindepth 1)" ]; }

for lie in canary silent custom twice stranger database sum flood; do
	plan "trial-$lie"
	t_exit_is "$lie: the set is rejected" 7 cli definitions check "$amp_private/test.cvd"
	t_like "$lie: as the end of a trial that broke the protocol" "$t_output" 'the trial broke the protocol'
	t_ok "$lie: nothing is left behind" wait_for 5 is_put_away
done
plan honest
t_exit_is "one that speaks of the set as it is passes" 0 cli definitions check "$amp_private/test.cvd"
t_ok "the daemon is the same" kill -0 "$amp_pid"
[ "$t_failed" -eq 0 ]
