#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A scan service that lies: hostile_scansvc (tests/support) under the real daemon, each lie in an instance of its own. The
# daemon must end the liar, stay up, answer every file once and never call an infected one CLEAN, keep its descriptors and
# its memory, and recover by itself when the service is honest again.
#
#   hostile_service.sh [WORD...]    only these lies
# shellcheck disable=SC2015,SC2016,SC2317 # || fails too, as meant; eval and t_ok call what looks unreachable
. "${AMP_SRC:-$(dirname "$0")/../..}/tests/lib.sh"

standin=$AMP_BUILD/tests/support/hostile_scansvc
at_once=8      # instances at a time
rss_limit=${AMP_RSS_LIMIT:-65536} # KiB, at its highest; a sanitizer needs more

# What is said is a lie: counted and logged. The others end a life, or a worker, without one.
birth_lies="cut unknown garbage big-64k big-64k1 big-200k fd-1 fd-2 fd-253 hello-twice ready-first wrong-incarnation protocol
	uid stay-root escape non-ascii long-text wall-twice wall-unknown pong spawned progress-first worker-kind failed-more
	file-flood progress-flood"
birth_ends="exit close shut empty heir"
birth_silence="mute failed-stay progress-stop"
up_lies="cut unknown garbage big-64k big-64k1 big-200k fd-1 fd-2 fd-253 pong-unasked pong-other pong-flood hello ready
	progress file wrong-incarnation failed-more log-flood log-escape log-level spawned-flood exited-flood worker-kind"
up_ends="exit close shut empty"
worker_lies="cut unknown garbage big-64k big-64k1 big-200k fd-1 fd-2 fd-253 early-result job-0 hello-twice"
worker_ends="exit close shut empty notice-first notice-twice notice-idle wall-breached"
worker_odd="heir messenger other-pid" # nothing that can be seen to be wrong: it must just work
trigger_lies="cut unknown garbage big-64k big-64k1 big-200k fd-1 fd-2 fd-253 wrong-job job-0 next-job out-of-order twice
	other-worker incarnation hello clean-threat clean-reason infected-none verdict-none verdict-99 verdict-failed escape
	non-ascii long-threat many-threats more-threats flood service-kind"
trigger_ends="exit close shut empty mute stop notice-stay notice-more notice-flood" # nothing after a notice is heard

[ "$(id -u)" = 0 ] || t_skip_all "needs root"
[ -x "$standin" ] || t_skip_all "no $standin: configure the build with -Dtests=true"

# ---- an instance with the stand-in ---------------------------------------------------------------------------------

plan() { printf '%s\n' "$2" >"$1/bin/plan.new" && mv -f "$1/bin/plan.new" "$1/bin/hostile.plan"; } # DIR WORD

cli() { "$AMP_BUILD/ampcli/ampcli" --socket "$1/run/control.sock" "${@:2}"; } # DIR ARGUMENTS...

figure() { cli "$1" status --json 2>/dev/null | grep -oE "\"$2\":[0-9]+" | head -n 1 | cut -d: -f2; } # DIR KEY

has_worker() { cli "$1" status --json 2>/dev/null | grep -qE '"state":"(spare|busy)"'; } # DIR

is_above() { local now; now=$(figure "$1" "$2") && [ "${now:-0}" -gt "$3" ]; } # DIR KEY NUMBER

launch() { # DIR WORD; the pid is in DIR/pid
	mkdir -p "$1/run" "$1/state" "$1/log" "$1/bin" && cp "$standin" "$1/bin/service" || return 1
	cat >"$1/config.yaml" <<-END
		run_dir: '$1/run'
		state_dir: '$1/state'
		log_dir: '$1/log'
		builtin_dir: '$AMP_SRC/definitions/builtin'
		scan_service: '$1/bin/service'
		scan_user: nobody-without-an-account
		scan_workers: 2
		scan_timeout_ms: 1500
	END
	! getent passwd cisco-amp-scan-svc >/dev/null ||
		sed -i 's/^scan_user:.*/scan_user: cisco-amp-scan-svc/' "$1/config.yaml"
	plan "$1" "$2"
	"$AMP_BUILD/ampdaemon/ampdaemon" --config "$1/config.yaml" --foreground >"$1/out" 2>&1 </dev/null &
	printf '%s\n' $! >"$1/pid"
	wait_for 5 test -S "$1/run/control.sock"
}

land() { # DIR
	local pid
	pid=$(cat "$1/pid") && kill_pid "$pid" TERM
	wait_for 10 is_gone "$pid" || kill_pid "$pid" KILL
	wait "$pid"
}

descriptors() { find "/proc/$1/fd" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l; } # PID

has_descriptors() { [ "$(descriptors "$1")" -le "$2" ]; } # PID MOST

