/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "io/clock.h"
#include "io/log.h"

static void record(struct journal *journal, uint32_t type, uint64_t generation, uint64_t built_s,
		   const char *origin, const char *reason)
{
	struct event event = {.type = type, .body = EVENT_BODY_DEFINITIONS};

	event.definitions.generation = generation;
	event.definitions.built = built_s;
	event.definitions.origin = origin;
	event.definitions.reason = reason;
	journal_record(journal, &event);
}

void update_events_failed(struct journal *journal, uint64_t generation, const char *reason)
{
	log_error("updates: the check has failed: %s", reason);
	record(journal, EVENT_DEFINITIONS_UPDATE_FAILED, generation, 0, "an update", reason);
}

/* The largest unit of which there are two. */
static const char *span_words(uint64_t seconds, char text[40])
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};
	unsigned i = 0;

	while (i < 3 && seconds < 2 * units[i].seconds)
		i++;
	(void)snprintf(text, 40, "%" PRIu64 " %s", seconds / units[i].seconds, units[i].name);
	return text;
}

void update_events_age(const struct age_story *story, char ret_text[LIMIT_REASON_BYTES + 1])
{
	uint64_t now = clock_utc_ms() / 1000;
	time_t built = (time_t)story->built_s;
	char day[40] = "", age[40], limit[40];
	struct tm parts;

	if (!story->built_s) {
		(void)snprintf(ret_text, LIMIT_REASON_BYTES + 1,
			       "none were ever installed: the built-in set knows test files only");
		return;
	}
	if (gmtime_r(&built, &parts))
		(void)strftime(day, sizeof(day), "%Y-%m-%d", &parts); /* fits */
	(void)snprintf(ret_text, LIMIT_REASON_BYTES + 1,
		       "they were built %s, %s ago; the limit is %s", day,
		       span_words(now > story->built_s ? now - story->built_s : 0, age),
		       span_words(story->limit_s, limit));
}

void update_events_old(const struct age_story *story)
{
	char reason[LIMIT_REASON_BYTES + 1];

	update_events_age(story, reason);
	log_error("definitions are out of date: %s", reason);
	record(story->journal, EVENT_DEFINITIONS_OLD, story->generation, story->built_s, "",
	       reason);
}

void update_events_fresh(const struct age_story *story)
{
	log_notice("definitions are up to date again");
	record(story->journal, EVENT_DEFINITIONS_FRESH, story->generation, story->built_s, "", "");
}
