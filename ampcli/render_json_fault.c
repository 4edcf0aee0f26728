/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/render_json_fault.h"

#include <jansson.h>
#include <stdio.h>

#include "ampcli/render_json_parts.h"
#include "base/fault.h"
#include "base/lives.h"

json_t *json_digest(struct span digest)
{
	char text[2 * LIMIT_DIGEST_BYTES + 1] = "";

	for (size_t i = 0; i < digest.len && i < LIMIT_DIGEST_BYTES; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", digest.data[i]);
	return *text ? json_string(text) : json_null();
}

static const char *name_of(uint32_t id)
{
	const struct fault_entry *entry = fault_of(id);

	return entry ? entry->name : "";
}

static json_t *fault_to_json(const struct fault_state *fault)
{
	json_t *object = json_object();

	json_set_number(object, "id", fault->id);
	json_set_text(object, "name", name_of(fault->id));
	json_set(object, "active", json_boolean(fault->active));
	json_set_text(object, "severity", fault_severity_name(fault->severity));
	json_set(object, "raised", json_time(fault->raised_ms));
	json_set(object, "seen", json_time(fault->seen_ms));
	json_set(object, "cleared", json_time(fault->cleared_ms));
	json_set_number(object, "count", fault->count);
	json_set_text(object, "detail", fault->detail);
	json_set_text(object, "remedy", fault->remedy);
	json_set_text(object, "reason", fault->reason);
	return object;
}

json_t *json_faults(const struct fault_state *faults, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		(void)json_array_append_new(list, fault_to_json(&faults[i]));
	return list;
}

json_t *json_failures(const struct status_report *status)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < FAILURE_CLASS_COUNT; i++)
		json_set_number(object, failure_class_name(i), status->failures[i]);
	return object;
}

json_t *json_standby(const struct status_report *status)
{
	json_t *object = json_object();

	json_set(object, "wanted", json_boolean(status->standby_wanted));
	json_set(object, "ready", json_boolean(status->standby_ready));
	json_set_number(object, "pid", status->standby_pid);
	return object;
}

json_t *json_fault_event(const struct event *event)
{
	json_t *object = json_object();

	json_set_number(object, "id", event->fault.id);
	json_set_text(object, "fault", name_of(event->fault.id));
	json_set_text(object, "fault_severity", fault_severity_name(event->fault.severity));
	json_set_text(object, "detail", event->fault.detail);
	json_set_text(object, "remedy", event->fault.remedy);
	json_set_text(object, "reason", event->fault.reason);
	json_set_number(object, "count", event->fault.count);
	return object;
}

json_t *json_unscannable_event(const struct event *event)
{
	json_t *object = json_object();

	json_set_path(object, "path", event->unscannable.path);
	json_set(object, "sha256", json_digest(event->unscannable.digest));
	json_set_number(object, "bytes", event->unscannable.bytes);
	json_set_number(object, "attempts", event->unscannable.attempts);
	json_set_text(object, "cause", death_cause_name(event->unscannable.cause));
	json_set_number(object, "generation", event->unscannable.generation);
	return object;
}

bool render_json_faults(const struct json_target *target, const struct fault_state *faults,
			unsigned n)
{
	json_t *object = json_object();
	unsigned active = 0;

	for (unsigned i = 0; i < n; i++)
		active += faults[i].active;
	json_set_text(object, "mode", active ? "Degraded" : "Normal");
	json_set_number(object, "active", active);
	json_set(object, "faults", json_faults(faults, n));
	return json_write(target, object);
}

bool render_json_done(const struct json_target *target, const char *text, int64_t ms)
{
	json_t *object = json_object();

	json_set_text(object, "done", text);
	json_set(object, "answered_after_ms", ms < 0 ? json_null() : json_integer(ms));
	return json_write(target, object);
}

bool render_json_unscannable(const struct json_target *target,
			     const struct unscannable_report *file)
{
	json_t *object = json_object();

	json_set_path(object, "path", file->path);
	json_set(object, "sha256", json_digest(file->digest));
	json_set_number(object, "device", file->device);
	json_set_number(object, "inode", file->inode);
	json_set_number(object, "bytes", file->bytes);
	json_set(object, "since", json_time(file->since_ms));
	json_set_number(object, "generation", file->generation);
	json_set_text(object, "cause", death_cause_name(file->cause));
	json_set_number(object, "spared", file->spared);
	return json_write(target, object);
}

bool render_json_knows_unscannable_field(const char *field)
{
	const struct json_target probe = {.field = field};
	/* Not UTF-8, so that the members which only such a path has are there too. */
	const struct unscannable_report file = {.path = span_of("\xff", 1)};

	return render_json_unscannable(&probe, &file);
}
