/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/custody.h"

#define CHARGES_MAX 2    /* workers that may fail with the same job in hand */
#define DEPARTURES_MAX 8 /* workers that may go with it in hand, for whatever reason */

/* ---- the end of a job ---- */

void custody_finish(struct dispatcher *d, uint32_t index, struct job_end end)
{
	struct job *job = &d->book.jobs[index];
	struct effect effect = {.kind = EFFECT_FINISH_JOB, .job = job_book_id(&d->book, index)};

	if (job->cancelled)
		end = (struct job_end){.verdict = VERDICT_NONE};
	else
		d->counters.finished++;
	d->counters.verdicts[end.verdict] += !job->cancelled;
	end.attempts = job->charges;
	effect.end = end;
	job_book_move(&d->book, index, JOB_ENDED);
	outbox_put(&d->box, index, &effect);
}

void custody_fail(struct dispatcher *d, uint32_t index, enum verdict verdict,
		  enum scan_reason reason)
{
	(void)fair_queue_remove(d->queue, index); /* it may be at a worker's instead */
	custody_finish(d, index, (struct job_end){.verdict = verdict, .reason = reason});
}

static enum scan_reason reason_of(enum death_cause cause)
{
	if (cause == DEATH_DEADLINE)
		return SCAN_REASON_TIMED_OUT;
	return cause == DEATH_VIOLATION ? SCAN_REASON_VIOLATION : SCAN_REASON_DIED;
}

/* ---- jobs at workers ---- */

static bool is_sent(const struct dispatcher *d, uint32_t index)
{
	return !outbox_has(&d->box, index);
}

/* What the worker was sent first and has not answered. */
uint32_t custody_in_hand(const struct dispatcher *d, const struct worker *worker)
{
	uint32_t index = worker_table_oldest(&d->table, worker);

	return index != INDEX_NONE && is_sent(d, index) ? index : INDEX_NONE;
}

void custody_tell_worker(struct dispatcher *d, const struct worker *worker, enum effect_kind kind)
{
	struct effect effect = {
		.kind = kind,
		.worker = worker->id,
		.epoch = worker->epoch,
		.cause = worker->cause,
	};

	outbox_put(&d->box, d->settings.jobs + worker_table_place(&d->table, worker), &effect);
}

void custody_give(struct dispatcher *d, mono_ms now, struct worker *worker, uint32_t index)
{
	struct effect effect = {
		.kind = EFFECT_SEND_JOB,
		.worker = worker->id,
		.job = job_book_id(&d->book, index),
	};

	if (worker->held == 0)
		worker->due = mono_add(now, d->settings.scan_ms);
	worker->state = WORKER_BUSY;
	d->book.jobs[index].worker = worker->id;
	worker_table_hold(&d->table, worker, index, d->book.jobs[index].request.bytes);
	job_book_move(&d->book, index, JOB_IN_FLIGHT);
	d->counters.dispatched++;
	outbox_put(&d->box, index, &effect);
}

/* Takes a job off its worker; the next one is in hand from now on. */
void custody_release(struct dispatcher *d, mono_ms now, struct worker *worker, uint32_t index)
{
	bool was_oldest = worker_table_oldest(&d->table, worker) == index;

	worker_table_release(&d->table, worker, index, d->book.jobs[index].request.bytes);
	if (worker->held == 0)
		worker->due = MONO_NEVER;
	else if (was_oldest)
		worker->due = mono_add(now, d->settings.scan_ms);
}

void custody_settle(struct dispatcher *d, struct worker *worker)
{
	if (worker->held > 0 || worker->owed > 0)
		return;
	if (worker->state == WORKER_BUSY)
		worker->state = WORKER_SPARE;
	else if (worker->state == WORKER_RETIRING)
		custody_tell_worker(d, worker, EFFECT_RETIRE_WORKER);
}

static void requeue(struct dispatcher *d, uint32_t index)
{
	const struct job_request *request = &d->book.jobs[index].request;

	if (d->book.jobs[index].cancelled || d->draining) {
		custody_fail(d, index, VERDICT_ERROR, SCAN_REASON_STOPPING);
		return;
	}
	outbox_withdraw(&d->box, index);
	job_book_move(&d->book, index, JOB_QUEUED);
	fair_queue_push(d->queue, index, request->priority, request->uid, true);
}

/* The job that was in hand when its worker went. */
static void judge(struct dispatcher *d, uint32_t index, uint64_t epoch, enum death_cause cause)
{
	struct job *job = &d->book.jobs[index];
	bool charged = death_cause_charges(cause);

	job->departures++;
	job->charges += charged;
	if (job->charges >= CHARGES_MAX || job->departures >= DEPARTURES_MAX) {
		custody_finish(d, index,
			       (struct job_end){.verdict = VERDICT_FAILED,
						.reason = reason_of(cause),
						.epoch = epoch});
		return;
	}
	requeue(d, index);
	if (job->state != JOB_QUEUED)
		return;
	if (charged)
		d->counters.retried++;
	else
		d->counters.requeued++;
}

void custody_return(struct dispatcher *d, uint32_t index)
{
	requeue(d, index);
	d->counters.requeued += d->book.jobs[index].state == JOB_QUEUED;
}

/* Takes everything from a worker, newest first, so that the order is kept when each goes to the
 * front. */
void custody_empty(struct dispatcher *d, mono_ms now, struct worker *worker, enum death_cause cause)
{
	uint32_t hand = custody_in_hand(d, worker);
	uint32_t index;

	while ((index = worker_table_newest(&d->table, worker)) != INDEX_NONE) {
		custody_release(d, now, worker, index);
		if (index == hand)
			judge(d, index, worker->epoch, cause);
		else
			custody_return(d, index);
	}
}
