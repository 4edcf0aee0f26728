/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/render_json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/lives.h"
#include "base/text.h"

#define JSON_LINE_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(9))

/* Bytes as a string: valid UTF-8 as it is, anything else escaped. NULL when there is no memory. */
static json_t *bytes_to_json(struct span bytes)
{
	size_t size = 4 * bytes.len + 8; /* \xHH for each byte, and the NUL */
	json_t *value;
	char *text;

	/* jansson knows no NUL inside a string; no path has one, but a lying peer could send it. */
	if (text_is_utf8(bytes) &&
	    !memchr(bytes.data ? bytes.data : (const uint8_t *)"", 0, bytes.len))
		return json_stringn((const char *)bytes.data, bytes.len);
	text = malloc(size);
	if (!text)
		return NULL;
	value = json_string(text_escape(bytes, text, size));
	free(text);
	return value;
}

static json_t *base64_to_json(struct span bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = (bytes.len + 2) / 3 * 4;
	char *text = malloc(len + 1), *at = text;
	json_t *value;

	if (!text)
		return NULL;
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)bytes.data[i] << 16;

		group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
		group |= left > 2 ? (uint32_t)bytes.data[i + 2] : 0;
		*at++ = digits[group >> 18];
		*at++ = digits[group >> 12 & 63];
		*at++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*at++ = left > 2 ? digits[group & 63] : '=';
	}
	value = json_stringn(text, len);
	free(text);
	return value;
}

static void set(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name,
				  value ? value : json_null()); /* without memory write() says so */
}

static void set_text(json_t *object, const char *name, const char *text)
{
	set(object, name, json_string(text ? text : ""));
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
	set(object, name, json_integer((json_int_t)number));
}

/* `name` and, when it is not UTF-8, `name`_bytes beside it. */
static void set_path(json_t *object, const char *name, struct span path)
{
	char beside[64];

	set(object, name, bytes_to_json(path));
	if (text_is_utf8(path))
		return;
	(void)snprintf(beside, sizeof(beside), "%s_bytes", name);
	set(object, beside, base64_to_json(path));
}

static json_t *threats_to_json(unsigned n_threats, const char *const *threats)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n_threats; i++)
		(void)json_array_append_new(list, json_string(threats[i]));
	return list;
}

static json_t *time_to_json(uint64_t utc_ms)
{
	time_t seconds = (time_t)(utc_ms / 1000);
	char day[40], text[48];
	struct tm tm;

	if (utc_ms == 0 || !gmtime_r(&seconds, &tm) ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return json_null();
	(void)snprintf(text, sizeof(text), "%s.%03uZ", day, (unsigned)(utc_ms % 1000));
	return json_string(text);
}

static const json_t *find_member(const json_t *object, const char *path)
{
	while (object && path) {
		const char *dot = strchr(path, '.');
		size_t len = dot ? (size_t)(dot - path) : strlen(path);
		char name[64];

		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		object = json_object_get(object, name);
		path = dot ? dot + 1 : NULL;
	}
	return object;
}

static void write_plain(FILE *stream, const json_t *value)
{
	size_t len = json_string_length(value);
	char *text;

	if (!stream)
		return;
	if (!json_is_string(value)) {
		(void)json_dumpf(value, stream, JSON_LINE_FLAGS | JSON_ENCODE_ANY);
		(void)fputc('\n', stream);
		return;
	}
	text = malloc(4 * len + 8);
	if (text)
		(void)fprintf(stream, "%s\n",
			      text_escape(span_of(json_string_value(value), len), text,
					  4 * len + 8));
	free(text);
}

static bool write_field(const struct json_target *target, const json_t *object)
{
	const json_t *value = find_member(object, target->field);
	size_t i;
	json_t *element;

	if (!value)
		return false;
	if (!json_is_array(value)) {
		write_plain(target->stream, value);
		return true;
	}
	json_array_foreach((json_t *)value, i, element) write_plain(target->stream, element);
	return true;
}

/* Takes `object`. Errors of the stream stay with it: main asks ferror() at the end. */
static bool write_object(const struct json_target *target, json_t *object)
{
	bool found = true;

	if (target->field)
		found = write_field(target, object);
	else if (target->stream && json_dumpf(object, target->stream, JSON_LINE_FLAGS) == 0)
		(void)fputc('\n', target->stream);
	json_decref(object);
	return found;
}

bool render_json_scan_line(const struct json_target *target, const struct scan_line *line)
{
	json_t *object = json_object();

	set_path(object, "path", line->path);
	set_text(object, "verdict", verdict_name(line->verdict));
	set(object, "threats", threats_to_json(line->n_threats, line->threats));
	set(object, "reason",
	    line->reason == SCAN_REASON_NONE ? json_null()
					     : json_string(scan_reason_name(line->reason)));
	set_number(object, "generation", line->generation);
	set_number(object, "bytes", line->bytes);
	set(object, "ms", json_real(line->us / 1000.0));
	return write_object(target, object);
}

bool render_json_scan_summary(const struct json_target *target, const struct scan_tally *tally)
{
	json_t *object = json_object(), *summary = json_object();

	set_number(summary, "files", tally->files);
	set_number(summary, "clean", tally->verdicts[VERDICT_CLEAN]);
	set_number(summary, "infected", tally->verdicts[VERDICT_INFECTED]);
	set_number(summary, "incomplete", tally->verdicts[VERDICT_INCOMPLETE]);
	set_number(summary, "error", tally->verdicts[VERDICT_ERROR]);
	set_number(summary, "failed", tally->verdicts[VERDICT_FAILED]);
	set_number(summary, "not_scanned", tally->verdicts[VERDICT_NOT_SCANNED]);
	set_number(summary, "bytes", tally->bytes);
	set(summary, "seconds", json_real((double)tally->ms / 1000.0));
	set_number(summary, "cached", tally->cached);
	set(object, "summary", summary);
	return write_object(target, object);
}

static json_t *workers_to_json(const struct status_report *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < status->n_workers; i++) {
		const struct worker_report *worker = &status->workers[i];
		json_t *object = json_object();

		set_number(object, "worker", worker->worker);
		set_number(object, "pid", worker->pid);
		set_text(object, "state", worker_state_name(worker->state));
		set_number(object, "jobs", worker->jobs);
		set_number(object, "private_kb", worker->private_kb);
		(void)json_array_append_new(list, object);
	}
	return list;
}

