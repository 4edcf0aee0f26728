#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Zero false CLEAN: 44 infected files are scanned while the temporary storage, descriptors or memory fail under the real
# scan service. Each may end as INFECTED, ERROR, INCOMPLETE or FAILED, none as CLEAN; and when the fault is gone, all 44
# are INFECTED again without anybody's help.
# shellcheck disable=SC2016,SC2119 # evaluated later on purpose; arguments have defaults
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/fault_scan.sh"

need_root
need_test_data
fault=$t_support/ns_fault
temp_bytes=4194304 temp_inodes=2000
uid=$(id -u cisco-amp-scan-svc 2>/dev/null || echo 0) gid=$(id -g cisco-amp-scan-svc 2>/dev/null || echo 0)

service() { field scan_service.pid; }

break_temp() { "$fault" "$(service)" "$1" "$temp_bytes" "$temp_inodes" "$uid" "$gid"; }

# The workers that run meet the fault.
while_running() { # NAME BREAK REPAIR
	eval "$2" || { t_fail "$1: the fault can be put in"; return; }
	scan_here "$1, running" "$3"
}

# The workers that run are killed, so that new ones are born into the fault.
before_start() { # NAME BREAK REPAIR
	local pid
	eval "$2" || { t_fail "$1: the fault can be put in"; return; }
	for pid in $(workers); do kill_pid "$pid" KILL; done
	scan_here "$1, at birth" "$3"
}

# Jobs may wait for a worker as long as the fault is there: it is taken away after 3 seconds.
scan_here() { # NAME REPAIR
	(sleep 3 && eval "$2") >/dev/null 2>&1 &
	local repair=$!
	scan_count "$t_testfiles"
	if kill "$repair" 2>/dev/null; then eval "$2" || t_note "$1: could not be repaired"; fi
	wait "$repair"
	judge "$1"
	heals "$1"
}

# As the user of the service: who has the same user needs no capability, which root in a container may lack. Soft limits
# only: they can be raised again.
limit() { # PID OPTION
	setpriv --reuid "$uid" --regid "$gid" --clear-groups --inh-caps=-all prlimit --pid "$1" "$2"
}

limit_workers() { # OPTION
	local pid
	for pid in $(workers); do limit "$pid" "$1:" || return 1; done
}

# Back to the hard limit.
unlimit_workers() { # NAME as an option of prlimit
	local pid hard
	for pid in $(workers); do
		hard=$(prlimit --pid "$pid" "--$1" -o HARD --noheadings --raw) && limit "$pid" "--$1=$hard:"
	done
	return 0 # one that has ended meanwhile is no failure
}

limit_address_space() { # BYTES more than each worker has now
	local pid kib
	for pid in $(workers); do
		kib=$(sed -n 's/^VmSize:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
		limit "$pid" "--as=$((kib * 1024 + $1)):" || return 1
	done
}

limit_parent() { limit "$(service)" "$1:"; }

temp_faults() {
	local how
	for how in while_running before_start; do
		$how "temp closed to the user" "break_temp closed" "break_temp open"
		$how "temp unwritable" "break_temp unwritable" "break_temp open"
		$how "temp read-only" "break_temp read-only" "break_temp writable"
		$how "temp full in bytes" "break_temp full-bytes" "break_temp unfill"
		$how "temp full in inodes" "break_temp full-inodes" "break_temp unfill"
		$how "temp replaced" "break_temp replaced" true
	done
	while_running "temp unmounted" "break_temp unmounted" true
	while_running "temp missing" "break_temp missing" true
}

limit_faults() {
	local n
	for n in 0 2000 100000; do while_running "RLIMIT_FSIZE $n" "limit_workers --fsize=$n" "unlimit_workers fsize"; done
	for n in 4 6 8 10 12 16; do while_running "RLIMIT_NOFILE $n" "limit_workers --nofile=$n" "unlimit_workers nofile"; done
	for n in 0 262144 1048576 4194304; do
		while_running "RLIMIT_AS + $n" "limit_address_space $n" "unlimit_workers as"
	done
	before_start "RLIMIT_FSIZE 2000" "limit_parent --fsize=2000" "limit_parent --fsize=$temp_bytes"
	for n in 8 12; do
		before_start "RLIMIT_NOFILE $n" "limit_parent --nofile=$n" "limit_parent --nofile=1024"
	done
}

instance_new faults && instance_define && instance_set scan_workers 2 || exit 1
instance_set temp_bytes "$temp_bytes"
instance_set temp_inodes "$temp_inodes"
instance_start_ok
t_ok "healthy: $n_files of $n_files INFECTED" is_whole
temp_faults
limit_faults
instance_stop
