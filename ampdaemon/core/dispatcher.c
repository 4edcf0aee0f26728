/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/dispatcher.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "ampdaemon/core/custody.h"
#include "ampdaemon/core/workforce.h"

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
	assert(s->first_worker > 0);
}

struct dispatcher *dispatcher_new(const struct dispatcher_settings *settings, mono_ms now)
{
	struct dispatcher *d = calloc(1, sizeof(*d));

	check(settings);
	if (!d)
		return NULL;
	d->settings = *settings;
	d->bounds = (struct worker_bounds){.active = settings->active,
					   .depth = settings->depth,
					   .depth_bytes = settings->depth_bytes};
	d->unready_since = now;
	d->drain_deadline = MONO_NEVER;
	d->queue = fair_queue_new(settings->jobs);
	if (!d->queue || !job_book_init(&d->book, settings->jobs, settings->first_serial) ||
	    !worker_table_init(&d->table, settings->jobs, settings->first_worker) ||
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

/* ---- time ---- */

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

static mono_ms outage_due(const struct dispatcher *d)
{
	return mono_add(d->unready_since, d->settings.outage_ms);
}

static mono_ms queue_due(const struct dispatcher *d)
{
	uint32_t oldest = job_book_oldest_waiting(&d->book);

	if (oldest == INDEX_NONE)
		return MONO_NEVER;
	return mono_add(d->book.jobs[oldest].submitted, d->settings.queue_ms);
}

/* Runs after assign(): a job that a worker can take now is not too late. */
static void end_waiting(struct dispatcher *d, mono_ms now)
{
	if (worker_table_ready_but(&d->table, d->standby.epoch) > 0)
		d->unready_since = MONO_NEVER;
	else if (d->unready_since == MONO_NEVER)
		d->unready_since = now;

	while (fair_queue_len(d->queue) > 0 && outage_due(d) <= now)
		custody_fail(d, job_book_oldest_queued(&d->book), VERDICT_ERROR,
			     SCAN_REASON_NO_SERVICE);
	while (queue_due(d) <= now)
		custody_fail(d, job_book_oldest_waiting(&d->book), VERDICT_ERROR,
			     SCAN_REASON_QUEUE_TIME);
}

static void end_drain(struct dispatcher *d, mono_ms now)
{
	if (!d->draining || d->drain_deadline > now)
		return;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (d->table.places[i].held > 0)
			workforce_kill(d, now, &d->table.places[i], DEATH_REQUESTED);
	}
}

static void note_readiness(struct dispatcher *d, mono_ms now)
{
	uint32_t able = worker_table_able_but(&d->table, d->standby.epoch);
	bool is_followed = able > 0 && able == worker_table_able(&d->table, d->current.epoch);

	readiness_note(&d->readiness, now, able > 0, is_followed);
}

/* After every event: whatever follows from the new situation. */
static void settle(struct dispatcher *d, mono_ms now)
{
	workforce_watch(d, now);
	end_drain(d, now);
	workforce_retire_outgoing(d);
	assign(d, now);
	workforce_order(d, now);
	end_waiting(d, now);
	note_readiness(d, now);
}

void dispatcher_tick(struct dispatcher *d, mono_ms now)
{
	settle(d, now);
}

mono_ms dispatcher_deadline(const struct dispatcher *d)
{
	bool waiting = fair_queue_len(d->queue) > 0;
	mono_ms deadline = mono_min(queue_due(d), workforce_deadline(d));

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
	if (!request->held)
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
	if (job->state == JOB_QUEUED || job->state == JOB_HELD)
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

/* INDEX_NONE when the job has ended or is not in this state. */
static uint32_t find_in(const struct dispatcher *d, job_id job, enum job_state state)
{
	uint32_t index = job_book_find(&d->book, job);

	return index != INDEX_NONE && d->book.jobs[index].state == state ? index : INDEX_NONE;
}

void dispatcher_release(struct dispatcher *d, mono_ms now, job_id job)
{
	uint32_t index = find_in(d, job, JOB_HELD);
	const struct job_request *request;

	if (index != INDEX_NONE) {
		request = &d->book.jobs[index].request;
		job_book_move(&d->book, index, JOB_QUEUED);
		fair_queue_push(d->queue, index, request->priority, request->uid, false);
	}
	settle(d, now);
}

bool dispatcher_hold(struct dispatcher *d, mono_ms now, job_id job)
{
	uint32_t index = find_in(d, job, JOB_QUEUED);
	bool waits = index != INDEX_NONE && fair_queue_remove(d->queue, index);

	if (waits)
		job_book_move(&d->book, index, JOB_HELD);
	settle(d, now);
	return waits;
}

void dispatcher_refuse(struct dispatcher *d, mono_ms now, job_id job, enum verdict verdict,
		       enum scan_reason reason)
{
	uint32_t index = find_in(d, job, JOB_HELD);

	if (index == INDEX_NONE)
		index = find_in(d, job, JOB_QUEUED);
	if (index != INDEX_NONE)
		custody_fail(d, index, verdict, reason);
	settle(d, now);
}

void dispatcher_drain(struct dispatcher *d, mono_ms now, mono_ms deadline)
{
	d->draining = true;
	d->drain_deadline = mono_min(d->drain_deadline, deadline);
	while (job_book_oldest_waiting(&d->book) != INDEX_NONE)
		custody_fail(d, job_book_oldest_waiting(&d->book), VERDICT_ERROR,
			     SCAN_REASON_STOPPING);
	settle(d, now);
}

/* ---- what the service and its workers do ---- */

void dispatcher_service_up(struct dispatcher *d, mono_ms now, uint64_t epoch)
{
	assert(epoch != 0);
	if (epoch != d->current.epoch)
		readiness_switch(&d->readiness);
	workforce_switch(d, now, epoch);
	settle(d, now);
}

void dispatcher_service_standby(struct dispatcher *d, mono_ms now, uint64_t epoch)
{
	assert(epoch != 0);
	workforce_keep_standby(d, now, epoch);
	settle(d, now);
}

void dispatcher_service_lost(struct dispatcher *d, mono_ms now, uint64_t epoch)
{
	assert(epoch != 0);
	workforce_lose(d, now, epoch);
	settle(d, now);
}

uint64_t dispatcher_epoch_of(const struct dispatcher *d, uint64_t id)
{
	const struct worker *worker = worker_table_find((struct worker_table *)&d->table, id);

	return worker ? worker->epoch : 0;
}

bool dispatcher_epoch_is_empty(const struct dispatcher *d, uint64_t epoch)
{
	return !worker_table_has_epoch(&d->table, epoch);
}

int dispatcher_adopt(struct dispatcher *d, mono_ms now, const struct adopted_worker *adopted)
{
	int r = workforce_adopt(d, now, adopted);

	settle(d, now);
	return r;
}

void dispatcher_worker_ready(struct dispatcher *d, mono_ms now, uint64_t id)
{
	struct worker *worker = worker_table_find(&d->table, id);

	if (worker)
		workforce_ready(d, now, worker);
	settle(d, now);
}

static void take_answer(struct dispatcher *d, mono_ms now, struct worker *worker, uint32_t index)
{
	custody_release(d, now, worker, index);
	workforce_answered(d, worker);
	d->counters.late_answers += d->book.jobs[index].cancelled;
}

/* To a job of the image before this one, whose client asks again. */
static int take_owed(struct dispatcher *d, mono_ms now, struct worker *worker, job_id job)
{
	if (job_book_find(&d->book, job) != INDEX_NONE)
		return -EPROTO;
	worker->owed--;
	worker->due = worker->owed > 0 ? mono_add(now, d->settings.scan_ms) : MONO_NEVER;
	workforce_answered(d, worker);
	d->counters.late_answers++;
	custody_settle(d, worker);
	settle(d, now);
	return 0;
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
	if (!worker || verdict == VERDICT_NONE || verdict >= VERDICT_COUNT)
		return -EPROTO;
	if (worker->owed > 0)
		return take_owed(d, now, worker, job);
	index = custody_in_hand(d, worker);
	if (index == INDEX_NONE || job_book_id(&d->book, index) != job)
		return -EPROTO;
	take_answer(d, now, worker, index);
	custody_finish(
		d, index,
		(struct job_end){.answered = true, .verdict = verdict, .epoch = worker->epoch});
	custody_settle(d, worker);
	settle(d, now);
	return 0;
}

void dispatcher_worker_gone(struct dispatcher *d, mono_ms now, uint64_t id, enum death_cause cause)
{
	struct worker *worker = worker_table_find(&d->table, id);

	assert(cause < DEATH_CAUSE_COUNT);
	if (worker)
		workforce_gone(d, now, worker, cause);
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
			.epoch = worker->epoch,
			.state = worker->state,
			.answered = worker->answered,
			.held = worker->held,
			.owed = worker->owed,
			.in_hand = dispatcher_in_hand(d, worker->id, &attempts),
		};
	}
	return n;
}

