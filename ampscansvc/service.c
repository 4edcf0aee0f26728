/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampscansvc/canary.h"
#include "ampscansvc/definition_set.h"
#include "ampscansvc/detached_signature.h"
#include "ampscansvc/huge_pages.h"
#include "ampscansvc/last_words.h"
#include "ampscansvc/seccomp_list.h"
#include "ampscansvc/wall_probe.h"
#include "ampscansvc/walls.h"
#include "ampscansvc/warm_up.h"
#include "ampscansvc/worker.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/fd_kind.h"
#include "io/log.h"
#include "io/packet.h"
#include "wire/scan_codec.h"
#include "wire/session_rules.h"

#define BEAT_MS 500 /* at most two heartbeats a second */

struct slot {
	pid_t pid; /* 0: free */
	uint64_t worker;
};

struct service {
	struct wire_arena *arena;
	struct session session;
	struct service_start start; /* its certificates are those below */
	uint8_t trust_anchors[LIMIT_TRUST_ANCHOR_BYTES];
	struct wall_book walls;
	struct engine *engine;
	struct slot slots[BIRTH_WORKER_SLOTS];
	mono_ms next_beat;
	uint64_t vm_bytes; /* of the loaded service */
	int children;      /* signalfd */
	pid_t self;
	uint8_t packet[LIMIT_PACKET_BYTES];
};

/* The daemon is gone when it cannot be told: there is nothing left to do. */
static void send_up(struct service *service, struct from_service *message)
{
	ssize_t len;

	message->incarnation = service->start.incarnation;
	len = from_service_encode(message, service->packet, sizeof(service->packet));
	if (len < 0)
		_exit(EXIT_CODE_INTERNAL);
	if (packet_send(BIRTH_FD_CHANNEL, service->packet, (size_t)len, -1, 0) < 0)
		_exit(EXIT_CODE_CHANNEL);
}

static enum exit_code fail(struct service *service, enum exit_code code, const char *reason)
{
	struct from_service message = {.kind = FROM_SERVICE_FAILED,
				       .failed = {.code = code, .reason = reason}};

	send_up(service, &message);
	return code;
}

