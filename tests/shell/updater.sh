#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The updater alone, with tests/support/update_driver in the daemon's place and tests/support/mirror.py for the world: what it
# reports, what it leaves behind, its walls as the kernel sees them, its death at any moment. Loopback only.
# $UPDATER is filled in by the driver.
# shellcheck disable=SC2016
. "${AMP_SRC:-$(cd "$(dirname "$0")/../.." && pwd -P)}/tests/lib.sh"

driver=$AMP_BUILD/tests/support/update_driver
updater=$AMP_BUILD/ampupdater/ampupdater
data=$AMP_TEST_DATA
is_sanitized=$(grep -cm1 __asan_init "$updater" 2>/dev/null) # its limits of memory are off, and it needs more calls

[ "$(id -u)" -eq 0 ] || t_skip_all "needs root: it gives rights away"
{ [ -x "$driver" ] && [ -x "$updater" ]; } || t_skip_all "update_driver or ampupdater is not built"
[ -f "$data/test-6.cvd" ] || t_skip_all "AMP_TEST_DATA names no directory with test-6.cvd"

# A number that nobody has, and no other run of this: processes are found by it. Nothing here needs a name.
uid=$((61200 + $$ % 2000))
while getent passwd "$uid" >/dev/null || [ -n "$(ps -o pid= -u "$uid")" ]; do uid=$((uid + 1)); done
gid=$uid
work=$AMP_TMP/updater
served=$work/served
incoming=$work/incoming
mkdir -p "$served" && chmod 755 "$AMP_TMP" "$work"

# ---- the world ----------------------------------------------------------------------------------------------------

mirror_start() { # NAME [CERTIFICATE]; sets mirror_port; ends when this script does
	local name=$1
	shift
	mkfifo "$work/$name.input"
	"$AMP_SRC/tests/support/mirror.py" "$served" "$work/$name.port" "$@" <"$work/$name.input" >>"$work/$name.requests" 2>"$work/$name.errors" &
	local pid=$!
	t_cleanup "kill_pid $pid"
	# shellcheck disable=SC2034 # nothing is ever written there
	exec {mirror_input}>"$work/$name.input" # stays open: its end would end the mirror
	wait_for 10 test -s "$work/$name.port" || t_skip_all "the mirror did not start: $(tail -n 1 "$work/$name.errors")"
	mirror_port=$(cat "$work/$name.port")
}

