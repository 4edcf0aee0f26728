#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ./test itself: a suite that dies, hangs, is silent or stops half way must not look like one that passes.
. "${AMP_SRC:-.}/tests/lib.sh"

tree=$AMP_TMP/tree
mkdir -p "$tree/packaging" "$tree/tests/shell" "$tree/tests/arch"
cp "$AMP_SRC/packaging/packages.sh" "$tree/packaging/"
# No build and no packages: they are not what is tried here.
# shellcheck disable=SC2016 # a pattern
sed -e 's/^build_release$/:/' -e 's/|| build_asan ;;/|| : ;;/' -e 's/programs_of "$checked" [^;]*;/:;/' \
	-e 's/^packages_ensure .*/:/' "$AMP_SRC/test" >"$tree/test"
chmod +x "$tree/test"

script() { # NAME, text on standard input
	{ echo '#!/usr/bin/env bash'; cat; } >"$tree/tests/shell/$1.sh"
	chmod +x "$tree/tests/shell/$1.sh"
}

# Runs the suite with only the script NAME in it; the last line in $last, everything in $t_output.
outcome() { # NAME
	t_output=$(cd "$tree" && AMP_TEST_DATA='' AMP_TEST_LIMIT=3 ./test shell 2>&1)
	status=$?
	last=$(printf '%s\n' "$t_output" | tail -n 1)
	rm -f "$tree/tests/shell/$1.sh"
}

expect() { # NAME SENTENCE LAST-LINE STATUS
	outcome "$1"
	t_is "$2" "$last, status $status" "$3, status $4"
}

script passes <<<'echo "ok - a"; echo "ok 2 - b"'
expect passes "passing tests are counted" '2 passed, 0 failed' 0
script fails <<<'echo "ok - a"; echo "not ok - b"; echo "# because"; exit 1'
expect fails "a failing test is counted" '1 passed, 1 failed' 1
t_like "and its diagnostics are shown" "$t_output" '# because'
script skips <<<'echo "ok - a # SKIP no moon tonight"'
expect skips "a skip is counted apart" '0 passed, 0 failed, 1 skipped' 0
t_like "and its reason is shown" "$t_output" 'no moon tonight'
script dies <<<'echo "ok - a"; kill -SEGV $$'
expect dies "a program that dies is a failure" '1 passed, 1 failed' 1
script silent <<<'exit 0'
expect silent "a program that prints no test is a failure" '0 passed, 1 failed' 1
script halfway <<<'echo 1..3; echo "ok 1 - a"'
expect halfway "a program that stops half way is a failure" '1 passed, 1 failed' 1
script lies <<<'echo "ok - a"; exit 3'
expect lies "a status that contradicts the lines is a failure" '1 passed, 1 failed' 1
# shellcheck disable=SC2016 # for the script
script hangs <<<'echo "ok - a"; echo $$ >"$AMP_SRC/pid"; sleep 600 & sleep 600'
expect hangs "a program that hangs is ended and is a failure" '1 passed, 1 failed' 1
t_ok "and its process is gone" is_gone "$(cat "$tree/pid")"
# shellcheck disable=SC2016
script leaves <<<'echo "ok - a"; sleep 600 & echo $! >"$AMP_SRC/pid"'
expect leaves "a program that leaves a process behind passes" '1 passed, 0 failed' 0
t_ok "and the process is gone" wait_for 5 is_gone "$(cat "$tree/pid")"

# arch runs beside the others and is told after them.
printf '#!/usr/bin/env bash\necho "ok - c"; sleep 1; echo "not ok - d"; exit 1\n' >"$tree/tests/arch/slow.sh"
printf '#!/usr/bin/env bash\necho "ok - a"; echo "ok - e # SKIP why not"\n' >"$tree/tests/shell/quick.sh"
chmod +x "$tree/tests/arch/slow.sh" "$tree/tests/shell/quick.sh"
t_output=$(cd "$tree" && AMP_TEST_DATA='' ./test arch shell 2>&1)
t_is "what ran beside is counted" "$?, $(printf '%s\n' "$t_output" | tail -n 1)" "1, 2 passed, 1 failed, 1 skipped"
t_is "its failure is named, and it is told last" "$(printf '%s\n' "$t_output" | grep -E '^(arch|shell)$|arch/slow.sh: d$' | tr -s ' \n' ' ')" \
	"shell arch not ok arch/slow.sh: d arch/slow.sh: d "
rm -f "$tree/tests/arch/slow.sh" "$tree/tests/shell/quick.sh"
expect nothing "a suite without programs is a failure" '0 passed, 1 failed' 1
t_exit_is "an unknown suite is refused" 3 "$tree/test" nonsense
