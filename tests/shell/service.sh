#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The scan service alone, with tests/support/service_driver in the daemon's place: verdicts, definitions, walls as the
# kernel sees them, faults of the temporary storage and of resources, death of workers.
# $SERVICE and the like are filled in by the driver; EICAR has a $ of its own.
# shellcheck disable=SC2016
. "${AMP_SRC:-$(cd "$(dirname "$0")/../.." && pwd -P)}/tests/lib.sh"

driver=$AMP_BUILD/tests/support/service_driver
service=$AMP_BUILD/ampscansvc/ampscansvc
builtin=$AMP_SRC/definitions/builtin
testfiles=/usr/share/clamav-testfiles
uid=65534

[ "$(id -u)" -eq 0 ] || t_skip_all "needs root: it gives rights away"
{ [ -x "$driver" ] && [ -x "$service" ]; } || t_skip_all "service_driver or ampscansvc is not built"

work=$AMP_TMP/service
mkdir -p "$work"
chmod 755 "$AMP_TMP" "$work"

drive() { timeout 120 "$driver" "$service" "$builtin" "$@" 2>&1; } # [DEFINITIONS], orders on standard input

# ---- built-in set ------------------------------------------------------------------------------------------------

# In two parts, so that this script is no test virus itself.
printf '%s%s' 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR' '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*' >"$work/eicar"
: >"$work/empty"
echo hello >"$work/text"
truncate -s 10G "$work/sparse"
output=$(drive <<EOF
start
spawn
scan 0 $work/eicar
scan 0 $work/empty
scan 0 $work/text
scan 0 $work/sparse
scan 0 $service
ping
EOF
)
t_like "EICAR is found with the built-in set" "$output" "eicar: result INFECTED none Amp.Test.Eicar"
t_like "an empty file is clean" "$output" "empty: result CLEAN none - bytes=0 "
t_like "a text is clean" "$output" "text: result CLEAN none"
t_like "a sparse file of 10 GB is incomplete at once" "$output" "sparse: result INCOMPLETE limit-file-size .* us=[0-9]{1,5}$"
t_like "the program that carries the canaries is clean" "$output" "ampscansvc: result CLEAN none"
t_like "a ping is answered" "$output" "^pong 42$"
t_like "the service ends with its channel" "$output" "^end signal=0 status=0$"
t_is "no wall is breached" "$(grep -c ' wall .* breached' <<<"$output")" 0
t_is "each wall of the service and of the worker is reported" "$(grep -cE '^(service|worker) wall ' <<<"$output")" 34

# ---- walls, as the kernel sees them ------------------------------------------------------------------------------

output=$(drive <<'EOF'
start
spawn
sh for p in $SERVICE $W0; do grep -E '^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|NSpid)' /proc/$p/status | tr -s '\t ' ' ' | sed "s/ *$//;s/^/$p /"; done
sh ls -l /proc/$W0/fd | sed -n 's/.* \([0-9]* ->.*\)/fd \1/p'
sh for n in net ipc uts mnt pid; do [ $(readlink /proc/$W0/ns/$n) = $(readlink /proc/self/ns/$n) ] && echo same $n; done; true
sh echo root $(ls /proc/$W0/root/ | tr '\n' ' ')
sh echo environ $(wc -c </proc/$W0/environ)
sh echo core $(awk '/core file/ {print $5, $6}' /proc/$W0/limits)
EOF
)
t_is "both run as the user given" "$(grep -cE "^[0-9]+ Uid: $uid $uid $uid $uid$" <<<"$output")" 2
t_is "both run as the group given" "$(grep -cE "^[0-9]+ Gid: $uid $uid $uid $uid$" <<<"$output")" 2
t_is "neither has a supplementary group" "$(grep -cE '^[0-9]+ Groups:$' <<<"$output")" 2
t_is "neither has a capability in any of five sets" "$(grep -cE '^[0-9]+ Cap...: 0000000000000000$' <<<"$output")" 10
t_is "both have no_new_privs" "$(grep -cE '^[0-9]+ NoNewPrivs: 1$' <<<"$output")" 2
t_is "both are filtered" "$(grep -cE '^[0-9]+ Seccomp: 2$' <<<"$output")" 2
t_is "both live in a pid namespace" "$(grep -cE '^[0-9]+ NSpid: [0-9]+ [0-9]+$' <<<"$output")" 2
t_is "a worker has four descriptors" "$(grep -c '^fd ' <<<"$output")" 4
t_is "three of them are /dev/null" "$(grep -c '^fd .*/dev/null' <<<"$output")" 3
t_is "no namespace is the host's" "$(grep -c '^same ' <<<"$output")" 0
t_like "the root holds the tree and nothing else" "$output" "^root builtin slot stage *$"
t_like "the environment is empty" "$output" "^environ 0$"
t_like "no core is written" "$output" "^core 0 0$"

