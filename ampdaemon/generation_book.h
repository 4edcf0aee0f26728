/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * generation_book: a number for each set of definitions that was loaded, so that what is known of a file (that it fails workers) ends with the
 * set it was found with. The same set has the same number, across restarts too; another set has a higher one. A set is told by what the
 * service reported of its files: names, versions, build times, signatures. Kept in the journal.
 *
 * Owns the numbers of sets that are no generation of the definition store: those have their own.
 */
#ifndef AMP_AMPDAEMON_GENERATION_BOOK_H
#define AMP_AMPDAEMON_GENERATION_BOOK_H

#include <stdint.h>

#include "ampdaemon/core/cure_plan.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/service_report.h"

struct generation_book {
	uint64_t last; /* number that was given */
	struct {
		uint64_t print;
		uint64_t number;
	} sets[DEFINITION_SOURCE_COUNT]; /* the last one of each source */
};

/* Takes over what the journal kept; the first built-in set is 1, the first configured one 2. */
void generation_book_recall(struct generation_book *book, struct journal *journal);

/* Of a set that has been loaded. */
uint64_t generation_book_number(struct generation_book *book, struct journal *journal,
				enum definition_source source, const struct service_report *report);

#endif
