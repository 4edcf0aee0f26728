#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What `ampcli status` says of user, walls, workers, definitions and memory, compared with what the kernel says in /proc.
# shellcheck disable=SC2016,SC2119 # evaluated later on purpose; arguments have defaults
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
zero=0000000000000000

status_line() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' '; } # PID MEMBER

wall() { # NAME: its state as the status has it
	field walls | sed -n "s/.*\"name\":\"$1\",\"state\":\"\([a-z]*\)\".*/\1/p"
}

host_namespace() { [ "$(readlink "/proc/$1/ns/$2")" = "$(readlink "/proc/$$/ns/$2")" ]; }

all_walls_are_up() {
	t_is "$1: no wall that the status does not call up" "$(field walls | grep -vc '"state":"up"')" 0
	t_is "$1: it knows 17 walls" "$(field walls | wc -l)" 17
}

rights_of() { # NAME PID UID GID
	local set
	t_is "$1: all user ids" "$(status_line "$2" Uid)" "$3 $3 $3 $3"
	t_is "$1: all group ids" "$(status_line "$2" Gid)" "$4 $4 $4 $4"
	t_is "$1: no supplementary group" "$(status_line "$2" Groups | tr -d ' ')" ""
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do t_is "$1: $set is empty" "$(status_line "$2" $set)" $zero; done
	t_is "$1: no new privileges" "$(status_line "$2" NoNewPrivs)" 1
	t_is "$1: seccomp filters" "$(status_line "$2" Seccomp)" 2
}

namespaces_of() { # NAME PID
	local kind
	for kind in net ipc uts mnt pid cgroup; do
		if host_namespace "$2" $kind; then t_fail "$1: own $kind namespace"; else t_pass "$1: own $kind namespace"; fi
	done
	t_is "$1: it sees no interface but its own loopback, down" \
		"$(nsenter --net="/proc/$2/ns/net" ip -o link 2>/dev/null | grep -vc 'lo:.*state DOWN')" 0
	t_is "$1: the host's name is not known" "$(nsenter --uts="/proc/$2/ns/uts" uname -n)" amp
}

# Not dumpable: /proc/PID belongs to root although the process does not.
secrets_of() { # NAME PID
	t_is "$1: not dumpable" "$(stat -c %u "/proc/$2/environ")" 0
	t_is "$1: no environment" "$(tr -d '\0' <"/proc/$2/environ" | wc -c)" 0
	t_is "$1: no core dump" "$(sed -n 's/^Max core file size *\([0-9]*\) *\([0-9]*\).*/\1 \2/p' "/proc/$2/limits")" "0 0"
	t_is "$1: at most 1024 descriptors" "$(sed -n 's/^Max open files *\([0-9]*\) *\([0-9]*\).*/\1 \2/p' "/proc/$2/limits")" "1024 1024"
	t_is "$1: at most 512 processes" "$(sed -n 's/^Max processes *\([0-9]*\) *\([0-9]*\).*/\1 \2/p' "/proc/$2/limits")" "512 512"
	t_is "$1: files as large as the storage at most" \
		"$(sed -n 's/^Max file size *\([0-9]*\) *\([0-9]*\).*/\1 \2/p' "/proc/$2/limits")" "$temp_bytes $temp_bytes"
}

root_of() { # NAME PID
	local options
	t_is "$1: the root holds nothing else" "$(find "/proc/$2/root/" -mindepth 1 -maxdepth 1 -printf "%f\n" | sort | tr '\n' ' ')" "builtin definitions slot stage "
	options=$(awk '$5 == "/" { print $6 }' "/proc/$2/mountinfo" | tail -n 1)
	t_like "$1: the root is read-only" "$options" '(^|,)ro(,|$)'
	t_like "$1: the definitions are read-only" "$(awk '$5 == "/definitions" { print $6 }' "/proc/$2/mountinfo")" '(^|,)ro(,|$)'
	t_is "$1: no mount of the host" \
		"$(awk '{ print $5 }' "/proc/$2/mountinfo" | grep -vcE '^/($|builtin$|definitions$|stage$|slot/[0-9]{2}$)')" 0
	t_is "$1: all mounts without set-user-id, devices, programs" \
		"$(awk '{ print $6 }' "/proc/$2/mountinfo" | grep -vc 'nosuid,nodev,noexec')" 0
}

