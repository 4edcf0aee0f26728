/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/daemon.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ampdaemon/control_server.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/low_fds.h"
#include "ampdaemon/pid_file.h"
#include "ampdaemon/privilege.h"
#include "ampdaemon/scan_desk.h"
#include "ampdaemon/service_notify.h"
#include "ampdaemon/status_view.h"
#include "ampdaemon/supervisor.h"
#include "ampdaemon/worker_memory.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define DESCRIPTORS 16384 /* the book, the sessions, and as much again for files held by sessions */

struct daemon {
	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_timer_t watchdog;
	const struct configuration *configuration;
	struct journal *journal;
	struct supervisor *supervisor;
	struct scan_desk *desk;
	struct control_server *server;
	struct worker_memory *memory;
	mono_ms started;
	bool ready_told, stopping;
	int pid_fd;
	const char *stop_reason;
	char pid_path[PATH_MAX];
	struct status_notices notices;
};

static void record(struct daemon *d, uint32_t type, const char *reason)
{
	struct event event = {.type = type, .body = EVENT_BODY_CONNECTOR};

	event.connector.version = AMP_VERSION;
	event.connector.pid = (uint32_t)getpid();
	event.connector.reason = reason;
	journal_record(d->journal, &event);
}

/* ---- what the parts tell each other ---- */

static void tell_ready(struct daemon *d, const char *status)
{
	if (d->ready_told)
		service_notify_status(status);
	else
		service_notify_ready(status);
	d->ready_told = true;
}

static void on_up(void *context, uint64_t incarnation)
{
	struct daemon *d = context;

	desk_service_up(d->desk, incarnation);
	tell_ready(d, "scan service is up");
}

static void on_lost(void *context)
{
	struct daemon *d = context;

	desk_service_lost(d->desk);
	service_notify_status("scan service is down; it is started again");
}

static void on_worker_exited(void *context, uint64_t worker, uint32_t status)
{
	desk_worker_exited(((struct daemon *)context)->desk, worker, status);
}

/* Its job channel ends at the same time: the dispatcher hears of it from there. */
static void on_worker_failed(void *context, uint64_t worker, const char *reason)
{
	(void)context;
	log_warning("scan worker %llu could not be made: %s; it is tried again",
		    (unsigned long long)worker, reason);
}

static void on_down(void *context)
{
	struct daemon *d = context;

	if (d->stopping)
		uv_stop(&d->loop);
}

static const struct supervisor_callbacks supervisor_callbacks = {
	.on_up = on_up,
	.on_lost = on_lost,
	.on_worker_exited = on_worker_exited,
	.on_worker_failed = on_worker_failed,
	.on_down = on_down};

static void on_result(void *context, uint64_t client, struct span path,
		      const struct file_result *result)
{
	control_server_result(((struct daemon *)context)->server, client, path, result);
}

static void on_room(void *context)
{
	struct daemon *d = context;

	if (d->server)
		control_server_room(d->server);
}

static void on_idle(void *context)
{
	struct daemon *d = context;

	supervisor_stop(d->supervisor);
}

static const struct desk_callbacks desk_callbacks = {
	.on_result = on_result, .on_room = on_room, .on_idle = on_idle};

static void fill_status(void *context, struct status_report *ret_report)
{
	struct daemon *d = context;
	struct status_sources sources = {.supervisor = d->supervisor,
					 .desk = d->desk,
					 .journal = d->journal,
					 .server = d->server,
					 .memory = d->memory,
					 .started = d->started};

	status_view_fill(&sources, &d->notices, ret_report);
}

static void refresh_status(void *context)
{
	struct daemon *d = context;
	struct worker_facts facts[LIMIT_WORKERS];
	uint32_t pids[LIMIT_WORKERS];
	unsigned n = scan_link_facts(desk_link(d->desk), facts, LIMIT_WORKERS);

	for (unsigned i = 0; i < n; i++)
		pids[i] = facts[i].pid;
	worker_memory_refresh(d->memory, pids, n);
}

static void on_memory_fresh(void *context)
{
	struct daemon *d = context;

	if (d->server) /* else it is the stop that waited for the measurement */
		control_server_status_fresh(d->server);
}

/* ---- stop ---- */

static void stop(struct daemon *d, const char *reason)
{
	if (d->stopping)
		return;
	d->stopping = true;
	d->stop_reason = reason;
	log_notice("stopping: %s", reason);
	service_notify_stopping();
	control_server_stop_accepting(d->server);
	desk_drain(d->desk, clock_mono_ms() + DAEMON_DRAIN_MS);
}

static void on_signal(uv_signal_t *handle, int signal)
{
	struct daemon *d = handle->data;

	if (signal == SIGHUP) {
		log_notice(
			"SIGHUP: there is nothing to reload yet; restart to read the configuration again");
		return;
	}
	stop(d, signal == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void on_watchdog(uv_timer_t *timer)
{
	(void)timer;
	service_notify_watchdog(); /* the loop turns: that is what it says */
}

/* ---- start ---- */

static int start_signals(struct daemon *d)
{
	static const int wanted[] = {SIGTERM, SIGINT, SIGHUP};
	uint64_t watchdog = service_notify_watchdog_ms();

	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for SIGPIPE */
	for (unsigned i = 0; i < 3; i++) {
		if (uv_signal_init(&d->loop, &d->signals[i]) ||
		    uv_signal_start(&d->signals[i], on_signal, wanted[i]))
			return -EIO;
		d->signals[i].data = d;
		uv_unref((uv_handle_t *)&d->signals[i]);
	}
	if (uv_timer_init(&d->loop, &d->watchdog))
		return -EIO;
	uv_unref((uv_handle_t *)&d->watchdog);
	if (watchdog)
		return uv_timer_start(&d->watchdog, on_watchdog, watchdog, watchdog);
	return 0;
}

static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_max < DESCRIPTORS)
		limit.rlim_max = DESCRIPTORS;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warning("the limit of descriptors cannot be raised to %d: %s", DESCRIPTORS,
			    strerror(errno));
}

