#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Account deleted, group deleted, shell changed, a directory made 0777, all while running: tests/crash/account.py.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/crash/crash.bash"

crash_run account.py "$@"
