/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * job_book: the accepted jobs, each at a fixed index with a serial above it. Knows them by number,
 * by age, by owner and by uid, and counts them by state.
 *
 * Owns the entries and their numbers. Must not own the order of service, workers, or what happens
 * to a job. Pure; memory is taken once, at init; every operation is O(1) on average. A full book or
 * an impossible move asserts.
 */
#ifndef AMP_AMPDAEMON_CORE_JOB_BOOK_H
#define AMP_AMPDAEMON_CORE_JOB_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/core/user_tally.h"

enum job_state {
	JOB_FREE,
	JOB_QUEUED,
	JOB_HELD, /* waits as well, but not for a worker */
	JOB_IN_FLIGHT,
	JOB_ENDED, /* its last effect waits to be taken */
	JOB_STATE_COUNT,
};

struct job {
	struct job_request request;
	mono_ms submitted;
	enum job_state state;
	uint32_t serial;
	uint32_t user;       /* in the tally */
	uint64_t worker;     /* when IN_FLIGHT: who holds it */
	uint32_t charges;    /* workers that failed with it in hand */
	uint32_t departures; /* workers that went, however politely, with it in hand */
	bool cancelled;
};

struct job_book {
	uint32_t capacity;
	uint32_t buckets;
	uint32_t counts[JOB_STATE_COUNT];
	struct job *jobs;
	struct index_link *ages;   /* living jobs, the head; free ones, their head */
	struct index_link *owners; /* living jobs, one head per bucket */
	struct user_tally users;
};

/* `first_serial`: of the first job of each index; 0 is 1. False when there is no memory; job_book_done() is permitted then, too. */
bool job_book_init(struct job_book *book, uint32_t capacity, uint32_t first_serial);
void job_book_done(struct job_book *book);

/* Returns the index. The job is QUEUED or, as the request says, HELD. */
uint32_t job_book_add(struct job_book *book, const struct job_request *request, mono_ms now);
void job_book_move(struct job_book *book, uint32_t index, enum job_state state);
void job_book_drop(struct job_book *book, uint32_t index); /* an ENDED one */

job_id job_book_id(const struct job_book *book, uint32_t index);

/* INDEX_NONE when there is no such job (any more). */
uint32_t job_book_find(const struct job_book *book, job_id id);

/* The QUEUED job that was submitted first, INDEX_NONE when nothing is queued. Walks over those in
 * flight that are older. */
uint32_t job_book_oldest_queued(const struct job_book *book);

/* The same of the QUEUED and the HELD ones. */
uint32_t job_book_oldest_waiting(const struct job_book *book);

/* Above all that were given; O(capacity). */
uint32_t job_book_next_serial(const struct job_book *book);

/* Living jobs of an owner: the first with INDEX_NONE, then the one after `index`; INDEX_NONE at the
 * end. */
uint32_t job_book_next_of_owner(const struct job_book *book, uint64_t owner, uint32_t index);

uint32_t job_book_len(const struct job_book *book);

#endif