# An account that is missing: root behind the other walls, and said so.
output=$(drive <<EOF
start uid=0 gid=0
spawn
scan 0 $work/eicar
EOF
)
t_like "without an account the user wall is missing" "$output" "worker wall user missing .*root"
t_like "without an account the capabilities are gone all the same" "$output" "worker wall capabilities up"
t_like "without an account it scans" "$output" "eicar: result INFECTED"

# ---- definitions -------------------------------------------------------------------------------------------------

mkdir "$work/bad"
printf 'x\n' >"$work/bad/broken.ndb"
: >"$work/bad/empty.hdb"
printf 'AMP.Test.Text:0:*:68656c6c6f0a616d70\n' >"$work/bad/good.ndb"
cp "$work/bad/good.ndb" "$work/bad/secret.ndb"
chmod 600 "$work/bad/secret.ndb"
mkfifo "$work/bad/pipe.ndb"
printf 'x\n' >"$work/bad/whitelist.ign2"
printf 'hello\namp\n' >"$work/hit"
output=$(drive "$work/bad" <<EOF
start
spawn
scan 0 $work/hit
EOF
)
t_like "a broken file is named" "$output" "file broken.ndb rejected .*libclamav cannot load it"
t_like "an empty file is named" "$output" "file empty.hdb rejected .*it is empty"
t_like "an unreadable file is named" "$output" "file secret.ndb rejected .*may not read it"
t_like "a FIFO is named, not waited for" "$output" "file pipe.ndb rejected .*not a regular file"
t_like "a file that would weaken the engine is refused" "$output" "file whitelist.ign2 rejected"
t_like "the good one beside them is loaded" "$output" "file good.ndb accepted signatures=1 .*unsigned"
t_like "and it finds" "$output" "hit: result INFECTED none AMP.Test.Text"

mkdir "$work/none"
t_like "an empty directory is refused" "$(drive "$work/none" <<<start)" "^failed 67 .*no signature"
rm "$work/bad/good.ndb"
output=$(drive "$work/bad" <<<start)
t_like "a directory of bad files is refused, with a reason" "$output" "^failed 67 .*broken.ndb: libclamav"
t_like "and the service ends with that code" "$output" "^service ended signal=0 status=67$"

