#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The two commands of the README on the real programs: start, see, scan, stop.
. "${AMP_SRC:-.}/tests/lib.sh"

[ "$(id -u)" = 0 ] || t_skip_all "needs root"
run() { AMP_BUILD=$AMP_BUILD "$AMP_SRC/run" --private "$AMP_TMP/amp" "$@"; }
t_cleanup "run stop"

t_exit_is "./run --detach returns when it is ready" 0 run --detach
pid=$(cat "$AMP_TMP/amp/run/ampdaemon.pid")
t_is "the pid file names ampdaemon" "$(readlink "/proc/$pid/exe")" "$(readlink -f "$AMP_BUILD/ampdaemon/ampdaemon")"
t_exit_is "status answers" 0 run cli status
t_like "and names the account" "$t_output" 'cisco-amp-scan-svc'

# In two parts, so that no scanner takes this script for an infected file.
mkdir "$AMP_TMP/files"
# shellcheck disable=SC2016 # dollars are part of it
printf '%s%s' 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-' 'ANTIVIRUS-TEST-FILE!$H+H*' >"$AMP_TMP/files/eicar.com"
printf 'nothing to see\n' >"$AMP_TMP/files/clean.txt"
t_exit_is "a harmless file is clean" 0 run cli scan custom "$AMP_TMP/files/clean.txt"
t_exit_is "EICAR is found by the built-in definitions at once" 1 run cli scan custom "$AMP_TMP/files"
t_like "and named" "$t_output" 'eicar\.com'
t_exit_is "a path that is not there is not clean" 2 run cli scan custom "$AMP_TMP/files/none"

t_exit_is "stop ends it" 0 run stop
t_ok "and it is gone" is_gone "$pid"
t_exit_is "without a daemon ampcli says so" 4 run cli status

started=$(date +%s%N)
t_exit_is "a second start" 0 run --detach
took=$((($(date +%s%N) - started) / 1000000))
t_note "took $took ms"
t_ok "takes less than two seconds" test "$took" -lt 2000
pid=$(cat "$AMP_TMP/amp/run/ampdaemon.pid")
kill_pid "$pid"
t_ok "SIGTERM ends it within ten seconds" wait_for 10 is_gone "$pid"
