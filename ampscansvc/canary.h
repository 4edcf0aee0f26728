/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * canary: files of our own that hide markers of definitions/builtin/canary.ndb behind the engine's unpackers. A worker that
 * does not find one of them would call infected files clean, and must not go on.
 *
 * The bytes are made at build time (tools/make_canaries.py) and masked in the program, so that scanning it finds nothing.
 */
#ifndef AMP_AMPSCANSVC_CANARY_H
#define AMP_AMPSCANSVC_CANARY_H

#include <stddef.h>

#include "ampscansvc/engine.h"
#include "base/limits.h"

struct canary_file {
	const char *name; /* of the signature that must be found, and no other */
	unsigned char *bytes;
	size_t len;
};

/* Made at build time. */
extern const struct canary_file canary_files[];
extern const unsigned canary_n_files;
extern const unsigned char canary_mask;

/* Unmasks the files; once, before the first fork. */
void canary_unmask(void);

unsigned canary_count(void);

/* Scans canary `number` modulo the count. 0, or -ENOENT with what was lost in `why`. */
int canary_check(struct engine *engine, unsigned number, char why[LIMIT_DETAIL_BYTES]);

/* All of them. */
int canary_check_all(struct engine *engine, char why[LIMIT_DETAIL_BYTES]);

#endif
