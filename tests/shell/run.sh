#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ./run as a command: usage, layout, start, stop and its sentences, with stand-ins for the three programs, so that each
# way of failing can be had at will. The real programs are started by tests/system.
. "${AMP_SRC:-.}/tests/lib.sh"

[ "$(id -u)" = 0 ] || t_skip_all "needs root"
getent passwd cisco-amp-scan-svc >/dev/null || t_note "the account is made by this test, as ./run does"

programs=$AMP_TMP/programs
mkdir -p "$programs/ampdaemon" "$programs/ampcli" "$programs/ampscansvc" "$programs/ampupdater"
# The stand-in writes its pid into the private tree of its configuration and waits. MODE is read from a file beside it:
# "dies" before it is ready, "stubborn" needs a second to end.
cat >"$AMP_TMP/ampdaemon.c" <<'EOF'
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int stubborn;
static char pid_file[5000];
static void end(int signal)
{
	(void)signal;
	if (stubborn)
		sleep(1);
	unlink(pid_file);
	_exit(0);
}

int main(int argc, char **argv)
{
	char path[5000], mode[100] = "";
	FILE *file;

	if (argc < 3 || strcmp(argv[1], "--config"))
		return 9;
	snprintf(path, sizeof(path), "%.4000s.mode", argv[2]);
	file = fopen(path, "r");
	if (file && fgets(mode, sizeof(mode), file))
		fclose(file);
	if (!strncmp(mode, "dies", 4)) {
		fprintf(stderr, "stand-in: the journal is on the moon\n");
		return 7;
	}
	stubborn = !strncmp(mode, "stubborn", 8);
	signal(SIGTERM, end);
	snprintf(pid_file, sizeof(pid_file), "%.*s/run/ampdaemon.pid",
		 (int)(strlen(argv[2]) - strlen("/etc/ampdaemon.yaml")), argv[2]);
	/* whole or not there: the stand-in of ampcli takes the file for readiness */
	snprintf(path, sizeof(path), "%.4900s.new", pid_file);
	file = fopen(path, "w");
	if (!file)
		return 6;
	fprintf(file, "%d\n", getpid());
	fclose(file);
	if (rename(path, pid_file))
		return 6;
	for (;;)
		pause();
}
EOF
t_ok "the stand-in compiles" cc -o "$programs/ampdaemon/ampdaemon" "$AMP_TMP/ampdaemon.c"
cat >"$programs/ampcli/ampcli" <<'EOF'
#!/bin/sh
[ "$1" = --socket ] || exit 9
run=${2%/control.sock}
shift 2
[ -f "$run/ampdaemon.pid" ] || exit 4
case $1 in
status) echo '{"scan_service": {"state": "up", "workers": [{"state": "spare"}]}}' ;;
echo) shift; printf '<%s>' "$@" ;;
exit) exit "$2" ;;
esac
EOF
printf '#!/bin/sh\n' | tee "$programs/ampscansvc/ampscansvc" >"$programs/ampupdater/ampupdater"
chmod +x "$programs/ampcli/ampcli" "$programs/ampscansvc/ampscansvc" "$programs/ampupdater/ampupdater"
export AMP_BUILD=$programs

run() { "$AMP_SRC/run" "$@"; }
private="$AMP_TMP/it's private"
pid() { cat "$private/run/ampdaemon.pid"; }
t_cleanup "run --private \"$AMP_TMP/it's private\" stop"

t_exit_is "--help is no error" 0 run --help
t_exit_is "an unknown argument is a usage error" 3 run --frobnicate
t_exit_is "--private without a directory is a usage error" 3 run --private
t_exit_is "stop takes no further argument" 3 run stop now
t_exit_is "--definitions that is not there is refused" 1 run --private "$private" --definitions "$AMP_TMP/none" --detach
t_exit_is "stop of what does not run is no error" 0 run --private "$private" stop

t_exit_is "--detach returns when it is ready" 0 run --private "$private" --detach
t_like "and says where" "$t_output" 'ready: pid [0-9]+'
t_ok "the process is there" kill -0 "$(pid)"
t_is "state is closed, run is open" "$(cd "$private" && stat -c %a state quarantine run log etc definitions | tr '\n' ' ')" \
	"700 700 755 755 755 755 "
t_like "the configuration quotes paths" "$(cat "$private/etc/ampdaemon.yaml")" "^state_dir: '.*it''s private/state'$"
t_exit_is "a second start in the foreground is refused" 1 run --private "$private"
t_like "and says why in one line" "$t_output" '^run: already running in .*, pid [0-9]+$'
before=$(pid)
t_exit_is "a second start with --detach is no error" 0 run --private "$private" --detach
t_is "and starts nothing" "$(pid)" "$before"
t_exit_is "cli gives ampcli's exit code" 6 run --private "$private" cli exit 6
t_is "cli gives the arguments as they are" "$(run --private "$private" cli echo 'a b' '*' '')" '<a b><*><>'
t_exit_is "stop ends it" 0 run --private "$private" stop
t_ok "and it is gone when stop returns" is_gone "$before"