static json_t *walls_to_json(const struct status_report *status)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < status->n_walls; i++) {
		json_t *object = json_object();

		set_text(object, "name", wall_name(status->walls[i].id));
		set_text(object, "state", wall_state_name(status->walls[i].state));
		set_text(object, "detail", status->walls[i].detail);
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

		set_text(object, "name", file->name);
		set(object, "accepted", json_boolean(file->accepted));
		set_text(object, "reason", file->reason);
		set_number(object, "version", file->version);
		set_number(object, "signatures", file->signatures);
		set(object, "built", time_to_json(file->built * 1000));
		(void)json_array_append_new(list, object);
	}
	return list;
}

static json_t *definitions_to_json(const struct status_report *status)
{
	json_t *object = json_object();

	set_number(object, "generation", status->generation);
	set(object, "builtin", json_boolean(status->builtin));
	set_number(object, "signatures", status->signatures);
	set(object, "built", time_to_json(status->definitions_built * 1000));
	set_number(object, "load_ms", status->load_ms);
	set_number(object, "engine_bytes", status->engine_bytes);
	set_number(object, "engine_huge_bytes", status->engine_huge_bytes);
	set(object, "files", files_to_json(status));
	return object;
}

static json_t *service_to_json(const struct status_report *status)
{
	json_t *object = json_object();

	set_text(object, "state", service_state_name(status->service_state));
	set_text(object, "reason", status->service_reason);
	set_number(object, "pid", status->service_pid);
	set_number(object, "uid", status->service_uid);
	set_text(object, "user", status->service_user);
	set_number(object, "starts", status->service_starts);
	set_number(object, "worker_failures", status->worker_failures);
	set_text(object, "engine", status->engine);
	set_number(object, "incarnation", status->incarnation);
	set(object, "workers", workers_to_json(status));
	return object;
}

static json_t *journal_to_json(const struct status_report *status)
{
	json_t *object = json_object();

	set_number(object, "sequence", status->journal_sequence);
	set_number(object, "waiting", status->journal_waiting);
	set_number(object, "lost", status->journal_lost);
	set_text(object, "error", status->journal_error);
	set_number(object, "log_dropped", status->log_dropped);
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
		set_number(object, names[i], status->verdicts[i]);
	return object;
}

static json_t *load_to_json(const struct status_report *status)
{
	json_t *object = json_object();

	set_number(object, "scans", status->scans);
	set_number(object, "queued", status->queued);
	set_number(object, "in_flight", status->in_flight);
	set_number(object, "sessions", status->sessions);
	set_number(object, "violations", status->violations);
	set(object, "last_scan", time_to_json(status->last_scan_ms));
	set(object, "verdicts", verdicts_to_json(status));
	return object;
}

