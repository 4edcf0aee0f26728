#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Busy workers are killed while they scan (SIGSEGV, SIGKILL, SIGSYS, and SIGSTOP, which only the deadline ends): each file has
# exactly one answer, no infected one is CLEAN, each kill is counted and journalled once, the daemon grows by nothing.
# AMP_KILLS kills (default 120) in five times as many scans; the whole proof is AMP_KILLS=1000. AMP_SEED: another run.
# shellcheck disable=SC2016,SC2119 # evaluated later on purpose; arguments have defaults
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
kills=${AMP_KILLS:-120}
scans=$((kills * 5))
seed=${AMP_SEED:-1}
growth_kib=4096 # of the daemon over the whole run: the page cache of SQLite fills to 2 MiB as the journal grows

make_clean_files() {
	local i
	clean=$AMP_TMP/clean
	mkdir "$clean" || return 1
	for i in $(seq 20); do
		head -c $((i * 20000)) /dev/urandom >"$clean/random-$i"
	done
	# One that takes the engine a while: there are moments to be killed in.
	tar -C "$AMP_SRC" -czf "$clean/tree.tar.gz" shared ampdaemon
}

drive() { # SCANS KILLS SEED
	timeout 1800 "$t_support/kill_driver" "$amp_socket" "$1" "$2" "$3" "$t_testfiles" "$clean" >"$AMP_TMP/driver" 2>&1
}

value() { sed -n "s/^$1=//p" "$AMP_TMP/driver"; }

daemon_fds() { find "/proc/$amp_pid/fd" -mindepth 1 | wc -l; }

daemon_rss() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$amp_pid/status"; }

all_spare() {
	[ "$(field scan_service.workers | grep -c '"state":"spare"')" = 3 ] && [ "$(field scan_service.workers | wc -l)" = 3 ]
}

spread() { # NAME
	printf '%s: p50 %s us, p99 %s us, max %s us (n = %s)' "$1" "$(value "$1_p50")" "$(value "$1_p99")" "$(value "$1_max")" "$(value "$1_n")"
}

instance_new kills && instance_define && make_clean_files && instance_set scan_workers 2 || exit 1
# Far above what a file takes on a loaded machine: who misses it was stopped.
instance_set scan_timeout_ms "${AMP_KILL_DEADLINE_MS:-4000}"
# The ladder out of reach: a replaced service and a restart are the crash suite's; here each worker's death is one.
instance_set failure_limit 1000 && instance_set replace_limit 1000
instance_start_ok
t_ok "the driver warms the daemon up" drive 400 40 7
t_ok "quiet before the run" wait_for 20 all_spare
fds_before=$(daemon_fds) rss_before=$(daemon_rss)

if drive "$scans" "$kills" "$seed"; then
	t_pass "the run of $scans scans ends"
else
	t_fail "the run of $scans scans ends" "$(cat "$AMP_TMP/driver")" "$(tail -n 5 "$amp_private/daemon.output")"
fi
t_note "seed $seed: $(grep -E '^(sent|kills|clean|infected|failed|error|incomplete|in_hand|lost_kills|ms)=' "$AMP_TMP/driver" | tr '\n' ' ')"
t_is "as many workers were killed as asked for" "$(value kills)" "$kills"
t_is "each file has an answer" "$(value answered)" "$(value sent)"
t_is "none has two" "$(value twice)/$(value unknown)" 0/0
t_is "no infected file is CLEAN" "$(value false_clean)" 0
t_is "the status counts each kill" "$(value counted)" "$kills"
t_is "the journal has each kill exactly once" "$(value events_exactly_one)" "$kills"
t_is "the journal names the signal of each" "$(value wrong_signal)" 0
t_is "no worker failed that was not killed" "$(value strangers)" 0
[ "$(value wrong_signal)" = 0 ] || grep wrong_signal_was "$AMP_TMP/driver" | sed "s/^/# /"
t_note "$(spread handover_us)"
t_note "$(spread kill_to_answer_us)"

t_ok "quiet after the run" wait_for 20 all_spare
t_is "the daemon has as many descriptors as before" "$(daemon_fds)" "$fds_before"
rss_after=$(daemon_rss)
if [ $((rss_after - rss_before)) -le "$growth_kib" ]; then
	t_pass "the daemon has not grown"
else
	t_fail "the daemon has not grown" "$rss_before KiB before, $rss_after KiB after"
fi
t_note "daemon: $fds_before descriptors, $rss_before KiB before, $rss_after KiB after"
scan_count "$t_testfiles"
apart=$(grep -ac '"reason":"unscannable"' "$t_lines")
t_is "afterwards all are INFECTED, but for those that were hit twice" "$((v_infected + apart))" "$(find "$t_testfiles" -type f | wc -l)"
t_ok "it stops" instance_stop
