/* SPDX-License-Identifier: GPL-2.0-only */
/* bundle_view: what is told of a bundle that was written. */
#ifndef AMP_AMPCLI_BUNDLE_VIEW_H
#define AMP_AMPCLI_BUNDLE_VIEW_H

#include <stdint.h>

#include "base/limits.h"

#define BUNDLE_DIGEST_TEXT (2 * LIMIT_DIGEST_BYTES + 1)

struct bundle_view {
	uint64_t generation;
	char digest[BUNDLE_DIGEST_TEXT]; /* of its manifest */
	const char *path;
	unsigned left_out; /* files of the administrator's own */
};

#endif
