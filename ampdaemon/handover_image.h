/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handover_image: which file the daemon goes on with when it restarts in place. Owns the choice and the preflight of another build.
 * Must not own the state that is handed over (handover_state), nor exec (handover).
 */
#ifndef AMP_AMPDAEMON_HANDOVER_IMAGE_H
#define AMP_AMPDAEMON_HANDOVER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#define HANDOVER_CHECK_MS                                                                          \
	5000 /* another image has so long to say that it can read our state and configuration */

struct handover_image {
	int program;   /* O_PATH */
	bool is_other; /* not the file that runs now */
};

/* The file this process was started from as it is now on disk; when that is gone or not trusted, the one that runs. Another file than that
 * must first say that it can read `config` (a path) and our state: blocks up to HANDOVER_CHECK_MS. 0, or -errno with a sentence. */
int handover_image_open(struct handover_image *image, const char *config, char *ret_error,
			size_t size);

/* The one that runs. 0 or -errno. */
int handover_image_open_own(struct handover_image *image);
void handover_image_close(struct handover_image *image);

#endif
