#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cli.sh: ampcli against a stand-in for the daemon: exit codes, JSON, odd files and trees, interruption, a daemon that is
# down, slow, gone or lying. What is proved here needs no engine; tests/system has the rest.
# t_output is set by lib.sh; the words in single quotes are for other shells.
# shellcheck source=tests/lib.sh disable=SC1091,SC2154,SC2015,SC2016
. "$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/lib.sh"

cli=$AMP_BUILD/ampcli/ampcli
fake=$AMP_BUILD/tests/support/fake_daemon
[ -x "$cli" ] && [ -x "$fake" ] || t_skip_all "ampcli and fake_daemon are not built in $AMP_BUILD"

work=$AMP_TMP/cli
mkdir -p "$work"
chmod 755 "$AMP_TMP" "$work"
sock=$work/control.sock
fake_pid=

fake_stop() {
	[ -z "$fake_pid" ] || { kill_pid "$fake_pid" KILL && wait "$fake_pid"; } 2>/dev/null
	fake_pid=
	rm -f "$sock"
}
t_cleanup fake_stop

fake_start() { # [MODE [NUMBER]]
	fake_stop
	"$fake" "$sock" "$@" &
	fake_pid=$!
	wait_for 10 test -S "$sock" || t_fail "the stand-in starts ($*)"
}

scan() { "$cli" --socket "$sock" scan custom "$@"; }

sums_are_right() { # FILE with JSON Lines: valid, one summary, counts add up, and to the lines when all are there
	python3 - "$@" <<'EOF'
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1], encoding="utf-8")]
*files, last = lines
assert "summary" in last and all("summary" not in f for f in files), "exactly one summary, last"
s = last["summary"]
assert set(s) == {"files","clean","infected","incomplete","error","failed","not_scanned","bytes","seconds","cached"}, s
kinds = ("clean","infected","incomplete","error","failed","not_scanned")
assert sum(s[k] for k in kinds) == s["files"], s
for f in files:
    assert set(f) - {"path_bytes"} == {"path","verdict","threats","reason","generation","bytes","ms"}, f
for k in kinds:
    n = sum(f["verdict"] == k.upper() for f in files)
    assert n == s[k] or (k == "clean" and n == 0), (k, n, s)
if len(sys.argv) > 2:
    assert s["files"] == int(sys.argv[2]), s
EOF
}

reason_of() { # FILE PATH: reasons of the lines with that path
	python3 -c '
import json, sys
for l in open(sys.argv[1], encoding="utf-8"):
    o = json.loads(l)
    if o.get("path") == sys.argv[2]: print(o["verdict"], o["reason"])' "$@"
}

# ---- exit codes and output -----------------------------------------------------------------------------------------
fake_start
mkdir "$work/clean" "$work/mixed" "$work/err"
echo fine >"$work/clean/a" && : >"$work/clean/empty"
echo INFECTED >"$work/mixed/threat" && echo fine >"$work/mixed/fine" && echo INCOMPLETE >"$work/mixed/part"
echo FAILED >"$work/mixed/died" && echo ERROR >"$work/mixed/error"
echo ERROR >"$work/err/error"

t_exit_is "a clean tree is exit 0" 0 scan "$work/clean"
t_like "the summary counts the clean files" "$t_output" '^2 files: 2 clean, 0 infected'
t_exit_is "a threat is exit 1" 1 scan "$work/mixed/threat"
t_exit_is "a threat outweighs what could not be scanned" 1 scan "$work/mixed" "$work/nowhere"
t_like "and both are counted" "$t_output" '^6 files: 1 clean, 1 infected, 1 incomplete, 1 error, 1 failed, 1 not scanned'
t_exit_is "an error is exit 2" 2 scan "$work/err"
t_like "with the reason in words" "$t_output" '^ERROR +/.*/error  \(the temporary storage failed or was full: no space left\)$'
t_exit_is "a missing path is exit 2" 2 scan "$work/nowhere"
t_like "and says so" "$t_output" '^NOT_SCANNED  .*/nowhere  \(.*No such file or directory\)$'
t_exit_is "no command line is right: unknown command is exit 3" 3 "$cli" nonsense
t_exit_is "unknown option is exit 3" 3 "$cli" scan --nonsense custom /
t_exit_is "a scan of nothing is exit 3" 3 "$cli" scan custom
t_exit_is "an empty path is exit 3" 3 "$cli" scan custom ""
t_exit_is "an unknown field is exit 3" 3 "$cli" --socket "$sock" scan custom --field nonsense "$work/clean"
t_exit_is "a slip of the pen is found before the daemon is asked" 3 "$cli" --socket "$work/none" scan
t_exit_is "help is exit 0" 0 "$cli" help scan
t_exit_is "the version is exit 0" 0 "$cli" --version
t_is "a relative path is reported whole" "$(cd "$work" && scan --field path ./mixed/threat | head -n 1)" "$work/mixed/threat"
t_is "a path that begins with a dash goes behind --" "$(cd "$work" && echo INFECTED >-x && scan --field path -- -x | head -n 1)" "$work/-x"

