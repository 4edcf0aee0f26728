/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/scan_desk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/epoch_book.h"
#include "ampdaemon/file_book.h"
#include "ampdaemon/unscannable_keep.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define WORKER_DEPTH 4
#define WORKER_DEPTH_BYTES (1u << 20)
#define MIN_SHARE 64 /* one full window of a client */

struct scan_desk {
	uv_loop_t *loop;
	uv_timer_t timer;
	uv_check_t
		pump; /* effects that a submit caused are carried out after the packets of a turn */
	struct dispatcher *dispatcher;
	struct scan_link *link;
	struct supervisor *supervisor;
	struct desk_callbacks callbacks;
	void *context;
	struct digest_desk *digests;
	struct unscannable_keep *keep;
	struct epoch_book epochs;
	bool draining, pumping;
	bool handed_over; /* the next image has the workers: nothing happens any more */
	unsigned handles_open;
	const struct scan_result *result; /* of the answer that is being handled */
	struct file_book files;
};

/* ---- files that are not scanned ---- */

static enum unscannable_answer ask(struct scan_desk *desk, const struct filed *filed)
{
	if (!filed->has_identity)
		return UNSCANNABLE_NO;
	return unscannable_ask(unscannable_keep_table(desk->keep), &filed->identity,
			       desk->epochs.generation);
}

static void refuse(struct scan_desk *desk, const struct filed *filed)
{
	dispatcher_refuse(desk->dispatcher, clock_mono_ms(), filed->job, VERDICT_FAILED,
			  SCAN_REASON_UNSCANNABLE);
}

static void pump(struct scan_desk *desk);

/* Without a digest nothing is known against the file: it is scanned. */
static void on_digest(void *context, uint64_t job, int error,
		      const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	struct scan_desk *desk = context;
	struct filed *filed = file_book_find(&desk->files, job);

	if (!filed)
		return; /* it has ended meanwhile */
	filed->awaits_digest = false;
	if (!error && unscannable_ask_digest(unscannable_keep_table(desk->keep), &filed->identity,
					     digest, desk->epochs.generation))
		refuse(desk, filed);
	else
		dispatcher_release(desk->dispatcher, clock_mono_ms(), job);
	pump(desk);
}

/* The job is held. */
static void ask_digest(struct scan_desk *desk, struct filed *filed)
{
	filed->awaits_digest =
		!digest_desk_ask(desk->digests, filed->fd, filed->job, on_digest, desk);
	if (!filed->awaits_digest)
		dispatcher_release(desk->dispatcher, clock_mono_ms(), filed->job);
}

/* Who waits was judged by other definitions, or before there were any. */
static void judge_again(struct scan_desk *desk)
{
	for (unsigned i = 0; i < DESK_JOBS; i++) {
		struct filed *filed = &desk->files.files[i];
		enum unscannable_answer answer;

		if (!filed->path || filed->awaits_digest)
			continue;
		answer = ask(desk, filed);
		if (answer == UNSCANNABLE_YES)
			refuse(desk, filed);
		else if (answer == UNSCANNABLE_ASK_HASH &&
			 dispatcher_hold(desk->dispatcher, clock_mono_ms(), filed->job))
			ask_digest(desk, filed);
	}
}

/* The same file may wait once more, for another client. */
static void refuse_others(struct scan_desk *desk, const struct file_identity *identity)
{
	for (unsigned i = 0; i < DESK_JOBS; i++) {
		const struct filed *other = &desk->files.files[i];

		if (other->path && other->has_identity &&
		    file_identity_equals(&other->identity, identity))
			refuse(desk, other);
	}
}

static void condemn(struct scan_desk *desk, const struct filed *filed, const struct job_end *end,
		    enum death_cause cause)
{
	struct unscannable_failure failure = {
		.identity = filed->identity,
		.generation = epoch_book_generation(&desk->epochs, end->epoch),
		.cause = cause,
		.attempts = end->attempts,
		.path = filed_path(filed),
		.fd = filed->fd,
	};

	/* Two jobs of one file may fail at the same time: it is told once. */
	if (unscannable_knows(unscannable_keep_table(desk->keep), &failure.identity,
			      failure.generation))
		return;
	unscannable_keep_add(desk->keep, &failure);
	if (failure.generation == desk->epochs.generation)
		refuse_others(desk, &filed->identity);
}