highest_rss() { sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$1/status"; } # PID

# ---- what is scanned, and what must be said of it ------------------------------------------------------------------

make_files() { # DIR TRIGGER?
	local i
	mkdir -p "$1"
	for i in $(seq 12); do
		printf 'clean %s\n' "$i" >"$1/clean-$i"
		printf 'INFECTED %s\n' "$i" >"$1/infected-$i"
		printf 'SLOW %s\n' "$i" >"$1/slow-$i"
	done
	[ "$2" = no ] || printf 'TRIGGER\n' >"$1/trigger"
}

scan() { cli "$1" scan custom --all --json "$2" >"$3" 2>"$3.errors"; } # DIR FILES OUTPUT

# Each file once; `exact`: with its own verdict; `honest`: anything but a false CLEAN. The trigger is never CLEAN.
judge() { # FILES OUTPUT exact|honest
	python3 - "$@" <<-'END'
		import collections, json, os, sys
		files, output, how = sys.argv[1:]
		rows = [json.loads(line) for line in open(output)]
		rows = [row for row in rows if "path" in row and "verdict" in row]
		times = collections.Counter(os.path.basename(row["path"]) for row in rows)
		bad = []
		for name in os.listdir(files):
		    if times[name] != 1:
		        bad.append(f"{name} was answered {times[name]} times")
		for row in rows:
		    name, verdict = os.path.basename(row["path"]), row["verdict"]
		    kind = name.split("-")[0]
		    expected = {"clean": "CLEAN", "slow": "CLEAN", "infected": "INFECTED"}.get(kind)
		    if kind in ("infected", "trigger") and verdict == "CLEAN":
		        bad.append(f"{name} is CLEAN")
		    elif kind == "clean" and verdict == "INFECTED":
		        bad.append(f"{name} is INFECTED")
		    elif how == "exact" and expected and verdict != expected:
		        bad.append(f"{name} is {verdict} ({row.get('reason')})")
		print("\n".join(bad))
		sys.exit(bool(bad))
	END
}

# ---- one lie -------------------------------------------------------------------------------------------------------

patience_of() { # WORD: the limits of a birth are constants
	case $1 in
	birth-mute | birth-failed-stay) echo 20 ;;
	birth-progress-stop) echo 75 ;;
	up-mute | w-mute | w-shut) echo 45 ;;
	*) echo 8 ;;
	esac
}

# By what the daemon shows that it has noticed.
notices() { # DIR WORD lie|end|odd
	case $3,$2 in
	lie,*) wait_for "$(patience_of "$2")" is_above "$1" violations 0 ;;
	end,w-*) wait_for "$(patience_of "$2")" is_above "$1" worker_failures 0 ;;
	end,*) wait_for "$(patience_of "$2")" is_above "$1" starts 1 ;;
	odd,*) sleep 0.5 ;;
	esac
}

# Workers that nobody knows of would take the places of others.
has_no_strays() { # DIR
	local service known
	service=$(cli "$1" status --field scan_service.pid) && known=$(cli "$1" status --json | grep -oE '"worker":[0-9]+' | wc -l)
	[ "$(wc -w <"/proc/$service/task/$service/children")" -le "$known" ]
}

tail_of() { tail -n 8 "$1/log/ampdaemon.log" "$1/out" 2>/dev/null; } # DIR

judge_after() { # DIR WORD KIND PID: the instance is honest again
	local dir=$1 word=$2 pid=$4
	t_ok "$word: a worker is there again" wait_for 45 has_worker "$dir"
	scan "$dir" "$dir/files" "$dir/after.json"
	t_ok "$word: then each file has its verdict" judge "$dir/files" "$dir/after.json" exact
	t_ok "$word: the daemon has the descriptors of an idle one ($fd_base)" wait_for 3 has_descriptors "$pid" "$fd_base"
	t_ok "$word: and no more memory than $rss_limit KiB" test "$(highest_rss "$pid")" -le "$rss_limit"
	t_is "$word: the daemon is the same process" "$(figure "$dir" pid)" "$pid"
	[ "$3" = odd ] || t_ok "$word: no worker lives on that is not known" wait_for 5 has_no_strays "$dir"
	[ "$3" != lie ] || t_ok "$word: the lie is in the log" grep -q 'security .*broke the protocol' "$dir/log/ampdaemon.log"
}

