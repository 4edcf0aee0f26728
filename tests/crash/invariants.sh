#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The rules that the crash suite judges by, on sound and on broken histories: tests/crash/invariants_test.py.
. "${AMP_SRC:-.}/tests/lib.sh"

python3 -B "$AMP_SRC/tests/crash/invariants_test.py"
