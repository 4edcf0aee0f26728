/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/core/flood_gauge.h"
#include "ampdaemon/left_behind.h"
#include "ampdaemon/scan_account.h"
#include "ampdaemon/service_birth.h"
#include "ampdaemon/service_report.h"
#include "ampdaemon/wait_status.h"
#include "base/exit_code.h"
#include "io/channel.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"
#include "io/peer.h"
#include "wire/session_rules.h"

#define QUEUE_BYTES                                                                                \
	(256u << 10) /* a ping and a dozen orders; a service that does not read is hung */
#define LOG_LINES_PER_LIFE 2000 /* of the service's own; the rest is counted */

struct supervisor {
	uv_loop_t *loop;
	uv_timer_t timer;
	const struct configuration *configuration;
	struct journal *journal;
	struct supervisor_callbacks callbacks;
	void *context;
	struct service_machine machine;
	struct wire_arena *arena;

	struct left_behind left_behind;

	/* The present life. */
	uint64_t incarnation;
	pid_t pid;
	int pidfd;
	uv_poll_t *exit_poll;
	struct channel *channel;
	struct session session;
	struct scan_account account;
	bool has_definitions;
	uint64_t pings;
	struct flood_gauge flood;
	unsigned log_lines;

	/* What it said; kept until the next life says otherwise. */
	char reason[LIMIT_REASON_BYTES + 1];
	struct service_report report;
	uint64_t violations;
};

static void step(struct supervisor *s, enum service_event event);

/* ---- birth ---- */

static void send_message(struct supervisor *s, const struct to_service *message, int fd)
{
	uint8_t packet[512];
	ssize_t len = to_service_encode(message, packet, sizeof(packet));
	int r = len < 0 ? (int)len : channel_send(s->channel, packet, (size_t)len, fd);

	if (r)
		channel_end(s->channel, r);
}

static void send_start(struct supervisor *s)
{
	const struct configuration *c = s->configuration;
	struct to_service message = {
		.kind = TO_SERVICE_START,
		.start = {
			.protocol = AMP_PROTOCOL_VERSION,
			.incarnation = s->incarnation,
			.generation = supervisor_generation(s),
			.uid = s->account.uid,
			.gid = s->account.gid,
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
			.has_definitions = s->has_definitions,
		}};

	send_message(s, &message, -1);
}

static void on_packet(void *context, const void *packet, size_t len,
		      const struct packet_meta *meta);
static void on_end(void *context, int error);

static const struct channel_callbacks service_callbacks = {.on_packet = on_packet,
							   .on_end = on_end};

static void on_exit_ready(uv_poll_t *poll, int status, int events);

static void free_poll(uv_handle_t *handle)
{
	free(handle);
}

static int watch_exit(struct supervisor *s)
{
	s->exit_poll = calloc(1, sizeof(*s->exit_poll));
	if (!s->exit_poll)
		return -ENOMEM;
	if (uv_poll_init(s->loop, s->exit_poll, s->pidfd)) {
		free(s->exit_poll);
		s->exit_poll = NULL;
		return -EIO;
	}
	s->exit_poll->data = s;
	return uv_poll_start(s->exit_poll, UV_READABLE, on_exit_ready) ? -EIO : 0;
}

static int spawn(struct supervisor *s)
{
	struct spawned child;
	int socket, r;

	s->reason[0] = '\0';
	if (!left_behind_has_place(&s->left_behind)) {
		(void)snprintf(
			s->reason, sizeof(s->reason),
			"%d earlier ones cannot be ended: the storage of a file that they scan hangs",
			LEFT_BEHIND_LIMIT);
		return -EBUSY;
	}
	s->account = scan_account_find(s->configuration->scan_user);
	s->has_definitions = s->configuration->definitions_dir != NULL;
	r = service_birth(s->configuration, &child, &socket, s->reason, sizeof(s->reason));
	if (r)
		return r;
	s->pid = child.pid;
	s->pidfd = child.pidfd;
	s->incarnation++;
	s->log_lines = 0;
	service_report_begin(&s->report);
	session_init(&s->session, &rules_from_service);
	s->channel = channel_new(s->loop, socket, &service_callbacks, s, QUEUE_BYTES);
	if (!s->channel || watch_exit(s)) {
		(void)snprintf(s->reason, sizeof(s->reason), "out of memory");
		return -ENOMEM;
	}
	log_info("scan service %d started (incarnation %llu)", s->pid,
		 (unsigned long long)s->incarnation);
	send_start(s);
	return 0;
}