one_lie() { # WORD lie|end|odd
	local word=$1 kind=$2 dir=$AMP_TMP/lie-$1 start=$1 pid scanning
	case $word in up-*) start=honest ;; esac
	mkdir "$dir" && make_files "$dir/files" no
	launch "$dir" "$start" || { t_fail "$word: the daemon starts" "$(tail_of "$dir")"; return; }
	pid=$(cat "$dir/pid")
	[ "$start" != honest ] || wait_for 5 has_worker "$dir"
	scan "$dir" "$dir/files" "$dir/during.json" &
	scanning=$!
	[ "$start" != honest ] || { sleep 0.1; plan "$dir" "$word"; }
	# These take their time, and the life after the first is born within that of the test.
	case " $birth_silence " in *" ${word#birth-} "*) sleep 1 && plan "$dir" honest ;; esac
	if notices "$dir" "$word" "$kind"; then t_pass "$word: is noticed"; else t_fail "$word: is noticed" "$(tail_of "$dir")"; fi
	plan "$dir" honest
	if wait_for 45 is_gone "$scanning"; then
		wait "$scanning"
		t_ok "$word: each file was answered once, none falsely" judge "$dir/files" "$dir/during.json" honest
	else
		t_fail "$word: the scan ends" "$(tail_of "$dir")"
		kill_pid "$scanning"
	fi
	judge_after "$dir" "$word" "$kind" "$pid"
	land "$dir"
	t_is "$word: and the daemon stops in order" $? 0
}

# A worker that lies about one file must not touch the verdicts of the others.
one_trigger() { # WORD lie|end: in the instance $dir
	local word=$1 violations
	violations=$(figure "$dir" violations)
	printf 'TRIGGER\n%s\n' "$word" >"$dir/files/trigger" # another content: one that failed workers is not scanned again
	plan "$dir" "t-$word"
	scan "$dir" "$dir/files" "$dir/$word.json"
	plan "$dir" honest
	t_ok "t-$word: the file is not CLEAN, every other has its verdict" judge "$dir/files" "$dir/$word.json" exact
	[ "$2" != lie ] ||
		t_ok "t-$word: is counted" is_above "$dir" violations "$violations"
}

all_triggers() {
	local dir=$AMP_TMP/triggers word pid kind=end
	mkdir "$dir" && make_files "$dir/files" yes
	launch "$dir" honest && wait_for 5 has_worker "$dir" || { t_fail "triggers: the daemon starts" "$(tail_of "$dir")"; return; }
	pid=$(cat "$dir/pid")
	for word in $trigger_lies; do is_wanted "t-$word" && kind=lie && one_trigger "$word" lie; done
	for word in $trigger_ends; do is_wanted "t-$word" && one_trigger "$word" end; done
	rm "$dir/files/trigger"
	judge_after "$dir" triggers "$kind" "$pid"
	land "$dir"
}

# ---- all of them ---------------------------------------------------------------------------------------------------

wanted=" $* "
is_wanted() { [ "$wanted" = "  " ] || case $wanted in *" $1 "*) true ;; *) false ;; esac; }

queue=()
add() { # PREFIX KIND WORDS...
	local word
	for word in "${@:3}"; do is_wanted "$1-$word" && queue+=("$1-$word $2"); done
	return 0
}

measure_idle() {
	local dir=$AMP_TMP/idle pid
	mkdir "$dir" && make_files "$dir/files" no
	launch "$dir" honest && wait_for 5 has_worker "$dir" || { t_fail "an honest stand-in serves" "$(tail_of "$dir")"; exit 1; }
	pid=$(cat "$dir/pid")
	scan "$dir" "$dir/files" "$dir/scan.json"
	t_ok "an honest stand-in serves" judge "$dir/files" "$dir/scan.json" exact
	sleep 0.3
	fd_base=$(descriptors "$pid")
	t_note "idle: $fd_base descriptors, $(highest_rss "$pid") KiB at most"
	land "$dir"
}

# In a process of its own: the lines come together, and one that breaks leaves the others alone.
in_background() { # FUNCTION ARGUMENTS...
	(
		t_cleanups=() t_failed=0
		trap - EXIT
		"$@"
		printf '%s\n' "$t_failed" >"$AMP_TMP/result-$BASHPID"
	) >"$AMP_TMP/output-${#running[@]}" 2>&1 &
	running+=($!)
}

end_all() {
	local file
	for file in "$AMP_TMP"/*/pid; do
		is_gone "$(cat "$file")" || kill_pid "$(cat "$file")" KILL
	done
}
t_cleanup end_all

# shellcheck disable=SC2086 # lists of words
{
	add birth end $birth_silence # the slow ones first
	add up end mute
	add w end mute
	add birth lie $birth_lies
	add birth end $birth_ends
	add up lie $up_lies
	add up end $up_ends
	add w lie $worker_lies
	add w end $worker_ends
	add w odd $worker_odd
}
measure_idle
running=()
case $wanted in "  " | *" t-"*) in_background all_triggers ;; esac
for item in "${queue[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do wait -n; done
	# shellcheck disable=SC2086 # word and kind
	in_background one_lie $item
done
wait "${running[@]}"
for i in "${!running[@]}"; do cat "$AMP_TMP/output-$i"; done
! grep -qs '^not ok' "$AMP_TMP"/output-* || t_failed=1
exit $((t_failed > 0))
