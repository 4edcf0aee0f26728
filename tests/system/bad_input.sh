#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What a new user does wrong, and what disks and files do: one clear sentence, the right exit code, nothing lost, nothing hung.
# AMP_BIG=1: a directory of a million files instead of 100,000. Hostile clients and crowds of them: hostile_client.sh.
# shellcheck disable=SC2016,SC2119 # evaluated later on purpose; arguments have defaults
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
infected=$t_testfiles/clam.exe
n_big=$([ "${AMP_BIG:-0}" = 1 ] && echo 1000000 || echo 100000)

# One scan: its exit code, and in what it says (both streams) one line that matches.
says() { # NAME STATUS REGEX ARGUMENTS...
	local name=$1 status=$2 regex=$3
	shift 3
	t_exit_is "$name: exit code" "$status" cli scan custom "$@"
	t_like "$name: what it says" "$t_output" "$regex"
}

summary_is() { # NAME MEMBER=NUMBER...: of the last scan_count
	local name=$1 pair summary
	shift
	summary=$(grep -a '^{"summary"' "$t_lines")
	for pair; do t_is "$name: ${pair%=*}" "$(number_in "${pair%=*}" "$summary")" "${pair#*=}"; done
}

paths() {
	local dir=$AMP_TMP/paths
	mkdir "$dir"
	says "a path that is not there" 2 'none.*(not found|disappeared|No such file)' "$dir/none"
	says "no path at all" 3 '[Uu]sage|PATH|path'
	mkfifo "$dir/fifo"
	says "a FIFO" 2 'fifo.*not a regular file' "$dir/fifo"
	says "a device" 2 'zero.*not a regular file' /dev/zero
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/socket"
	says "a socket" 2 'socket.*not a regular file' "$dir/socket"
	: >"$dir/empty"
	scan_count "$dir/empty"
	t_is "an empty file is CLEAN" "$t_status/$v_clean" 0/1
	truncate -s 10G "$dir/sparse"
	says "a sparse file of 10 GB" 2 'sparse.*larger than the file size limit' "$dir/sparse"
	scan_count "$dir"
	t_is "a tree with all of these: none is lost, special files are not files" "$t_status/$v_files" 2/2
}

# The client runs as nobody: only what he could read himself is scanned.
unreadable() {
	local dir=$AMP_TMP/locked
	mkdir "$dir" "$dir/closed" && cp "$infected" "$dir/secret" && cp "$infected" "$dir/closed/inside" && chmod 0600 "$dir/secret" &&
		chmod 0700 "$dir/closed" && chmod 0755 "$dir" "$amp_private/run"
	t_exit_is "unreadable: exit code" 2 setpriv --reuid 65534 --regid 65534 --clear-groups \
		timeout 60 "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" scan custom --json --all "$dir"
	t_is "unreadable: file and directory are counted as not scanned" "$(printf '%s' "$t_output" | grep -c '"NOT_SCANNED"')" 2
	t_is "unreadable: the reason" "$(printf '%s' "$t_output" | grep -c '"reason":"not-permitted"')" 2
}

