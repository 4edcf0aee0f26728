#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Which definitions are accepted, by the scan service told to try them (docs/design/0005): every damaged file of the reference shelf, wrong
# names, bombs, real containers of both kinds, detached signatures, custom files; and random damage.
# AMP_MUTATIONS: how many of each kind of container (40). AMP_SEED: of the damage.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
driver=$AMP_BUILD/tests/support/service_driver
service=$AMP_BUILD/ampscansvc/ampscansvc
containers=$AMP_SRC/tests/support/containers.py
n_mutations=${AMP_MUTATIONS:-40}
seed=${AMP_SEED:-4}
per_set=40 # mutations in one directory: a service takes 64 files
work=$AMP_TMP/acceptance
generation=$work/generation
anchor=$AMP_TEST_DATA/certs/clamav-test.crt

mkdir -p "$work" && chmod 0755 "$AMP_TMP" "$work"

drive() { timeout 120 "$driver" "$service" "$AMP_SRC/definitions/builtin" "$@" 2>&1; } # [DEFINITIONS], orders on standard input

# A generation of these files: NAME=SOURCE...; NAME may begin with custom/.
fill() {
	local pair
	rm -rf "$generation"
	mkdir -p "$generation/custom"
	for pair; do install -m 0644 "${pair#*=}" "$generation/${pair%%=*}" || return 1; done
	chmod 0755 "$generation" "$generation/custom"
}

try() { # [OPTIONS]: all that it says of the generation
	said=$(drive "$generation" <<<"start is_trial=1 is_generation=1 $*")
}

line_of() { grep -E "^file $1 " <<<"$said"; } # NAME

# NAME REGEX OF THE LINE BEHIND "file NAME "
is_accepted() { t_like "$1" "$(line_of "$2")" "^file $2 accepted $3"; }
is_refused() { t_like "$1" "$(line_of "$2")" "^file $2 rejected .*\) .*$3"; }

# A file of the shelf as NAME, alone in a set, must be refused with one line.
refuse_alone() { # LABEL NAME SOURCE
	fill "$2=$3"
	try
	t_like "$1: $(line_of "${2#custom/}" | sed -n 's/^[^)]*) //p' | cut -c 1-90)" \
		"$(grep -vE '^(service wall|hello|progress)' <<<"$said")" "^file ${2#custom/} rejected .*\) .{10,}"
	t_is "$1: nothing of it is served" "$(grep -c '^ready' <<<"$said")/$(grep -c '^service ended signal=0 status=67' <<<"$said")" 0/1
}

damaged() {
	local file name
	for file in "$AMP_TEST_DATA"/damaged/*.c?d; do
		name=${file##*/}
		case $name in
		ok.cvd | flip-builder.cvd | flip-time.cvd | flip-pad.cvd) # the last three: a field differs that nobody signs
			fill "test.${name##*.}=$file"
			try
			is_accepted "$name is whole, and accepted" "test.cvd" "signatures=10 version=6 promised=14 database=test origin=official" ;;
		*) refuse_alone "$name" "test.${name##*.}" "$file" ;;
		esac
	done
	for file in "$AMP_TEST_DATA"/damaged/sw/*; do refuse_alone "sw/${file##*/}" "${file##*/}" "$file"; done
	for file in "$AMP_TEST_DATA"/damaged/sw/*; do refuse_alone "custom/${file##*/}" "custom/${file##*/}" "$file"; done
}

bombs() {
	local file name
	for file in "$AMP_TEST_DATA"/bombs/*; do
		name=${file##*/}
		refuse_alone "$name outside of custom/" "$name" "$file"
		[ "$name" = base.cud ] || refuse_alone "$name" "custom/$name" "$file"
	done
	fill "custom/base.cud=$AMP_TEST_DATA/bombs/base.cud"
	try
	is_accepted "base.cud, that the bombs are made of, is harmless" base.cud "signatures=1 .*origin=custom \(unsigned\)"
}

# A .cld as an update by differences leaves it: Debian's sigtool unpacks and applies, the archive is libfreshclam's.
make_cld() {
	local version
	command -v sigtool >/dev/null || { t_skip "a .cld" "needs sigtool (package clamav)"; return 1; }
	mkdir "$work/members"
	(
		cd "$work/members" && sigtool --quiet --unpack="$AMP_TEST_DATA/test-3.cvd" || exit 1
		for version in 4 5 6; do sigtool --quiet --run-cdiff="$AMP_TEST_DATA/test-$version.cdiff" || exit 1; done
	) >"$work/sigtool.output" 2>&1 || { t_fail "a .cld is made" "$(cat "$work/sigtool.output")"; return 1; }
	python3 "$containers" cld "$work/members" test "$work/real.cld"
}

