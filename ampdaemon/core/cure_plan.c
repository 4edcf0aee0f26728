/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/cure_plan.h"

NAME_TABLE_DEFINE(definition_source, DEFINITION_SOURCE_LIST)
NAME_TABLE_DEFINE(cure_want, CURE_WANT_LIST)
NAME_TABLE_DEFINE(birth_failure, BIRTH_FAILURE_LIST)

#define CURABLE(member, words, cured) [member] = (cured),

/* Could the built-in set start where the configured one does not? */
static bool builtin_may_cure(enum birth_failure failure)
{
	static const bool cured[] = {BIRTH_FAILURE_LIST(CURABLE)};

	return cured[failure];
}

static enum definition_source wanted_source(const struct cure_plan *p)
{
	return p->want == CURE_WANT_CONFIGURED ? SOURCE_CONFIGURED : SOURCE_BUILTIN;
}

static bool serves_what_it_should(const struct cure_plan *p)
{
	return p->up && p->serving == wanted_source(p) && p->want != CURE_WANT_BETTER;
}

/* A clock that steps back counts as no time. */
static bool has_passed(mono_ms since, mono_ms span, mono_ms now)
{
	return since != MONO_NEVER && now >= mono_add(since, span);
}

void cure_plan_init(struct cure_plan *plan, const struct cure_settings *settings, mono_ms now,
		    bool raised, mono_ms restarted_at)
{
	*plan = (struct cure_plan){
		.settings = *settings,
		.want = settings->want,
		.raised = raised,
		.down_since = now,
		.restarted_at = restarted_at,
		.next_try = MONO_NEVER,
	};
	plan->next = plan->serving = wanted_source(plan);
}

enum definition_source cure_plan_source(const struct cure_plan *plan, bool is_replacement)
{
	return is_replacement ? wanted_source(plan) : plan->next;
}

/* Of the configured set beside the built-in one. */
static mono_ms retry_time(const struct cure_plan *p, mono_ms now)
{
	return p->want == CURE_WANT_CONFIGURED ? mono_add(now, p->settings.retry_ms) : MONO_NEVER;
}

/* Beside one that serves: scanning goes on, only the words of the fault change. */
static unsigned replacement_failed(struct cure_plan *p, mono_ms now)
{
	if (serves_what_it_should(p))
		return 0;
	p->next_try = retry_time(p, now);
	return p->raised ? CURE_RAISE : 0;
}

static unsigned raise_when_due(struct cure_plan *p, mono_ms now)
{
	if (p->failed >= p->settings.attempts ||
	    has_passed(p->down_since, p->settings.down_ms, now))
		p->raised = true;
	return p->raised ? CURE_RAISE : 0;
}

static unsigned restart_when_due(struct cure_plan *p, mono_ms now)
{
	if (p->restarted_at != MONO_NEVER &&
	    !has_passed(p->restarted_at, p->settings.restart_every_ms, now))
		return 0;
	p->restarted_at = now;
	return CURE_STEP_RESTART;
}

/* The retries are used up. Once both sets have failed they take turns: either may be put right first. */
static unsigned next_step(struct cure_plan *p, mono_ms now, enum definition_source source)
{
	if (source == SOURCE_BUILTIN) {
		p->next = wanted_source(p);
		return restart_when_due(p, now);
	}
	if (!builtin_may_cure(p->last))
		return restart_when_due(p, now);
	if (p->settings.has_store && p->last != BIRTH_FAILURE_MEMORY)
		return CURE_STEP_ASIDE;
	p->next = SOURCE_BUILTIN;
	if (p->tried_builtin)
		return 0;
	p->tried_builtin = true;
	return CURE_STEP_BUILTIN;
}

unsigned cure_plan_failed(struct cure_plan *plan, mono_ms now, enum definition_source source,
			  enum birth_failure failure)
{
	unsigned effects;

	plan->last = failure;
	if (plan->up)
		return replacement_failed(plan, now);
	plan->failed++;
	effects = raise_when_due(plan, now);
	if (plan->failed >= plan->settings.attempts)
		effects |= next_step(plan, now, source);
	return effects;
}

unsigned cure_plan_up(struct cure_plan *plan, mono_ms now, enum definition_source source)
{
	plan->up = true;
	plan->serving = source;
	plan->down_since = MONO_NEVER;
	if (!serves_what_it_should(plan)) {
		plan->next_try = retry_time(plan, now);
		plan->raised = true;
		return CURE_RAISE;
	}
	plan->next = source;
	plan->failed = 0;
	plan->tried_builtin = false;
	plan->next_try = MONO_NEVER;
	if (!plan->raised)
		return 0;
	plan->raised = false;
	return CURE_CLEAR;
}

unsigned cure_plan_lost(struct cure_plan *plan, mono_ms now)
{
	plan->up = false;
	plan->down_since = now;
	plan->next_try = MONO_NEVER;
	return 0;
}

unsigned cure_plan_tick(struct cure_plan *plan, mono_ms now)
{
	if (plan->up) {
		if (plan->next_try > now)
			return 0;
		plan->next_try = mono_add(now, plan->settings.retry_ms);
		return CURE_TRY_CONFIGURED;
	}
	if (plan->raised || !plan->failed)
		return 0;
	return raise_when_due(plan, now);
}

mono_ms cure_plan_deadline(const struct cure_plan *plan)
{
	if (plan->up)
		return plan->next_try;
	if (plan->raised || !plan->failed)
		return MONO_NEVER;
	return mono_add(plan->down_since, plan->settings.down_ms);
}

unsigned cure_plan_want(struct cure_plan *plan, mono_ms now, enum cure_want want)
{
	plan->want = want;
	plan->next = wanted_source(plan);
	plan->tried_builtin = false;
	plan->failed = 0;
	if (!plan->up)
		return 0;
	if (want != CURE_WANT_CONFIGURED || plan->serving == SOURCE_CONFIGURED)
		return cure_plan_up(plan, now, plan->serving);
	plan->next_try = retry_time(plan, now); /* it is on its way: that is no fault yet */
	return 0;
}

void cure_plan_hope(struct cure_plan *plan, mono_ms now)
{
	plan->next = wanted_source(plan);
	if (plan->up && !serves_what_it_should(plan) && plan->want == CURE_WANT_CONFIGURED)
		plan->next_try = now;
}
