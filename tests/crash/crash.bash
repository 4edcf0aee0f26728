# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# crash: starts a Python program of this directory in namespaces of its own. Sourced after tests/lib.sh.
# Owns: the namespaces (mounts, pids): whatever is mounted or started ends with them, also when the test is killed.

crash_run() { # PROGRAM ARGUMENTS...
	local program=$1
	shift
	[ "$(id -u)" = 0 ] || t_skip_all "needs root"
	[ -f "$AMP_TEST_DATA/test-6.cvd" ] || t_skip_all "AMP_TEST_DATA names no directory with test-6.cvd"
	[ -d /usr/share/clamav-testfiles ] || t_skip_all "/usr/share/clamav-testfiles is not installed (package clamav-testfiles)"
	unshare --mount --pid --fork true 2>/dev/null || t_skip_all "no namespaces here"
	# The shell is number 1 there and takes what is orphaned.
	unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
		sh -c '"$@"; exit $?' sh python3 -B "$AMP_SRC/tests/crash/$program" "$@"
}
