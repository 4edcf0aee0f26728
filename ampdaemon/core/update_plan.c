/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/update_plan.h"

#include <string.h>

#define MINUTE_MS 60000

/* `most` times jitter: 0 to almost `most`. */
static mono_ms part_of(mono_ms most, unsigned jitter)
{
	return most / UPDATE_JITTER_MAX * (jitter % UPDATE_JITTER_MAX) +
	       most % UPDATE_JITTER_MAX * (jitter % UPDATE_JITTER_MAX) / UPDATE_JITTER_MAX;
}

/* ---- the window ---- */

static unsigned minutes_from(unsigned from, unsigned to)
{
	return (to + UPDATE_DAY_MINUTES - from) % UPDATE_DAY_MINUTES;
}

static unsigned window_minutes(const struct update_settings *s)
{
	return s->window_from == s->window_to ? UPDATE_DAY_MINUTES
					      : minutes_from(s->window_from, s->window_to);
}

static bool is_in_window(const struct update_settings *s, unsigned minute)
{
	return minutes_from(s->window_from, minute) < window_minutes(s);
}

static unsigned minute_at(struct update_now now, mono_ms at)
{
	mono_ms later = at > now.at ? (at - now.at) / MINUTE_MS : 0;

	return (unsigned)((now.minute + later) % UPDATE_DAY_MINUTES);
}

/* `at`, or when it lies outside: a moment of the window before it, when that is not before `earliest`; else of the window after it. */
static mono_ms into_window(const struct update_settings *s, struct update_now now, mono_ms at,
			   mono_ms earliest, unsigned jitter)
{
	mono_ms length = (mono_ms)window_minutes(s) * MINUTE_MS, start;
	unsigned minute;

	if (at == MONO_NEVER)
		return at;
	minute = minute_at(now, at);
	if (is_in_window(s, minute))
		return at;
	start = at - (mono_ms)minutes_from(s->window_from, minute) * MINUTE_MS;
	if (start + part_of(length, jitter) >= earliest)
		return start + part_of(length, jitter);
	return start + (mono_ms)UPDATE_DAY_MINUTES * MINUTE_MS + part_of(length, jitter);
}

/* ---- mirrors ---- */

static bool is_open(const struct update_plan *plan, unsigned mirror, mono_ms now)
{
	return plan->mirrors[mirror].closed_until <= now;
}

/* When a mirror may be asked at the earliest: now, or the first end of a cool-down. */
static mono_ms first_open(const struct update_plan *plan, mono_ms now)
{
	mono_ms first = MONO_NEVER;

	for (unsigned i = 0; i < plan->settings.n_mirrors; i++) {
		if (is_open(plan, i, now))
			return now;
		first = mono_min(first, plan->mirrors[i].closed_until);
	}
	return first;
}

static bool comes_before(const struct update_plan *plan, unsigned a, unsigned b)
{
	const struct mirror_state *first = &plan->mirrors[a], *second = &plan->mirrors[b];

	if (first->has_failed != second->has_failed)
		return second->has_failed;
	if (first->has_failed && first->failed_at != second->failed_at)
		return first->failed_at < second->failed_at;
	return a < b;
}

unsigned update_plan_mirrors(const struct update_plan *plan, mono_ms now, unsigned *ret_mirrors)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->settings.n_mirrors; i++) {
		unsigned place = n;

		if (!is_open(plan, i, now))
			continue;
		for (; place > 0 && comes_before(plan, i, ret_mirrors[place - 1]); place--)
			ret_mirrors[place] = ret_mirrors[place - 1];
		ret_mirrors[place] = i;
		n++;
	}
	return n;
}

static void close_mirror(struct update_plan *plan, mono_ms now, unsigned mirror, mono_ms wait)
{
	mono_ms until = mono_add(now, mono_min(wait, (mono_ms)LIMIT_WAIT_S * 1000 * 11 / 10));

	if (until > plan->mirrors[mirror].closed_until)
		plan->mirrors[mirror].closed_until = until;
}

