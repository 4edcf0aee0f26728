#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Every header compiles alone: a reader (and a test) can include it without knowing what it needs.
. "${AMP_SRC:-.}/tests/lib.sh"

cd "$AMP_SRC" || exit 1
proto=$(find "$AMP_BUILD" -type d -path '*/proto' | head -n 1)
read -r -a libs <<<"$(pkg-config --cflags libuv libprotobuf-c jansson sqlite3)"

compiles() { # HEADER
	local output
	output=$(printf '#include "%s"\n' "$1" | cc -x c -std=gnu11 -D_GNU_SOURCE -DAMP_SANITIZED=0 -Wall -Wextra \
		-Wno-unused-function -fsyntax-only -I. -Ishared -I"${proto:-proto}" "${libs[@]}" - 2>&1)
	[ -z "$output" ] || { printf '%s\n' "$output"; return 1; }
}

while IFS= read -r header; do
	t_ok "$header" compiles "$header"
done < <(git -c safe.directory='*' ls-files -c -o --exclude-standard '*.h')
mkdir -p "$AMP_TMP/h" && printf 'struct uses { size_t n; };\n' >"$AMP_TMP/h/lame.h"
t_exit_is "a header that needs another is refused" 1 compiles "$AMP_TMP/h/lame.h"
