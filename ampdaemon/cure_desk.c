/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/cure_desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/cure_memory.h"
#include "ampdaemon/cure_words.h"
#include "ampdaemon/memory_room.h"
#include "io/clock.h"
#include "io/log.h"

struct cure_desk {
	const struct configuration *configuration;
	struct journal *journal;
	struct fault_desk *faults;
	struct cure_desk_callbacks callbacks;
	void *context;
	uv_timer_t timer;
	struct cure_plan plan;
	struct cure_memory memory;
	struct cure_failure failures[DEFINITION_SOURCE_COUNT];
	bool aside_told; /* that the generation that fails is put aside */
	bool trial_told; /* that the configured set is tried beside the built-in one: once per fault */
};

static void arm(struct cure_desk *d);

static struct event event_of(const struct cure_subject *subject, uint32_t type, const char *reason)
{
	struct event event = {.type = type, .body = EVENT_BODY_SERVICE};

	event.service.incarnation = subject->incarnation;
	event.service.pid = subject->pid;
	event.service.reason = reason;
	return event;
}

static void record_step(struct cure_desk *d, const struct cure_subject *subject, const char *reason)
{
	struct event event = event_of(subject, EVENT_SERVICE_CURE, reason);

	log_notice("cure of the scan service: %s", reason);
	journal_record(d->journal, &event);
}

/* ---- the plan's effects ---- */

static void raise_fault(struct cure_desk *d)
{
	struct cure_facts facts = {.configuration = d->configuration,
				   .plan = &d->plan,
				   .failures = d->failures,
				   .needs = d->memory.needs,
				   .available = memory_room_available(),
				   .now = clock_mono_ms()};
	char detail[LIMIT_FAULT_DETAIL_BYTES + 1], remedy[LIMIT_REASON_BYTES + 1];

	facts.next_try = d->plan.up ? d->plan.next_try : d->callbacks.next_birth(d->context);
	fault_desk_raise(d->faults, FAULT_SERVICE_START, FAULT_CRITICAL,
			 cure_words_detail(&facts, detail, sizeof(detail)),
			 cure_words_remedy(&facts, remedy, sizeof(remedy)));
}

static void clear_fault(struct cure_desk *d)
{
	char reason[100];

	(void)snprintf(reason, sizeof(reason), "the scan service is ready with the %s definitions",
		       definition_source_name(d->plan.serving));
	fault_desk_clear(d->faults, FAULT_SERVICE_START, reason);
	d->trial_told = false;
}

static void restart_connector(struct cure_desk *d, const struct cure_subject *subject)
{
	static const char reason[] =
		"the scan service does not start: the connector is restarted once";
	struct event event = event_of(subject, EVENT_SERVICE_CURE, reason);

	log_error("%s", reason);
	cure_memory_restarts(&d->memory, d->journal, &event, clock_mono_ms());
	d->callbacks.on_restart(d->context, reason);
}

/* Beside the built-in service that serves, never in its place: where memory does not allow that, it stays. */
static unsigned try_configured(struct cure_desk *d)
{
	static const char reason[] = "the configured definitions are tried again";
	static const struct cure_subject nobody;
	struct cure_failure *failure = &d->failures[SOURCE_CONFIGURED];

	if (d->callbacks.try_configured(d->context, reason)) {
		if (!d->trial_told)
			record_step(d, &nobody, reason);
		d->trial_told = true;
		return 0;
	}
	failure->count++;
	failure->problem.failure = BIRTH_FAILURE_MEMORY;
	(void)snprintf(failure->problem.text, sizeof(failure->problem.text),
		       "there is no room for them beside the built-in ones");
	return cure_plan_failed(&d->plan, clock_mono_ms(), SOURCE_CONFIGURED, BIRTH_FAILURE_MEMORY);
}

/* Told once for each set: what it fails of is in the detail of the fault. */
static void put_aside(struct cure_desk *d, const struct cure_subject *subject)
{
	const struct cure_failure *failure = &d->failures[SOURCE_CONFIGURED];

	if (!d->aside_told)
		record_step(d, subject,
			    "these definitions do not start: they are put aside, others are next");
	d->aside_told = true;
	d->callbacks.on_aside(d->context, true, failure->problem.text);
}

/* Of a generation only want of memory leads here. Nothing is put aside for that, but who waits for it waits in vain. */
static void fall_to_builtin(struct cure_desk *d, const struct cure_subject *subject)
{
	record_step(d, subject,
		    "the configured definitions do not start: the built-in ones are next");
	if (d->plan.settings.has_store)
		d->callbacks.on_aside(d->context, false,
				      d->failures[SOURCE_CONFIGURED].problem.text);
}

static void carry_out(struct cure_desk *d, unsigned effects, const struct cure_subject *subject)
{
	if (effects & CURE_TRY_CONFIGURED)
		effects |= try_configured(d);
	if (effects & CURE_RAISE)
		raise_fault(d);
	if (effects & CURE_CLEAR)
		clear_fault(d);
	if (effects & CURE_STEP_BUILTIN)
		fall_to_builtin(d, subject);
	if (effects & CURE_STEP_ASIDE)
		put_aside(d, subject);
	arm(d);
	if (effects & CURE_STEP_RESTART)
		restart_connector(d, subject);
}

static void tick(struct cure_desk *d)
{
	static const struct cure_subject nobody;

	carry_out(d, cure_plan_tick(&d->plan, clock_mono_ms()), &nobody);
}

static void on_timer(uv_timer_t *timer)
{
	tick(timer->data);
}