descriptors() { # PID: kinds, sorted
	local fd
	for fd in "/proc/$1/fd"/*; do printf '%s=%s\n' "${fd##*/}" "$(readlink "$fd" | sed 's/:.*//')"; done | sort -n | tr '\n' ' '
}

huge_kib() { awk '/^AnonHugePages:/ { sum += $2 } END { print sum + 0 }' "/proc/$1/smaps"; }

service_is_true() {
	local pid said
	pid=$(field scan_service.pid)
	t_is "the service is the daemon's child" "$(status_line "$pid" PPid)" "$amp_pid"
	t_is "its program" "$(readlink "/proc/$pid/exe" 2>/dev/null | sed 's| (deleted)$||')" "$AMP_BUILD/ampscansvc/ampscansvc"
	t_is "it is number 1 of its pid namespace" "$(status_line "$pid" NSpid | awk '{ print $NF }')" 1
	t_is "the user that the status names" "$(field scan_service.user)/$(field scan_service.uid)" "cisco-amp-scan-svc/$uid"
	rights_of service "$pid" "$uid" "$gid"
	namespaces_of service "$pid"
	secrets_of service "$pid"
	root_of service "$pid"
	t_like "service: descriptors are its channel, the null device and its children's signal" "$(descriptors "$pid")" \
		'^0=/dev/null 1=/dev/null 2=/dev/null 3=socket ([0-9]+=anon_inode )?$'
	said=$(($(field definitions.engine_huge_bytes) / 1024))
	t_is "huge pages as the status says" "$(($(huge_kib "$pid") >= said * 9 / 10))" 1
	t_note "engine on huge pages: status $said KiB, smaps $(huge_kib "$pid") KiB"
}

workers_are_true() {
	local pid service number=0 kib said
	service=$(field scan_service.pid)
	for pid in $(workers); do
		number=$((number + 1))
		t_is "worker $number is the service's child" "$(status_line "$pid" PPid)" "$service"
		rights_of "worker $number" "$pid" "$uid" "$gid"
		namespaces_of "worker $number" "$pid"
		secrets_of "worker $number" "$pid"
		root_of "worker $number" "$pid"
		t_is "worker $number: descriptors are its channel and the null device" "$(descriptors "$pid")" \
			"0=/dev/null 1=/dev/null 2=/dev/null 3=socket "
		t_is "worker $number: one filter more than the parent" "$(($(status_line "$pid" Seccomp_filters) > $(status_line "$service" Seccomp_filters)))" 1
		said=$(field scan_service.workers | sed -n "s/.*\"pid\":$pid,.*\"private_kb\":\([0-9]*\).*/\1/p")
		kib=$(awk '/^Private_(Clean|Dirty):/ { sum += $2 } END { print sum }' "/proc/$pid/smaps_rollup")
		t_is "worker $number: its own memory within a quarter of the truth" "$((said * 4 >= kib * 3 && said * 3 <= kib * 4))" 1
		t_note "worker $number: status $said KiB, smaps $kib KiB"
	done
	t_is "there are two workers and a spare" "$number" 3
	t_is "and no other child" "$(wc -w <"/proc/$service/task/$service/children")" 3
}

