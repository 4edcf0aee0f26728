/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/dispatcher.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "ampdaemon/core/custody.h"

#define ORDER_BACKOFF_FIRST_MS 50
#define ORDER_BACKOFF_MAX_MS 5000
#define REFUSAL_MS 50 /* a full channel is left alone so long, unless it answers before */

uint32_t job_index(job_id job)
{
	return (uint32_t)job;
}

static void check(const struct dispatcher_settings *s)
{
	assert(s->jobs > 0 && s->jobs <= 1u << 30);
	assert(s->active > 0 && s->active <= LIMIT_WORKERS - 2);
	assert(s->depth > 0 && s->recycle_jobs > 0 && s->min_share > 0);
	assert(s->scan_ms > 0 && s->queue_ms > 0 && s->outage_ms > 0 && s->worker_ms > 0);
}

struct dispatcher *dispatcher_new(const struct dispatcher_settings *settings, mono_ms now)
{
	struct dispatcher *d = calloc(1, sizeof(*d));

	check(settings);
	if (!d)
		return NULL;
	d->settings = *settings;
	d->bounds =
		(struct worker_bounds){settings->active, settings->depth, settings->depth_bytes};
	d->unready_since = now;
	d->drain_deadline = MONO_NEVER;
	d->queue = fair_queue_new(settings->jobs);
	if (!d->queue || !job_book_init(&d->book, settings->jobs) ||
	    !worker_table_init(&d->table, settings->jobs) ||
	    !outbox_init(&d->box, settings->jobs + LIMIT_WORKERS))
		return dispatcher_free(d);
	return d;
}

struct dispatcher *dispatcher_free(struct dispatcher *d)
{
	if (d) {
		fair_queue_free(d->queue);
		job_book_done(&d->book);
		worker_table_done(&d->table);
		outbox_done(&d->box);
		free(d);
	}
	return NULL;
}

/* ---- workers ---- */

static void note_unready_end(struct dispatcher *d, mono_ms now)
{
	d->order_backoff = d->order_backoff == 0
				   ? ORDER_BACKOFF_FIRST_MS
				   : mono_min(2 * d->order_backoff, ORDER_BACKOFF_MAX_MS);
	d->next_order = mono_add(now, d->order_backoff);
}

/* Its jobs go at once: a killed process may take long to end, when it hangs in the kernel. */
static void kill_worker(struct dispatcher *d, mono_ms now, struct worker *worker,
			enum death_cause cause)
{
	uint32_t hand = custody_in_hand(d, worker);

	if (worker->state == WORKER_ORDERED)
		note_unready_end(d, now);
	worker->blamed = hand == INDEX_NONE ? 0 : job_book_id(&d->book, hand);
	worker->blamed_attempts = hand == INDEX_NONE ? 0 : d->book.jobs[hand].charges;
	worker->state = WORKER_KILLED;
	worker->cause = cause;
	custody_empty(d, now, worker, cause);
	worker->due = MONO_NEVER;
	custody_tell_worker(d, worker, EFFECT_KILL_WORKER);
}

static void remove_worker(struct dispatcher *d, mono_ms now, struct worker *worker,
			  enum death_cause cause)
{
	if (worker->state == WORKER_KILLED)
		cause = worker->cause;
	d->counters.deaths[cause]++;
	custody_empty(d, now, worker, cause);
	outbox_withdraw(&d->box, d->settings.jobs + worker_table_place(&d->table, worker));
	worker_table_clear(&d->table, worker);
}

static void watch_workers(struct dispatcher *d, mono_ms now)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct worker *worker = &d->table.places[i];

		if (worker->refuses_until <= now)
			worker->refuses_until = 0;
		if (worker->id == 0 || worker->due > now)
			continue;
		kill_worker(d, now, worker,
			    worker->state == WORKER_ORDERED ? DEATH_NOT_READY : DEATH_DEADLINE);
	}
}

