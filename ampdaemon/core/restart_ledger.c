/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/restart_ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct ledger_entry *entry_at(const struct restart_ledger *ledger, unsigned i)
{
	return &ledger->ring[(ledger->first + i) % LEDGER_RING];
}

/* The newest have the highest index. */
static uint32_t count_since(const struct restart_ledger *ledger, mono_ms since)
{
	uint32_t n = 0;

	for (unsigned i = ledger->count; i > 0 && entry_at(ledger, i - 1)->at >= since; i--)
		n++;
	return n;
}

static bool all_by_input_since(const struct restart_ledger *ledger, mono_ms since)
{
	for (unsigned i = ledger->count; i > 0 && entry_at(ledger, i - 1)->at >= since; i--) {
		if (entry_at(ledger, i - 1)->failure != FAILURE_BY_INPUT)
			return false;
	}
	return true;
}

static void append(struct restart_ledger *ledger, mono_ms at, enum failure_class failure)
{
	unsigned place = (ledger->first + ledger->count) % LEDGER_RING;

	if (ledger->count == LEDGER_RING)
		ledger->first = (ledger->first + 1) % LEDGER_RING;
	else
		ledger->count++;
	ledger->ring[place] = (struct ledger_entry){.at = at, .began = at, .failure = failure};
}

/* Those that just left the window are at its edge: "within" excludes it. */
static mono_ms window_start(mono_ms now, mono_ms window)
{
	return now - window + 1;
}

/* A clock that steps back is one that stands still. */
static void advance(struct restart_ledger *ledger, mono_ms now)
{
	mono_ms start;

	if (now > ledger->now)
		ledger->now = now;
	start = window_start(ledger->now, ledger->settings.window_ms);
	while (ledger->count && entry_at(ledger, 0)->at < start) {
		ledger->first = (ledger->first + 1) % LEDGER_RING;
		ledger->count--;
	}
}

static bool is_over(const struct restart_ledger *ledger, mono_ms event, mono_ms interval)
{
	return event == MONO_NEVER || ledger->now - event >= interval;
}

static bool wants_replacement(const struct restart_ledger *ledger)
{
	const struct ledger_settings *s = &ledger->settings;
	mono_ms since = window_start(ledger->now, s->replace_ms);

	/* Those before the last replacement were answered by it. */
	if (ledger->replaced_at != MONO_NEVER && ledger->replaced_at >= since)
		since = ledger->replaced_at + 1;
	if (count_since(ledger, since) < s->replace_limit)
		return false;
	return !all_by_input_since(ledger, since) ||
	       is_over(ledger, ledger->replaced_at, s->window_ms);
}

/* One step at a time: what the restart cures needs no replacement; when the failures go on, it comes with the next one. */
static unsigned climb(struct restart_ledger *ledger)
{
	const struct ledger_settings *s = &ledger->settings;
	unsigned steps = 0;

	if (ledger->count >= s->limit && !ledger->stormy) {
		ledger->stormy = true;
		ledger->stormy_since = ledger->now;
	}
	if (ledger->stormy)
		steps |= LEDGER_STORM;
	if (ledger->count >= s->limit &&
	    is_over(ledger, ledger->restarted_at, s->restart_every_ms)) {
		ledger->restarted_at = ledger->now;
		return steps | LEDGER_RESTART;
	}
	if (wants_replacement(ledger)) {
		ledger->replaced_at = ledger->now;
		steps |= LEDGER_REPLACE;
	}
	return steps;
}

static mono_ms newest(const struct restart_ledger *ledger)
{
	return ledger->count ? entry_at(ledger, ledger->count - 1)->at : MONO_NEVER;
}

static bool is_calm(const struct restart_ledger *ledger)
{
	const struct ledger_settings *s = &ledger->settings;

	if (ledger->count)
		return ledger->count < s->limit && ledger->now - newest(ledger) >= s->calm_ms;
	/* Of an earlier boot the times are not known: a window has to pass. */
	return is_over(ledger, ledger->restored_at, s->window_ms);
}

