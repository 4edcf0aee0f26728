/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_candidate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/definition_custom.h"
#include "ampdaemon/definition_generation.h"
#include "ampdaemon/refusal.h"
#include "io/log.h"

#define STAGE_LIMIT_MS 120000

struct definition_candidate {
	struct candidate_needs needs;
	struct candidate_callbacks callbacks;
	void *context;
	struct definition_stage *stage;
	struct definition_trial *trial;
	uv_idle_t after; /* a trial is freed, and its end told, from the loop */
	unsigned n_names;
	char names[LIMIT_DEFINITION_FILES]
		  [LIMIT_NAME_BYTES + 1]; /* official ones that were added */
	uint64_t bytes;                   /* of what was staged */
	struct trial_outcome outcome;
};

/* ---- which files ---- */

static size_t without(const char *name, size_t len, const char *ending)
{
	size_t cut = strlen(ending);

	return len > cut && strncmp(name + len - cut, ending, cut) == 0 ? len - cut : len;
}

/* What NAME.cvd, NAME.cld and the signatures beside them have in common. */
static size_t database_length(const char *name)
{
	size_t len = without(name, strlen(name), ".sign");
	size_t stem = without(name, len, ".cvd");

	return stem < len ? stem : without(name, len, ".cld");
}

static bool is_container(const char *name)
{
	size_t len = strlen(name);

	return without(name, len, ".cvd") < len || without(name, len, ".cld") < len;
}

/* By a container of its database, or by itself. Nothing else replaces a container, a signature neither: the database would be gone. */
static bool is_replaced(const struct definition_candidate *c, const char *name)
{
	size_t len = database_length(name);

	for (unsigned i = 0; i < c->n_names; i++) {
		const char *added = c->names[i];

		if (strcmp(added, name) == 0)
			return true;
		if (is_container(added) && database_length(added) == len &&
		    strncmp(added, name, len) == 0)
			return true;
	}
	return false;
}

int definition_candidate_begin(struct definition_candidate *c, uint64_t number,
			       char why[LIMIT_REASON_BYTES + 1])
{
	if (c->trial || definition_stage_is_busy(c->stage))
		return refusal_say(why, -EBUSY, "the candidate before it is not gone yet");
	c->n_names = 0;
	return definition_stage_begin(c->stage, number, why);
}

int definition_candidate_add(struct definition_candidate *c, const char *name, bool is_custom,
			     int fd, char why[LIMIT_REASON_BYTES + 1])
{
	int r = definition_stage_add(c->stage, name, is_custom, fd, why);

	if (!r && !is_custom && c->n_names < LIMIT_DEFINITION_FILES)
		(void)snprintf(c->names[c->n_names++], sizeof(c->names[0]), "%s",
			       name); /* valid: it fits */
	return r;
}

static int keep_rest(struct definition_candidate *c, const struct definition_manifest *manifest,
		     uint64_t generation, char *why)
{
	for (unsigned i = 0; i < manifest->n; i++) {
		bool is_custom;
		const char *name = manifest_path_name(manifest->entries[i].path, &is_custom);
		int r;

		if (is_custom || is_replaced(c, name))
			continue;
		r = definition_stage_keep(c->stage, name, false, generation, why);
		if (r)
			return r;
	}
	return 0;
}

static int keep_official(struct definition_candidate *c, uint64_t generation, char *why)
{
	struct definition_manifest *manifest;
	uint8_t digest[LIMIT_DIGEST_BYTES];
	int r, directory = definition_store_open_generation(c->needs.store, generation);

	if (directory < 0)
		return refusal_say(why, directory, "the active generation cannot be opened: %s",
				   strerror(-directory));
	manifest = malloc(sizeof(*manifest)); /* 10 KB */
	if (!manifest) {
		(void)close(directory);
		return refusal_say(why, -ENOMEM, "the daemon is out of memory");
	}
	r = definition_generation_read(directory, manifest, digest, why);
	if (!r)
		r = keep_rest(c, manifest, generation, why);
	free(manifest);
	(void)close(directory);
	return r;
}

struct custom_look {
	struct definition_candidate *candidate;
	int error;
	char *why;
};

static void take_custom(void *context, const char *name, int fd, const char *why)
{
	struct custom_look *look = context;

	if (fd < 0) {
		log_warning("definitions: custom/%s is left out: %s", name, why);
		return;
	}
	if (!look->error)
		look->error =
			definition_stage_add(look->candidate->stage, name, true, fd, look->why);
	else
		(void)close(fd); /* root's own file */
}

int definition_candidate_complete(struct definition_candidate *c, uint64_t generation,
				  char why[LIMIT_REASON_BYTES + 1])
{
	struct custom_look look = {.candidate = c, .why = why};
	int r = generation ? keep_official(c, generation, why) : 0;

	if (!r)
		r = definition_custom_each(c->needs.store, take_custom, &look, why);
	return r ? r : look.error;
}

/* ---- staging ---- */

