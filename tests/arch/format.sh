#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# clang-format, the pinned version, has nothing to change; shellcheck has nothing to say.
. "${AMP_SRC:-.}/tests/lib.sh"

cd "$AMP_SRC" || exit 1
tool=$(command -v clang-format-14) || t_skip_all "clang-format-14 is not here; another version would format differently"

formatted() { "$tool" --dry-run -Werror --ferror-limit=3 "$@"; }
while IFS= read -r file; do
	t_ok "$file" formatted "$file"
done < <(git -c safe.directory='*' ls-files -c -o --exclude-standard '*.c' '*.h')
printf 'int  f( void ){return 1;}\n' >"$AMP_TMP/ugly.c"
t_exit_is "unformatted code is refused" 1 formatted --style="file:$AMP_SRC/.clang-format" "$AMP_TMP/ugly.c"

if command -v shellcheck >/dev/null; then
	mapfile -t scripts < <(git -c safe.directory='*' ls-files -c -o --exclude-standard '*.sh' run test .ci/run)
	t_ok "shellcheck: ${#scripts[@]} scripts" shellcheck -x -P "$AMP_SRC" -e SC1091 "${scripts[@]}"
else
	t_skip "shellcheck" "it is not here"
fi
