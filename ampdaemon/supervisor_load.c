/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervisor_load: which definitions the lives of the scan service get, and how others follow. The other half of supervisor.
 *
 * Owns the choice. Must not own which generations there are and which of them is right (definition_desk), what a birth gets when none of them
 * starts (core/cure_plan).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ampdaemon/memory_room.h"
#include "ampdaemon/supervisor_internal.h"
#include "io/log.h"

#define REASON "other definitions are to be loaded"

/* ---- births ---- */

/* What the daemon lacks is no fault of the definitions. */
static bool is_want_of_ours(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static int open_generation(struct supervisor *s, struct life_order *order,
			   struct birth_problem *problem)
{
	int directory = s->callbacks.on_open(s->context, s->choice.generation, problem->text);

	if (directory < 0) {
		problem->failure = is_want_of_ours(directory) ? BIRTH_FAILURE_OTHER
							      : BIRTH_FAILURE_DEFINITIONS;
		return directory;
	}
	order->generation = s->choice.generation;
	order->has_directory = true;
	order->directory = directory;
	return 0;
}

int supervisor_choose(struct supervisor *s, bool is_next, struct life_order *ret_order,
		      struct birth_problem *ret_problem)
{
	int r;

	ret_order->source = cure_desk_source(s->cure, is_next);
	ret_order->generation = (uint64_t)ret_order->source + 1;
	ret_order->need = cure_desk_need(s->cure, ret_order->source);
	r = cure_desk_refuse(s->cure, ret_order->source, ret_problem);
	if (!r && s->choice.is_made && ret_order->source == SOURCE_CONFIGURED)
		r = open_generation(s, ret_order, ret_problem);
	return r;
}

/* What it has of the store; 0: something else. */
static uint64_t generation_of(const struct supervisor *s, const struct life_view *view)
{
	return s->choice.is_made && view->order.source == SOURCE_CONFIGURED ? view->order.generation
									    : 0;
}

uint64_t supervisor_number(struct supervisor *s, unsigned place)
{
	struct life_view view = supervisor_life(s, place);
	uint64_t number = generation_of(s, &view);

	if (number)
		return number;
	number =
		generation_book_number(&s->generations, s->journal, view.order.source, view.report);
	service_life_number(s->lives[place], number);
	return number;
}

/* ---- what serves is what was chosen, or another one follows ---- */

static bool is_chosen(const struct supervisor *s, const struct life_view *view)
{
	return generation_of(s, view) == s->choice.generation;
}

/* Beside the built-in set that stands in, core/cure_plan tries the others. */
static bool follows_by_itself(const struct supervisor *s, const struct life_view *view)
{
	return view->order.source == SOURCE_BUILTIN && s->choice.generation;
}

static void tell_want_of_memory(struct supervisor *s)
{
	static const char why[] =
		"there is too little memory for it, even when the present service is ended first";

	log_error("definitions: generation %llu is not loaded: %s",
		  (unsigned long long)s->choice.generation, why);
	s->callbacks.on_aside(s->context, s->choice.generation, false, why);
}

/* Nobody is ended for one that would be refused when its memory is free. */
static bool fits_alone(const struct supervisor *s, const struct life_view *present)
{
	uint64_t need = s->choice.generation ? cure_desk_need(s->cure, SOURCE_CONFIGURED) : 0;

	return memory_room_available() + present->report->ready.memory_bytes >= need / 2;
}

static void follow(struct supervisor *s, const struct life_view *present, const char *reason)
{
	if (fits_alone(s, present))
		supervisor_replace(s, reason);
	else
		tell_want_of_memory(s);
}

/* One that has something else may serve again: a standby that was born before, an outgoing one. */
void supervisor_serves(struct supervisor *s, unsigned place)
{
	struct life_view view = supervisor_life(s, place);

	if (!s->choice.is_made)
		return;
	s->choice.is_sought = !is_chosen(s, &view);
	if (!s->choice.is_sought)
		s->choice.failed = 0;
	else if (!follows_by_itself(s, &view) && !supervisor_is_next_on_its_way(s))
		follow(s, &view, REASON);
	s->callbacks.on_serves(s->context, generation_of(s, &view), view.report);
}

static void seek(struct supervisor *s, const char *reason)
{
	int active = succession_active(&s->succession);
	struct life_view view;

	if (active < 0)
		return; /* not started yet */
	view = supervisor_life(s, (unsigned)active);
	if (view.state != SERVICE_UP)
		service_life_hurry(s->lives[active]);
	else if (is_chosen(s, &view))
		supervisor_serves(s, (unsigned)active);
	else
		follow(s, &view, reason);
}

void supervisor_seek(struct supervisor *s)
{
	int active = succession_active(&s->succession);
	struct life_view view;

	if (!s->choice.is_sought || active < 0 || supervisor_is_next_on_its_way(s))
		return;
	view = supervisor_life(s, (unsigned)active);
	if (view.state == SERVICE_UP && !follows_by_itself(s, &view))
		seek(s, REASON);
}

void supervisor_load(struct supervisor *s, const struct supervisor_load *load)
{
	enum cure_want want = load->generation     ? CURE_WANT_CONFIGURED
			      : load->is_makeshift ? CURE_WANT_BETTER
						   : CURE_WANT_BUILTIN;

	s->choice = (struct definition_choice){.is_made = true,
					       .generation = load->generation,
					       .is_makeshift = load->is_makeshift,
					       .is_sought = true};
	cure_desk_want(s->cure, want, load->need);
	seek(s, load->reason);
}

/* ---- what fails ---- */

static void try_once_more(struct supervisor *s)
{
	int active = succession_active(&s->succession);
	struct life_view view;

	if (active < 0)
		return;
	view = supervisor_life(s, (unsigned)active);
	if (!follows_by_itself(s, &view))
		supervisor_replace(s, REASON);
	else
		(void)supervisor_try_beside(s, REASON); /* else in a minute: the plan of cure */
}

/* Beside one that serves. Where nothing serves, the plan of cure says when it is enough. Who asked for it may choose another one; else it stays
 * sought: supervisor_seek() tries again. */
void supervisor_load_failed(struct supervisor *s, unsigned place)
{
	struct life_view view = supervisor_life(s, place);
	enum birth_failure failure = service_life_failure(s->lives[place]);
	bool is_bad = failure == BIRTH_FAILURE_DEFINITIONS || failure == BIRTH_FAILURE_HANG ||
		      failure == BIRTH_FAILURE_DIED;

	if (!s->choice.is_made || !s->choice.is_sought)
		return;
	if (failure != BIRTH_FAILURE_MEMORY &&
	    ++s->choice.failed < s->configuration->start_attempts)
		try_once_more(s);
	else if (s->choice.generation)
		s->callbacks.on_aside(s->context, s->choice.generation, is_bad, view.reason);
}

void supervisor_put_aside(void *context, bool is_bad, const char *why)
{
	struct supervisor *s = context;

	if (s->choice.is_made && s->choice.generation)
		s->callbacks.on_aside(s->context, s->choice.generation, is_bad, why);
}