bool render_json_status(const struct json_target *target, const struct status_report *status)
{
	json_t *object = json_object(), *notices = json_array();

	for (unsigned i = 0; i < status->n_notices; i++)
		(void)json_array_append_new(notices, json_string(status->notices[i]));
	set_text(object, "status",
		 status->service_state == SERVICE_UP ? "connected" : "no scan service");
	set_text(object, "version", status->version);
	set_number(object, "pid", status->pid);
	set(object, "uptime_seconds", json_real((double)status->uptime_ms / 1000.0));
	set(object, "scan", load_to_json(status));
	set(object, "definitions", definitions_to_json(status));
	set(object, "scan_service", service_to_json(status));
	set(object, "walls", walls_to_json(status));
	set(object, "journal", journal_to_json(status));
	set(object, "notices", notices);
	return write_object(target, object);
}

static json_t *scan_to_json(const struct scan_counts *scan)
{
	json_t *object = json_object();

	set_number(object, "scan", scan->scan);
	set_number(object, "uid", scan->uid);
	set_number(object, "pid", scan->pid);
	set_path(object, "label", scan->label);
	set_number(object, "files", scan->files);
	set_number(object, "clean", scan->clean);
	set_number(object, "infected", scan->infected);
	set_number(object, "incomplete", scan->incomplete);
	set_number(object, "error", scan->error);
	set_number(object, "failed", scan->failed);
	set_number(object, "not_scanned", scan->not_scanned);
	set_number(object, "bytes", scan->bytes);
	set_number(object, "ms", scan->ms);
	return object;
}

static json_t *threat_to_json(const struct event *event)
{
	json_t *object = json_object();

	set_number(object, "scan", event->threat.scan);
	set_path(object, "path", event->threat.path);
	set(object, "threats", threats_to_json(event->threat.n_threats, event->threat.threats));
	set_number(object, "generation", event->threat.generation);
	set_number(object, "bytes", event->threat.bytes);
	return object;
}

static json_t *worker_to_json(const struct event *event)
{
	json_t *object = json_object();

	set_number(object, "worker", event->worker.worker);
	set_number(object, "pid", event->worker.pid);
	set_text(object, "cause", death_cause_name(event->worker.cause));
	set_number(object, "status", event->worker.status);
	set_path(object, "path", event->worker.path);
	set_number(object, "attempt", event->worker.attempt);
	set_number(object, "handover_us", event->worker.handover_us);
	set_text(object, "detail", event->worker.detail);
	return object;
}

static json_t *service_event_to_json(const struct event *event)
{
	json_t *object = json_object();

	set_number(object, "incarnation", event->service.incarnation);
	set_number(object, "pid", event->service.pid);
	set_number(object, "status", event->service.status);
	set_text(object, "reason", event->service.reason);
	set_number(object, "signatures", event->service.signatures);
	return object;
}

static json_t *connector_to_json(const struct event *event)
{
	json_t *object = json_object();

	set_text(object, "version", event->connector.version);
	set_number(object, "pid", event->connector.pid);
	set_text(object, "reason", event->connector.reason);
	return object;
}

static json_t *lost_to_json(const struct event *event)
{
	json_t *object = json_object();

	set_number(object, "events", event->lost.events);
	set_text(object, "reason", event->lost.reason);
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
	default:
		return json_null();
	}
}

bool render_json_event(const struct json_target *target, const struct event *event)
{
	json_t *object = json_object();

	set_number(object, "sequence", event->sequence);
	set(object, "time", time_to_json(event->utc_ms));
	set_number(object, "type", event->type);
	set_text(object, "name", event_type_name(event->type));
	set_text(object, "severity", event_severity_name(event_type_severity(event->type)));
	set(object, "body", body_to_json(event));
	return write_object(target, object);
}

bool render_json_about(const struct json_target *target, const struct about_view *about)
{
	json_t *object = json_object();

	set_text(object, "ampcli", about->client_version);
	set_text(object, "ampdaemon", about->daemon_version);
	set_text(object, "engine", about->engine);
	set_number(object, "generation", about->generation);
	set_number(object, "signatures", about->signatures);
	set_text(object, "socket", about->socket);
	set_text(object, "trouble", about->trouble);
	return write_object(target, object);
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

	for (unsigned body = EVENT_BODY_CONNECTOR; body <= EVENT_BODY_LOST; body++) {
		struct event event = {.body = (enum event_body)body};

		if (body == EVENT_BODY_SCAN)
			event.scan.label = ODD_PATH;
		if (body == EVENT_BODY_THREAT)
			event.threat.path = ODD_PATH;
		if (body == EVENT_BODY_WORKER)
			event.worker.path = ODD_PATH;
		if (render_json_event(&probe, &event))
			return true;
	}
	return false;
}
