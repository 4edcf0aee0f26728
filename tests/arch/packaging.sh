#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The files for systemd are accepted by its tools and agree with the code; the table of packages is well-formed.
. "${AMP_SRC:-.}/tests/lib.sh"

units=$AMP_SRC/packaging/systemd
root=$AMP_TMP/root

root_with_unit() { # A root with the unit and stand-ins for what it names
	mkdir -p "$root/etc/systemd/system" "$root/usr/lib/systemd" "$root/opt/cisco/amp/bin" "$root/etc"
	cp -r /usr/lib/systemd/system "$root/usr/lib/systemd/"
	printf '#!/bin/sh\n' >"$root/opt/cisco/amp/bin/ampdaemon"
	chmod +x "$root/opt/cisco/amp/bin/ampdaemon"
	printf 'root:x:0:0::/:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\n' >"$root/etc/group"
}

# Only what systemd says about our unit: the others are the machine's.
verify() { # UNIT-FILE
	local said
	cp "$1" "$root/etc/systemd/system/cisco-amp.service"
	said=$(systemd-analyze verify --man=no --root="$root" cisco-amp.service 2>&1 | grep -F cisco-amp)
	[ -z "$said" ] || { printf '%s\n' "$said"; return 1; }
}

if command -v systemd-analyze >/dev/null && [ -d /usr/lib/systemd/system ]; then
	root_with_unit
	t_ok "systemd accepts the unit" verify "$units/cisco-amp.service"
	sed 's/^WatchdogSec=/WatchdogSecs=/' "$units/cisco-amp.service" >"$AMP_TMP/bad.service"
	t_exit_is "a unit with an unknown key is refused" 1 verify "$AMP_TMP/bad.service"
	mkdir -p "$root/etc/sysusers.d" && cp "$units/cisco-amp.sysusers.conf" "$root/etc/sysusers.d/cisco-amp.conf"
	t_ok "systemd-sysusers makes the account" systemd-sysusers --root="$root" cisco-amp.conf
	t_is "the account's primary group is its own" \
		"$(awk -F: '$1 == "cisco-amp-scan-svc" { print $4 }' "$root/etc/passwd")" \
		"$(awk -F: '$1 == "cisco-amp-scan-svc" { print $3 }' "$root/etc/group")"
	mkdir -p "$root/etc/tmpfiles.d" && cp "$units/cisco-amp.tmpfiles.conf" "$root/etc/tmpfiles.d/cisco-amp.conf"
	t_ok "systemd-tmpfiles makes the directories" systemd-tmpfiles --root="$root" --create cisco-amp.conf
	t_is "state is closed" "$(stat -c %a "$root/opt/cisco/amp/state")" 700
else
	t_skip "systemd accepts the unit" "systemd is not here"
fi

unit_capabilities() { sed -n 's/^CapabilityBoundingSet=//p' "$units/cisco-amp.service" | tr ' ' '\n' | sort; }
code_capabilities() { sed -n 's/^[[:space:]]*{CAP_[A-Z_]*, "\(CAP_[A-Z_]*\)".*/\1/p' "$AMP_SRC/ampdaemon/privilege.c" | sort; }
t_ok "the code names capabilities" test -n "$(code_capabilities)"
t_is "unit and code keep the same capabilities" "$(unit_capabilities)" "$(code_capabilities)"

t_is "each line of packaging/packages has a purpose and a name per family" \
	"$(awk -F'\t' '!/^#/ && (NF != 3 || $1 !~ /^(build|test)$/) { print NR }' "$AMP_SRC/packaging/packages")" ''
