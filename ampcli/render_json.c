/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/render_json.h"

#include <jansson.h>

#include "ampcli/render_definition_event.h"
#include "ampcli/render_json_fault.h"
#include "ampcli/render_json_parts.h"
#include "base/definition_age.h"
#include "base/lives.h"

static json_t *threats_to_json(unsigned n_threats, const char *const *threats)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n_threats; i++)
		(void)json_array_append_new(list, json_string(threats[i]));
	return list;
}

bool render_json_scan_line(const struct json_target *target, const struct scan_line *line)
{
	json_t *object = json_object();

	json_set_path(object, "path", line->path);
	json_set_text(object, "verdict", verdict_name(line->verdict));
	json_set(object, "threats", threats_to_json(line->n_threats, line->threats));
	json_set(object, "reason",
		 line->reason == SCAN_REASON_NONE ? json_null()
						  : json_string(scan_reason_name(line->reason)));
	json_set_number(object, "generation", line->generation);
	json_set_number(object, "bytes", line->bytes);
	json_set(object, "ms", json_real(line->us / 1000.0));
	return json_write(target, object);
}

bool render_json_scan_summary(const struct json_target *target, const struct scan_tally *tally)
{
	json_t *object = json_object(), *summary = json_object();

	json_set_number(summary, "files", tally->files);
	json_set_number(summary, "clean", tally->verdicts[VERDICT_CLEAN]);
	json_set_number(summary, "infected", tally->verdicts[VERDICT_INFECTED]);
	json_set_number(summary, "incomplete", tally->verdicts[VERDICT_INCOMPLETE]);
	json_set_number(summary, "error", tally->verdicts[VERDICT_ERROR]);
	json_set_number(summary, "failed", tally->verdicts[VERDICT_FAILED]);
	json_set_number(summary, "not_scanned", tally->verdicts[VERDICT_NOT_SCANNED]);
	json_set_number(summary, "bytes", tally->bytes);
	json_set(summary, "seconds", json_real((double)tally->ms / 1000.0));
	json_set_number(summary, "cached", tally->cached);
	json_set(object, "summary", summary);
	return json_write(target, object);
}

static json_t *workers_to_json(const struct status_report *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < status->n_workers; i++) {
		const struct worker_report *worker = &status->workers[i];
		json_t *object = json_object();

		json_set_number(object, "worker", worker->worker);
		json_set_number(object, "pid", worker->pid);
		json_set_text(object, "state", worker_state_name(worker->state));
		json_set_number(object, "jobs", worker->jobs);
		json_set_number(object, "private_kb", worker->private_kb);
		(void)json_array_append_new(list, object);
	}
	return list;
}

static json_t *walls_to_json(const struct status_report *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < status->n_walls; i++) {
		json_t *object = json_object();

		json_set_text(object, "name", wall_name(status->walls[i].id));
		json_set_text(object, "state", wall_state_name(status->walls[i].state));
		json_set_text(object, "detail", status->walls[i].detail);
		(void)json_array_append_new(list, object);
	}
	return list;
}

static json_t *files_to_json(const struct status_report *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < status->n_files; i++) {
		const struct definition_file *file = &status->files[i];
		json_t *object = json_object();

		json_set_text(object, "name", file->name);
		json_set(object, "accepted", json_boolean(file->accepted));
		json_set_text(object, "reason", file->reason);
		json_set_number(object, "version", file->version);
		json_set_number(object, "signatures", file->signatures);
		json_set(object, "built", json_time(file->built * 1000));
		(void)json_array_append_new(list, object);
	}
	return list;
}

static json_t *definitions_to_json(const struct status_report *status, uint64_t now_utc_ms)
{
	json_t *object = json_object();

	json_set_number(object, "generation", status->generation);
	json_set(object, "builtin", json_boolean(status->builtin));
	json_set_number(object, "signatures", status->signatures);
	json_set(object, "built", json_time(status->definitions_built * 1000));
	json_set(object, "age_seconds", json_age(status->definitions_built, now_utc_ms));
	json_set_text(object, "age_state", definition_age_name(status->age_state));
	json_set_number(object, "age_limit_seconds", status->age_limit_s);
	json_set_number(object, "load_ms", status->load_ms);
	json_set_number(object, "engine_bytes", status->engine_bytes);
	json_set_number(object, "engine_huge_bytes", status->engine_huge_bytes);
	json_set(object, "files", files_to_json(status));
	return object;
}

