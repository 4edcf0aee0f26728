#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A user's own file system (FUSE) that never lets anybody close its file: the daemon and its workers go on, and a service
# that ends while the daemon holds such files is replaced.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
instance_new held && instance_define
instance_start_ok
mkdir "$AMP_TMP/mount"
held_by_nobody_else() { grep -q "^held" "$AMP_TMP/held.output"; }
workers_before=$(workers | tr '\n' ' ')
"$t_support/held_file" "$AMP_TMP/mount" "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" scan custom --cross --all --json \
	"$AMP_TMP/mount/f" >"$AMP_TMP/held.output" 2>&1 &
server=$!
t_cleanup "is_gone $server || kill -KILL $server"
if ! wait_for 10 held_by_nobody_else; then
	if is_gone "$server"; then wait "$server"; [ $? != 77 ] || t_skip_all "FUSE cannot be mounted here"; fi
	t_fail "the file is closed by somebody" "$(cat "$AMP_TMP/held.output")"
	exit 1
fi
t_is "the file gets an error, not a worker" "$(grep -ac '"verdict":"ERROR"' "$AMP_TMP/held.output")" 1
t_is "one close is held, the daemon's" "$(grep -c '^held' "$AMP_TMP/held.output")" 1
t_ok "the daemon answers" timeout 5 "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" status
t_is "the workers are the same" "$(workers | tr '\n' ' ')" "$workers_before"
scan_count "$t_testfiles"
t_is "others' files are scanned" "$((v_infected > 0 && v_infected == v_files))" 1
kill -KILL "$server" # the mount goes with its namespace, and with it what was held

# A file that root may see waits for a worker, in the daemon's hands. The workers are stopped so that none takes it out.
held_descriptors() { find "/proc/$amp_pid/fd" -lname '*/f' 2>/dev/null; }
one_is_held() { [ -n "$(held_descriptors)" ]; }
daemon_fd_below() { find "/proc/$amp_pid/fd" -mindepth 1 -not -lname /dev/null -printf '%f\n' | awk -v below="$1" '$1 > 2 && $1 < below'; }
is_replaced() { [ "$(field scan_service.pid)" != "$service" ] && instance_is_ready; }

wait_for 20 instance_is_ready
service=$(field scan_service.pid)
for pid in $(workers); do kill -STOP "$pid"; done
"$t_support/held_file" --allow-other "$AMP_TMP/mount" "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" scan custom --cross --all \
	--json "$AMP_TMP/mount/f" >"$AMP_TMP/held.waiting" 2>&1 &
server=$!
t_cleanup "is_gone $server || kill -KILL $server"
t_ok "the daemon holds a file that cannot be closed" wait_for 10 one_is_held
t_is "not with a number that a newborn service is given" "$(daemon_fd_below 64)" ""
kill_pid "$service" KILL
t_ok "the service is killed: another takes its place" wait_for 20 is_replaced
t_is "no newborn waits for the file to close" "$(grep -c 'hangs before the exec' "$amp_private/daemon.output")" 0
t_is "it has no descriptor of the file" "$(find "/proc/$(field scan_service.pid)/fd" -lname '*/f' | wc -l)" 0
kill -KILL "$server"
t_ok "it stops when asked" instance_stop 20
