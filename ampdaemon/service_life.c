/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/service_life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/service_line.h"
#include "ampdaemon/service_process.h"
#include "ampdaemon/trust_anchors.h"
#include "base/exit_code.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/peer.h"

struct service_life {
	struct life_base *base;
	uv_timer_t timer;
	struct service_machine machine;
	struct service_line line;

	/* The present process. */
	struct life_order order;
	struct service_process process;
	uint64_t pings;
	uint64_t
		foreign_ping; /* of the image before this one: its answer may still come; 0: none */
	bool channel_ended;   /* by the service */
	enum death_cause cause;       /* of the end of one that was up */
	bool problem_known;           /* else its end says what was wrong */
	struct birth_problem problem; /* text: also why one that was up is ended */

	/* What it said; kept until the next process says otherwise. */
	struct service_report report;
	uint64_t violations;
};

static void step(struct service_life *l, enum service_event event);

/* ---- birth ---- */

static void send_start(struct service_life *l)
{
	const struct configuration *c = l->base->configuration;
	struct trust_anchors anchors;
	struct to_service message = {
		.kind = TO_SERVICE_START,
		.start = {
			.protocol = AMP_PROTOCOL_VERSION,
			.incarnation = l->order.incarnation,
			.generation = l->order.generation,
			.uid = l->order.account.uid,
			.gid = l->order.account.gid,
			.temp_bytes = c->temp_bytes,
			.temp_inodes = c->temp_inodes,
			.memory_bytes = c->worker_memory_bytes,
			.max_file_bytes = c->max_scan_file_size,
			.max_scan_bytes = c->max_archive_scan_size,
			.max_files = 10000,
			.max_recursion = 17,
			/* The engine stops itself first: its answer names the limit. */
			.max_scan_ms = c->scan_timeout_ms - c->scan_timeout_ms / 10,
			.canary_every = c->canary_every,
			.has_definitions = l->order.source == SOURCE_CONFIGURED,
			.is_generation = l->order.has_directory,
		}};

	(void)trust_anchors_read(c->certs_dir, &anchors); /* none is no fault: it has told */
	message.start.trust_anchors = span_of(anchors.bytes, anchors.len);
	service_line_insist(&l->line, &message);
}

/* Takes both. */
static int watch(struct service_life *l, const struct spawned *child, int socket)
{
	int r = service_line_open(&l->line, socket, l->order.incarnation);

	if (!r)
		r = service_process_take(&l->process, l->base->loop, child->pid, child->pidfd);
	if (!r)
		return 0;
	(void)spawn_end(child->pidfd); /* a newborn has opened nothing that could hang */
	l->problem.failure = BIRTH_FAILURE_MEMORY;
	(void)snprintf(l->problem.text, sizeof(l->problem.text), "the daemon is out of memory");
	return r;
}

static void forget_before(struct service_life *l)
{
	l->channel_ended = l->problem_known = false;
	l->cause = DEATH_NOT_READY;
	l->problem = (struct birth_problem){.failure = BIRTH_FAILURE_OTHER};
	l->foreign_ping = 0;
	service_report_begin(&l->report);
}

static int prepare(struct service_life *l)
{
	if (left_behind_has_place(&l->base->left_behind))
		return l->base->callbacks->on_birth(l->base->context, l, &l->order, &l->problem);
	(void)snprintf(
		l->problem.text, sizeof(l->problem.text),
		"%d earlier ones cannot be ended: the storage of a file that they scan hangs",
		LEFT_BEHIND_LIMIT);
	return -EBUSY;
}