static unsigned calm_down(struct restart_ledger *ledger)
{
	if (!ledger->stormy || !is_calm(ledger))
		return 0;
	ledger->stormy = false;
	ledger->restored_at = MONO_NEVER;
	return LEDGER_CALM;
}

void restart_ledger_init(struct restart_ledger *ledger, const struct ledger_settings *settings,
			 mono_ms now)
{
	memset(ledger, 0, sizeof(*ledger));
	ledger->settings = *settings;
	ledger->replaced_at = ledger->restarted_at = MONO_NEVER;
	ledger->restored_at = ledger->unlucky_since = ledger->stormy_since = MONO_NEVER;
	ledger->now = now;
}

unsigned restart_ledger_failed(struct restart_ledger *ledger, mono_ms now,
			       enum failure_class failure)
{
	unsigned calm;

	assert(failure < FAILURE_CLASS_COUNT);
	advance(ledger, now);
	ledger->totals[failure]++;
	if (failure == FAILURE_NONE)
		return calm_down(ledger);
	calm = calm_down(ledger); /* the storm before this failure may be over: it is told first */
	append(ledger, ledger->now, failure);
	return calm | climb(ledger);
}

void restart_ledger_date(struct restart_ledger *ledger, mono_ms began)
{
	struct ledger_entry *newest =
		&ledger->ring[(ledger->first + ledger->count - 1) % LEDGER_RING];

	if (ledger->count && began < newest->began)
		newest->began = began;
}

unsigned restart_ledger_scanned(struct restart_ledger *ledger, mono_ms now, bool succeeded)
{
	bool was_critical = restart_ledger_is_critical(ledger);

	advance(ledger, now);
	if (succeeded)
		ledger->unlucky_since = MONO_NEVER;
	else if (ledger->unlucky_since == MONO_NEVER)
		ledger->unlucky_since = ledger->now;
	return ledger->stormy && was_critical != restart_ledger_is_critical(ledger) ? LEDGER_STORM
										    : 0;
}

unsigned restart_ledger_tick(struct restart_ledger *ledger, mono_ms now)
{
	bool was_critical = restart_ledger_is_critical(ledger);
	unsigned steps;

	advance(ledger, now);
	steps = calm_down(ledger);
	if (ledger->stormy && was_critical != restart_ledger_is_critical(ledger))
		steps |= LEDGER_STORM;
	return steps;
}

static mono_ms calm_deadline(const struct restart_ledger *ledger)
{
	const struct ledger_settings *s = &ledger->settings;
	mono_ms due;

	if (!ledger->count)
		return ledger->restored_at == MONO_NEVER ? ledger->now
							 : ledger->restored_at + s->window_ms;
	due = newest(ledger) + s->calm_ms;
	/* As many as the limit: one has to leave the window first. */
	if (ledger->count >= s->limit) {
		mono_ms leaves = entry_at(ledger, ledger->count - s->limit)->at + s->window_ms;

		due = due > leaves ? due : leaves;
	}
	return mono_min(due, newest(ledger) + s->window_ms);
}

static mono_ms critical_at(const struct restart_ledger *ledger)
{
	return mono_add(restart_ledger_unlucky_since(ledger), ledger->settings.no_success_ms);
}

mono_ms restart_ledger_deadline(const struct restart_ledger *ledger)
{
	mono_ms due;

	if (!ledger->stormy)
		return MONO_NEVER;
	due = calm_deadline(ledger);
	if (!restart_ledger_is_critical(ledger))
		due = mono_min(due, critical_at(ledger));
	return due;
}

bool restart_ledger_is_critical(const struct restart_ledger *ledger)
{
	return ledger->now >= critical_at(ledger);
}

