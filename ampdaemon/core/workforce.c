/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/workforce.h"

#include <errno.h>

#define ORDER_BACKOFF_FIRST_MS 50
#define ORDER_BACKOFF_MAX_MS 5000

/* ---- the pace of orders ---- */

/* NULL for an outgoing worker: nobody is ordered in its place. */
static struct order_gate *gate_of(struct dispatcher *d, const struct worker *worker)
{
	if (worker->epoch == d->current.epoch)
		return &d->current;
	return worker->epoch == d->standby.epoch ? &d->standby : NULL;
}

static void slow_down(struct order_gate *gate, mono_ms now)
{
	if (!gate)
		return;
	gate->backoff = gate->backoff == 0 ? ORDER_BACKOFF_FIRST_MS
					   : mono_min(2 * gate->backoff, ORDER_BACKOFF_MAX_MS);
	gate->next = mono_add(now, gate->backoff);
}

static bool is_missing(const struct dispatcher *d, const struct order_gate *gate)
{
	uint32_t wanted = gate == &d->current ? d->settings.active + 1 : 1;

	return gate->epoch != 0 && !d->draining &&
	       worker_table_ready(&d->table, gate->epoch) +
			       worker_table_coming(&d->table, gate->epoch) <
		       wanted;
}

static void order(struct dispatcher *d, mono_ms now, struct order_gate *gate)
{
	while (is_missing(d, gate) && gate->next <= now && !worker_table_is_full(&d->table)) {
		struct worker *worker = worker_table_add(&d->table, gate->epoch);

		worker->due = mono_add(now, d->settings.worker_ms);
		custody_tell_worker(d, worker, EFFECT_ORDER_WORKER);
		if (gate->backoff > 0)
			gate->next = mono_add(now, gate->backoff);
	}
}

mono_ms workforce_deadline(const struct dispatcher *d)
{
	mono_ms deadline = MONO_NEVER;

	if (worker_table_is_full(&d->table))
		return MONO_NEVER;
	if (is_missing(d, &d->current))
		deadline = d->current.next;
	if (is_missing(d, &d->standby))
		deadline = mono_min(deadline, d->standby.next);
	return deadline;
}

/* ---- ends ---- */

void workforce_kill(struct dispatcher *d, mono_ms now, struct worker *worker,
		    enum death_cause cause)
{
	uint32_t hand = custody_in_hand(d, worker);

	if (worker->state == WORKER_ORDERED)
		slow_down(gate_of(d, worker), now);
	worker->blamed = hand == INDEX_NONE ? 0 : job_book_id(&d->book, hand);
	worker->blamed_attempts = hand == INDEX_NONE ? 0 : d->book.jobs[hand].charges;
	worker->state = WORKER_KILLED;
	worker->cause = cause;
	worker->owed = 0;
	/* Before the end of the job that it was killed for: who writes its obituary looks for that job's file. */
	custody_tell_worker(d, worker, EFFECT_KILL_WORKER);
	custody_empty(d, now, worker, cause);
	worker->due = MONO_NEVER;
}

static void forget(struct dispatcher *d, struct worker *worker)
{
	outbox_withdraw(&d->box, d->settings.jobs + worker_table_place(&d->table, worker));
	worker_table_clear(&d->table, worker);
}

static void bury(struct dispatcher *d, mono_ms now, struct worker *worker, enum death_cause cause)
{
	if (worker->state == WORKER_KILLED)
		cause = worker->cause;
	d->counters.deaths[cause]++;
	custody_empty(d, now, worker, cause);
	forget(d, worker);
}

/* One that greets and fails before its first job is no better than one that never greets: without the back-off it would be
 * forked again as fast as it can fail. */
static bool failed_idle(const struct worker *worker, enum death_cause cause)
{
	return worker->state == WORKER_SPARE && worker->answered == 0 &&
	       death_cause_is_failure(cause);
}

void workforce_gone(struct dispatcher *d, mono_ms now, struct worker *worker,
		    enum death_cause cause)
{
	struct order_gate *gate = gate_of(d, worker);

	if (gate && failed_idle(worker, cause))
		gate->fails_idle = true;
	if (worker->state == WORKER_ORDERED || failed_idle(worker, cause))
		slow_down(gate, now);
	bury(d, now, worker, cause);
}

void workforce_watch(struct dispatcher *d, mono_ms now)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct worker *worker = &d->table.places[i];

		if (worker->refuses_until <= now)
			worker->refuses_until = 0;
		if (worker->id == 0 || worker->due > now)
			continue;
		workforce_kill(d, now, worker,
			       worker->state == WORKER_ORDERED ? DEATH_NOT_READY : DEATH_DEADLINE);
	}
}

/* ---- one service follows another ---- */