/* ---- carrying out effects ---- */

static void fill_answered(const struct scan_result *from, struct file_result *result)
{
	result->verdict = from->verdict;
	result->reason = from->reason;
	result->detail = from->detail;
	result->n_threats = from->n_threats;
	memcpy(result->threats, from->threats, sizeof(result->threats));
	result->bytes = from->bytes;
	result->us = from->scan_us;
}

static void finish(struct scan_desk *desk, const struct effect *effect)
{
	struct filed *filed = &desk->files.files[job_index(effect->job)];
	enum death_cause cause;
	struct file_result result = {.file = filed->file, .detail = ""};

	if (effect->end.answered) {
		fill_answered(desk->result, &result);
	} else {
		result.verdict = effect->end.verdict;
		result.reason = effect->end.reason;
		scan_link_settled(desk->link, effect->job);
	}
	result.generation = epoch_book_generation(&desk->epochs, effect->end.epoch);
	if (filed->has_identity && unscannable_is_failure(&effect->end, &cause))
		condemn(desk, filed, &effect->end, cause);
	if (result.verdict != VERDICT_NONE) /* else it was cancelled */
		desk->callbacks.on_result(desk->context, filed->client, filed_path(filed), &result);
	if (effect->end.answered ||
	    (result.verdict != VERDICT_NONE && result.reason != SCAN_REASON_UNSCANNABLE))
		desk->callbacks.on_scanned(desk->context,
					   effect->end.answered &&
						   verdict_is_judgement(result.verdict));
	file_book_drop(&desk->files, filed);
}

static void send_job(struct scan_desk *desk, const struct effect *effect)
{
	const struct filed *filed = &desk->files.files[job_index(effect->job)];

	if (scan_link_send(desk->link, effect->worker, effect->job, filed->fd))
		dispatcher_send_failed(desk->dispatcher, clock_mono_ms(), effect->worker,
				       effect->job);
}

static void kill_worker(struct scan_desk *desk, const struct effect *effect)
{
	log_warning("scan worker %llu %s; it is killed", (unsigned long long)effect->worker,
		    death_cause_name(effect->cause));
	scan_link_kill(desk->link, effect->worker, effect->cause);
	if (effect->cause == DEATH_NOT_READY && epoch_book_hung(&desk->epochs, effect->epoch))
		supervisor_kill(desk->supervisor, effect->epoch, "its workers do not become ready");
}

static void carry_out(struct scan_desk *desk, const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_ORDER_WORKER:
		scan_link_order(desk->link, effect->worker, effect->epoch);
		break;
	case EFFECT_SEND_JOB:
		send_job(desk, effect);
		break;
	case EFFECT_FINISH_JOB:
		finish(desk, effect);
		break;
	case EFFECT_KILL_WORKER:
		kill_worker(desk, effect);
		break;
	case EFFECT_RETIRE_WORKER:
		scan_link_retire(desk->link, effect->worker);
		break;
	}
}

static void on_timer(uv_timer_t *timer);

static void arm(struct scan_desk *desk)
{
	mono_ms deadline = dispatcher_deadline(desk->dispatcher), now = clock_mono_ms();

	if (deadline == MONO_NEVER)
		(void)uv_timer_stop(&desk->timer); /* cannot fail */
	else
		(void)uv_timer_start(&desk->timer, on_timer,
				     deadline > now ? (uint64_t)(deadline - now) : 0, 0);
}

static void tell_drained(struct scan_desk *desk)
{
	for (unsigned i = 0; i < EPOCH_NOTES; i++) {
		struct epoch_note *note = &desk->epochs.notes[i];

		if (!note->lives || !note->outgoing || note->drained ||
		    !dispatcher_epoch_is_empty(desk->dispatcher, note->epoch))
			continue;
		note->drained = true;
		desk->callbacks.on_drained(desk->context, note->epoch);
	}
}

