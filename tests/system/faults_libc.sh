#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Zero false CLEAN, the second half: calls of libc fail inside the real scan service (fault_preload.so), now and then and always.
# 44 infected files, none of them CLEAN, and all of them INFECTED again when libc works.
# shellcheck disable=SC2016,SC2119 # evaluated later on purpose; arguments have defaults
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/fault_scan.sh"

need_root
need_test_data
calls=(open mkdir write read opendir stat seek unlink mmap) # enum fault_call of fault_preload.c

control() { # CALL EVERY ERROR; "none 0 0" for none
	python3 - "$amp_private/fault/control" "$@" "${calls[@]}" <<'PYTHON'
import struct, sys
path, call, every, error, *calls = sys.argv[1:]
words = [int(every) if name == call else 0 for name in calls] + [int(error)]
if call != "none":
    words.append(0) # how many were made to fail: counted from here
with open(path, "r+b") as file:
    file.write(struct.pack("=%dI" % len(words), *words))
PYTHON
}

failed_calls() {
	python3 -c 'import struct, sys; print(struct.unpack("=11I", open(sys.argv[1], "rb").read())[10])' "$amp_private/fault/control"
}

libc_fault() { # CALL EVERY ERROR
	local name="libc: each ${2}th $1 fails with errno $3" hits
	control "$1" "$2" "$3"
	(sleep 2 && control none 0 0) &
	local repair=$!
	scan_count "$t_testfiles"
	hits=$(failed_calls)
	kill "$repair" 2>/dev/null
	control none 0 0
	judge "$name ($hits times)"
	[ "$hits" -gt 0 ] || t_fail "$name: the fault bites" "no call was made to fail"
	heals "$name"
}

libc_instance() {
	instance_new libc && mkdir "$amp_private/fault" || return 1
	cp "$t_support/fault_service" "$t_support/fault_preload.so" "$amp_private/fault/" || return 1
	chmod 0755 "$amp_private/fault/fault_service"
	printf '%s\n' "$AMP_BUILD/ampscansvc/ampscansvc" >"$amp_private/fault/service"
	head -c 44 /dev/zero >"$amp_private/fault/control"
	instance_define && instance_set scan_service "'$amp_private/fault/fault_service'" || return 1
	instance_set scan_workers 2 && instance_set start_retry_ms 3000 # else each fault that outlasts three births costs a minute
}

# 0: a short write or read; 5 EIO, 12 ENOMEM, 24 EMFILE, 28 ENOSPC, 30 EROFS
libc_faults() {
	local every
	for every in 1 5; do
		libc_fault open $every 24
		libc_fault mkdir $every 28
		libc_fault write $every 28
		libc_fault read $every 5
		libc_fault mmap $every 12
	done
	libc_fault open 3 30
	libc_fault write 3 0
	libc_fault read 3 0
	libc_fault stat 3 5
	libc_fault opendir 3 24
	for every in 3 17; do # were CLEAN once: nobody looked at these two
		libc_fault seek $every 5
		libc_fault unlink $every 5
	done
}

libc_instance || exit 1
instance_start_ok "the connector starts with a libc that can fail"
t_ok "healthy: $n_files of $n_files INFECTED, libc interposed" is_whole
libc_faults
instance_stop
