/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ampdaemon/core/service_machine.h"
#include "ampdaemon/definition_generation.h"
#include "ampdaemon/memory_room.h"
#include "ampdaemon/service_birth.h"
#include "ampdaemon/service_line.h"
#include "ampdaemon/service_process.h"
#include "ampdaemon/spawn.h"
#include "ampdaemon/trial_roll.h"
#include "ampdaemon/trust_anchors.h"
#include "base/birth_contract.h"
#include "base/exit_code.h"
#include "io/clock.h"
#include "io/log.h"

#define LAST_LOOKS 256             /* turns; what can wait in a socket is read in a few */
#define PROGRAM_BYTES (512u << 20) /* address space of program, libraries and stacks */

struct definition_trial {
	uv_timer_t timer;
	struct service_line line;
	struct service_process process;
	const struct configuration *configuration;
	struct trial_order order;
	trial_fn *done;
	void *context;
	unsigned looks;  /* at its end, before all that it said was read */
	bool is_ready;   /* loaded and proved; its end is awaited */
	bool is_told;    /* how it ended */
	mono_ms ends;    /* the last moment */
	uint64_t memory; /* bytes that it may have */
	struct trial_outcome outcome;
	struct service_report report;
	struct definition_manifest manifest; /* of the staged set: what must be told of */
};

/* ---- ends ---- */

static void note(struct definition_trial *t, enum rejection refused, const char *sentence)
{
	if (t->outcome.refused != REJECTION_NONE)
		return; /* the first cause is the cause */
	t->outcome.refused = refused;
	(void)snprintf(t->outcome.detail, sizeof(t->outcome.detail), "%s", sentence);
}

static void tell(struct definition_trial *t)
{
	t->is_told = true;
	t->outcome.report = &t->report;
	t->done(t->context, &t->outcome);
}

/* It sleeps in its storage: whatever the set is, nobody can say. */
static void on_no_end(uv_timer_t *timer)
{
	struct definition_trial *t = timer->data;

	t->outcome.refused = REJECTION_TRIAL_BROKEN;
	(void)snprintf(t->outcome.detail, sizeof(t->outcome.detail),
		       "its process cannot be ended: the storage of the definitions hangs");
	tell(t);
}

static void stop(struct definition_trial *t, enum rejection refused, const char *sentence)
{
	note(t, refused, sentence);
	service_line_close(&t->line);
	service_process_kill(&t->process); /* its end is told by its pidfd */
	(void)uv_timer_start(&t->timer, on_no_end, SERVICE_STOP_LIMIT_MS,
			     0); /* open: cannot fail */
}

static enum rejection rejection_of(enum birth_failure failure)
{
	static const enum rejection rejections[BIRTH_FAILURE_COUNT] = {
		[BIRTH_FAILURE_DEFINITIONS] = REJECTION_TRIAL,
		[BIRTH_FAILURE_MEMORY] = REJECTION_TRIAL_ROOM,
		[BIRTH_FAILURE_HANG] = REJECTION_TRIAL_TIME,
		[BIRTH_FAILURE_DIED] = REJECTION_TRIAL_DIED,
	};

	return rejections[failure] ? rejections[failure] : REJECTION_TRIAL_BROKEN;
}

/* A file that was refused is told by name, whatever else was said. */
static void note_refused_files(struct definition_trial *t)
{
	for (unsigned i = 0; i < t->report.n_files; i++) {
		const struct definition_file *file = &t->report.files[i];
		char sentence[LIMIT_REASON_BYTES + 1];

		if (file->accepted ||
		    (file->origin == DEFINITION_ORIGIN_CUSTOM && !t->order.is_strict))
			continue;
		(void)snprintf(sentence, sizeof(sentence), "%s: %s", file->name, file->reason);
		note(t, REJECTION_TRIAL, sentence);
		return;
	}
}

