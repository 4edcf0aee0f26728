/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/worker_table.h"

#include <assert.h>
#include <stddef.h>

bool worker_table_init(struct worker_table *table, uint32_t jobs, uint64_t first_worker)
{
	*table = (struct worker_table){.jobs = jobs, .last_id = first_worker - 1};
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

struct worker *worker_table_adopt(struct worker_table *table, uint64_t id, uint64_t epoch)
{
	struct worker *worker = place_with(table, 0);

	if (!worker)
		return NULL;
	*worker = (struct worker){
		.id = id, .epoch = epoch, .state = WORKER_ORDERED, .due = MONO_NEVER};
	if (id > table->last_id)
		table->last_id = id;
	return worker;
}

struct worker *worker_table_add(struct worker_table *table, uint64_t epoch)
{
	return worker_table_adopt(table, table->last_id + 1, epoch);
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

/* Outgoing ones that finish what they have do not keep their successors from work. */
static bool counts_as_working(const struct worker *worker)
{
	return worker->held > 0 && !worker->replaced;
}

static bool is_better_idle(const struct worker *a, const struct worker *b, uint64_t current)
{
	return !b || (a->epoch == current && b->epoch != current);
}

struct worker *worker_table_pick(struct worker_table *table, const struct worker_bounds *bounds,
				 mono_ms now)
{
	struct worker *idle = NULL, *busy = NULL;
	uint32_t working = 0;

	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct worker *worker = &table->places[i];

		working += counts_as_working(worker);
		if (worker->refuses_until > now || worker->owed > 0 ||
		    worker->epoch == bounds->standby)
			continue;
		if (worker->state == WORKER_SPARE && is_better_idle(worker, idle, bounds->current))
			idle = worker;
		if (may_take_more(worker, bounds) && (!busy || has_less_to_do(worker, busy)))
			busy = worker;
	}
	return idle && working < bounds->active ? idle : busy;
}

typedef bool trait_fn(const struct worker *worker);

static bool is_ready(const struct worker *worker)
{
	return worker->state == WORKER_SPARE || worker->state == WORKER_BUSY;
}

static bool is_able(const struct worker *worker)
{
	return is_ready(worker) && worker->owed == 0;
}

static bool is_coming(const struct worker *worker)
{
	return worker->state == WORKER_ORDERED;
}

static uint32_t count(const struct worker_table *table, trait_fn *trait, uint64_t epoch)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		n += table->places[i].epoch == epoch && trait(&table->places[i]);
	return n;
}

static uint32_t count_but(const struct worker_table *table, trait_fn *trait, uint64_t epoch)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		n += table->places[i].epoch != epoch && trait(&table->places[i]);
	return n;
}

uint32_t worker_table_ready(const struct worker_table *table, uint64_t epoch)
{
	return count(table, is_ready, epoch);
}

uint32_t worker_table_able(const struct worker_table *table, uint64_t epoch)
{
	return count(table, is_able, epoch);
}

uint32_t worker_table_ready_but(const struct worker_table *table, uint64_t epoch)
{
	return count_but(table, is_ready, epoch);
}

uint32_t worker_table_able_but(const struct worker_table *table, uint64_t epoch)
{
	return count_but(table, is_able, epoch);
}

uint32_t worker_table_coming(const struct worker_table *table, uint64_t epoch)
{
	return count(table, is_coming, epoch);
}

bool worker_table_has_epoch(const struct worker_table *table, uint64_t epoch)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (table->places[i].id != 0 && table->places[i].epoch == epoch)
			return true;
	}
	return false;
}

bool worker_table_is_full(const struct worker_table *table)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (table->places[i].id == 0)
			return false;
	}
	return true;
}