mkdir -p "$AMP_TMP/defs"
t_exit_is "--definitions is given to the daemon" 0 run --private "$private" --definitions "$AMP_TMP/defs" --detach
t_like "in the configuration" "$(cat "$private/etc/ampdaemon.yaml")" "^definitions_dir: '.*/defs'$"
t_like "the account is ./run's to make" "$(cat "$private/etc/ampdaemon.yaml")" '^create_account: false'
run --private "$private" stop 2>/dev/null

chmod 0775 "$AMP_TMP/defs"
t_exit_is "definitions that others may write are refused" 1 run --private "$private" --definitions "$AMP_TMP/defs" --detach
t_like "with the remedy" "$t_output" 'chown root .*/defs; chmod go-w .*/defs$'
chmod 0755 "$AMP_TMP/defs"
chown 12345 "$programs/ampscansvc"
t_exit_is "a build directory of a developer's" 0 run --private "$private" --detach
t_like "is not executed from" "$(cat "$private/etc/ampdaemon.yaml")" "^scan_service: '.*/it''s private/bin/ampscansvc'$"
t_is "but from a copy of root's" "$(stat -c '%u %a' "$private/bin/ampscansvc")" "0 755"
run --private "$private" stop 2>/dev/null
chown 0 "$programs/ampscansvc"
mkdir "$AMP_TMP/checkout" && cp -r "$AMP_SRC/definitions" "$AMP_SRC/run" "$AMP_SRC/packaging" "$AMP_TMP/checkout/"
chown 12345 "$AMP_TMP/checkout/definitions/builtin"
t_exit_is "a checkout of a developer's" 0 "$AMP_TMP/checkout/run" --private "$private" --detach
t_like "is not loaded from" "$(cat "$private/etc/ampdaemon.yaml")" "^builtin_dir: '.*/it''s private/definitions/builtin'$"
t_is "but a whole copy of root's" "$(ls "$private/definitions/builtin")" "$(ls "$AMP_SRC/definitions/builtin")"
run --private "$private" stop 2>/dev/null
echo stubborn >"$private/etc/ampdaemon.yaml.mode"
run --private "$private" --detach 2>/dev/null
before=$(pid)
t_ok "stop waits for one that takes its time" run --private "$private" stop
t_ok "until it is gone" is_gone "$before"

sleep 300 &
other=$!
t_cleanup "kill $other"
echo "$other" >"$private/run/ampdaemon.pid"
t_ok "stop with the pid of a stranger in the pid file" run --private "$private" stop
t_ok "leaves the stranger alone" kill -0 "$other"
rm -f "$private/run/ampdaemon.pid"

echo dies >"$private/etc/ampdaemon.yaml.mode"
t_exit_is "a daemon that dies at its start is reported" 1 run --private "$private" --detach
t_like "with its status" "$t_output" 'ended with status 7 before it was ready'
t_like "and its last words" "$t_output" 'the journal is on the moon'
rm -f "$private/etc/ampdaemon.yaml.mode"

sed -i 1d "$private/etc/ampdaemon.yaml"
echo '# mine' >>"$private/etc/ampdaemon.yaml"
t_ok "a configuration of the user's own is used" run --private "$private" --detach
t_like "and kept" "$(cat "$private/etc/ampdaemon.yaml")" '^# mine$'
run --private "$private" stop 2>/dev/null

AMP_BUILD=$AMP_TMP/nothing t_exit_is "AMP_BUILD without programs is refused" 1 run --private "$private" --detach

# A tree that cannot be built, and a machine without a package manager.
tree=$AMP_TMP/tree
mkdir -p "$tree/packaging" "$AMP_TMP/bin"
cp "$AMP_SRC/run" "$tree/" && cp "$AMP_SRC/packaging/packages" "$AMP_SRC/packaging/packages.sh" "$tree/packaging/"
for tool in sh awk dirname id mkdir tail flock cat env; do ln -s "$(command -v "$tool")" "$AMP_TMP/bin/"; done
# shellcheck disable=SC2046,SC2034 # names of packages have no blanks; src is for packages.sh
if [ -z "$(src=$AMP_SRC && . "$AMP_SRC/packaging/packages.sh" && [ "$(package_family)" = apt ] && \
	packages_missing apt $(package_names apt build))" ]; then
	t_exit_is "a build that fails ends with 1" 1 env -u AMP_BUILD "$tree/run" build
	t_like "and names the log" "$t_output" "^run: the build failed; the whole output is in $tree/build/run-build.log$"
else
	t_skip "a build that fails ends with 1" "the packages are not complete, and this test must not install them"
fi
PATH=$AMP_TMP/bin t_exit_is "without a package manager and without a compiler it ends with 1" 1 env -u AMP_BUILD "$tree/run" build
t_like "and says what is missing" "$t_output" '^run: neither apt-get nor dnf here, and cc is missing: .*packaging/packages'

chmod 0755 "$AMP_TMP"
if setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$AMP_SRC/run" -a -r "$programs/ampcli/ampcli"; then
	as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$AMP_SRC/run" "$@"; }
	t_exit_is "a start without root is refused" 1 as_nobody --private "$private"
	t_like "in one sentence" "$t_output" '^run: root is needed to start the connector: sudo ./run$'
	t_exit_is "cli works without root" 4 as_nobody --private "$private-not" cli status
else
	t_skip "a start without root is refused" "the checkout cannot be read by other users"
fi
