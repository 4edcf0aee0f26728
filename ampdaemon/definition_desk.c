/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/definition_stage.h"
#include "ampdaemon/definition_store.h"
#include "ampdaemon/definition_trial.h"
#include "io/late_close.h"
#include "io/log.h"

#define PROBATION_MS 900000 /* issue: 15 minutes */
#define STAGE_LIMIT_MS 120000

struct definition_desk {
	uv_loop_t *loop;
	const struct configuration *configuration;
	struct scan_site *site;
	struct definition_machine machine;
	struct definition_store *store; /* NULL: not opened yet */
	struct definition_stage *stage;
	struct definition_trial *trial;
	uv_idle_t after;              /* a trial is freed, and an answer given, from the loop */
	uint64_t client;              /* 0: nobody waits */
	bool is_going;                /* staged: the client only waits */
	struct trial_outcome outcome; /* of the candidate, as far as it came */
	definition_answer_fn *answer;
	void *context;
};

/* ---- the store ---- */

static void tell(void *context, const char *text)
{
	(void)context;
	log_notice("definitions: %s", text);
}

static int open_store(struct definition_desk *d, char why[LIMIT_REASON_BYTES + 1])
{
	const struct definition_stage_bounds bounds = {
		.max_file_bytes = d->configuration->max_definition_bytes,
		.max_set_bytes = 2 * d->configuration->max_definition_bytes,
		.limit_ms = STAGE_LIMIT_MS};
	char text[LIMIT_REASON_BYTES];
	int r;

	if (d->store)
		return 0;
	if (!d->configuration->definitions_root) {
		(void)snprintf(why, LIMIT_REASON_BYTES + 1,
			       "definitions_root of the configuration names no directory for it");
		return -ENOENT;
	}
	r = definition_store_open(d->configuration->definitions_root, tell, NULL, &d->store, text);
	if (r) {
		(void)snprintf(why, LIMIT_REASON_BYTES + 1, "%.100s: %.298s",
			       d->configuration->definitions_root, text);
		return r;
	}
	d->stage = definition_stage_new(d->loop, d->store, &bounds);
	if (d->stage)
		return 0;
	d->store = definition_store_close(d->store);
	(void)snprintf(why, LIMIT_REASON_BYTES + 1, "the daemon is out of memory");
	return -ENOMEM;
}

/* ---- the end of a candidate ---- */

static void pump(struct definition_desk *d);

static void give_answer(struct definition_desk *d, enum rejection rejection)
{
	const struct definition_answer answer = {
		.rejection = rejection,
		.detail = d->outcome.detail,
		.report = d->outcome.report,
	};
	uint64_t client = d->client;

	d->client = 0;
	d->is_going = false;
	log_notice("definitions: checked: %s%s%s", rejection_name(rejection),
		   *answer.detail ? ": " : "", answer.detail);
	if (client)
		d->answer(d->context, client, &answer);
	d->outcome = (struct trial_outcome){0};
	d->trial = definition_trial_free(d->trial);
}

static void discard(struct definition_desk *d, uint64_t number)
{
	int r = definition_store_discard(d->store, number);

	if (r)
		log_warning("definitions: what was staged cannot be removed now: %s", strerror(-r));
}

/* ---- the trial ---- */

static struct trial_report report_of(const struct trial_outcome *outcome)
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
	struct definition_desk *d = idle->data;
	struct trial_report report = report_of(&d->outcome);

	(void)uv_idle_stop(idle); /* cannot fail */
	definition_machine_tried(&d->machine, &report);
	pump(d);
}

static void on_tried(void *context, const struct trial_outcome *outcome)
{
	struct definition_desk *d = context;

	d->outcome = *outcome;
	(void)uv_idle_start(&d->after, on_after); /* open: cannot fail */
}

static void try_candidate(struct definition_desk *d, uint64_t number)
{
	struct trial_order order = {.definitions = definition_store_open_staged(d->store, number),
				    .number = number,
				    .account = scan_site_account(d->site),
				    .is_strict = true};
	int r = order.definitions < 0 ? order.definitions : 0;

	(void)snprintf(d->outcome.detail, sizeof(d->outcome.detail),
		       "what was staged cannot be opened");
	if (!r)
		r = definition_trial_start(d->loop, d->configuration,
					   scan_site_installation(d->site), &order, on_tried, d,
					   &d->trial, d->outcome.detail);
	if (order.definitions >= 0)
		(void)close(order.definitions);
	if (!r) {
		d->outcome.detail[0] = '\0';
		return;
	}
	d->outcome.refused = REJECTION_TRIAL_BROKEN;
	(void)uv_idle_start(&d->after, on_after); /* open: cannot fail */
}

