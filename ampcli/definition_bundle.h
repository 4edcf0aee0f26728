/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_bundle: one generation of definitions as one file, to be carried to other machines: a POSIX tar with the manifest first and the
 * official files after it, in its order. The only file that knows libarchive.
 *
 * A bundle is not trusted: it is unpacked into files without a name, of bounded size, and its names and digests must be those of its manifest.
 * What is in it is still proved by the daemon. The administrator's own files are not put into one: they belong to the machine.
 */
#ifndef AMP_AMPCLI_DEFINITION_BUNDLE_H
#define AMP_AMPCLI_DEFINITION_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "ampcli/bundle_view.h"
#include "ampcli/definition_files.h"
#include "ampcli/failure.h"

#define BUNDLE_ENDING ".amp-definitions.tar"

struct bundle_source {
	const char *root; /* of the store */
	uint64_t generation;
	const char *path; /* of the bundle; what is there is replaced when the new one is whole */
};

bool definition_bundle_is_name(const char *path);

/* What it reads must be root's, and files. 0 and what was written, or -1 with the reason. */
int definition_bundle_write(const struct bundle_source *source, struct bundle_view *ret_view,
			    struct failure *ret_failure);

/* Its files, open. `digest` NULL: any. 0, or -1 with the reason. */
int definition_bundle_read(const char *path, const char *digest, struct definition_files *files,
			   struct failure *ret_failure);

#endif