names() {
	local dir=$AMP_TMP/names
	mkdir "$dir"
	cp "$infected" "$dir/"$'new\nline' && cp "$infected" "$dir/"$'bad\xff\xfeutf' && cp "$infected" "$dir/"$'esc\e[31mred'
	scan_count "$dir"
	t_is "odd names: all found" "$t_status/$v_infected" 1/3
	t_is "odd names: one line each" "$(wc -l <"$t_lines")" 4
	t_is "odd names: the true bytes of what is not UTF-8" \
		"$(sed -n 's/.*"path_bytes":"\([^"]*\)".*/\1/p' "$t_lines" | base64 -d | tail -c 8)" $'bad\xff\xfeutf'
	t_exit_is "odd names: as text" 1 cli scan custom "$dir"
	t_is "odd names: no control byte reaches the terminal" "$(printf '%s' "$t_output" | tr -d '\n' | grep -c '[[:cntrl:]]')" 0
}

# Deeper than any path that open(2) takes.
long_paths() {
	python3 - "$AMP_TMP" "$infected" <<'PYTHON'
import os, shutil, sys
name = "d" * 250
data = open(sys.argv[2], "rb").read()
os.chdir(sys.argv[1])
os.mkdir("deep")
os.chdir("deep")
for _ in range(20):
    os.mkdir(name)
    os.chdir(name)
with open("inside", "wb") as file:
    file.write(data)
PYTHON
	scan_count "$AMP_TMP/deep"
	t_is "20 levels of 250 bytes: found all the same" "$t_status/$v_infected" 1/1
	says "a path of 4,096 bytes" 2 'too long' "/$(printf 'x%.0s' $(seq 4095))"
}

loops() {
	mkdir -p "$AMP_TMP/loop/a/b"
	cp "$infected" "$AMP_TMP/loop/a/b/file"
	ln -s .. "$AMP_TMP/loop/a/back"
	# shellcheck disable=SC2016 # expanded inside
	t_exit_is "a loop by bind mount: exit code" 1 unshare --mount --propagation private bash -c \
		'mount --bind "$1" "$1/a/b/again" 2>/dev/null || { mkdir "$1/a/b/again"; mount --bind "$1" "$1/a/b/again"; }
		timeout 60 "$2" --socket "$3" scan custom --cross --json "$1"' loop "$AMP_TMP/loop" "$AMP_BUILD/ampcli/ampcli" "$amp_socket"
	t_like "a loop by bind mount: it ends, the file is found once" "$(printf '%s' "$t_output" | grep -c INFECTED)" '^1$'
}

# Files that change under the scan: an answer each, whatever it is.
moving_files() {
	local dir=$AMP_TMP/moving i pid
	mkdir "$dir"
	for i in $(seq 40); do head -c 3000000 /dev/urandom >"$dir/file-$i"; done
	: >"$dir/growing"
	(
		while :; do
			head -c 100000 /dev/urandom >>"$dir/growing"
			i=$((RANDOM % 40 + 1))
			case $((RANDOM % 3)) in
			0) rm -f "$dir/file-$i" ;;
			1) [ ! -e "$dir/file-$i" ] || truncate -s $((RANDOM * 10)) "$dir/file-$i" ;;
			2) [ ! -e "$dir/file-$i" ] || head -c 5000 /dev/urandom >>"$dir/file-$i" ;;
			esac
		done
	) &
	pid=$!
	scan_count "$dir"
	kill "$pid"
	wait "$pid" 2>/dev/null
	t_note "moving files: $v_text"
	t_is "moving files: an answer each" "$v_files" "$(grep -ac '"verdict"' "$t_lines")"
	t_is "moving files: none FAILED" "$v_failed" 0
	t_like "moving files: it ends" "$t_status" '^[12]$'
}

big_directory() {
	local dir=$AMP_TMP/big begin
	mkdir "$dir"
	python3 - "$dir" "$n_big" <<'PYTHON'
import os, sys
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
    os.close(os.open("f%07d" % i, os.O_CREAT | os.O_WRONLY, 0o644))
PYTHON
	begin=$(date +%s)
	timeout 900 "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" scan custom --json "$dir" >"$AMP_TMP/big.json"
	t_is "$n_big files in one directory: exit code" "$?" 0
	t_is "$n_big files in one directory: all scanned" "$(number_in clean "$(grep -a '^{"summary"' "$AMP_TMP/big.json")")" "$n_big"
	t_note "$n_big empty files took $(($(date +%s) - begin)) s"
	rm -rf "$dir"
}

no_daemon() {
	t_exit_is "no socket: exit code" 4 timeout 20 "$AMP_BUILD/ampcli/ampcli" --socket "$AMP_TMP/no.sock" status
	t_like "no socket: what it says" "$t_output" "$AMP_TMP/no.sock"
	t_exit_is "not a socket: exit code" 4 timeout 20 "$AMP_BUILD/ampcli/ampcli" --socket "$infected" scan custom "$infected"
	t_is "not a socket: one sentence" "$(printf '%s\n' "$t_output" | wc -l)" 1
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$AMP_TMP/wrong.sock"
	t_exit_is "a socket of somebody else: exit code" 4 timeout 20 "$AMP_BUILD/ampcli/ampcli" --socket "$AMP_TMP/wrong.sock" status
	t_is "a socket of somebody else: one sentence" "$(printf '%s\n' "$t_output" | wc -l)" 1
	t_ok "the daemon stops" instance_stop
	t_exit_is "the daemon is down: exit code" 4 cli status
	t_like "the daemon is down: what it says" "$t_output" 'ampdaemon'
}