static json_t *service_to_json(const struct status_report *status)
{
	json_t *object = json_object();

	json_set_text(object, "state", service_state_name(status->service_state));
	json_set_text(object, "reason", status->service_reason);
	json_set_number(object, "pid", status->service_pid);
	json_set_number(object, "uid", status->service_uid);
	json_set_text(object, "user", status->service_user);
	json_set_number(object, "starts", status->service_starts);
	json_set_number(object, "worker_failures", status->worker_failures);
	json_set(object, "failures", json_failures(status));
	json_set_number(object, "failures_in_window", status->failures_window);
	json_set_number(object, "replacements", status->service_replacements);
	json_set(object, "standby", json_standby(status));
	json_set_text(object, "engine", status->engine);
	json_set_number(object, "incarnation", status->incarnation);
	json_set(object, "workers", workers_to_json(status));
	return object;
}

static json_t *journal_to_json(const struct status_report *status)
{
	json_t *object = json_object();

	json_set_number(object, "sequence", status->journal_sequence);
	json_set_number(object, "waiting", status->journal_waiting);
	json_set_number(object, "lost", status->journal_lost);
	json_set_text(object, "error", status->journal_error);
	json_set_number(object, "log_dropped", status->log_dropped);
	return object;
}

static json_t *verdicts_to_json(const struct status_report *status)
{
	static const char *const names[VERDICT_COUNT] = {
		[VERDICT_CLEAN] = "clean",           [VERDICT_INFECTED] = "infected",
		[VERDICT_INCOMPLETE] = "incomplete", [VERDICT_ERROR] = "error",
		[VERDICT_FAILED] = "failed",         [VERDICT_NOT_SCANNED] = "not_scanned"};
	json_t *object = json_object();

	for (unsigned i = VERDICT_CLEAN; i < VERDICT_COUNT; i++)
		json_set_number(object, names[i], status->verdicts[i]);
	return object;
}

static json_t *load_to_json(const struct status_report *status)
{
	json_t *object = json_object();

	json_set_number(object, "scans", status->scans);
	json_set_number(object, "queued", status->queued);
	json_set_number(object, "in_flight", status->in_flight);
	json_set_number(object, "sessions", status->sessions);
	json_set_number(object, "violations", status->violations);
	json_set(object, "last_scan", json_time(status->last_scan_ms));
	json_set(object, "verdicts", verdicts_to_json(status));
	return object;
}

bool render_json_status(const struct json_target *target, const struct status_report *status,
			uint64_t now_utc_ms)
{
	json_t *object = json_object(), *notices = json_array();

	for (unsigned i = 0; i < status->n_notices; i++)
		(void)json_array_append_new(notices, json_string(status->notices[i]));
	json_set_text(object, "status",
		      status->service_state == SERVICE_UP ? "connected" : "no scan service");
	json_set_text(object, "mode", status->n_faults ? "Degraded" : "Normal");
	json_set_text(object, "version", status->version);
	json_set_number(object, "pid", status->pid);
	json_set_number(object, "restarts", status->connector_restarts);
	json_set(object, "uptime_seconds", json_real((double)status->uptime_ms / 1000.0));
	json_set(object, "scan", load_to_json(status));
	json_set(object, "definitions", definitions_to_json(status, now_utc_ms));
	json_set(object, "scan_service", service_to_json(status));
	json_set(object, "walls", walls_to_json(status));
	json_set(object, "journal", journal_to_json(status));
	json_set_number(object, "unscannable", status->unscannable);
	json_set(object, "faults", json_faults(status->faults, status->n_faults));
	json_set(object, "notices", notices);
	return json_write(target, object);
}

static json_t *scan_to_json(const struct scan_counts *scan)
{
	json_t *object = json_object();

	json_set_number(object, "scan", scan->scan);
	json_set_number(object, "uid", scan->uid);
	json_set_number(object, "pid", scan->pid);
	json_set_path(object, "label", scan->label);
	json_set_number(object, "files", scan->files);
	json_set_number(object, "clean", scan->clean);
	json_set_number(object, "infected", scan->infected);
	json_set_number(object, "incomplete", scan->incomplete);
	json_set_number(object, "error", scan->error);
	json_set_number(object, "failed", scan->failed);
	json_set_number(object, "not_scanned", scan->not_scanned);
	json_set_number(object, "bytes", scan->bytes);
	json_set_number(object, "ms", scan->ms);
	return object;
}

static json_t *threat_to_json(const struct event *event)
{
	json_t *object = json_object();

	json_set_number(object, "scan", event->threat.scan);
	json_set_path(object, "path", event->threat.path);
	json_set(object, "threats",
		 threats_to_json(event->threat.n_threats, event->threat.threats));
	json_set_number(object, "generation", event->threat.generation);
	json_set_number(object, "bytes", event->threat.bytes);
	return object;
}