/* ---- death ---- */

static void close_channel(struct supervisor *s)
{
	s->channel = channel_free(s->channel);
}

static void kill_service(struct supervisor *s)
{
	close_channel(s);
	if (s->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL,
			      0); /* ESRCH: it has ended */
}

/* What it said itself, or what we killed it for, says more than its status. */
static void describe_end(struct supervisor *s, uint32_t status)
{
	if (!s->reason[0])
		(void)wait_status_text(status, s->reason, sizeof(s->reason));
}

static void record_end(struct supervisor *s, uint32_t status)
{
	struct event event = {.type = EVENT_SERVICE_ENDED, .body = EVENT_BODY_SERVICE};

	event.service.incarnation = s->incarnation;
	event.service.pid = (uint32_t)s->pid;
	event.service.status = status;
	event.service.reason = s->reason;
	journal_record(s->journal, &event);
}

static void bury(struct supervisor *s)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)s->pidfd, &info, WEXITED | WNOHANG) || info.si_pid == 0)
		return;
	describe_end(s, wait_status_of(&info));
	if (s->machine.state == SERVICE_STOPPING)
		log_notice("scan service %d ended", s->pid);
	else
		log_error("scan service %d ended: %s; it is started again", s->pid, s->reason);
	record_end(s, wait_status_of(&info));
	uv_close((uv_handle_t *)s->exit_poll, free_poll);
	s->exit_poll = NULL;
	close(s->pidfd);
	s->pidfd = -1;
	s->pid = 0;
	close_channel(s);
	step(s, SERVICE_EVENT_EXITED);
}

static void on_exit_ready(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	bury(poll->data);
}

/* It does not end: its storage hangs. The next life starts beside it, and it is buried when it ends after all. */
static void abandon(struct supervisor *s)
{
	log_error(
		"scan service %d cannot be ended: the storage of a file that it scans hangs; it is left behind",
		s->pid);
	if (s->exit_poll)
		uv_close((uv_handle_t *)s->exit_poll, free_poll);
	s->exit_poll = NULL;
	left_behind_add(&s->left_behind, s->pidfd);
	s->pidfd = -1;
	s->pid = 0;
}

/* ---- the machine's effects ---- */

static void send_ping(struct supervisor *s)
{
	struct to_service message = {.kind = TO_SERVICE_PING, .ping = ++s->pings};

	if (s->channel)
		send_message(s, &message, -1);
}

static void record_up(struct supervisor *s)
{
	struct event event = {.type = EVENT_SERVICE_STARTED, .body = EVENT_BODY_SERVICE};

	event.service.incarnation = s->incarnation;
	event.service.pid = (uint32_t)s->pid;
	event.service.reason = "";
	event.service.signatures = s->report.ready.signatures;
	journal_record(s->journal, &event);
}

/* Born, but it cannot be watched: ends it here and now. */
static void forget_unwatched(struct supervisor *s)
{
	kill_service(s);
	if (s->exit_poll)
		uv_close((uv_handle_t *)s->exit_poll, free_poll);
	s->exit_poll = NULL;
	if (s->pidfd >= 0) {
		(void)waitid(P_PIDFD, (id_t)s->pidfd, NULL, WEXITED); /* killed: it ends */
		close(s->pidfd);
	}
	s->pidfd = -1;
	s->pid = 0;
}

static void try_spawn(struct supervisor *s)
{
	if (!spawn(s))
		return;
	log_error("scan service cannot be started: %s; it is tried again", s->reason);
	forget_unwatched(s);
	step(s, SERVICE_EVENT_EXITED);
}

static void on_timer(uv_timer_t *timer)
{
	step(timer->data, SERVICE_EVENT_DEADLINE);
}

static void arm(struct supervisor *s)
{
	mono_ms deadline = service_machine_deadline(&s->machine);
	mono_ms now = clock_mono_ms();

	if (deadline == MONO_NEVER)
		(void)uv_timer_stop(&s->timer); /* cannot fail */
	else
		(void)uv_timer_start(&s->timer, on_timer,
				     deadline > now ? (uint64_t)(deadline - now) : 0, 0);
}

