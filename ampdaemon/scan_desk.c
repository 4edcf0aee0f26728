/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/scan_desk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define WORKER_DEPTH 4
#define WORKER_DEPTH_BYTES (1u << 20)
#define MIN_SHARE 64      /* one full window of a client */
#define NOT_READY_LIMIT 3 /* workers in a row that hung in birth: the service itself is rotten */
/* Or that failed in it: with the dispatcher's back-off some ten seconds. A storage that was unmounted comes back only
 * with a new service. */
#define FAILED_BIRTH_LIMIT 8

struct entry {
	job_id job;
	uint64_t client, file;
	uint8_t *path; /* NULL: the entry is free */
	size_t path_len;
	int fd;
};

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
	uint64_t incarnation;
	size_t path_bytes;
	bool draining, pumping;
	unsigned handles_open;
	unsigned hung_births, failed_births;
	const struct scan_result *result; /* of the answer that is being handled */
	struct entry entries[DESK_JOBS];
};

/* ---- carrying out effects ---- */

static void release(struct scan_desk *desk, struct entry *entry)
{
	desk->path_bytes -= entry->path_len;
	free(entry->path);
	late_close(entry->fd);
	*entry = (struct entry){.fd = -1};
}

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
	struct entry *entry = &desk->entries[job_index(effect->job)];
	struct file_result result = {.file = entry->file, .detail = ""};

	if (effect->end.answered) {
		fill_answered(desk->result, &result);
	} else {
		result.verdict = effect->end.verdict;
		result.reason = effect->end.reason;
	}
	result.generation = supervisor_generation(desk->supervisor);
	if (result.verdict != VERDICT_NONE) /* else it was cancelled */
		desk->callbacks.on_result(desk->context, entry->client,
					  span_of(entry->path, entry->path_len), &result);
	release(desk, entry);
}

static void send_job(struct scan_desk *desk, const struct effect *effect)
{
	const struct entry *entry = &desk->entries[job_index(effect->job)];

	if (scan_link_send(desk->link, effect->worker, effect->job, entry->fd))
		dispatcher_send_failed(desk->dispatcher, clock_mono_ms(), effect->worker,
				       effect->job);
}

static void kill_worker(struct scan_desk *desk, const struct effect *effect)
{
	log_warning("scan worker %llu %s; it is killed", (unsigned long long)effect->worker,
		    death_cause_name(effect->cause));
	scan_link_kill(desk->link, effect->worker, effect->cause);
	if (effect->cause == DEATH_NOT_READY && ++desk->hung_births >= NOT_READY_LIMIT) {
		desk->hung_births = 0;
		supervisor_replace(desk->supervisor, "its workers do not become ready");
	}
}

static void carry_out(struct scan_desk *desk, const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_ORDER_WORKER:
		scan_link_order(desk->link, effect->worker, desk->incarnation);
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

/* Effects can cause events that cause effects: one loop takes them all, whoever was first. */
static void pump(struct scan_desk *desk)
{
	struct effect effect;

	if (desk->pumping)
		return;
	desk->pumping = true;
	while (dispatcher_next_effect(desk->dispatcher, &effect))
		carry_out(desk, &effect);
	desk->pumping = false;
	arm(desk);
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

	desk->hung_births = desk->failed_births = 0;
	dispatcher_worker_ready(desk->dispatcher, clock_mono_ms(), worker);
	pump(desk);
}

/* The result lives in the packet's arena, so its FINISH is carried out before this returns. */
static int on_result(void *context, uint64_t worker, const struct scan_result *result)
{
	struct scan_desk *desk = context;
	int r = dispatcher_answered(desk->dispatcher, clock_mono_ms(), worker, result->job,
				    result->verdict);

	if (r)
		return r;
	desk->result = result;
	pump(desk);
	desk->result = NULL;
	return 0;
}

static void on_gone(void *context, uint64_t worker, enum death_cause cause)
{
	struct scan_desk *desk = context;

	dispatcher_worker_gone(desk->dispatcher, clock_mono_ms(), worker, cause);
	/* One that was ready and then gave up counts too; the next that is ready clears it. */
	if ((cause == DEATH_NOT_READY || cause == DEATH_NOTICE) &&
	    ++desk->failed_births >= FAILED_BIRTH_LIMIT) {
		desk->failed_births = 0;
		supervisor_replace(desk->supervisor, "its workers cannot be born");
	}
	pump(desk);
}

static struct span in_hand(void *context, uint64_t worker, job_id *ret_job, uint32_t *ret_attempt)
{
	struct scan_desk *desk = context;
	uint32_t attempts = 0;
	job_id job = dispatcher_in_hand(desk->dispatcher, worker, &attempts);
	const struct entry *entry = &desk->entries[job_index(job)];

	if (!job ||
	    entry->job != job) /* the job that a worker was killed for may have ended since */
		return (struct span){0};
	*ret_job = job;
	*ret_attempt = attempts + 1;
	return span_of(entry->path, entry->path_len);
}

static const struct scan_link_callbacks link_callbacks = {
	.on_ready = on_ready, .on_result = on_result, .on_gone = on_gone, .in_hand = in_hand};

/* ---- outside ---- */

static struct dispatcher *make_dispatcher(const struct configuration *configuration)
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
	};

	return dispatcher_new(&settings, clock_mono_ms());
}

