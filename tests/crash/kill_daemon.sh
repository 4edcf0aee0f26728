#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kill -9 of the daemon under load: tests/crash/kill_daemon.py. AMP_KILLS=200 is the whole proof; AMP_SEED another run.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/crash/crash.bash"

crash_run kill_daemon.py "${AMP_KILLS:-20}" "${AMP_SEED:-1}"
