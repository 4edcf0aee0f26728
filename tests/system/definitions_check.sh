#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# `ampcli definitions check` on a real connector: definitions are tried by a scan service of their own and thrown away; what serves is not touched.
# Which files are accepted is acceptance.sh's; here it is the way there and back.
# shellcheck disable=SC2016 # evaluated later on purpose
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
instance_new check && instance_define && instance_set definitions_root "'$amp_private/store'" || exit 1
instance_start_ok "the connector starts"
mine=$amp_private/mine
mkdir "$mine"

as() { install -m 0644 "$AMP_TEST_DATA/$2" "$mine/$1" && printf '%s\n' "$mine/$1"; } # NAME SOURCE
tried() { cli definitions check "$@" >"$AMP_TMP/said" 2>&1; } # leaves what was said
is_put_away() { [ -z "$(find "$amp_private/store/staging" "$amp_private/store/generations" -mindepth 1)" ]; }
identity() { printf '%s %s %s %s' "$(field pid)" "$(field scan_service.pid)" "$(field scan_service.incarnation)" "$(field definitions.signatures)"; }

before=$(identity)
t_exit_is "a good set passes" 0 cli definitions check "$(as test.cvd test-6.cvd)"
t_like "with its file" "$t_output" '^test.cvd  *6  *14 .* signed  *passed$'
printf 'Own.Thing:0:*:deadbeefcafebabe00112233\n' >"$mine/own.ndb"
t_exit_is "with a file of one's own, too" 0 cli definitions check "$mine/test.cvd" "$mine/own.ndb"
t_exit_is "one that would weaken the engine is rejected" 7 cli definitions check "$mine/test.cvd" "$(cp "$mine/own.ndb" "$mine/own.ign2" && echo "$mine/own.ign2")"
t_exit_is "an empty one is rejected" 7 cli definitions check "$(as test.cvd test-1.cvd)"
t_exit_is "a damaged one" 7 cli definitions check "$(as test.cvd damaged/flip-body-last.cvd)"
t_exit_is "one that is cut where libclamav does not see it" 7 cli definitions check "$(as test.cld damaged/cldtrunc-at-19-test.cdb.cld)"
t_exit_is "one that crashes libclamav" 7 cli definitions check "$(as test.cld damaged/cld-extra-cud.cld)"
t_exit_is "one under a wrong name" 7 cli definitions check "$(as daily.cvd test-6.cvd)"
t_like "and it is said" "$t_output" 'another name'
t_exit_is "a name that leads elsewhere is refused" 6 cli definitions check "$(as ..test.cvd test-6.cvd)"
t_exit_is "a FIFO is refused" 6 timeout 10 "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" definitions check "$(mkfifo "$mine/fifo.cvd" && echo "$mine/fifo.cvd")"
t_exit_is "nobody but root may ask" 5 setpriv --reuid 65534 --clear-groups "$AMP_BUILD/ampcli/ampcli" --socket "$amp_socket" definitions check "$AMP_TEST_DATA/test-6.cvd"
t_is "what serves is the same process with the same set" "$(identity)" "$before"
t_ok "nothing is left behind" wait_for 5 is_put_away

# ---- two at once, and who leaves ------------------------------------------------------------------------------------
as test.cvd test-6.cvd >"$AMP_TMP/name"
python3 - "$mine/big.ndb" <<'EOF'
import random, sys
chance = random.Random(3)
with open(sys.argv[1], "w") as file:
    for i in range(120000):
        file.write(f"Big.{i}:0:*:{chance.randbytes(12).hex()}\n")
EOF
cli definitions check "$mine/big.ndb" >"$AMP_TMP/first" 2>&1 &
first=$!
is_trying() { [ "$(field definitions.files | wc -c)" -gt 0 ] && find "$amp_private/store/staging" -name 'big.ndb' | grep -q .; }
wait_for 5 is_trying
t_exit_is "a second check meanwhile is refused" 6 cli definitions check "$mine/test.cvd"
t_like "and is told what is under way" "$t_output" 'a check of definitions is under way'
wait "$first"
t_is "the first has its answer" "$?" 0
cli definitions check "$mine/big.ndb" >"$AMP_TMP/left" 2>&1 &
left=$!
wait_for 5 is_trying
kill_pid "$left" KILL
wait "$left"
t_ok "one whose client left comes to its end by itself" wait_for 60 is_put_away
t_ok "and the next one is taken" wait_for 20 tried "$mine/test.cvd"

# ---- a daemon that is killed in the middle ----------------------------------------------------------------------------
cli definitions check "$mine/big.ndb" >"$AMP_TMP/killed" 2>&1 &
killed=$!
wait_for 5 is_trying
kill_pid "$amp_pid" KILL
wait_for 10 is_gone "$amp_pid"
wait "$killed"
t_is "the client of a daemon that was killed is told" "$?" 4
instance_start_ok "it starts again"
t_exit_is "and checks" 0 cli definitions check "$mine/test.cvd"
t_ok "nothing is left of the one in the middle" is_put_away
service=$(field scan_service.pid)
cli definitions check "$mine/big.ndb" >"$AMP_TMP/restarted" 2>&1 &
restarted=$!
wait_for 5 is_trying
t_exit_is "a restart in place in the middle of a check" 0 cli restart
wait "$restarted"
t_is "its client is told, too" "$?" 4
t_is "the scan service went on" "$(field scan_service.pid)" "$service"
t_exit_is "and the next image checks" 0 cli definitions check "$mine/test.cvd"
t_ok "nothing is left" wait_for 5 is_put_away
instance_stop
