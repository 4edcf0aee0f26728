/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walls: builds the sandbox and keeps the book of what stands. The parent builds most of it once; each worker adds its own
 * Landlock layer and the narrower seccomp list, and looks again.
 *
 * Owns the order in which walls go up (each needs rights that a later one takes away). Attempts against them are in
 * wall_probe.c. A wall that the kernel lacks is entered as missing and is no error.
 */
#ifndef AMP_AMPSCANSVC_WALLS_H
#define AMP_AMPSCANSVC_WALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "ampscansvc/temp_slot.h"
#include "base/limits.h"
#include "base/walls.h"
#include "wire/scan_codec.h"

struct wall_book {
	enum wall_state state[WALL_COUNT];
	char detail[WALL_COUNT][LIMIT_WALL_DETAIL_BYTES + 1];
};

struct walls_order {
	int builtin, definitions; /* directories; -1: none */
	bool was_environment_empty;
	struct temp_slot_size slot;
};

/* All walls of the parent. 0, or -errno with a sentence in `why`: then the service must not go on. */
int walls_build(const struct walls_order *order, struct wall_book *book,
		char why[LIMIT_REASON_BYTES]);

/* Adds the walls of a worker in `slot`; `vm_bytes` limits its address space (0: no limit). The book is looked at again. */
int walls_build_worker(const struct temp_slot *slot, uint64_t vm_bytes, struct wall_book *book);

/* The wall whose fall ends the service or worker, or WALL_COUNT: the user, capabilities and seccomp. */
enum wall_id walls_fatal(const struct wall_book *book);

void walls_note(struct wall_book *book, enum wall_id wall, enum wall_state state,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Fills `reports` (WALL_COUNT of them); details point into the book. */
unsigned walls_report(const struct wall_book *book, struct wall_report *reports);

#endif
