#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh: each fuzz target replays its corpus (tests/fuzz/corpus/TARGET) with the sanitizers of the checked build.
# shellcheck source=tests/lib.sh
. "$(cd "$(dirname "$0")/../.." && pwd -P)/tests/lib.sh"
: "${AMP_BUILD_CHECKED:=$AMP_BUILD}"

replay() { # TARGET
	local corpus=$AMP_SRC/tests/fuzz/corpus/$1 program=$AMP_BUILD_CHECKED/tests/fuzz/replay_$1 expected n
	expected=$(find "$corpus" -type f | wc -l)
	if ! n=$("$program" "$corpus" 2>"$AMP_TMP/replay.errors"); then
		t_fail "fuzz: $1 replays its corpus" "$(grep -av '^seed-\|^[0-9a-f]\{40\}$' "$AMP_TMP/replay.errors")" \
			"last input: $(grep -a '^seed-\|^[0-9a-f]\{40\}$\|^crash-' "$AMP_TMP/replay.errors" | tail -n 1)"
	elif [ "$n" != "$expected" ]; then
		t_fail "fuzz: $1 replays its corpus" "it replayed $n of $expected inputs"
	else
		t_pass "fuzz: $1 replays $n inputs"
	fi
}

for source in "$AMP_SRC"/tests/fuzz/fuzz_*.c; do
	target=$(basename "$source" .c)
	replay "${target#fuzz_}"
done
t_is "every corpus has a target" \
	"$(cd "$AMP_SRC/tests/fuzz/corpus" && for c in *; do [ -f "../fuzz_$c.c" ] || echo "$c"; done)" ""