void dispatcher_adopt_counters(struct dispatcher *d, const struct job_counters *counters)
{
	struct job_counters *own = &d->counters;

	own->submitted += counters->submitted;
	own->finished += counters->finished;
	own->cancelled += counters->submitted - counters->finished;
	own->dispatched += counters->dispatched;
	own->retried += counters->retried;
	own->requeued += counters->requeued;
	own->late_answers += counters->late_answers;
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		own->verdicts[i] += counters->verdicts[i];
	for (unsigned i = 0; i < DEATH_CAUSE_COUNT; i++)
		own->deaths[i] += counters->deaths[i];
}

uint32_t dispatcher_next_serial(const struct dispatcher *d)
{
	return job_book_next_serial(&d->book);
}

uint64_t dispatcher_next_worker(const struct dispatcher *d)
{
	return d->table.last_id + 1;
}

bool dispatcher_is_idle(const struct dispatcher *d)
{
	return job_book_len(&d->book) == 0;
}

const struct job_counters *dispatcher_counters(const struct dispatcher *d)
{
	return &d->counters;
}

struct worker_gap dispatcher_gap(const struct dispatcher *d, mono_ms now)
{
	return (struct worker_gap){.longest = readiness_longest(&d->readiness, now),
				   .of_switch = readiness_of_switch(&d->readiness, now),
				   .switches = d->readiness.switches,
				   .is_switching = d->readiness.is_switching};
}

uint32_t dispatcher_queued(const struct dispatcher *d)
{
	return d->book.counts[JOB_QUEUED] + d->book.counts[JOB_HELD];
}

uint32_t dispatcher_in_flight(const struct dispatcher *d)
{
	return d->book.counts[JOB_IN_FLIGHT];
}

uint32_t dispatcher_users(const struct dispatcher *d)
{
	return d->book.users.users;
}
