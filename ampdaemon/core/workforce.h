/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * workforce: which workers there should be and of which service: ordered, retired, killed, adopted; at what pace they are ordered, and how
 * one service's workers follow another's. Private to dispatcher.c, whose state it works on.
 *
 * Owns the gates of orders and the states of workers. Must not own jobs (custody moves them) or time. Pure.
 */
#ifndef AMP_AMPDAEMON_CORE_WORKFORCE_H
#define AMP_AMPDAEMON_CORE_WORKFORCE_H

#include "ampdaemon/core/custody.h"

/* Kills who missed a deadline, forgets refusals that are over. */
void workforce_watch(struct dispatcher *d, mono_ms now);

/* Who is outgoing and not needed any more. */
void workforce_retire_outgoing(struct dispatcher *d);

/* Who is missing. After jobs were given out: the fork of a worker off a large engine takes the processor that a job in hand needs. */
void workforce_order(struct dispatcher *d, mono_ms now);
mono_ms workforce_deadline(const struct dispatcher *d); /* of the next order */

void workforce_switch(struct dispatcher *d, mono_ms now, uint64_t epoch);
void workforce_keep_standby(struct dispatcher *d, mono_ms now, uint64_t epoch);
void workforce_lose(struct dispatcher *d, mono_ms now, uint64_t epoch);
int workforce_adopt(struct dispatcher *d, mono_ms now, const struct adopted_worker *adopted);

void workforce_ready(struct dispatcher *d, mono_ms now, struct worker *worker);
void workforce_answered(struct dispatcher *d, struct worker *worker);
void workforce_gone(struct dispatcher *d, mono_ms now, struct worker *worker,
		    enum death_cause cause);

/* Its jobs go at once: a killed process may take long to end, when it hangs in the kernel. */
void workforce_kill(struct dispatcher *d, mono_ms now, struct worker *worker,
		    enum death_cause cause);

#endif
