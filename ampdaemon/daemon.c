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

#include "ampdaemon/daemon_links.h"
#include "ampdaemon/daemon_parts.h"
#include "ampdaemon/low_fds.h"
#include "ampdaemon/pid_file.h"
#include "ampdaemon/privilege.h"
#include "ampdaemon/restart.h"
#include "ampdaemon/service_notify.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define RESTARTS_KEY "connector/restarts"
#define REAP_EVERY_MS 1000
#define NICENESS (-10)
#define DESCRIPTORS 16384 /* the book, the sessions, and as much again for files held by sessions */

static void record(struct daemon *d, uint32_t type, const char *reason)
{
	struct event event = {.type = type, .body = EVENT_BODY_CONNECTOR};
	struct journal_value restarts = {
		.key = RESTARTS_KEY, .data = &d->restarts, .len = sizeof(d->restarts)};

	event.connector.version = AMP_VERSION;
	event.connector.pid = (uint32_t)getpid();
	event.connector.reason = reason;
	journal_record_with(d->journal, &event, &restarts, type == EVENT_CONNECTOR_RESTARTED);
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
			"SIGHUP: account, directories and definitions are looked at again; `ampcli restart` reads the configuration again");
		supervisor_recheck(d->supervisor);
		return;
	}
	stop(d, signal == SIGTERM ? "SIGTERM" : "SIGINT");
}

/* ---- asked by clients ---- */

static int ask_restart(void *context, char *ret_error, size_t size)
{
	return restart_ask(context, ret_error, size);
}

static void recheck(void *context)
{
	supervisor_recheck(((struct daemon *)context)->supervisor);
}

/* ---- start ---- */

static int start_signals(struct daemon *d)
{
	static const int wanted[] = {SIGTERM, SIGINT, SIGHUP};

	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for SIGPIPE */
	for (unsigned i = 0; i < 3; i++) {
		if (uv_signal_init(&d->loop, &d->signals[i]) ||
		    uv_signal_start(&d->signals[i], on_signal, wanted[i]))
			return -EIO;
		d->signals[i].data = d;
		uv_unref((uv_handle_t *)&d->signals[i]);
	}
	handover_is_done(); /* what came for the image before this one is delivered now */
	return 0;
}

static bool is_dispatcher_well(void *context, const char **ret_why)
{
	struct daemon *d = context;

	*ret_why = "a deadline of the dispatcher is long overdue";
	return !loop_health_is_overdue(dispatcher_deadline(desk_dispatcher(d->desk)));
}

static int start_health(struct daemon *d)
{
	d->health = loop_health_new(&d->loop, handover_heartbeat());
	return d->health ? loop_health_add(d->health, is_dispatcher_well, d) : -ENOMEM;
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

/* The loop takes little and must be quick: who lost a worker should not wait for those that scan. A priority that somebody gave it stays. */
static void go_first(void)
{
	if (getpriority(PRIO_PROCESS, 0) == 0 && setpriority(PRIO_PROCESS, 0, NICENESS))
		log_info("the daemon's priority cannot be raised: %s", strerror(errno));
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
	d->pid_fd = d->is_next && d->handover.head.pid_lock >= 0
			    ? pid_file_adopt(d->pid_path, d->handover.head.pid_lock)
			    : pid_file_take(d->pid_path);
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
					.max_days = d->configuration->journal_max_days,
					.was_closed_cleanly = d->is_next};
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/journal.db", d->configuration->state_dir);
	d->journal = journal_new(&d->loop, path, &bounds);
	return d->journal ? 0 : -ENOMEM;
}

/* Scans are numbered above all that were: each left two events at least, so the newest event's number is above any scan's. */
static uint64_t last_scan(const struct daemon *d)
{
	struct journal_state state;

	if (d->is_next)
		return d->handover.head.last_scan;
	journal_state(d->journal, &state);
	return state.newest;
}

