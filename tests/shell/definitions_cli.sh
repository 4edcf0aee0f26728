#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# definitions_cli.sh: the commands of definitions against a stand-in for the daemon: what they print, exit codes, a line on a terminal, hostile
# bundles, exports that fail. tests/system/definitions_store.sh has the real daemon.
# t_output is set by lib.sh; the words in single quotes are for other shells.
# shellcheck source=tests/lib.sh disable=SC1091,SC2154,SC2015,SC2016
. "$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/lib.sh"

cli=$AMP_BUILD/ampcli/ampcli
fake=$AMP_BUILD/tests/support/fake_daemon
[ -x "$cli" ] && [ -x "$fake" ] || t_skip_all "ampcli and fake_daemon are not built in $AMP_BUILD"
[ "$(id -u)" -eq 0 ] || t_skip_all "needs root: the stand-in imports for nobody else"

work=$AMP_TMP/definitions_cli
mkdir -p "$work/unpacked" "$work/bundles" "$work/set"
chmod 755 "$AMP_TMP" "$work"
sock=$work/control.sock
export TMPDIR=$work/unpacked
fake_pid=
umask 022 # what is exported is nobody else's to write

fake_stop() {
	[ -z "$fake_pid" ] || { kill_pid "$fake_pid" KILL && wait "$fake_pid"; } 2>/dev/null
	fake_pid=
	rm -f "$sock"
}
t_cleanup fake_stop

fake_start() { # [MODE [WORD]]
	fake_stop
	"$fake" "$sock" "$@" &
	fake_pid=$!
	wait_for 10 test -S "$sock" || t_fail "the stand-in starts ($*)"
}

defs() { "$cli" --socket "$sock" definitions "$@"; }
update() { "$cli" --socket "$sock" defupdate "$@"; }
as_nobody() { setpriv --reuid 65534 --clear-groups "$cli" --socket "$sock" "$@"; }
one_sentence() { [ "$(printf '%s\n' "$1" | wc -l)" -eq 1 ] && case $1 in 'ampcli: '?*) ;; *) false ;; esac; }
json_has() { python3 -c 'import json, sys; o = json.load(sys.stdin); assert eval(sys.argv[1]), o' "$1"; } # EXPRESSION of o

printf 'fine' >"$work/daily.cvd" && printf 'DAMAGED' >"$work/main.cvd" && printf 'own' >"$work/own.ndb"
printf 'fine' >"$work/set/daily.cvd" && printf 'held' >"$work/set/daily.cvd.sign" && : >"$work/set/.hidden.cvd"