# All versions' differences, the whole file of one; nothing misbehaves.
serve() { # VERSION
	rm -rf "${served:?}"/*
	cp "$data"/test-?.cdiff "$served/"
	cp "$data/test-$1.cvd" "$served/test.cvd"
}

behave() { printf '%s\n' "$2" >"$served/$1.behaviour"; } # FILE HOW

incoming_new() { # [VERSION]
	rm -rf "$incoming"
	install -d -m 700 -o "$uid" -g "$gid" "$incoming"
	[ $# -eq 0 ] || install -m 644 -o "$uid" -g "$gid" "$data/test-$1.cvd" "$incoming/test.cvd"
}

# One check; leaves what was said in $output, the lines of attempts in $attempts.
check() { # WORD...
	output=$(timeout 100 "$driver" "$updater" "$incoming" uid="$uid" gid="$gid" database=test "$@" 2>&1)
	attempts=$(grep '^attempt ' <<<"$output")
}

check_here() { check mirror="http://127.0.0.1:$port" "$@"; }

left() { (cd "$incoming" && find . -mindepth 1 | sort | sed 's,^\./,,' | tr '\n' ' '); }

# What it says of the one attempt, its exit status (to which all that it said must fit), and what is left.
expect() { # NAME ATTEMPT STATUS LEFT
	if grep -qE -- "$2" <<<"$attempts" && grep -q "^end status=$3 .*(agreed)$" <<<"$output" && [ "$(left)" = "$4 " ]; then
		t_pass "$1"
	else
		t_fail "$1" "left: $(left)" "$output"
	fi
}

mirror_start main
port=$mirror_port
memory=freshclam.dat
as_before="$memory test.cvd"

# ---- what comes well ---------------------------------------------------------------------------------------------

serve 6 && incoming_new 3 && check_here
expect "version 3 becomes 6 by differences" 'updated wait=0 file=test.cld version=6 bytes=[1-9][0-9]* detail=$' 0 "$memory test.cld"
t_is "and no whole file was fetched" "$(grep -c 'test.cvd - whole' "$work/main.requests")" 0
t_like "the file is the updater's, a plain one" "$(stat -c '%u %g %F' "$incoming/test.cld")" "^$uid $gid regular file$"
check_here
expect "a second check finds nothing newer" ' nothing-new wait=0 file= version=0 bytes=0 ' 81 "$memory test.cld"

if command -v strace >/dev/null; then
	incoming_new 3
	output=$(timeout 100 strace -f -e trace=fsync,sendmsg,rename -o "$work/calls" "$driver" "$updater" "$incoming" uid="$uid" gid="$gid" \
		database=test mirror="http://127.0.0.1:$port" 2>&1)
	parent=$(awk '/sendmsg\(3/ { print $1; exit }' "$work/calls")
	# Of the parent alone, behind the last rename: the file, the directory, the word.
	t_is "a file is on the disk before it is told of" "$(awk -v parent="$parent" '/rename\(.*"test.cld"/ { after = 1 } after && $1 == parent {
		print substr($2, 1, 5) }' "$work/calls" | grep -E '^(fsync|sendm)' | tr '\n' ' ')" "fsync fsync sendm sendm "
else
	t_skip "a file is on the disk before it is told of" "strace is not here"
fi

incoming_new && check_here
expect "without a file the whole one is fetched" 'updated wait=0 file=test.cvd version=6 bytes=9952 detail=$' 0 "$as_before"
t_ok "and it is the mirror's" cmp "$incoming/test.cvd" "$data/test-6.cvd"
incoming_new 3 && check_here whole
expect "differences can be switched off" 'updated wait=0 file=test.cvd version=6 ' 0 "$as_before"
incoming_new 3 && check private="http://127.0.0.1:$port"
expect "a private mirror has .cvd files too" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
cp "$incoming/test.cld" "$work/six.cld"
serve 3 && cp "$work/six.cld" "$served/test.cld" && incoming_new && check private="http://127.0.0.1:$port"
expect "and .cld files" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
serve 6 && behave test.cld status:403 && incoming_new && check private="http://127.0.0.1:$port"
expect "and when it forbids the .cld that it does not have, no harm is done" 'updated wait=0 file=test.cvd version=6 ' 0 "$as_before"
check private="http://127.0.0.1:$port"
expect "nor when there is nothing new" ' nothing-new wait=0 ' 81 "$as_before"

# ---- differences that are not what they should be -----------------------------------------------------------------

serve 6 && incoming_new 3 && head -c 500 "$data/test-5.cdiff" >"$served/test-5.cdiff" && check_here
expect "a damaged difference: the whole file is fetched" 'updated wait=0 file=test.cvd version=6 ' 0 "$as_before"
serve 6 && incoming_new 3 && rm "$served/test-5.cdiff" && check_here
expect "a missing difference: the whole file is fetched at once" 'updated wait=0 file=test.cvd version=6 ' 0 "$as_before"
serve 6 && incoming_new 5 && rm "$served/test-6.cdiff" && check_here
expect "a single missing difference too" 'updated wait=0 file=test.cvd version=6 ' 0 "$as_before"
serve 6 && incoming_new 5 && behave test-6.cdiff cut && check_here
expect "a difference that is cut is no 'nothing new'" ' cut wait=0 file= .*partial file' 87 "$as_before"
serve 6 && incoming_new 3 && behave test-5.cdiff cut && check_here
expect "what the first differences gave is kept, and said" 'updated wait=0 file=test.cld version=4 .*partial file' 0 "$memory test.cld"

# ---- mirrors that fail --------------------------------------------------------------------------------------------

failing() { # NAME FILE HOW ATTEMPT STATUS [WORD...]
	local name=$1 file=$2 how=$3 attempt=$4 status=$5
	shift 5
	serve 6 && incoming_new 3 && rm "$served"/*.cdiff && behave "$file" "$how"
	check_here whole "$@"
	expect "$name" "$attempt" "$status" "$as_before"
	cmp -s "$incoming/test.cvd" "$data/test-3.cvd" || t_fail "$name: the file before is still there"
}

failing "404 is not found" test.cvd status:404 ' not-found .*test\.cvd' 83
failing "500 is an error of the mirror" test.cvd status:500 ' refused .*\(500\)' 84
failing "429 is obeyed, with its seconds" test.cvd status:429:77 ' told-to-wait wait=7[67] ' 82
failing "429 without seconds is four hours" test.cvd status:429 ' told-to-wait wait=1(4400|4399) ' 82
failing "403 is a day" test.cvd status:403 ' told-to-wait wait=86(400|399) ' 82
failing "a short file is cut" test.cvd cut ' cut wait=0 ' 87
failing "a short file that does not say so is damaged" test.cvd short ' damaged wait=0 ' 88
failing "300 MB of junk end at the limit" test.cvd junk:300000000 ' too-big wait=0 ' 89
[ "$is_sanitized" -gt 0 ] || failing "300 MB in place of a header end at the limit" test.cvd flood:300000000 ' too-big wait=0 ' 89 memory_bytes=134217728
failing "a stall ends by the time of a request" test.cvd stall ' stalled wait=0 ' 86 request_timeout_s=1
failing "a drip ends by the time of the check" test.cvd drip ' late wait=0 ' 91 deadline_ms=1500
t_like "progress was told meanwhile" "$output" '^progress database=0 mirror=0 bytes=[1-9]'

failing "who does not say a word is stalled" test.cvd mute ' stalled wait=0 ' 86 request_timeout_s=1
[ "$is_sanitized" -gt 0 ] || failing "a header without end ends" test.cvd headers ' (too-big|unreachable|stalled|cut) wait=0 ' '8[5-9]' memory_bytes=134217728
failing "who sends us round in a circle is left" test.cvd "redirect:http,//127.0.0.1,$port/test.cvd" ' unreachable .*\(47\)' 85
failing "who sends us to our own files is left" test.cvd redirect:file,///etc/passwd ' unreachable .*\((1|7)\)' 85
failing "who sends us into a service that speaks no HTTP is left" test.cvd redirect:gopher,//127.0.0.1,1/x ' unreachable .*\(1\)' 85
serve 6 && cp "$served/test.cvd" "$served/there.cvd" && behave test.cvd "redirect:http,//127.0.0.1,$port/there.cvd" && incoming_new && check_here
expect "who sends us to where it is, is followed" 'updated wait=0 file=test.cvd version=6 ' 0 "$as_before"

serve 6 && incoming_new && head -c 9000 "$data/test-6.cvd" >"$served/test.cvd" && check_here
expect "a damaged file is damaged" ' damaged wait=0 .*Verification' 88 "$memory"
serve 2 && incoming_new 3 && check_here
expect "an older version is nothing new" ' nothing-new ' 81 "$as_before"
serve 6 && cp "$data/bytecode.cvd" "$served/test.cvd" && incoming_new && check_here
expect "another database under this name is told as what it claims" 'updated wait=0 file=test.cvd version=19 ' 0 "$as_before"
serve 6 && printf 'a %.0s' {1..400} >"$served/test.cvd" && incoming_new 3 && check_here
expect "a page that is no database is damaged" ' damaged wait=0 .*Malformed' 88 "$as_before"

# ---- several mirrors, several databases ---------------------------------------------------------------------------

dead=http://127.0.0.1:1
serve 6 && incoming_new 3 && check mirror=$dead mirror="http://127.0.0.1:$port"
expect "after a dead mirror a good one is asked" ' mirror=1 updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
t_like "and the dead one is told" "$attempts" ' mirror=0 unreachable .*connect'
incoming_new 3 && check mirror=$dead
expect "a dead mirror alone is unreachable" ' unreachable ' 85 "$as_before"

mkdir "$work/good" && cp "$data/test-6.cvd" "$work/good/test.cvd"
served=$work/good mirror_start good
serve 6 && behave test.cvd drip && incoming_new && check_here mirror="http://127.0.0.1:$mirror_port" deadline_ms=4000
expect "a slow mirror does not use up the time of the next" ' mirror=1 updated wait=0 file=test.cvd version=6 ' 0 "$as_before"
t_like "and is told" "$attempts" ' mirror=0 stalled wait=0 .*too slow'
serve 6 && cp "$data/bytecode.cvd" "$served/" && incoming_new && check mirror=$dead mirror="http://127.0.0.1:$port" database=bytecode
t_is "a mirror that failed is not asked first again" "$(grep -c unreachable <<<"$attempts")" 1
t_is "both databases are there" "$(left)" "bytecode.cvd $memory test.cvd "
behave test.cvd status:429:60 && incoming_new && : >"$work/main.requests" && check_here database=bytecode
t_is "who told us to wait is not asked again" "$(wc -l <"$work/main.requests")" 1
t_is "and that is told of each database" "$(grep -c ' told-to-wait wait=[1-9]' <<<"$attempts")" 2
behave test.cvd status:404 && incoming_new && check_here database=bytecode
t_like "what could be had is kept when another failed" "$output" '^finished not-found updated=1$'
t_is "and nothing else" "$(left)" "bytecode.cvd $memory "

# ---- what was rejected before -------------------------------------------------------------------------------------

# As a mirror's file that looks well and that the trial rejected: it is not fetched again, at any check, until there is something newer.
good=http://127.0.0.1:$port
for kind in mirror private; do
	serve 6 && incoming_new 5 && : >"$work/main.requests" && check $kind="$good" refused=test:6
	expect "what a $kind has was rejected: it is left" ' known-bad wait=0 file= .*nothing above version 6' 94 "$as_before"
	t_is "and only its header was asked for ($kind)" "$(grep -vc ' range$' "$work/main.requests")" 0
	t_ok "the file that is there stays ($kind)" cmp -s "$incoming/test.cvd" "$data/test-5.cvd"
done
serve 6 && incoming_new 3 && check mirror="$good" refused=test:5
expect "something newer than what was rejected is fetched, whole" 'updated wait=0 file=test.cvd version=6 ' 0 "$as_before"
serve 6 && incoming_new 3 && cp "$work/six.cld" "$incoming/test.cld" && chown "$uid:$gid" "$incoming/test.cld" && rm "$incoming/test.cvd" &&
	check mirror="$good" refused=test:5
expect "what was rejected before the present file is forgotten" ' nothing-new ' 81 "$memory test.cld"
serve 3 && cp "$work/six.cld" "$served/test.cld" && incoming_new 3 && check private="$good" refused=test:5
expect "from a private mirror, too" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
serve 6 && incoming_new 3 && check mirror="$good" refused=test:6 mirror="$good"
expect "another mirror is asked for it" ' mirror=1 updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
serve 6 && behave test.cvd status:429:50 && incoming_new 5 && check mirror="$good" refused=test:5
expect "who tells us to wait there is obeyed as elsewhere" ' told-to-wait wait=(50|49) ' 82 "$as_before"
serve 6 && incoming_new && check mirror="$good" refused=test:6
expect "without a file it is left as well" ' known-bad ' 94 "$memory"
serve 6 && cp "$data/test-2.cvd" "$served/old.cvd" && mv "$served/test.cvd" "$served/new.cvd" && cp "$served/old.cvd" "$served/test.cvd" &&
	behave test.cvd advertise:new.cvd && incoming_new 3 && check_here whole
expect "an older file than the one that was promised is damaged" ' damaged wait=0 file= .*version 2 was sent in place of one above 3' 88 "$memory"
cp "$data/test-5.cvd" "$served/test.cvd" && incoming_new 3 && check mirror="$good" refused=test:5 whole
expect "what was rejected and is promised to be newer is not kept" ' known-bad .*version 5 was rejected' 94 "$memory"

# ---- the disk -----------------------------------------------------------------------------------------------------

on_disk_of() { # SIZE WORD...: a check on a disk of that size, in an own mount namespace
	local size=$1
	shift
	incoming_new
	output=$(unshare -m -- sh -c '
		mount --make-rprivate / && mount -t tmpfs -o "size=$1,mode=700,uid=$2,gid=$3" tiny "$4" &&
		{ [ -z "$5" ] || install -m 644 -o "$2" -g "$3" "$5" "$4/test.cvd"; } || exit 1
		incoming=$4; shift 5
		"$@"; echo "left $(ls -A "$incoming" | sort | tr "\n" " ")"
	' sh "$size" "$uid" "$gid" "$incoming" "$data/test-3.cvd" timeout 100 "$driver" "$updater" "$incoming" uid="$uid" gid="$gid" \
		database=test mirror="http://127.0.0.1:$port" "$@" 2>&1)
	attempts=$(grep '^attempt ' <<<"$output")
}

serve 6
for size in 12k 16k 24k 120k; do # 120k: the differences find room, the file that they make does not
	on_disk_of $size
	t_like "a disk of $size is too small, and that is said" "$attempts" ' no-space wait=0 file= '
	t_like "what was there is left ($size)" "$output" '^left freshclam.dat test.cvd $'
done
on_disk_of 1m
t_like "a disk of 1 MB is not" "$attempts" ' updated wait=0 file=test.cld version=6 '

# ---- what it finds at its start -----------------------------------------------------------------------------------

serve 6 && incoming_new 3
mkdir -p "$incoming/clamav-x.tmp/deep/er" && echo x >"$incoming/clamav-x.tmp/deep/er/file" && ln -s /etc/passwd "$incoming/test.cld"
ln "$work/six.cld" "$incoming/main.cvd" && echo x >"$incoming/$memory" && chmod 600 "$incoming/$memory"
chown -R "$uid:$gid" "$incoming/clamav-x.tmp"
check_here
expect "what a dead predecessor left is removed" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
incoming_new 3
{ printf 'FreshClamData\001\000\000\000' && head -c 500 /dev/zero | tr '\0' A; } >"$incoming/$memory" && chown "$uid:$gid" "$incoming/$memory"
check_here
expect "a memory that the library did not write is not read" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
t_is "but made anew" "$(grep -c AAAA "$incoming/$memory")" 0
before=$(head -c 50 "$incoming/$memory" | tail -c 33) && check_here
t_is "one that it did write stays" "$(head -c 50 "$incoming/$memory" | tail -c 33)" "$before"
incoming_new 3 && install -m 644 -o "$uid" -g "$gid" "$work/six.cld" "$incoming/test.cld" && check_here
expect "two files of a database are none" 'updated wait=0 file=test.cvd version=6 ' 0 "$as_before"

# ---- walls, as the kernel sees them -------------------------------------------------------------------------------

serve 6 && behave test.cvd stall && incoming_new
check_here deadline_ms=2500 hello='
	exec >"'"$work"'/walls" 2>&1
	(sleep 0.5; child=$(ps -o pid= --ppid $UPDATER)
	for p in $UPDATER $child; do
		grep -E "^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|NSpid):" /proc/$p/status | tr -s "\t " " " | sed "s/ *$//"
		awk "\$6 !~ /^ro/ { print \"writable\", \$5 }" /proc/$p/mountinfo
		echo "environ $(wc -c </proc/$p/environ)"
		awk "/core file/ { print \"core\", \$5, \$6 } /file size/ { print \"size\", \$4, \$5 }" /proc/$p/limits
		for n in ipc uts mnt pid; do [ "$(readlink /proc/$p/ns/$n)" = "$(readlink /proc/self/ns/$n)" ] && echo "same $n"; done
	done
	ls -l /proc/$UPDATER/fd | sed -n "s/.* \([0-9]* ->.*\)/fd \1/p"
	echo "session $(awk "{ print \$6 }" /proc/$UPDATER/stat) $(awk "{ print \$6 }" /proc/self/stat)") &'
walls=$(cat "$work/walls")
wall_is() { t_is "$1" "$(grep -cE "$2" <<<"$walls")" "$3"; } # NAME REGEX COUNT
wall_is "both processes run as the user given" "^Uid: $uid $uid $uid $uid$" 2
wall_is "and as the group" "^Gid: $gid $gid $gid $gid$" 2
wall_is "without a supplementary group" '^Groups:$' 2
wall_is "without a capability in any of five sets" '^Cap...: 0000000000000000$' 10
wall_is "with no_new_privs" '^NoNewPrivs: 1$' 2
wall_is "filtered" '^Seccomp: 2$' 2
wall_is "in a pid namespace" '^NSpid: [0-9]+ [0-9]+$' 2
wall_is "in no namespace of the host's but the network's" '^same ' 0
wall_is "with one mount that can be written" '^writable ' 2
wall_is "which is the incoming directory" '^writable /tmp$' 2
wall_is "with an empty environment" '^environ 0$' 2
wall_is "without a core" '^core 0 0$' 2
wall_is "with the limit of a file" '^size 67108864 67108864$' 2
t_is "the parent has no descriptor but /dev/null, its channel, the directory, the child's log and the child" \
	"$(grep '^fd ' <<<"$walls" | sed -E 's/^fd [0-9]+ -> //; s/(socket|anon_inode).*/\1/; s/ \(deleted\)//; s#^/.*/tmp$#/tmp#' | sort | tr '\n' ' ')" \
	"/dev/null /dev/null /dev/null /memfd:log /tmp anon_inode socket "
t_like "it leads a session of its own" "$walls" '^session ([0-9]+) '
t_is "it names fifteen walls" "$(grep -c '^wall ' <<<"$output")" 15
t_is "each was tried and holds, or this kernel has none" "$(grep '^wall ' <<<"$output" | grep -vcE '^wall [a-z-]+ (up|missing) ')" 0
t_note "missing here: $(sed -n 's/^wall \([a-z-]*\) missing.*/\1/p' <<<"$output" | tr '\n' ' ')"

# ---- the page for people ------------------------------------------------------------------------------------------

missing=$(awk -F'"' '/^\tX\(UPDATE_/ { printf "| %d | `%s` |\n", n ? 80 + n : 0, $2; n++ }' "$AMP_SRC/shared/base/update_outcome.h" |
	while read -r row; do grep -qF "$row" "$AMP_SRC/docs/updates.md" || echo "$row"; done)
t_is "docs/updates.md explains each outcome under its number" "$missing" ""

# ---- births that are refused --------------------------------------------------------------------------------------

refused() { # NAME STATUS REGEX
	t_like "$1" "$output" "^end status=$2 "
	[ -z "$3" ] || t_like "$1: it says why" "$output" "$3"
}

incoming_new 3 && chmod 755 "$incoming" && check_here
refused "a directory that others can read is refused" 66 '^failed 66 .*incoming directory'
t_is "and nothing was done there" "$(left)" "test.cvd "
incoming_new && chown 0 "$incoming" && check_here
refused "a directory of another user is refused" 66 '^failed 66 .*incoming directory'
incoming_new && check_here raw=garbage
refused "an order that makes no sense is refused" 65 '^failed 65 '
check_here protocol=9
refused "another protocol is refused" 65 '^failed 65 another version'
t_exit_is "who was not started by the daemon is told so" 64 "$updater"

# ---- ends at any moment -------------------------------------------------------------------------------------------

gone() { [ -z "$(ps -o pid= -u "$uid")" ]; }

serve 6 && behave test.cvd stall && incoming_new && check_here hang_up_ms=700
t_like "when the daemon hangs up it ends" "$output" '^end status=0 '
t_like "within a second" "$output" '^took ms=[0-9]{1,3}$'
t_is "and leaves nothing behind" "$(left)" "$memory "
behave test.cvd drip && incoming_new 3 && rm "$served"/*.cdiff && check_here whole hello='(sleep 0.5; kill -SEGV $(ps -o pid= --ppid $UPDATER)) &'
expect "a library that dies is told, and cleaned up after" ' died wait=0 .*signal 11' 92 "$as_before"
behave test.cvd drip && incoming_new && check_here kill_ms=700
t_like "a kill is a kill" "$output" '^end signal=9$'
t_ok "its child goes with it" wait_for 5 gone

# The daemon is killed while the updater cannot hear that its channel ends.
serve 6 && behave test.cvd drip && incoming_new
check_here hello='(sleep 0.4; kill -STOP $UPDATER; kill -9 $PPID) >/dev/null 2>&1 &'
t_ok "it ends with the daemon, also when it cannot look" wait_for 5 gone

# Killed at random moments: AMP_UPDATER_KILLS of them. What is there then must be whole under the names that would be looked at; the next check does its work.
is_whole() {
	{ [ ! -e "$incoming/test.cvd" ] || cmp -s "$incoming/test.cvd" "$data/test-3.cvd" || cmp -s "$incoming/test.cvd" "$data/test-6.cvd"; } &&
		{ [ ! -e "$incoming/test.cld" ] || cmp -s "$incoming/test.cld" "$work/six.cld"; }
}

# Whom, and how it went: sets killed, cut (not whole), bad (the next check), stayed (processes).
kill_often() { # WHOM TIMES
	local whom=$1 times=$2 how
	killed=0 cut=0 bad=0 stayed=0
	for _ in $(seq "$times"); do
		incoming_new 3
		how=() && [ $((RANDOM % 2)) -eq 0 ] || how=(whole)
		if [ "$whom" = updater ]; then
			check_here "${how[@]}" kill_ms=$((RANDOM % 60 + 1))
			grep -q '^end signal=9$' <<<"$output" && killed=$((killed + 1))
		else
			check_here "${how[@]}" hello="(sleep 0.00$((RANDOM % 10))
				kill -9 \$(cat /proc/\$UPDATER/task/\$UPDATER/children)) >/dev/null 2>&1 &"
			grep -q ' died .*signal 9' <<<"$attempts" && killed=$((killed + 1))
		fi
		is_whole || { cut=$((cut + 1)) && t_note "after the kill: $(ls -l "$incoming")"; }
		wait_for 5 gone || stayed=$((stayed + 1))
		check_here
		if [ "$(left)" = "$memory test.cld " ] && grep -qE ' (updated|nothing-new) ' <<<"$attempts"; then
			continue
		elif [ "$(left)" = "$as_before " ] && grep -qE ' (file=test.cvd version=6 |nothing-new )' <<<"$attempts"; then
			cmp -s "$incoming/test.cvd" "$data/test-6.cvd" && continue # whole, or it was killed between the two steps of a replacement
		fi
		bad=$((bad + 1))
		t_note "left: $(left); $attempts"
	done
	t_note "the $whom was killed in the middle at $killed of $times moments"
	t_is "after a kill of the $whom at any moment what has a name is whole ($times)" "$cut" 0
	t_is "and the next check does its work and leaves what it must" "$bad" 0
	t_is "and no process stays behind" "$stayed" 0
}

serve 6
RANDOM=4
kill_often updater "${AMP_UPDATER_KILLS:-40}"
t_ok "most of them were in the middle" test "$killed" -ge $((${AMP_UPDATER_KILLS:-40} * 2 / 5))
kill_often child 10
t_ok "some of them were in the middle" test "$killed" -ge 1

# ---- a library that was taken over --------------------------------------------------------------------------------

# Behind the walls of the real one is a child that does what it is told.
hijacked=$AMP_BUILD/tests/support/hijacked_updater
taken_over() { # ATTACK NAME ATTEMPT STATUS [WORD...]
	local attack=$1 name=$2 attempt=$3 status=$4
	shift 4
	incoming_new 3
	output=$(timeout 100 "$driver" "$hijacked" "$incoming" uid="$uid" gid="$gid" database=test mirror="http://x/$attack" max_file_bytes=20000000 \
		deadline_ms=3000 "$@" 2>&1)
	attempts=$(grep '^attempt ' <<<"$output")
	if grep -qE -- "$attempt" <<<"$attempts" && grep -q "^end status=$status .*(agreed)$" <<<"$output" && [ "$(left)" = "test.cvd " ]; then
		t_pass "taken over: $name"
	else
		t_fail "taken over: $name" "left: $(left | cut -c 1-300)" "$output"
	fi
}

if [ -x "$hijacked" ]; then
	attacks="symlink link fifo exec ptrace vmwrite memfd listen"
	[ "$is_sanitized" -gt 0 ] || attacks="$attacks rlimit signal"
	for attack in $attacks; do
		taken_over "$attack" "$attack ends it" ' died .*signal 31' 92
	done
	taken_over deep "three thousand directories in one another are swept" ' (too-big|refused) ' '\(84\|89\)'
	taken_over locked "directories without rights are swept" ' refused .*locked' 84
	taken_over crowd "a crowd of files ends by its number, and is swept" ' too-big ' 89 deadline_ms=30000
	taken_over fill "many files end by what they weigh together, and are swept" ' too-big ' 89 deadline_ms=30000
	incoming_new && output=$(timeout 100 "$driver" "$hijacked" "$incoming" uid="$uid" gid="$gid" database=test mirror=http://x/claim)
	t_like "taken over: a directory is no file, whatever is claimed" "$output" ' failed wait=0 file= version=0 bytes=0 '
	t_is "taken over: and it is swept" "$(left)" ""
	taken_over babble "a log without end is cut" ' failed wait=0 ' 93
	taken_over socket "no local socket can be reached" ' refused .*\(reached 0$' 84
	taken_over look "no file of the host can be opened" ' refused .*\(opened 0$' 84
	taken_over descriptors "it has five descriptors, and the channel is none" ' refused .*\(descriptors 5$' 84
	[ "$is_sanitized" -gt 0 ] || taken_over memory "memory that is shared with nobody is counted" ' refused .*\(thousands 1$' 84
	taken_over spin "a loop ends by the time of the check" ' late ' 91
else
	t_skip "a library that was taken over" "hijacked_updater is not built"
fi

# The environment is the daemon's to leave empty; what is there all the same counts for nothing.
serve 6 && incoming_new 3 && check_here env=http_proxy=http://127.0.0.1:1
expect "a proxy in the environment is not used" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
t_like "and it is said that there was one" "$output" '^wall environment up was not empty'

# ---- names, TLS, a proxy ------------------------------------------------------------------------------------------

# A host of its own: nothing is asked of the real resolver, and the real certificates are not touched.
if command -v openssl >/dev/null && [ -f /etc/ssl/certs/ca-certificates.crt ] && [ -f /etc/hosts ] && [ -f /etc/resolv.conf ]; then
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$work/key.pem" -out "$work/own.crt" 2>/dev/null && cat "$work/own.crt" "$work/key.pem" >"$work/both.pem"
	echo "nameserver 127.0.0.1" >"$work/resolv.conf"
	printf '127.0.0.1 localhost\n' >"$work/hosts"
	mirror_start secure "$work/both.pem"
	on_host() { # CERTIFICATES WORD...
		local certificates=$1
		shift
		output=$(unshare -m -- sh -c '
			mount --make-rprivate / && mount --bind "$1" /etc/ssl/certs/ca-certificates.crt && mount --bind "$2" /etc/resolv.conf &&
			mount --bind "$3" /etc/hosts || exit 1
			shift 3; exec "$@"' sh "$certificates" "$work/resolv.conf" "$work/hosts" \
			timeout 100 "$driver" "$updater" "$incoming" uid="$uid" gid="$gid" database=test "$@" 2>&1)
		attempts=$(grep '^attempt ' <<<"$output")
	}
	serve 6 && incoming_new 3 && on_host "$work/own.crt" mirror="https://localhost:$mirror_port"
	expect "a mirror over https whose certificate is known" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
	: >"$work/none.crt" && incoming_new 3 && on_host "$work/none.crt" mirror="https://localhost:$mirror_port"
	expect "one whose certificate is not is no mirror" ' unreachable .*(60|77)' 85 "$as_before"
	incoming_new 3 && on_host "$work/own.crt" mirror="http://no-such-mirror.invalid"
	expect "a name that nobody knows is unreachable" ' unreachable .*resolve' 85 "$as_before"
	incoming_new 3 && on_host "$work/own.crt" dns=current.invalid mirror="http://localhost:$port"
	expect "a DNS record that nobody answers is done without" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
else
	t_skip "mirrors over https" "openssl, /etc/ssl/certs/ca-certificates.crt, /etc/hosts or /etc/resolv.conf is not here"
fi
# A network of its own, with a name server that says what it is told.
if command -v ip >/dev/null && [ -f /etc/resolv.conf ] && unshare -n -m ip link set lo up 2>/dev/null; then
	echo "nameserver 127.0.0.1" >"$work/resolv.conf"
	in_network() { # TEXT: the record of the database; WORD...
		local text=$1
		shift
		rm -f "$work/named" "$work/net.port" "$work/net.requests"
		output=$(unshare -n -m -- sh -c '
			mount --make-rprivate / && mount --bind "$1/resolv.conf" /etc/resolv.conf && ip link set lo up || exit 1
			"$2/name_server.py" "$1/named" current.amp.invalid=1.4.6:62:27000:@:1:90:49192:334 "test.cvd.clamav.net=$4" >"$1/questions" 2>&1 &
			trap "kill $!" EXIT
			mkfifo "$1/net.input.$$"
			"$2/mirror.py" "$3" "$1/net.port" <"$1/net.input.$$" >"$1/net.requests" 2>&1 &
			exec 5>"$1/net.input.$$"
			n=0; while [ $n -lt 100 ] && { [ ! -e "$1/named" ] || [ ! -s "$1/net.port" ]; }; do sleep 0.1; n=$((n + 1)); done
			shift 4; "$@" mirror="http://mirror.amp.invalid:$(cat "'"$work"'/net.port")"' sh "$work" "$AMP_SRC/tests/support" "$served" "$text" \
			timeout 60 "$driver" "$updater" "$incoming" uid="$uid" gid="$gid" database=test dns=current.amp.invalid "$@" 2>&1)
		attempts=$(grep '^attempt ' <<<"$output")
	}
	serve 6 && incoming_new 3 && in_network 6:@
	expect "a mirror is found by its name, and the version by the DNS record" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
	t_is "then the mirror is not asked for it" "$(grep -c 'test.cvd' "$work/net.requests")" 0
	t_like "the record was asked for" "$(cat "$work/questions")" '^test\.cvd\.clamav\.net 16$'
	serve 6 && incoming_new 3 && in_network 2:@
	expect "a record that is behind hides what is new (the age of definitions shows it)" ' nothing-new ' 81 "$as_before"
	serve 6 && incoming_new 3 && in_network 2147483647:@
	expect "a record that is ahead does not keep us from what there is" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
	in_network 7:@
	expect "what the mirror does not have yet is nothing new" ' nothing-new ' 81 "$memory test.cld"
	t_is "and is no reason to fetch the whole file" "$(grep -c 'test.cvd - whole' "$work/net.requests")" 0
	in_network 7:@ whole
	expect "nor is what we have, come whole, anything new" ' not-found .*it has version 6, as we have' 83 "$memory test.cvd"
	serve 6 && incoming_new 3 && in_network "$(printf '%0200d' 0):@"
	expect "a record that makes no sense is done without" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
else
	t_skip "names and versions by a name server" "no ip, no /etc/resolv.conf, or no namespaces here"
fi

serve 6 && behave CONNECT status:407 && incoming_new 3 && check mirror="http://127.0.0.1:$port" proxy="http://127.0.0.1:$port"
expect "a proxy that wants a password is hinted at" ' cut wait=0 .*or the proxy refuses \(password, rule\)$' 87 "$as_before"
serve 6 && behave CONNECT status:403 && incoming_new 3 && check mirror="http://127.0.0.1:$port" proxy="http://127.0.0.1:$port"
expect "one that forbids the way too, and nobody is sent away for a day" ' cut wait=0 .*or the proxy refuses' 87 "$as_before"
serve 6 && incoming_new 3 && check mirror="http://127.0.0.1:$port" proxy="http://127.0.0.1:1"
expect "a dead proxy is unreachable" ' unreachable wait=0 ' 85 "$as_before"
serve 6 && incoming_new 3 && check mirror="http://127.0.0.1:$port" proxy="http://127.0.0.1:$port" user=amp password=word
expect "a proxy is used" 'updated wait=0 file=test.cld version=6 ' 0 "$memory test.cld"
t_like "with user and password" "$(cat "$work/main.requests")" "^CONNECT 127.0.0.1 Basic $(printf amp:word | base64)$"
