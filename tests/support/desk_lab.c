/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/desk_lab.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/definition_trial.h"
#include "base/text.h"
#include "io/clock.h"
#include "tests/support/definition_lab.h"
#include "tests/support/test_directory.h"

#define PATIENCE_MS 10000

struct desk_lab t;

/* ---- stand-ins ---- */

void journal_record(struct journal *journal, const struct event *event)
{
	(void)journal;
	CU_ASSERT_EQUAL(event->body, EVENT_BODY_DEFINITIONS);
	text_append(t.events, sizeof(t.events), &t.at, "%s%s %llu", t.at ? ", " : "",
		    event_type_name(event->type) + strlen("Definitions "),
		    (unsigned long long)event->definitions.generation);
}

void journal_record_with(struct journal *journal, const struct event *event,
			 const struct journal_value *values, unsigned n)
{
	(void)journal;
	CU_ASSERT_PTR_NULL(event);
	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;

		while (t.kept[k].key[0] && strcmp(t.kept[k].key, values[i].key) != 0)
			k++;
		CU_ASSERT_FATAL(k < DESK_KEYS && values[i].len <= sizeof(t.kept[k].data));
		(void)snprintf(t.kept[k].key, sizeof(t.kept[k].key), "%s", values[i].key);
		memcpy(t.kept[k].data, values[i].data, values[i].len);
		t.kept[k].len = values[i].len;
	}
}

int journal_recall(struct journal *journal, const char *prefix, journal_recall_fn *each,
		   void *context)
{
	(void)journal;
	for (unsigned i = 0; i < DESK_KEYS && t.kept[i].key[0]; i++) {
		if (strncmp(t.kept[i].key, prefix, strlen(prefix)) == 0)
			each(context, t.kept[i].key, t.kept[i].data, t.kept[i].len);
	}
	return 0;
}

struct scan_account scan_site_account(const struct scan_site *site)
{
	(void)site;
	return (struct scan_account){.uid = 1, .gid = 1};
}

struct installation *scan_site_installation(struct scan_site *site)
{
	(void)site;
	return NULL;
}

struct definition_trial {
	struct trial_outcome outcome;
};

int definition_trial_start(uv_loop_t *loop, const struct configuration *configuration,
			   struct installation *installation, const struct trial_order *order,
			   trial_fn *done, void *context, struct definition_trial **ret_trial,
			   char ret_why[LIMIT_REASON_BYTES + 1])
{
	struct definition_trial *trial = calloc(1, sizeof(*trial));

	(void)loop;
	(void)configuration;
	(void)installation;
	(void)ret_why;
	CU_ASSERT_FATAL(trial != NULL);
	CU_ASSERT(order->definitions >= 0 && order->number >= DEFINITIONS_FIRST);
	t.trials++;
	t.was_strict = order->is_strict;
	memset(&t.report, 0, sizeof(t.report));
	t.report.ready.signatures = t.signatures;
	t.report.ready.memory_bytes = 1000 * t.signatures;
	t.report.n_files = 1;
	t.report.files[0] = (struct definition_file){.name = "daily.cvd",
						     .database = "daily",
						     .version = t.version,
						     .origin = DEFINITION_ORIGIN_OFFICIAL,
						     .accepted = true};
	trial->outcome.refused = t.refused;
	trial->outcome.report = &t.report;
	if (t.refused)
		(void)snprintf(trial->outcome.detail, sizeof(trial->outcome.detail), "as told");
	*ret_trial = trial;
	done(context, &trial->outcome); /* the desk takes it up from the loop */
	return 0;
}

struct definition_trial *definition_trial_free(struct definition_trial *trial)
{
	free(trial);
	return NULL;
}

/* ---- what the desk tells ---- */

static void on_answer(void *context, uint64_t client, const struct definition_answer *answer)
{
	CU_ASSERT(context == &t && client == DESK_CLIENT);
	t.answers++;
	t.rejection = answer->rejection;
	t.generation = answer->generation;
	(void)snprintf(t.detail, sizeof(t.detail), "%s", answer->detail);
}

static void on_phase(void *context, uint64_t client, enum candidate_phase phase)
{
	size_t at = strlen(t.phases);

	CU_ASSERT(context == &t && client == DESK_CLIENT);
	text_append(t.phases, sizeof(t.phases), &at, "%s%s", at ? " " : "",
		    candidate_phase_name(phase));
}

