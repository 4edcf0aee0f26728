/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_machine: which definitions are active, which may follow them, and when it goes back. Pure: events with the time in, effects out,
 * next deadline asked. docs/design/0005.
 *
 * Owns: the candidate and its way, the acceptance of what a trial told, probation, the choice at the start, retention, what was rejected.
 * Must not own: files (definition_store), trials and services (supervisor), whether a service failed too often (restart_ledger says it), words
 * for people beyond the names of its reasons.
 *
 * Rules
 * - One candidate at a time, from staging until the service is up with it. Another one is refused with -EBUSY, a rollback, too.
 * - Effects come in the order in which they must be done; each that can fail is answered by its event before the candidate goes on.
 * - `active` is what serves; `good` is what served a whole probation; `target` is what is being loaded. They stay on disk.
 * - POINT_ACTIVE comes when the generation is up, never before.
 * - A set that does not come up, or falls in its probation, is rejected by its digest. What follows `active` then is, in this order: good, the
 *   newest other one, the built-in set (number 0), each that is not rejected. A candidate that does not come up leaves `active` as it is.
 * - A generation whose files are not what they were any more is bad, but its digest is not rejected: the same content may come again.
 * - Who is rolled back by command is rejected as well: the next update would bring it again.
 * - A rejected digest is remembered (DEFINITIONS_REJECTED_MAX, the oldest is forgotten). root's force lets a digest in again, which is forgiven
 *   then, and lets versions go back and a set shrink; it lets nothing in that the trial refused.
 * - What a link leads to stays on the disk, bad or not, until the link leads elsewhere.
 * - Acceptance compares with `active`, or with `good` while the built-in set serves.
 */
#ifndef AMP_AMPDAEMON_CORE_DEFINITION_MACHINE_H
#define AMP_AMPDAEMON_CORE_DEFINITION_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/mono.h"
#include "base/name_table.h"

#define DEFINITIONS_KEPT 3
#define DEFINITIONS_MAX 8 /* those that are kept, active, good, and what is being published */
#define DEFINITIONS_REJECTED_MAX 256
#define DEFINITIONS_BUILTIN 0 /* the number of the built-in set */
#define DEFINITIONS_NONE UINT64_MAX
#define DEFINITIONS_FIRST 10 /* below it are the numbers of generation_book */

#define CANDIDATE_ORIGIN_LIST(X)                                                                   \
	X(ORIGIN_UPDATE, "an update")                                                              \
	X(ORIGIN_IMPORT, "an import")                                                              \
	X(ORIGIN_CHECK, "a check") /* ends after the trial */                                      \
	X(ORIGIN_ROLLBACK, "a rollback")

enum candidate_origin { CANDIDATE_ORIGIN_LIST(NAME_TABLE_MEMBER) CANDIDATE_ORIGIN_COUNT };

#define CANDIDATE_PHASE_LIST(X)                                                                    \
	X(CANDIDATE_NONE, "none")                                                                  \
	X(CANDIDATE_STAGING, "staging")                                                            \
	X(CANDIDATE_TRIAL, "trial")                                                                \
	X(CANDIDATE_PUBLISHING, "publishing")                                                      \
	X(CANDIDATE_ACTIVATING, "activating")

enum candidate_phase { CANDIDATE_PHASE_LIST(NAME_TABLE_MEMBER) CANDIDATE_PHASE_COUNT };

/* member, sentence, is the set itself bad (then its digest is remembered) */
#define REJECTION_LIST(X)                                                                          \
	X(REJECTION_NONE, "accepted", false)                                                       \
	X(REJECTION_STAGING, "it could not be copied", false)                                      \
	X(REJECTION_KNOWN, "it was rejected before", false)                                        \
	X(REJECTION_NOTHING_NEW, "it is the active set", false)                                    \
	X(REJECTION_TRIAL, "the trial refused it", true)                                           \
	X(REJECTION_TRIAL_DIED, "the trial died of it", true)                                      \
	X(REJECTION_TRIAL_TIME, "the trial did not end in time", true)                             \
	X(REJECTION_TRIAL_ROOM, "there is too little memory to try it", false)                     \
	X(REJECTION_TRIAL_BROKEN, "the trial could not be made", false)                            \
	X(REJECTION_EMPTY, "it has no signatures", true)                                           \
	X(REJECTION_SHRUNK, "it has less than half of the signatures of the set before", true)     \
	X(REJECTION_PROMISE, "a file has not the signatures that its header promises", true)       \
	X(REJECTION_OLDER, "a database is older than the one before", false)                       \
	X(REJECTION_STORE, "it could not be published", false)                                     \
	X(REJECTION_NOT_UP, "the scan service did not come up with it", true)                      \
	X(REJECTION_PROBATION, "scan workers failed too often with it", true)                      \
	X(REJECTION_ROLLED_BACK, "it was rolled back by command", true)                            \
	X(REJECTION_BROKEN, "its files on the disk are not what they were", false)

enum rejection { REJECTION_LIST(NAME_TABLE_MEMBER) REJECTION_COUNT };

struct database_version {
	char name[LIMIT_NAME_BYTES + 1];
	uint32_t version;
};

/* What a trial told of a set, and what is known of a generation. */
struct definition_facts {
	uint8_t digest[LIMIT_DIGEST_BYTES]; /* of the manifest: of names and contents */
	uint64_t signatures, bytes, engine_bytes;
	uint64_t built; /* seconds since 1970 of the newest official container; 0: none */
	unsigned n_databases;
	struct database_version databases[LIMIT_DEFINITION_FILES]; /* official ones */
};

struct trial_report {
	enum rejection refused; /* by the trial or its end; REJECTION_NONE: what follows decides */
	bool promise_kept;      /* each container has what its family's rule asks for */
	struct definition_facts facts;
};