static int spawn(struct service_life *l)
{
	struct birth_request request = {.configuration = l->base->configuration,
					.installation = l->base->installation,
					.definitions = -1};
	struct spawned child;
	int socket, r;

	forget_before(l);
	l->order.has_directory = false;
	r = prepare(l);
	if (r)
		return r;
	service_process_renew_words(&l->process);
	request.source = l->order.source;
	request.last_words = l->process.last_words;
	if (l->order.has_directory)
		request.definitions = l->order.directory;
	r = service_birth(&request, &child, &socket, &l->problem);
	if (l->order.has_directory)
		(void)close(l->order.directory);
	if (r)
		return r;
	r = watch(l, &child, socket);
	if (r)
		return r;
	log_info("scan service %d started (incarnation %llu)", l->process.pid,
		 (unsigned long long)l->order.incarnation);
	send_start(l);
	return 0;
}

/* ---- death ---- */

/* What it said itself, or what we killed it for, says more than its status. */
static void describe_end(struct service_life *l, uint32_t status)
{
	if (!l->problem_known)
		service_birth_problem_of_end(status, l->order.need, &l->problem);
	l->problem_known = true;
}

static void record_end(struct service_life *l, int64_t pid, uint32_t status)
{
	struct event event = {.type = EVENT_SERVICE_ENDED, .body = EVENT_BODY_SERVICE};

	event.service.incarnation = l->order.incarnation;
	event.service.pid = (uint32_t)pid;
	event.service.status = status;
	event.service.reason = l->problem.text;
	journal_record(l->base->journal, &event);
}

/* Only of one that was up and had not been told to end: births that fail are the plan of cure's. */
static void certify(struct service_life *l, int64_t pid, const uint32_t *status)
{
	struct death_certificate certificate = {
		.is_service = true,
		.failure = FAILURE_UNEXPLAINED,
		.cause = l->cause,
		.incarnation = l->order.incarnation,
		.pid = (uint32_t)pid,
		.has_status = status != NULL,
		.status = status ? *status : 0,
		.detail = l->problem.text,
	};

	if (l->machine.up_since != MONO_NEVER && l->cause != DEATH_REQUESTED)
		l->base->callbacks->on_certificate(l->base->context, &certificate);
}

/* The certificate comes last: whoever reads it may ask for another service. */
static void on_process_end(void *context)
{
	struct service_life *l = context;
	int64_t pid = l->process.pid;
	uint32_t status;

	if (!service_process_bury(&l->process, &status))
		return;
	service_line_close(&l->line);
	describe_end(l, status);
	if (l->machine.wanted)
		log_error("scan service %lld ended: %s; it is started again", (long long)pid,
			  l->problem.text);
	else
		log_notice("scan service %lld ended", (long long)pid);
	record_end(l, pid, status);
	step(l, SERVICE_EVENT_EXITED);
	certify(l, pid, &status);
	if (!l->process.pid) /* else it is the next life's memory already */
		service_process_forget_words(&l->process);
}

/* It does not end: its storage hangs. The next process starts beside it, and it is buried when it ends after all. */
static void abandon(struct service_life *l)
{
	int64_t pid = l->process.pid;

	log_error(
		"scan service %lld cannot be ended: the storage of a file that it scans hangs; it is left behind",
		(long long)pid);
	left_behind_add(&l->base->left_behind, service_process_release(&l->process));
	service_line_close(&l->line);
	certify(l, pid, NULL);
}

/* ---- the machine's effects ---- */

static void send_ping(struct service_life *l)
{
	struct to_service message = {.kind = TO_SERVICE_PING, .ping = ++l->pings};

	service_line_insist(&l->line, &message);
}

static void try_spawn(struct service_life *l)
{
	if (!spawn(l))
		return;
	l->problem_known = true;
	log_error("scan service cannot be started: %s; it is tried again", l->problem.text);
	service_line_close(&l->line);
	step(l, SERVICE_EVENT_EXITED);
}

static void on_timer(uv_timer_t *timer)
{
	step(timer->data, SERVICE_EVENT_DEADLINE);
}

static void arm(struct service_life *l)
{
	mono_ms deadline = service_machine_deadline(&l->machine);
	mono_ms now = clock_mono_ms();

	if (deadline == MONO_NEVER)
		(void)uv_timer_stop(&l->timer); /* cannot fail */
	else
		(void)uv_timer_start(&l->timer, on_timer,
				     deadline > now ? (uint64_t)(deadline - now) : 0, 0);
}

