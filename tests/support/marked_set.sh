# SPDX-License-Identifier: GPL-2.0-only
#
# marked_set: a scan service whose workers crash on the files that they are given as long as the set of definitions that it has loaded is
# marked: a file of the set has a chosen text within its first 512 bytes. It comes up, and it passes every canary and every trial.
# Sourced after tests/support/instance.sh. Owns the stand-in (crash_service) in the instance's tree. Must not own any assertion.
# After instance_new: marked_service; marked_set MARKER [LEAST_BYTES]. A marker: 'Marked.Set' with a signature of that name in a plain text
# file of custom/; ':6:14:' (version and count) for a signed container.
# shellcheck shell=bash disable=SC2154 # amp_private is instance.sh's

marked_service() { # in the place of ampscansvc
	local dir=$amp_private/marked
	mkdir -p "$dir" && cp "$t_support/crash_service" "$t_support/crash_preload.so" "$dir/" || return 1
	chmod 0755 "$dir" "$dir/crash_service"
	printf '%s\n' "$AMP_BUILD/ampscansvc/ampscansvc" >"$dir/service"
	marked_set_control fresh && instance_set scan_service "'$dir/crash_service'"
}

# From the next load on; "" marks none. Running services keep what they loaded, and their workers obey LEAST_BYTES at once.
marked_set() { # MARKER [LEAST_BYTES]
	marked_set_control mark "$1" "${2:-0}"
}

marked_set_crashes() { # how many there were
	marked_set_control count
}

marked_set_control() { # fresh | mark MARKER BYTES | count
	python3 -B - "$AMP_SRC/tests/crash" "$amp_private/marked/control" "$@" <<'PYTHON'
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from control import Control
path, order, *words = sys.argv[2:]
control = Control(pathlib.Path(path), keep=order != "fresh")
if order == "mark":
    control.set("marked_bytes", int(words[1]))
    control.mark_sets(words[0].encode())
if order == "count":
    print(control.get("done:SEGV"))
PYTHON
}