enum definition_effect_kind {
	DEFINITION_TRY,     /* the candidate: answer with definition_machine_tried() */
	DEFINITION_PUBLISH, /* the candidate as `generation`: answer with ..._published() */
	DEFINITION_DISCARD, /* what is staged goes */
	DEFINITION_ACTIVATE, /* a service with `generation` (0: built-in): ..._up() or ..._not_up() */
	DEFINITION_POINT_ACTIVE, /* the link; 0: it goes */
	DEFINITION_POINT_GOOD,
	DEFINITION_DROP,     /* `generation` goes from the disk */
	DEFINITION_REMEMBER, /* `digest` is rejected for `rejection` */
	DEFINITION_FORGIVE,  /* `digest` is not rejected any more */
	DEFINITION_ENDED, /* the candidate's way is over: `rejection` says how, once for each candidate */
	DEFINITION_BACK, /* rolled back to `generation`, because of `rejection` */
	DEFINITION_GOOD  /* `generation` has passed its probation */
};

struct definition_effect {
	enum definition_effect_kind kind;
	uint64_t generation;
	enum rejection rejection;
	uint8_t digest[LIMIT_DIGEST_BYTES];
};

#define DEFINITION_EFFECTS_MAX 32

struct generation {
	uint64_t number; /* 0: the place is free */
	bool is_bad;     /* rejected; goes from the disk as soon as nothing needs it */
	struct definition_facts facts;
};

struct definition_candidate_state {
	enum candidate_phase phase;
	enum candidate_origin origin;
	bool forced;
	uint64_t number; /* of the generation that it becomes, or that is gone back to */
	struct definition_facts facts;
};

struct definition_machine {
	mono_ms probation_ms;
	struct generation all[DEFINITIONS_MAX];
	uint64_t last; /* number given */
	uint64_t active, good;
	uint64_t linked_active, linked_good;     /* where the links lead, or will */
	bool has_served;                         /* since the start */
	uint64_t target;                         /* is being loaded; DEFINITIONS_NONE: nothing is */
	mono_ms probation_began, probation_ends; /* MONO_NEVER: there is none */
	mono_ms probation_left;                  /* of the image before, for `resumes` */
	uint64_t resumes;
	struct definition_candidate_state candidate;
	unsigned n_rejected, next_rejected;
	uint8_t rejected[DEFINITIONS_REJECTED_MAX][LIMIT_DIGEST_BYTES];
	unsigned n_effects, first_effect;
	struct definition_effect effects[DEFINITION_EFFECTS_MAX];
};

void definition_machine_init(struct definition_machine *machine, mono_ms probation_ms);

/* ---- what was there: before definition_machine_start() ---- */

/* A generation that is whole. -ENOSPC when there are too many (then the caller drops it), -EINVAL for a number twice or 0. */
int definition_machine_restore(struct definition_machine *machine, uint64_t number,
			       const struct definition_facts *facts);
void definition_machine_restore_rejected(struct definition_machine *machine,
					 const uint8_t digest[LIMIT_DIGEST_BYTES]);

/* Numbers are given above this one. */
void definition_machine_count_from(struct definition_machine *machine, uint64_t last);

/* Where the links lead (0: nowhere), and what was left of a probation (0: none). ACTIVATE follows. Once more when what is there becomes known
 * later; no candidate is under way then. */
void definition_machine_start(struct definition_machine *machine, uint64_t active, uint64_t good,
			      mono_ms probation_left);

/* ---- candidates ---- */

/* 0 and the number under which to stage, or -EBUSY. */
int definition_machine_stage(struct definition_machine *machine, enum candidate_origin origin,
			     bool forced, uint64_t *ret_number);

/* It is staged; `digest` of its manifest. NULL: that failed. */
void definition_machine_staged(struct definition_machine *machine, const uint8_t *digest);
void definition_machine_tried(struct definition_machine *machine,
			      const struct trial_report *report);
void definition_machine_published(struct definition_machine *machine, bool done);

/* By command. `number` 0: to `good`, or when that is active to the newest other. 0, -EBUSY, -ENOENT (none such, or none to go back to), -EALREADY. */
int definition_machine_roll_back(struct definition_machine *machine, uint64_t number);

/* ---- services ---- */

void definition_machine_up(struct definition_machine *machine, mono_ms now, uint64_t generation);

/* All births that it gets have failed. `bad`: because of the set, not for want of memory or rights; else `active` is tried on and on. */
void definition_machine_not_up(struct definition_machine *machine, uint64_t generation, bool bad);

/* Its files were read through and are not those of its manifest. */
void definition_machine_broken(struct definition_machine *machine, uint64_t generation);

/* What a service that has it loaded says: taken where nothing was known; its memory always. */
void definition_machine_learn(struct definition_machine *machine, uint64_t generation,
			      const struct definition_facts *facts);

/* Fault 6 was raised, by failures that began at `since`: those of before the switch are not the set's. True: it falls. */
bool definition_machine_storm(struct definition_machine *machine, mono_ms since);

void definition_machine_tick(struct definition_machine *machine, mono_ms now);
mono_ms definition_machine_deadline(const struct definition_machine *machine);

/* ---- looking ---- */

bool definition_machine_next_effect(struct definition_machine *machine,
				    struct definition_effect *ret_effect);
const struct generation *definition_machine_find(const struct definition_machine *machine,
						 uint64_t number);
bool definition_machine_is_rejected(const struct definition_machine *machine,
				    const uint8_t digest[LIMIT_DIGEST_BYTES]);

const char *candidate_origin_name(unsigned origin);
const char *candidate_phase_name(unsigned phase);
const char *rejection_name(unsigned rejection);
bool rejection_is_of_set(unsigned rejection);

#endif