/* Before the effects are done: they change what it is about. */
static void note_silence(struct service_life *l, enum service_state before)
{
	if (before == SERVICE_UP)
		l->cause = DEATH_DEADLINE;
	l->problem_known = true;
	l->problem.failure = BIRTH_FAILURE_HANG;
	(void)snprintf(l->problem.text, sizeof(l->problem.text),
		       "it was silent for too long while %s", service_state_name(before));
}

static void end_effects(struct service_life *l, unsigned effects)
{
	if (effects & SERVICE_EFFECT_LOST)
		l->base->callbacks->on_lost(l->base->context, l);
	if (effects & (SERVICE_EFFECT_KILL | SERVICE_EFFECT_CLOSE))
		service_line_close(&l->line);
	if (effects & SERVICE_EFFECT_KILL)
		service_process_kill(&l->process);
	if (effects & SERVICE_EFFECT_ABANDON)
		abandon(l);
}

/* Callbacks and births step again from within: what is told after them was looked up before. */
static void step(struct service_life *l, enum service_event event)
{
	const struct life_callbacks *callbacks = l->base->callbacks;
	enum service_state before = l->machine.state;
	uint32_t failed_before = l->machine.births_failed;
	unsigned effects = service_machine_step(&l->machine, event, clock_mono_ms());
	bool failed = l->machine.births_failed > failed_before;
	bool down = before != SERVICE_DOWN && l->machine.state == SERVICE_DOWN;

	if (effects & SERVICE_EFFECT_KILL && !l->problem_known && !l->channel_ended)
		note_silence(l, before);
	end_effects(l, effects);
	if (effects & SERVICE_EFFECT_SPAWN)
		try_spawn(l);
	if (effects & SERVICE_EFFECT_UP)
		callbacks->on_up(l->base->context, l);
	if (effects & SERVICE_EFFECT_PING)
		send_ping(l);
	if (failed)
		callbacks->on_failed(l->base->context, l, &l->problem);
	if (down)
		callbacks->on_down(l->base->context, l);
	arm(l);
}

/* ---- what it says ---- */

static void lied(void *context, const char *why)
{
	struct service_life *l = context;

	l->violations++;
	l->cause = DEATH_VIOLATION;
	l->problem_known = true;
	l->problem.failure = BIRTH_FAILURE_OTHER;
	(void)snprintf(l->problem.text, sizeof(l->problem.text), "it broke the protocol: %s", why);
	log_security("scan service %d broke the protocol: %s; it is ended", l->process.pid, why);
	step(l, SERVICE_EVENT_LIED);
}

static void hear_hello(struct service_life *l, const struct service_hello *hello)
{
	const struct scan_account *told = &l->order.account;

	if (hello->protocol != AMP_PROTOCOL_VERSION) {
		lied(l, "another protocol version");
		return;
	}
	/* What it says and what the kernel says: one that stayed root would be root's in the hands of hostile files. */
	if (hello->uid != told->uid || hello->gid != told->gid ||
	    peer_uid_of_process(l->process.pid) != told->uid ||
	    peer_gid_of_process(l->process.pid) != told->gid) {
		lied(l, "it does not run as the user it was told to");
		return;
	}
	service_report_hello(&l->report, hello);
	step(l, SERVICE_EVENT_HELLO);
}

static void hear_file(struct service_life *l, const struct definition_file *file)
{
	if (!file->accepted)
		log_warning("definitions: %s is not used: %s", file->name, file->reason);
	service_report_file(&l->report, file);
}

