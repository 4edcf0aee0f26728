/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/worker_table.h"

#include <assert.h>
#include <stddef.h>

bool worker_table_init(struct worker_table *table, uint32_t jobs)
{
	*table = (struct worker_table){.jobs = jobs};
	table->holdings = index_list_new(jobs + LIMIT_WORKERS);
	return table->holdings;
}

void worker_table_done(struct worker_table *table)
{
	free(table->holdings);
	*table = (struct worker_table){0};
}

static struct worker *place_with(struct worker_table *table, uint64_t id)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (table->places[i].id == id)
			return &table->places[i];
	}
	return NULL;
}

struct worker *worker_table_find(struct worker_table *table, uint64_t id)
{
	return id == 0 ? NULL : place_with(table, id);
}

struct worker *worker_table_add(struct worker_table *table)
{
	struct worker *worker = place_with(table, 0);

	if (worker)
		*worker = (struct worker){
			.id = ++table->last_id, .state = WORKER_ORDERED, .due = MONO_NEVER};
	return worker;
}

void worker_table_clear(struct worker_table *table, struct worker *worker)
{
	assert(index_list_is_alone(table->holdings,
				   table->jobs + worker_table_place(table, worker)));
	*worker = (struct worker){.state = WORKER_ABSENT};
}

unsigned worker_table_place(const struct worker_table *table, const struct worker *worker)
{
	return (unsigned)(worker - table->places);
}

static uint32_t head_of(const struct worker_table *table, const struct worker *worker)
{
	return table->jobs + worker_table_place(table, worker);
}

void worker_table_hold(struct worker_table *table, struct worker *worker, uint32_t job,
		       uint64_t bytes)
{
	index_list_insert_before(table->holdings, head_of(table, worker), job);
	worker->held++;
	worker->bytes += bytes;
}

void worker_table_release(struct worker_table *table, struct worker *worker, uint32_t job,
			  uint64_t bytes)
{
	assert(worker->held > 0);
	index_list_remove(table->holdings, job);
	worker->held--;
	worker->bytes -= bytes;
}

static uint32_t member_or_none(const struct worker_table *table, uint32_t at)
{
	return at < table->jobs ? at : INDEX_NONE;
}

uint32_t worker_table_oldest(const struct worker_table *table, const struct worker *worker)
{
	return member_or_none(table, table->holdings[head_of(table, worker)].next);
}

uint32_t worker_table_newest(const struct worker_table *table, const struct worker *worker)
{
	return member_or_none(table, table->holdings[head_of(table, worker)].prev);
}

static bool has_less_to_do(const struct worker *a, const struct worker *b)
{
	return a->held < b->held || (a->held == b->held && a->bytes < b->bytes);
}

static bool may_take_more(const struct worker *worker, const struct worker_bounds *bounds)
{
	return worker->state == WORKER_BUSY && worker->held < bounds->depth &&
	       worker->bytes < bounds->depth_bytes;
}

struct worker *worker_table_pick(struct worker_table *table, const struct worker_bounds *bounds,
				 mono_ms now)
{
	struct worker *idle = NULL, *busy = NULL;
	uint32_t working = 0;

	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct worker *worker = &table->places[i];

		working += worker->held > 0;
		if (worker->refuses_until > now)
			continue;
		if (worker->state == WORKER_SPARE && !idle)
			idle = worker;
		if (may_take_more(worker, bounds) && (!busy || has_less_to_do(worker, busy)))
			busy = worker;
	}
	return idle && working < bounds->active ? idle : busy;
}

static uint32_t count(const struct worker_table *table, enum worker_state state)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		n += table->places[i].state == state;
	return n;
}

uint32_t worker_table_ready(const struct worker_table *table)
{
	return count(table, WORKER_SPARE) + count(table, WORKER_BUSY);
}

uint32_t worker_table_coming(const struct worker_table *table)
{
	return count(table, WORKER_ORDERED);
}

bool worker_table_is_full(const struct worker_table *table)
{
	return count(table, WORKER_ABSENT) == 0;
}
