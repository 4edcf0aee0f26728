/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * detached_signature: the NAME.sign beside a container ("#clamsign-1.0", spec libclamav.md 6), which covers the whole file with its header,
 * where the signature inside covers an MD5. libclamav 1.4 does not know it.
 *
 * Owns: PKCS#7 of OpenSSL, the format of the file. Must not own: which certificates are trusted (the daemon hands them over), what an
 * expired one means (definition_proof.c). Opens the two files named, and nothing else: no certificate directory, no list of revocations.
 * Runs in the proving child.
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
