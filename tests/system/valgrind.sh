#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The daemon under valgrind's memcheck: scans, deaths of a worker and of the service, a client that leaves, stop. No error, no
# leak. The scan service runs beside it as it is. valgrind_shim.so stands for the system calls that valgrind 3.19 lacks.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
command -v valgrind >/dev/null || t_skip_all "valgrind is not installed"
n_files=$(find "$t_testfiles" -type f | wc -l)
log=$AMP_TMP/valgrind.log

all_are_found() {
	scan_count "$t_testfiles"
	[ "$v_infected" = "$n_files" ]
}

under_valgrind() {
	instance_launch env "LD_PRELOAD=$t_support/valgrind_shim.so" valgrind --tool=memcheck --trace-children=no \
		--leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
		--error-exitcode=99 --log-file="$log"
}

instance_new valgrind && instance_define && instance_set scan_workers 1 || exit 1
under_valgrind
if ! wait_for 60 instance_is_ready; then
	grep -q 'unhandled .* syscall' "$log" && t_skip_all "this valgrind knows too few system calls: $(grep -m1 unhandled "$log")"
	t_fail "the connector starts under valgrind" "$(tail -n 10 "$amp_private/daemon.output")"
	exit 1
fi
t_pass "the connector starts under valgrind"
t_ok "all test files are found" all_are_found
t_ok "the status" cli status
kill_pid "$(workers | head -n 1)" SEGV
t_ok "a worker dies: all are found" all_are_found
kill_pid "$(field scan_service.pid)" KILL
t_ok "the service dies: all are found" all_are_found
timeout --signal=KILL 0.3 "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" scan custom "$AMP_SRC/shared" >/dev/null 2>&1
t_ok "a client is killed: all are found" all_are_found
t_ok "the history" cli history list --json
t_ok "it stops" instance_stop 60
wait "$amp_pid"
t_is "exit status: neither an error nor a leak" "$?" 0
t_like "valgrind's own words" "$(cat "$log")" 'ERROR SUMMARY: 0 errors from 0 contexts'
t_is "no byte is lost" "$(grep -cE '(definitely|indirectly) lost: 0 bytes|no leaks are possible' "$log" | sed 's/^1$/2/')" 2
[ "$t_failed" = 0 ] || sed 's/^/# /' "$log" | head -n 60
