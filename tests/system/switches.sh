#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Definitions are switched again and again under full load: nothing is lost, nothing fails, each verdict is that of the generation that it names,
# and at no moment is there nobody who takes jobs.
# AMP_SWITCHES: how many (10).
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/store.sh"

need_root
need_test_data
n_switches=${AMP_SWITCHES:-10}
facts=$AMP_TMP/facts
store_new switches || exit 1
instance_start_ok "the connector starts"

fact() { sed -n "s/^$1 //p" "$facts"; } # NAME

run() {
	timeout 500 python3 -B "$AMP_SRC/tests/support/switch_run.py" --socket "$amp_socket" --ampcli "$AMP_BUILD/ampcli/ampcli" \
		--load "$t_support/steady_load" --log "$amp_private/log/ampdaemon.log" --samples "$AMP_TEST_DATA/samples" --work "$AMP_TMP" \
		--switches "$n_switches" "5=$(set_of 5)" "6=$(set_of 6)" >"$facts"
}

pid=$(field pid)
t_ok "$n_switches switches under load" run
t_is "each of them happened" "$(fact switches)" "$n_switches"
t_ok "files were scanned all the time" test "$(fact files)" -gt $((n_switches * 64))
t_is "each of them is answered" "$(fact unanswered)" 0
t_is "with a judgement: none failed, none is an error" "$(fact not_judged)" 0
t_is "by a generation that was imported" "$(fact generation_unknown)" 0
t_is "no file is CLEAN that the generation named with it finds" "$(fact false_clean)" 0
t_is "none is INFECTED that it does not find" "$(fact false_alarm)" 0
t_is "each generation has answered" "$(fact generations_silent)" 0
t_is "without switches all is the same" "$(fact wrong_at_rest)" 0
t_is "at no moment was there nobody who takes jobs" "$(fact gap_ms)" 0
t_like "no worker and no service has died of it" "$(field scan_service.failures)" '^\{("[^"]+":0,?)+\}$'
t_is "the daemon is the same" "$(field pid)" "$pid"
t_is "and it is well" "$(field mode)" Normal
t_note "longest time without an answer: $(fact silence_ms) ms with switches ($(fact silence_at_changes_ms) ms at the changes), $(fact silence_at_rest_ms) ms without"
t_note "files a second: $(fact rate) with switches, $(fact rate_at_rest) without; $(fact seconds_each) s for each switch"
