/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custody: where each job is - in the queue, at a worker, ended - and every way from one to the
 * other. What a worker's end means for the jobs that it held is decided here. Private to
 * dispatcher.c, whose state it works on.
 *
 * Owns the moves, and the counters of moves. Must not own deadlines of workers, orders, or time.
 * Pure.
 */
#ifndef AMP_AMPDAEMON_CORE_CUSTODY_H
#define AMP_AMPDAEMON_CORE_CUSTODY_H

#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/core/job_book.h"
#include "ampdaemon/core/outbox.h"
#include "ampdaemon/core/readiness.h"
#include "ampdaemon/core/worker_table.h"

/* The service that orders go to, and their pace. */
struct order_gate {
	uint64_t epoch;  /* 0: there is none, nothing is ordered */
	mono_ms backoff; /* 0: none */
	mono_ms next;
	bool fails_idle; /* workers become ready and fail without having done anything */
};

struct dispatcher {
	struct dispatcher_settings settings;
	struct worker_bounds bounds;
	struct fair_queue *queue;
	struct job_book book;
	struct worker_table table;
	struct outbox box; /* subjects: jobs, then the workers' places */
	struct job_counters counters;
	struct order_gate current, standby;
	mono_ms unready_since; /* MONO_NEVER: a worker is ready */
	struct readiness readiness;
	bool draining;
	mono_ms drain_deadline;
};

/* The job ends; its number is free when the effect was taken. A cancelled one ends as NONE,
 * whatever `end` says. */
void custody_finish(struct dispatcher *d, uint32_t index, struct job_end end);

/* The same for a job without an answer, wherever it is; not at a worker. */
void custody_fail(struct dispatcher *d, uint32_t index, enum verdict verdict,
		  enum scan_reason reason);

void custody_give(struct dispatcher *d, mono_ms now, struct worker *worker, uint32_t index);

/* Takes a job off its worker; the next one is in hand from now on. */
void custody_release(struct dispatcher *d, mono_ms now, struct worker *worker, uint32_t index);

/* A released job goes back to the front of its lane, uncharged; or ends, when it is cancelled or
 * while draining. */
void custody_return(struct dispatcher *d, uint32_t index);

/* The worker went, or will: takes everything from it, charges the job in hand if the cause charges.
 */
void custody_empty(struct dispatcher *d, mono_ms now, struct worker *worker,
		   enum death_cause cause);

/* After a release: an empty worker is idle, or can be retired. */
void custody_settle(struct dispatcher *d, struct worker *worker);

/* What the worker was sent first and has not answered; INDEX_NONE when nothing. */
uint32_t custody_in_hand(const struct dispatcher *d, const struct worker *worker);

void custody_tell_worker(struct dispatcher *d, const struct worker *worker, enum effect_kind kind);

#endif