/* ---- effects ---- */

static void carry_out(struct definition_desk *d, const struct definition_effect *effect)
{
	/* Those of an activation: a check has none. */
	if (effect->kind == DEFINITION_TRY)
		try_candidate(d, effect->generation);
	else if (effect->kind == DEFINITION_DISCARD)
		discard(d, effect->generation);
	else if (effect->kind == DEFINITION_ENDED)
		give_answer(d, effect->rejection);
}

static void pump(struct definition_desk *d)
{
	struct definition_effect effect;

	while (definition_machine_next_effect(&d->machine, &effect))
		carry_out(d, &effect);
}

/* ---- staging ---- */

static void on_staged(void *context, uint64_t number, const struct stage_result *result)
{
	struct definition_desk *d = context;

	(void)number; /* one at a time */
	if (result->error)
		(void)snprintf(d->outcome.detail, sizeof(d->outcome.detail), "%s", result->why);
	definition_machine_staged(&d->machine, result->error ? NULL : result->digest);
	pump(d);
}

/* The client hears it as a refusal, not as an answer. */
static int give_up(struct definition_desk *d, int error)
{
	d->client = 0;
	definition_stage_cancel(d->stage);
	definition_machine_staged(&d->machine, NULL);
	pump(d);
	return error;
}

static bool is_mine(const struct definition_desk *d, uint64_t client,
		    char why[LIMIT_REASON_BYTES + 1])
{
	if (client && d->client == client && !d->is_going)
		return true;
	(void)snprintf(why, LIMIT_REASON_BYTES + 1, "no check of yours is open");
	return false;
}

int definition_desk_begin(struct definition_desk *d, uint64_t client,
			  char why[LIMIT_REASON_BYTES + 1])
{
	uint64_t number;
	int r = open_store(d, why);

	if (r)
		return r;
	if (d->trial || definition_stage_is_busy(d->stage) ||
	    definition_machine_stage(&d->machine, ORIGIN_CHECK, false, &number)) {
		(void)snprintf(why, LIMIT_REASON_BYTES + 1, "%s of definitions is under way (%s)",
			       candidate_origin_name(d->machine.candidate.origin),
			       candidate_phase_name(d->machine.candidate.phase));
		return -EBUSY;
	}
	d->client = client;
	r = definition_stage_begin(d->stage, number, why);
	return r ? give_up(d, r) : 0;
}

int definition_desk_add(struct definition_desk *d, uint64_t client, const char *name,
			bool is_custom, int fd, char why[LIMIT_REASON_BYTES + 1])
{
	int r;

	if (!is_mine(d, client, why)) {
		late_close(fd);
		return -EPROTO;
	}
	r = definition_stage_add(d->stage, name, is_custom, fd, why);
	return r ? give_up(d, r) : 0;
}

int definition_desk_go(struct definition_desk *d, uint64_t client, char why[LIMIT_REASON_BYTES + 1])
{
	int r;

	if (!is_mine(d, client, why))
		return -EPROTO;
	r = definition_stage_start(d->stage, on_staged, d, why);
	if (r)
		return give_up(d, r);
	d->is_going = true;
	return 0;
}

void definition_desk_cancel(struct definition_desk *d, uint64_t client)
{
	if (!client || d->client != client)
		return;
	if (!d->is_going) {
		(void)give_up(d, -ECANCELED);
		return;
	}
	d->client = 0; /* what is under way ends by itself, and nobody is told */
}

unsigned definition_desk_under_way(const struct definition_desk *d)
{
	unsigned stuck;

	return d->stage ? definition_stage_under_way(d->stage, &stuck) : 0;
}

/* ---- life ---- */

struct definition_desk *definition_desk_new(uv_loop_t *loop,
					    const struct configuration *configuration,
					    struct scan_site *site, definition_answer_fn *answer,
					    void *context)
{
	struct definition_desk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	(void)uv_idle_init(loop, &d->after); /* only fills the handle */
	d->after.data = d;
	d->loop = loop;
	d->configuration = configuration;
	d->site = site;
	d->answer = answer;
	d->context = context;
	definition_machine_init(&d->machine, PROBATION_MS);
	return d;
}

static void free_desk(uv_handle_t *handle)
{
	free(handle->data);
}

struct definition_desk *definition_desk_free(struct definition_desk *d)
{
	if (!d)
		return NULL;
	d->trial = definition_trial_free(d->trial);
	d->stage = definition_stage_free(d->stage);
	d->store = definition_store_close(d->store);
	uv_close((uv_handle_t *)&d->after, free_desk);
	return NULL;
}
