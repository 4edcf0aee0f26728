/* SPDX-License-Identifier: GPL-2.0-only */
#include <jansson.h>

#include "ampcli/render_json.h"
#include "ampcli/render_json_parts.h"
#include "base/definition_age.h"
#include "base/update_outcome.h"

static json_t *hexadecimal(struct span digest)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * LIMIT_DIGEST_BYTES];
	size_t n = digest.len < LIMIT_DIGEST_BYTES ? digest.len : LIMIT_DIGEST_BYTES;

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[digest.data[i] >> 4];
		text[2 * i + 1] = digits[digest.data[i] & 15];
	}
	return json_stringn(text, 2 * n);
}

static json_t *databases_of(const struct generation_report *g)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < g->n_databases; i++) {
		json_t *one = json_object();

		json_set_text(one, "database", g->databases[i].name);
		json_set_number(one, "version", g->databases[i].version);
		(void)json_array_append_new(all, one);
	}
	return all;
}

static json_t *generation_of(const struct generation_report *g, uint64_t now_utc_ms)
{
	json_t *object = json_object();

	json_set_number(object, "generation", g->number);
	json_set(object, "active", json_boolean(g->is_active));
	json_set(object, "last_good", json_boolean(g->is_good));
	json_set(object, "put_aside", json_boolean(g->is_bad));
	json_set(object, "sha256", hexadecimal(g->digest));
	json_set_number(object, "signatures", g->signatures);
	json_set_number(object, "bytes", g->bytes);
	json_set(object, "built", json_time(g->built * 1000));
	json_set(object, "age_seconds", json_age(g->built, now_utc_ms));
	json_set(object, "databases", databases_of(g));
	return object;
}

static json_t *rejected_of(const struct rejected_report *r)
{
	json_t *object = json_object();

	json_set(object, "sha256", hexadecimal(r->digest));
	json_set(object, "time", json_time(r->utc_ms));
	json_set_text(object, "reason", r->reason);
	return object;
}

static json_t *updates_of(const struct generations_report *report)
{
	json_t *object = json_object();

	json_set(object, "on", json_boolean(report->updates_on));
	json_set(object, "last_check", json_time(report->last_check_ms));
	json_set_text(object, "last_outcome", update_outcome_name(report->last_outcome));
	json_set_text(object, "last_reason", report->last_reason);
	json_set(object, "next_check", json_time(report->next_check_ms));
	return object;
}

bool render_json_generations(const struct json_target *target,
			     const struct generations_report *report, uint64_t now_utc_ms)
{
	json_t *object = json_object(), *generations = json_array(), *rejected = json_array();

	for (unsigned i = 0; i < report->n_generations; i++)
		(void)json_array_append_new(generations,
					    generation_of(&report->generations[i], now_utc_ms));
	for (unsigned i = 0; i < report->n_rejected; i++)
		(void)json_array_append_new(rejected, rejected_of(&report->rejected[i]));
	json_set_path(object, "root", report->root);
	json_set(object, "in_charge", json_boolean(report->in_charge));
	json_set_number(object, "active", report->active);
	json_set_number(object, "last_good", report->last_good);
	json_set_number(object, "probation_left_ms", report->probation_left_ms);
	json_set_text(object, "under_way", report->candidate);
	json_set_number(object, "bytes", report->store_bytes);
	json_set_text(object, "age", definition_age_name(report->age_state));
	json_set_number(object, "age_limit_seconds", report->age_limit_s);
	json_set(object, "generations", generations);
	json_set(object, "rejected", rejected);
	json_set(object, "updates", updates_of(report));
	return json_write(target, object);
}

bool render_json_knows_generations_field(const char *field)
{
	const struct generations_report report = {
		.root = span_of("\xff", 1), .candidate = "", .last_reason = ""};
	const struct json_target probe = {.field = field};

	return render_json_generations(&probe, &report, 0);
}

bool render_json_bundle(const struct json_target *target, const struct bundle_view *view)
{
	json_t *object = json_object();

	json_set_number(object, "generation", view->generation);
	json_set_text(object, "sha256", view->digest);
	json_set_path(object, "path", span_of_text(view->path));
	json_set_number(object, "left_out", view->left_out);
	return json_write(target, object);
}

bool render_json_knows_bundle_field(const char *field)
{
	static const struct bundle_view view = {
		.path = "\xff"}; /* with the member that only such a path has */
	const struct json_target probe = {.field = field};

	return render_json_bundle(&probe, &view);
}

bool render_json_update(const struct json_target *target, const struct update_verdict *verdict)
{
	json_t *object = json_object();

	json_set_text(object, "outcome", update_outcome_name(verdict->outcome));
	json_set(object, "rejected", json_boolean(verdict->is_rejected));
	json_set_text(object, "reason", verdict->reason);
	json_set_number(object, "generation", verdict->generation);
	json_set_number(object, "bytes", verdict->bytes);
	return json_write(target, object);
}

bool render_json_knows_update_field(const char *field)
{
	static const struct update_verdict verdict = {.reason = ""};
	const struct json_target probe = {.field = field};

	return render_json_update(&probe, &verdict);
}