static int open_control(struct daemon *d)
{
	const struct handover_head *head = &d->handover.head;
	struct control_services services = {
		.desk = d->desk,
		.definitions = d->definitions,
		.journal = d->journal,
		.fill_status = daemon_fill_status,
		.refresh_status = daemon_refresh_status,
		.restart = ask_restart,
		.recheck = recheck,
		.update = daemon_update,
		.cancel_update = daemon_cancel_update,
		.fill_updates = daemon_fill_updates,
		.context = d,
		.faults = d->faults,
		.last_scan = last_scan(d),
		.listening = d->is_next && head->listening > 0 ? head->listening : 0,
		.violations = head->violations,
		.last_scan_utc_ms = head->last_scan_utc_ms,
	};
	char path[PATH_MAX], error[PATH_MAX + 200];

	(void)snprintf(path, sizeof(path), "%s/control.sock", d->configuration->run_dir);
	d->server = control_server_new(&d->loop, path, &services, error, sizeof(error));
	if (!d->server)
		log_error("%s; the daemon does not start", error);
	for (unsigned i = 0; d->server && i < d->handover.n_scans; i++)
		(void)control_server_adopt_scan(d->server,
						&d->handover.scans[i]); /* failed: told */
	return d->server ? 0 : -EIO;
}

static void recall_restarts(void *context, const char *key, const void *data, size_t len)
{
	struct daemon *d = context;

	(void)key;
	if (len == sizeof(d->restarts))
		memcpy(&d->restarts, data, len);
}

static int build_desks(struct daemon *d)
{
	struct handover_head *head = &d->handover.head;
	struct desk_origin origin = {.configuration = d->configuration,
				     .journal = d->journal,
				     .first_serial = head->first_serial,
				     .first_worker = d->is_next ? head->first_worker : 1};

	struct definition_needs definitions = {
		.loop = &d->loop, .configuration = d->configuration, .journal = d->journal};
	struct update_needs updates = {
		.loop = &d->loop, .configuration = d->configuration, .journal = d->journal};

	d->faults = fault_desk_new(d->journal);
	d->memory = worker_memory_new(&d->loop, daemon_on_memory_fresh, d);
	if (!d->faults || !d->memory)
		return -ENOMEM;
	d->incidents = incident_desk_new(&d->loop, d->configuration, d->journal, d->faults,
					 &daemon_incident_callbacks, d);
	d->supervisor = supervisor_new(&d->loop, d->configuration, d->journal, d->faults,
				       &daemon_supervisor_callbacks, d);
	if (!d->incidents || !d->supervisor)
		return -ENOMEM;
	origin.supervisor = d->supervisor;
	d->desk = desk_new(&d->loop, &origin, &daemon_desk_callbacks, d);
	definitions.site = supervisor_site(d->supervisor);
	d->definitions = definition_desk_new(&definitions, &daemon_definition_callbacks, d);
	d->held = held_verdict_new(&d->loop, daemon_give_verdict, d);
	if (!d->desk || !d->definitions || !d->held)
		return -ENOMEM;
	updates.definitions = d->definitions;
	d->updates = update_desk_new(&updates, &daemon_update_callbacks, d);
	return d->updates ? 0 : -ENOMEM;
}

/* The service and its workers go on as if nothing had been. When they cannot be taken, they end by themselves. */
static void take_service(struct daemon *d)
{
	struct handover *h = &d->handover;

	supervisor_count_from(d->supervisor, h->head.incarnation);
	desk_adopt_counters(d->desk, &h->head.counters);
	if (!h->has_service)
		return;
	if (supervisor_adopt(d->supervisor, &h->service)) {
		log_warning(
			"the scan service of the image before this one cannot be taken over: another one is started");
		handover_close_service(h);
		return;
	}
	/* Now: if it ended before the timer's first turn, its end would be taken from the supervisor. */
	(void)handover_reap(h->service.pid);
	for (unsigned i = 0; i < h->n_workers; i++) {
		if (desk_adopt(d->desk, &h->workers[i]))
			log_warning("scan worker %lld cannot be taken over: another one is ordered",
				    (long long)h->workers[i].pid);
	}
}

static void on_site_change(void *context)
{
	recheck(context);
}

static void on_reap(uv_timer_t *timer)
{
	struct daemon *d = timer->data;
	struct service_view view;

	supervisor_view(d->supervisor, &view);
	if (handover_reap(view.pid))
		(void)uv_timer_stop(timer); /* cannot fail */
}

