/* SPDX-License-Identifier: GPL-2.0-only */
#include <jansson.h>
#include <string.h>

#include "ampcli/render_json.h"
#include "ampcli/render_json_parts.h"
#include "base/definition_age.h"

/* "main" of "main.cvd". */
static json_t *database_of(const char *file)
{
	const char *dot = strrchr(file, '.');

	return json_stringn(file, dot && dot != file ? (size_t)(dot - file) : strlen(file));
}

bool render_json_definition(const struct json_target *target, const struct status_report *status,
			    unsigned index, uint64_t now_utc_ms)
{
	const struct definition_file *file = &status->files[index];
	json_t *object = json_object();

	json_set(object, "database", database_of(file->name));
	json_set_text(object, "file", file->name);
	json_set_number(object, "version", file->version);
	json_set_number(object, "signatures", file->signatures);
	json_set(object, "built", json_time(file->built * 1000));
	json_set(object, "age_seconds", json_age(file->built, now_utc_ms));
	json_set_text(object, "age_state", definition_age_name(status->age_state));
	json_set_number(object, "generation", status->generation);
	json_set(object, "builtin", json_boolean(status->builtin));
	json_set_text(object, "state", file->accepted ? "active" : "refused");
	json_set_text(object, "reason", file->reason);
	return json_write(target, object);
}

bool render_json_knows_definition_field(const char *field)
{
	static const struct status_report status = {.n_files = 1,
						    .files = {{.name = "", .reason = ""}}};
	const struct json_target probe = {.field = field};

	return render_json_definition(&probe, &status, 0, 0);
}

static json_t *tried_file(const struct definition_file *file)
{
	json_t *object = json_object();

	json_set_text(object, "file", file->name);
	json_set_text(object, "origin", definition_origin_name(file->origin));
	json_set_text(object, "database", file->database);
	json_set_number(object, "version", file->version);
	json_set_text(object, "signing", definition_signing_name(file->signing));
	json_set_number(object, "promised", file->promised);
	json_set_number(object, "signatures", file->signatures);
	json_set(object, "built", json_time(file->built * 1000));
	json_set(object, "accepted", json_boolean(file->accepted));
	json_set_text(object, "reason", file->reason);
	return object;
}

bool render_json_check(const struct json_target *target, const struct check_verdict *verdict)
{
	json_t *object = json_object(), *files = json_array();

	for (unsigned i = 0; i < verdict->n_files; i++)
		(void)json_array_append_new(files, tried_file(&verdict->files[i]));
	json_set(object, "passed", json_boolean(verdict->passed));
	json_set_text(object, "reason", verdict->reason);
	json_set_number(object, "signatures", verdict->signatures);
	json_set_number(object, "engine_bytes", verdict->engine_bytes);
	json_set_number(object, "load_ms", verdict->load_ms);
	json_set_number(object, "generation", verdict->generation);
	json_set(object, "files", files);
	return json_write(target, object);
}

bool render_json_knows_check_field(const char *field)
{
	static const struct check_verdict verdict = {.reason = ""};
	const struct json_target probe = {.field = field};

	return render_json_check(&probe, &verdict);
}
