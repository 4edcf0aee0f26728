#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The rules of tree.py on this tree; then, that each of them can fail: a small tree that breaks all of them.
. "${AMP_SRC:-.}/tests/lib.sh"

tree() { python3 "$AMP_SRC/tests/arch/tree.py" "$@"; }

while IFS=$'\t' read -r rule text; do
	t_ok "$rule: $text" tree "$rule" "$AMP_SRC"
done < <(tree --list)

bad=$AMP_TMP/bad
mkdir -p "$bad/shared/base" "$bad/shared/io" "$bad/ampdaemon" "$bad/tests/arch"
{
	printf '#include <string.h>\n#include "base/low.h"\n#include "io/high.h"\n#include <sqlite3.h>\n#include "../x.h"\n'
	printf '/* %s: /%s/somebody/x */\n' "TO""DO" home
	printf 'void f(void)\n{\n%s}\n' "$(yes '	g();' | head -n 61)
"
} >"$bad/shared/base/low.c"
printf 'int low;\n' >"$bad/shared/base/low.h"
printf 'int high;\n' >"$bad/shared/io/high.h"
printf 'ampdaemon/gone.c no longer there\n' >"$bad/tests/arch/size_exceptions"
while IFS=$'\t' read -r rule _; do
	t_exit_is "the rule $rule can fail" 1 tree "$rule" "$bad"
done < <(tree --list)
t_like "a stale size exception is named" "$(tree sizes "$bad")" 'gone.c needs no exception'
t_like "a function of more than 60 lines is named" "$(tree sizes "$bad")" 'low.c: f has 6[0-9] lines'