if [ -n "$AMP_TEST_DATA" ] && [ -d "$testfiles" ]; then
	mkdir "$work/signed"
	cp "$AMP_TEST_DATA/test-6.cvd" "$work/signed/test.cvd"
	: >"$work/signed/test.cld" # libclamav alone would refuse the good one because of it
	cp "$AMP_TEST_DATA/damaged/flip-body-last.cvd" "$AMP_TEST_DATA/damaged/trunc-half.cvd" "$work/signed/"
	chmod 644 "$work/signed/"*
	scans() { for f in "$testfiles"/*; do echo "scan $1 $f"; done; }
	total=$(find "$testfiles" -type f | wc -l)
	output=$({ printf 'start\nspawn\n'; scans 0; } | drive "$work/signed")
	t_is "each of the $total test files is infected" "$(grep -c ': result INFECTED' <<<"$output")" "$total"
	t_like "a damaged .cvd is named" "$output" "file flip-body-last.cvd rejected .*signature does not verify"
	t_like "a cut .cvd is named" "$output" "file trunc-half.cvd rejected"
	t_like "a .cvd that verifies is loaded" "$output" "file test.cvd accepted signatures=10 version=6"

	# A container inside a container: libclamav follows a null pointer (spec libclamav.md 1.2).
	mkdir "$work/crash"
	cp "$work/bad/broken.ndb" "$work/signed/test.cvd" "$work/crash/"
	cp "$AMP_TEST_DATA/damaged/cld-extra-cud.cld" "$work/crash/crash.cld"
	chmod 644 "$work/crash/"*
	output=$(drive "$work/crash" <<<start)
	t_like "a container that crashes libclamav costs only itself" "$output" "file crash.cld rejected .*in.cud"
	t_like "and the good one beside it is loaded" "$output" "^ready signatures=23 "

	# ---- faults: an infected file may be anything but clean --------------------------------------------------

	# NAME ORDERS...: with a worker in slot 0, then all test files, then a new worker that must find again
	fault() {
		local name=$1 options=$2 command=$3 undo=$4
		output=$({
			printf 'start %s\nspawn\nsh %s\n' "$options" "$command"
			scans 0
			printf 'sh %s\nspawn\nscan 1 %s\n' "$undo" "$testfiles/clam.zip"
		} | drive "$work/signed")
		t_is "$name: no infected file is clean" "$(grep -c ': result CLEAN' <<<"$output")" 0
		# A fault that changes nothing proves nothing.
		if [ "$command" != true ]; then
			t_ok "$name: the fault bites" test "$(grep -c ': result INFECTED' <<<"$output")" -lt "$total"
		fi
		t_like "$name: it heals" "$(tail -n 2 <<<"$output")" "clam.zip: result INFECTED"
	}
	slot='/proc/$SERVICE/root/slot/00'
	lower="setpriv --reuid=$uid --regid=$uid --clear-groups prlimit --pid \$W0"
	fault "unwritable storage" "" "chmod 0500 $slot" "chmod 0700 $slot"
	t_like "unwritable storage: it is said" "$output" "result ERROR temp-storage"
	fault "closed storage" "" "chmod 0000 $slot" "chmod 0700 $slot"
	fault "storage full of bytes" temp_bytes=1048576 "mkdir $slot/d; head -c 2M /dev/zero >$slot/d/full" "rm -rf $slot/d"
	t_like "storage full of bytes: it is said" "$output" "result ERROR temp-storage"
	fault "storage full of inodes" temp_inodes=32 "mkdir $slot/d; for i in \$(seq 40); do : >$slot/d/\$i; done" "rm -rf $slot/d"
	fault "storage of 64 kB" temp_bytes=65536 true true
	fault "few inodes" temp_inodes=8 true true
	for n in 5 6 7 8; do
		fault "$n descriptors" "" "$lower --nofile=$n:$n" true
	done
	fault "files of no length" "" "$lower --fsize=0:0" true
	fault "files of 2000 bytes" "" "$lower --fsize=2000:2000" true
	fault "1 MB of memory" memory_bytes=1048576 true true
else
	t_skip "signed definitions, and faults with the test files" "needs AMP_TEST_DATA and clamav-testfiles"
fi

# ---- files that change ---------------------------------------------------------------------------------------------

head -c 20M /dev/urandom >"$work/growing"
output=$(drive <<EOF
start
spawn
sh (until [ -e $work/enough ]; do echo x >>$work/growing; sleep 0.01; done; touch $work/stopped) >/dev/null 2>&1 &
scan 0 $work/growing
sh touch $work/enough; until [ -e $work/stopped ]; do sleep 0.01; done
EOF
)
t_like "a file that keeps growing is incomplete" "$output" "growing: result INCOMPLETE changed"

# ---- death -------------------------------------------------------------------------------------------------------

output=$(drive <<EOF
start
spawn
spawn
kill 0 9
kill 1 11
spawn
scan 2 $work/eicar
sh ls /proc/\$SERVICE/fd | wc -l | sed 's/^/descriptors /'
EOF
)
t_like "a killed worker is reported" "$output" "^exited 0 signal=9"
t_like "a crashed worker is reported" "$output" "^exited 1 signal=11"
t_like "the next one scans" "$output" "eicar: result INFECTED"
t_like "the service keeps no descriptor of them" "$output" "^descriptors 5$"

# ---- last words --------------------------------------------------------------------------------------------------

# The service becomes itself with fault_preload before libc. Words 2 and 3 of the control are "each so many-th write, read", the
# last one says what the call does then: enum fault_crash.
mkdir "$work/fault"
cp "$AMP_BUILD/tests/support/fault_service" "$AMP_BUILD/tests/support/fault_preload.so" "$work/fault/"
printf '%s\n' "$service" >"$work/fault/service"
head -c 44 /dev/zero >"$work/fault/control"
cat >"$work/fault/set.py" <<'EOF'
import struct, sys
words = [0] * 10
words[int(sys.argv[2])], words[9] = 1, int(sys.argv[3])
with open(sys.argv[1], "r+b") as file:
    file.write(struct.pack("=10I", *words))
EOF

crash() { # WORKER CALL HOW FILE
	printf 'spawn\nsh python3 %s %s %s %s\nscan %s %s\n' "$work/fault/set.py" "$work/fault/control" "$2" "$3" "$1" "$4"
	printf 'reports\nwords %s\n' "$1"
}
output=$({
	echo start
	for how in 0 1 2 3 4; do
		crash $how 3 1000$how "$work/text"
	done
	printf 'spawn\nsh sleep 0.3\nkill 5 11\nwords 5\nspawn\nscan 6 %s\nwords 0\n' "$work/eicar"
	echo 'sh echo mapped $(awk "/memfd:last-words/ {print \$1}" /proc/$W6/maps)'
} | timeout 120 "$driver" "$work/fault/fault_service" "$builtin" 2>&1)
said='by its own words it was scanning'
t_like "a fault in a scan ends as SIGSEGV" "$output" "^exited 0 signal=11"
t_like "its words name job, phase, address, module and offset" "$output" \
	"^words 0 job=1 $said, and saw SIGSEGV \(no memory there\) at address 0x10 in fault_preload.so\+0x[0-9a-f]+$"
t_like "abort() ends as SIGABRT" "$output" "^exited 1 signal=6"
t_like "its words name it" "$output" "^words 1 job=2 $said, and saw SIGABRT in libc.so.6\+0x"
t_like "a stack that ran out ends as SIGSEGV" "$output" "^exited 2 signal=11"
t_like "its words name the stack" "$output" \
	"^words 2 job=3 $said, and saw SIGSEGV \(its stack ran out\) at address 0x[0-9a-f]+ in fault_preload.so\+0x"
t_like "a division by zero ends as SIGFPE" "$output" "^exited 3 signal=8"
t_like "its words name it" "$output" "^words 3 job=4 $said, and saw SIGFPE \(division by zero\) .* in fault_preload.so\+0x"
t_like "a forbidden call ends as SIGSYS" "$output" "^exited 4 signal=31"
t_like "its words say where it was" "$output" "^words 4 job=5 $said$"
t_like "an idle worker has no job" "$output" "^words 5 job=0 by its own words it was waiting for work, and saw SIGSEGV \(sent"
t_like "a page is cleared for the slot's next worker" "$(tail -n 5 <<<"$output")" "^words 0 none$"
range=$(sed -n 's/^mapped //p' <<<"$output")
t_is "a worker has one page of the memory" "$((0x${range#*-} - 0x${range%-*}))" 4096

if [ -d "$testfiles" ]; then
	cp "$testfiles/clam.zip" "$work/zip"
	output=$({
		echo start
		crash 0 2 10000 "$work/zip"
	} | timeout 120 "$driver" "$work/fault/fault_service" "$builtin" 2>&1)
	t_like "the words name the content" "$output" "^words 0 job=1 $said CL_TYPE_ZIP, and saw SIGSEGV"
else
	t_skip "the words name the content" "needs clamav-testfiles"
fi

output=$(DRIVER_NO_WORDS=1 drive <<EOF
start
spawn
scan 0 $work/eicar
kill 0 11
EOF
)
t_like "without the memory it scans" "$output" "eicar: result INFECTED"
t_like "and ends as it did" "$output" "^exited 0 signal=11"

[ "$t_failed" -eq 0 ]