static void on_process_end(void *context)
{
	struct definition_trial *t = context;
	struct birth_problem problem;
	uint32_t status;

	/* What it said last may still wait to be read: its end is seen again in the next turn, behind that. */
	if (t->line.channel && !t->is_told && t->looks++ < LAST_LOOKS)
		return;
	if (!service_process_bury(&t->process, &status))
		return;
	if (t->is_told)
		return;                 /* late */
	(void)uv_timer_stop(&t->timer); /* cannot fail */
	service_line_close(&t->line);
	note_refused_files(t);
	if (!t->is_ready || status != 0) {
		service_birth_problem_of_end(status, t->order.need, &problem);
		note(t, rejection_of(problem.failure), problem.text);
	}
	tell(t);
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer)
{
	stop(timer->data, REJECTION_TRIAL_TIME,
	     "it was silent for too long, or did not end in time");
}

static void allow(struct definition_trial *t, mono_ms ms)
{
	mono_ms now = clock_mono_ms();
	mono_ms due = mono_min(mono_add(now, ms), t->ends);

	(void)uv_timer_start(&t->timer, on_timer, due > now ? (uint64_t)(due - now) : 0, 0);
}

/* ---- what it says ---- */

static void lied(void *context, const char *why)
{
	char sentence[LIMIT_REASON_BYTES + 1];

	(void)snprintf(sentence, sizeof(sentence), "the trial broke the protocol: %.360s", why);
	log_security("definitions: %s; it is ended", sentence);
	stop(context, REJECTION_TRIAL_DIED, sentence);
}

static void hear_failed(struct definition_trial *t, uint32_t code, const char *reason)
{
	note_refused_files(t);
	note(t, rejection_of(service_birth_failure_of((int)code)), reason);
}

static void hear_hello(struct definition_trial *t, const struct service_hello *hello)
{
	if (hello->uid != t->order.account.uid)
		lied(t, "it does not run as the user it was told to");
	else
		service_report_hello(&t->report, hello);
}

/* The report keeps the first ones only: what it could not keep cannot be called. */
static void hear_file(struct definition_trial *t, const struct definition_file *file)
{
	if (t->report.n_files == LIMIT_DEFINITION_FILES)
		lied(t, "it spoke of too many files");
	else
		service_report_file(&t->report, file);
}

static void hear_ready(struct definition_trial *t, const struct service_ready *ready)
{
	char why[LIMIT_REASON_BYTES];

	t->report.ready = *ready;
	t->is_ready = true;
	if (ready->memory_bytes > t->memory)
		lied(t, "it has more memory than it was given");
	else if (trial_roll_call(&t->manifest, &t->report, why))
		lied(t, why);
}

/* Besides these there are heartbeats and lines for the log; the rule book lets nothing else through. */
static void on_message(void *context, const struct from_service *message)
{
	struct definition_trial *t = context;

	allow(t, BIRTH_PROGRESS_LIMIT_MS);
	if (message->kind == FROM_SERVICE_HELLO)
		hear_hello(t, &message->hello);
	else if (message->kind == FROM_SERVICE_FILE)
		hear_file(t, &message->file);
	else if (message->kind == FROM_SERVICE_READY)
		hear_ready(t, &message->ready);
	else if (message->kind == FROM_SERVICE_FAILED)
		hear_failed(t, message->failed.code, message->failed.reason);
}

static void on_line_end(void *context)
{
	struct definition_trial *t = context;

	allow(t, SERVICE_STOP_LIMIT_MS); /* its status follows */
}

static const struct service_line_callbacks line_callbacks = {
	.on_message = on_message, .on_lie = lied, .on_end = on_line_end};

/* ---- birth ---- */

static void send_start(struct definition_trial *t)
{
	const struct configuration *c = t->configuration;
	struct trust_anchors anchors;
	struct to_service message = {.kind = TO_SERVICE_START,
				     .start = {
					     .protocol = AMP_PROTOCOL_VERSION,
					     .incarnation = t->line.incarnation,
					     .generation = t->order.number,
					     .uid = t->order.account.uid,
					     .gid = t->order.account.gid,
					     .temp_bytes = c->temp_bytes,
					     .temp_inodes = c->temp_inodes,
					     .memory_bytes = c->worker_memory_bytes,
					     .max_file_bytes = c->max_scan_file_size,
					     .max_scan_bytes = c->max_archive_scan_size,
					     .max_files = 10000,
					     .max_recursion = 17,
					     .max_scan_ms =
						     c->scan_timeout_ms - c->scan_timeout_ms / 10,
					     .canary_every = c->canary_every,
					     .has_definitions = true,
					     .is_generation = true,
					     .is_trial = true,
				     }};

	(void)trust_anchors_read(c->certs_dir, &anchors); /* none is no fault: it has told */
	message.start.trust_anchors = span_of(anchors.bytes, anchors.len);
	service_line_insist(&t->line, &message);
}

