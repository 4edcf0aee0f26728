# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lib.sh: what the test scripts share. TAP lines, clean-up, private instances of the connector, waiting with a ceiling.
# Sourced first:  . "$AMP_SRC/tests/lib.sh"
# ./test gives AMP_SRC, AMP_BUILD (programs), AMP_TMP (fresh, removed afterwards), AMP_TEST_DATA (may be empty); a script
# that is started by hand gets the same from here. Processes are ended by their pid, never by name: other instances of
# the same programs may run on this machine.
set -u
: "${AMP_SRC:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)}"
: "${AMP_BUILD:=$AMP_SRC/build}"
if [ -z "${AMP_TEST_DATA+set}" ]; then
	AMP_TEST_DATA=
	[ ! -d "$AMP_SRC/../shared/data/cvd" ] || AMP_TEST_DATA=$(cd "$AMP_SRC/../shared/data/cvd" && pwd -P)
fi
t_own_tmp=
if [ -z "${AMP_TMP:-}" ]; then
	AMP_TMP=$(mktemp -d "${TMPDIR:-/tmp}/amp-by-hand.XXXXXX") || exit 1
	t_own_tmp=$AMP_TMP
fi
export AMP_SRC AMP_BUILD AMP_TEST_DATA AMP_TMP

t_failed=0
t_count=0
t_cleanups=()

t_note() { printf '# %s\n' "$*"; }

t_pass() { t_count=$((t_count + 1)); printf 'ok - %s\n' "$1"; }

t_fail() { # NAME [DIAGNOSTIC...]
	t_count=$((t_count + 1))
	t_failed=$((t_failed + 1))
	printf 'not ok - %s\n' "$1"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | head -n 40 | sed 's/^/# /'
}

t_skip() { t_count=$((t_count + 1)); printf 'ok - %s # SKIP %s\n' "$1" "$2"; } # NAME REASON

t_skip_all() { # REASON: the whole script cannot run here
	t_skip "$(basename "$0")" "$1"
	exit 0
}

t_ok() { # NAME COMMAND...: passes when the command does; its output is the diagnostic
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then t_pass "$name"; else t_fail "$name" "status $? of: $*" "$output"; fi
}

t_is() { # NAME GOT EXPECTED
	if [ "$2" = "$3" ]; then t_pass "$1"; else t_fail "$1" "got:      $2" "expected: $3"; fi
}

t_like() { # NAME GOT REGEX (extended)
	if printf '%s\n' "$2" | grep -qE -- "$3"; then t_pass "$1"; else t_fail "$1" "got:      $2" "expected: /$3/"; fi
}

t_exit_is() { # NAME STATUS COMMAND...; what it printed is left in $t_output
	local name=$1 expected=$2 status
	shift 2
	t_output=$("$@" 2>&1)
	status=$?
	if [ "$status" -eq "$expected" ]; then
		t_pass "$name"
	else
		t_fail "$name" "status $status, expected $expected, of: $*" "$t_output"
	fi
}

# Commands to be run at the end, whatever happens; the last one first.
t_cleanup() { t_cleanups=("$*" "${t_cleanups[@]}"); }

t_leave() {
	local status=$? command
	trap - EXIT
	for command in "${t_cleanups[@]}"; do eval "$command" >/dev/null 2>&1; done
	[ -z "$t_own_tmp" ] || rm -rf "$t_own_tmp"
	[ "$status" -ne 0 ] || [ "$t_failed" -eq 0 ] || status=1
	exit "$status"
}
trap t_leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- waiting -------------------------------------------------------------------------------------------------------

wait_for() { # SECONDS COMMAND...: polls until the command succeeds; status 1 when the ceiling is reached
	local until=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$until" ] || return 1
		sleep 0.05
	done
}

is_gone() { # PID; a zombie is gone, something that is no pid is not
	case $1 in '' | *[!0-9]*) return 1 ;; esac
	! kill -0 "$1" 2>/dev/null || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

kill_pid() { # PID [SIGNAL]: one process that this script knows by number
	case $1 in '' | *[!0-9]* | 0 | 1) return 1 ;; esac
	kill "-${2:-TERM}" "$1"
}

# ---- a private instance --------------------------------------------------------------------------------------------

# Starts the connector in $AMP_TMP/NAME with the programs of AMP_BUILD; sets amp_private and amp_pid; stopped at the end.
amp_start() { # NAME [ARGUMENTS OF ./run...]
	amp_private=$AMP_TMP/$1
	shift
	t_cleanup "amp_stop '$amp_private'"
	AMP_BUILD=$AMP_BUILD "$AMP_SRC/run" --private "$amp_private" "$@" --detach >"$AMP_TMP/start.output" 2>&1 || {
		sed 's/^/# /' "$AMP_TMP/start.output"
		return 1
	}
	# shellcheck disable=SC2034 # for the scripts
	amp_pid=$(cat "$amp_private/run/ampdaemon.pid")
}

amp_stop() { # [PRIVATE]
	AMP_BUILD=$AMP_BUILD "$AMP_SRC/run" --private "${1:-$amp_private}" stop
}

amp_cli() { "$AMP_BUILD/ampcli/ampcli" --socket "$amp_private/run/control.sock" "$@"; }

# A configuration key of the instance NAME, before its start. The file becomes the script's own.
amp_configure() { # NAME KEY VALUE
	local config=$AMP_TMP/$1/etc/ampdaemon.yaml
	[ -f "$config" ] || amp_configuration "$1" || return 1
	sed -i "/^$2:/d" "$config" && printf '%s: %s\n' "$2" "$3" >>"$config"
}

amp_configuration() { # NAME: the same paths as ./run gives
	local private=$AMP_TMP/$1
	mkdir -p "$private/etc" || return 1
	cat >"$private/etc/ampdaemon.yaml" <<EOF
run_dir: '$private/run'
state_dir: '$private/state'
log_dir: '$private/log'
builtin_dir: '$AMP_SRC/definitions/builtin'
scan_service: '$AMP_BUILD/ampscansvc/ampscansvc'
scan_user: cisco-amp-scan-svc
create_account: false
log_to_stderr: false
EOF
}