/* Before anything is opened. */
static int reserve_descriptors(void)
{
	int r = low_fds_reserve();

	if (r)
		log_error(
			"/dev/null cannot take the %d lowest descriptors: %s; the daemon does not start",
			LOW_FDS, strerror(-r));
	return r;
}

static int lock_tree(struct daemon *d)
{
	(void)snprintf(d->pid_path, sizeof(d->pid_path), "%s/ampdaemon.pid",
		       d->configuration->run_dir);
	d->pid_fd = pid_file_take(d->pid_path);
	if (d->pid_fd == -EWOULDBLOCK)
		log_error("another ampdaemon runs with %s; this one does not start",
			  d->configuration->run_dir);
	else if (d->pid_fd < 0)
		log_error("%s cannot be written: %s; the daemon does not start", d->pid_path,
			  strerror(-d->pid_fd));
	return d->pid_fd;
}

static int open_journal(struct daemon *d)
{
	struct journal_bounds bounds = {.max_bytes = d->configuration->journal_max_bytes,
					.max_days = d->configuration->journal_max_days};
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/journal.db", d->configuration->state_dir);
	d->journal = journal_new(&d->loop, path, &bounds);
	return d->journal ? 0 : -ENOMEM;
}

static int open_control(struct daemon *d)
{
	struct control_services services = {.desk = d->desk,
					    .journal = d->journal,
					    .fill_status = fill_status,
					    .refresh_status = refresh_status,
					    .context = d};
	struct journal_state state;
	char path[PATH_MAX], error[PATH_MAX + 200];

	journal_state(d->journal, &state);
	services.last_scan =
		state.newest; /* each scan left two events at least: larger than any number before */
	(void)snprintf(path, sizeof(path), "%s/control.sock", d->configuration->run_dir);
	d->server = control_server_new(&d->loop, path, &services, error, sizeof(error));
	if (!d->server)
		log_error("%s; the daemon does not start", error);
	return d->server ? 0 : -EIO;
}

static int build(struct daemon *d)
{
	int r = open_journal(d);

	if (!r)
		r = privilege_cut();
	if (!r)
		r = late_close_start(); /* after the cut: capabilities are each thread's own */
	if (r)
		return r;
	d->memory = worker_memory_new(&d->loop, on_memory_fresh, d);
	d->supervisor =
		supervisor_new(&d->loop, d->configuration, d->journal, &supervisor_callbacks, d);
	if (!d->memory || !d->supervisor)
		return -ENOMEM;
	d->desk =
		desk_new(&d->loop, d->configuration, d->supervisor, d->journal, &desk_callbacks, d);
	if (!d->desk)
		return -ENOMEM;
	r = open_control(d);
	return r ? r : start_signals(d);
}

static void tear_down(struct daemon *d)
{
	record(d, EVENT_CONNECTOR_STOPPED, d->stop_reason);
	d->server = control_server_free(d->server);
	d->desk = desk_free(d->desk);
	d->supervisor = supervisor_free(d->supervisor);
	(void)uv_run(&d->loop,
		     UV_RUN_NOWAIT); /* close callbacks; and those of work that has ended */
	while (!journal_is_idle(d->journal) || !worker_memory_is_idle(d->memory))
		(void)uv_run(&d->loop, UV_RUN_ONCE);
	(void)uv_run(&d->loop, UV_RUN_NOWAIT);
	worker_memory_free(d->memory);
	journal_free(d->journal);
	pid_file_release(d->pid_path, d->pid_fd);
	log_notice("stopped");
	log_close();
}

static void open_log(const struct configuration *c)
{
	struct log_settings settings = {.to_stderr = c->log_to_stderr, .level = LOG_LEVEL_NOTICE};
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s/ampdaemon.log", c->log_dir);
	settings.path = path;
	for (unsigned level = 0; level < LOG_LEVEL_COUNT; level++) {
		if (!strcmp(c->log_level, log_level_name(level)))
			settings.level = level;
	}
	r = log_open(&settings);
	if (r)
		log_warning("%s cannot be written: %s; the log goes %s", path, strerror(-r),
			    settings.to_stderr ? "to standard error only" : "nowhere");
}

int daemon_run(const struct configuration *configuration)
{
	static struct daemon daemon; /* half a megabyte: not for the stack */
	struct daemon *d = &daemon;

	d->configuration = configuration;
	d->started = clock_mono_ms();
	raise_limits();
	if (reserve_descriptors())
		return EXIT_FAILURE;
	open_log(configuration);
	if (lock_tree(d) < 0 || uv_loop_init(&d->loop))
		return EXIT_FAILURE;
	if (build(d))
		return EXIT_FAILURE; /* told where it happened; the process ends and frees all */
	log_notice("ampdaemon %s started (pid %d), %u workers", AMP_VERSION, getpid(),
		   configuration->scan_workers);
	record(d, EVENT_CONNECTOR_STARTED, "");
	supervisor_start(d->supervisor);
	(void)uv_run(&d->loop, UV_RUN_DEFAULT); /* non-zero after uv_stop() */
	tear_down(d);
	return EXIT_SUCCESS;
}
