/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_copy: makes the directory of one set: copies files into it, or links those that another generation has, hashes each on the way,
 * and seals it with its manifest. For a thread: sources are strangers' and may hang.
 *
 * Owns the directory while it is made; a set that is not sealed is removed by definition_copy_done(). Bounds: bytes of a file and of the
 * set. Everything in it is on the disk when it is sealed. Must not own where sources come from.
 * Diagnostics: -errno and one sentence in `why`: -EINVAL no regular file, -EFBIG a ceiling, -ESTALE it changed meanwhile, -EBADMSG a generation's
 * file is not what its manifest says, -ECANCELED, else the errno of the source or of the disk.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_COPY_H
#define AMP_AMPDAEMON_DEFINITION_COPY_H

#include <stdbool.h>

#include "ampdaemon/definition_store.h"
#include "ampdaemon/file_flow.h"
#include "base/definition_manifest.h"

struct definition_copy {
	/* The caller's, before definition_copy_begin() */
	int staging;
	uint64_t number;
	uint64_t max_file_bytes, max_set_bytes;
	char *why; /* LIMIT_REASON_BYTES */
	/* its own */
	int directory, custom; /* -1: not made */
	bool is_sealed;
	struct file_flow flow;
	struct definition_manifest manifest;
};

/* Makes staging/NUMBER. Call definition_copy_done() also after a failure. 0 or -errno, as those below. */
int definition_copy_begin(struct definition_copy *copy, bool (*is_wanted)(void *context),
			  void *context);
void definition_copy_done(struct definition_copy *copy);

/* `source` stays the caller's; its read position is not used. */
int definition_copy_take(struct definition_copy *copy, const char *path, int source);

/* The file that generation `number` (a directory in `generations`) has under the same path. */
int definition_copy_keep(struct definition_copy *copy, const char *path, int generations,
			 uint64_t number);

/* Writes the manifest and syncs the directories. */
int definition_copy_seal(struct definition_copy *copy, uint8_t ret_digest[LIMIT_DIGEST_BYTES]);

#endif
