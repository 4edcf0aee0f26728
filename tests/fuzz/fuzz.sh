#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fuzz.sh: the long runs. Builds the targets with clang, libFuzzer and sanitizers, runs them one after the other at the
# lowest priority for N CPU-minutes each, and says what came of each in one line. New inputs stay in the work directory;
# --merge takes those that reach something new into tests/fuzz/corpus.
#   fuzz.sh [--minutes N] [--dir WORK] [--merge] [TARGET...]
set -u
src=$(cd "$(dirname "$0")/../.." && pwd -P) || exit 1
minutes=10
work=$src/build-fuzz/work
merge=no
targets=()

say() { printf 'fuzz: %s\n' "$*"; }
die() { printf 'fuzz: %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
	case $1 in
	--minutes) minutes=${2:?}; shift ;;
	--dir) work=${2:?}; shift ;;
	--merge) merge=yes ;;
	--help) sed -n '4,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
	-*) die "unknown option $1; see --help" ;;
	*) [ -f "$src/tests/fuzz/fuzz_$1.c" ] || die "there is no target $1"; targets+=("$1") ;;
	esac
	shift
done
if [ ${#targets[@]} -eq 0 ]; then
	for file in "$src"/tests/fuzz/fuzz_*.c; do
		name=$(basename "$file" .c)
		targets+=("${name#fuzz_}")
	done
fi
mkdir -p "$work" || die "cannot make $work"
work=$(cd "$work" && pwd -P) || exit 1
build=$work/build

# b_lundef: the sanitizers' symbols are in the program, not in our archives.
build_targets() {
	[ -f "$build/build.ninja" ] ||
		CC=clang-14 meson setup "$build" "$src" --buildtype=debugoptimized -Dfuzz=true -Db_lundef=false \
			-Db_sanitize=address,undefined -Dc_args="-fsanitize=fuzzer-no-link -fno-sanitize-recover=all" || return 1
	ninja -C "$build" tests/fuzz/fuzz_seeds "${targets[@]/#/tests/fuzz/fuzz_}"
}

# YAML keywords and keys are hard to guess byte by byte; the wire formats need no help.
dictionary_of() { # TARGET
	[ ! -f "$src/tests/fuzz/$1.dict" ] || printf '%s' "-dict=$src/tests/fuzz/$1.dict"
}

# libFuzzer counts seconds of the clock; on a busy machine those are not seconds of work. So it runs in parts until the
# processor time is used up. The log is $work/TARGET.log, its parts one after the other.
run_part() { # TARGET SECONDS; prints the processor seconds; returns the status of the target
	local program=$build/tests/fuzz/fuzz_$1 dict
	dict=$(dictionary_of "$1")
	local TIMEFORMAT='%U %S'
	{ time nice -n 19 "$program" ${dict:+"$dict"} -max_total_time="$2" -max_len=16384 -timeout=25 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$work/crashes/$1-" \
		"$work/corpus/$1" "$src/tests/fuzz/corpus/$1" "$work/seeds/$1" >>"$work/$1.log" 2>&1; } 2>"$work/time"
}

run_target() { # TARGET
	local left=$((minutes * 60)) used=0 status=0
	mkdir -p "$work/corpus/$1" "$work/crashes"
	: >"$work/$1.log"
	while [ "$used" -lt $((minutes * 60)) ] && [ "$status" -eq 0 ]; do
		left=$((minutes * 60 - used))
		run_part "$1" $((left < 5 ? 5 : left))
		status=$?
		used=$(awk -v used="$used" '{ print int(used + $1 + $2) }' "$work/time")
	done
	say "$1: status $status, $(awk '/^stat::number_of_executed_units/ { n += $2 } END { print n + 0 }' "$work/$1.log")" \
		"executions in $used CPU seconds, $(grep -ao 'cov: [0-9]* ft: [0-9]*' "$work/$1.log" | tail -n 1)"
	return "$status"
}

merge_target() { # TARGET: the smallest set of inputs that reaches all that the known ones reach
	local new=$work/merged/$1
	rm -rf "$new"
	mkdir -p "$new" "$work/corpus/$1"
	"$build/tests/fuzz/fuzz_$1" -merge=1 -max_len=16384 "$new" "$src/tests/fuzz/corpus/$1" "$work/seeds/$1" \
		"$work/corpus/$1" >"$work/$1.merge.log" 2>&1 || return 1
	mkdir -p "$src/tests/fuzz/corpus/$1"
	find "$src/tests/fuzz/corpus/$1" -type f ! -name 'crash-*' -delete
	cp "$new"/* "$src/tests/fuzz/corpus/$1/"
	say "$1: $(find "$src/tests/fuzz/corpus/$1" -type f | wc -l) inputs in the corpus"
}

build_targets >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log" >&2; die "the build failed"; }
mkdir -p "$work/seeds"
"$build/tests/fuzz/fuzz_seeds" "$work/seeds" || die "no seeds"
failed=0
for target in "${targets[@]}"; do
	mkdir -p "$src/tests/fuzz/corpus/$target"
	[ "$minutes" -eq 0 ] || run_target "$target" || failed=$((failed + 1))
	[ "$merge" = no ] || merge_target "$target" || failed=$((failed + 1))
done
[ "$failed" -eq 0 ] || die "$failed failed; see $work/*.log and $work/crashes"
