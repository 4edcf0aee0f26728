#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A user's own file system (FUSE) that never lets anybody close its file, and a restart in place: exec waits for each thread, so a daemon
# that let go of everything first would be gone for good. The clients are sent away, the close hangs, and they are taken back.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
instance_new held && instance_define
instance_start_ok
mkdir "$AMP_TMP/mount"
one_is_held() { [ -n "$(find "/proc/$amp_pid/fd" -lname '*/f' 2>/dev/null)" ]; }
said() { grep -q "$1" "$amp_private/daemon.output"; }
is_asked_again() { said "the restart is tried again"; }
has_gone_on() { said "goes on in place"; }

# The workers are stopped so that none takes the file out of the daemon's hands.
wait_for 20 instance_is_ready
stopped=$(workers)
for pid in $stopped; do kill -STOP "$pid"; done
"$t_support/held_file" --allow-other "$AMP_TMP/mount" "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" scan custom --cross --all \
	--json "$AMP_TMP/mount/f" >"$AMP_TMP/held.waiting" 2>&1 &
server=$!
t_cleanup "is_gone $server || kill -KILL $server"
if ! wait_for 10 one_is_held; then
	if is_gone "$server"; then wait "$server"; [ $? != 77 ] || t_skip_all "FUSE cannot be mounted here"; fi
	t_fail "the daemon holds a file that cannot be closed" "$(cat "$AMP_TMP/held.waiting")"
	exit 1
fi
cli restart >"$AMP_TMP/restart.output" 2>&1
t_ok "the restart is called off for now" wait_for 10 is_asked_again
t_is "the image is the same" "$(grep -c 'goes on in place' "$amp_private/daemon.output")" 0
t_ok "the daemon answers" timeout 5 "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" status
kill -KILL "$server" # the mount goes with its namespace, and with it what was held
t_ok "then the restart takes place" wait_for 15 has_gone_on
for pid in $stopped; do kill -CONT "$pid"; done
scan_count "$t_testfiles"
t_is "files are scanned" "$((v_infected > 0 && v_infected == v_files))" 1
t_is "in the same process" "$(cat "$amp_private/run/ampdaemon.pid")" "$amp_pid"
t_is "no try ended the daemon" "$(grep -c 'the restart in place failed' "$amp_private/daemon.output")" 0
t_ok "it stops when asked" instance_stop 20