static void log_up(struct service *service, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void log_up(struct service *service, enum log_level level, const char *format, ...)
{
	char text[LIMIT_LOG_TEXT_BYTES];
	struct from_service message = {.kind = FROM_SERVICE_LOG,
				       .log = {.level = level, .text = text}};
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* cut is fine */
	va_end(arguments);
	send_up(service, &message);
}

/* Receives and checks one order. 0 at end-of-file, 1, or -errno. A descriptor that came is in *ret_fd. */
static int receive(struct service *service, struct to_service *ret_order, int *ret_fd)
{
	struct packet_meta meta;
	const char *why;
	ssize_t len = packet_receive(BIRTH_FD_CHANNEL, service->packet, sizeof(service->packet), 0,
				     &meta);

	*ret_fd = -1;
	if (len <= 0)
		return len == -EINTR ? -EAGAIN : (int)len;
	if (to_service_decode(service->arena, service->packet, (size_t)len, ret_order, &why) == 0 &&
	    session_admit(&service->session, ret_order->kind, meta.fd >= 0, &why) == 0) {
		*ret_fd = meta.fd;
		return 1;
	}
	if (meta.fd >= 0)
		close(meta.fd);
	return -EPROTO;
}

static void report_walls(struct service *service)
{
	char text[LIMIT_NAME_BYTES];
	struct from_service message = {
		.kind = FROM_SERVICE_HELLO,
		.hello = {.protocol = AMP_PROTOCOL_VERSION,
			  .engine = engine_text(text, sizeof(text)),
			  .uid = getuid(),
			  .gid = getgid()},
	};

	message.hello.n_walls = walls_report(&service->walls, message.hello.walls);
	send_up(service, &message);
}

static enum exit_code wall_in(struct service *service, bool was_environment_empty)
{
	const struct service_start *start = &service->start;
	const struct walls_order order = {
		.builtin = BIRTH_FD_BUILTIN,
		.definitions = start->has_definitions ? BIRTH_FD_DEFINITIONS : -1,
		.was_environment_empty = was_environment_empty,
		.slot = {.bytes = start->temp_bytes,
			 .inodes = start->temp_inodes,
			 .uid = start->uid,
			 .gid = start->gid},
	};
	char why[LIMIT_REASON_BYTES] = "";
	enum wall_id fallen;

	if (walls_build(&order, &service->walls, why) < 0)
		return fail(service, EXIT_CODE_WALLS, why);
	close(BIRTH_FD_BUILTIN);
	close(BIRTH_FD_DEFINITIONS);
	wall_probe_calls(&service->walls, &service->walls);
	fallen = walls_fatal(&service->walls);
	if (fallen == WALL_COUNT)
		return EXIT_CODE_OK;
	(void)snprintf(why, sizeof(why), "the wall %s is down: %s", wall_name(fallen),
		       service->walls.detail[fallen]); /* fits */
	return fail(service, EXIT_CODE_WALLS, why);
}

static void hear_progress(void *context, enum load_phase phase, uint64_t done, uint64_t total)
{
	struct service *service = context;
	struct from_service message = {.kind = FROM_SERVICE_PROGRESS,
				       .progress = {.phase = phase, .done = done, .total = total}};
	mono_ms now = clock_mono_ms();

	if (now < service->next_beat)
		return;
	service->next_beat = mono_add(now, BEAT_MS);
	send_up(service, &message);
}

static void hear_file(void *context, const struct definition_file *file)
{
	struct from_service message = {.kind = FROM_SERVICE_FILE, .file = *file};

	send_up(context, &message);
}

static void hear_warning(void *context, const char *text)
{
	log_up(context, LOG_LEVEL_WARNING, "%s", text);
}

static void hear_settling(void *context, uint64_t done, uint64_t total)
{
	hear_progress(context, LOAD_PHASE_SETTLE, done, total);
}

static struct worker_birth birth_in(struct service *service, const struct temp_slot *slot)
{
	return (struct worker_birth){
		.engine = service->engine,
		.walls = &service->walls,
		.slot = *slot,
		.incarnation = service->start.incarnation,
		.vm_bytes = service->start.memory_bytes
				    ? service->vm_bytes + service->start.memory_bytes
				    : 0,
		.canary_every = service->start.canary_every,
		.parent = service->self,
	};
}

/* Reads what the child says until it ends. Returns its wait status; -1 when there was none. */
static int listen_to_proof(struct service *service, pid_t child, int pipe_end,
			   char why[LIMIT_DETAIL_BYTES])
{
	struct pollfd word = {.fd = pipe_end, .events = POLLIN};
	mono_ms deadline = mono_add(clock_mono_ms(), BIRTH_PROGRESS_LIMIT_MS);
	ssize_t len;
	int status = -1;

	while (poll(&word, 1, BEAT_MS) == 0 && clock_mono_ms() < deadline)
		hear_progress(service, LOAD_PHASE_PROVE, 0, 0);
	len = word.revents ? read(pipe_end, why, LIMIT_DETAIL_BYTES - 1) : 0;
	why[len > 0 ? len : 0] = '\0';
	if (!word.revents)
		(void)kill(child, SIGKILL); /* it is our child until waited for */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* A child with all the walls of a worker must find every canary. */
static enum exit_code prove(struct service *service)
{
	char why[LIMIT_DETAIL_BYTES] = "", reason[LIMIT_REASON_BYTES];
	struct worker_birth birth;
	struct temp_slot slot;
	int ends[2], status = -1;
	pid_t child;

	if (temp_slot_open(0, &slot) < 0)
		return fail(service, EXIT_CODE_TEMP, "the temporary storage is not there");
	if (pipe(ends) < 0)
		return fail(service, EXIT_CODE_MEMORY, "no descriptor for the proof");
	birth = birth_in(service, &slot);
	child = fork();
	if (child == 0)
		worker_prove(&birth, ends[1]);
	close(ends[1]);
	if (child > 0)
		status = listen_to_proof(service, child, ends[0], why);
	close(ends[0]);
	(void)temp_slot_wipe(&slot); /* looked at again when a worker gets it */
	if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CODE_OK)
		return EXIT_CODE_OK;
	(void)snprintf(reason, sizeof(reason), "the proof before the first worker failed: %s",
		       why[0]                             ? why
		       : child > 0 && WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
		       : child > 0                        ? exit_code_text(WEXITSTATUS(status))
							  : "no process"); /* cut is fine */
	return fail(service, EXIT_CODE_CANARY, reason);
}

static struct engine_settings settings_of(const struct service_start *start)
{
	return (struct engine_settings){
		.max_file_bytes = start->max_file_bytes,
		.max_scan_bytes = start->max_scan_bytes,
		.max_files = start->max_files,
		.max_recursion = start->max_recursion,
		.max_scan_ms = start->max_scan_ms,
	};
}

static enum exit_code load(struct service *service)
{
	const struct engine_settings settings = settings_of(&service->start);
	const struct definition_order order = {.settings = &settings,
					       .has_definitions = service->start.has_definitions,
					       .is_generation = service->start.is_generation,
					       .is_trial = service->start.is_trial,
					       .trust_anchors = service->start.trust_anchors};
	const struct definition_ear ear = {.file = hear_file,
					   .progress = hear_progress,
					   .warn = hear_warning,
					   .context = service};
	struct from_service ready = {.kind = FROM_SERVICE_READY};
	char why[LIMIT_REASON_BYTES] = "";
	struct definition_total total;
	struct memory_figures memory;
	mono_ms begin = clock_mono_ms();
	enum exit_code code;

	code = definition_set_load(&order, &ear, &service->engine, &total, why);
	if (code != EXIT_CODE_OK)
		return fail(service, code, why);
	huge_pages_settle(hear_settling, service);
	memory = huge_pages_memory();
	huge_pages_done();
	service->vm_bytes = memory.address_space;
	ready.ready.huge_bytes = memory.huge;
	ready.ready.memory_bytes = memory.resident;
	code = prove(service);
	if (code != EXIT_CODE_OK)
		return code;
	ready.ready.signatures = total.signatures;
	ready.ready.built = total.built;
	ready.ready.load_ms = (uint32_t)(clock_mono_ms() - begin);
	ready.ready.slots = BIRTH_WORKER_SLOTS;
	send_up(service, &ready);
	return EXIT_CODE_OK;
}

static void tell_spawned(struct service *service, uint64_t worker, int error, const char *reason)
{
	struct from_service message = {
		.kind = FROM_SERVICE_SPAWNED,
		.spawned = {.worker = worker, .error = (uint32_t)-error, .reason = reason},
	};

	send_up(service, &message);
}

/* A free slot that is empty and whole, or -errno. */
static int take_slot(struct service *service, struct temp_slot *ret_slot)
{
	int result = -EBUSY;

	for (unsigned i = 0; i < BIRTH_WORKER_SLOTS; i++) {
		bool is_used;

		if (service->slots[i].pid)
			continue;
		result = temp_slot_open(i, ret_slot);
		if (result == 0)
			result = temp_slot_check(ret_slot, &is_used);
		if (result == 0 && is_used)
			result = temp_slot_wipe(ret_slot);
		if (result == 0)
			result = temp_slot_has_room(ret_slot);
		if (result == 0)
			return 0;
	}
	return result;
}

/* Takes `channel`. */
static void spawn(struct service *service, uint64_t worker, int channel)
{
	struct worker_birth birth;
	struct temp_slot slot;
	int result = take_slot(service, &slot);
	pid_t child = -1;

	if (fd_is_packet_socket(channel) < 0) {
		close(channel);
		tell_spawned(service, worker, -ENOTSOCK, "the descriptor is not a job channel");
		return;
	}
	if (result == 0) {
		birth = birth_in(service, &slot);
		birth.worker = worker;
		birth.channel = channel;
		last_words_lend(slot.number);
		child = fork();
		if (child == 0)
			worker_run(&birth);
		result = child < 0 ? -errno : 0;
		last_words_take_back();
	}
	/* At once: while we hold it, nobody sees that the worker is gone. */
	close(channel);
	if (result == 0)
		service->slots[slot.number] = (struct slot){.pid = child, .worker = worker};
	tell_spawned(service, worker, result, result == 0 ? "" : strerror(-result));
}

static void bury(struct service *service, struct slot *slot, int status)
{
	struct from_service message = {.kind = FROM_SERVICE_EXITED,
				       .exited = {.worker = slot->worker,
						  .status = (uint32_t)status}};
	struct temp_slot temp;

	send_up(service, &message);
	slot->pid = 0;
	if (temp_slot_open((unsigned)(slot - service->slots), &temp) == 0)
		(void)temp_slot_wipe(&temp); /* looked at again when a worker gets it */
}

static void reap(struct service *service)
{
	struct signalfd_siginfo ignored;
	int status;
	pid_t child;

	(void)!read(service->children, &ignored,
		    sizeof(ignored)); /* only clears; waitpid() knows who */
	while ((child = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < BIRTH_WORKER_SLOTS; i++)
			if (service->slots[i].pid == child)
				bury(service, &service->slots[i], status);
}

static enum exit_code obey(struct service *service)
{
	struct from_service pong = {.kind = FROM_SERVICE_PONG};
	struct to_service order;
	int fd, result = receive(service, &order, &fd);

	if (result == -EAGAIN)
		return EXIT_CODE_OK;
	if (result < 0)
		return result == -EPROTO ? EXIT_CODE_PROTOCOL : EXIT_CODE_CHANNEL;
	if (result == 0)
		_exit(EXIT_CODE_OK); /* the daemon is gone, and the workers with us */
	if (order.kind == TO_SERVICE_SPAWN) {
		spawn(service, order.spawn_worker, fd);
		return EXIT_CODE_OK;
	}
	pong.pong = order.ping;
	send_up(service, &pong);
	return EXIT_CODE_OK;
}

static enum exit_code serve(struct service *service)
{
	struct pollfd events[] = {{.fd = BIRTH_FD_CHANNEL, .events = POLLIN},
				  {.fd = service->children, .events = POLLIN}};
	enum exit_code code = EXIT_CODE_OK;

	while (code == EXIT_CODE_OK) {
		if (poll(events, 2, -1) < 0)
			continue;
		/* Deaths first: a slot is free before the order that needs it. */
		if (events[1].revents)
			reap(service);
		if (events[0].revents)
			code = obey(service);
	}
	return code;
}

static int watch_children(struct service *service)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	service->children = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return service->children < 0 ? -errno : 0;
}

static enum exit_code prepare(struct service *service)
{
	service->self = getpid();
	service->arena = wire_arena_new();
	session_init(&service->session, &rules_to_service);
	if (!service->arena || watch_children(service) < 0 || seccomp_list_prepare() < 0)
		return EXIT_CODE_MEMORY;
	huge_pages_tune_malloc();
	huge_pages_prepare();
	canary_unmask();
	if (warm_up() < 0 || engine_start_library() < 0)
		return EXIT_CODE_INTERNAL;
	detached_signature_prepare();
	last_words_prepare(BIRTH_FD_LAST_WORDS);
	return EXIT_CODE_OK;
}

/* The order points into what the next one is received into. */
static void keep_start(struct service *service, const struct service_start *start)
{
	service->start = *start;
	if (start->trust_anchors.len)
		memcpy(service->trust_anchors, start->trust_anchors.data, start->trust_anchors.len);
	service->start.trust_anchors = span_of(service->trust_anchors, start->trust_anchors.len);
}

static enum exit_code take_start(struct service *service)
{
	struct to_service order;
	int fd, result;

	do
		result = receive(service, &order, &fd);
	while (result == -EAGAIN);
	if (result == 0)
		_exit(EXIT_CODE_OK);
	if (result < 0)
		return result == -EPROTO ? EXIT_CODE_PROTOCOL : EXIT_CODE_CHANNEL;
	if (order.start.protocol != AMP_PROTOCOL_VERSION)
		return EXIT_CODE_PROTOCOL;
	keep_start(service, &order.start);
	return EXIT_CODE_OK;
}

enum exit_code service_run(bool was_environment_empty)
{
	static struct service service; /* its packet is large; one per process */
	enum exit_code code = prepare(&service);

	if (code == EXIT_CODE_OK)
		code = take_start(&service);
	if (code == EXIT_CODE_OK)
		code = wall_in(&service, was_environment_empty);
	if (code != EXIT_CODE_OK)
		return code;
	report_walls(&service);
	code = load(&service);
	/* What was tried ends as what serves would go on: all that follows are orders. */
	return code == EXIT_CODE_OK && !service.start.is_trial ? serve(&service) : code;
}
