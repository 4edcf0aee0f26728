/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/status_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/log.h"

struct filling {
	struct status_report *report;
	struct status_notices *notices;
};

__attribute__((format(printf, 2, 3))) static void note(struct filling *f, const char *format, ...)
{
	va_list arguments;
	unsigned at = f->report->n_notices;

	if (at == LIMIT_NOTICES)
		return;
	va_start(arguments, format);
	(void)vsnprintf(f->notices->texts[at], sizeof(f->notices->texts[at]), format, arguments);
	va_end(arguments);
	f->report->notices[at] = f->notices->texts[at];
	f->report->n_notices++;
}

static void fill_service(struct filling *f, const struct supervisor *supervisor)
{
	struct status_report *r = f->report;
	struct service_view view;

	supervisor_view(supervisor, &view);
	r->service_state = view.state;
	r->service_pid = view.pid;
	r->service_uid = view.uid;
	r->service_user = view.user;
	r->service_starts = view.starts;
	r->service_reason = view.reason;
	r->engine = view.report->engine;
	r->incarnation = view.incarnation;
	r->n_walls = view.report->n_walls;
	memcpy(r->walls, view.report->walls, sizeof(r->walls));
	r->generation = view.generation;
	r->builtin = view.builtin;
	r->signatures = view.report->ready.signatures;
	r->definitions_built = view.report->ready.built;
	r->load_ms = view.report->ready.load_ms;
	r->engine_bytes = view.report->ready.memory_bytes;
	r->engine_huge_bytes = view.report->ready.huge_bytes;
	r->n_files = view.report->n_files;
	if (view.report->n_files)
		memcpy(r->files, view.report->files,
		       view.report->n_files * sizeof(*view.report->files));
	r->violations += view.violations;
	if (view.state != SERVICE_UP)
		note(f, "the scan service is %s%s%s: files cannot be scanned now",
		     service_state_name(view.state), view.reason[0] ? "; " : "", view.reason);
	r->service_replacements = view.replacements;
	r->standby_wanted = view.standby_wanted;
	r->standby_ready = view.standby_ready;
	r->standby_pid = view.standby_pid;
	if (view.standby_wanted && !view.standby_ready)
		note(f,
		     "the standby service is not ready: a scan service that dies leaves a gap of a load");
	for (unsigned i = 0; i < view.report->n_files; i++) {
		if (!view.report->files[i].accepted)
			note(f, "definitions %s are not used: %s", view.report->files[i].name,
			     view.report->files[i].reason);
	}
}

static void fill_workers(struct filling *f, const struct status_sources *sources)
{
	struct status_report *r = f->report;
	struct worker_view views[LIMIT_WORKERS];
	struct worker_facts facts[LIMIT_WORKERS];
	unsigned n = dispatcher_workers(desk_dispatcher(sources->desk), views, LIMIT_WORKERS);
	unsigned n_facts = scan_link_facts(desk_link(sources->desk), facts, LIMIT_WORKERS);

	for (unsigned i = 0; i < n; i++) {
		struct worker_report *worker = &r->workers[r->n_workers++];

		*worker = (struct worker_report){.worker = views[i].worker,
						 .state = views[i].state,
						 .jobs = views[i].answered};
		for (unsigned k = 0; k < n_facts; k++) {
			if (facts[k].worker == views[i].worker)
				worker->pid = facts[k].pid;
		}
		worker->private_kb = worker_memory_private_kb(sources->memory, worker->pid);
	}
}

static void fill_jobs(struct filling *f, const struct scan_desk *desk)
{
	const struct dispatcher *d = desk_dispatcher(desk);
	const struct job_counters *counters = dispatcher_counters(d);

	f->report->queued = dispatcher_queued(d);
	f->report->in_flight = dispatcher_in_flight(d);
	memcpy(f->report->verdicts, counters->verdicts, sizeof(f->report->verdicts));
	for (unsigned cause = 0; cause < DEATH_CAUSE_COUNT; cause++) {
		if (death_cause_is_failure(cause))
			f->report->worker_failures += (uint32_t)counters->deaths[cause];
	}
	f->report->violations += scan_link_violations(desk_link(desk));
}

static void fill_journal(struct filling *f, const struct journal *journal)
{
	struct status_report *r = f->report;
	struct journal_state state;

	journal_state(journal, &state);
	r->journal_sequence = state.newest;
	r->journal_waiting = state.waiting;
	r->journal_lost = state.lost;
	r->journal_error = state.error;
	if (state.error[0])
		note(f, "journal: %s; %u events wait in memory, %llu are lost", state.error,
		     state.waiting, (unsigned long long)state.lost);
	r->log_dropped = log_dropped();
	if (r->log_dropped)
		note(f, "%llu log lines could not be written", (unsigned long long)r->log_dropped);
}

static void fill_faults(struct filling *f, const struct status_sources *sources)
{
	struct status_report *r = f->report;
	struct incident_figures figures;

	r->n_faults = fault_desk_active(sources->faults, r->faults, LIMIT_FAULTS);
	incident_desk_figures(sources->incidents, &figures);
	r->failures_window = figures.in_window;
	memcpy(r->failures, figures.totals, sizeof(r->failures));
	r->connector_restarts = sources->restarts;
	r->unscannable = unscannable_count(desk_unscannable(sources->desk));
}

static void fill_age(struct filling *f, const struct update_desk *updates)
{
	char text[LIMIT_REASON_BYTES + 1];
	struct update_view view;

	if (!updates)
		return;
	update_desk_view(updates, &view);
	f->report->age_state = view.age;
	f->report->age_limit_s = view.age_limit_s;
	for (unsigned n = 0; update_desk_notice(updates, n, text); n++)
		note(f, "%s", text);
}

void status_view_fill(const struct status_sources *sources, struct status_notices *notices,
		      struct status_report *ret_report)
{
	struct filling f = {.report = ret_report, .notices = notices};
	struct control_figures figures;

	memset(ret_report, 0, sizeof(*ret_report));
	ret_report->version = AMP_VERSION;
	ret_report->pid = (uint32_t)getpid();
	ret_report->uptime_ms = (uint64_t)(clock_mono_ms() - sources->started);
	control_server_figures(sources->server, &figures);
	ret_report->sessions = figures.sessions;
	ret_report->scans = figures.scans;
	ret_report->last_scan_ms = figures.last_scan_utc_ms;
	ret_report->violations = figures.violations;
	fill_service(&f, sources->supervisor);
	fill_workers(&f, sources);
	fill_jobs(&f, sources->desk);
	fill_journal(&f, sources->journal);
	fill_faults(&f, sources);
	fill_age(&f, sources->updates);
}