void update_plan_attempt(struct update_plan *plan, mono_ms now, unsigned mirror,
			 enum update_outcome outcome, mono_ms wait_ms, unsigned jitter)
{
	struct mirror_state *state;

	if (mirror >= plan->settings.n_mirrors)
		return;
	state = &plan->mirrors[mirror];
	if (outcome == UPDATE_WAIT && wait_ms > 0)
		close_mirror(plan, now, mirror, mono_add(wait_ms, part_of(wait_ms / 10, jitter)));
	if (update_outcome_is_of_mirror(outcome) ||
	    (plan->is_old && outcome == UPDATE_NOTHING_NEW)) {
		state->has_failed = true;
		state->failed_at = now;
	} else if (update_outcome_is_success(outcome)) {
		state->has_failed = false;
	}
}

void update_plan_restore_wait(struct update_plan *plan, mono_ms now, unsigned mirror, mono_ms left)
{
	if (mirror < plan->settings.n_mirrors && left > 0)
		close_mirror(plan, now, mirror, left);
}

/* ---- what was rejected ---- */

uint32_t update_plan_refused(const struct update_plan *plan, mono_ms now, unsigned mirror,
			     unsigned database)
{
	const struct update_refusal *refusal;

	if (mirror >= plan->settings.n_mirrors || database >= LIMIT_DATABASES)
		return 0;
	refusal = &plan->mirrors[mirror].refused[database];
	return refusal->until > now ? refusal->version : 0;
}

static void refuse(struct update_plan *plan, mono_ms now, unsigned mirror, unsigned database,
		   struct update_refusal refusal)
{
	uint32_t highest = update_plan_refused(plan, now, mirror, database);

	if (mirror >= plan->settings.n_mirrors || database >= LIMIT_DATABASES || !refusal.version)
		return;
	if (refusal.version > UPDATE_REFUSAL_VERSION)
		refusal.version = UPDATE_REFUSAL_VERSION;
	if (refusal.version >= highest)
		plan->mirrors[mirror].refused[database] = refusal;
}

void update_plan_rejected(struct update_plan *plan, mono_ms now, unsigned mirror, unsigned database,
			  uint32_t version)
{
	if (mirror >= plan->settings.n_mirrors)
		return;
	plan->mirrors[mirror].has_failed = true;
	plan->mirrors[mirror].failed_at = now;
	refuse(plan, now, mirror, database,
	       (struct update_refusal){version, mono_add(now, UPDATE_REFUSAL_MS)});
}

void update_plan_restore_refused(struct update_plan *plan, mono_ms now, unsigned mirror,
				 unsigned database, struct update_refusal left)
{
	if (left.until > 0)
		refuse(plan, now, mirror, database,
		       (struct update_refusal){left.version,
					       mono_add(now,
							mono_min(left.until, UPDATE_REFUSAL_MS))});
}

void update_plan_forget_refused(struct update_plan *plan)
{
	for (unsigned i = 0; i < LIMIT_MIRRORS; i++)
		memset(plan->mirrors[i].refused, 0, sizeof(plan->mirrors[i].refused));
}

/* ---- time ---- */

static mono_ms spread(mono_ms interval, unsigned jitter)
{
	if (interval == MONO_NEVER)
		return MONO_NEVER;
	return interval - interval / 10 + part_of(interval / 5, jitter);
}

static mono_ms retry_delay(const struct update_plan *plan, unsigned jitter)
{
	const struct update_settings *s = &plan->settings;
	mono_ms delay = s->retry_first_ms;

	for (uint32_t i = 1; i < plan->failures && delay < s->retry_max_ms; i++)
		delay = mono_add(delay, delay);
	delay = mono_min(delay, s->retry_max_ms);
	return delay - delay / 2 + part_of(delay / 2, jitter);
}

