#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Certificates of certs_dir reach the scan service: in trials, and in what it loads for good. What a signature must be is acceptance.sh's and
# test_detached_signature's; here an authority of our own signs, comes, goes, and is replaced.
. "${AMP_SRC:-.}/tests/lib.sh"
. "$AMP_SRC/tests/support/instance.sh"

need_root
need_test_data
command -v openssl >/dev/null || t_skip_all "openssl is not installed"
instance_new detached || exit 1
certs=$amp_private/etc/certs
set=$amp_private/definitions
instance_set definitions_dir "'$set'" && instance_set definitions_root "'$amp_private/store'" && instance_set certs_dir "'$certs'" || exit 1
mkdir -p "$certs" && chmod 0755 "$certs"

authority() { # NAME: a root, and a signer below it
	(
		cd "$AMP_TMP" || exit 1
		openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=root $1" -keyout "$1.root.key" -out "$1.root.crt" &&
			openssl req -newkey rsa:2048 -nodes -subj "/CN=signer $1" -keyout "$1.key" -out "$1.csr" &&
			openssl x509 -req -days 30 -in "$1.csr" -CA "$1.root.crt" -CAkey "$1.root.key" -CAcreateserial -out "$1.crt"
	) >"$AMP_TMP/openssl.output" 2>&1
}

sign() { # AUTHORITY FILE
	{
		printf '#clamsign-1.0\n230::pkcs7-pem:'
		openssl smime -sign -binary -outform DER -signer "$AMP_TMP/$1.crt" -inkey "$AMP_TMP/$1.key" -in "$2" | base64 -w 0
		echo
	} >"$2.sign" && chmod 0644 "$2.sign"
}

trust() { # [FILE...]: these, and no others
	rm -f "$certs"/* && { [ $# -eq 0 ] || install -m 0644 "$@" "$certs/"; }
}

serves() { field definitions.files | sed -n 's/.*"name":"test.cvd","accepted":\([a-z]*\).*/\1/p'; }
load_again() { instance_stop && instance_start; } # what is in force is read at a birth only
log_since() { tail -n "+$((${log_seen:-0} + 1))" "$amp_private/log/ampdaemon.log"; }
see_log() { log_seen=$(wc -l <"$amp_private/log/ampdaemon.log"); }
check() { cli definitions check "$set/test.cvd" "$set/test.cvd.sign"; }

{ authority ours && authority others; } || { t_fail "authorities are made" "$(cat "$AMP_TMP/openssl.output")"; exit 1; }
install -m 0644 "$AMP_TEST_DATA/test-6.cvd" "$set/test.cvd"
sign ours "$set/test.cvd"
printf 'Some.Thing:0:*:deadbeefcafebabe00112233\n' >"$set/own.ndb" # so that there is a set without it, too

trust "$AMP_TMP/ours.root.crt"
instance_start_ok "the connector starts with a set that an authority of ours has signed"
t_is "its container serves" "$(serves)" true
t_exit_is "a trial passes" 0 check
t_like "and says that it is signed twice" "$t_output" '^test.cvd .* signed twice  *passed$'

trust
t_exit_is "without certificates a trial passes" 0 check
t_like "and says that the signature was not held" "$t_output" '^test.cvd .* not held  *passed$'
load_again
t_is "without certificates it serves" "$(serves)" true

trust "$AMP_TMP/others.root.crt"
t_exit_is "under another's certificate a trial does not pass, without a restart" 7 check
t_like "and says why" "$t_output" 'none of the trusted certificates'
t_is "what serves, serves" "$(serves)" true
load_again
t_is "it is not loaded again" "$(serves)" false
t_like "and says why" "$(field definitions.files)" 'none of the trusted certificates'

trust "$AMP_TMP/others.root.crt" "$AMP_TMP/ours.root.crt"
t_exit_is "one of several is enough" 0 check
load_again
t_is "for what serves, too" "$(serves)" true

see_log
chmod 0666 "$certs/others.root.crt"
chown 65534 "$certs/ours.root.crt"
t_exit_is "certificates that others may write are none" 0 check
t_like "so that nothing is held" "$t_output" 'not held'
t_is "and each is named in the log" "$(log_since | grep -c 'trusted certificates: .*/\(ours\|others\).root.crt is left out: it must be a file of root')" 2
trust "$AMP_TMP/ours.root.crt"
chmod 0777 "$certs"
t_exit_is "nor are those of a directory that others may write" 0 check
t_like "so that nothing is held" "$t_output" 'not held'
chmod 0755 "$certs"
head -c 17000 /dev/zero >"$certs/large.pem"
t_exit_is "one that is too large does not stand in the way of the others" 0 check
t_like "which are held" "$t_output" 'signed twice'

trust "$AMP_TMP/ours.root.crt"
cp "$AMP_TEST_DATA/test-5.cvd" "$AMP_TMP/other.cvd" && sign ours "$AMP_TMP/other.cvd"
cp "$AMP_TMP/other.cvd.sign" "$set/test.cvd.sign"
t_exit_is "the signature of another version is refused" 7 check
t_like "and says why" "$t_output" 'does not verify'
sign ours "$set/test.cvd"
t_exit_is "a new one passes" 0 check
[ "$t_failed" -eq 0 ]
