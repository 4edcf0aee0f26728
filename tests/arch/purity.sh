#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The pure layers know no clock, no I/O, no log: seen from what their archives ask of the linker.
. "${AMP_SRC:-.}/tests/lib.sh"

# libc that neither looks at the world nor changes it. Memory may be taken (at init, or for one message).
allowed='(mem(cpy|move|set|cmp|chr|rchr|mem)|str(len|nlen|cmp|ncmp|chr|rchr|spn|cspn|str)|bcmp|explicit_bzero'
allowed+='|v?snprintf|malloc|calloc|realloc|reallocarray|free|aligned_alloc|qsort|bsearch|abort'
allowed+='|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'
allowed+='|__(mem(cpy|move|set)|strcpy|strncpy|v?snprintf)_chk)'

undefined_of() { nm -u "$@" 2>/dev/null | awk 'NF == 2 && $1 == "U" { sub(/@.*/, "", $2); print $2 }' | sort -u; }
defined_of() { nm --defined-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u; }

# Symbols that FILE asks for and that neither the list, nor MORE (a regex), nor the archives below it give.
impure_symbols() { # FILE MORE BELOW...
	local file=$1 more=$2
	shift 2
	comm -23 <(undefined_of "$file") <(defined_of "$file" "$@" | sort -u) | grep -vxE "$allowed${more:+|$more}"
}

is_pure() { # FILE MORE BELOW...
	[ -n "$(defined_of "$1")" ] || { echo "$1 defines nothing: not built?"; return 1; }
	local bad
	bad=$(impure_symbols "$@")
	[ -z "$bad" ] || { printf 'impure: %s\n' "$bad"; return 1; }
}

archive() { find "$AMP_BUILD" -name "lib$1.a" | head -n 1; }

base=$(archive amp_base)
t_ok "amp_base is pure" is_pure "${base:-amp_base}" ''
wire=$(archive amp_wire)
t_ok "amp_wire is pure, protobuf-c apart" \
	is_pure "${wire:-amp_wire}" '(protobuf_c_|amp__pb__)[a-z0-9_]+' "$base"
for core in amp_daemon_core ampscansvc_core ampupdater_core; do
	file=$(archive "$core")
	t_ok "$core is pure" is_pure "${file:-$core}" '' "$base"
done

# The check itself can fail.
printf '#include <time.h>\nlong now(void);\nlong now(void) { return (long)time(0); }\n' >"$AMP_TMP/impure.c"
cc -c -o "$AMP_TMP/impure.o" "$AMP_TMP/impure.c"
t_is "a call of time() is refused" "$(impure_symbols "$AMP_TMP/impure.o" '')" time
t_exit_is "an archive that is not there is refused" 1 is_pure "$AMP_TMP/nothing.a" ''

# State that outlives a call: writable data in the pure archives. Tables of pointers (.data.rel.ro) are only written by
# the linker.
writable_data() { objdump -t "$1" 2>/dev/null | awk '/[ \t]\.(data|bss|tdata|tbss)(\.[^r][^ \t]*)?\t/ && $NF !~ /^\./ { print $NF }'; }
is_stateless() { # ARCHIVE
	[ -n "$(defined_of "$1")" ] || { echo "$1 defines nothing: not built?"; return 1; }
	local state
	state=$(writable_data "$1")
	[ -z "$state" ] || { printf 'state: %s\n' "$state"; return 1; }
}
for name in amp_base amp_daemon_core ampscansvc_core ampupdater_core; do
	file=$(archive "$name")
	t_ok "$name keeps no global state" is_stateless "${file:-$name}"
done
printf 'int count(void);\nint count(void) { static int n; return ++n; }\n' >"$AMP_TMP/state.c"
cc -c -o "$AMP_TMP/state.o" "$AMP_TMP/state.c"
t_exit_is "a static counter is refused" 1 is_stateless "$AMP_TMP/state.o"