/* Effects can cause events that cause effects: one loop takes them all, whoever was first. */
static void pump(struct scan_desk *desk)
{
	struct effect effect;

	if (desk->pumping || desk->handed_over)
		return;
	desk->pumping = true;
	while (dispatcher_next_effect(desk->dispatcher, &effect))
		carry_out(desk, &effect);
	desk->pumping = false;
	arm(desk);
	tell_drained(desk);
	desk->callbacks.on_room(desk->context);
	if (desk->draining && dispatcher_is_idle(desk->dispatcher))
		desk->callbacks.on_idle(desk->context);
}

static void on_timer(uv_timer_t *timer)
{
	struct scan_desk *desk = timer->data;

	dispatcher_tick(desk->dispatcher, clock_mono_ms());
	pump(desk);
}

static void on_pump(uv_check_t *check)
{
	struct scan_desk *desk = check->data;

	(void)uv_check_stop(check); /* cannot fail */
	pump(desk);
}

/* ---- events from the workers ---- */

static void on_ready(void *context, uint64_t worker)
{
	struct scan_desk *desk = context;

	epoch_book_born(&desk->epochs, dispatcher_epoch_of(desk->dispatcher, worker));
	dispatcher_worker_ready(desk->dispatcher, clock_mono_ms(), worker);
	pump(desk);
}

/* The result lives in the packet's arena, so its FINISH is carried out before this returns. */
static int on_result(void *context, uint64_t worker, const struct scan_result *result)
{
	struct scan_desk *desk = context;
	struct scan_result said = *result;
	uint64_t from = dispatcher_epoch_of(desk->dispatcher, worker);
	int r;

	/* "Found nothing" with a handful of signatures in place of the real ones is not CLEAN. */
	if (said.verdict == VERDICT_CLEAN && supervisor_look(desk->supervisor, from).is_makeshift) {
		said.verdict = VERDICT_INCOMPLETE;
		said.reason = SCAN_REASON_MAKESHIFT;
	}
	r = dispatcher_answered(desk->dispatcher, clock_mono_ms(), worker, said.job, said.verdict);
	if (r)
		return r;
	desk->result = &said;
	pump(desk);
	desk->result = NULL;
	return 0;
}

static void on_gone(void *context, uint64_t worker, enum death_cause cause)
{
	struct scan_desk *desk = context;
	uint64_t epoch = dispatcher_epoch_of(desk->dispatcher, worker);

	dispatcher_worker_gone(desk->dispatcher, clock_mono_ms(), worker, cause);
	/* One that was ready and then gave up counts too; the next that is ready clears it. */
	if ((cause == DEATH_NOT_READY || cause == DEATH_NOTICE) &&
	    epoch_book_failed(&desk->epochs, epoch))
		supervisor_kill(desk->supervisor, epoch, "its workers cannot be born");
	pump(desk);
}

static struct span in_hand(void *context, uint64_t worker, job_id *ret_job, uint32_t *ret_attempt,
			   int *ret_file)
{
	struct scan_desk *desk = context;
	uint32_t attempts = 0;
	job_id job = dispatcher_in_hand(desk->dispatcher, worker, &attempts);
	const struct filed *filed = file_book_find(&desk->files, job);

	if (!filed) /* the job that a worker was killed for may have ended since */
		return (struct span){0};
	*ret_job = job;
	*ret_attempt = attempts + 1;
	*ret_file = filed->fd;
	return filed_path(filed);
}

static void on_certificate(void *context, const struct death_certificate *certificate)
{
	struct scan_desk *desk = context;

	desk->callbacks.on_certificate(desk->context, certificate);
}

static const struct scan_link_callbacks link_callbacks = {
	.on_ready = on_ready,
	.on_result = on_result,
	.on_gone = on_gone,
	.in_hand = in_hand,
	.on_certificate = on_certificate,
};

/* ---- outside ---- */

static struct dispatcher *make_dispatcher(const struct configuration *configuration,
					  uint32_t first_serial, uint64_t first_worker)
{
	struct dispatcher_settings settings = {
		.jobs = DESK_JOBS,
		.active = configuration->scan_workers,
		.depth = WORKER_DEPTH,
		.depth_bytes = WORKER_DEPTH_BYTES,
		.recycle_jobs = configuration->recycle_jobs,
		.scan_ms = configuration->scan_timeout_ms,
		.queue_ms = DESK_QUEUE_MS,
		.outage_ms = DESK_OUTAGE_MS,
		.worker_ms = BIRTH_WORKER_LIMIT_MS,
		.min_share = MIN_SHARE,
		.first_serial = first_serial,
		.first_worker = first_worker,
	};

	return dispatcher_new(&settings, clock_mono_ms());
}

