/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_desk_internal: what definition_desk (who asks) and definition_effects (what is done) have in common. For these two only.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_DESK_INTERNAL_H
#define AMP_AMPDAEMON_DEFINITION_DESK_INTERNAL_H

#include "ampdaemon/definition_candidate.h"
#include "ampdaemon/definition_desk.h"
#include "ampdaemon/definition_errands.h"
#include "ampdaemon/definition_events.h"
#include "ampdaemon/definition_memory.h"

struct definition_desk {
	struct definition_needs needs;
	struct definition_callbacks callbacks;
	void *context;
	struct definition_machine machine;
	struct definition_memory *memory;
	struct definition_store *store; /* NULL: not opened yet, or it cannot be */
	struct definition_candidate *candidate;
	struct definition_errands *errands;
	uv_timer_t timer;
	bool is_closing;

	uint64_t client;          /* who waits for the candidate; DEFINITION_CLIENT_NONE: nobody */
	bool is_open;             /* files may still be added */
	mono_ms idle_ms, idle_at; /* the next one is waited for so long, until */
	bool is_refused;          /* the client was told so, and it is nobody else's concern */
	enum candidate_origin candidate_origin;
	enum candidate_phase told;           /* to the client */
	char detail[LIMIT_REASON_BYTES + 1]; /* beside the rejection that comes */
	const struct trial_outcome *outcome; /* NULL: not tried */
	uint64_t aside;                      /* a generation that is being read through */
	char aside_why[LIMIT_REASON_BYTES + 1];
};

/* After each event of the machine: what it wants done. Effects cause events: whoever is called back may come in here again, and takes what is next. */
void definition_effects_pump(struct definition_desk *desk);

/* The client hears of a phase that it has not heard of. */
void definition_effects_phase(struct definition_desk *desk);

void definition_effects_ask(struct definition_desk *desk, enum definition_errand_kind kind,
			    uint64_t generation);
void definition_effects_errand(void *desk, const struct definition_errand *errand); /* is done */

/* The timer: what is due, and a store that could not be opened is tried again. */
void definition_desk_tick(struct definition_desk *desk);
void definition_effects_arm(struct definition_desk *desk);

struct definition_story definition_effects_story(const struct definition_desk *desk,
						 uint64_t generation);

#endif