# Which version serves, as the samples show it.
found_of() { # NAME=SOURCE
	local sample
	fill "$1"
	said=$({
		printf 'start is_generation=1\nspawn\n'
		for sample in eicar.com Win.Worm.Sobig-1.bin Win.Worm.Klez-1.bin clean.txt; do
			echo "scan 0 $AMP_TEST_DATA/samples/$sample"
		done
	} | drive "$generation")
	grep -oE ': result [A-Z]+' <<<"$said" | sed 's/.* //' | tr '\n' ' '
}

whole_ones() {
	local version
	for version in 1 2; do
		fill "test.cvd=$AMP_TEST_DATA/test-$version.cvd"
		try
		is_refused "test-$version, which loads and is empty, is refused" test.cvd "no signature in it"
	done
	for version in 3 4 5 6; do
		fill "test.cvd=$AMP_TEST_DATA/test-$version.cvd"
		try
		is_accepted "test-$version is accepted" test.cvd \
			"signatures=$((version + 4)) version=$version promised=$((version + 8)) database=test origin=official \(signed\) *$"
		t_like "test-$version: the trial reports what the set is, and ends by itself" \
			"$(grep -E '^(ready|end)' <<<"$said" | tr '\n' ' ')" "^ready signatures=$((version + 17)) .*end signal=0 status=0"
	done
	fill "bytecode.cvd=$AMP_TEST_DATA/bytecode.cvd" "test.cvd=$AMP_TEST_DATA/test-6.cvd"
	try
	is_accepted "a bytecode.cvd, whose header counts otherwise" bytecode.cvd "signatures=5 version=19 promised=3 database=bytecode"
	t_is "version 3 finds what is its own" "$(found_of "test.cvd=$AMP_TEST_DATA/test-3.cvd")" "INFECTED CLEAN CLEAN CLEAN "
	t_is "version 5 finds what is its own" "$(found_of "test.cvd=$AMP_TEST_DATA/test-5.cvd")" "INFECTED INFECTED CLEAN CLEAN "
	make_cld || return
	t_is "a .cld finds what is its own" "$(found_of "test.cld=$work/real.cld")" "INFECTED INFECTED INFECTED CLEAN "
	try
	is_accepted "a .cld is accepted" test.cld "signatures=10 version=6 promised=14 database=test origin=official \(signed\) *$"
	fill "main.cld=$work/real.cld"
	try
	is_refused "a .cld under another name" main.cld "the database test under another name"
	fill "test.cld=$work/real.cld" "test.cvd=$AMP_TEST_DATA/test-3.cvd"
	try
	is_accepted "of a database that is there twice the newer is taken" test.cld "signatures=10"
	is_refused "and the older is not" test.cvd "there twice"
}

detached() {
	if ! openssl x509 -in "$anchor" -noout -checkend 0 >/dev/null 2>&1; then
		t_skip "detached signatures of the shelf" "$anchor has expired or openssl is missing; test_detached_signature makes its own"
		return
	fi
	fill "test.cvd=$AMP_TEST_DATA/test-6.cvd" "test.cvd.sign=$AMP_TEST_DATA/test-6.cvd.sign"
	try "anchors=$anchor"
	is_accepted "a detached signature that holds" test.cvd "signatures=10 .*\(signed twice\)"
	try
	is_accepted "without certificates it is said that it was not held" test.cvd "signatures=10 .*\(signed, .sign not held\)"
	try "anchors=$AMP_TEST_DATA/certs/clamav.crt"
	is_refused "by none of the certificates" test.cvd "none of the trusted certificates"
	fill "test.cvd=$AMP_TEST_DATA/test-6.cvd" "test.cvd.sign=$AMP_TEST_DATA/test-5.cvd.sign"
	try "anchors=$anchor"
	is_refused "that of another version" test.cvd "detached signature does not verify"
	fill "test.cvd=$AMP_TEST_DATA/damaged/flip-builder.cvd" "test.cvd.sign=$AMP_TEST_DATA/test-6.cvd.sign"
	try "anchors=$anchor"
	is_refused "it covers the header too, which libclamav's does not" test.cvd "detached signature does not verify"
	: >"$work/empty"
	fill "test.cvd=$AMP_TEST_DATA/test-6.cvd" "test.cvd.sign=$work/empty"
	try "anchors=$anchor"
	is_refused "an empty one is not an absent one" test.cvd "no known format"
}