# ---- what they print -----------------------------------------------------------------------------------------------
fake_start
t_exit_is "store" 0 defs store
t_like "tells where it is" "$t_output" '^Store: /var/lib/amp/definitions, 5\.0 MiB$'
t_like "a generation in a line" "$t_output" '^  11 +active +daily 27001, main 62; 4000014 signatures, 3\.0 MiB, built 2021-06-22 \([0-9]+ d [0-9]+ h old\), sha256 0aff0+$'
t_like "one that was put aside" "$t_output" '^  12 +put aside '
t_like "the last good one" "$t_output" '^  10 +last-good '
t_like "what is under way" "$t_output" '^Under way: an update: trial$'
t_like "what was rejected, and why" "$t_output" 'no signature$'
t_like "and how updates go" "$t_output" '^Updates: last check .*\(unreachable: no mirror answers\), next '
t_like "list has it, too" "$(defs list)" '^  11 +active '
t_ok "store is one object" bash -o pipefail -c '"$0" --socket "$1" definitions store --json | python3 -c "
import json, sys
o = json.load(sys.stdin)
assert set(o) == {\"root\",\"in_charge\",\"active\",\"last_good\",\"probation_left_ms\",\"under_way\",\"bytes\",\"age\",\"age_limit_seconds\",\"generations\",\"rejected\",\"updates\"}, o
assert [g[\"generation\"] for g in o[\"generations\"]] == [12, 11, 10] and o[\"age\"] == \"old\", o
assert o[\"generations\"][1][\"databases\"] == [{\"database\":\"daily\",\"version\":27001},{\"database\":\"main\",\"version\":62}], o
assert len(o[\"rejected\"][0][\"sha256\"]) == 64 and o[\"updates\"][\"last_outcome\"] == \"unreachable\", o"' "$cli" "$sock"
t_is "with a field" "$(defs store --field active) $(defs store --field updates.on)" "11 true"

t_exit_is "an import" 0 defs import "$work/daily.cvd"
t_like "says what serves" "$t_output" '^Generation 12 serves\.$'
t_ok "in JSON, too" json_has 'o["passed"] and o["generation"] == 12 and o["files"][0]["origin"] == "official"' < <(defs import --json "$work/daily.cvd")
t_is "a field of an import" "$(defs import --field generation "$work/daily.cvd")" 12
t_is "a check brings nothing" "$(defs check --field generation "$work/daily.cvd")" 0
t_is "--force goes along" "$(defs import --force --field signatures "$work/daily.cvd") $(defs import --field signatures "$work/daily.cvd")" "15 14"
t_exit_is "a set that is rejected is exit 7" 7 defs import "$work/daily.cvd" "$work/main.cvd"
t_like "with the reason" "$t_output" '^Refused: the trial refused it$'
t_is "and nothing serves" "$(printf '%s\n' "$t_output" | grep -c serves)" 0
t_exit_is "a directory" 0 defs import "$work/set"
t_is "is its official files" "$(defs import --json "$work/set" | python3 -c 'import json, sys; print([f["file"] for f in json.load(sys.stdin)["files"]])')" "['daily.cvd', 'daily.cvd.sign']"
cp "$work/own.ndb" "$work/set/"
t_is "what else is in it is named on standard error" "$(defs import "$work/set" 2>&1 >/dev/null)" "ampcli: own.ndb is passed over: it is not a signed kind of file"
mkdir -p "$work/nothing"
t_exit_is "an empty one is exit 3" 3 defs import "$work/nothing"
t_ok "in one sentence" one_sentence "$t_output"
t_exit_is "a file that is not there is exit 2" 2 defs import "$work/none.cvd"
t_ok "in one sentence" one_sentence "$t_output"

t_exit_is "a rollback" 0 defs rollback
t_is "to the one before" "$t_output" 'Generation 10 serves.'
t_is "to one that is named" "$(defs rollback 11)" 'Generation 11 serves.'
t_is "as a field" "$(defs rollback --field generation)" 10
t_exit_is "to one that is not there is exit 6" 6 defs rollback 77
t_is "with the reason" "$t_output" "ampcli: refused (not possible now): there is no generation 77"
t_exit_is "to one that does not come up is exit 7" 7 defs rollback 76
t_is "with the reason, too" "$t_output" "Refused: the scan service did not come up with it"
t_exit_is "an update" 0 update --now
t_is "says what came" "$t_output" 'daily 27001 from the stand-in (3.0 MiB downloaded); generation 12 serves'
t_ok "in JSON, too" json_has 'o == {"outcome": "updated", "rejected": False, "reason": "daily 27001 from the stand-in", "generation": 12, "bytes": 3 << 20}' < <(update --json)
t_is "a field of an update" "$(update --field outcome)" updated
codes=
for n in 0 1 5 14 100; do
	fake_start update $n
	update >"$work/out" 2>&1
	codes="$codes $?"
done
t_is "exit codes of an update: had, nothing new, unreachable, known as bad, rejected" "$codes" " 0 0 2 2 7"

fake_start
: >"$work/errors"
for words in "definitions list" "definitions store" "definitions import $work/daily.cvd" "definitions check $work/daily.cvd" "definitions rollback" defupdate; do
	# shellcheck disable=SC2086 # words
	"$cli" --socket "$sock" $words >/dev/null 2>>"$work/errors" </dev/null || t_fail "$words"
done
t_is "nothing goes to standard error" "$(cat "$work/errors")" ""

# ---- slips of the pen: found without a daemon, in a sentence and a hint ----------------------------------------------
digest=$(printf '%064d' 7)
while IFS='|' read -r words regex; do
	# shellcheck disable=SC2086 # words
	t_exit_is "'$words' is exit 3" 3 "$cli" --socket "$work/no.sock" $words
	t_like "and it is said why ('$words')" "$(printf '%s\n' "$t_output" | head -n 1)" "$regex"
	t_ok "briefly ('$words')" test "$(printf '%s\n' "$t_output" | wc -l)" -le 3
done <<EOT
definitions|definitions what\?
definitions sell|not 'sell'
definitions list x|list takes no arguments
definitions store x|store takes no arguments
definitions import|which files are to be imported
definitions check --force x|for import
definitions rollback --digest $digest|for import
definitions rollback x|'x' is no number
definitions rollback 0|'0' is no number
definitions rollback -1|
definitions rollback 99999999999999999999|is no number
definitions rollback 1 2|at most 1 argument
definitions export|to which file
definitions export x.tar|ends in .amp-definitions.tar
definitions export x x.amp-definitions.tar|'x' is no number
definitions export 1 2 x.amp-definitions.tar|at most 2
definitions import --digest 12 x.amp-definitions.tar|64 hexadecimal digits
definitions import --digest ${digest%?}g x.amp-definitions.tar|64 hexadecimal digits
definitions import --digest $digest x.cvd|for one bundle
definitions import --digest $digest a.amp-definitions.tar b.amp-definitions.tar|for one bundle
definitions store --field nonsense|no field 'nonsense'
definitions import --field nonsense x.cvd|no field 'nonsense'
definitions rollback --field nonsense|no field 'nonsense'
definitions export --field nonsense x.amp-definitions.tar|no field 'nonsense'
defupdate --field nonsense|no field 'nonsense'
defupdate x|takes no arguments, not 'x'
defupdate --later|
EOT
for words in "definitions store" "definitions import $work/daily.cvd" "definitions rollback" "definitions export $work/x.amp-definitions.tar" defupdate; do
	# shellcheck disable=SC2086 # words
	t_exit_is "no daemon is exit 4 (${words%% /*})" 4 "$cli" --socket "$work/no.sock" $words
done
t_like "help names them" "$("$cli" help definitions)" "^ +or: +ampcli definitions .*rollback \[GENERATION]"
t_like "and the other" "$("$cli" help)" '^ *defupdate '

# ---- who may, and daemons that misbehave -----------------------------------------------------------------------------
if setpriv --reuid 65534 --clear-groups test -x "$cli" -a -w "$sock" 2>/dev/null; then
	for words in "definitions import $work/daily.cvd" "definitions check $work/daily.cvd" "definitions rollback" defupdate; do
		# shellcheck disable=SC2086 # words
		t_exit_is "root alone (${words%% /*}): exit 5" 5 as_nobody $words
		t_ok "in one sentence" one_sentence "$t_output"
	done
	t_exit_is "store is everybody's" 0 as_nobody definitions store
else
	t_skip "another user" "a place that nobody can reach is needed"
fi
fake_start refuse
for words in rollback "import $work/daily.cvd"; do
	# shellcheck disable=SC2086 # words
	t_exit_is "a refusal is exit 6 (${words%% *})" 6 defs $words
	t_is "with the daemon's words" "$t_output" "ampcli: refused (not available): an update: trial is under way"
done
fake_start hangup
for words in "definitions rollback" "definitions import $work/daily.cvd" defupdate; do
	# shellcheck disable=SC2086 # words
	t_exit_is "a daemon that goes while it works is exit 4 (${words%% /*})" 4 "$cli" --socket "$sock" $words
	t_like "and that is said" "$t_output" '^ampcli: the connection to ampdaemon .* was lost'
done
fake_start other
for words in "definitions rollback" "definitions import $work/daily.cvd" "definitions store" "definitions export $work/x.amp-definitions.tar" defupdate; do
	# shellcheck disable=SC2086 # words
	t_exit_is "another answer is exit 4 (${words%% /*})" 4 "$cli" --socket "$sock" $words
	t_ok "in one sentence" one_sentence "$t_output"
done
fake_start odd-store
t_is "a path of the store with escape bytes is harmless" "$(defs store | tr -d '\n' | grep -c '[[:cntrl:]]')" 0
t_like "and shown" "$(defs store)" '^Store: /x/\\x1b\[31m\\n\\xff, '
t_ok "its bytes are in JSON" json_has '__import__("base64").b64decode(o["root_bytes"]) == b"/x/\033[31m\n\xff"' < <(defs store --json)
t_exit_is "nothing is exported from it" 6 defs export "$work/x.amp-definitions.tar"
fake_start built-in
t_exit_is "the built-in set is not exported: exit 6" 6 defs export "$work/x.amp-definitions.tar"
t_is "and it is said" "$t_output" "ampcli: the built-in set serves: there is nothing to export"
fake_start no-store
t_like "no store" "$(defs store)" '^Store: none'
t_exit_is "has nothing to export" 6 defs export "$work/x.amp-definitions.tar"
t_ok "in one sentence" one_sentence "$t_output"

# ---- age -------------------------------------------------------------------------------------------------------------
fake_start aged
t_like "status tells that they are old" "$("$cli" --socket "$sock" status)" '^Definitions Age: .* d .*OUT OF DATE, the limit is 3 d'
t_is "in JSON, too" "$("$cli" --socket "$sock" status --field definitions.age_state) $(defs list --field age_state | head -n 1)" "old old"
t_like "and list" "$(defs list | head -n 1)" ', old \(the limit is 3 d'
fake_start healthy
t_is "new ones" "$("$cli" --socket "$sock" status --field definitions.age_state)" ok
t_like "have an age" "$("$cli" --socket "$sock" status --field definitions.age_seconds)" '^[0-9]{8,}$'

# ---- a line on a terminal --------------------------------------------------------------------------------------------
fake_start slow 30
cat >"$work/terminal.py" <<'EOP'
import fcntl, os, pty, struct, subprocess, sys, termios
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=slave, stdin=subprocess.DEVNULL)
os.close(slave)
out, seen = p.communicate()[0], b""
try:
    while piece := os.read(master, 4096):
        seen += piece
except OSError:
    pass
lines = seen.split(b"\r\033[K")
assert p.returncode == 0 and b"\033" not in out, (p.returncode, out)
assert lines[:4] == [b"", b"the trial", b"daily from the stand-in (1.0 MiB of 3.0"[:39], b"a text that is wider than most terminal"], lines
assert lines[4:] == [b""], lines
EOP
t_ok "progress of an import is one line, which is taken away" python3 "$work/terminal.py" "$cli" --socket "$sock" definitions import "$work/daily.cvd"
t_ok "of an update, too" python3 "$work/terminal.py" "$cli" --socket "$sock" defupdate
t_is "there is none elsewhere" "$(update 2>&1 >/dev/null)" ""
cat >"$work/pipe.py" <<'EOP'
import os, subprocess, sys
r, w = os.pipe()
os.close(r)
print(subprocess.run(sys.argv[1:], stdout=w, stderr=subprocess.PIPE, restore_signals=False).returncode)
EOP
fake_start
for words in "definitions list" "definitions store" "definitions import $work/daily.cvd" defupdate; do
	# shellcheck disable=SC2086 # words
	t_is "a reader that left ends it by SIGPIPE (${words%% /*})" "$(python3 "$work/pipe.py" "$cli" --socket "$sock" $words)" -13
done
t_exit_is "a full disk behind the output is not a success" 2 bash -c '"$0" --socket "$1" definitions store >/dev/full' "$cli" "$sock"

# ---- bundles from elsewhere ------------------------------------------------------------------------------------------
python3 "$AMP_SRC/tests/support/hostile_bundles.py" "$work/bundles" >"$work/list" || t_fail "the bundles are made"
in_small() { # COMMAND...: where TMPDIR has 8 MiB
	unshare -m bash -c 'mount --make-rprivate / && mount -t tmpfs -o size=8m none "$TMPDIR" && exec "$@"' - "$@"
}
try_bundle() { # NAME REGEX
	local output status
	output=$(timeout 20 "$cli" --socket "$sock" definitions import "$work/bundles/$1.amp-definitions.tar" 2>&1)
	status=$?
	printf 'exit %s: %s\n' "$status" "$output"
	[ -z "$(ls -A "$TMPDIR")" ] || return 1
	if [ -z "$2" ]; then [ $status -eq 0 ]; return; fi
	[ $status -eq 7 ] && one_sentence "$output" && printf '%s\n' "$output" | grep -qE -- "$2" && ! printf '%s' "$output" | grep -q '[[:cntrl:]]'
}
while IFS=$'\t' read -r name regex; do
	[ "$name" = holes ] || t_ok "bundle $name is ${regex:+not }taken" try_bundle "$name" "$regex"
done <"$work/list"
limit=40000
! nm -D "$cli" | grep -q __asan_ || limit=400000
kib=$(cd "$work/bundles" && python3 - "$cli" --socket "$sock" definitions import <<'EOP'
import resource, subprocess, sys
for name in ("pax-long", "pax-many", "gnu-long-huge", "manifest-long", "huge-header"):
    subprocess.run(sys.argv[1:] + [name + ".amp-definitions.tar"], capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
EOP
)
t_ok "the worst of them take bounded memory ($kib KiB)" test "$kib" -lt $limit
if unshare -m true 2>/dev/null; then
	t_exit_is "a bundle that is larger than the disk is exit 2" 2 in_small "$cli" --socket "$sock" definitions import "$work/bundles/holes.amp-definitions.tar"
	t_like "and says where" "$t_output" 'cannot be unpacked in .*/unpacked .*No space left'
else
	t_skip "a bundle that is larger than the disk" "no mount namespaces here"
fi
mkfifo "$work/fifo.amp-definitions.tar" "$work/fifo.cvd" && mkdir "$work/dir.amp-definitions.tar" && ln -s /dev/zero "$work/zero.amp-definitions.tar"
for name in fifo dir zero; do
	t_exit_is "a $name instead of a bundle is refused" 6 timeout 10 "$cli" --socket "$sock" definitions import "$work/$name.amp-definitions.tar"
	t_like "and called no file" "$t_output" 'no regular file'
done
t_exit_is "a bundle that is not there is exit 2" 2 defs import "$work/none.amp-definitions.tar"
t_exit_is "a place that is not there is exit 2" 2 env TMPDIR="$work/none" "$cli" --socket "$sock" definitions import "$work/bundles/good.amp-definitions.tar"
good=$(tar -xOf "$work/bundles/good.amp-definitions.tar" manifest | sha256sum | cut -d' ' -f1)
t_exit_is "a bundle of the digest that is named" 0 defs import --digest "$good" "$work/bundles/good.amp-definitions.tar"
t_exit_is "in capitals, too" 0 defs import --digest "${good^^}" "$work/bundles/good.amp-definitions.tar"
t_exit_is "of another one is exit 7" 7 defs import --digest "$digest" "$work/bundles/good.amp-definitions.tar"
t_like "and says so" "$t_output" 'its digest is not the one that was named$'
t_is "its files arrive whole" "$(defs import --json "$work/bundles/good.amp-definitions.tar" | python3 -c 'import json, sys; print([(f["file"], f["origin"]) for f in json.load(sys.stdin)["files"]])')" \
	"[('daily.cvd', 'official'), ('main.cvd', 'official'), ('main.cvd.sign', 'official')]"

# ---- export ----------------------------------------------------------------------------------------------------------
root=$work/root
generation=$root/generations/11
make_generation() {
	rm -rf "$root"
	mkdir -p "$generation/custom" "$work/out.d"
	seq 20000 >"$generation/daily.cvd" && seq 5 >"$generation/main.cvd" && echo own >"$generation/custom/own.ndb"
	(cd "$generation" && for f in custom/own.ndb daily.cvd main.cvd; do
		printf '%s %s %s\n' "$(sha256sum "$f" | cut -d' ' -f1)" "$(stat -c %s "$f")" "$f"
	done >manifest)
}
entries() { find "$work/out.d" -mindepth 1 -printf '%f ' | sort; }
make_generation
fake_start store "$root"
bundle=$work/out.d/x.amp-definitions.tar
echo old >"$bundle"
t_exit_is "an export over a file" 0 defs export "$bundle"
t_is "says generation and digest" "$(printf '%s\n' "$t_output" | sed -n 2p)" "generation 11, sha256 $(tar -xOf "$bundle" manifest | sha256sum | cut -d' ' -f1)"
t_is "and what is not in it" "$(printf '%s\n' "$t_output" | sed -n 1p)" "ampcli: 1 file of custom/ is not in it: they belong to this machine"
t_is "on standard error" "$(defs export "$bundle" 2>/dev/null | wc -l) $(defs export --field left_out "$bundle" 2>/dev/null)" "1 1"
t_is "has the signed files, manifest first" "$(tar -tf "$bundle" | tr '\n' ' ')" "manifest daily.cvd main.cvd "
t_is "for everybody to read" "$(stat -c %a "$bundle")" 644
sum=$(sha256sum <"$bundle")
touch "$generation/daily.cvd"
t_ok "in JSON, too" json_has "o['generation'] == 11 and len(o['sha256']) == 64 and o['path'] == '$bundle' and o['left_out'] == 1" < <(defs export --json 11 "$bundle" 2>/dev/null)
t_is "the same bytes each time" "$(sha256sum <"$bundle")" "$sum"
t_is "a relative name" "$(cd "$work/out.d" && defs export --field generation y.amp-definitions.tar 2>/dev/null && sha256sum <y.amp-definitions.tar)" "11
$sum"
t_exit_is "what was exported can be imported" 0 defs import --digest "$(defs export --field sha256 "$bundle" 2>/dev/null)" "$bundle"
rm -f "$work/out.d/y.amp-definitions.tar"
t_exit_is "a generation that is not there is exit 6" 6 defs export 4711 "$bundle"
t_is "and says so" "$t_output" "ampcli: there is no generation 4711"
t_exit_is "a directory that is not there is exit 2" 2 defs export "$work/none/x.amp-definitions.tar"
mkdir -p "$work/out.d/d.amp-definitions.tar"
t_exit_is "a directory in the way is exit 2" 2 defs export "$work/out.d/d.amp-definitions.tar"
t_ok "in one sentence" one_sentence "$t_output"
rmdir "$work/out.d/d.amp-definitions.tar"
t_is "and nothing is left of it" "$(entries)" "x.amp-definitions.tar "
t_is "one that is killed in the middle" "$(bash -c 'ulimit -c 0; ulimit -f 40; exec "$0" --socket "$1" definitions export "$2"' "$cli" "$sock" "$bundle" >/dev/null 2>&1; echo $?)" 153
t_is "leaves what was there" "$(sha256sum <"$bundle")" "$sum"
t_is "and nothing else" "$(entries)" "x.amp-definitions.tar "
if unshare -m true 2>/dev/null; then
	t_is "a full disk is exit 2, and leaves nothing" "$(in_small bash -c '"$0" --socket "$1" definitions export "$TMPDIR/big.amp-definitions.tar" >/dev/null && dd if=/dev/zero of="$TMPDIR/ballast" bs=64k 2>/dev/null
		sum=$(sha256sum <"$TMPDIR/big.amp-definitions.tar")
		"$0" --socket "$1" definitions export "$TMPDIR/big.amp-definitions.tar" 2>/dev/null; echo $?; ls "$TMPDIR"; [ "$sum" = "$(sha256sum <"$TMPDIR/big.amp-definitions.tar")" ] && echo same' "$cli" "$sock" | tr '\n' ' ')" "2 ballast big.amp-definitions.tar same "
else
	t_skip "a full disk" "no mount namespaces here"
fi
for damage in 'echo x >>' 'echo x >' 'rm -f' 'ln -sf /etc/passwd' 'mkfifo_over'; do
	make_generation
	mkfifo_over() { rm -f "$1" && mkfifo "$1"; }
	eval "$damage \"\$generation/main.cvd\""
	case $damage in *'>>') continue ;; esac # what is behind the promised bytes is not exported
	t_ok "a file that is not what it was is not exported ($damage)" eval '! timeout 10 "$cli" --socket "$sock" definitions export "$bundle"'
	t_is "and what was there stays ($damage)" "$(sha256sum <"$bundle") $(entries)" "$sum x.amp-definitions.tar "
done
for place in . manifest main.cvd; do # of somebody else, or theirs to write
	make_generation
	chown 65534 "$generation/$place"
	t_exit_is "what is not root's is not exported ($place): exit 6" 6 defs export "$bundle"
	t_like "and it is said ($place)" "$t_output" 'that root alone may write$'
	chown 0 "$generation/$place" && chmod 0666 "$generation/$place"
	t_exit_is "nor what others may write ($place)" 6 defs export "$bundle"
	t_is "and what was there stays ($place)" "$(sha256sum <"$bundle") $(entries)" "$sum x.amp-definitions.tar "
done
make_generation
mkfifo_over "$generation/manifest"
t_exit_is "a pipe for a manifest keeps nobody waiting" 6 timeout 10 "$cli" --socket "$sock" definitions export "$bundle"
make_generation
rm "$generation/manifest"
t_ok "nor without its manifest" eval '! defs export "$bundle"'
make_generation
sed -i '2,$d' "$generation/manifest"
t_exit_is "a generation of one's own files alone is exit 6" 6 defs export "$bundle"
make_generation
chmod 700 "$root"
if setpriv --reuid 65534 --clear-groups test -x "$cli" -a -w "$sock" 2>/dev/null; then
	chmod 777 "$work/out.d"
	t_exit_is "who cannot read the store cannot export: exit 5" 5 as_nobody definitions export "$work/out.d/n.amp-definitions.tar"
	t_ok "in one sentence" one_sentence "$t_output"
	chmod 755 "$root" && chmod 600 "$generation/main.cvd"
	t_exit_is "nor who cannot read one of the files" 5 as_nobody definitions export "$work/out.d/n.amp-definitions.tar"
	t_is "and nothing is left of it" "$(entries)" "x.amp-definitions.tar "
else
	t_skip "an export by another user" "a place that nobody can reach is needed"
fi

[ "$t_failed" -eq 0 ]