/* It may take what the machine has, not more: who is killed for want of memory should be the trial. What it says that it took decides whether
 * the service that serves is ended for the set. */
static void limit_memory(struct definition_trial *t, pid_t pid)
{
	t->memory = memory_room_available() + PROGRAM_BYTES;
#if !AMP_SANITIZED /* which maps terabytes */
	const struct rlimit limit = {.rlim_cur = t->memory, .rlim_max = t->memory};

	if (prlimit(pid, RLIMIT_AS, &limit, NULL))
		log_warning("the memory of a trial cannot be limited: %s", strerror(errno));
#else
	(void)pid;
#endif
}

static int give_birth(struct definition_trial *t, uv_loop_t *loop,
		      struct installation *installation, struct birth_problem *problem)
{
	struct birth_request request = {.configuration = t->configuration,
					.installation = installation,
					.source = SOURCE_CONFIGURED,
					.definitions = t->order.definitions,
					.last_words = -1};
	struct spawned child;
	int socket, r = service_birth(&request, &child, &socket, problem);

	if (r)
		return r;
	r = service_line_open(&t->line, socket, t->order.number);
	session_init(&t->line.session, &rules_from_trial);
	if (!r)
		r = service_process_take(&t->process, loop, child.pid, child.pidfd);
	if (!r) {
		limit_memory(t, child.pid);
		return 0;
	}
	(void)spawn_end(child.pidfd); /* a newborn has opened nothing that could hang */
	(void)snprintf(problem->text, sizeof(problem->text), "the daemon is out of memory");
	return r;
}

static struct definition_trial *make(uv_loop_t *loop)
{
	struct definition_trial *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	if (service_line_init(&t->line, loop, &line_callbacks, t) ||
	    uv_timer_init(loop, &t->timer)) {
		service_line_done(&t->line);
		free(t);
		return NULL;
	}
	t->timer.data = t;
	service_process_init(&t->process, on_process_end, t);
	service_report_begin(&t->report);
	return t;
}

int definition_trial_start(uv_loop_t *loop, const struct configuration *configuration,
			   struct installation *installation, const struct trial_order *order,
			   trial_fn *done, void *context, struct definition_trial **ret_trial,
			   char ret_why[LIMIT_REASON_BYTES + 1])
{
	struct definition_trial *t = make(loop);
	struct birth_problem problem;
	uint8_t digest[LIMIT_DIGEST_BYTES]; /* the machine has it */
	int r;

	(void)snprintf(ret_why, LIMIT_REASON_BYTES + 1, "the daemon is out of memory");
	if (!t)
		return -ENOMEM;
	t->configuration = configuration;
	t->order = *order;
	t->done = done;
	t->context = context;
	t->ends = mono_add(clock_mono_ms(), BIRTH_LOAD_LIMIT_MS);
	r = definition_generation_read(order->definitions, &t->manifest, digest, problem.text);
	if (!r)
		r = give_birth(t, loop, installation, &problem);
	if (r) {
		(void)snprintf(ret_why, LIMIT_REASON_BYTES + 1, "%s", problem.text);
		(void)definition_trial_free(t);
		return r;
	}
	allow(t, BIRTH_HELLO_LIMIT_MS);
	send_start(t);
	*ret_trial = t;
	return 0;
}

static void free_trial(uv_handle_t *handle)
{
	free(handle->data);
}

struct definition_trial *definition_trial_free(struct definition_trial *t)
{
	if (!t)
		return NULL;
	service_line_done(&t->line);
	service_process_end(&t->process);
	uv_close((uv_handle_t *)&t->timer, free_trial);
	return NULL;
}
