/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker_table: the workers' places, and the jobs that each holds in the order they were sent. Says
 * who could take one more, and how many workers are missing.
 *
 * Owns the places, the numbers of workers, the holdings. Must not own jobs, deadlines' meaning, or
 * what is done to a worker. Pure; memory is taken once, at init; every operation is O(1) or
 * O(places).
 */
#ifndef AMP_AMPDAEMON_CORE_WORKER_TABLE_H
#define AMP_AMPDAEMON_CORE_WORKER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/core/index_list.h"

struct worker {
	uint64_t id;    /* 0: the place is free */
	uint64_t epoch; /* the service that forked it */
	enum worker_state state;
	bool replaced;          /* RETIRING because one of another epoch works in its stead */
	enum death_cause cause; /* when KILLED: why */
	mono_ms due; /* ORDERED: ready by then; with a job in hand or an answer owed: answered by then; else MONO_NEVER */
	mono_ms refuses_until; /* its channel was full */
	uint64_t answered;
	uint64_t bytes; /* of what it holds */
	uint32_t held;
	uint32_t
		owed; /* answers to jobs of an image before this one; it is BUSY with them, or RETIRING */
	job_id blamed; /* when KILLED: what was in hand, and its charges before */
	uint32_t blamed_attempts;
};

struct worker_table {
	uint32_t jobs; /* capacity of the book */
	uint64_t last_id;
	struct index_link *holdings; /* jobs, then one head per place */
	struct worker places[LIMIT_WORKERS];
};

/* What may be given to a worker. */
struct worker_bounds {
	uint32_t active;
	uint32_t depth;
	uint64_t depth_bytes;
	uint64_t current, standby; /* epochs; 0: none */
};

/* False when there is no memory; worker_table_done() is permitted then, too. */
bool worker_table_init(struct worker_table *table, uint32_t jobs, uint64_t first_worker);
void worker_table_done(struct worker_table *table);

/* NULL when there is none. */
struct worker *worker_table_find(struct worker_table *table, uint64_t id);

/* A new worker in a free place, ORDERED; NULL when all are taken. */
struct worker *worker_table_add(struct worker_table *table, uint64_t epoch);

/* One that has a number already; numbers given from now on are above it. */
struct worker *worker_table_adopt(struct worker_table *table, uint64_t id, uint64_t epoch);
void worker_table_clear(struct worker_table *table, struct worker *worker); /* holds nothing */

unsigned worker_table_place(const struct worker_table *table, const struct worker *worker);

void worker_table_hold(struct worker_table *table, struct worker *worker, uint32_t job,
		       uint64_t bytes);
void worker_table_release(struct worker_table *table, struct worker *worker, uint32_t job,
			  uint64_t bytes);

/* Oldest and newest that it holds; INDEX_NONE when nothing. */
uint32_t worker_table_oldest(const struct worker_table *table, const struct worker *worker);
uint32_t worker_table_newest(const struct worker_table *table, const struct worker *worker);

/* Who gets the next job: an idle one if one more may work (of the current epoch first), else the one with the least to do; NULL
 * when nobody can take it. Nobody of the standby's epoch, nobody who owes answers. */
struct worker *worker_table_pick(struct worker_table *table, const struct worker_bounds *bounds,
				 mono_ms now);

uint32_t worker_table_ready(const struct worker_table *table, uint64_t epoch); /* SPARE or BUSY */
uint32_t worker_table_able(const struct worker_table *table, uint64_t epoch); /* and owes nothing */
uint32_t worker_table_coming(const struct worker_table *table, uint64_t epoch); /* ORDERED */

/* The same of all epochs but this one. */
uint32_t worker_table_ready_but(const struct worker_table *table, uint64_t epoch);
uint32_t worker_table_able_but(const struct worker_table *table, uint64_t epoch);
bool worker_table_has_epoch(const struct worker_table *table, uint64_t epoch);
bool worker_table_is_full(const struct worker_table *table);

#endif