static void step(struct supervisor *s, enum service_event event)
{
	enum service_state before = s->machine.state;
	unsigned effects = service_machine_step(&s->machine, event, clock_mono_ms());

	if (effects & SERVICE_EFFECT_KILL && event == SERVICE_EVENT_DEADLINE && !s->reason[0])
		(void)snprintf(s->reason, sizeof(s->reason), "it was silent for too long while %s",
			       service_state_name(before));
	if (effects & SERVICE_EFFECT_LOST)
		s->callbacks.on_lost(s->context);
	if (effects & SERVICE_EFFECT_KILL)
		kill_service(s);
	if (effects & SERVICE_EFFECT_ABANDON)
		abandon(s);
	if (effects & SERVICE_EFFECT_CLOSE)
		close_channel(s);
	if (effects & SERVICE_EFFECT_SPAWN)
		try_spawn(s);
	if (effects & SERVICE_EFFECT_UP) {
		record_up(s);
		s->callbacks.on_up(s->context, s->incarnation);
	}
	if (effects & SERVICE_EFFECT_PING)
		send_ping(s);
	if (before != SERVICE_DOWN && s->machine.state == SERVICE_DOWN)
		s->callbacks.on_down(s->context);
	arm(s);
}

/* ---- what it says ---- */

static void lied(struct supervisor *s, const char *why)
{
	s->violations++;
	(void)snprintf(s->reason, sizeof(s->reason), "it broke the protocol: %s", why);
	log_security("scan service %d broke the protocol: %s; it is ended", s->pid, why);
	step(s, SERVICE_EVENT_LIED);
}

static void hear_hello(struct supervisor *s, const struct service_hello *hello)
{
	if (hello->protocol != AMP_PROTOCOL_VERSION) {
		lied(s, "another protocol version");
		return;
	}
	/* What it says and what the kernel says: one that stayed root would be root's in the hands of hostile files. */
	if (hello->uid != s->account.uid || hello->gid != s->account.gid ||
	    peer_uid_of_process(s->pid) != s->account.uid) {
		lied(s, "it does not run as the user it was told to");
		return;
	}
	service_report_hello(&s->report, hello);
	step(s, SERVICE_EVENT_HELLO);
}

static void hear_file(struct supervisor *s, const struct definition_file *file)
{
	if (!file->accepted)
		log_warning("definitions: %s is not used: %s", file->name, file->reason);
	service_report_file(&s->report, file);
}

static void hear_ready(struct supervisor *s, const struct service_ready *ready)
{
	s->report.ready = *ready;
	s->reason[0] = '\0';
	log_notice("scan service %d is ready: %s, %llu signatures, loaded in %u ms, %llu MiB",
		   s->pid, s->report.engine, (unsigned long long)ready->signatures, ready->load_ms,
		   (unsigned long long)(ready->memory_bytes >> 20));
	step(s, SERVICE_EVENT_READY);
}

static void hear_log(struct supervisor *s, uint32_t level, const char *text)
{
	if (s->log_lines++ < LOG_LINES_PER_LIFE)
		log_line(level < LOG_LEVEL_COUNT ? level : LOG_LEVEL_WARNING, "scan service: %s",
			 text);
	else if (s->log_lines == LOG_LINES_PER_LIFE + 1)
		log_warning("scan service: says too much, its further lines are not logged");
}

static void hear_pong(struct supervisor *s, uint64_t number)
{
	if (number != s->pings || s->machine.pong_due == MONO_NEVER)
		lied(s, "an answer to a ping that was not sent");
	else
		step(s, SERVICE_EVENT_PONG);
}

static void hear(struct supervisor *s, const struct from_service *message)
{
	switch (message->kind) {
	case FROM_SERVICE_HELLO:
		hear_hello(s, &message->hello);
		break;
	case FROM_SERVICE_PROGRESS:
		step(s, SERVICE_EVENT_PROGRESS);
		break;
	case FROM_SERVICE_FILE:
		hear_file(s, &message->file);
		break;
	case FROM_SERVICE_READY:
		hear_ready(s, &message->ready);
		break;
	case FROM_SERVICE_FAILED:
		(void)snprintf(s->reason, sizeof(s->reason), "it %s: %s",
			       exit_code_text((int)message->failed.code), message->failed.reason);
		break;
	case FROM_SERVICE_SPAWNED:
		if (message->spawned.error)
			s->callbacks.on_worker_failed(s->context, message->spawned.worker,
						      message->spawned.reason);
		break;
	case FROM_SERVICE_EXITED:
		s->callbacks.on_worker_exited(s->context, message->exited.worker,
					      message->exited.status);
		break;
	case FROM_SERVICE_LOG:
		hear_log(s, message->log.level, message->log.text);
		break;
	case FROM_SERVICE_PONG:
		hear_pong(s, message->pong);
		break;
	}
}

