/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_events: what becomes of updates, and how old definitions are, as events of the journal, lines of the log and sentences of the status. Words
 * only. Must not own when there is something to tell (update_desk).
 */
#ifndef AMP_AMPDAEMON_UPDATE_EVENTS_H
#define AMP_AMPDAEMON_UPDATE_EVENTS_H

#include <stdint.h>

#include "ampdaemon/journal.h"

struct age_story {
	struct journal *journal;
	uint64_t generation; /* that serves; 0: the built-in set */
	uint64_t built_s;    /* 0: not known */
	uint64_t limit_s;
};

void update_events_failed(struct journal *journal, uint64_t generation, const char *reason);
void update_events_old(const struct age_story *story);
void update_events_fresh(const struct age_story *story);

/* "they were built 2026-11-19, 4 days ago; the limit is 3 days" */
void update_events_age(const struct age_story *story, char ret_text[LIMIT_REASON_BYTES + 1]);

#endif
