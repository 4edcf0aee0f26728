#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Start, stop and sudden ends: what is refused says why, what ends is answered, what is killed leaves nothing behind.
# shellcheck disable=SC2016,SC2119 # evaluated later on purpose; arguments have defaults
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
n_files=$(find "$t_testfiles" -type f | wc -l)

daemon_here() { timeout 20 "$AMP_BUILD/ampdaemon/ampdaemon" --config "$amp_private/etc/ampdaemon.yaml" --foreground; }

# A tree whose scan takes seconds.
make_load() {
	local i
	load=$AMP_TMP/load
	mkdir "$load" || return 1
	tar -C "$AMP_SRC" -czf "$load/tree.tar.gz" shared ampdaemon ampscansvc ampcli
	for i in $(seq 400); do cp "$load/tree.tar.gz" "$load/$i.tar.gz"; done
}

begin_load() {
	cli scan custom --all --json --reconnect 0 "$load" >"$AMP_TMP/load.json" 2>"$AMP_TMP/load.error" &
	load_pid=$!
	wait_for 10 test -s "$AMP_TMP/load.json"
}

# Each file that was found has one line, and there is a summary.
load_is_answered() { # NAME
	local lines unique
	lines=$(grep -ac '"verdict"' "$AMP_TMP/load.json")
	unique=$(grep -a '"verdict"' "$AMP_TMP/load.json" | grep -ao '^{"path":"[^"]*"' | sort -u | wc -l)
	count_verdicts "$AMP_TMP/load.json"
	t_note "$1: $v_text"
	t_is "$1: each path once, the summary agrees" "$lines/$unique" "${v_files:-none}/$lines"
}

journal_is_whole() {
	[ "$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("pragma integrity_check").fetchone()[0])' \
		"$amp_private/state/journal.db")" = ok ]
}

last_event() { cli history list --json --limit 1 2>/dev/null; }

all_are_found() {
	scan_count "$t_testfiles"
	[ "$v_infected" = "$n_files" ]
}

starting_twice() {
	t_exit_is "a second daemon with the same tree is refused" 1 daemon_here
	t_like "and says why" "$t_output" 'another ampdaemon runs with .*does not start'
	t_ok "the first one is not disturbed" all_are_found
	wait_for 5 instance_is_ready
}

stopping_under_load() {
	local status
	begin_load
	kill_pid "$amp_pid" TERM
	kill_pid "$amp_pid" TERM
	t_ok "SIGTERM twice under load: it ends" wait_for 20 is_gone "$amp_pid"
	wait "$amp_pid"
	t_is "with status 0" "$?" 0
	t_ok "the client ends too" wait_for 10 is_gone "$load_pid"
	wait "$load_pid"
	status=$?
	t_like "with an exit code that says that not all was scanned" "$status" '^(2|4|6)$'
	load_is_answered "stopped under load"
	t_ok "the journal is whole" journal_is_whole
	[ ! -e "$amp_private/run/ampdaemon.pid" ] && [ ! -e "$amp_socket" ]
	t_is "pid file and socket are gone" "$?" 0
	instance_start_ok "it starts again"
	t_like "the journal tells of the stop" "$(cli history list --json | grep -a 'Connector Stopped' | head -n 1)" '"reason":"SIGTERM"'
}

interrupting() {
	kill_pid "$amp_pid" INT
	t_ok "SIGINT ends it" wait_for 15 is_gone "$amp_pid"
	wait "$amp_pid"
	t_is "SIGINT: status 0" "$?" 0
	instance_start_ok "it starts after SIGINT"
}

killing_the_daemon() {
	local service pids pid left=0
	begin_load
	service=$(field scan_service.pid) pids=$(workers)
	kill_pid "$amp_pid" KILL
	for pid in $service $pids; do wait_for 2 is_gone "$pid" || left=$((left + 1)); done
	t_is "kill -9 of the daemon: service and workers are gone within 2 seconds" "$left" 0
	wait_for 10 is_gone "$load_pid"
	wait "$load_pid"
	t_like "its client says so: exit code" "$?" '^(2|4)$'
	t_like "and in words" "$(cat "$AMP_TMP/load.error")" 'connection|ampdaemon'
	load_is_answered "daemon killed"
	t_ok "the journal is whole after kill -9" journal_is_whole
	[ -e "$amp_socket" ]
	t_is "the stale socket is there" "$?" 0
	instance_start_ok "it starts over the stale socket and pid file"
	t_ok "and finds all" all_are_found
}