struct scan_desk *desk_new(uv_loop_t *loop, const struct configuration *configuration,
			   struct supervisor *supervisor, struct journal *journal,
			   const struct desk_callbacks *callbacks, void *context)
{
	struct scan_desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return NULL;
	desk->dispatcher = make_dispatcher(configuration);
	desk->link = scan_link_new(loop, supervisor, journal, &link_callbacks, desk);
	if (!desk->dispatcher || !desk->link || uv_timer_init(loop, &desk->timer)) {
		dispatcher_free(desk->dispatcher);
		scan_link_free(desk->link);
		free(desk);
		return NULL;
	}
	(void)uv_check_init(loop, &desk->pump); /* cannot fail */
	desk->loop = loop;
	desk->timer.data = desk->pump.data = desk;
	desk->handles_open = 2;
	desk->supervisor = supervisor;
	desk->callbacks = *callbacks;
	desk->context = context;
	for (unsigned i = 0; i < DESK_JOBS; i++)
		desk->entries[i].fd = -1;
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
	scan_link_free(desk->link);
	dispatcher_free(desk->dispatcher);
	for (unsigned i = 0; i < DESK_JOBS; i++) {
		if (desk->entries[i].path)
			release(desk, &desk->entries[i]);
	}
	uv_close((uv_handle_t *)&desk->timer, on_closed);
	uv_close((uv_handle_t *)&desk->pump, on_closed);
	return NULL;
}

bool desk_has_room(const struct scan_desk *desk, uint32_t uid)
{
	return !desk->draining && desk->path_bytes < DESK_PATH_BYTES &&
	       dispatcher_room(desk->dispatcher, uid) > 0;
}

int desk_submit(struct scan_desk *desk, const struct desk_file *file)
{
	struct job_request request = {.priority = file->priority,
				      .uid = file->uid,
				      .owner = file->client,
				      .bytes = file->bytes};
	uint8_t *path = malloc(file->path.len + 1);
	struct entry *entry;
	job_id job;
	int r = -ENOMEM;

	if (path)
		r = dispatcher_submit(desk->dispatcher, clock_mono_ms(), &request, &job);
	if (r) {
		free(path);
		late_close(file->fd);
		return r;
	}
	if (file->path.len)
		memcpy(path, file->path.data, file->path.len);
	entry = &desk->entries[job_index(job)];
	*entry = (struct entry){.job = job,
				.client = file->client,
				.file = file->file,
				.path = path,
				.path_len = file->path.len,
				.fd = file->fd};
	desk->path_bytes += entry->path_len;
	(void)uv_check_start(&desk->pump, on_pump); /* cannot fail with a callback */
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

void desk_service_up(struct scan_desk *desk, uint64_t incarnation)
{
	desk->incarnation = incarnation;
	dispatcher_service_up(desk->dispatcher, clock_mono_ms());
	pump(desk);
}

void desk_service_lost(struct scan_desk *desk)
{
	scan_link_forget_all(desk->link);
	dispatcher_service_lost(desk->dispatcher, clock_mono_ms());
	pump(desk);
}

void desk_worker_exited(struct scan_desk *desk, uint64_t worker, uint32_t status)
{
	scan_link_note_exit(desk->link, worker, status);
}

const struct dispatcher *desk_dispatcher(const struct scan_desk *desk)
{
	return desk->dispatcher;
}

const struct scan_link *desk_link(const struct scan_desk *desk)
{
	return desk->link;
}
