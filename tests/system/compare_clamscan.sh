#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The same verdict as clamscan for each file: Debian's clamav-testfiles, and a tree of programs, with the same definitions
# and the same options on both sides. A wrapper that changes what the engine says would show here.
#
#   compare_clamscan.sh [TREE]      the tree is scanned where it is; without it, up to AMP_COMPARE_MB megabytes (default 60)
#                                   of /usr/bin and /usr/lib are copied: AMP_COMPARE_MB=500 is the full run, by hand.
. "${AMP_SRC:-$(dirname "$0")/../..}/tests/lib.sh"

testfiles=/usr/share/clamav-testfiles
definitions=$AMP_TMP/definitions
compare_py=$AMP_SRC/tests/support/compare_verdicts.py

[ "$(id -u)" = 0 ] || t_skip_all "needs root"
command -v clamscan >/dev/null || t_skip_all "clamscan is not installed"
[ -f "$AMP_TEST_DATA/test-6.cvd" ] || t_skip_all "no test-6.cvd: set AMP_TEST_DATA"

mkdir -p "$definitions" && cp "$AMP_TEST_DATA/test-6.cvd" "$definitions/" || exit 1

# The limits are the connector's defaults; tests/bench/scan_options.h has the same in C.
clamscan_of() { # PATH OUTPUT
	clamscan --database="$definitions" --recursive --no-summary --stdout --allmatch=no \
		--follow-dir-symlinks=0 --follow-file-symlinks=0 --cross-fs=no --disable-cache \
		--max-filesize=100M --max-scansize=400M --max-files=10000 --max-recursion=17 --max-scantime=120000 \
		--max-dir-recursion=1000 --alert-exceeds-max=yes --alert-encrypted=yes "$1" >"$2" 2>"$2.errors"
	[ $? -le 1 ] # 1: something was found; 2: an error
}

ampcli_of() { # PATH OUTPUT
	amp_cli scan custom --all --json "$1" >"$2" 2>"$2.errors"
	case $? in 0 | 1 | 2) ;; *) return 1 ;; esac # 2: not everything could be scanned, clamscan must say so too
}

compare() { # NAME PATH
	local theirs=$AMP_TMP/$1.clamscan ours=$AMP_TMP/$1.ampcli
	clamscan_of "$2" "$theirs" || { t_fail "$1: clamscan runs" "$(cat "$theirs.errors")"; return; }
	ampcli_of "$2" "$ours" || { t_fail "$1: ampcli runs" "$(cat "$ours.errors")"; return; }
	t_ok "$1: the same verdict for each file" python3 "$compare_py" "$theirs" "$ours"
}

count() { # FILE VERDICT
	grep -c "\"verdict\": *\"$2\"" "$1"
}

# Whole files, in an order that mixes directories, until the size is reached.
copy_tree() { # DIRECTORY MEGABYTES
	mkdir -p "$1" && find /usr/bin /usr/lib -xdev -type f -size -24M -printf '%s %p\n' | LC_ALL=C sort -k2 |
		python3 -c '
import os, random, shutil, sys
directory, left = sys.argv[1], int(sys.argv[2]) << 20
lines = [line.rstrip("\n").split(" ", 1) for line in sys.stdin if ": " not in line]
random.Random(1).shuffle(lines)
for serial, (size, path) in enumerate(lines):
    if int(size) > left:
        continue
    shutil.copyfile(path, os.path.join(directory, f"{serial:06d}-{os.path.basename(path)}"))
    left -= int(size)
    if left < 65536:
        break
' "$1" "$2"
}

amp_start compare --definitions "$definitions" || { t_fail "the connector starts"; exit 1; }

if [ -d "$testfiles" ]; then
	compare testfiles "$testfiles"
	found=$(count "$AMP_TMP/testfiles.ampcli" INFECTED)
	t_is "testfiles: every one is INFECTED" "$found" "$(find "$testfiles" -type f | wc -l)"
else
	t_skip "testfiles: the same verdict for each file" "clamav-testfiles is not installed"
fi

tree=${1:-}
if [ -z "$tree" ]; then
	tree=$AMP_TMP/tree
	copy_tree "$tree" "${AMP_COMPARE_MB:-60}" || { t_fail "the tree can be copied"; exit 1; }
fi
compare tree "$tree"
[ -n "${1:-}" ] || t_is "tree: no false alarm" "$(count "$AMP_TMP/tree.ampcli" INFECTED)" 0
