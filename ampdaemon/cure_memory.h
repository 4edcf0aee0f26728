/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cure_memory: what the plan of cure must remember across a restart of the connector, kept in the journal: how much memory the engine of each
 * definition set took at its last good load ("engine/need"), and when the plan restarted the connector ("cure/restart", of this
 * boot only). Owns the two keys.
 */
#ifndef AMP_AMPDAEMON_CURE_MEMORY_H
#define AMP_AMPDAEMON_CURE_MEMORY_H

#include <stdint.h>

#include "ampdaemon/core/cure_plan.h"
#include "ampdaemon/journal.h"

struct cure_memory {
	uint64_t needs[DEFINITION_SOURCE_COUNT]; /* bytes; 0: not known */
	mono_ms restarted_at;                    /* MONO_NEVER: not in this boot */
};

/* At the start only: waits for the disk. */
void cure_memory_recall(struct cure_memory *memory, struct journal *journal);

/* With the event that says so. */
void cure_memory_loaded(struct cure_memory *memory, struct journal *journal,
			const struct event *event, enum definition_source source, uint64_t bytes);
void cure_memory_restarts(struct cure_memory *memory, struct journal *journal,
			  const struct event *event, mono_ms now);

#endif
