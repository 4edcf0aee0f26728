/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_memory: what must be known of updates after a restart, kept in the journal: when the mirrors were asked last and what came of it, which of them
 * asked to be left alone until when, what they gave that was rejected, where the set that serves came from, whether it was told that it is old.
 *
 * Owns the key "updates". Times are those of the wall clock. Mirrors and databases are remembered by URL and name: who is not configured any more is
 * forgotten. Must not own what follows (core/update_plan). A journal that was lost costs a check more.
 */
#ifndef AMP_AMPDAEMON_UPDATE_MEMORY_H
#define AMP_AMPDAEMON_UPDATE_MEMORY_H

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/update_plan.h"
#include "ampdaemon/journal.h"

struct remembered_refusal {
	uint64_t until_utc; /* milliseconds */
	uint32_t version;   /* 0: none */
	uint32_t reserved;
};

struct remembered_mirror {
	char url[LIMIT_URL_BYTES + 8];
	uint64_t closed_until_utc;
	struct remembered_refusal refused[LIMIT_DATABASES];
};

/* Of the last set that was accepted: which file came from where. */
struct remembered_set {
	uint8_t digest[LIMIT_DIGEST_BYTES];
	struct {
		uint32_t is_known, mirror, version; /* mirror: its place in `mirrors` */
	} files[LIMIT_DATABASES];
};

/* Fixed layout, native byte order: it never leaves the machine. */
struct update_state {
	uint64_t checked_utc, success_utc; /* ends of checks; 0: never */
	uint32_t outcome;                  /* of the last one */
	uint32_t failures;                 /* in a row */
	uint32_t is_told_old, reserved;
	char reason[LIMIT_REASON_BYTES + 8];
	char databases[LIMIT_DATABASES][LIMIT_DATABASE_BYTES + 8];
	struct remembered_mirror mirrors[LIMIT_MIRRORS];
	struct remembered_set set;
};

struct update_memory {
	struct journal *journal;
	const struct configuration *configuration;
	struct update_state state, kept;
};

/* At the start only: waits for the disk. NULL without memory. */
struct update_memory *update_memory_new(struct journal *journal,
					const struct configuration *configuration);
struct update_memory *update_memory_free(struct update_memory *memory);

/* Has the plan know what it knew. */
void update_memory_restore(struct update_memory *memory, struct update_plan *plan, mono_ms now);

/* Takes over what the plan knows, and keeps the state when it has changed. */
void update_memory_save(struct update_memory *memory, const struct update_plan *plan, mono_ms now);

#endif