/* Who is told last is freed first: no digest comes for who is gone. */
static void free_parts(struct scan_desk *desk)
{
	desk->digests = digest_desk_free(desk->digests);
	desk->link = scan_link_free(desk->link);
	desk->keep = unscannable_keep_free(desk->keep);
	desk->dispatcher = dispatcher_free(desk->dispatcher);
	file_book_done(&desk->files);
}

static bool make_parts(struct scan_desk *desk, const struct desk_origin *origin)
{
	desk->dispatcher =
		make_dispatcher(origin->configuration, origin->first_serial, origin->first_worker);
	desk->digests = digest_desk_new(desk->loop, origin->configuration->max_scan_file_size);
	if (!desk->dispatcher || !desk->digests || !file_book_init(&desk->files, DESK_JOBS))
		return false;
	desk->link =
		scan_link_new(desk->loop, origin->supervisor, desk->digests, &link_callbacks, desk);
	desk->keep = unscannable_keep_new(origin->journal, desk->digests);
	return desk->link && desk->keep;
}

struct scan_desk *desk_new(uv_loop_t *loop, const struct desk_origin *origin,
			   const struct desk_callbacks *callbacks, void *context)
{
	struct scan_desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return NULL;
	desk->loop = loop;
	desk->supervisor = origin->supervisor;
	desk->callbacks = *callbacks;
	desk->context = context;
	if (!make_parts(desk, origin) || uv_timer_init(loop, &desk->timer)) {
		free_parts(desk);
		free(desk);
		return NULL;
	}
	(void)uv_check_init(loop, &desk->pump); /* cannot fail */
	desk->timer.data = desk->pump.data = desk;
	desk->handles_open = 2;
	return desk;
}

static void on_closed(uv_handle_t *handle)
{
	struct scan_desk *desk = handle->data;

	if (--desk->handles_open == 0)
		free(desk);
}

struct scan_desk *desk_free(struct scan_desk *desk)
{
	if (!desk)
		return NULL;
	free_parts(desk);
	uv_close((uv_handle_t *)&desk->timer, on_closed);
	uv_close((uv_handle_t *)&desk->pump, on_closed);
	return NULL;
}

bool desk_has_room(const struct scan_desk *desk, uint32_t uid)
{
	return !desk->draining && desk->files.path_bytes < DESK_PATH_BYTES &&
	       dispatcher_room(desk->dispatcher, uid) > 0;
}

static void take_in(struct scan_desk *desk, const struct filed *described,
		    enum unscannable_answer answer)
{
	struct filed *filed = file_book_put(&desk->files, described);

	if (answer == UNSCANNABLE_YES)
		refuse(desk, filed);
	else if (answer == UNSCANNABLE_ASK_HASH)
		ask_digest(desk, filed);
	(void)uv_check_start(&desk->pump, on_pump); /* cannot fail with a callback */
}

int desk_submit(struct scan_desk *desk, const struct desk_file *file)
{
	struct filed filed = filed_of(file->client, file->file, file->path, file->fd);
	struct job_request request = {.priority = file->priority,
				      .uid = file->uid,
				      .owner = file->client,
				      .bytes = file->bytes};
	enum unscannable_answer answer;
	int r = -ENOMEM;

	filed.has_identity = unscannable_identify(file->fd, file->uid, &filed.identity) == 0;
	answer = ask(desk, &filed);
	request.held = answer != UNSCANNABLE_NO;
	if (filed.path)
		r = dispatcher_submit(desk->dispatcher, clock_mono_ms(), &request, &filed.job);
	if (r) {
		free(filed.path);
		late_close(file->fd);
		return r;
	}
	take_in(desk, &filed, answer);
	return 0;
}

