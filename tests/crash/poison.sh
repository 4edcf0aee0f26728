#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Poison files among good ones: tests/crash/poison.py.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/crash/crash.bash"

crash_run poison.py "$@"