static void on_staged(void *context, uint64_t number, const struct stage_result *result)
{
	struct definition_candidate *c = context;

	(void)number; /* one at a time */
	c->bytes = result->bytes;
	c->callbacks.on_staged(c->context, result->error ? NULL : result->digest, result->why);
}

int definition_candidate_start(struct definition_candidate *c, char why[LIMIT_REASON_BYTES + 1])
{
	return definition_stage_start(c->stage, on_staged, c, why);
}

void definition_candidate_cancel(struct definition_candidate *c)
{
	definition_stage_cancel(c->stage);
}

/* ---- the trial ---- */

struct trial_report definition_candidate_report(const struct trial_outcome *outcome)
{
	struct trial_report report = {.refused = outcome->refused, .promise_kept = true};
	const struct service_report *said = outcome->report;

	for (unsigned i = 0; said && i < said->n_files; i++) {
		const struct definition_file *file = &said->files[i];
		struct database_version *database =
			&report.facts.databases[report.facts.n_databases];

		if (file->origin != DEFINITION_ORIGIN_OFFICIAL || !*file->database)
			continue;
		(void)snprintf(database->name, sizeof(database->name), "%s", file->database);
		database->version = file->version;
		report.facts.n_databases++;
	}
	if (!said)
		return report;
	report.facts.signatures = said->ready.signatures;
	report.facts.engine_bytes = said->ready.memory_bytes;
	report.facts.built = said->ready.built;
	return report;
}

static void on_after(uv_idle_t *idle)
{
	struct definition_candidate *c = idle->data;
	struct trial_report report = definition_candidate_report(&c->outcome);

	report.facts.bytes = c->bytes;
	(void)uv_idle_stop(idle); /* cannot fail */
	c->callbacks.on_tried(c->context, &report, &c->outcome);
}

static void on_tried(void *context, const struct trial_outcome *outcome)
{
	struct definition_candidate *c = context;

	c->outcome = *outcome;
	(void)uv_idle_start(&c->after, on_after); /* open: cannot fail */
}

static int start_trial(struct definition_candidate *c, struct trial_order *order)
{
	struct installation *installation = scan_site_installation(c->needs.site);
	int r;

	if (order->definitions < 0)
		return refusal_say(c->outcome.detail, order->definitions,
				   "what was staged cannot be opened: %s",
				   strerror(-order->definitions));
	order->account = scan_site_account(c->needs.site);
	r = definition_trial_start(c->needs.loop, c->needs.configuration, installation, order,
				   on_tried, c, &c->trial, c->outcome.detail);
	(void)close(order->definitions);
	return r;
}

void definition_candidate_try(struct definition_candidate *c, uint64_t number, bool is_strict,
			      uint64_t need)
{
	struct trial_order order = {.definitions =
					    definition_store_open_staged(c->needs.store, number),
				    .number = number,
				    .need = need,
				    .is_strict = is_strict};

	c->outcome = (struct trial_outcome){0};
	if (!start_trial(c, &order))
		return;
	c->outcome.refused = REJECTION_TRIAL_BROKEN;
	(void)uv_idle_start(&c->after, on_after); /* open: cannot fail */
}

void definition_candidate_forget(struct definition_candidate *c)
{
	c->outcome = (struct trial_outcome){0};
	c->trial = definition_trial_free(c->trial);
}

/* ---- outside ---- */

int definition_candidate_read(struct definition_candidate *c, uint64_t number,
			      definition_stage_fn *done, void *context,
			      char why[LIMIT_REASON_BYTES + 1])
{
	return definition_stage_check(c->stage, number, done, context, why);
}

unsigned definition_candidate_under_way(const struct definition_candidate *c)
{
	unsigned stuck;

	return definition_stage_under_way(c->stage, &stuck);
}

struct definition_candidate *definition_candidate_new(const struct candidate_needs *needs,
						      const struct candidate_callbacks *callbacks,
						      void *context)
{
	const struct definition_stage_bounds bounds = {
		.max_file_bytes = needs->configuration->max_definition_bytes,
		.max_set_bytes = 2 * needs->configuration->max_definition_bytes,
		.limit_ms = STAGE_LIMIT_MS};
	struct definition_candidate *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->needs = *needs;
	c->callbacks = *callbacks;
	c->context = context;
	c->stage = definition_stage_new(needs->loop, needs->store, &bounds);
	if (!c->stage) {
		free(c);
		return NULL;
	}
	(void)uv_idle_init(needs->loop, &c->after); /* only fills the handle */
	c->after.data = c;
	return c;
}

static void free_candidate(uv_handle_t *handle)
{
	free(handle->data);
}

struct definition_candidate *definition_candidate_free(struct definition_candidate *c)
{
	if (!c)
		return NULL;
	c->trial = definition_trial_free(c->trial);
	c->stage = definition_stage_free(c->stage);
	uv_close((uv_handle_t *)&c->after, free_candidate);
	return NULL;
}