mono_ms restart_ledger_unlucky_since(const struct restart_ledger *ledger)
{
	mono_ms since = ledger->unlucky_since;

	if (!ledger->stormy || since == MONO_NEVER)
		return MONO_NEVER;
	return since > ledger->stormy_since ? since : ledger->stormy_since;
}

static int latest_first(const void *a, const void *b)
{
	mono_ms x = *(const mono_ms *)a, y = *(const mono_ms *)b;

	return (y > x) - (y < x);
}

mono_ms restart_ledger_storm_since(const struct restart_ledger *ledger)
{
	uint32_t limit = ledger->settings.limit;
	mono_ms began[LEDGER_RING];

	if (ledger->count < limit)
		return MONO_NEVER;
	for (unsigned i = 0; i < ledger->count; i++)
		began[i] = entry_at(ledger, i)->began;
	qsort(began, ledger->count, sizeof(began[0]), latest_first);
	return began[limit ? limit - 1 : 0];
}

void restart_ledger_recent(const struct restart_ledger *ledger, mono_ms now,
			   uint32_t ret_counts[FAILURE_CLASS_COUNT])
{
	mono_ms since =
		window_start(now > ledger->now ? now : ledger->now, ledger->settings.window_ms);

	memset(ret_counts, 0, FAILURE_CLASS_COUNT * sizeof(ret_counts[0]));
	for (unsigned i = ledger->count; i > 0 && entry_at(ledger, i - 1)->at >= since; i--)
		ret_counts[entry_at(ledger, i - 1)->failure]++;
}

uint32_t restart_ledger_in_window(const struct restart_ledger *ledger, mono_ms now)
{
	return count_since(ledger, window_start(now > ledger->now ? now : ledger->now,
						ledger->settings.window_ms));
}

void restart_ledger_save(const struct restart_ledger *ledger, struct ledger_saved *ret_saved)
{
	unsigned n = ledger->count < LEDGER_SAVED ? ledger->count : LEDGER_SAVED;

	memset(ret_saved, 0, sizeof(*ret_saved));
	for (unsigned i = 0; i < n; i++)
		ret_saved->newest[i] = *entry_at(ledger, ledger->count - n + i);
	ret_saved->count = n;
	memcpy(ret_saved->totals, ledger->totals, sizeof(ret_saved->totals));
	ret_saved->stormy = ledger->stormy;
	ret_saved->replaced_at = ledger->replaced_at;
	ret_saved->restarted_at = ledger->restarted_at;
}

static mono_ms past_or_never(mono_ms at, mono_ms now)
{
	return at >= 0 && at <= now ? at : MONO_NEVER;
}

void restart_ledger_restore(struct restart_ledger *ledger, mono_ms now,
			    const struct ledger_saved *saved, bool same_boot)
{
	mono_ms last = 0;

	ledger->now = now;
	memcpy(ledger->totals, saved->totals, sizeof(ledger->totals));
	ledger->stormy = saved->stormy;
	ledger->stormy_since = saved->stormy ? now : MONO_NEVER;
	ledger->restored_at = saved->stormy && !same_boot ? now : MONO_NEVER;
	for (unsigned i = 0; same_boot && i < saved->count && i < LEDGER_SAVED; i++) {
		const struct ledger_entry *entry = &saved->newest[i];

		if (entry->at < last || entry->at > now || entry->failure == FAILURE_NONE ||
		    entry->failure >= FAILURE_CLASS_COUNT)
			continue;
		last = entry->at;
		append(ledger, entry->at, entry->failure);
		restart_ledger_date(ledger, entry->began);
	}
	if (same_boot) {
		ledger->replaced_at = past_or_never(saved->replaced_at, now);
		ledger->restarted_at = past_or_never(saved->restarted_at, now);
	}
	advance(ledger, now);
}

void restart_ledger_resume(struct restart_ledger *ledger, mono_ms now)
{
	advance(ledger, now);
	if (ledger->stormy)
		return;
	ledger->stormy = true;
	ledger->stormy_since = ledger->restored_at = ledger->now;
}