static void hear_ready(struct service_life *l, const struct service_ready *ready)
{
	l->report.ready = *ready;
	l->problem.text[0] = '\0';
	l->problem_known = false;
	l->cause = DEATH_CRASH; /* whatever ends it, unless more is known */
	log_notice("scan service %d is ready: %s, %llu signatures, loaded in %u ms, %llu MiB",
		   l->process.pid, l->report.engine, (unsigned long long)ready->signatures,
		   ready->load_ms, (unsigned long long)(ready->memory_bytes >> 20));
	step(l, SERVICE_EVENT_READY);
}

static void hear_failed(struct service_life *l, uint32_t code, const char *reason)
{
	l->problem_known = true;
	l->problem.failure = service_birth_failure_of((int)code);
	(void)snprintf(l->problem.text, sizeof(l->problem.text), "it %s: %s",
		       exit_code_text((int)code), reason);
}

static void hear_pong(struct service_life *l, uint64_t number)
{
	if (number != 0 && number == l->foreign_ping)
		l->foreign_ping = 0; /* asked for by the image before this one */
	else if (number != l->pings || l->machine.pong_due == MONO_NEVER)
		lied(l, "an answer to a ping that was not sent");
	else
		step(l, SERVICE_EVENT_PONG);
}

static void on_message(void *context, const struct from_service *message)
{
	struct service_life *l = context;
	const struct life_callbacks *callbacks = l->base->callbacks;

	switch (message->kind) {
	case FROM_SERVICE_HELLO:
		hear_hello(l, &message->hello);
		break;
	case FROM_SERVICE_PROGRESS:
		step(l, SERVICE_EVENT_PROGRESS);
		break;
	case FROM_SERVICE_FILE:
		hear_file(l, &message->file);
		break;
	case FROM_SERVICE_READY:
		hear_ready(l, &message->ready);
		break;
	case FROM_SERVICE_FAILED:
		hear_failed(l, message->failed.code, message->failed.reason);
		break;
	case FROM_SERVICE_SPAWNED:
		if (message->spawned.error)
			callbacks->on_worker_failed(l->base->context, message->spawned.worker,
						    message->spawned.reason);
		break;
	case FROM_SERVICE_EXITED:
		callbacks->on_worker_exited(l->base->context, message->exited.worker,
					    message->exited.status);
		break;
	case FROM_SERVICE_LOG: /* the line has written it */
		break;
	case FROM_SERVICE_PONG:
		hear_pong(l, message->pong);
		break;
	}
}

/* A service that ends closes its channel a moment before its pidfd tells: its status has the cause, so none is written here. */
static void on_line_end(void *context)
{
	struct service_life *l = context;

	l->channel_ended = true;
	step(l, SERVICE_EVENT_LIED);
}

/* ---- outside ---- */

static const struct service_line_callbacks line_callbacks = {
	.on_message = on_message, .on_lie = lied, .on_end = on_line_end};

struct service_life *service_life_new(struct life_base *base)
{
	struct service_life *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	if (service_line_init(&l->line, base->loop, &line_callbacks, l) ||
	    uv_timer_init(base->loop, &l->timer)) {
		service_line_done(&l->line);
		free(l);
		return NULL;
	}
	l->base = base;
	l->timer.data = l;
	service_process_init(&l->process, on_process_end, l);
	service_machine_init(&l->machine, base->configuration->start_retry_ms);
	return l;
}

static void free_life(uv_handle_t *handle)
{
	free(handle->data);
}

struct service_life *service_life_free(struct service_life *l)
{
	if (!l)
		return NULL;
	service_line_done(&l->line);
	service_process_end(&l->process);
	if (l->process.last_words >= 0)
		close(l->process.last_words);
	uv_close((uv_handle_t *)&l->timer, free_life);
	return NULL;
}

void service_life_start(struct service_life *l)
{
	step(l, SERVICE_EVENT_START);
}

void service_life_stop(struct service_life *l)
{
	l->cause = DEATH_REQUESTED;
	step(l, SERVICE_EVENT_STOP);
}