custom() {
	local kind
	printf 'AMP.Test.Text:0:*:68656c6c6f0a616d70\n' >"$work/own.ndb"
	python3 "$containers" cud "$work/own.cud" own.ndb=AMP.Test.Cud:0:*:68656c6c6f0a616d71
	fill "test.cvd=$AMP_TEST_DATA/test-6.cvd" "custom/own.cud=$work/own.cud"
	try
	t_like "a time of building that nobody signed does not make a set look new" "$said" '^ready .* built=1624412045$'
	python3 "$containers" cud "$work/weak.cud" own.ndb=AMP.Test.Cud:0:*:68656c6c6f0a616d71 own.ign2=Eicar-Test-Signature
	fill "test.cvd=$AMP_TEST_DATA/test-6.cvd" "own.ndb=$work/own.ndb" "custom/own.ndb=$work/own.ndb" "custom/own.cud=$work/own.cud" \
		"custom/weak.cud=$work/weak.cud" "custom/test.cvd=$AMP_TEST_DATA/test-6.cvd"
	for kind in cfg ign ign2 fp sfp ftm cbc crb cat wdb yar yara ioc pwdb info; do echo x >"$generation/custom/own.$kind"; done
	chmod 0644 "$generation"/custom/*
	try
	t_like "plain text is accepted from custom/" "$said" '^file own.ndb accepted signatures=1 .*origin=custom \(unsigned\) unsigned'
	t_like "and not from beside the official ones" "$said" '^file own.ndb rejected .*origin=official .*from custom/ only'
	is_accepted "an unsigned container is accepted from custom/" own.cud "signatures=1 .*origin=custom \(unsigned\)"
	is_refused "not when something in it weakens the engine" weak.cud "own.ign2 is of a kind that is not accepted"
	t_like "the official one is what it was" "$said" '^file test.cvd accepted signatures=10'
	t_like "and is not accepted from custom/" "$said" '^file test.cvd rejected .*from custom/'
	t_is "kinds that weaken are refused one by one" "$(grep -cE '^file own\.[a-z0-9]+ rejected .*kind are not accepted' <<<"$said")" 15
	said=$(drive "$generation" <<<'start is_trial=1')
	t_like "a directory that is no generation is flat" "$said" '^file own.ndb accepted signatures=1 .*origin=custom'
	t_is "and has nothing below it" "$(grep -c '^file own' <<<"$said")" 1
	for kind in $(seq 70); do cp "$work/own.ndb" "$generation/custom/n$kind.ndb"; done
	try
	t_like "a generation is taken whole or not at all" "$said" '^failed 67 the set has more than 64 files'
	t_like "a trial without definitions makes no sense" "$(drive <<<'start is_trial=1')" '^service ended signal=0 status=65$'
}

# Whatever random damage does: who is accepted has all that the header promises and that we load.
mutations() { # FILE ENDING
	local first n set=$work/mutated accepted=0 short=0 seen=0 lines
	for ((first = 0; first < n_mutations; first += per_set)); do
		n=$((n_mutations - first < per_set ? n_mutations - first : per_set))
		rm -rf "$set" && mkdir "$set" && chmod 0755 "$set"
		python3 "$containers" mutate "$1" "$set" "$n" $((seed * 1000 + first)) "$2"
		install -m 0644 "$1" "$set/whole.$2"
		lines=$(drive "$set" <<<'start is_trial=1' | grep -E '^file m[0-9]+\.|^file whole\.' )
		seen=$((seen + $(grep -c '^file m' <<<"$lines")))
		sed -nE 's/^file m[0-9]+\.[^ ]+ rejected [^)]*\) //p' <<<"$lines" >>"$work/reasons.$2"
		accepted=$((accepted + $(grep -c '^file m[^ ]* accepted' <<<"$lines")))
		short=$((short + $(grep '^file m[^ ]* accepted' <<<"$lines" | grep -vc ' signatures=10 version=6 promised=14 ')))
		grep -q "^file whole.$2 accepted signatures=10 " <<<"$lines" || short=$((short + 1))
	done
	t_is "$n_mutations damaged .$2: each has a verdict" "$seen" "$n_mutations"
	t_is "$n_mutations damaged .$2: none accepted has fewer signatures than promised" "$short" 0
	t_note "$n_mutations damaged .$2 (seed $seed): $accepted were accepted, with all signatures; refused:"
	sed -E "s/; it said.*//; s/(its member|missing:) [^ ]+/\1 NAME/" "$work/reasons.$2" | sort | uniq -c | sort -rn | sed 's/^/# /'
	t_ok "$n_mutations damaged .$2: some are refused" test "$accepted" -lt "$n_mutations"
}

whole_ones
damaged
bombs
detached
custom
mutations "$AMP_TEST_DATA/test-6.cvd" cvd
if [ -f "$work/real.cld" ]; then mutations "$work/real.cld" cld; else t_skip "damaged .cld" "there is no .cld to damage"; fi
[ "$t_failed" -eq 0 ]
