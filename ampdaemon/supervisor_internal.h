/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervisor_internal: what supervisor (lives and their succession) and supervisor_load (which definitions they get) have in common. For these
 * two only.
 */
#ifndef AMP_AMPDAEMON_SUPERVISOR_INTERNAL_H
#define AMP_AMPDAEMON_SUPERVISOR_INTERNAL_H

#include "ampdaemon/core/succession.h"
#include "ampdaemon/cure_desk.h"
#include "ampdaemon/generation_book.h"
#include "ampdaemon/service_life.h"
#include "ampdaemon/supervisor.h"

/* Which definitions births load when a store is in charge. */
struct definition_choice {
	bool is_made;        /* supervisor_load() was called: else the configuration says it */
	uint64_t generation; /* 0: the built-in set */
	bool is_makeshift;
	bool is_sought;  /* it does not serve */
	uint32_t failed; /* replacements that were to bring it */
};

#define TURNS 64 /* events of one turn: each of two lives can say a few */

struct turn {
	enum succession_event event;
	unsigned place;
	bool fits;
};

struct supervisor {
	const struct configuration *configuration;
	struct journal *journal;
	struct supervisor_callbacks callbacks;
	void *context;
	struct scan_site *site;

	struct life_base base;
	struct service_life *lives[SUCCESSION_PLACES];
	uint64_t incarnations;
	struct generation_book generations;
	struct succession succession;
	struct turn turns[TURNS]; /* to be told to the succession */
	unsigned first_turn, n_turns;
	bool turning;

	struct cure_desk *cure;
	uv_timer_t recheck_timer;

	struct definition_choice choice;

	char replace_reason[LIMIT_REASON_BYTES + 1];
	uint32_t replacements;
};

/* Of a birth: what source, which generation. 0, or -errno with the problem. */
int supervisor_choose(struct supervisor *supervisor, bool is_next, struct life_order *ret_order,
		      struct birth_problem *ret_problem);

/* The number of what this life has loaded, for verdicts. */
uint64_t supervisor_number(struct supervisor *supervisor, unsigned place);

/* It serves now. */
void supervisor_serves(struct supervisor *supervisor, unsigned place);

/* Again and again: what could not be loaded for want of memory or of rights. */
void supervisor_seek(struct supervisor *supervisor);

/* A replacement has failed: shall there be another one? */
void supervisor_load_failed(struct supervisor *supervisor, unsigned place);

/* The plan of cure is at its end with the present generation. */
void supervisor_put_aside(void *supervisor, bool is_bad, const char *why);

/* The turns of the succession; for supervisor_load. */
struct life_view supervisor_life(const struct supervisor *supervisor, unsigned place);
bool supervisor_is_next_on_its_way(const struct supervisor *supervisor);

/* A second service, never in the place of the first. False: there is no memory for it. */
bool supervisor_try_beside(void *supervisor, const char *reason);

#endif
