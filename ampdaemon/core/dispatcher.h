/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dispatcher: the life of every job and of every worker's place in it. Event with time in, effects
 * out, next deadline asked. It decides which job goes to which worker, when a worker is to be
 * killed, retired or ordered, and how each job ends; it proves by construction that each job ends
 * exactly once.
 *
 * Owns: the job book (states, attempts, deadlines), the worker table, the fair queue, the counters.
 * Must not own: descriptors, paths, processes, clocks, logs. Pure; memory is taken once, at init.
 *
 * Rules
 * - A job is QUEUED, IN_FLIGHT at one worker, or gone. FINISH is emitted exactly once per accepted
 *   job. That of a job which its owner cancelled says VERDICT_NONE and only gives its number and
 *   file back (an answer that comes later is dropped).
 * - `active` workers may hold jobs at a time; one more is kept ready as a spare and takes over the
 *   moment one dies. Wanted are active + 1 workers; as many as are missing are ordered
 *   (ORDER_WORKER), at most one order per 50 ms after failures of workers that never became ready
 *   (back-off doubles to 5 s, reset by a worker that becomes ready).
 *   A worker that becomes ready and fails before it answered anything counts as such a failure, and
 *   then it takes an answer to reset the back-off.
 * - A worker holds up to `depth` jobs so that it need not wait for the next one, but only while the
 *   sum of sizes of what it holds is below `depth_bytes` before it gets one more: a small file does
 *   not wait behind a large one when another worker is free. An idle worker always takes one,
 *   whatever its size. Idle workers are filled before busy ones get a second job.
 * - Answers come in the order of the jobs. The oldest unanswered job is the one in hand. Its
 *   deadline starts when it is sent or when the one before it is answered: scan_ms. A worker that
 *   misses it is killed (KILL_WORKER, once) and its jobs move at that moment, not when it is gone:
 *   a process that hangs in the kernel may take for ever to die. What it says after that is
 *   dropped.
 * - A worker that is gone: if it failed, the job in hand is charged; a job charged twice ends as
 *   FAILED, with the reason of the last death; else it is queued again at the front. The jobs
 *   behind it are queued again uncharged. A job that was in hand when 8 workers went, for whatever
 *   reason, ends as FAILED all the same (workers that always end themselves politely must not keep
 *   it alive for ever); having waited behind others does not count, or a storm of poison files
 *   would fail its neighbours. A worker that left politely (retired, notice) charges nobody.
 * - A worker that answered `recycle_jobs` jobs gets no more; when it is empty it is retired
 *   (RETIRE_WORKER).
 * - No ready worker for outage_ms: all waiting jobs end as ERROR no-scan-service, and so does each
 *   new one at once, until a worker is ready. A job that waited queue_ms ends as ERROR queue-time.
 * - Each worker belongs to an epoch: the service that forked it. dispatcher_service_up(epoch) makes
 *   an epoch the current one: orders are for it, and workers of others are outgoing: they get jobs
 *   only while fewer than `active` of the current epoch are ready, then no more, and are retired
 *   when they are empty. So a switch has no moment without a worker that takes jobs. What the retiring
 *   ones still hold does not count against `active`. When the places do not suffice for both, outgoing
 *   ones are retired one after the other, the last that takes jobs never.
 * - dispatcher_service_standby(epoch): one worker of that epoch is kept ready and gets no job until its
 *   epoch is made the current one. Its back-off is its own.
 * - dispatcher_service_lost(epoch) makes all workers of the epoch gone (not charged: the service
 *   died, not the worker; but a worker that was reported gone with a failure before stays charged).
 *   Orders are emitted only while the current epoch lives.
 * - A held job (job_request.held) has its number and its place in the book, but is not in the queue: it is
 *   given to nobody until dispatcher_release(), or ends by dispatcher_refuse(), cancel, drain or queue_ms. An
 *   outage does not end it.
 * - An adopted worker (restart in place) may owe answers to jobs that this dispatcher does not know: that
 *   many answers to unknown jobs are taken and dropped; it gets jobs when it owes none. Its deadline is
 *   scan_ms from the adoption, again after each owed answer; its death charges nobody.
 * - Drain: after dispatcher_drain(now) nothing new is accepted, queued jobs end as ERROR stopping,
 *   jobs in flight may finish until the deadline, then end as ERROR stopping, and their workers are
 *   killed (cause DEATH_REQUESTED).
 * - Effects wait in an outbox, at most one per job and per worker: a later decision replaces an
 *   earlier one that was not taken yet. So no effect names a worker that is gone, and a caller may
 *   report events between two effects.
 */
