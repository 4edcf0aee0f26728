/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_outcome: how asking one mirror for one database ended, and the exit status of ampupdater that follows from it. Owns the
 * list. The wire and the exit status carry the numbers: append only.
 */
#ifndef AMP_SHARED_BASE_UPDATE_OUTCOME_H
#define AMP_SHARED_BASE_UPDATE_OUTCOME_H

#include <stdbool.h>

#include "base/name_table.h"

/* member, name, in words, is it the mirror's fault (then another one may do better) */
#define UPDATE_OUTCOME_LIST(X)                                                                     \
	X(UPDATE_UPDATED, "updated", "a newer version was downloaded", false)                      \
	X(UPDATE_NOTHING_NEW, "nothing-new", "the mirror has nothing newer", false)                \
	X(UPDATE_WAIT, "told-to-wait", "the mirror asks to stay away (HTTP 429 or 403)", true)     \
	X(UPDATE_NOT_FOUND, "not-found", "the mirror does not have it", true)                      \
	X(UPDATE_REFUSED, "refused", "the mirror answers with an error", true)                     \
	X(UPDATE_UNREACHABLE, "unreachable", "the mirror cannot be reached", true)                 \
	X(UPDATE_STALLED, "stalled", "the mirror stopped answering", true)                         \
	X(UPDATE_CUT, "cut", "the connection ended before the file did", true)                     \
	X(UPDATE_DAMAGED, "damaged", "what the mirror sends is damaged", true)                     \
	X(UPDATE_TOO_BIG, "too-big", "what the mirror sends is larger than permitted", true)       \
	X(UPDATE_NO_SPACE, "no-space", "the disk is full or cannot be written", false)             \
	X(UPDATE_LATE, "late", "the time for the whole check is over", false)                      \
	X(UPDATE_DIED, "died", "the process that downloads died", true)                            \
	X(UPDATE_FAILED, "failed", "it failed for another reason", true)                           \
	X(UPDATE_KNOWN_BAD, "known-bad", "the mirror has only what was rejected before", true)

enum update_outcome { UPDATE_OUTCOME_LIST(NAME_TABLE_MEMBER) UPDATE_OUTCOME_COUNT };

/* Exit status of ampupdater: 0 for UPDATE_UPDATED, UPDATE_EXIT_BASE + outcome for the others (81 up); what it could not begin with is
 * an enum exit_code (64 to 72: usage, protocol, walls, channel, internal). The status is that of the first database which could
 * not be had, else UPDATE_UPDATED when at least one is newer, else UPDATE_NOTHING_NEW. */
#define UPDATE_EXIT_BASE 80

const char *update_outcome_name(unsigned outcome);
const char *update_outcome_words(unsigned outcome);
bool update_outcome_is_success(enum update_outcome outcome); /* updated, or nothing new */
bool update_outcome_is_of_mirror(enum update_outcome outcome);
int update_outcome_exit(enum update_outcome outcome);

/* What an exit status of ampupdater means, in words. */
const char *update_exit_text(int code);

#endif