static void watch_children(struct daemon *d)
{
	(void)uv_timer_init(&d->loop, &d->reaper); /* cannot fail */
	d->reaper.data = d;
	uv_unref((uv_handle_t *)&d->reaper);
	if (d->was_executed)
		(void)uv_timer_start(&d->reaper, on_reap, REAP_EVERY_MS,
				     REAP_EVERY_MS); /* as above */
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
	(void)journal_recall(d->journal, RESTARTS_KEY, recall_restarts,
			     d); /* else counted from 0 */
	r = build_desks(d);
	if (r)
		return r;
	restart_init(d);
	watch_children(d);
	if (d->is_next)
		take_service(d);
	r = open_control(d);
	if (!r)
		r = start_signals(d);
	if (!r)
		r = start_health(d);
	d->watch = r ? NULL : site_watch_new(&d->loop, d->configuration, on_site_change, d);
	return r; /* without a watch the recheck finds what changed */
}

static void tear_down(struct daemon *d)
{
	record(d, EVENT_CONNECTOR_STOPPED, d->stop_reason);
	d->server = control_server_free(d->server);
	d->watch = site_watch_free(d->watch);
	d->health = loop_health_free(d->health);
	d->updates = update_desk_free(d->updates);
	d->held = held_verdict_free(d->held);
	d->definitions = definition_desk_free(d->definitions);
	d->desk = desk_free(d->desk);
	d->incidents = incident_desk_free(d->incidents);
	d->supervisor = supervisor_free(d->supervisor);
	(void)uv_run(&d->loop,
		     UV_RUN_NOWAIT); /* close callbacks; and those of work that has ended */
	while (!journal_is_idle(d->journal) || !worker_memory_is_idle(d->memory))
		(void)uv_run(&d->loop, UV_RUN_ONCE);
	(void)uv_run(&d->loop, UV_RUN_NOWAIT);
	worker_memory_free(d->memory);
	d->faults = fault_desk_free(d->faults);
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

/* What the image before this one left, if any. Whatever it is, the daemon starts. */
static void receive(struct daemon *d)
{
	char error[LIMIT_REASON_BYTES] = "";
	int r = handover_receive(d->configuration->run_dir, &d->handover, error, sizeof(error));

	d->is_next = r > 0;
	d->was_executed = r != 0;
	if (r <= 0)
		memset(&d->handover.head, 0, sizeof(d->handover.head));
	(void)snprintf(d->restart.reason, sizeof(d->restart.reason), "%s",
		       r < 0        ? error
		       : d->is_next ? d->handover.reason
				    : "");
	if (d->is_next)
		d->started = d->handover.head.started;
}

static void tell_start(struct daemon *d)
{
	if (!d->was_executed) {
		log_notice("ampdaemon %s started (pid %d), %u workers", AMP_VERSION, getpid(),
			   d->configuration->scan_workers);
		record(d, EVENT_CONNECTOR_STARTED, "");
		return;
	}
	d->restarts++;
	if (d->is_next)
		log_notice("ampdaemon %s goes on in place (pid %d), %u workers taken over: %s",
			   AMP_VERSION, getpid(), d->handover.n_workers, d->restart.reason);
	else
		log_error("what the image before this one left cannot be used: %s; a clean start",
			  d->restart.reason);
	record(d, EVENT_CONNECTOR_RESTARTED, d->restart.reason);
	handover_drop(&d->handover);
}

int daemon_run(const struct configuration *configuration)
{
	static struct daemon daemon; /* half a megabyte: not for the stack */
	struct daemon *d = &daemon;

	d->configuration = configuration;
	d->started = clock_mono_ms();
	raise_limits();
	go_first();
	if (reserve_descriptors())
		return EXIT_FAILURE;
	receive(d);
	open_log(configuration);
	if (lock_tree(d) < 0 || uv_loop_init(&d->loop))
		return EXIT_FAILURE;
	if (build(d))
		return EXIT_FAILURE; /* told where it happened; the process ends and frees all */
	tell_start(d);
	definition_desk_start(d->definitions);
	update_desk_start(d->updates);
	supervisor_start(d->supervisor);
	(void)uv_run(&d->loop, UV_RUN_DEFAULT); /* non-zero after uv_stop() */
	tear_down(d);
	return EXIT_SUCCESS;
}
