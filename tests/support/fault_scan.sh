# SPDX-License-Identifier: GPL-2.0-only
#
# fault_scan: the judgement over a scan of the infected test files under a fault. Sourced after instance.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # of instance.sh, and for the scripts

heal_limit=40 # seconds; a storage that is gone costs a new scan service
n_files=$(find "$t_testfiles" -type f 2>/dev/null | wc -l)

# A file that failed two workers under the fault is not scanned again, and is told so each time.
is_whole() {
	local apart
	scan_count "$t_testfiles"
	apart=$(grep -ac '"reason":"unscannable"' "$t_lines")
	[ $((v_infected + apart)) = "$n_files" ] && [ "$v_files" = "$n_files" ] && [ "$apart" -lt "$n_files" ]
}

judge() { # NAME: of the scan that is in $t_lines
	local seen=$((v_infected + v_error + v_incomplete + v_failed))
	t_note "$1: $v_text"
	if [ "$v_clean" = 0 ] && [ "$seen" = "$n_files" ] && [ "$v_files" = "$n_files" ]; then
		t_pass "$1: no file of $n_files is CLEAN, each has its answer"
	else
		t_fail "$1: no file of $n_files is CLEAN, each has its answer" "$v_text, in the summary $v_files" \
			"$(grep -a '"CLEAN"\|NOT_SCANNED' "$t_lines" | head -n 5)" "$(cat "$t_lines.error")"
	fi
}

heals() { # NAME
	local begin
	begin=$(date +%s%N)
	if wait_for "$heal_limit" is_whole; then
		t_pass "$1: heals by itself"
		t_note "$1: whole again after $((($(date +%s%N) - begin) / 1000000)) ms, scan service starts: $(field scan_service.starts)"
	else
		t_fail "$1: heals by itself" "$v_text" "$(tail -n 8 "$amp_private/daemon.output")"
	fi
}
