/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * readiness: how long there was no worker that takes jobs, since the start and since one service began to follow another. A time counts from the
 * moment that there has been one. In whole milliseconds, rounded up: a gap that was is at least 1, so 0 says "at no moment".
 *
 * Owns the figures. Must not own workers. Pure.
 */
#ifndef AMP_AMPDAEMON_CORE_READINESS_H
#define AMP_AMPDAEMON_CORE_READINESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"

struct readiness {
	bool has_begun; /* a worker has taken jobs */
	bool is_away;   /* none takes jobs now */
	mono_ms away_since;
	mono_ms longest, of_switch; /* of the gaps that are over */
	bool is_switching;
	uint32_t switches; /* that are over */
};

void readiness_switch(struct readiness *r);

/* How it is now. `is_followed`: the current service's workers take jobs, and nobody else's do. */
void readiness_note(struct readiness *r, mono_ms now, bool is_ready, bool is_followed);

/* With the gap that is not over. */
mono_ms readiness_longest(const struct readiness *r, mono_ms now);
mono_ms readiness_of_switch(const struct readiness *r, mono_ms now);

#endif