static bool is_outgoing(const struct dispatcher *d, const struct worker *worker)
{
	return worker->id != 0 && worker->epoch != d->current.epoch &&
	       worker->epoch != d->standby.epoch && worker->state != WORKER_RETIRING &&
	       worker->state != WORKER_KILLED;
}

static void retire(struct dispatcher *d, struct worker *worker)
{
	worker->state = WORKER_RETIRING;
	worker->replaced = true;
	if (worker->held == 0 && worker->owed == 0)
		worker->due = MONO_NEVER;
	custody_settle(d, worker);
}

void workforce_retire_outgoing(struct dispatcher *d)
{
	if (worker_table_able(&d->table, d->current.epoch) < d->settings.active)
		return;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (is_outgoing(d, &d->table.places[i]))
			retire(d, &d->table.places[i]);
	}
}

/* The outgoing worker that is missed least; NULL when one is going already. */
static struct worker *least_missed(struct dispatcher *d)
{
	struct worker *least = NULL;

	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct worker *worker = &d->table.places[i];

		if (worker->state == WORKER_RETIRING && worker->epoch != d->current.epoch)
			return NULL;
		if (is_outgoing(d, worker) &&
		    (!least || worker->held + worker->owed < least->held + least->owed))
			least = worker;
	}
	return least;
}

/* Both do not fit: the new ones get their places one by one. */
static void make_room(struct dispatcher *d)
{
	struct worker *worker;

	if (!is_missing(d, &d->current) || !worker_table_is_full(&d->table))
		return;
	worker = least_missed(d);
	if (worker && (worker->state == WORKER_ORDERED ||
		       worker_table_able_but(&d->table, d->standby.epoch) > 1))
		retire(d, worker);
}

void workforce_order(struct dispatcher *d, mono_ms now)
{
	order(d, now, &d->current);
	order(d, now, &d->standby);
	make_room(d);
}

/* Who was to be asked for and is not needed from that service any more. */
static void withdraw_orders(struct dispatcher *d)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct worker *worker = &d->table.places[i];

		if (is_outgoing(d, worker) && worker->state == WORKER_ORDERED &&
		    outbox_has(&d->box, d->settings.jobs + i))
			forget(d, worker);
	}
}

static void open_gates(struct dispatcher *d, struct order_gate current, struct order_gate standby)
{
	d->current = current;
	d->standby = standby;
	d->bounds.current = current.epoch;
	d->bounds.standby = standby.epoch;
	withdraw_orders(d);
}

void workforce_switch(struct dispatcher *d, mono_ms now, uint64_t epoch)
{
	struct order_gate none = {0};

	open_gates(d, (struct order_gate){.epoch = epoch, .next = now},
		   d->standby.epoch == epoch ? none : d->standby);
}

void workforce_keep_standby(struct dispatcher *d, mono_ms now, uint64_t epoch)
{
	if (epoch != d->current.epoch && epoch != d->standby.epoch)
		open_gates(d, d->current, (struct order_gate){.epoch = epoch, .next = now});
}

void workforce_lose(struct dispatcher *d, mono_ms now, uint64_t epoch)
{
	struct order_gate none = {0};

	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (d->table.places[i].id != 0 && d->table.places[i].epoch == epoch)
			bury(d, now, &d->table.places[i], DEATH_SERVICE);
	}
	open_gates(d, d->current.epoch == epoch ? none : d->current,
		   d->standby.epoch == epoch ? none : d->standby);
}

int workforce_adopt(struct dispatcher *d, mono_ms now, const struct adopted_worker *adopted)
{
	struct worker *worker;

	if (adopted->worker == 0 || adopted->epoch == 0 ||
	    worker_table_find(&d->table, adopted->worker))
		return -EINVAL;
	worker = worker_table_adopt(&d->table, adopted->worker, adopted->epoch);
	if (!worker)
		return -ENOSPC;
	worker->answered = adopted->answered;
	worker->owed = adopted->owed;
	worker->state = adopted->owed > 0 ? WORKER_BUSY : WORKER_SPARE;
	if (adopted->owed > 0)
		worker->due = mono_add(now, d->settings.scan_ms);
	return 0;
}

/* ---- what workers do ---- */

void workforce_ready(struct dispatcher *d, mono_ms now, struct worker *worker)
{
	struct order_gate *gate = gate_of(d, worker);

	if (worker->state != WORKER_ORDERED)
		return;
	worker->state = WORKER_SPARE;
	worker->due = MONO_NEVER;
	if (gate && !gate->fails_idle) {
		gate->backoff = 0;
		gate->next = now;
	}
}

void workforce_answered(struct dispatcher *d, struct worker *worker)
{
	struct order_gate *gate = gate_of(d, worker);

	worker->refuses_until = 0;
	worker->answered++;
	if (gate)
		gate->fails_idle = false;
	if (worker->answered >= d->settings.recycle_jobs)
		worker->state = WORKER_RETIRING;
}