void desk_cancel(struct scan_desk *desk, uint64_t client)
{
	dispatcher_cancel_owner(desk->dispatcher, clock_mono_ms(), client);
	(void)uv_check_start(&desk->pump,
			     on_pump); /* the caller may be in the middle of its own end */
}

void desk_drain(struct scan_desk *desk, mono_ms deadline)
{
	desk->draining = true;
	dispatcher_drain(desk->dispatcher, clock_mono_ms(), deadline);
	pump(desk);
}

void desk_service_up(struct scan_desk *desk, uint64_t incarnation, uint64_t generation)
{
	if (epoch_book_serve(&desk->epochs, incarnation, generation))
		judge_again(desk);
	dispatcher_service_up(desk->dispatcher, clock_mono_ms(), incarnation);
	pump(desk);
}

void desk_service_standby(struct scan_desk *desk, uint64_t incarnation, uint64_t generation)
{
	epoch_book_stand_by(&desk->epochs, incarnation, generation);
	dispatcher_service_standby(desk->dispatcher, clock_mono_ms(), incarnation);
	pump(desk);
}

void desk_service_lost(struct scan_desk *desk, uint64_t incarnation)
{
	epoch_book_lose(&desk->epochs, incarnation);
	scan_link_forget(desk->link, incarnation);
	dispatcher_service_lost(desk->dispatcher, clock_mono_ms(), incarnation);
	pump(desk);
}

/* ---- restart in place ---- */

/* What a worker was sent and has not answered, this image's jobs and those of the one before. */
static void fill_owed(struct scan_desk *desk, struct worker_handover *worker)
{
	struct worker_view views[LIMIT_WORKERS];
	unsigned n = dispatcher_workers(desk->dispatcher, views, LIMIT_WORKERS);

	for (unsigned i = 0; i < n; i++) {
		if (views[i].worker != worker->worker)
			continue;
		worker->answered = views[i].answered;
		worker->owed = views[i].held + views[i].owed;
	}
}

void desk_let_go(struct scan_desk *desk)
{
	pump(desk); /* cancelled jobs that no worker has end here */
	file_book_let_go(&desk->files);
}

unsigned desk_files_read(const struct scan_desk *desk, unsigned *ret_stuck)
{
	return digest_desk_under_way(desk->digests, ret_stuck);
}

unsigned desk_hand_over(struct scan_desk *desk, uint64_t incarnation,
			struct worker_handover *workers, unsigned max)
{
	unsigned n;

	pump(desk); /* what is decided is sent: then each worker's jobs are what it owes */
	desk->handed_over = true;
	desk->digests = digest_desk_free(desk->digests);
	n = scan_link_hand_over(desk->link, incarnation, workers, max);
	for (unsigned i = 0; i < n; i++)
		fill_owed(desk, &workers[i]);
	desk->keep = unscannable_keep_free(desk->keep);
	file_book_clear(&desk->files);
	(void)uv_timer_stop(&desk->timer); /* neither can fail */
	(void)uv_check_stop(&desk->pump);
	return n;
}

int desk_adopt(struct scan_desk *desk, const struct worker_handover *worker)
{
	struct adopted_worker adopted = {.worker = worker->worker,
					 .epoch = worker->incarnation,
					 .answered = worker->answered,
					 .owed = worker->owed};
	int r = scan_link_adopt(desk->link, worker);

	if (r)
		return r;
	r = dispatcher_adopt(desk->dispatcher, clock_mono_ms(), &adopted);
	if (r)
		scan_link_kill(desk->link, worker->worker, DEATH_REQUESTED);
	return r;
}

void desk_adopt_counters(struct scan_desk *desk, const struct job_counters *counters)
{
	dispatcher_adopt_counters(desk->dispatcher, counters);
}

void desk_worker_exited(struct scan_desk *desk, uint64_t worker, uint32_t status)
{
	scan_link_note_exit(desk->link, worker, status);
}

const struct unscannable *desk_unscannable(const struct scan_desk *desk)
{
	return unscannable_keep_table(desk->keep);
}

const struct dispatcher *desk_dispatcher(const struct scan_desk *desk)
{
	return desk->dispatcher;
}

const struct scan_link *desk_link(const struct scan_desk *desk)
{
	return desk->link;
}
