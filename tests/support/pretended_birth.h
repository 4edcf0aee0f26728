/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pretended_birth: stand-ins for all that a birth of the scan service asks for: account, directories, free memory, and the spawn itself. The
 * service is a child of the test that speaks the protocol and behaves as `manner` says at its birth.
 */
#ifndef AMP_TESTS_SUPPORT_PRETENDED_BIRTH_H
#define AMP_TESTS_SUPPORT_PRETENDED_BIRTH_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/scan_account.h"

#define PRETENDED_ENGINE_BYTES (100u << 20)

/* Becomes ready; not with the configured definitions; never; ends without a word; says that it is somebody else. */
enum manner { GOOD, NO_CONFIGURED, NEVER_GOOD, SILENT_END, FALSE_NAME };

struct pretended {
	enum manner manner;
	bool program_missing;
	struct scan_account account;
	bool changed; /* a directory is not as installed */
	uint64_t available;
	uint64_t engine; /* bytes that it tells; 0: PRETENDED_ENGINE_BYTES */
	unsigned births;
};

extern struct pretended pretended;

#endif
