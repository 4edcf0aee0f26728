# SPDX-License-Identifier: GPL-2.0-only
#
# mirrors: a connector with mirrors on the loopback, for tests of updates from end to end. Sourced after tests/support/store.sh. Owns the mirrors and
# an account of the updater that only this connector sees (in a mount namespace). Must not own any assertion.
# After store_new: mirrors_of PORT...; start.
# shellcheck shell=bash disable=SC2034,SC2154 # for the scripts; store is store.sh's

need_updater() {
	[ -x "$AMP_BUILD/ampupdater/ampupdater" ] || t_skip_all "ampupdater is not built"
	unshare --mount --propagation private true 2>/dev/null || t_skip_all "no mount namespaces here: the updater's account is made in one"
	update_uid=$((61200 + $$ % 2000))
	while getent passwd "$update_uid" >/dev/null || getent group "$update_uid" >/dev/null || [ -n "$(ps -o pid= -u "$update_uid")" ]; do
		update_uid=$((update_uid + 1))
	done
	{ cat /etc/passwd && echo "amp-update-test:x:$update_uid:$update_uid::/nonexistent:/usr/sbin/nologin"; } >"$AMP_TMP/passwd"
	{ cat /etc/group && echo "amp-update-test:x:$update_uid:"; } >"$AMP_TMP/group"
	cat >"$AMP_TMP/with_account" <<-'END'
		#!/bin/sh
		mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && shift && exec "$@"
	END
	chmod 0644 "$AMP_TMP/passwd" "$AMP_TMP/group" && chmod 0755 "$AMP_TMP/with_account"
}

mirror_start() { # NAME; sets mirror_port; ends when this script does
	mkdir -p "$AMP_TMP/$1" && mkfifo "$AMP_TMP/$1.input"
	"$AMP_SRC/tests/support/mirror.py" "$AMP_TMP/$1" "$AMP_TMP/$1.port" <"$AMP_TMP/$1.input" >>"$AMP_TMP/$1.requests" 2>"$AMP_TMP/$1.errors" &
	local pid=$!
	t_cleanup "kill_pid $pid"
	exec {mirror_input}>"$AMP_TMP/$1.input" # stays open: its end would end the mirror
	wait_for 10 test -s "$AMP_TMP/$1.port" || t_skip_all "the mirror did not start: $(tail -n 1 "$AMP_TMP/$1.errors")"
	mirror_port=$(cat "$AMP_TMP/$1.port")
}

# Checks come by command only for a long time; the limits are short.
mirrors_of() { # PORT...
	local port list=
	for port; do list="$list, {url: 'http://127.0.0.1:$port'}"; done
	instance_set updater "'$AMP_BUILD/ampupdater/ampupdater'" && instance_set update_user amp-update-test && instance_set update_databases '[test]' &&
		instance_set update_dns none && instance_set update_connect_timeout_ms 3000 && instance_set update_request_timeout_ms 3000 &&
		instance_set update_limit_ms 60000 && instance_set update_retry_ms 86400000 && instance_set update_retry_max_ms 86400000 &&
		instance_set update_mirrors "[${list#, }]"
}

serve() { # NAME VERSION; nothing misbehaves
	rm -rf "${AMP_TMP:?}/$1"/*
	cp "$AMP_TEST_DATA"/test-?.cdiff "$AMP_TMP/$1/" && cp "$AMP_TEST_DATA/test-$2.cvd" "$AMP_TMP/$1/test.cvd"
}

behave() { printf '%s\n' "$3" >"$AMP_TMP/$1/$2.behaviour"; } # NAME FILE HOW
asked() { grep -c "$2" "$AMP_TMP/$1.requests"; }           # NAME PATTERN
forget_requests() { local name; for name; do : >"$AMP_TMP/$name.requests"; done; } # NAME...

start() { # not by t_ok, whose subshell would keep the pid to itself
	instance_launch unshare --mount --propagation private "$AMP_TMP/with_account" "$AMP_TMP"
	wait_for 60 instance_is_ready && return
	t_fail "the connector starts" "$(tail -n 15 "$amp_private/daemon.output")"
	exit 1
}

defupdate() { cli defupdate --json; }
updater_pid() { ps -o pid=,stat= -u "$update_uid" | awk '$2 !~ /^Z/ { print $1; found = 1; exit } END { exit !found }'; } # the dead are init's
left() { (cd "$store/incoming" 2>/dev/null && find . -mindepth 1 | sed 's,^\./,,' | sort | tr '\n' ' '); }
nothing_is_left() { [ -z "$(left)" ] || [ "$(left)" = "freshclam.dat " ]; }