scan --json --all "$work/mixed" "$work/clean" >"$work/out"
t_ok "JSON Lines are valid and add up, every file with --all" sums_are_right "$work/out" 7
t_is "--all names each file" "$(wc -l <"$work/out")" 8
scan --json "$work/mixed" "$work/nowhere" >"$work/out"
t_ok "JSON Lines are valid and add up" sums_are_right "$work/out" 6
t_is "a missing path has its reason" "$(reason_of "$work/out" "$work/nowhere")" "NOT_SCANNED gone"
t_is "--field gives one member" "$(scan --field summary.infected "$work/mixed")" 1
t_is "no escape sequence goes to a pipe" "$(scan "$work/mixed" | grep -c $'\033')" 0
t_exit_is "a full disk behind the output is not a success" 2 bash -c '"$1" --socket "$2" scan custom "$3" >/dev/full' - "$cli" "$sock" "$work/clean"
"$cli" --socket "$sock" history list --limit 1200 | head -n 1 >/dev/null
t_is "a reader that leaves ends us by SIGPIPE, quietly" "${PIPESTATUS[0]}" 141

# ---- odd names and files -------------------------------------------------------------------------------------------
mkdir "$work/odd"
printf 'INFECTED' >"$work/odd/"$'line\nbreak\033[31mred\377'
printf 'INFECTED' >"$work/odd/größe"
mkfifo "$work/odd/fifo"
ln -s "$work/mixed/threat" "$work/odd/link"
python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$work/odd/socket"
mknod "$work/odd/null" c 1 3 2>/dev/null
t_exit_is "a tree with special files is scanned" 1 scan "$work/odd"
t_like "they are left out and counted" "$t_output" '^Left out: 1 symbolic links, [23] special files'
t_like "a hostile name is shown escaped" "$t_output" 'line\\nbreak\\x1b\[31mred\\xff  \('
t_is "and no control character is written" "$(scan "$work/odd" | tr -d '\n' | grep -c '[[:cntrl:]]')" 0
scan --json "$work/odd" >"$work/out"
t_ok "odd names are valid JSON" sums_are_right "$work/out" 2
t_ok "with the bytes beside them" python3 -c '
import base64, json, sys
odd = [o for o in map(json.loads, open(sys.argv[1])) if "path_bytes" in o]
assert len(odd) == 1 and base64.b64decode(odd[0]["path_bytes"]).endswith(b"/odd/line\nbreak\x1b[31mred\xff"), odd' "$work/out"
for kind in fifo socket null; do
	[ -e "$work/odd/$kind" ] || { t_skip "a $kind that is named is not scanned" "it cannot be made here"; continue; }
	t_exit_is "a $kind that is named is not scanned" 2 timeout 10 "$cli" --socket "$sock" scan custom "$work/odd/$kind"
	t_like "and the reason is said ($kind)" "$t_output" 'not a regular file'
done
t_exit_is "a symbolic link that is named is followed" 1 scan "$work/odd/link"
ln -s round "$work/round"
t_exit_is "a circle of symbolic links ends" 2 scan "$work/round"

# ---- trees ---------------------------------------------------------------------------------------------------------
python3 - "$work/deep" <<'EOF'
import os, sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
for i in range(2000):
    with open("f", "w") as f: f.write("fine")
    if i == 1999:
        with open("last", "w") as f: f.write("INFECTED")
    os.mkdir("dddd"); os.chdir("dddd")
