/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/daemon_links.h"

#include <errno.h>

#include "ampdaemon/refusal.h"
#include "ampdaemon/restart.h"
#include "ampdaemon/service_notify.h"
#include "ampdaemon/session_definitions.h"
#include "io/clock.h"
#include "io/log.h"

static void tell_ready(struct daemon *d, const char *status)
{
	if (d->ready_told)
		service_notify_status(status);
	else
		service_notify_ready(status);
	d->ready_told = true;
}

static void on_up(void *context, uint64_t incarnation, uint64_t generation)
{
	struct daemon *d = context;

	d->generation = generation;
	desk_service_up(d->desk, incarnation, generation);
	tell_ready(d, "scan service is up");
}

static void on_standby(void *context, uint64_t incarnation, uint64_t generation)
{
	desk_service_standby(((struct daemon *)context)->desk, incarnation, generation);
}

static void on_lost(void *context, uint64_t incarnation)
{
	struct daemon *d = context;
	struct service_view view;

	desk_service_lost(d->desk, incarnation);
	supervisor_view(d->supervisor, &view);
	if (view.state != SERVICE_UP)
		service_notify_status("scan service is down; it is started again");
}

static void on_certificate(void *context, const struct death_certificate *certificate)
{
	incident_desk_file(((struct daemon *)context)->incidents, certificate);
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

static void on_restart(void *context, const char *reason)
{
	restart_insist(context, reason);
}

static void on_serves(void *context, uint64_t generation, const struct service_report *report)
{
	struct daemon *d = context;

	definition_desk_up(d->definitions, generation, report);
	update_desk_serves(d->updates, report->ready.built);
}

static int on_open(void *context, uint64_t generation, char *why)
{
	return definition_desk_open(((struct daemon *)context)->definitions, generation, why);
}

static void on_aside(void *context, uint64_t generation, bool is_bad, const char *why)
{
	definition_desk_not_up(((struct daemon *)context)->definitions, generation, is_bad, why);
}

const struct supervisor_callbacks daemon_supervisor_callbacks = {
	.on_up = on_up,
	.on_standby = on_standby,
	.on_lost = on_lost,
	.on_worker_exited = on_worker_exited,
	.on_worker_failed = on_worker_failed,
	.on_certificate = on_certificate,
	.on_serves = on_serves,
	.on_open = on_open,
	.on_aside = on_aside,
	.on_restart = on_restart,
	.on_down = on_down};

static void on_replace(void *context, const char *reason)
{
	supervisor_replace(((struct daemon *)context)->supervisor, reason);
}

static bool on_storm(void *context, mono_ms since)
{
	return definition_desk_storm(((struct daemon *)context)->definitions, since);
}

const struct incident_callbacks daemon_incident_callbacks = {
	.on_replace = on_replace, .on_storm = on_storm, .on_restart = on_restart};

static void on_result(void *context, uint64_t client, struct span path,
		      const struct file_result *result)
{
	control_server_result(((struct daemon *)context)->server, client, path, result);
}

void daemon_give_verdict(void *context, uint64_t client, const struct definition_answer *answer)
{
	static struct reply verdict; /* large: not for the stack */
	struct daemon *d = context;

	if (client == DEFINITION_CLIENT_UPDATER) {
		update_desk_answered(d->updates, answer);
		return;
	}
	session_definitions_verdict(answer, &verdict);
	control_server_verdict(d->server, client, &verdict);
}

static void on_checked(void *context, uint64_t client, const struct definition_answer *answer)
{
	struct daemon *d = context;
	struct worker_gap gap = dispatcher_gap(desk_dispatcher(d->desk), clock_mono_ms());

	if (answer->generation && gap.is_switching)
		held_verdict_hold(d->held, client, answer);
	else
		daemon_give_verdict(d, client, answer);
}

static void on_phase(void *context, uint64_t client, enum candidate_phase phase)
{
	struct daemon *d = context;
	static struct reply progress;

	if (client == DEFINITION_CLIENT_UPDATER) {
		update_desk_phase(d->updates, phase);
		return;
	}
	session_definitions_phase(phase, &progress);
	control_server_progress(d->server, client, &progress);
}

static void on_load(void *context, const struct definition_load *load)
{
	const struct supervisor_load order = {.generation = load->generation,
					      .is_makeshift = load->is_makeshift,
					      .need = load->need,
					      .reason = load->reason};

	supervisor_load(((struct daemon *)context)->supervisor, &order);
}

const struct definition_callbacks daemon_definition_callbacks = {
	.on_answer = on_checked, .on_phase = on_phase, .on_load = on_load};

/* When the service before has no work any more: what the change has cost is known only then. */
static void tell_switch(struct daemon *d)
{
	struct worker_gap gap = dispatcher_gap(desk_dispatcher(d->desk), clock_mono_ms());

	if (gap.switches == d->switches_told)
		return;
	d->switches_told = gap.switches;
	held_verdict_give(d->held);
	log_notice(
		"scan service: generation %llu has all the work; without a worker for %lld ms, at most %lld ms since the start",
		(unsigned long long)d->generation, (long long)gap.of_switch,
		(long long)gap.longest);
}

static void on_room(void *context)
{
	struct daemon *d = context;

	tell_switch(d);
	if (d->server)
		control_server_room(d->server);
}

static void on_idle(void *context)
{
	struct daemon *d = context;

	supervisor_stop(d->supervisor);
}

static void on_drained(void *context, uint64_t incarnation)
{
	supervisor_drained(((struct daemon *)context)->supervisor, incarnation);
}

static void on_scanned(void *context, bool succeeded)
{
	incident_desk_scanned(((struct daemon *)context)->incidents, succeeded);
}

const struct desk_callbacks daemon_desk_callbacks = {.on_result = on_result,
						     .on_room = on_room,
						     .on_idle = on_idle,
						     .on_drained = on_drained,
						     .on_certificate = on_certificate,
						     .on_scanned = on_scanned};

void daemon_fill_status(void *context, struct status_report *ret_report)
{
	struct daemon *d = context;
	struct status_sources sources = {.supervisor = d->supervisor,
					 .desk = d->desk,
					 .journal = d->journal,
					 .server = d->server,
					 .memory = d->memory,
					 .updates = d->updates,
					 .faults = d->faults,
					 .incidents = d->incidents,
					 .restarts = d->restarts,
					 .started = d->started};

	status_view_fill(&sources, &d->notices, ret_report);
}

void daemon_refresh_status(void *context)
{
	struct daemon *d = context;
	struct worker_facts facts[LIMIT_WORKERS];
	uint32_t pids[LIMIT_WORKERS];
	unsigned n = scan_link_facts(desk_link(d->desk), facts, LIMIT_WORKERS);

	for (unsigned i = 0; i < n; i++)
		pids[i] = facts[i].pid;
	worker_memory_refresh(d->memory, pids, n);
}

void daemon_on_memory_fresh(void *context)
{
	struct daemon *d = context;

	if (d->server) /* else it is the stop that waited for the measurement */
		control_server_status_fresh(d->server);
}

/* ---- updates ---- */

static void on_update_verdict(void *context, uint64_t client, const struct update_answer *answer)
{
	static struct reply verdict; /* large: not for the stack */

	session_definitions_update_verdict(answer, &verdict);
	control_server_verdict(((struct daemon *)context)->server, client, &verdict);
}

static void on_update_progress(void *context, uint64_t client, const char *text, uint64_t done,
			       uint64_t total)
{
	static struct reply progress;

	session_definitions_update_progress(text, done, total, &progress);
	control_server_progress(((struct daemon *)context)->server, client, &progress);
}

const struct update_callbacks daemon_update_callbacks = {.on_verdict = on_update_verdict,
							 .on_progress = on_update_progress};

int daemon_update(void *context, uint64_t client, char *why)
{
	return update_desk_ask(((struct daemon *)context)->updates, client, why);
}

void daemon_cancel_update(void *context, uint64_t client)
{
	struct daemon *d = context;

	if (d->updates) /* else it is the end, and the sessions go after it */
		update_desk_cancel(d->updates, client);
}

void daemon_fill_updates(void *context, struct generations_report *ret_report)
{
	struct update_view view;

	update_desk_view(((struct daemon *)context)->updates, &view);
	session_definitions_updates(&view, ret_report);
}
