/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outbox: effects that were decided and not yet taken, in order. A subject (a job, a worker's
 * place) has at most one waiting: a later decision replaces it, so that no effect is ever stale and
 * the box cannot overflow.
 *
 * Owns the waiting effects. Must not own their meaning. Pure; memory is taken once, at init; every
 * operation is O(1).
 */
#ifndef AMP_AMPDAEMON_CORE_OUTBOX_H
#define AMP_AMPDAEMON_CORE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/core/index_list.h"

struct outbox {
	uint32_t subjects;
	struct effect *effects;   /* per subject */
	struct index_link *links; /* subjects, then the head */
};

/* False when there is no memory; outbox_done() is permitted then, too. */
bool outbox_init(struct outbox *box, uint32_t subjects);
void outbox_done(struct outbox *box);

/* Withdraws what waits for the subject, then appends. */
void outbox_put(struct outbox *box, uint32_t subject, const struct effect *effect);
void outbox_withdraw(struct outbox *box, uint32_t subject);
bool outbox_has(const struct outbox *box, uint32_t subject);

/* False when it is empty. */
bool outbox_take(struct outbox *box, struct effect *ret_effect);

#endif
