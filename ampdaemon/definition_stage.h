/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_stage: makes the next set of definitions from open descriptors and from what a generation has, on a thread of its own: a client's
 * or the updater's file may lie on a storage that hangs. Also reads a generation through, against its manifest.
 *
 * Owns the descriptors that are given to it (closed late), the threads, and staging/N until it is told that it is done. What is understood of
 * the bytes: nothing. Must not own what happens with the set then (definition_machine decides, definition_store publishes or discards).
 *
 * Bounds: one set and one reading at a time; bytes of a file and of the set; a time for each, after which it is given up: the thread is left
 * to its storage, what it made is removed, and DEFINITION_STAGE_STUCK such threads are the most.
 * Diagnostics: an error and one sentence for a person.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_STAGE_H
#define AMP_AMPDAEMON_DEFINITION_STAGE_H

#include <stdbool.h>

#include <uv.h>

#include "ampdaemon/definition_store.h"

#define DEFINITION_STAGE_STUCK 4

struct definition_stage;

struct definition_stage_bounds {
	uint64_t max_file_bytes, max_set_bytes;
	uint64_t limit_ms; /* for a set, and for a reading */
};

struct stage_result {
	int error; /* 0, or -errno as definition_copy and definition_generation say; -ETIMEDOUT */
	unsigned n_files;
	uint64_t bytes;
	uint8_t digest[LIMIT_DIGEST_BYTES]; /* of the manifest */
	char why[LIMIT_REASON_BYTES];       /* of the error */
};

/* From the loop, once for each start that returned 0, unless it is cancelled. `error` 0: staging/`number` is there, on the disk. Else nothing of it is. */
typedef void definition_stage_fn(void *context, uint64_t number, const struct stage_result *result);

/* `store` stays the caller's, at least as long. NULL when there is no memory. */
struct definition_stage *definition_stage_new(uv_loop_t *loop, const struct definition_store *store,
					      const struct definition_stage_bounds *bounds);

/* No callback comes any more; what is not done is removed. Threads that hang are left. */
struct definition_stage *definition_stage_free(struct definition_stage *stage);

/* ---- a set; each: 0, or -errno and `why` ---- */

/* `number` was never begun before by this process: who was given up may still come back to it. -EBUSY: a set is being made. */
int definition_stage_begin(struct definition_stage *stage, uint64_t number,
			   char why[LIMIT_REASON_BYTES]);

/* Takes `fd` in any case. -EINVAL for the name, -EEXIST, -E2BIG. */
int definition_stage_add(struct definition_stage *stage, const char *name, bool is_custom, int fd,
			 char why[LIMIT_REASON_BYTES]);

/* The file that generation `number` has under this name. */
int definition_stage_keep(struct definition_stage *stage, const char *name, bool is_custom,
			  uint64_t number, char why[LIMIT_REASON_BYTES]);

/* The files are copied now. On failure the set is cancelled. */
int definition_stage_start(struct definition_stage *stage, definition_stage_fn *done, void *context,
			   char why[LIMIT_REASON_BYTES]);

/* The set that is being made, whether it was started or not; no callback comes for it. */
void definition_stage_cancel(struct definition_stage *stage);

/* ---- a reading ---- */

/* Are the files of generation `number` what its manifest says? -EBUSY: another one is being read. */
int definition_stage_check(struct definition_stage *stage, uint64_t number,
			   definition_stage_fn *done, void *context, char why[LIMIT_REASON_BYTES]);

/* ---- looking ---- */

bool definition_stage_is_busy(const struct definition_stage *stage); /* with a set */

/* Threads that run; exec and exit wait for these. `ret_stuck`: those that were given up. */
unsigned definition_stage_under_way(const struct definition_stage *stage, unsigned *ret_stuck);

#endif