static void on_packet(void *context, const void *packet, size_t len, const struct packet_meta *meta)
{
	struct supervisor *s = context;
	struct from_service message;
	const char *why = "";

	late_close(meta->fd);
	if (from_service_decode(s->arena, packet, len, &message, &why) ||
	    session_admit(&s->session, message.kind, meta->fd >= 0, &why))
		lied(s, why);
	else if (message.incarnation != s->incarnation)
		lied(s, "another incarnation's message");
	else if (flood_gauge_overflows(&s->flood, clock_mono_ms()))
		lied(s, "a flood of messages");
	else
		hear(s, &message);
}

/* A service that ends closes its channel a moment before its pidfd tells: give the obituary that moment, it has the
 * cause. The machine's deadline ends one that lives on without a channel. */
static void on_end(void *context, int error)
{
	struct supervisor *s = context;

	if (error && error != -ECONNRESET && error != -EPIPE) {
		lied(s, error == -EPROTO ? "a packet with descriptors"
					 : "a packet that is too long, or the channel failed");
		return;
	}
	close_channel(s);
	step(s, SERVICE_EVENT_LIED);
}

/* ---- outside ---- */

struct supervisor *supervisor_new(uv_loop_t *loop, const struct configuration *configuration,
				  struct journal *journal,
				  const struct supervisor_callbacks *callbacks, void *context)
{
	struct supervisor *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->arena = wire_arena_new();
	if (!s->arena || uv_timer_init(loop, &s->timer)) {
		wire_arena_free(s->arena);
		free(s);
		return NULL;
	}
	s->loop = loop;
	s->timer.data = s;
	s->configuration = configuration;
	s->journal = journal;
	s->callbacks = *callbacks;
	s->context = context;
	s->pidfd = -1;
	left_behind_init(&s->left_behind);
	service_machine_init(&s->machine, s->configuration->start_retry_ms);
	return s;
}

static void free_supervisor(uv_handle_t *handle)
{
	free(handle->data);
}

struct supervisor *supervisor_free(struct supervisor *s)
{
	if (!s)
		return NULL;
	forget_unwatched(s);
	wire_arena_free(s->arena);
	uv_close((uv_handle_t *)&s->timer, free_supervisor);
	return NULL;
}

void supervisor_start(struct supervisor *s)
{
	step(s, SERVICE_EVENT_START);
}

void supervisor_stop(struct supervisor *s)
{
	if (s->machine.state == SERVICE_DOWN)
		s->callbacks.on_down(s->context);
	else
		step(s, SERVICE_EVENT_STOP);
}

void supervisor_replace(struct supervisor *s, const char *reason)
{
	(void)snprintf(s->reason, sizeof(s->reason), "%s", reason);
	log_error("scan service %d is replaced: %s", s->pid, reason);
	step(s, SERVICE_EVENT_LIED);
}

int supervisor_spawn_worker(struct supervisor *s, uint64_t worker, int channel)
{
	struct to_service message = {.kind = TO_SERVICE_SPAWN, .spawn_worker = worker};
	uint8_t packet[64];
	ssize_t len = to_service_encode(&message, packet, sizeof(packet));

	if (!s->channel || s->machine.state != SERVICE_UP)
		return -ENOTCONN;
	return len < 0 ? (int)len : channel_send(s->channel, packet, (size_t)len, channel);
}

uint64_t supervisor_generation(const struct supervisor *s)
{
	return s->has_definitions ? 2 : 1;
}

int64_t supervisor_pid(const struct supervisor *s)
{
	return s->pid;
}

void supervisor_view(const struct supervisor *s, struct service_view *ret_view)
{
	*ret_view = (struct service_view){
		.state = s->machine.state,
		.pid = (uint32_t)s->pid,
		.starts = s->machine.starts,
		.uid = peer_uid_of_process(s->pid),
		.user = s->account.missing ? "root" : s->configuration->scan_user,
		.as_root = s->account.missing,
		.reason = s->machine.state == SERVICE_UP ? "" : s->reason,
		.incarnation = s->incarnation,
		.report = &s->report,
		.builtin = !s->has_definitions,
		.generation = supervisor_generation(s),
		.violations = s->violations,
	};
}