# Each damaged file of the shelf beside the good one: the good one works, the bad one is named.
damaged_definitions() {
	local file name named=0 bad=0 list=()
	for file in "$AMP_TEST_DATA/damaged"/*.c?d; do list+=("$file"); done
	instance_new damaged && instance_define || return 1
	for file in "${list[@]}"; do
		cp "$file" "$amp_private/definitions/${file##*/}"
	done
	chmod 0644 "$amp_private/definitions"/*
	instance_start_ok "with ${#list[@]} damaged files beside a good one it starts"
	field definitions.files >"$AMP_TMP/files.json"
	cp "$amp_private/daemon.output" "$AMP_TMP/damaged.output"
	t_like "the good one is in force" "$(grep '"name":"test-6.cvd"' "$AMP_TMP/files.json")" '"accepted":true,"reason":""'
	for file in "${list[@]}"; do
		name=${file##*/}
		if grep -F "\"name\":\"$name\"" "$AMP_TMP/files.json" | grep -q '"accepted":false,"reason":"..*"'; then
			named=$((named + 1))
		elif grep -F "\"name\":\"$name\"" "$AMP_TMP/files.json" | grep -q '"accepted":true'; then
			t_note "accepted: $name"
			# What nobody signs: padding, builder, time string.
			case $name in ok.cvd | flip-time.cvd | flip-builder.cvd | flip-pad.cvd) named=$((named + 1)) ;; esac
		else
			bad=$((bad + 1))
			t_note "not named at all: $name"
		fi
	done
	t_is "each damaged one is named, with a reason" "$named/$bad" "${#list[@]}/0"
	scan_count "$t_testfiles"
	t_is "and all test files are found" "$v_infected" "$(find "$t_testfiles" -type f | wc -l)"
	t_ok "it stops" instance_stop
}

notice_is() { field notices | grep -qE "$1"; }

without_definitions() { # NAME REGEX: the tree is made already
	instance_launch
	if wait_for 15 notice_is "$2"; then t_pass "$1: the status says why"; else t_fail "$1: the status says why" "$(field notices)"; fi
	t_exit_is "$1: a scan is answered" 2 cli scan custom --json --all "$infected"
	# The built-in definitions serve: in what they find nothing is not CLEAN.
	t_like "$1: and says what it was scanned with" "$t_output" '"reason":"makeshift-definitions"'
	t_ok "$1: it stops" instance_stop
}

no_definitions() {
	instance_new empty && instance_set definitions_dir "'$amp_private/definitions'"
	without_definitions "an empty directory of definitions" 'no signature that can be used'
	instance_new missing && instance_set definitions_dir "'$amp_private/nowhere'"
	without_definitions "no directory of definitions" 'nowhere cannot be opened: No such file'
	instance_new builtin && instance_start_ok "without a word on definitions the built-in set is active"
	printf 'X5O!P%%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*' >"$AMP_TMP/eicar"
	scan_count "$AMP_TMP/eicar"
	t_is "and finds EICAR" "$t_status/$v_infected" 1/1
	t_ok "it stops" instance_stop
}

# state_dir and log_dir on small file systems, in the daemon's own mount namespace.
full_disk() {
	local fill
	instance_new full && instance_define || return 1
	cat >"$AMP_TMP/on_small_disks" <<'SCRIPT'
#!/bin/sh
private=$1
shift
mount -t tmpfs -o size=1m,mode=0700 tmpfs "$private/state" && mount -t tmpfs -o size=256k,mode=0700 tmpfs "$private/log" || exit 1
exec "$@"
SCRIPT
	chmod +x "$AMP_TMP/on_small_disks"
	instance_launch unshare --mount --propagation private "$AMP_TMP/on_small_disks" "$amp_private"
	t_ok "on small disks it starts" wait_for 20 instance_is_ready
	for fill in state log; do dd if=/dev/zero of="/proc/$amp_pid/root$amp_private/$fill/filler" bs=64k >/dev/null 2>&1; done
	scan_count "$t_testfiles"
	t_is "disk full: scans go on" "$v_infected" "$(find "$t_testfiles" -type f | wc -l)"
	for _ in 1 2 3 4 5 6; do scan_count "$t_testfiles"; done
	t_ok "disk full: the status says so" wait_for 10 notice_is 'journal: .*(full|No space)'
	t_like "disk full: log lines that were dropped are counted" "$(field journal.log_dropped)" '^[1-9]'
	for fill in state log; do rm -f "/proc/$amp_pid/root$amp_private/$fill/filler"; done
	t_ok "room again: what waited is written" wait_for 40 eval '[ "$(field journal.waiting)" = 0 ] && [ -z "$(field journal.error)" ]'
	t_is "room again: nothing is lost" "$(field journal.lost)" 0
	scan_count "$infected"
	t_like "room again: history has the last scan" "$(wait_for 5 notice_is . ; cli history list --json --limit 3)" 'clam.exe'
	t_is "all threats of 7 scans and one are in the journal" \
		"$(cli history list --json --limit 1000 | grep -ac '"name":"Threat Detected"')" $((7 * $(find "$t_testfiles" -type f | wc -l) + 1))
	t_ok "it stops" instance_stop
}

instance_new input && instance_define && instance_set scan_workers 2 || exit 1
instance_start_ok
paths
unreadable
names
long_paths
loops
moving_files
big_directory
no_daemon
damaged_definitions
no_definitions
full_disk
