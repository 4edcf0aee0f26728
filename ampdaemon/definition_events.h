/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_events: what becomes of definitions, as events of the journal and lines of the log. Words only. Must not own when there is something
 * to tell (definition_desk).
 */
#ifndef AMP_AMPDAEMON_DEFINITION_EVENTS_H
#define AMP_AMPDAEMON_DEFINITION_EVENTS_H

#include <stdint.h>

#include "ampdaemon/core/definition_machine.h"
#include "ampdaemon/journal.h"

struct definition_story {
	struct journal *journal;
	const struct definition_machine *machine;
	uint64_t generation; /* that it is about; 0: the built-in set */
	uint64_t former;     /* what served before; 0 as above */
	enum candidate_origin origin;
	enum rejection rejection;
	const char *reason; /* beside the rejection's own words; "" */
};

void definition_events_staged(const struct definition_story *story);
void definition_events_accepted(const struct definition_story *story);

/* The candidate's way is over. Only what was rejected is an event: that it serves is told by _activated(), and nobody needs to know more of a check. */
void definition_events_ended(const struct definition_story *story);
void definition_events_activated(const struct definition_story *story);
void definition_events_back(const struct definition_story *story);
void definition_events_proved(const struct definition_story *story);

#endif
