/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_crew: the threads of definition_stage, one for each job, and where their answers wait for the loop: one place for the set that is
 * made, one for the generation that is read.
 *
 * Owns threads that hang as well: it outlives its stage as long as one does. Must not own what is done with an answer. Each function is the
 * loop's.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_CREW_H
#define AMP_AMPDAEMON_DEFINITION_CREW_H

#include "ampdaemon/definition_job.h"
#include "base/mono.h"

enum crew_place { CREW_SET, CREW_CHECK, CREW_PLACE_COUNT };
enum crew_state { CREW_FREE, CREW_RUNNING, CREW_DONE };

struct crew_order {
	enum crew_state state;
	uint64_t
		ticket; /* the crew's: never given twice, so that a thread that comes back late finds nobody */
	mono_ms due;
	uint64_t number;
	definition_stage_fn *done;
	void *context;
	struct stage_result result; /* when DONE */
};

struct definition_crew;

/* `async` is told of answers while an order is open. NULL when there is no memory. */
struct definition_crew *definition_crew_new(uv_async_t *async);

/* No order is open any more. */
void definition_crew_free(struct definition_crew *crew);

/* Takes the job in any case. The order needs due, done and context. 0; -EBUSY when too many threads hang; -errno. */
int definition_crew_order(struct definition_crew *crew, struct definition_job *job,
			  const struct crew_order *order);

/* A job whose end nobody awaits; takes it when it returns 0. */
int definition_crew_send(struct definition_crew *crew, struct definition_job *job);

/* An answer, or an order that is overdue (its state is RUNNING then, and its thread is left alone), taken out; false when there is none. */
bool definition_crew_take(struct definition_crew *crew, enum crew_place place, mono_ms now,
			  struct crew_order *ret_order);

/* The order is nobody's any more. False: there was none. */
bool definition_crew_forget(struct definition_crew *crew, enum crew_place place,
			    uint64_t *ret_number);

bool definition_crew_is_free(struct definition_crew *crew, enum crew_place place);
mono_ms definition_crew_due(struct definition_crew *crew); /* of the order that is due first */

/* Threads; `ret_stuck`: those that were left alone. */
unsigned definition_crew_count(struct definition_crew *crew, unsigned *ret_stuck);

#endif
