#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Each kind of failure once, in the order of a seed, on the real programs under load; after each all invariants.
# usage: short.sh [SEED [KIND...]]; docs/testing.md has the kinds. AMP_SEED in the environment is another run of ./test.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/crash/crash.bash"

[ $# -gt 0 ] || set -- "${AMP_SEED:-1}"
crash_run short.py "$@"