static void end_drain(struct dispatcher *d, mono_ms now)
{
	if (!d->draining || d->drain_deadline > now)
		return;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (d->table.places[i].held > 0)
			kill_worker(d, now, &d->table.places[i], DEATH_REQUESTED);
	}
}

static bool is_missing_worker(const struct dispatcher *d)
{
	uint32_t there = worker_table_ready(&d->table) + worker_table_coming(&d->table);

	return d->service && !d->draining && there < d->settings.active + 1 &&
	       !worker_table_is_full(&d->table);
}

static void order_missing(struct dispatcher *d, mono_ms now)
{
	while (is_missing_worker(d) && d->next_order <= now) {
		struct worker *worker = worker_table_add(&d->table);

		worker->due = mono_add(now, d->settings.worker_ms);
		custody_tell_worker(d, worker, EFFECT_ORDER_WORKER);
		if (d->order_backoff > 0)
			d->next_order = mono_add(now, d->order_backoff);
	}
}

static void assign(struct dispatcher *d, mono_ms now)
{
	uint32_t index;

	while (fair_queue_len(d->queue) > 0) {
		struct worker *worker = worker_table_pick(&d->table, &d->bounds, now);

		if (!worker || !fair_queue_pop(d->queue, &index))
			return;
		custody_give(d, now, worker, index);
	}
}

/* ---- time ---- */

static mono_ms outage_due(const struct dispatcher *d)
{
	return mono_add(d->unready_since, d->settings.outage_ms);
}

static mono_ms queue_due(const struct dispatcher *d)
{
	uint32_t oldest = job_book_oldest_queued(&d->book);

	if (oldest == INDEX_NONE)
		return MONO_NEVER;
	return mono_add(d->book.jobs[oldest].submitted, d->settings.queue_ms);
}

/* Runs after assign(): a job that a worker can take now is not too late. */
static void end_waiting(struct dispatcher *d, mono_ms now)
{
	if (worker_table_ready(&d->table) > 0)
		d->unready_since = MONO_NEVER;
	else if (d->unready_since == MONO_NEVER)
		d->unready_since = now;

	while (fair_queue_len(d->queue) > 0 && outage_due(d) <= now)
		custody_fail(d, job_book_oldest_queued(&d->book), VERDICT_ERROR,
			     SCAN_REASON_NO_SERVICE);
	while (queue_due(d) <= now)
		custody_fail(d, job_book_oldest_queued(&d->book), VERDICT_ERROR,
			     SCAN_REASON_QUEUE_TIME);
}

/* After every event: whatever follows from the new situation. */
static void settle(struct dispatcher *d, mono_ms now)
{
	watch_workers(d, now);
	end_drain(d, now);
	order_missing(d, now);
	assign(d, now);
	end_waiting(d, now);
}

void dispatcher_tick(struct dispatcher *d, mono_ms now)
{
	settle(d, now);
}

mono_ms dispatcher_deadline(const struct dispatcher *d)
{
	bool waiting = fair_queue_len(d->queue) > 0;
	mono_ms deadline = queue_due(d);

	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		const struct worker *worker = &d->table.places[i];

		if (worker->id == 0)
			continue;
		deadline = mono_min(deadline, worker->due);
		if (waiting && worker->refuses_until > 0)
			deadline = mono_min(deadline, worker->refuses_until);
	}
	if (waiting)
		deadline = mono_min(deadline, outage_due(d));
	if (is_missing_worker(d))
		deadline = mono_min(deadline, d->next_order);
	if (d->book.counts[JOB_IN_FLIGHT] > 0)
		deadline = mono_min(deadline, d->drain_deadline);
	return deadline;
}

/* ---- what owners ask ---- */