static json_t *worker_to_json(const struct event *event)
{
	json_t *object = json_object();

	json_set_number(object, "worker", event->worker.worker);
	json_set_number(object, "pid", event->worker.pid);
	json_set_text(object, "cause", death_cause_name(event->worker.cause));
	json_set_number(object, "status", event->worker.status);
	json_set_path(object, "path", event->worker.path);
	json_set_number(object, "attempt", event->worker.attempt);
	json_set_number(object, "handover_us", event->worker.handover_us);
	json_set_text(object, "detail", event->worker.detail);
	json_set_number(object, "job", event->worker.job);
	json_set_text(object, "phase", scan_phase_name(event->worker.phase));
	json_set(object, "sha256", json_digest(event->worker.digest));
	return object;
}

static json_t *service_event_to_json(const struct event *event)
{
	json_t *object = json_object();

	json_set_number(object, "incarnation", event->service.incarnation);
	json_set_number(object, "pid", event->service.pid);
	json_set_number(object, "status", event->service.status);
	json_set_text(object, "reason", event->service.reason);
	json_set_number(object, "signatures", event->service.signatures);
	return object;
}

static json_t *connector_to_json(const struct event *event)
{
	json_t *object = json_object();

	json_set_text(object, "version", event->connector.version);
	json_set_number(object, "pid", event->connector.pid);
	json_set_text(object, "reason", event->connector.reason);
	return object;
}

static json_t *lost_to_json(const struct event *event)
{
	json_t *object = json_object();

	json_set_number(object, "events", event->lost.events);
	json_set_text(object, "reason", event->lost.reason);
	return object;
}

static json_t *body_to_json(const struct event *event)
{
	switch (event->body) {
	case EVENT_BODY_CONNECTOR:
		return connector_to_json(event);
	case EVENT_BODY_SCAN:
		return scan_to_json(&event->scan);
	case EVENT_BODY_THREAT:
		return threat_to_json(event);
	case EVENT_BODY_WORKER:
		return worker_to_json(event);
	case EVENT_BODY_SERVICE:
		return service_event_to_json(event);
	case EVENT_BODY_LOST:
		return lost_to_json(event);
	case EVENT_BODY_FAULT:
		return json_fault_event(event);
	case EVENT_BODY_UNSCANNABLE:
		return json_unscannable_event(event);
	case EVENT_BODY_DEFINITIONS:
		return json_definition_event(event);
	default:
		return json_null();
	}
}

bool render_json_event(const struct json_target *target, const struct event *event)
{
	json_t *object = json_object();

	json_set_number(object, "sequence", event->sequence);
	json_set(object, "time", json_time(event->utc_ms));
	json_set_number(object, "type", event->type);
	json_set_text(object, "name", event_type_name(event->type));
	json_set_text(object, "severity", event_severity_name(event_type_severity(event->type)));
	json_set(object, "body", body_to_json(event));
	return json_write(target, object);
}

bool render_json_about(const struct json_target *target, const struct about_view *about)
{
	json_t *object = json_object();

	json_set_text(object, "ampcli", about->client_version);
	json_set_text(object, "ampdaemon", about->daemon_version);
	json_set_text(object, "engine", about->engine);
	json_set_number(object, "generation", about->generation);
	json_set_number(object, "signatures", about->signatures);
	json_set_text(object, "socket", about->socket);
	json_set_text(object, "trouble", about->trouble);
	return json_write(target, object);
}

/* Not UTF-8, so that the members which only such a path has are there too. */
#define ODD_PATH span_of("\xff", 1)

bool render_json_knows_scan_field(const char *field)
{
	const struct json_target probe = {.field = field};
	const struct scan_line line = {.path = ODD_PATH};
	const struct scan_tally tally = {0};

	return render_json_scan_line(&probe, &line) || render_json_scan_summary(&probe, &tally);
}

bool render_json_knows_event_field(const char *field)
{
	const struct json_target probe = {.field = field};

	for (unsigned body = EVENT_BODY_CONNECTOR; body <= EVENT_BODY_DEFINITIONS; body++) {
		struct event event = {.body = (enum event_body)body};

		if (body == EVENT_BODY_SCAN)
			event.scan.label = ODD_PATH;
		if (body == EVENT_BODY_THREAT)
			event.threat.path = ODD_PATH;
		if (body == EVENT_BODY_WORKER)
			event.worker.path = ODD_PATH;
		if (body == EVENT_BODY_UNSCANNABLE)
			event.unscannable.path = ODD_PATH;
		if (render_json_event(&probe, &event))
			return true;
	}
	return false;
}