kept_capabilities() { # by privilege.c, as a mask of those that we have ourselves
	python3 - "$AMP_SRC/ampdaemon/privilege.c" "$(status_line $$ CapEff)" <<'PYTHON'
import re, sys
numbers = dict(re.findall(r"#define\s+(CAP_\w+)\s+(\d+)", open("/usr/include/linux/capability.h").read()))
names = set(re.findall(r"\{(CAP_\w+),", open(sys.argv[1]).read()))
mask = sum(1 << int(numbers[name]) for name in names)
print("%016x" % (mask & int(sys.argv[2], 16)))
PYTHON
}

daemon_is_true() {
	local mask
	mask=$(kept_capabilities)
	t_is "the status names the daemon's pid" "$(field pid)" "$amp_pid"
	t_is "daemon: permitted are those of privilege.c" "$(status_line "$amp_pid" CapPrm)" "$mask"
	t_is "daemon: effective too" "$(status_line "$amp_pid" CapEff)" "$mask"
	t_is "daemon: none can come back" "$(status_line "$amp_pid" CapBnd)" "$mask"
	t_is "daemon: none is inherited" "$(status_line "$amp_pid" CapInh)/$(status_line "$amp_pid" CapAmb)" "$zero/$zero"
}

definitions_are_true() {
	local version signatures
	version=$(head -c 512 "$AMP_TEST_DATA/test-6.cvd" | cut -d: -f3)
	signatures=$(head -c 512 "$AMP_TEST_DATA/test-6.cvd" | cut -d: -f4)
	t_like "the definition file with its version" "$(field definitions.files | grep test-6)" "\"accepted\":true.*\"version\":$version,"
	t_is "signatures: of the files together" "$(field definitions.signatures)" \
		"$(field definitions.files | sed -n 's/.*"signatures":\([0-9]*\).*/\1/p' | paste -sd+ | bc)"
	t_note "test-6.cvd: its header says $signatures signatures, the engine took $(field definitions.files | sed -n '/test-6/s/.*"signatures":\([0-9]*\).*/\1/p')"
	t_is "not the built-in set" "$(field definitions.builtin)" false
}

without_account() {
	local pid
	instance_new rootly && instance_define && instance_set scan_user amp-no-such-user && instance_set scan_workers 1 || return
	instance_set temp_bytes "$temp_bytes"
	instance_start_ok "without the account it starts all the same"
	pid=$(field scan_service.pid)
	t_is "no account: the status says root" "$(field scan_service.user)/$(field scan_service.uid)" root/0
	t_like "no account: fault 5 says so" "$(cli faults 5 --json)" '"active":true.*amp-no-such-user does not exist'
	t_like "no account: the log says so, as an error" "$(grep ' error ' "$amp_private/daemon.output")" \
		'fault 5 .*amp-no-such-user does not exist'
	t_is "no account: the wall user is missing" "$(wall user)" missing
	t_is "no account: it is the only one" "$(field walls | grep -vc '"state":"up"')" 1
	rights_of "no account: service" "$pid" 0 0
	namespaces_of "no account: service" "$pid"
	root_of "no account: service" "$pid"
	rights_of "no account: worker" "$(workers | head -n 1)" 0 0
	scan_count "$t_testfiles"
	t_is "no account: it finds all" "$v_infected" "$(find "$t_testfiles" -type f | wc -l)"
	t_ok "no account: it stops" instance_stop
}

id cisco-amp-scan-svc >/dev/null 2>&1 || t_skip_all "the account cisco-amp-scan-svc is missing: ./run makes it"
uid=$(id -u cisco-amp-scan-svc) gid=$(id -g cisco-amp-scan-svc)
temp_bytes=8388608
instance_new truth && instance_define && instance_set scan_workers 2 || exit 1
instance_set temp_bytes "$temp_bytes"
instance_start_ok
wait_for 10 eval '[ "$(workers | wc -l)" = 3 ]'
scan_count "$t_testfiles"
sleep 3 # the memory of the workers in the status may be so old
all_walls_are_up "status"
daemon_is_true
service_is_true
workers_are_true
definitions_are_true
t_ok "it stops" instance_stop
without_account
