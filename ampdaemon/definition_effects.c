/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_effects: what core/definition_machine wants done, done: trials begun, the disk asked, the supervisor told, events written, clients
 * answered, what must be remembered kept. The other half of definition_desk.
 */
#include <stdio.h>
#include <string.h>

#include "ampdaemon/definition_desk_internal.h"
#include "io/clock.h"
#include "io/log.h"

/* ---- what is remembered ---- */

/* When a probation ends by the clock on the wall: it may go on after a restart. */
static uint64_t ends_utc(mono_ms ends)
{
	mono_ms now = clock_mono_ms();

	return clock_utc_ms() + (ends > now ? (uint64_t)(ends - now) : 0);
}

static void save(struct definition_desk *d)
{
	struct definition_state *state = &d->memory->state;
	mono_ms ends = d->machine.probation_ends;
	uint64_t in_probation = ends == MONO_NEVER ? 0 : d->machine.active;

	state->last = d->machine.last;
	if (in_probation != state->probation)
		state->probation_ends_utc = in_probation ? ends_utc(ends) : 0;
	state->probation = in_probation;
	definition_memory_save(d->memory);
}

static void remember(struct definition_desk *d, const struct definition_effect *effect)
{
	struct definition_rejected rejected = {.utc_ms = clock_utc_ms(),
					       .rejection = effect->rejection};

	memcpy(rejected.digest, effect->digest, sizeof(rejected.digest));
	(void)snprintf(rejected.detail, sizeof(rejected.detail), "%.199s", d->detail);
	definition_memory_reject(d->memory, &rejected);
}

struct definition_story definition_effects_story(const struct definition_desk *d,
						 uint64_t generation)
{
	return (struct definition_story){.journal = d->needs.journal,
					 .machine = &d->machine,
					 .generation = generation,
					 .reason = d->detail};
}

/* ---- the end of a candidate ---- */

static void give_answer(struct definition_desk *d, const struct definition_effect *effect)
{
	bool serves = (effect->rejection == REJECTION_NONE ||
		       effect->rejection == REJECTION_NOTHING_NEW) &&
		      d->candidate_origin != ORIGIN_CHECK;
	const struct definition_answer answer = {
		.rejection = effect->rejection,
		.detail = d->detail,
		.report = d->outcome ? d->outcome->report : NULL,
		.generation = serves ? d->machine.active : DEFINITIONS_BUILTIN,
	};
	struct definition_story story = definition_effects_story(d, effect->generation);
	uint64_t client = d->client;

	story.rejection = effect->rejection;
	story.origin = d->candidate_origin;
	if (!d->is_refused)
		definition_events_ended(&story);
	d->client = DEFINITION_CLIENT_NONE;
	d->is_open = false;
	if (client)
		d->callbacks.on_answer(d->context, client, &answer);
	d->outcome = NULL;
	d->detail[0] = '\0';
	definition_candidate_forget(d->candidate);
}

void definition_effects_phase(struct definition_desk *d)
{
	enum candidate_phase phase = d->machine.candidate.phase;

	if (phase == d->told)
		return;
	d->told = phase;
	if (phase != CANDIDATE_NONE && d->client)
		d->callbacks.on_phase(d->context, d->client, phase);
}

/* ---- effects ---- */

void definition_effects_ask(struct definition_desk *d, enum definition_errand_kind kind,
			    uint64_t generation)
{
	if (!definition_errands_ask(d->errands, kind, generation))
		return;
	log_error("definitions: the disk does not keep up; generation %llu is left as it is",
		  (unsigned long long)generation);
	if (kind == ERRAND_PUBLISH)
		definition_machine_published(&d->machine, false);
}

static void try_candidate(struct definition_desk *d, uint64_t number)
{
	const struct generation *active = definition_machine_find(&d->machine, d->machine.active);
	struct definition_story story = definition_effects_story(d, number);

	story.origin = d->candidate_origin;
	if (d->candidate_origin != ORIGIN_CHECK)
		definition_events_staged(&story);
	definition_candidate_try(d->candidate, number, d->candidate_origin == ORIGIN_CHECK,
				 active ? active->facts.engine_bytes : 0);
}