EOF
t_exit_is "2,000 levels are walked to the bottom, and back" 1 scan "$work/deep"
t_like "every file on the way counts" "$t_output" '^2001 files: 2000 clean, 1 infected'
t_exit_is "with 40 descriptors too" 1 bash -c 'ulimit -n 40; exec "$0" --socket "$1" scan custom "$2"' "$cli" "$sock" "$work/deep"
t_like "and nothing is lost" "$t_output" '^2001 files: 2000 clean, 1 infected'
python3 - "$work/long" <<'EOF'
import os, sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
for i in range(140):
    with open("f", "w") as f: f.write("fine")
    os.mkdir("n" * 250); os.chdir("n" * 250)
EOF
scan --json "$work/long" >"$work/out"
t_ok "a path beyond 32 KiB is counted as not scanned" sums_are_right "$work/out"
t_like "and named as such" "$(grep -c path-too-long "$work/out")" '^[1-9]'

long=$work/p
while [ ${#long} -lt 4000 ]; do long=$long/$(printf 'x%.0s' {1..90}); done
(cd "$work" && python3 - "$long" <<'EOF'
import os, sys
os.chdir("/")
for part in sys.argv[1].strip("/").split("/"):
    if not os.path.isdir(part): os.mkdir(part)
    os.chdir(part)
open("y" * (4200 - len(sys.argv[1])), "w").write("INFECTED")
EOF
)
t_exit_is "a path of more than 4,096 bytes that is named is scanned" 1 scan "$long/$(printf 'y%.0s' $(seq $((4200 - ${#long}))))"

mkdir "$work/many" && (cd "$work/many" && seq -f 'file-with-a-name-of-some-length-%.0f' 30000 | xargs touch)
/usr/bin/env python3 - "$cli" "$sock" "$work/many" >"$work/out" 2>&1 <<'EOF'
import resource, subprocess, sys
out = subprocess.run([sys.argv[1], "--socket", sys.argv[2], "scan", "custom", sys.argv[3]], capture_output=True, text=True).stdout
print(out.splitlines()[0]); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
EOF
t_like "30,000 files in one directory are scanned" "$(head -n 1 "$work/out")" '^30000 files: 30000 clean'
limit=20000
! nm -D "$cli" | grep -q __asan_ || limit=400000
t_ok "in bounded memory ($(tail -n 1 "$work/out") KiB)" test "$(tail -n 1 "$work/out")" -lt $limit

in_namespace() { # SCRIPT: run where mounts are ours alone; the words are $0 cli, $1 socket, $2 work
	unshare -m bash -c "mount --make-rprivate / && $1" "$cli" "$sock" "$work"
}
if unshare -m true 2>/dev/null; then
	mkdir -p "$work/loop/a/b" "$work/fs/other" && echo fine >"$work/loop/a/f" && echo INFECTED >"$work/fs/hidden"
	t_exit_is "a loop made by a bind mount ends and is named" 2 in_namespace 'mount --bind "$2/loop" "$2/loop/a/b" && timeout 20 "$0" --socket "$1" scan custom "$2/loop"'
	t_like "as a loop" "$t_output" 'loop/a/b  \(a loop of directories\)'
	t_exit_is "another file system is left out" 0 in_namespace 'mount -t tmpfs none "$2/fs/other" && rm -f "$2/fs/hidden" && echo INFECTED >"$2/fs/other/x" && "$0" --socket "$1" scan custom "$2/fs"'
	t_like "and that is said" "$t_output" '1 directories of other file systems \(--cross'
	t_exit_is "unless --cross is given" 1 in_namespace 'mount -t tmpfs none "$2/fs/other" && echo INFECTED >"$2/fs/other/x" && "$0" --socket "$1" scan custom --cross "$2/fs"'
else
	t_skip "loops and mounts" "no mount namespace can be made here"
fi

if [ "$(id -u)" -eq 0 ] && setpriv --reuid 65534 --clear-groups test -x "$cli" -a -w "$sock" 2>/dev/null; then
	mkdir "$work/locked" && echo fine >"$work/locked/f" && mkdir "$work/mine" && echo fine >"$work/mine/open"
	echo secret >"$work/mine/shut" && chmod 600 "$work/mine/shut" && mv "$work/locked" "$work/mine/" && chmod 700 "$work/mine/locked"
	as_nobody() { setpriv --reuid 65534 --clear-groups "$cli" --socket "$sock" scan custom "$@"; }
	t_exit_is "another user scans what it can read, the rest is exit 2" 2 as_nobody "$work/mine"
	t_like "a file and a directory are not permitted" "$t_output" '^3 files: 1 clean, .* 2 not scanned'
	as_nobody --json "$work/mine" >"$work/out"
	t_is "the directory is named with its reason" "$(reason_of "$work/out" "$work/mine/locked")" "NOT_SCANNED not-permitted"
	chmod 600 "$sock"
	t_exit_is "a socket without permission is exit 5" 5 as_nobody "$work/mine"
	chmod 666 "$sock"
else
	t_skip "another user" "root, and a place that nobody can reach, are needed"
fi

# ---- while it runs -------------------------------------------------------------------------------------------------
fake_start slow 5
mkdir "$work/wide" && (cd "$work/wide" && for i in $(seq -w 1 60); do echo fine >"$i"; mkdir -p d && cd d && echo fine >f || exit; done)
for n in 28 40 100; do
	t_exit_is "files that wait for their answers leave descriptors for the walk ($n)" 0 \
		bash -c 'ulimit -n "$3"; exec "$0" --socket "$1" scan custom "$2"' "$cli" "$sock" "$work/wide" "$n"
	t_like "and none is lost ($n)" "$t_output" '^120 files: 120 clean'
done

fake_start slow 100
mkdir "$work/vanish" && (cd "$work/vanish" && for i in $(seq -w 1 120); do echo fine >"$i"; done)
"$cli" --socket "$sock" scan custom --json "$work/vanish" >"$work/out" &
pid=$!
holds_open() { find "/proc/$1/fd" -lname "*/$2" | grep -q .; } # PID NAME
wait_for 5 holds_open "$pid" vanish || t_fail "the walk begins"
rm -f "$work/vanish"/*
wait "$pid"
status=$?
t_ok "files deleted between listing and opening: all counts add up" sums_are_right "$work/out"
if grep -q '"gone"' "$work/out"; then t_is "and that is exit 2" $status 2; else t_is "none was lost, exit 0" $status 0; fi

mkdir "$work/wait" && (cd "$work/wait" && for i in $(seq -w 1 300); do echo fine >"$i"; done)
"$cli" --socket "$sock" scan custom --json "$work/wait" "$work/clean" >"$work/out" 2>"$work/errors" &
pid=$!
wait_for 5 grep -q SigCgt.*[4-7c-f]...$ "/proc/$pid/status" # SIGTERM (bit 14) has its handler
sleep 0.5
kill_pid $pid TERM
wait $pid
t_is "a scan that is stopped is exit 2" $? 2
t_ok "and its counts add up" sums_are_right "$work/out"
t_is "the tree that was not finished says so" "$(reason_of "$work/out" "$work/wait")" "NOT_SCANNED stopped"
t_is "and so does what was not begun" "$(reason_of "$work/out" "$work/clean")" "NOT_SCANNED stopped"
t_ok "what was under way has its answer" bash -c '! grep -q "wait/[0-9].*connection" "$1"' - "$work/out"

fake_start mute
python3 - "$cli" "$sock" "$work/wait" >"$work/out" <<'EOF'
import signal, subprocess, sys, time
p = subprocess.Popen([sys.argv[1], "--socket", sys.argv[2], "scan", "custom", "--json", sys.argv[3]], stdout=subprocess.PIPE,
                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
time.sleep(1); t = time.time(); p.send_signal(signal.SIGINT)
out = p.communicate(timeout=20)[0].decode()
print(p.returncode, 4 < time.time() - t < 8); open(sys.argv[2] + ".json", "w").write(out)
EOF
t_is "Ctrl-C waits five seconds for a mute daemon, not longer" "$(cat "$work/out")" "2 True"
t_ok "what never came is not scanned" sums_are_right "$sock.json" 34

fake_start close 5
t_exit_is "a daemon that dies leaves exit 2" 2 scan --reconnect 0 --json "$work/wait"
printf '%s\n' "$t_output" | grep '^{' >"$work/out"
t_ok "and counts that add up" sums_are_right "$work/out"
t_is "answers from before count" "$(tail -n 1 "$work/out" | python3 -c 'import json,sys; print(json.loads(sys.stdin.read())["summary"]["clean"])')" 5
t_like "the loss is said once" "$(printf '%s\n' "$t_output" | grep -c 'connection to ampdaemon.*lost')" '^1$'
fake_start lie-id 3
t_exit_is "a daemon that answers what nobody asked is exit 4" 4 scan --json "$work/wait"
printf '%s\n' "$t_output" | grep '^{' >"$work/out"
t_ok "and the counts add up" sums_are_right "$work/out"
fake_start lie-bytes
t_exit_is "a daemon that sends garbage is exit 4" 4 scan "$work/wait"
fake_start lie-fd
t_exit_is "a daemon that sends a descriptor is exit 4" 4 scan "$work/wait"
fake_start old
t_exit_is "a daemon of another protocol is exit 4" 4 scan "$work/wait"
fake_start refuse
t_exit_is "a refusal is exit 6" 6 scan "$work/wait"
t_like "with its reason" "$t_output" 'no scan is possible today'
fake_start forbid
t_exit_is "not permitted is exit 5" 5 scan "$work/wait"

# ---- other commands ------------------------------------------------------------------------------------------------
fake_start
t_exit_is "status is exit 0" 0 "$cli" --socket "$sock" status
t_is "its fields are in the order of the spec" "$(printf '%s\n' "$t_output" | sed 's/:.*//' | uniq | tr '\n' ' ')" \
	"Status Mode Scan Last Scan Policy Command-line Definitions Definition File Scan Service Failures Restarts Standby Unscannable Engine Worker Monitors Faults Fault IDs Fault Walls Wall Journal Notice "
t_is "an active fault makes the mode degraded" "$("$cli" --socket "$sock" status --field mode)" "Degraded"
t_is "a fault is a sentence" "$("$cli" --socket "$sock" status --field fault)" "ID 6 - Major: 7 failures in the last 10 min. Look at the files."
t_is "the numbers of the faults" "$("$cli" --socket "$sock" status --field "fault ids")" 6
t_is "a member of a standby service" "$("$cli" --socket "$sock" status --field scan_service.standby.wanted)" true
t_is "a field by its label" "$("$cli" --socket "$sock" status --field policy)" "built-in defaults"
t_is "a field by its JSON name" "$("$cli" --socket "$sock" status --field scan_service.user)" "cisco-amp-scan-svc"
t_exit_is "a field that is not there is exit 3" 3 "$cli" --socket "$sock" status --field nonsense
t_ok "status --json is JSON" bash -o pipefail -c '"$0" --socket "$1" status --json | python3 -m json.tool' "$cli" "$sock"
t_is "history goes over pages, newest first, once each" \
	"$("$cli" --socket "$sock" history list --limit 1150 --field sequence | md5sum)" "$(seq 1200 -1 51 | md5sum)"
t_is "history ends at the oldest" "$("$cli" --socket "$sock" history list --limit 9999 | wc -l)" 1200
t_exit_is "an unknown event type is exit 3" 3 "$cli" --socket "$sock" history list --type nonsense
t_exit_is "an event type by name and a time" 0 "$cli" --socket "$sock" history list --type "threat detected" --since 2d --limit 1
t_exit_is "a time that is none is exit 3" 3 "$cli" --socket "$sock" history list --since tomorrowish

# ---- supervision ---------------------------------------------------------------------------------------------------
for name in faults unscannable restart recheck; do
	t_exit_is "help knows $name" 0 "$cli" help "$name"
	t_like "and names it ($name)" "$t_output" "ampcli $name"
	t_like "so does the list of commands ($name)" "$("$cli" help)" "^ *$name +[a-z]"
	t_exit_is "an option that is none is exit 3 ($name)" 3 "$cli" --socket "$sock" "$name" --nonsense
	t_exit_is "no daemon is exit 4 ($name)" 4 "$cli" --socket "$work/none" "$name"
done
t_exit_is "faults is exit 0" 0 "$cli" --socket "$sock" faults
t_like "with number, severity and name" "$t_output" '^6 +major +Scan Service Restarting Frequently$'
t_like "with the detail" "$t_output" '^ +detail +7 failures in the last 10 min$'
t_is "and not the whole guide" "$(printf '%s\n' "$t_output" | grep -c 'raised by')" 0
t_exit_is "one fault of the catalogue that is not active" 0 "$cli" --socket "$sock" faults 19
t_like "says so, with the guide" "$(printf '%s' "$t_output" | tr '\n' '|')" '^19 +inactive +SELinux.*\| +raised by +SELinux'
for bad in 4711 0 -1 6x "" 99999999999999999999 "6 7"; do
	# shellcheck disable=SC2086 # two words once
	t_exit_is "faults '$bad' is exit 3" 3 "$cli" --socket "$sock" faults ${bad:-''}
done
t_like "and the numbers that are there are named" "$("$cli" --socket "$sock" faults 4711 2>&1)" "'4711' is not the number of a fault; there are: 5, 6, 7"
t_ok "faults --json is JSON" bash -o pipefail -c '"$0" --socket "$1" faults --json | python3 -c "
import json, sys
o = json.load(sys.stdin)
assert o[\"mode\"] == \"Degraded\" and o[\"active\"] == 1, o
assert [f[\"id\"] for f in o[\"faults\"]] == [6] and o[\"faults\"][0][\"cleared\"] is None, o"' "$cli" "$sock"
t_is "a field of faults" "$("$cli" --socket "$sock" faults --field mode)" Degraded
t_exit_is "a field of faults that is not there is exit 3" 3 "$cli" --socket "$sock" faults --field nonsense
t_is "unscannable files go over pages, once each" \
	"$("$cli" --socket "$sock" unscannable --field inode | md5sum)" "$(seq 0 699 | md5sum)"
t_is "one line each, escaped" "$("$cli" --socket "$sock" unscannable | grep -c '  died  .*/x/[0-9]*\\n\\xff (sha256 3031323334')" 700
t_ok "unscannable --json is JSON Lines" bash -o pipefail -c '"$0" --socket "$1" unscannable --json | python3 -c "
import json, sys
lines = [json.loads(l) for l in sys.stdin]
assert len(lines) == 700 and all(len(o[\"sha256\"]) == 64 and \"path_bytes\" in o for o in lines)"' "$cli" "$sock"
t_exit_is "a field that no unscannable file has is exit 3" 3 "$cli" --socket "$work/none" unscannable --field nonsense
t_exit_is "definitions list is exit 0" 0 "$cli" --socket "$sock" definitions list
t_like "with a line for each file" "$t_output" '^test  *6  *14  *2021-06-22 21:34 UTC  .*active$'
t_like "and why one is refused" "$t_output" '^daily .*refused: its signature is wrong$'
t_ok "definitions list --json is JSON Lines" bash -o pipefail -c '"$0" --socket "$1" definitions list --json | python3 -c "
import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert [row[\"state\"] for row in rows] == [\"active\", \"refused\"], rows"' "$cli" "$sock"
t_is "a field of the definitions" "$("$cli" --socket "$sock" definitions list --field database | tr '\n' ' ')" "test daily "
t_exit_is "a field that no definitions have is exit 3" 3 "$cli" --socket "$work/none" definitions list --field nonsense
printf 'DAMAGED' >"$work/daily.cvd" && printf 'fine' >"$work/own.ndb"
t_exit_is "definitions check: a set that passes is exit 0" 0 "$cli" --socket "$sock" definitions check "$work/own.ndb"
t_like "and says what it would be" "$t_output" '^Passed: 14 signatures, 1.0 MiB, loaded in 1.5 s$'
t_exit_is "one that does not is exit 7" 7 "$cli" --socket "$sock" definitions check "$work/own.ndb" "$work/daily.cvd"
t_like "with the file and the reason" "$t_output" '^daily.cvd .* refused: it is damaged$'
t_like "and the reason for the whole" "$t_output" '^Refused: the trial refused it$'
t_is "a custom file is sent as one" "$("$cli" --socket "$sock" definitions check "$work/own.ndb" --json | python3 -c '
import json, sys
row = json.load(sys.stdin)
print(row["passed"], [(file["file"], file["origin"]) for file in row["files"]])')" "True [('own.ndb', 'custom')]"
t_is "a field of a check" "$("$cli" --socket "$sock" definitions check --field passed "$work/daily.cvd")" false
t_exit_is "a file that is not there is exit 2" 2 "$cli" --socket "$sock" definitions check "$work/nothing.cvd"
t_exit_is "no file to check is exit 3" 3 "$cli" --socket "$sock" definitions check
t_exit_is "definitions alone is exit 3" 3 "$cli" --socket "$sock" definitions
t_exit_is "definitions of another kind is exit 3" 3 "$cli" --socket "$sock" definitions lost
t_exit_is "unscannable takes no words" 3 "$cli" --socket "$sock" unscannable x
if [ "$(id -u)" -eq 0 ]; then
	t_exit_is "recheck is exit 0 for root" 0 "$cli" --socket "$sock" recheck
	t_is "and says what is done" "$t_output" "it is looked at again"
	t_exit_is "restart is exit 0 for root" 0 "$cli" --socket "$sock" restart
	t_like "and waits for the daemon" "$t_output" '^the connector answered again after [0-9]+ ms$'
	if setpriv --reuid 65534 --clear-groups test -x "$cli" -a -w "$sock" 2>/dev/null; then
		for name in restart recheck; do
			t_exit_is "$name as another user is exit 5" 5 setpriv --reuid 65534 --clear-groups "$cli" --socket "$sock" "$name"
			t_like "with its reason ($name)" "$t_output" 'refused \(not permitted\): only root'
		done
		t_exit_is "faults are for everybody" 0 setpriv --reuid 65534 --clear-groups "$cli" --socket "$sock" faults
	else
		t_skip "restart as another user" "a place that nobody can reach is needed"
	fi
else
	t_exit_is "restart without root is exit 5" 5 "$cli" --socket "$sock" restart
fi
fake_start healthy
t_is "no fault: the mode is normal" "$("$cli" --socket "$sock" status --field mode)" "Normal"
t_is "and there are no numbers" "$("$cli" --socket "$sock" status --field "fault ids")" "none"
t_is "faults says that none is active" "$("$cli" --socket "$sock" faults)" "No fault is active."
t_is "in JSON too" "$("$cli" --socket "$sock" faults --field active)" 0
t_is "no file is unscannable" "$("$cli" --socket "$sock" unscannable)" "No file is unscannable."
t_is "which is no line in JSON" "$("$cli" --socket "$sock" unscannable --json | wc -l)" 0
fake_start reconnect
t_exit_is "a daemon that is about to restart is exit 4" 4 "$cli" --socket "$sock" status
t_like "and says so" "$t_output" 'ampdaemon restarts: it was asked for'
fake_start
t_is "commands come from standard input too" "$(printf 'version\n"version"\nquit\nversion\n' | "$cli" | wc -l)" 2
t_like "about names the engine" "$("$cli" --socket "$sock" about)" 'ClamAV 1.4.6'

# ---- no daemon -----------------------------------------------------------------------------------------------------
mkdir -p "$work/$(printf 'd%.0s' {1..90})/$(printf 'e%.0s' {1..90})"
deep_sock=$work/$(printf 'd%.0s' {1..90})/$(printf 'e%.0s' {1..90})/control.sock
(cd "${deep_sock%/*}" && exec "$fake" control.sock) &
deep_pid=$!
t_cleanup "kill_pid $deep_pid KILL"
wait_for 10 test -S "$deep_sock"
t_exit_is "a socket whose path is longer than sun_path" 0 "$cli" --socket "$deep_sock" status
printf 'other: {run_dir: /nowhere}\nrun_dir: "%s"\n' "$work" >"$work/config.yaml"
t_exit_is "--config leads to the socket" 0 "$cli" --config "$work/config.yaml" status
t_exit_is "a configuration without run_dir is exit 3" 3 "$cli" --config /dev/null status
t_exit_is "no socket is exit 4" 4 "$cli" --socket "$work/none" status
t_is "in one sentence" "$(printf '%s\n' "$t_output" | wc -l)" 1
echo >"$work/file"
t_exit_is "a file instead of a socket is exit 4" 4 "$cli" --socket "$work/file" status
t_like "and called that" "$t_output" 'is not a socket'
t_exit_is "a socket that nobody listens at is exit 4" 4 "$cli" --socket "$work/odd/socket" status
python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)' "$work/stream" &
stream_pid=$!
t_cleanup "kill_pid $stream_pid KILL"
wait_for 10 test -S "$work/stream" && sleep 0.2
t_exit_is "a socket of another kind is exit 4" 4 "$cli" --socket "$work/stream" scan custom "$work/clean"
t_like "and called another program's" "$t_output" "another program"
if [ "$(id -u)" -eq 0 ]; then
	mkdir "$work/theirs" && chmod 777 "$work/theirs"
	setpriv --reuid 65534 --clear-groups "$fake" "$work/theirs/s" &
	their_pid=$!
	t_cleanup "kill_pid $their_pid KILL"
	wait_for 10 test -S "$work/theirs/s" && sleep 0.2
	t_exit_is "root does not hand files to another user's daemon" 4 "$cli" --socket "$work/theirs/s" scan custom "$work/clean"
	t_like "and says whose it is" "$t_output" 'served by user 65534'
else
	t_skip "another user's daemon" "root is needed"
fi

[ "$t_failed" -eq 0 ]