static void arm(struct cure_desk *d)
{
	mono_ms deadline = cure_plan_deadline(&d->plan);
	mono_ms now = clock_mono_ms();

	if (deadline == MONO_NEVER)
		(void)uv_timer_stop(&d->timer); /* cannot fail */
	else
		(void)uv_timer_start(&d->timer, on_timer,
				     deadline > now ? (uint64_t)(deadline - now) : 0, 0);
}

/* ---- outside ---- */

struct cure_desk *cure_desk_new(uv_loop_t *loop, const struct configuration *c,
				struct journal *journal, struct fault_desk *faults)
{
	struct cure_settings settings = {.want = c->definitions_dir ? CURE_WANT_CONFIGURED
								    : CURE_WANT_BUILTIN,
					 .has_store = c->definitions_root && !c->definitions_dir,
					 .attempts = c->start_attempts,
					 .down_ms = c->down_limit_ms,
					 .retry_ms = c->start_retry_ms,
					 .restart_every_ms = c->restart_every_ms};
	struct cure_desk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	if (uv_timer_init(loop, &d->timer)) {
		free(d);
		return NULL;
	}
	d->timer.data = d;
	d->configuration = c;
	d->journal = journal;
	d->faults = faults;
	cure_memory_recall(&d->memory, journal);
	cure_plan_init(&d->plan, &settings, clock_mono_ms(),
		       fault_desk_is_active(faults, FAULT_SERVICE_START), d->memory.restarted_at);
	return d;
}

static void free_desk(uv_handle_t *handle)
{
	free(handle->data);
}

struct cure_desk *cure_desk_free(struct cure_desk *desk)
{
	if (desk)
		uv_close((uv_handle_t *)&desk->timer, free_desk);
	return NULL;
}

void cure_desk_listen(struct cure_desk *desk, const struct cure_desk_callbacks *callbacks,
		      void *context)
{
	desk->callbacks = *callbacks;
	desk->context = context;
}

enum definition_source cure_desk_source(const struct cure_desk *desk, bool is_replacement)
{
	return cure_plan_source(&desk->plan, is_replacement);
}

void cure_desk_want(struct cure_desk *desk, enum cure_want want, uint64_t need)
{
	unsigned effects = cure_plan_want(&desk->plan, clock_mono_ms(), want);

	desk->aside_told = false;
	if (want == CURE_WANT_CONFIGURED)
		desk->memory.needs[SOURCE_CONFIGURED] = need;
	carry_out(desk, effects, &(struct cure_subject){0});
}

uint64_t cure_desk_need(const struct cure_desk *desk, enum definition_source source)
{
	return desk->memory.needs[source];
}

int cure_desk_refuse(const struct cure_desk *desk, enum definition_source source,
		     struct birth_problem *ret_problem)
{
	uint64_t need = desk->memory.needs[source], available = memory_room_available();

	if (available >= need / 2)
		return 0;
	ret_problem->failure = BIRTH_FAILURE_MEMORY;
	(void)snprintf(
		ret_problem->text, sizeof(ret_problem->text),
		"it was not tried: less than half of what the engine took at the last good load is available");
	return -ENOMEM;
}

static void record_failure(struct cure_desk *d, const struct cure_subject *subject,
			   const struct birth_problem *problem)
{
	char reason[LIMIT_REASON_BYTES + 1];

	if (d->plan.up || d->plan.failed > d->configuration->start_attempts)
		return; /* later ones are in the detail of the fault */
	(void)snprintf(reason, sizeof(reason), "attempt %u of %u failed, it is tried again: %.300s",
		       d->plan.failed, d->configuration->start_attempts, problem->text);
	record_step(d, subject, reason);
}

void cure_desk_failed(struct cure_desk *desk, const struct cure_subject *subject,
		      const struct birth_problem *problem)
{
	struct cure_failure *failure = &desk->failures[subject->source];
	unsigned effects;

	failure->count++;
	failure->problem = *problem;
	service_report_refused(subject->report, failure->refused, sizeof(failure->refused));
	effects = cure_plan_failed(&desk->plan, clock_mono_ms(), subject->source, problem->failure);
	record_failure(desk, subject, problem);
	carry_out(desk, effects, subject);
}

void cure_desk_ready(struct cure_desk *desk, const struct cure_subject *subject)
{
	struct event event = event_of(subject, EVENT_SERVICE_STARTED, "");

	event.service.signatures = subject->report->ready.signatures;
	if (desk->plan.settings.has_store && subject->source == SOURCE_CONFIGURED) {
		journal_record(desk->journal, &event); /* its need is known by its generation */
		return;
	}
	cure_memory_loaded(&desk->memory, desk->journal, &event, subject->source,
			   subject->report->ready.memory_bytes);
}

void cure_desk_serves(struct cure_desk *desk, enum definition_source source)
{
	unsigned effects = cure_plan_up(&desk->plan, clock_mono_ms(), source);

	if (!desk->plan.raised)
		memset(desk->failures, 0, sizeof(desk->failures));
	carry_out(desk, effects, &(struct cure_subject){0});
}

void cure_desk_lost(struct cure_desk *desk)
{
	carry_out(desk, cure_plan_lost(&desk->plan, clock_mono_ms()), &(struct cure_subject){0});
}

void cure_desk_hope(struct cure_desk *desk)
{
	cure_plan_hope(&desk->plan, clock_mono_ms());
	tick(desk);
}

void cure_desk_rest(struct cure_desk *desk)
{
	(void)uv_timer_stop(&desk->timer); /* cannot fail */
}