uint32_t dispatcher_room(const struct dispatcher *d, uint32_t uid)
{
	uint32_t left = d->book.counts[JOB_FREE];
	uint32_t share = d->settings.jobs / (d->book.users.users + 1);
	uint32_t has;

	if (d->draining || left == 0)
		return 0;
	if (share < d->settings.min_share)
		share = d->settings.min_share;
	has = user_tally_jobs(&d->book.users, uid);
	if (has >= share)
		return 0;
	return share - has < left ? share - has : left;
}

int dispatcher_submit(struct dispatcher *d, mono_ms now, const struct job_request *request,
		      job_id *ret_job)
{
	uint32_t index;

	assert(request->priority < PRIORITY_COUNT);
	if (dispatcher_room(d, request->uid) == 0)
		return -EAGAIN;
	index = job_book_add(&d->book, request, now);
	*ret_job = job_book_id(&d->book, index);
	d->counters.submitted++;
	fair_queue_push(d->queue, index, request->priority, request->uid, false);
	settle(d, now);
	return 0;
}

static void cancel(struct dispatcher *d, uint32_t index)
{
	struct job *job = &d->book.jobs[index];

	if (job->cancelled)
		return;
	job->cancelled = true;
	d->counters.cancelled++;
	if (job->state == JOB_QUEUED)
		custody_fail(d, index, VERDICT_NONE, SCAN_REASON_NONE);
}

void dispatcher_cancel_owner(struct dispatcher *d, mono_ms now, uint64_t owner)
{
	uint32_t index = job_book_next_of_owner(&d->book, owner, INDEX_NONE);

	while (index != INDEX_NONE) {
		uint32_t next = job_book_next_of_owner(&d->book, owner, index);

		cancel(d, index);
		index = next;
	}
	settle(d, now);
}

void dispatcher_drain(struct dispatcher *d, mono_ms now, mono_ms deadline)
{
	d->draining = true;
	d->drain_deadline = mono_min(d->drain_deadline, deadline);
	while (fair_queue_len(d->queue) > 0)
		custody_fail(d, job_book_oldest_queued(&d->book), VERDICT_ERROR,
			     SCAN_REASON_STOPPING);
	settle(d, now);
}

/* ---- what the service and its workers do ---- */

void dispatcher_service_up(struct dispatcher *d, mono_ms now)
{
	d->service = true;
	d->fails_idle = false;
	d->order_backoff = 0;
	d->next_order = now;
	settle(d, now);
}

void dispatcher_service_lost(struct dispatcher *d, mono_ms now)
{
	d->service = false;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (d->table.places[i].id != 0)
			remove_worker(d, now, &d->table.places[i], DEATH_SERVICE);
	}
	settle(d, now);
}

void dispatcher_worker_ready(struct dispatcher *d, mono_ms now, uint64_t id)
{
	struct worker *worker = worker_table_find(&d->table, id);

	if (worker && worker->state == WORKER_ORDERED) {
		worker->state = WORKER_SPARE;
		worker->due = MONO_NEVER;
		if (!d->fails_idle) {
			d->order_backoff = 0;
			d->next_order = now;
		}
	}
	settle(d, now);
}

static void take_answer(struct dispatcher *d, mono_ms now, struct worker *worker, uint32_t index)
{
	custody_release(d, now, worker, index);
	worker->refuses_until = 0;
	worker->answered++;
	d->fails_idle = false;
	if (worker->answered >= d->settings.recycle_jobs)
		worker->state = WORKER_RETIRING;
	d->counters.late_answers += d->book.jobs[index].cancelled;
}

int dispatcher_answered(struct dispatcher *d, mono_ms now, uint64_t id, job_id job,
			enum verdict verdict)
{
	struct worker *worker = worker_table_find(&d->table, id);
	uint32_t index;

	if (worker && worker->state == WORKER_KILLED) {
		d->counters.late_answers++;
		return 0;
	}
	index = worker ? custody_in_hand(d, worker) : INDEX_NONE;
	if (index == INDEX_NONE || job_book_id(&d->book, index) != job || verdict == VERDICT_NONE ||
	    verdict >= VERDICT_COUNT)
		return -EPROTO;
	take_answer(d, now, worker, index);
	custody_finish(d, index, (struct job_end){.answered = true, .verdict = verdict});
	custody_settle(d, worker);
	settle(d, now);
	return 0;
}