static void publish(struct definition_desk *d, uint64_t number)
{
	struct definition_story story = definition_effects_story(d, number);

	story.origin = d->candidate_origin;
	definition_events_accepted(&story);
	definition_effects_ask(d, ERRAND_PUBLISH, number);
}

static void load(struct definition_desk *d, uint64_t generation)
{
	const struct generation *known = definition_machine_find(&d->machine, generation);
	const struct definition_load order = {
		.generation = generation,
		.is_makeshift = !generation && d->memory->state.served,
		.need = known ? known->facts.engine_bytes : 0,
		.reason = "other definitions are to be loaded",
	};

	d->callbacks.on_load(d->context, &order);
}

static void go_back(struct definition_desk *d, const struct definition_effect *effect)
{
	struct definition_story story = definition_effects_story(d, effect->generation);

	story.rejection = effect->rejection;
	definition_events_back(&story);
	d->detail[0] = '\0';
}

static void prove(struct definition_desk *d, uint64_t generation)
{
	struct definition_story story = definition_effects_story(d, generation);

	definition_events_proved(&story);
}

static void carry_out(struct definition_desk *d, const struct definition_effect *effect)
{
	switch (effect->kind) {
	case DEFINITION_TRY:
		try_candidate(d, effect->generation);
		break;
	case DEFINITION_PUBLISH:
		publish(d, effect->generation);
		break;
	case DEFINITION_DISCARD:
		definition_effects_ask(d, ERRAND_DISCARD, effect->generation);
		break;
	case DEFINITION_ACTIVATE:
		load(d, effect->generation);
		break;
	case DEFINITION_POINT_ACTIVE:
		definition_effects_ask(d, ERRAND_POINT_ACTIVE, effect->generation);
		break;
	case DEFINITION_POINT_GOOD:
		definition_effects_ask(d, ERRAND_POINT_GOOD, effect->generation);
		break;
	case DEFINITION_DROP:
		definition_effects_ask(d, ERRAND_DROP, effect->generation);
		break;
	case DEFINITION_REMEMBER:
		remember(d, effect);
		break;
	case DEFINITION_FORGIVE:
		definition_memory_forgive(d->memory, effect->digest);
		break;
	case DEFINITION_ENDED:
		give_answer(d, effect);
		break;
	case DEFINITION_BACK:
		go_back(d, effect);
		break;
	case DEFINITION_GOOD:
		prove(d, effect->generation);
		break;
	}
}

static void on_timer(uv_timer_t *timer)
{
	definition_desk_tick(timer->data);
}

void definition_effects_arm(struct definition_desk *d)
{
	mono_ms deadline = definition_machine_deadline(&d->machine), now = clock_mono_ms();

	if (d->is_open)
		deadline = mono_min(deadline, d->idle_at);
	if (!d->store && definition_desk_is_in_charge(d))
		deadline = mono_add(now, d->needs.configuration->start_retry_ms);
	if (deadline == MONO_NEVER || d->is_closing)
		(void)uv_timer_stop(&d->timer); /* cannot fail */
	else
		(void)uv_timer_start(&d->timer, on_timer,
				     deadline > now ? (uint64_t)(deadline - now) : 0, 0);
}

void definition_effects_pump(struct definition_desk *d)
{
	struct definition_effect effect;

	definition_effects_phase(d);
	while (definition_machine_next_effect(&d->machine, &effect))
		carry_out(d, &effect);
	definition_effects_phase(d);
	save(d);
	definition_effects_arm(d);
}

void definition_effects_errand(void *context, const struct definition_errand *errand)
{
	struct definition_desk *d = context;

	if (errand->error)
		log_warning("definitions: %s", errand->why);
	if (errand->kind != ERRAND_PUBLISH)
		return;
	if (errand->error)
		(void)snprintf(d->detail, sizeof(d->detail), "%s", errand->why);
	definition_machine_published(&d->machine, !errand->error);
	definition_memory_learn(d->memory, &d->machine);
	definition_effects_pump(d);
}