#ifndef AMP_AMPDAEMON_CORE_DISPATCHER_H
#define AMP_AMPDAEMON_CORE_DISPATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/fair_queue.h"
#include "base/job_counters.h"
#include "base/limits.h"
#include "base/lives.h"
#include "base/mono.h"
#include "base/verdict.h"

struct dispatcher_settings {
	uint32_t jobs;   /* capacity of the book */
	uint32_t active; /* workers that scan; 1 to LIMIT_WORKERS - 2 */
	uint32_t depth;  /* jobs a worker may hold */
	uint64_t depth_bytes;
	uint32_t recycle_jobs; /* at least 1 */
	mono_ms scan_ms;       /* deadline of an attempt */
	mono_ms queue_ms;      /* longest wait in the queue */
	mono_ms outage_ms;     /* how long jobs wait for a scan service that is away */
	mono_ms worker_ms;     /* from the order of a worker to its readiness */
	uint32_t
		min_share; /* jobs that any user may have in the book, however many users there are */
	uint32_t
		first_serial; /* of jobs, 0: whatever; after a restart in place above all that were given */
	uint64_t first_worker; /* the number of the first worker ordered, likewise; at least 1 */
};

/* A job's name outside: the index in the book with a serial above it, so that a late answer to an
 * earlier user of the index is never taken for an answer to the present one. Never 0. */
typedef uint64_t job_id;

struct job_request {
	enum priority priority;
	uint32_t uid;   /* whose share it takes */
	uint64_t owner; /* a session; what dispatcher_cancel_owner() ends */
	uint64_t bytes; /* size of the file, a hint for `depth_bytes` */
	bool held;      /* not to be given to a worker before dispatcher_release() */
};

/* How a job ended. For DISPATCH_ANSWERED the shell has the worker's result in hand (the effect is
 * emitted from within dispatcher_answered()); otherwise verdict and reason say it all. */
struct job_end {
	bool answered;
	enum verdict verdict;    /* when not answered */
	enum scan_reason reason; /* when not answered */
	uint32_t attempts;       /* workers that were charged with it */
	uint64_t
		epoch; /* of the worker that answered, or of the last that went with it in hand; 0: none */
};

enum effect_kind {
	EFFECT_ORDER_WORKER, /* ask the service for worker `worker` */
	EFFECT_SEND_JOB,     /* send `job` to `worker` */
	EFFECT_FINISH_JOB, /* `job` ended as `end`; its number is free after this effect was taken */
	EFFECT_KILL_WORKER, /* kill it; report dispatcher_worker_gone() when its channel is closed */
	EFFECT_RETIRE_WORKER, /* close its channel; report dispatcher_worker_gone(DEATH_REQUESTED) */
};

struct effect {
	enum effect_kind kind;
	uint64_t worker;
	uint64_t epoch; /* of EFFECT_ORDER_WORKER: which service is asked */
	job_id job;
	struct job_end end;
	enum death_cause
		cause; /* of EFFECT_KILL_WORKER: DEATH_DEADLINE, DEATH_NOT_READY, DEATH_REQUESTED (end of a drain) */
};

struct worker_view {
	uint64_t worker;
	uint64_t epoch;
	enum worker_state state;
	uint64_t answered;
	uint32_t held;
	uint32_t owed;  /* answers to jobs of the image before this one */
	job_id in_hand; /* 0: none */
};

struct dispatcher;

/* NULL when there is no memory. Settings are copied and must be within their ranges (asserted). */
struct dispatcher *dispatcher_new(const struct dispatcher_settings *settings, mono_ms now);
struct dispatcher *dispatcher_free(struct dispatcher *d);

/* Jobs that `uid` may still submit now: 0 means stop reading from that user's sessions until it is
 * more. A user may hold max(min_share, jobs / (users with jobs + 1)) of the book. 0 also while
 * draining or when the book is full. */
uint32_t dispatcher_room(const struct dispatcher *d, uint32_t uid);

/* Accepts a job. Returns 0 and its number, -EAGAIN when dispatcher_room() is 0. The job may end at
 * once (outage): the effect is then already queued. */
int dispatcher_submit(struct dispatcher *d, mono_ms now, const struct job_request *request,
		      job_id *ret_job);

/* The owner is gone: each of its jobs ends with EFFECT_FINISH_JOB end.verdict == VERDICT_NONE, so
 * that the shell can close the file: a queued one at once, one in flight when its worker answers or
 * goes. */
void dispatcher_cancel_owner(struct dispatcher *d, mono_ms now, uint64_t owner);

/* A held job may be given to workers now. Ignored when it has ended. */
void dispatcher_release(struct dispatcher *d, mono_ms now, job_id job);

/* A job that waits in the queue is held from now on; false when it does not wait there. */
bool dispatcher_hold(struct dispatcher *d, mono_ms now, job_id job);

