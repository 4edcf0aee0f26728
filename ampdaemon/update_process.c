/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/refusal.h"
#include "ampdaemon/service_process.h"
#include "ampdaemon/spawn.h"
#include "ampdaemon/wait_status.h"
#include "io/channel.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define QUEUE_BYTES LIMIT_PACKET_BYTES /* its order */
#define REST_LIMIT_MS                                                                              \
	2000 /* what it said last is read by then; nobody is left to hold the channel */
#define KILL_LIMIT_MS UPDATE_END_LIMIT_MS /* then it waits for storage, maybe for ever */

struct update_process {
	uv_timer_t timer;
	struct service_process process;
	struct channel *channel;
	struct wire_arena *arena;
	struct update_report report;
	const struct update_start *start;
	struct update_process_callbacks callbacks;
	void *context;
	mono_ms born, ends; /* the last moment */
	bool is_over;       /* it has ended */
	uint32_t status;    /* as of waitpid(2) */
	bool is_ended_by_us, has_place;
	unsigned mirror;
	char reason[LIMIT_REASON_BYTES + 1]; /* the first cause is the cause; "" */
};

/* ---- ends ---- */

static void note(struct update_process *p, const char *reason)
{
	if (!p->reason[0])
		(void)snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

static int exit_status_of(const struct update_process *p)
{
	int status = (int)p->status;

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void tell_status(struct update_process *p)
{
	char text[LIMIT_REASON_BYTES + 1], words[100];
	int status = exit_status_of(p);

	if (status >= 0)
		(void)snprintf(text, sizeof(text), "the updater: %s", update_exit_text(status));
	else
		(void)snprintf(text, sizeof(text), "the updater: %s",
			       wait_status_text(p->status, words, sizeof(words)));
	note(p, text);
}

/* Both have to be: its last words may wait in the channel, and an end of the channel is not yet that of its children. */
static void end_if_over(struct update_process *p)
{
	struct update_end end = {.report = &p->report,
				 .has_place = p->has_place,
				 .mirror = p->mirror,
				 .outcome = UPDATE_DIED};

	if (!p->is_over || p->channel)
		return;
	(void)uv_timer_stop(&p->timer); /* cannot fail */
	end.agrees = !p->is_ended_by_us && update_report_agrees(&p->report, exit_status_of(p));
	if (end.agrees)
		end.outcome = p->report.outcome;
	else
		tell_status(p);
	(void)snprintf(end.reason, sizeof(end.reason), "%s", p->reason);
	p->callbacks.on_end(p->context, &end);
}

static void on_unkilled(uv_timer_t *timer)
{
	struct update_process *p = timer->data;

	log_warning("updates: the updater does not end: its storage hangs; it is left");
	p->is_over = true; /* for who waits; it gets no further by itself, it is killed */
	end_if_over(p);
}

static void kill_it(struct update_process *p, const char *reason)
{
	note(p, reason);
	p->is_ended_by_us = true;
	p->channel = channel_free(p->channel);
	service_process_kill(&p->process); /* its end is told by its pidfd */
	(void)uv_timer_start(&p->timer, on_unkilled, KILL_LIMIT_MS, 0); /* cannot fail */
}

static void on_process_end(void *context)
{
	struct update_process *p = context;
	mono_ms limit = mono_add(clock_mono_ms(), REST_LIMIT_MS);

	if (!service_process_bury(&p->process, &p->status))
		return;
	p->is_over = true;
	p->ends = mono_min(p->ends, limit);
	end_if_over(p);
}

/* ---- time ---- */

static void on_timer(uv_timer_t *timer)
{
	struct update_process *p = timer->data;
	mono_ms now = clock_mono_ms();

	kill_it(p, now >= p->ends ? "the updater did not end in time and was ended"
				  : "the updater was silent for too long and was ended");
	end_if_over(p); /* of one that ended before, whose channel was held */
}

static void allow(struct update_process *p, mono_ms ms)
{
	mono_ms now = clock_mono_ms(), due = mono_min(mono_add(now, ms), p->ends);

	(void)uv_timer_start(&p->timer, on_timer, due > now ? (uint64_t)(due - now) : 0, 0);
}

/* ---- what it says ---- */

static void catch_lie(struct update_process *p, const char *why)
{
	char reason[LIMIT_REASON_BYTES + 1];

	(void)snprintf(reason, sizeof(reason), "the updater broke the protocol: %s", why);
	log_security("updates: %s; it is ended, and nothing that it brought is taken", reason);
	kill_it(p, reason);
	end_if_over(p); /* its lie may have waited in the channel */
}

static void hear(struct update_process *p, const struct from_updater *message)
{
	if (message->kind == FROM_UPDATER_PROGRESS) {
		p->has_place = true;
		p->mirror = message->progress.mirror;
		p->callbacks.on_progress(p->context, message->progress.database,
					 message->progress.mirror, message->progress.bytes);
	} else if (message->kind == FROM_UPDATER_ATTEMPT) {
		p->has_place = false; /* that one is done with */
		p->callbacks.on_attempt(p->context, &message->attempt);
	} else if (message->kind == FROM_UPDATER_FAILED) {
		char reason[LIMIT_REASON_BYTES + 1];

		(void)snprintf(reason, sizeof(reason), "the updater: %.350s",
			       message->failed.reason);
		note(p, reason);
	}
}

static void on_packet(void *context, const void *packet, size_t len, const struct packet_meta *meta)
{
	struct update_process *p = context;
	struct from_updater message;
	const char *why = "";

	late_close(meta->fd);
	if (from_updater_decode(p->arena, packet, len, &message, &why) ||
	    update_report_take(&p->report, &message, meta->fd >= 0,
			       (uint64_t)(clock_mono_ms() - p->born), &why)) {
		catch_lie(p, why);
		return;
	}
	allow(p, p->is_over ? REST_LIMIT_MS : UPDATE_SILENCE_LIMIT_MS);
	hear(p, &message);
}

static void on_channel_end(void *context, int error)
{
	struct update_process *p = context;

	if (error && error != -ECONNRESET && error != -EPIPE) {
		catch_lie(p, "a packet that nobody may send");
		return;
	}
	p->channel = channel_free(p->channel);
	if (!p->is_over)
		allow(p, UPDATE_END_LIMIT_MS);
	end_if_over(p);
}

static const struct channel_callbacks channel_callbacks = {.on_packet = on_packet,
							   .on_end = on_channel_end};

/* ---- birth ---- */

static int send_start(struct update_process *p, char why[LIMIT_REASON_BYTES + 1])
{
	uint8_t packet[16384]; /* eight URLs of 512 bytes, and numbers */
	ssize_t len = update_start_encode(p->start, packet, sizeof(packet));
	int r = len < 0 ? (int)len : channel_send(p->channel, packet, (size_t)len, -1);

	return r ? refusal_say(why, r, "the updater cannot be told what to do: %s", strerror(-r))
		 : 0;
}

static int spawn(const struct update_birth *birth, int channel, struct spawned *ret_spawned,
		 char why[LIMIT_REASON_BYTES + 1])
{
	char name[] = "ampupdater";
	char *const arguments[] = {name, NULL};
	char *const environment[] = {NULL};
	const struct spawn_program order = {
		.program = birth->program,
		.path = birth->path,
		.arguments = arguments,
		.environment = environment,
		.fds = {-1, -1,
			-1, [UPDATE_FD_CHANNEL] = channel, [UPDATE_FD_INCOMING] = birth->incoming},
		.n_fds = UPDATE_FD_INCOMING + 1,
		.own_pids = true,
		.dies_with_us = true,
	};

	return spawn_program(&order, ret_spawned, why, LIMIT_REASON_BYTES + 1);
}

/* Takes our end of its channel, and the process. */
static int adopt(struct update_process *p, uv_loop_t *loop, const struct spawned *child, int socket)
{
	int r;

	p->channel = channel_new(loop, socket, &channel_callbacks, p, QUEUE_BYTES);
	r = p->channel ? service_process_take(&p->process, loop, child->pid, child->pidfd)
		       : -ENOMEM;
	if (r)
		(void)spawn_end(child->pidfd); /* a newborn has opened nothing that could hang */
	return r;
}

static int give_birth(struct update_process *p, uv_loop_t *loop, const struct update_birth *birth,
		      char why[LIMIT_REASON_BYTES + 1])
{
	struct spawned child;
	int pair[2], r = packet_pair(pair);

	if (r)
		return refusal_say(why, r, "no socket pair: %s", strerror(-r));
	r = spawn(birth, pair[1], &child, why);
	close(pair[1]);
	if (r) {
		close(pair[0]);
		return r;
	}
	r = adopt(p, loop, &child, pair[0]);
	return r ? refusal_say(why, r, "the daemon is out of memory") : send_start(p, why);
}

static struct update_process *make(uv_loop_t *loop, const struct update_start *start)
{
	struct update_process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->arena = wire_arena_new();
	if (!p->arena || uv_timer_init(loop, &p->timer)) {
		wire_arena_free(p->arena);
		free(p);
		return NULL;
	}
	p->timer.data = p;
	service_process_init(&p->process, on_process_end, p);
	p->start = start;
	update_report_init(&p->report, start);
	p->born = clock_mono_ms();
	p->ends = mono_add(p->born, (mono_ms)start->deadline_ms + UPDATE_END_LIMIT_MS);
	return p;
}

int update_process_start(uv_loop_t *loop, const struct update_birth *birth,
			 const struct update_process_callbacks *callbacks, void *context,
			 struct update_process **ret_process, char why[LIMIT_REASON_BYTES + 1])
{
	struct update_process *p = make(loop, birth->start);
	int r;

	if (!p)
		return refusal_say(why, -ENOMEM, "the daemon is out of memory");
	p->callbacks = *callbacks;
	p->context = context;
	r = give_birth(p, loop, birth, why);
	if (r) {
		(void)update_process_free(p);
		return r;
	}
	allow(p, UPDATE_HELLO_LIMIT_MS);
	*ret_process = p;
	return 0;
}

void update_process_cancel(struct update_process *p)
{
	note(p, "it was called off");
	p->is_ended_by_us = true;
	p->channel = channel_free(p->channel);
	allow(p, UPDATE_END_LIMIT_MS);
}

static void free_process(uv_handle_t *handle)
{
	free(handle->data);
}

struct update_process *update_process_free(struct update_process *p)
{
	if (!p)
		return NULL;
	p->channel = channel_free(p->channel);
	service_process_end(&p->process);
	p->arena = wire_arena_free(p->arena);
	uv_close((uv_handle_t *)&p->timer, free_process);
	return NULL;
}
