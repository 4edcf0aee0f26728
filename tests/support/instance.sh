# SPDX-License-Identifier: GPL-2.0-only
#
# instance: one connector started by hand, without ./run, for tests that break it. Sourced after tests/lib.sh.
# Owns: the private tree $AMP_TMP/NAME, the daemon's pid. Must not own: any assertion.
# instance_new NAME; instance_set KEY VALUE...; instance_start; ...; all ends with the script.
# shellcheck shell=bash disable=SC2034,SC2119,SC2120 # for the scripts; arguments have defaults

t_testfiles=/usr/share/clamav-testfiles
t_support=$AMP_BUILD/tests/support

need_root() { [ "$(id -u)" = 0 ] || t_skip_all "needs root"; }

need_test_data() {
	[ -f "$AMP_TEST_DATA/test-6.cvd" ] || t_skip_all "AMP_TEST_DATA names no directory with test-6.cvd"
	[ -d "$t_testfiles" ] || t_skip_all "$t_testfiles is not installed (package clamav-testfiles)"
}

instance_new() { # NAME
	local dir
	amp_private=$AMP_TMP/$1
	amp_configuration "$1" || return 1
	for dir in run state log definitions; do mkdir -p "$amp_private/$dir" || return 1; done
	chmod 0755 "$AMP_TMP" "$amp_private" "$amp_private/definitions"
	amp_name=$1
	amp_socket=$amp_private/run/control.sock
}

instance_set() { # KEY VALUE
	amp_configure "$amp_name" "$1" "$2"
}

# The set that knows the test files.
instance_define() {
	cp "$AMP_TEST_DATA/test-6.cvd" "$amp_private/definitions/" || return 1
	chmod 0644 "$amp_private/definitions/test-6.cvd"
	instance_set definitions_dir "'$amp_private/definitions'"
}

# Starts the daemon and does not wait. Its words: $amp_private/daemon.output.
instance_launch() { # [WRAPPER...]
	"$@" "$AMP_BUILD/ampdaemon/ampdaemon" --config "$amp_private/etc/ampdaemon.yaml" --foreground \
		>>"$amp_private/daemon.output" 2>&1 </dev/null &
	amp_pid=$!
	t_cleanup "instance_end $amp_pid"
}

instance_start() { # [SECONDS]
	instance_launch && wait_for "${1:-60}" instance_is_ready && return 0
	t_note "the connector did not become ready:"
	tail -n 15 "$amp_private/daemon.output" | sed 's/^/# /'
	return 1
}

# The same as a test. Not by t_ok, whose subshell would keep the pid to itself.
instance_start_ok() { # [NAME]
	if instance_start; then t_pass "${1:-the connector starts}"; else t_fail "${1:-the connector starts}"; exit 1; fi
}

cli() { timeout 120 "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" "$@"; }

field() { cli status --json --field "$1" 2>/dev/null; } # e.g. scan_service.pid

instance_is_ready() {
	cli status --json 2>/dev/null | grep -q "^{\"status\":\"connected\"" && field scan_service.workers | grep -qE '"state":"(spare|busy)"'
}

workers() { field scan_service.workers | sed -n 's/.*"pid":\([1-9][0-9]*\).*/\1/p'; }

instance_stop() { # SECONDS: gently; 1 when it does not end in time
	kill -TERM "$amp_pid" 2>/dev/null
	wait_for "${1:-20}" is_gone "$amp_pid"
}

# At the end, whatever state it is in.
instance_end() { # PID
	is_gone "$1" || { kill -TERM "$1"; wait_for 15 is_gone "$1" || kill -KILL "$1"; }
}

# Scans PATH... with --all and leaves the number of each verdict in v_clean, v_infected, ...; what was said in $t_lines,
# the exit status in $t_status.
scan_count() { # PATH...
	t_lines=$AMP_TMP/lines.json
	cli scan custom --all --json "$@" >"$t_lines" 2>"$t_lines.error"
	t_status=$?
	count_verdicts "$t_lines"
}

count_verdicts() { # FILE
	local summary
	summary=$(grep -a '^{"summary"' "$1")
	v_files=$(number_in files "$summary")
	v_clean=$(grep -ac '"verdict":"CLEAN"' "$1")
	v_infected=$(grep -ac '"verdict":"INFECTED"' "$1")
	v_incomplete=$(grep -ac '"verdict":"INCOMPLETE"' "$1")
	v_error=$(grep -ac '"verdict":"ERROR"' "$1")
	v_failed=$(grep -ac '"verdict":"FAILED"' "$1")
	v_not_scanned=$(grep -ac '"verdict":"NOT_SCANNED"' "$1")
	v_text="clean $v_clean, infected $v_infected, incomplete $v_incomplete, error $v_error, failed $v_failed, not scanned $v_not_scanned"
}

number_in() { # MEMBER JSON
	printf '%s' "$2" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}