/* One that greets and fails before its first job is no better than one that never greets: without the back-off it would be
 * forked again as fast as it can fail. */
static bool failed_idle(const struct worker *worker, enum death_cause cause)
{
	return worker->state == WORKER_SPARE && worker->answered == 0 &&
	       death_cause_is_failure(cause);
}

void dispatcher_worker_gone(struct dispatcher *d, mono_ms now, uint64_t id, enum death_cause cause)
{
	struct worker *worker = worker_table_find(&d->table, id);

	assert(cause < DEATH_CAUSE_COUNT);
	if (worker) {
		d->fails_idle |= failed_idle(worker, cause);
		if (worker->state == WORKER_ORDERED || failed_idle(worker, cause))
			note_unready_end(d, now);
		remove_worker(d, now, worker, cause);
	}
	settle(d, now);
}

void dispatcher_send_failed(struct dispatcher *d, mono_ms now, uint64_t id, job_id job)
{
	struct worker *worker = worker_table_find(&d->table, id);
	uint32_t index = job_book_find(&d->book, job);

	if (!worker || index == INDEX_NONE || d->book.jobs[index].state != JOB_IN_FLIGHT ||
	    d->book.jobs[index].worker != id)
		return;
	worker->refuses_until = mono_add(now, REFUSAL_MS);
	custody_release(d, now, worker, index);
	custody_return(d, index);
	custody_settle(d, worker);
	settle(d, now);
}

/* ---- effects and views ---- */

bool dispatcher_next_effect(struct dispatcher *d, struct effect *ret_effect)
{
	if (!outbox_take(&d->box, ret_effect))
		return false;
	if (ret_effect->kind == EFFECT_FINISH_JOB)
		job_book_drop(&d->book, job_index(ret_effect->job));
	return true;
}

job_id dispatcher_in_hand(const struct dispatcher *d, uint64_t id, uint32_t *ret_attempts)
{
	const struct worker *worker = worker_table_find((struct worker_table *)&d->table, id);
	uint32_t index;

	*ret_attempts = 0;
	if (!worker)
		return 0;
	if (worker->state == WORKER_KILLED) {
		*ret_attempts = worker->blamed_attempts;
		return worker->blamed;
	}
	index = custody_in_hand(d, worker);
	if (index == INDEX_NONE)
		return 0;
	*ret_attempts = d->book.jobs[index].charges;
	return job_book_id(&d->book, index);
}

unsigned dispatcher_workers(const struct dispatcher *d, struct worker_view *views, unsigned max)
{
	unsigned n = 0;
	uint32_t attempts;

	for (unsigned i = 0; i < LIMIT_WORKERS && n < max; i++) {
		const struct worker *worker = &d->table.places[i];

		if (worker->id == 0)
			continue;
		views[n++] = (struct worker_view){
			.worker = worker->id,
			.state = worker->state,
			.answered = worker->answered,
			.held = worker->held,
			.in_hand = dispatcher_in_hand(d, worker->id, &attempts),
		};
	}
	return n;
}

bool dispatcher_is_idle(const struct dispatcher *d)
{
	return job_book_len(&d->book) == 0;
}

const struct dispatcher_counters *dispatcher_counters(const struct dispatcher *d)
{
	return &d->counters;
}

uint32_t dispatcher_queued(const struct dispatcher *d)
{
	return d->book.counts[JOB_QUEUED];
}

uint32_t dispatcher_in_flight(const struct dispatcher *d)
{
	return d->book.counts[JOB_IN_FLIGHT];
}

uint32_t dispatcher_users(const struct dispatcher *d)
{
	return d->book.users.users;
}