/* A job that is held or waits in the queue ends so. Ignored when it has ended, or is at a worker. */
void dispatcher_refuse(struct dispatcher *d, mono_ms now, job_id job, enum verdict verdict,
		       enum scan_reason reason);

/* Epochs are never 0. */
void dispatcher_service_up(struct dispatcher *d, mono_ms now, uint64_t epoch);
void dispatcher_service_standby(struct dispatcher *d, mono_ms now, uint64_t epoch);
void dispatcher_service_lost(struct dispatcher *d, mono_ms now, uint64_t epoch);

/* The service that forked the worker; 0 when it is not known (any more). */
uint64_t dispatcher_epoch_of(const struct dispatcher *d, uint64_t worker);

/* No worker of the epoch is left, none is ordered: an outgoing service can be stopped. */
bool dispatcher_epoch_is_empty(const struct dispatcher *d, uint64_t epoch);

/* A worker that was ready in the image before this one. */
struct adopted_worker {
	uint64_t worker, epoch;
	uint64_t answered;
	uint32_t owed; /* answers to jobs of that image */
};

/* Before dispatcher_service_up() of its epoch. -ENOSPC when there is no place, -EINVAL when the number is taken or is none. */
int dispatcher_adopt(struct dispatcher *d, mono_ms now, const struct adopted_worker *adopted);

/* Totals of the image before this one are gone on with; verdicts, deaths and the rest. What was in its book counts as
 * cancelled. */
void dispatcher_adopt_counters(struct dispatcher *d, const struct job_counters *counters);

/* What the next image must start above. */
uint32_t dispatcher_next_serial(const struct dispatcher *d);
uint64_t dispatcher_next_worker(const struct dispatcher *d);

void dispatcher_worker_ready(struct dispatcher *d, mono_ms now, uint64_t worker);

/* A worker's answer to `job`. Returns 0; -EPROTO when that worker does not hold that job as its
 * oldest, was not sent it yet, or gives a verdict that is none (the peer lies: kill it and report
 * DEATH_VIOLATION). A worker that is being killed already: 0, and nothing happens. `verdict` is
 * counted. */
int dispatcher_answered(struct dispatcher *d, mono_ms now, uint64_t worker, job_id job,
			enum verdict verdict);

/* The channel of `worker` is closed, for whatever reason; unknown workers are ignored (already gone
 * with the service). When the dispatcher itself asked for the kill, its own cause wins over the
 * reported one. */
void dispatcher_worker_gone(struct dispatcher *d, mono_ms now, uint64_t worker,
			    enum death_cause cause);

/* A job could not be sent to the worker it was meant for (the channel refused). Queues it again
 * uncharged. That worker gets nothing more until it answers something, or for 50 ms. Ignored when
 * the worker no longer holds the job. */
void dispatcher_send_failed(struct dispatcher *d, mono_ms now, uint64_t worker, job_id job);

void dispatcher_drain(struct dispatcher *d, mono_ms now, mono_ms deadline);
bool dispatcher_is_idle(const struct dispatcher *d); /* no job in the book */

/* Time passed. Early or late calls are harmless. */
void dispatcher_tick(struct dispatcher *d, mono_ms now);
mono_ms dispatcher_deadline(const struct dispatcher *d);

/* Takes the next effect; false when there is none. To be called until false after each of the calls
 * above. */
bool dispatcher_next_effect(struct dispatcher *d, struct effect *ret_effect);

/* For the report of a death, before dispatcher_worker_gone(): the job in hand, 0 when none; its
 * attempts before this death. Of a worker that is being killed: the job it was killed for, which
 * may have ended meanwhile. */
job_id dispatcher_in_hand(const struct dispatcher *d, uint64_t worker, uint32_t *ret_attempts);

const struct job_counters *dispatcher_counters(const struct dispatcher *d);
uint32_t dispatcher_queued(const struct dispatcher *d);
uint32_t dispatcher_in_flight(const struct dispatcher *d);
uint32_t dispatcher_users(const struct dispatcher *d); /* uids with jobs in the book */

/* How long there was no worker that takes jobs, after there had been one: at most so many ms; 0: at no moment. */
struct worker_gap {
	mono_ms longest;   /* since the start */
	mono_ms of_switch; /* since dispatcher_service_up() */
	uint32_t switches; /* that are over: only the current epoch's workers take jobs */
	bool is_switching; /* one is not */
};
struct worker_gap dispatcher_gap(const struct dispatcher *d, mono_ms now);

/* Fills up to `max` views; returns how many. */
unsigned dispatcher_workers(const struct dispatcher *d, struct worker_view *views, unsigned max);

/* Index in the book: dense, below settings.jobs; what the shell indexes its own table of files
 * with. */
uint32_t job_index(job_id job);

#endif
