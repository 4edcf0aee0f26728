/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * epoch_book: what the desk knows of each scan service that gave it workers: its definitions, how its workers' births go, whether
 * it is outgoing. Pure.
 *
 * Owns the notes, EPOCH_NOTES at most: a service that is gone is remembered until its place is needed, for answers that are still
 * being handled. Must not own workers (core/dispatcher.h) or the services (supervisor).
 */
#ifndef AMP_AMPDAEMON_EPOCH_BOOK_H
#define AMP_AMPDAEMON_EPOCH_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#define EPOCH_NOTES 8      /* two live at a time */
#define HUNG_BIRTH_LIMIT 3 /* workers in a row that hung in birth: the service itself is rotten */
/* Or that failed in it: with the dispatcher's back-off some ten seconds. A storage that was unmounted comes back only
 * with a new service. */
#define FAILED_BIRTH_LIMIT 8

struct epoch_note {
	uint64_t epoch; /* 0: free */
	uint64_t generation;
	unsigned hung_births, failed_births; /* of workers, in a row */
	bool lives, outgoing;
	bool drained; /* it was told that no worker is left */
};

struct epoch_book {
	uint64_t current;    /* the epoch that serves; 0: none */
	uint64_t generation; /* of the definitions that serve, or did last; 0: none did yet */
	struct epoch_note notes[EPOCH_NOTES];
};

/* Ready beside the one that serves. A new note replaces that of the service that has been gone longest. */
void epoch_book_stand_by(struct epoch_book *book, uint64_t epoch, uint64_t generation);

/* Serves from now on; who did before is outgoing. True when other definitions serve now. */
bool epoch_book_serve(struct epoch_book *book, uint64_t epoch, uint64_t generation);
void epoch_book_lose(struct epoch_book *book, uint64_t epoch);

/* Of an epoch's definitions; of those that serve when it is not known (any more). */
uint64_t epoch_book_generation(const struct epoch_book *book, uint64_t epoch);

/* Births of an epoch's workers. True when so many in a row hung or failed that the service itself is rotten; then they are counted anew.
 */
void epoch_book_born(struct epoch_book *book, uint64_t epoch);
bool epoch_book_hung(struct epoch_book *book, uint64_t epoch);
bool epoch_book_failed(struct epoch_book *book, uint64_t epoch);

#endif
