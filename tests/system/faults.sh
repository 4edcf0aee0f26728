#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Zero false CLEAN: 44 infected files are scanned while the temporary storage, descriptors, memory or libc fail under the
# real scan service. Each may end as INFECTED, ERROR, INCOMPLETE or FAILED, none as CLEAN; and when the fault is gone, all 44
# are INFECTED again without anybody's help.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
fault=$t_support/ns_fault
heal_limit=40 # seconds; a storage that is gone costs a new scan service
n_files=$(find "$t_testfiles" -type f | wc -l)
temp_bytes=4194304 temp_inodes=2000
uid=$(id -u cisco-amp-scan-svc 2>/dev/null || echo 0) gid=$(id -g cisco-amp-scan-svc 2>/dev/null || echo 0)

service() { field scan_service.pid; }

break_temp() { "$fault" "$(service)" "$1" "$temp_bytes" "$temp_inodes" "$uid" "$gid"; }

is_whole() {
	scan_count "$t_testfiles"
	[ "$v_infected" = "$n_files" ] && [ "$v_files" = "$n_files" ]
}

judge() { # NAME: of the scan that is in $t_lines
	local seen=$((v_infected + v_error + v_incomplete + v_failed))
	t_note "$1: $v_text"
	if [ "$v_clean" = 0 ] && [ "$seen" = "$n_files" ] && [ "$v_files" = "$n_files" ]; then
		t_pass "$1: no file of $n_files is CLEAN, each has its answer"
	else
		t_fail "$1: no file of $n_files is CLEAN, each has its answer" "$v_text, in the summary $v_files" \
			"$(grep -a '"CLEAN"\|NOT_SCANNED' "$t_lines" | head -n 5)" "$(cat "$t_lines.error")"
	fi
}

heals() { # NAME
	local begin
	begin=$(date +%s%N)
	if wait_for "$heal_limit" is_whole; then
		t_pass "$1: heals by itself"
		t_note "$1: whole again after $((($(date +%s%N) - begin) / 1000000)) ms, scan service starts: $(field scan_service.starts)"
	else
		t_fail "$1: heals by itself" "$v_text" "$(tail -n 8 "$amp_private/daemon.output")"
	fi
}

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

# Jobs may wait for a worker as long as the fault is there: it is taken away after 4 seconds.
scan_here() { # NAME REPAIR
	(sleep 4 && eval "$2") >/dev/null 2>&1 &
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
	for n in 4 5 6 7 8 10 12 16; do while_running "RLIMIT_NOFILE $n" "limit_workers --nofile=$n" "unlimit_workers nofile"; done
	for n in 0 262144 1048576 4194304; do
		while_running "RLIMIT_AS + $n" "limit_address_space $n" "unlimit_workers as"
	done
	before_start "RLIMIT_FSIZE 2000" "limit_parent --fsize=2000" "limit_parent --fsize=$temp_bytes"
	for n in 8 12; do
		before_start "RLIMIT_NOFILE $n" "limit_parent --nofile=$n" "limit_parent --nofile=1024"
	done
}

# ---- libc fails ------------------------------------------------------------------------------------------------------

calls=(open mkdir write read opendir stat seek unlink mmap) # enum fault_call of fault_preload.c

control() { # CALL EVERY ERROR; "none 0 0" for none
	python3 - "$amp_private/fault/control" "$@" "${calls[@]}" <<'PYTHON'
import struct, sys
path, call, every, error, *calls = sys.argv[1:]
with open(path, "r+b") as file:
    file.write(struct.pack("=%dI" % (len(calls) + 2), *[int(every) if name == call else 0 for name in calls], int(error), 0))
PYTHON
}

failed_calls() {
	python3 -c 'import struct, sys; print(struct.unpack("=11I", open(sys.argv[1], "rb").read())[10])' "$amp_private/fault/control"
}

libc_fault() { # CALL EVERY ERROR
	local name="libc: each ${2}th $1 fails with errno $3" hits
	control "$1" "$2" "$3"
	(sleep 4 && control none 0 0) &
	local repair=$!
	scan_count "$t_testfiles"
	hits=$(failed_calls)
	kill "$repair" 2>/dev/null
	control none 0 0
	judge "$name ($hits times)"
	[ "$hits" -gt 0 ] || t_note "$name: never called"
	heals "$name"
}

libc_instance() {
	instance_new libc && mkdir "$amp_private/fault" || return 1
	cp "$t_support/fault_service" "$t_support/fault_preload.so" "$amp_private/fault/" || return 1
	chmod 0755 "$amp_private/fault/fault_service"
	printf '%s\n' "$AMP_BUILD/ampscansvc/ampscansvc" >"$amp_private/fault/service"
	head -c 44 /dev/zero >"$amp_private/fault/control"
	instance_define && instance_set scan_service "'$amp_private/fault/fault_service'" || return 1
	instance_set scan_workers 2
}

# 0: a short write or read; 5 EIO, 12 ENOMEM, 24 EMFILE, 28 ENOSPC, 30 EROFS
libc_faults() {
	local every
	for every in 1 2 5; do
		libc_fault open $every 24
		libc_fault mkdir $every 28
		libc_fault write $every 28
		libc_fault read $every 5
		libc_fault mmap $every 12
	done
	for every in 3 17; do
		libc_fault open $every 30
		libc_fault write $every 0
		libc_fault read $every 0
		libc_fault opendir $every 24
		libc_fault stat $every 5
		libc_fault seek $every 5
		libc_fault unlink $every 5
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
libc_instance || exit 1
instance_start_ok "the connector starts with a libc that can fail"
t_ok "healthy: $n_files of $n_files INFECTED, libc interposed" is_whole
libc_faults
instance_stop
