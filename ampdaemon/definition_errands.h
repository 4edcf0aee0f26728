/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_errands: what the machine wants done to the store, done in that order on one thread, so that the loop never waits for the disk (an fsync
 * beside a full scan load takes as long as it likes).
 *
 * Owns the queue and the thread. Must not own the store, nor what follows from an answer. Bounds: DEFINITION_ERRANDS_MAX at a time.
 * Diagnostics: each errand is answered once, with 0 or -errno and a sentence.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_ERRANDS_H
#define AMP_AMPDAEMON_DEFINITION_ERRANDS_H

#include <uv.h>

#include "ampdaemon/definition_store.h"

#define DEFINITION_ERRANDS_MAX 64 /* twice what the machine can want at once */

enum definition_errand_kind {
	ERRAND_PUBLISH,
	ERRAND_DISCARD,
	ERRAND_POINT_ACTIVE,
	ERRAND_POINT_GOOD,
	ERRAND_DROP
};

struct definition_errand {
	enum definition_errand_kind kind;
	uint64_t number;
	int error;
	char why[LIMIT_REASON_BYTES];
};

struct definition_errands;

/* From the loop. */
typedef void definition_errands_fn(void *context, const struct definition_errand *errand);

/* `store` stays the caller's, at least as long. NULL when there is no memory or no thread. */
struct definition_errands *definition_errands_new(uv_loop_t *loop,
						  const struct definition_store *store,
						  definition_errands_fn *done, void *context);

/* Waits until all that was asked is done; nobody is told of it any more. */
struct definition_errands *definition_errands_free(struct definition_errands *errands);

/* 0, or -EBUSY: the queue is full. */
int definition_errands_ask(struct definition_errands *errands, enum definition_errand_kind kind,
			   uint64_t number);

/* Not done yet, or not answered: exec waits for these. */
unsigned definition_errands_under_way(struct definition_errands *errands);

#endif
