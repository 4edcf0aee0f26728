/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * held_verdict: the answer to who brought definitions, until all files go to workers that have them: for a moment after a switch the workers of the
 * service before still take some. Who was answered may count on the new ones.
 *
 * Owns a copy of one answer, and its time. Must not own what is said in it, nor know when the switch is over.
 */
#ifndef AMP_AMPDAEMON_HELD_VERDICT_H
#define AMP_AMPDAEMON_HELD_VERDICT_H

#include <uv.h>

#include "ampdaemon/definition_desk.h"

#define HELD_VERDICT_MS                                                                            \
	5000 /* then it is given anyhow: the set serves, and its workers are on their way */

struct held_verdict;

typedef void held_verdict_fn(void *context, uint64_t client,
			     const struct definition_answer *answer);

/* NULL when there is no memory. */
struct held_verdict *held_verdict_new(uv_loop_t *loop, held_verdict_fn *give, void *context);
struct held_verdict *held_verdict_free(struct held_verdict *held);

/* One that is held already is given now. */
void held_verdict_hold(struct held_verdict *held, uint64_t client,
		       const struct definition_answer *answer);
void held_verdict_give(struct held_verdict *held);

#endif
