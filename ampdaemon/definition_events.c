/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_events.h"

#include <inttypes.h>
#include <stdio.h>

#include "io/log.h"

/* Where it is not a generation yet, the candidate has them. */
static const struct definition_facts *facts_of(const struct definition_story *story)
{
	const struct generation *known = definition_machine_find(story->machine, story->generation);
	const struct definition_candidate_state *candidate = &story->machine->candidate;

	if (known)
		return &known->facts;
	return candidate->phase != CANDIDATE_NONE && candidate->number == story->generation
		       ? &candidate->facts
		       : NULL;
}

static void record(const struct definition_story *story, uint32_t type, const char *origin,
		   const char *reason)
{
	struct event event = {.type = type, .body = EVENT_BODY_DEFINITIONS};
	const struct definition_facts *facts = facts_of(story);

	event.definitions.generation = story->generation;
	event.definitions.former = story->former;
	event.definitions.origin = origin;
	event.definitions.reason = reason;
	if (facts) {
		event.definitions.digest = span_of(facts->digest, sizeof(facts->digest));
		event.definitions.signatures = facts->signatures;
		event.definitions.built = facts->built;
	}
	journal_record(story->journal, &event);
}

static const char *name(uint64_t generation, char text[40])
{
	if (generation)
		(void)snprintf(text, 40, "generation %" PRIu64, generation);
	else
		(void)snprintf(text, 40, "the built-in set");
	return text;
}

static const char *words(const struct definition_story *story, char text[LIMIT_REASON_BYTES + 1])
{
	(void)snprintf(text, LIMIT_REASON_BYTES + 1, "%s%s%s", rejection_name(story->rejection),
		       *story->reason ? ": " : "", story->reason); /* cut is fine */
	return text;
}

void definition_events_staged(const struct definition_story *story)
{
	const char *origin = candidate_origin_name(story->origin);

	log_notice("definitions: %s has brought a set; it is tried as generation %" PRIu64, origin,
		   story->generation);
	record(story, EVENT_DEFINITIONS_STAGED, origin, "");
}

void definition_events_accepted(const struct definition_story *story)
{
	log_notice("definitions: generation %" PRIu64 " has passed its trial", story->generation);
	record(story, EVENT_DEFINITIONS_ACCEPTED, candidate_origin_name(story->origin), "");
}

void definition_events_ended(const struct definition_story *story)
{
	const char *origin = candidate_origin_name(story->origin);
	char text[LIMIT_REASON_BYTES + 1];

	if (story->rejection == REJECTION_NONE && story->origin != ORIGIN_CHECK)
		return;
	(void)words(story, text);
	if (story->origin == ORIGIN_CHECK || story->rejection == REJECTION_NOTHING_NEW) {
		log_notice("definitions: %s: %s", origin, text);
		return;
	}
	log_error("definitions: what %s has brought is rejected: %s", origin, text);
	record(story, EVENT_DEFINITIONS_REJECTED, origin, text);
}

void definition_events_activated(const struct definition_story *story)
{
	char now[40], before[40];

	log_notice("definitions: %s serves, after %s", name(story->generation, now),
		   name(story->former, before));
	record(story, EVENT_DEFINITIONS_ACTIVATED, "", "");
}

void definition_events_back(const struct definition_story *story)
{
	char text[LIMIT_REASON_BYTES + 1], to[40];

	log_error("definitions: back to %s: %s", name(story->generation, to), words(story, text));
	record(story, EVENT_DEFINITIONS_ROLLED_BACK,
	       story->rejection == REJECTION_ROLLED_BACK ? candidate_origin_name(ORIGIN_ROLLBACK)
							 : "",
	       text);
}

void definition_events_proved(const struct definition_story *story)
{
	char text[40];

	log_notice("definitions: %s has passed its probation", name(story->generation, text));
	record(story, EVENT_DEFINITIONS_PROVED, "", "");
}
