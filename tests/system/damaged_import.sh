#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Every damaged file and every bomb of the reference shelf, brought to a real connector as an administrator would: each is refused in one line, and
# nothing else happens: the same daemon, the same scan service, no memory gone, nothing left on the disk. (Random damage: acceptance.sh.)
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"
. "$AMP_SRC/tests/support/store.sh"

need_root
need_test_data
store_new damaged || exit 1
instance_start_ok "the connector starts"
t_exit_is "a good set" 0 cli definitions import "$(set_of 5)"

identity() { printf '%s %s %s' "$(field pid)" "$(field scan_service.pid)" "$(generation)"; }
resident() { sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' "/proc/$amp_pid/smaps_rollup"; } # KiB

refuse() { # PATH below the shelf, NAME
	local file=$AMP_TMP/sets/$2
	install -m 0644 "$AMP_TEST_DATA/$1" "$file"
	cli definitions import "$file" >"$AMP_TMP/said" 2>&1
	t_is "$1: refused, in one line: $(grep -aoE '(Refused|refused): .*' "$AMP_TMP/said" | tail -n 1 | cut -c 1-120)" \
		"$? $(grep -acE '^(Refused|ampcli: refused)' "$AMP_TMP/said")" "0 1"
	rm -f "$file"
}

refuse damaged/flip-body-last.cvd test.cvd # what is needed once is there now
sleep 1
before=$(identity)
memory=$(resident)
for file in "$AMP_TEST_DATA"/damaged/*.c?d; do
	case ${file##*/} in
	ok.cvd | flip-builder.cvd | flip-time.cvd | flip-pad.cvd) ;; # whole, or a field differs that nobody signs
	*) refuse "damaged/${file##*/}" "test.${file##*.}" ;;
	esac
done
for file in "$AMP_TEST_DATA"/damaged/sw/*; do refuse "damaged/sw/${file##*/}" "${file##*/}"; done
for file in "$AMP_TEST_DATA"/bombs/*; do refuse "bombs/${file##*/}" "${file##*/}"; done
t_is "daemon, scan service and generation are the same" "$(identity)" "$before"
t_is "and the version that answers" "$(version_that_answers)" 5
grown=$(($(resident) - memory))
t_ok "the daemon has not grown (by $grown KiB)" test "$grown" -lt 1024
t_ok "nothing is staged" wait_for 10 nothing_is_staged
t_is "one generation is there" "$(generations)" "10 "
t_is "no process is left" "$(pgrep -P "$amp_pid" | wc -l)" 1
for file in ok flip-builder flip-time flip-pad; do
	install -m 0644 "$AMP_TEST_DATA/damaged/$file.cvd" "$AMP_TMP/sets/test.cvd"
	cli definitions import "$AMP_TMP/sets/test.cvd" >"$AMP_TMP/said" 2>&1
	t_is "$file.cvd: where it is taken it is taken whole" "$(version_that_answers)" 6
done
