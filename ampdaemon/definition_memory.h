/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_memory: what must be known of definitions after a restart and is not on the disk beside them, kept in the journal: sets that were
 * rejected and why, what trials found out about generations, how far numbers were given, the probation under way.
 *
 * Owns the keys "definitions/rejected", "definitions/facts", "definitions/state". Must not own what follows from them (core/definition_machine).
 * A journal that was lost costs that knowledge, no protection: what is on the disk is proved again by each load.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_MEMORY_H
#define AMP_AMPDAEMON_DEFINITION_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/definition_machine.h"
#include "ampdaemon/definition_desk.h"
#include "ampdaemon/journal.h"

/* Fixed layout, native byte order: it never leaves the machine. */
struct definition_state {
	uint64_t last;    /* number given to a candidate */
	uint64_t served;  /* the last generation that served; DEFINITIONS_BUILTIN: none ever did */
	uint64_t serving; /* the last one that was told of by an event */
	uint64_t probation;          /* the generation in it; 0: none */
	uint64_t probation_ends_utc; /* milliseconds */
};

struct definition_memory {
	struct journal *journal;
	struct definition_state state, kept;
	unsigned n_rejected;
	struct definition_rejected rejected[DEFINITIONS_REJECTED_MAX]; /* the oldest first */
	unsigned n_facts;
	struct {
		uint64_t number;
		struct definition_facts facts;
	} facts[DEFINITIONS_MAX];
};

/* At the start only: waits for the disk. NULL without memory. */
struct definition_memory *definition_memory_new(struct journal *journal);
struct definition_memory *definition_memory_free(struct definition_memory *memory);

/* The oldest is forgotten when there are too many. */
void definition_memory_reject(struct definition_memory *memory,
			      const struct definition_rejected *rejected);

void definition_memory_forgive(struct definition_memory *memory,
			       const uint8_t digest[LIMIT_DIGEST_BYTES]);

/* What is known of generation `number`, if its manifest has this digest; else NULL. */
const struct definition_facts *definition_memory_facts(const struct definition_memory *memory,
						       uint64_t number,
						       const uint8_t digest[LIMIT_DIGEST_BYTES]);

/* All generations of the machine, in place of those before. */
void definition_memory_learn(struct definition_memory *memory,
			     const struct definition_machine *machine);

/* Keeps `state` when it has changed. */
void definition_memory_save(struct definition_memory *memory);

#endif
