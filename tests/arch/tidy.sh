#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# clang-tidy has nothing to say about our sources (those that the build knows; generated ones are not ours).
. "${AMP_SRC:-.}/tests/lib.sh"

cd "$AMP_SRC" || exit 1
tool=$(command -v clang-tidy-14) || t_skip_all "clang-tidy-14 is not here"
[ -f "$AMP_BUILD/compile_commands.json" ] || { t_fail "compile_commands.json in $AMP_BUILD"; exit 1; }

# clang 14 takes one option of gcc for an error; the rest that it does not know only makes it warn.
sed 's/-ftrivial-auto-var-init=zero//' "$AMP_BUILD/compile_commands.json" >"$AMP_TMP/compile_commands.json"
tidy() {
	"$tool" -p "$AMP_TMP" --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option \
		--extra-arg=-Wno-unused-command-line-argument "$@" 2>&1 | grep -vE '^[0-9]+ warnings? (generated|treated)'
	return "${PIPESTATUS[0]}"
}
# One at a time prints in order; two cores, so two at a time.
known() {
	python3 - "$AMP_BUILD/compile_commands.json" "$AMP_SRC" <<'EOF'
import json, os, sys
root = os.path.realpath(sys.argv[2])
seen = set()
for entry in json.load(open(sys.argv[1])):
    path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
    if path.startswith(root + "/") and not path.endswith(".pb-c.c") and path not in seen:
        seen.add(path)
        print(os.path.relpath(path, root))
EOF
}

one() { # FILE
	tidy "$1" >"$AMP_TMP/$(printf '%s' "$1" | tr / _).tidy" && return
	echo failed >>"$AMP_TMP/$(printf '%s' "$1" | tr / _).failed"
}
mapfile -t sources < <(known)
export -f one tidy
export tool
# shellcheck disable=SC2016 # for the inner shell
printf '%s\0' "${sources[@]}" | xargs -0 -P "$(nproc)" -I{} bash -c 'one "$1"' sh {}
for file in "${sources[@]}"; do
	name=$AMP_TMP/$(printf '%s' "$file" | tr / _)
	if [ -f "$name.tidy" ] && [ ! -f "$name.failed" ]; then t_pass "$file"; else t_fail "$file" "$(cat "$name.tidy")"; fi
done
t_ok "the build knows our sources" test "${#sources[@]}" -gt 10

printf 'int f(const char *p);\nint f(const char *p)\n{\n\tif (!p)\n\t\treturn *p;\n\treturn 0;\n}\n' >"$AMP_TMP/null.c"
t_exit_is "a null dereference is refused" 1 "$tool" --quiet --warnings-as-errors='*' \
	--config-file="$AMP_SRC/.clang-tidy" "$AMP_TMP/null.c" -- -std=gnu11