killing_the_service() {
	local service
	begin_load
	service=$(field scan_service.pid)
	kill_pid "$service" KILL
	wait_for 120 is_gone "$load_pid"
	wait "$load_pid"
	t_is "kill -9 of the service under load: the client ends well" "$?" 0
	load_is_answered "service killed"
	t_is "all files were scanned all the same" "$v_clean" 401
	t_is "by a second service" "$(field scan_service.starts)" 2
	t_like "the journal says how it ended" "$(cli history list --json | grep -a 'Scan Service Ended' | head -n 1)" 'signal 9'
}

replacing_definitions() {
	mv "$amp_private/definitions" "$amp_private/definitions.old"
	mkdir -m 0755 "$amp_private/definitions" && cp -p "$amp_private/definitions.old/"* "$amp_private/definitions/"
	t_ok "with the directory replaced the old definitions stay in force" all_are_found
	kill_pid "$(field scan_service.pid)" KILL
	t_ok "the next service loads the new directory" wait_for 20 all_are_found
}

config_is_refused() { # NAME LINE REGEX
	local config=$AMP_TMP/bad.yaml
	grep -v "^${2%%:*}:" "$amp_private/etc/ampdaemon.yaml" >"$config"
	printf '%s\n' "$2" >>"$config"
	t_exit_is "configuration: $1" 78 timeout 20 "$AMP_BUILD/ampdaemon/ampdaemon" --config "$config" --foreground
	t_like "configuration: $1: where and what" "$t_output" "bad\\.yaml:[0-9]+:[0-9]+: .*$3.*not accepted"
}

refusing_configurations() {
	config_is_refused "unknown key" "colour: red" colour
	config_is_refused "not a number" "scan_workers: many" 'scan_workers|[Ii]nvalid'
	config_is_refused "negative" "scan_workers: -1" 'scan_workers|[Ii]nvalid'
	config_is_refused "out of range" "scan_timeout_ms: 5" 'scan_timeout_ms must be from'
	config_is_refused "relative path" "run_dir: run" 'run_dir must be an absolute path'
	config_is_refused "no such level" "log_level: loud" 'log_level must be'
	config_is_refused "not YAML" "run_dir: [unclosed" '.'
	t_exit_is "configuration: missing file" 78 timeout 20 "$AMP_BUILD/ampdaemon/ampdaemon" --config "$AMP_TMP/none.yaml"
	t_like "configuration: missing file: what" "$t_output" 'none.yaml: cannot be read: No such file'
	t_exit_is "an argument that is none" 64 timeout 20 "$AMP_BUILD/ampdaemon/ampdaemon" frobnicate
}

notice_is() { cli status --json --field notices 2>/dev/null | grep -qE "$1"; }

# The daemon stays, says why there is no service, and heals when the cause is gone.
without_service() { # NAME REGEX REPAIR
	instance_launch
	if wait_for 20 notice_is "$2"; then t_pass "$1: the status says why"; else t_fail "$1: the status says why" "$(cli status --json --field notices)"; fi
	eval "$3"
	t_ok "$1: heals by itself" wait_for 60 instance_is_ready
	t_ok "$1: stops" instance_stop
	wait "$amp_pid"
}

broken_set_ups() {
	local service=$AMP_TMP/ampscansvc
	instance_new unreadable && instance_define && chmod 0600 "$amp_private/definitions/test-6.cvd"
	without_service "definitions unreadable" 'user of the scan service may not read it' \
		'chmod 0644 "$amp_private/definitions/test-6.cvd"'
	instance_new absent && instance_define && instance_set scan_service "'$service'"
	without_service "scan_service missing" 'ampscansvc cannot be opened: No such file' \
		'cp "$AMP_BUILD/ampscansvc/ampscansvc" "$AMP_TMP/ampscansvc"'
	chmod 0777 "$service"
	instance_new loose && instance_define && instance_set scan_service "'$service'"
	without_service "scan_service that anybody may write" 'is not trusted \(mode 0777' 'chmod 0755 "$AMP_TMP/ampscansvc"'
}

make_load || exit 1
instance_new life && instance_define && instance_set scan_workers 2 || exit 1
instance_start_ok
starting_twice
stopping_under_load
interrupting
killing_the_daemon
killing_the_service
replacing_definitions
refusing_configurations
t_ok "it stops" instance_stop
broken_set_ups
