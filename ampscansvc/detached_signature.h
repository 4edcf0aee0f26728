/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * detached_signature: the NAME.sign beside a container ("#clamsign-1.0", spec libclamav.md 6), which covers the whole file with its header,
 * where the signature inside covers an MD5. libclamav 1.4 does not know it.
 *
 * Owns: PKCS#7 of OpenSSL, the format of the file. Must not own: which certificates are trusted (the daemon hands them over), what an
 * expired one means (definition_proof.c). Opens the two files named, and nothing else: no certificate directory, no list of revocations.
 * Runs in the proving child.
 *
 * The file: "#clamsign-1.0", then lines MIN:MAX:pkcs7-pem:BASE64, one for each generation of keys; empty lines and those that begin with '#'
 * say nothing, blanks around a line neither. At most 65,536 bytes without a NUL and 8 such lines: with more it is BAD, whatever is in it.
 *
 * The rule: each line is judged by itself, and the best one counts, in whatever order they stand. The best first:
 *   good        over this file, by a chain to a trusted certificate, all of it valid now  -> GOOD
 *   expired     the same, but a certificate of the chain is not valid now                 -> EXPIRED, by the first such line
 *   changed     by a chain as above, whatever its time, over another file, or damaged     -> BAD
 *   stranger    by no trusted chain                                                       -> BAD
 *   unreadable  another format, no base64, no PKCS#7, no lines at all                      -> BAD
 * So a line helps only by what it is itself, and a bad one beside it changes nothing, for better or worse.
 * Each trusted certificate is tried by itself: one that has expired, or another of its name, hides none.
 * libclamav 1.5 ends at the first line that it can read and that does not hold: a successor's line would never be reached.
 */
#ifndef AMP_AMPSCANSVC_DETACHED_SIGNATURE_H
#define AMP_AMPSCANSVC_DETACHED_SIGNATURE_H

#include "base/limits.h"
#include "base/span.h"

enum detached_signature {
	DETACHED_ABSENT,
	DETACHED_GOOD,
	DETACHED_UNHELD, /* there, and no certificate was given to hold it against */
	DETACHED_EXPIRED, /* good, but for a certificate that is not valid now: `why` says which and when */
	DETACHED_BAD /* with a sentence */
};

/* Once, before the walls: OpenSSL reads its configuration when it is first used. */
void detached_signature_prepare(void);

/* `anchors`: PEM. */
enum detached_signature detached_signature_check(const char *container, const char *sign,
						 struct span anchors, char why[LIMIT_DETAIL_BYTES]);

#endif