static void on_load(void *context, const struct definition_load *load)
{
	CU_ASSERT(context == &t && load->reason[0] != '\0');
	t.loads++;
	t.load = load->generation;
	t.is_makeshift = load->is_makeshift;
}

/* ---- running ---- */

void desk_live(void)
{
	static const struct definition_callbacks callbacks = {
		.on_answer = on_answer, .on_phase = on_phase, .on_load = on_load};
	const struct definition_needs needs = {.loop = &t.loop, .configuration = &t.configuration};

	t.answers = t.loads = t.trials = 0;
	t.at = 0;
	t.events[0] = t.phases[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&t.loop), 0);
	t.desk = definition_desk_new(&needs, &callbacks, &t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.desk);
	definition_desk_start(t.desk);
}

void desk_die(void)
{
	t.desk = definition_desk_free(t.desk);
	(void)uv_run(&t.loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
}

void desk_begin(const char *name)
{
	memset(&t, 0, sizeof(t));
	(void)snprintf(t.root, sizeof(t.root), "%s", test_path(name));
	t.configuration = (struct configuration){.definitions_root = t.root,
						 .max_definition_bytes = 1000000,
						 .probation_ms = DESK_PROBATION_MS};
	t.signatures = 100;
	t.version = 1;
	desk_live();
}

bool desk_comes(const unsigned *counter, unsigned wanted)
{
	mono_ms limit = mono_add(clock_mono_ms(), PATIENCE_MS);

	while (*counter < wanted && clock_mono_ms() < limit) {
		(void)uv_run(&t.loop, UV_RUN_NOWAIT);
		(void)usleep(500);
	}
	return *counter == wanted;
}

void desk_rest(void)
{
	mono_ms limit = mono_add(clock_mono_ms(), PATIENCE_MS);

	do {
		(void)uv_run(&t.loop, UV_RUN_NOWAIT);
		(void)usleep(500);
	} while (definition_desk_under_way(t.desk) && clock_mono_ms() < limit);
	CU_ASSERT_EQUAL(definition_desk_under_way(t.desk), 0);
}

void desk_up(uint64_t generation)
{
	definition_desk_up(t.desk, generation, &t.report);
	desk_rest();
}

int desk_offer(const char *name, const char *text, enum candidate_origin origin, bool forced)
{
	char why[LIMIT_REASON_BYTES + 1];
	int r;

	r = definition_desk_begin(t.desk, DESK_CLIENT, origin, forced, why);
	if (!r)
		r = definition_desk_add(t.desk, DESK_CLIENT, name, false,
					lab_source(text, strlen(text)), why);
	return r ? r : definition_desk_go(t.desk, DESK_CLIENT, why);
}

uint64_t desk_bring(const char *text, uint64_t signatures, uint32_t version)
{
	unsigned loads = t.loads;

	t.signatures = signatures;
	t.version = version;
	CU_ASSERT_EQUAL(desk_offer("daily.cvd", text, ORIGIN_IMPORT, false), 0);
	CU_ASSERT(desk_comes(&t.loads, loads + 1));
	return t.load;
}

uint64_t desk_serve(const char *text, uint64_t signatures, uint32_t version)
{
	uint64_t number = desk_bring(text, signatures, version);

	desk_up(number);
	return number;
}

void desk_prove(void)
{
	mono_ms limit = mono_add(clock_mono_ms(), PATIENCE_MS);

	while (definition_machine_deadline(definition_desk_machine(t.desk)) != MONO_NEVER &&
	       clock_mono_ms() < limit)
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	desk_rest();
}

uint64_t desk_link(const char *name)
{
	char path[400], target[100];
	ssize_t len;

	(void)snprintf(path, sizeof(path), "%s/%s", t.root, name);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return 0;
	target[len] = '\0';
	return strtoull(strrchr(target, '/') + 1, NULL, 10);
}

const char *desk_file(const char *format, uint64_t number)
{
	static char path[600];
	size_t at = 0;

	text_append(path, sizeof(path), &at, "%s/generations/", t.root);
	text_append(path, sizeof(path), &at, "%llu/%s", (unsigned long long)number, format);
	return path;
}
