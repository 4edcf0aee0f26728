/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_generation: one directory of the store that holds a whole set: the official files, the unsigned ones in custom/, and the manifest.
 * It is whole when every file of the manifest is there with its size, nothing else is there, and all of it is ours.
 *
 * Owns nothing: looks at a directory that the caller has open. Must not own which generation is active, nor what is done with one that is
 * not whole. Waits for the disk.
 * Diagnostics: -EBADMSG with a sentence when the set is not whole for certain; -EPERM with one when somebody else may write to it; another
 * -errno when it could not be looked at: then nothing is known.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_GENERATION_H
#define AMP_AMPDAEMON_DEFINITION_GENERATION_H

#include <stdbool.h>

#include "base/definition_manifest.h"

/* Names and sizes. `why` is written on failure. */
int definition_generation_read(int directory, struct definition_manifest *ret_manifest,
			       uint8_t ret_digest[LIMIT_DIGEST_BYTES],
			       char why[LIMIT_REASON_BYTES]);

/* What the directory of the file is, and the file's name in it: `directory` or a new descriptor of its custom/. -errno. */
int definition_generation_place(int directory, const char *path, const char **ret_name);
void definition_generation_leave(int directory, int place);

/* The above, and the contents; -ECANCELED when `is_wanted` says so. Reads all of it: for a thread. */
int definition_generation_check(int directory, bool (*is_wanted)(void *context), void *context,
				char why[LIMIT_REASON_BYTES]);

#endif
