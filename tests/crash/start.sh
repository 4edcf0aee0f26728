#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The scan service does not start, for each cause: tests/crash/start.py. `start.sh long`: a hang in the load too.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/crash/crash.bash"

crash_run start.py "$@"
