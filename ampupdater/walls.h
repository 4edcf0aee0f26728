/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walls: builds the updater's sandbox, tries it from inside, and keeps the book of what stands. Owns the order in which walls go up (each
 * needs rights that a later one takes away), the files of the host that may be read, and the attempts.
 *
 * A wall that the kernel lacks is entered as missing and is no error; one that could be climbed ends the updater.
 */
#ifndef AMP_AMPUPDATER_WALLS_H
#define AMP_AMPUPDATER_WALLS_H

#include "base/limits.h"
#include "base/walls.h"
#include "wire/update_codec.h"

struct wall_book {
	enum wall_state state[WALL_COUNT]; /* unknown: not one of the updater's */
	char detail[WALL_COUNT][LIMIT_WALL_DETAIL_BYTES + 1];
};

struct walls_order {
	const struct update_start *start;
	bool was_environment_empty;
};

void walls_note(struct wall_book *book, enum wall_id wall, enum wall_state state,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* All walls of the parent, around UPDATE_FD_INCOMING. 0, or -errno with a sentence in `why`: then the updater must not go on. */
int walls_build(const struct walls_order *order, struct wall_book *book,
		char why[LIMIT_REASON_BYTES]);

/* In a child of `parent` that is to talk to strangers: what it does not need any more goes, and it ends with its parent. 0 or -errno. */
int walls_build_child(pid_t parent);

/* Fills `reports` (WALL_COUNT of them) with the updater's; details point into the book. Returns how many. */
unsigned walls_report(const struct wall_book *book, struct wall_report *reports);

#endif
