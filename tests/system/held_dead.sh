#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A user's own file system (FUSE) that never lets the daemon close its file, and a daemon that is killed meanwhile: it is dead, but its
# thread in the kernel keeps the process, its descriptors and its lock. Another daemon takes its place all the same.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
instance_new held && instance_define
instance_start_ok
mkdir "$AMP_TMP/mount"
is_held() { grep -q "^held" "$AMP_TMP/held.output"; }
has_service() { [ "$(grep -c 'scan service .* is ready' "$amp_private/daemon.output")" = 2 ]; }
hold() { # a close in the daemon
	"$t_support/held_file" "$AMP_TMP/mount" "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" scan custom --cross --all --json \
		"$AMP_TMP/mount/f" >"$AMP_TMP/held.output" 2>&1 &
	server=$!
	t_cleanup "is_gone $server || kill -KILL $server"
	wait_for 10 is_held
}

if ! hold; then
	if is_gone "$server"; then wait "$server"; [ $? != 77 ] || t_skip_all "FUSE cannot be mounted here"; fi
	t_fail "the file is closed by somebody" "$(cat "$AMP_TMP/held.output")"
	exit 1
fi
first=$amp_pid
kill -KILL "$first"
sleep 0.5
t_is "the dead one cannot go" "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$first/status")" Z
instance_launch
# Nobody connects before: it would be to the socket of the dead one, which nobody closes.
t_ok "another takes its place" wait_for 20 has_service
t_ok "and answers" wait_for 10 instance_is_ready
t_is "and its pid file" "$(cat "$amp_private/run/ampdaemon.pid")" "$amp_pid"
"$AMP_BUILD/ampdaemon/ampdaemon" --config "$amp_private/etc/ampdaemon.yaml" --foreground >"$AMP_TMP/third.output" 2>&1 </dev/null
t_is "a third one finds that lock taken" "$(grep -c 'another ampdaemon runs' "$AMP_TMP/third.output")" 1
scan_count "$t_testfiles"
t_is "files are scanned" "$((v_infected > 0 && v_infected == v_files))" 1
kill -KILL "$server"
t_ok "it stops when asked" instance_stop 20
