#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# reconnect.sh: a scan of ampcli whose daemon goes away in the middle: told or not, once or for good. Every file is answered and
# printed exactly once, counts add up, the scan keeps its number; what may have killed three daemons is not given to a fourth.
# t_output is set by lib.sh; the words in single quotes are for other shells.
# shellcheck source=tests/lib.sh disable=SC1091,SC2154,SC2015,SC2016
. "$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/lib.sh"

cli=$AMP_BUILD/ampcli/ampcli
fickle=$AMP_BUILD/tests/support/fickle_daemon
[ -x "$cli" ] && [ -x "$fickle" ] || t_skip_all "ampcli and fickle_daemon are not built in $AMP_BUILD"

work=$AMP_TMP/reconnect
sock=$work/control.sock
log=$work/log
fickle_pid=
mkdir -p "$work/tree"
(cd "$work/tree" && for i in $(seq -w 1 120); do echo fine >"$i"; done)

fickle_stop() {
	[ -z "$fickle_pid" ] || { kill_pid "$fickle_pid" KILL && wait "$fickle_pid"; } 2>/dev/null
	fickle_pid=
	rm -f "$sock"
}
t_cleanup fickle_stop

fickle_start() { # WORD...
	fickle_stop
	"$fickle" "$sock" "$log" "$@" &
	fickle_pid=$!
	wait_for 10 test -S "$sock" || t_fail "the stand-in starts ($*)"
}

scan() { timeout 60 "$cli" --socket "$sock" scan custom --json --all "$@" "$work/tree" >"$work/out" 2>"$work/errors"; }

each_once() { # [KIND=NUMBER...]: each file of the tree has one line, the summary adds up and has these counts
	python3 - "$work/out" "$work/tree" "$@" <<'PY'
import collections, json, os, sys
*files, last = [json.loads(l) for l in open(sys.argv[1])]
summary = last["summary"]
seen = collections.Counter(f["path"] for f in files)
want = {os.path.join(sys.argv[2], n) for n in os.listdir(sys.argv[2])}
assert set(seen) == want and set(seen.values()) == {1}, (want - set(seen), [p for p in seen if seen[p] > 1 or p not in want])
kinds = collections.Counter(f["verdict"].lower() for f in files)
assert all(summary[k] == kinds[k] for k in ("clean", "infected", "incomplete", "error", "failed", "not_scanned")), (summary, kinds)
assert summary["files"] == len(files), summary
expected = dict(w.split("=") for w in sys.argv[3:])
assert all(summary[k] == int(n) for k, n in expected.items()), (summary, expected)
PY
}

goes_on() { # NAME STATUS "COUNTS" WORD...: a scan against this stand-in
	local name=$1 status=$2 counts=$3
	shift 3
	fickle_start "$@"
	t_exit_is "$name" "$status" scan
	# shellcheck disable=SC2086 # words
	t_ok "each file is answered and printed once ($*)" each_once $counts
	t_is "the rules were kept ($*)" "$(grep -c violation "$log")" 0
	# A session that had files had them from number 1 on.
	t_is "numbers begin anew in each session ($*)" \
		"$(awk '$1 == "session" { n = 0 } $1 == "file" && $2 != ++n { bad++ } END { print bad + 0 }' "$log")" 0
}

begins() { awk '$1 == "begin" { printf "%s%s>%s", s, $2, $3; s = " " }' "$log"; } # what was continued > what it became

goes_on "a daemon that hangs up once: the scan is whole" 0 "clean=120" drop:10 serve
t_is "the scan keeps its number" "$(begins)" "0>1 1>1"
t_like "the loss is said" "$(cat "$work/errors")" '^ampcli: the connection to ampdaemon .*was lost.*; the scan goes on when it answers$'
t_like "and that it is over" "$(cat "$work/errors")" '^ampcli: ampdaemon is back, the scan goes on$'
t_is "and nothing else" "$(wc -l <"$work/errors")" 2
t_is "the end is told to the one that is there" "$(grep -c '^end 0 0$' "$log")" 1

