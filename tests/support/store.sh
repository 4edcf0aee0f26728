# SPDX-License-Identifier: GPL-2.0-only
#
# store: a connector whose definitions are the store's, for tests that bring sets, break them and look which one answers. Sourced after
# tests/support/instance.sh. Must not own: any assertion.
# shellcheck shell=bash

store_new() { # NAME
	instance_new "$1" && instance_set definitions_root "'$AMP_TMP/$1/store'"
	store=$AMP_TMP/$1/store
	mkdir -p "$AMP_TMP/sets"
}

# A copy under the name that the database has; its path.
set_of() { # VERSION or a path below the test data
	local source=$AMP_TEST_DATA/$1 name=test.${1##*.}
	[ -f "$source" ] || { source=$AMP_TEST_DATA/test-$1.cvd && name=test.cvd; }
	mkdir -p "$AMP_TMP/sets/${1//\//-}" && install -m 0644 "$source" "$AMP_TMP/sets/${1//\//-}/$name" &&
		printf '%s\n' "$AMP_TMP/sets/${1//\//-}/$name"
}

# Which version of "test" answers, by its samples: 0 (none), 3 (and 4), 5, 6.
version_that_answers() {
	local found
	found=$(cli scan custom --all --json "$AMP_TEST_DATA/samples" 2>/dev/null | grep -a '"verdict":"INFECTED"' | sed 's/.*"path":"[^"]*\/\([^"]*\)".*/\1/' | sort | tr '\n' ' ')
	case $found in
	'') echo 0 ;;
	'eicar.com ') echo 3 ;;
	'Win.Worm.Sobig-1.bin eicar.com ') echo 5 ;;
	'Win.Worm.Klez-1.bin Win.Worm.Sobig-1.bin eicar.com ') echo 6 ;;
	*) echo "?: $found" ;;
	esac
}

generation() { field definitions.generation; }
link_of() { basename "$(readlink "$store/$1" 2>/dev/null)" 2>/dev/null; } # active, last-good
generations() { find "$store/generations" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -n | tr '\n' ' '; }
nothing_is_staged() { [ -z "$(find "$store/staging" -mindepth 1 2>/dev/null)" ]; }
is_fault() { cli faults --json 2>/dev/null | grep -q "\"id\":$1,"; }
has_no_fault() { ! is_fault "$1"; }
event_names() { cli history list --json --limit "${1:-200}" 2>/dev/null | sed -n 's/.*"name":"\([^"]*\)".*/\1/p' | tac; } # oldest first