/* A retry comes before the interval is over, or it would be none. */
static mono_ms next_delay(const struct update_plan *plan, unsigned jitter)
{
	mono_ms regular = spread(plan->settings.interval_ms, jitter);

	if (plan->is_old && plan->settings.n_mirrors > 1)
		regular = mono_min(regular, spread(plan->settings.retry_max_ms, jitter));
	return plan->failures ? mono_min(regular, retry_delay(plan, jitter)) : regular;
}

void update_plan_init(struct update_plan *plan, const struct update_settings *settings,
		      struct update_now now, mono_ms since_last, unsigned jitter)
{
	mono_ms due = MONO_NEVER;

	*plan = (struct update_plan){.settings = *settings, .due = MONO_NEVER};
	if (plan->settings.n_mirrors > LIMIT_MIRRORS)
		plan->settings.n_mirrors = LIMIT_MIRRORS;
	plan->settings.window_from %= UPDATE_DAY_MINUTES;
	plan->settings.window_to %= UPDATE_DAY_MINUTES;
	if (!settings->n_mirrors || settings->interval_ms == MONO_NEVER)
		return;
	/* A whole fleet may be started at once. */
	if (since_last == MONO_NEVER || since_last >= settings->interval_ms)
		due = mono_add(now.at, part_of(settings->retry_first_ms, jitter));
	else
		due = mono_add(now.at - since_last, spread(settings->interval_ms, jitter));
	plan->due = into_window(&plan->settings, now, due, due, jitter);
}

bool update_plan_command(struct update_plan *plan, mono_ms now)
{
	if (plan->is_running)
		return false;
	plan->is_commanded = true;
	plan->due = now;
	return true;
}

bool update_plan_tick(struct update_plan *plan, struct update_now now, unsigned jitter)
{
	mono_ms first;

	if (plan->is_running || plan->due > now.at || !plan->settings.n_mirrors)
		return false;
	first = first_open(plan, now.at);
	if (first > now.at) {
		plan->due = first;
	} else if (!plan->is_commanded && !is_in_window(&plan->settings, now.minute)) {
		/* The local clock was set, or summer began. */
		plan->due = into_window(&plan->settings, now, now.at, now.at, jitter);
	} else {
		plan->is_running = true;
		plan->is_commanded = false;
	}
	return plan->is_running;
}

void update_plan_age(struct update_plan *plan, bool is_old)
{
	plan->is_old = is_old;
}

mono_ms update_plan_deadline(const struct update_plan *plan)
{
	return plan->is_running || !plan->settings.n_mirrors ? MONO_NEVER : plan->due;
}

void update_plan_ended(struct update_plan *plan, struct update_now now, bool went_well,
		       unsigned jitter)
{
	mono_ms due, earliest;

	if (!plan->is_running)
		return;
	plan->is_running = false;
	if (went_well)
		plan->failures = 0;
	else if (plan->failures < UINT32_MAX)
		plan->failures++;
	if (plan->settings.interval_ms == MONO_NEVER) {
		plan->due = MONO_NEVER;
		return;
	}
	due = mono_add(now.at, next_delay(plan, jitter));
	/* A regular check may come earlier, so that none of a day's windows is missed; a pause is not cut. */
	earliest = mono_min(due, mono_add(now.at, plan->settings.interval_ms / 2));
	if (plan->failures)
		earliest = due;
	if (earliest < first_open(plan, now.at))
		earliest = first_open(plan, now.at);
	if (due < earliest)
		due = earliest;
	plan->due = into_window(&plan->settings, now, due, earliest, jitter);
}

/* ---- age ---- */

enum definition_age definition_age(uint64_t built_s, uint64_t now_s, uint64_t limit_s)
{
	if (!built_s)
		return DEFINITION_AGE_UNKNOWN;
	return now_s > built_s && now_s - built_s > limit_s ? DEFINITION_AGE_OLD
							    : DEFINITION_AGE_OK;
}