goes_on "what it did not read is sent again" 0 "clean=120" cut:10 cut:1 serve
goes_on "a daemon that says Reconnect" 0 "clean=120" say:10 serve
t_like "its reason is said" "$(head -n 1 "$work/errors")" '^ampcli: ampdaemon restarts: the stand-in is fickle; the scan goes on'
goes_on "a restart is no loss, however often" 0 "clean=120" say:0 say:0 say:0 say:0 say:0 serve
t_is "with one number all the way" "$(begins)" "0>1 1>1 1>1 1>1 1>1 1>1"
goes_on "two losses and restarts are not three losses" 0 "clean=120" drop:0 drop:0 say:0 say:0 serve
goes_on "answers from before each loss count" 0 "clean=120" drop:40 say:40 serve
goes_on "a daemon that restarts again while it is greeted" 0 "clean=120" say:3 early early serve
goes_on "another daemon gives another number" 0 "clean=120" drop:3 stranger
t_is "which is the scan's from then on" "$(begins)" "0>1 1>1001"
goes_on "a window that shrank is kept" 0 "clean=120" drop:0:32 drop:2:4 serve::1
goes_on "a daemon that is away for a while" 0 "clean=120" drop:10 away:700 serve
goes_on "a restart at the very end" 0 "clean=120" late serve
t_is "the end is told again" "$(grep -c '^end 0 0$' "$log")" 2
t_is "to the same scan" "$(begins)" "0>1 1>1"

goes_on "what was lost with three daemons is an error" 2 "clean=88 error=32" drop:0 drop:0 drop:0 serve
t_is "with its reason" "$(grep -c '"verdict":"ERROR".*"reason":"connection-lost"' "$work/out")" 32
t_is "and the fourth daemon was not given it" \
	"$(awk '$1 == "session" { s++ } $1 == "file" { n[$3]++ } END { for (f in n) if (n[f] > 3) bad++; print bad + 0 }' "$log")" 0
goes_on "a daemon that falls over for ever ends the scan all the same" 2 "clean=0 error=120" drop:0

printf INFECTED >"$work/tree/threat"
goes_on "a threat that is found after the loss is exit 1" 1 "clean=120 infected=1" drop:0 serve
goes_on "one that is found before it too, and is found once" 1 "clean=120 infected=1" drop:100 drop:10 serve
rm -f "$work/tree/threat"

# ---- for good ------------------------------------------------------------------------------------------------------
sums() { # REASON: what was answered is clean, the rest has this reason; the counts add up
	python3 - "$work/out" "$1" <<'PY'
import json, sys
*files, last = [json.loads(l) for l in open(sys.argv[1])]
s = last["summary"]
assert s["clean"] == 5 and s["not_scanned"] > 0 and s["files"] == s["clean"] + s["not_scanned"] == len(files), s
assert {f["reason"] for f in files if f["verdict"] == "NOT_SCANNED"} == {sys.argv[2]}, files
assert len({f["path"] for f in files}) == len(files)
PY
}
fickle_start drop:5 gone
before=$(date +%s%N)
t_exit_is "a daemon that does not come back is exit 2" 2 scan --reconnect 1
took=$((($(date +%s%N) - before) / 1000000))
t_ok "after the time that was asked for ($took ms)" test $took -ge 1000 -a $took -lt 10000
t_ok "what was not answered is not scanned" sums connection-lost
fickle_start drop:5 gone
t_exit_is "--reconnect 0 does not wait" 2 scan --reconnect 0
t_ok "and says the same" sums connection-lost
t_is "and nothing of waiting" "$(grep -c 'goes on' "$work/errors")" 0

fickle_start drop:5 mute
before=$(date +%s%N)
t_exit_is "a daemon that is there and says nothing is not waited for longer" 2 scan --reconnect 1
took=$((($(date +%s%N) - before) / 1000000))
t_ok "than was asked for ($took ms)" test $took -ge 1000 -a $took -lt 10000
t_ok "with the same words" sums connection-lost

for absence in gone mute; do
	fickle_start drop:5 "$absence"
	timeout 60 python3 - "$cli" "$sock" "$work" >"$work/result" <<'PY'
import signal, subprocess, sys, time
cli, sock, work = sys.argv[1:]
p = subprocess.Popen([cli, "--socket", sock, "scan", "custom", "--json", "--all", work + "/tree"], stdout=open(work + "/out", "wb"),
                     stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
said = p.stderr.readline().decode()
time.sleep(0.3)
t = time.monotonic()
p.send_signal(signal.SIGINT)
p.wait(30)
print(p.returncode, "goes on" in said, time.monotonic() - t < 3)
PY
	t_is "Ctrl-C while it waits is exit 2, at once ($absence)" "$(cat "$work/result")" "2 True True"
	t_ok "with a summary ($absence)" sums stopped
done

for bad in x -1 86401 "" 1s; do
	t_exit_is "--reconnect '$bad' is exit 3" 3 "$cli" --socket "$sock" scan custom --reconnect="$bad" "$work/tree"
done

[ "$t_failed" -eq 0 ]