void service_life_kill(struct service_life *l, const char *reason)
{
	l->cause = DEATH_REQUESTED;
	l->problem_known = true;
	(void)snprintf(l->problem.text, sizeof(l->problem.text), "%s", reason);
	log_error("scan service %d is ended: %s", l->process.pid, reason);
	step(l, SERVICE_EVENT_LIED);
}

void service_life_hurry(struct service_life *l)
{
	step(l, SERVICE_EVENT_HURRY);
}

int service_life_spawn_worker(struct service_life *l, uint64_t worker, int channel)
{
	struct to_service message = {.kind = TO_SERVICE_SPAWN, .spawn_worker = worker};

	if (l->machine.state != SERVICE_UP)
		return -ENOTCONN;
	return service_line_send(&l->line, &message, channel);
}

void service_life_view(const struct service_life *l, struct life_view *ret_view)
{
	*ret_view = (struct life_view){
		.state = l->machine.state,
		.order = l->order,
		.pid = l->process.pid,
		.starts = l->machine.starts,
		.reason = l->machine.state == SERVICE_UP ? "" : l->problem.text,
		.report = &l->report,
		.violations = l->violations,
		.deadline = l->machine.deadline,
	};
}

enum birth_failure service_life_failure(const struct service_life *l)
{
	return l->problem.failure;
}

void service_life_number(struct service_life *l, uint64_t generation)
{
	l->order.generation = generation;
}

bool service_life_has_hung_up(const struct service_life *l)
{
	return service_line_has_hung_up(&l->line);
}

int service_life_last_words(const struct service_life *l)
{
	return l->process.last_words;
}

/* ---- restart in place ---- */

int service_life_hand_over(struct service_life *l, struct service_handover *ret_handover)
{
	if (l->machine.state != SERVICE_UP || !l->line.channel)
		return -EAGAIN;
	*ret_handover = (struct service_handover){
		.incarnation = l->order.incarnation,
		.pings = l->pings,
		.pid = l->process.pid,
		.last_words = l->process.last_words,
		.uid = l->order.account.uid,
		.gid = l->order.account.gid,
		.as_root = l->order.account.unsound,
		.source = l->order.source,
		.generation = l->order.generation,
		.starts = l->machine.starts,
		.up_since = l->machine.up_since,
		.phase = l->line.session.phase,
		.seen = l->line.session.seen,
	};
	service_report_copy(&ret_handover->report, &l->report);
	ret_handover->pidfd = service_process_release(&l->process);
	ret_handover->channel = service_line_release(&l->line);
	l->process.last_words = -1;
	(void)uv_timer_stop(&l->timer); /* cannot fail */
	return 0;
}

static void take_state(struct service_life *l, const struct service_handover *h)
{
	mono_ms now = clock_mono_ms();

	forget_before(l);
	l->order = (struct life_order){.incarnation = h->incarnation,
				       .generation = h->generation,
				       .source = h->source,
				       .account = {h->as_root, h->uid, h->gid}};
	l->pings = l->foreign_ping = h->pings;
	l->cause = DEATH_CRASH;
	l->line.session.phase = h->phase;
	l->line.session.seen = h->seen;
	l->process.last_words = h->last_words;
	service_report_copy(&l->report, &h->report);
	service_machine_adopt(&l->machine, now, h->up_since, h->starts);
}

/* The channel gets a copy of the socket, so that nothing is lost when a later step fails. */
int service_life_adopt(struct service_life *l, const struct service_handover *handover)
{
	int r, socket = fcntl(handover->channel, F_DUPFD_CLOEXEC, handover->channel);

	if (socket < 0)
		return -errno;
	r = service_line_open(&l->line, socket, handover->incarnation);
	if (r)
		return r;
	r = service_process_take(&l->process, l->base->loop, (pid_t)handover->pid, handover->pidfd);
	if (r) {
		service_line_close(&l->line);
		return r;
	}
	close(handover->channel);
	take_state(l, handover);
	arm(l);
	return 0;
}
