/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_manifest: which files a set of definitions consists of, and the text that says so: a line `SHA256 BYTES PATH` for each, in the
 * order of the paths. Pure.
 *
 * Owns the format and which names a file may have. There is exactly one text for a set, so that the digest of the text is the digest of the
 * set. What is read was written by us or by a damaged disk: whatever is not exactly such a text is refused. Must not own files.
 */
#ifndef AMP_SHARED_BASE_DEFINITION_MANIFEST_H
#define AMP_SHARED_BASE_DEFINITION_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define MANIFEST_FILE "manifest"
#define MANIFEST_CUSTOM "custom" /* the directory of unsigned files, below that of the set */
#define MANIFEST_PATH_BYTES (sizeof(MANIFEST_CUSTOM) + LIMIT_NAME_BYTES)
#define MANIFEST_NUMBER_BYTES 20 /* of the largest number of 64 bits */
#define MANIFEST_LINE_BYTES                                                                        \
	(2 * LIMIT_DIGEST_BYTES + 1 + MANIFEST_NUMBER_BYTES + 1 + MANIFEST_PATH_BYTES + 1)
#define MANIFEST_BYTES (LIMIT_DEFINITION_FILES * MANIFEST_LINE_BYTES)

struct manifest_entry {
	char path[MANIFEST_PATH_BYTES + 1]; /* NAME, or custom/NAME */
	uint64_t bytes;
	uint8_t digest[LIMIT_DIGEST_BYTES];
};

struct definition_manifest {
	unsigned n;
	struct manifest_entry entries[LIMIT_DEFINITION_FILES]; /* in the order of their paths */
};

/* 1 to LIMIT_NAME_BYTES of [A-Za-z0-9._-], no dot in front, and none of the names that the store needs itself. */
bool manifest_name_is_valid(const char *name);

/* 0 or -EINVAL. */
int manifest_path_make(char ret_path[MANIFEST_PATH_BYTES + 1], const char *name, bool is_custom);

/* The name in a path, and whether it is one below custom/. */
const char *manifest_path_name(const char *path, bool *ret_is_custom);

/* 0; -EINVAL for the path, -EEXIST, -ENOSPC (LIMIT_DEFINITION_FILES are there), -EOVERFLOW (of all bytes together). */
int definition_manifest_add(struct definition_manifest *manifest,
			    const struct manifest_entry *entry);

/* NULL: there is no such file. */
const struct manifest_entry *definition_manifest_find(const struct definition_manifest *manifest,
						      const char *path);

uint64_t definition_manifest_bytes(const struct definition_manifest *manifest);

/* Returns the length; no NUL behind it. */
size_t definition_manifest_write(const struct definition_manifest *manifest,
				 char text[MANIFEST_BYTES]);

/* 0, or -EINVAL. A set without a file is none. */
int definition_manifest_read(struct definition_manifest *ret_manifest, const char *text,
			     size_t len);

#endif
