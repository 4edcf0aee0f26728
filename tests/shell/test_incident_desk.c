/* SPDX-License-Identifier: GPL-2.0-only */
/* Certificates, the ladder, and the words of fault 6, over lives of the daemon; times are shortened as in the system tests. */
#include "ampdaemon/incident_desk.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "tests/support/fault_life.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define FILES 50
#define WAIT_MS 20000

static const struct configuration usual = {.failure_limit = 5,
					   .failure_window_ms = 600000,
					   .calm_ms = 300000,
					   .replace_limit = 3,
					   .replace_window_ms = 60000,
					   .restart_every_ms = 600000,
					   .no_success_ms = 60000};
static const struct configuration shortened = {.failure_limit = 5,
					       .failure_window_ms = 1500,
					       .calm_ms = 300,
					       .replace_limit = 3,
					       .replace_window_ms = 1000,
					       .restart_every_ms = 600000,
					       .no_success_ms = 200};

static unsigned replacements, restarts, storms;
static mono_ms storm_since;
static bool is_blamed;

static void on_replace(void *context, const char *reason)
{
	LIFE_CHECK(context == &replacements && reason[0]);
	replacements++;
}

static bool on_storm(void *context, mono_ms since)
{
	LIFE_CHECK(context == &replacements && since <= clock_mono_ms());
	storms++;
	storm_since = since;
	return is_blamed;
}

static void on_restart(void *context, const char *reason)
{
	LIFE_CHECK(context == &replacements && reason[0]);
	restarts++;
}

static struct incident_desk *open_desk(struct fault_life *life, const struct configuration *c)
{
	static const struct incident_callbacks callbacks = {
		.on_replace = on_replace, .on_storm = on_storm, .on_restart = on_restart};
	struct incident_desk *desk = incident_desk_new(&life->loop, c, life->journal, life->faults,
						       &callbacks, &replacements);

	LIFE_CHECK(desk != NULL);
	return desk;
}

/* A worker died of the file with this number: its digest is 32 times that byte. */
static void die_of(struct incident_desk *desk, const char *path, uint8_t number)
{
	uint8_t digest[LIMIT_DIGEST_BYTES];
	struct death_certificate c = {.failure = FAILURE_BY_INPUT,
				      .cause = DEATH_CRASH,
				      .worker = 1,
				      .pid = 100u + number,
				      .has_status = true,
				      .status = 11,
				      .phase = SCAN_PHASE_SCAN,
				      .job = 7,
				      .attempt = 1,
				      .detail = "signal 11 (Segmentation fault)"};

	memset(digest, number, sizeof(digest));
	c.path = span_of(path, strlen(path));
	c.digest = span_of(digest, sizeof(digest));
	incident_desk_file(desk, &c);
}

static void die_of_number(struct incident_desk *desk, unsigned number)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/srv/data/poison-%02u.bin", number);
	die_of(desk, path, (uint8_t)number);
}

static void say_detail(struct fault_life *life)
{
	struct fault_state state;

	LIFE_CHECK(!fault_desk_state(life->faults, FAULT_SERVICE_RESTARTING, &state));
	fault_life_say(state.detail);
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		n++;
	return n;
}

/* ---- other definitions, and files that fail with each of them ---- */

static void the_same_files_again(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &usual);
	mono_ms changed = clock_mono_ms();

	for (unsigned i = 0; i < 6; i++)
		die_of_number(desk, i / 2);
	die_of(desk, "/srv/data/copy", 0);
	LIFE_CHECK(storms == 6 &&
		   storm_since < changed); /* fault 6, but not because of the change */
	for (unsigned i = 10; i < 14; i++)
		die_of_number(desk, i);
	LIFE_CHECK(storm_since < changed);
	die_of_number(desk, 14);
	LIFE_CHECK(storm_since >= changed); /* five that had not failed before */
	fault_life_settle(life);
}

static void three_files(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &usual);

	for (unsigned i = 0; i < 3; i++)
		die_of_number(desk, i);
	LIFE_CHECK(storms == 0);
	fault_life_settle(life);
}

static void files_that_had_failed_before_say_nothing_against_a_change(void)
{
	CU_ASSERT_TRUE(fault_life_run("again.db", three_files));
	CU_ASSERT_TRUE(fault_life_run("again.db", the_same_files_again));
}

/* Files that failed with a set that fell may fail with the next one, and it falls, too; not when they failed in between. */
static void two_changes(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &usual);
	mono_ms changed;

	is_blamed = true;
	for (unsigned i = 0; i < 5; i++)
		die_of_number(desk, i);
	is_blamed = false;
	LIFE_CHECK(storms == 1);
	fault_life_settle(life);
	changed = clock_mono_ms();
	for (unsigned i = 0; i < 5; i++)
		die_of_number(desk, i);
	LIFE_CHECK(storm_since >= changed);
	fault_life_settle(life);
}

static void and_one_more(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &usual);
	mono_ms changed = clock_mono_ms();

	for (unsigned i = 0; i < 5; i++)
		die_of_number(desk, i);
	LIFE_CHECK(storms > 0 && storm_since < changed);
}

static void what_was_blamed_on_a_change_is_not_known_of_the_files(void)
{
	CU_ASSERT_TRUE(fault_life_run("blamed.db", two_changes));
	CU_ASSERT_TRUE(fault_life_run("blamed.db", and_one_more));
}

/* ---- a directory of poison ---- */

/* Each file kills two workers; the fifth death restarts the connector, here as one that is killed right after. */
static void five_deaths(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &usual);

	for (unsigned i = 0; i < 5; i++) {
		LIFE_CHECK(restarts == 0 &&
			   !fault_desk_is_active(life->faults, FAULT_SERVICE_RESTARTING));
		die_of_number(desk, i / 2);
	}
	LIFE_CHECK(restarts == 1 && replacements == 1 && storms == 1);
	LIFE_CHECK(fault_desk_is_active(life->faults, FAULT_SERVICE_RESTARTING));
	fault_life_settle(life);
}

static void the_other_deaths(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &usual);
	struct incident_figures figures;

	LIFE_CHECK(fault_desk_is_active(life->faults, FAULT_SERVICE_RESTARTING));
	for (unsigned i = 5; i < 2 * FILES; i++)
		die_of_number(desk, i / 2);
	LIFE_CHECK(restarts == 0 && replacements == 0); /* files buy no loads */
	incident_desk_figures(desk, &figures);
	LIFE_CHECK(figures.stormy && figures.in_window == 2 * FILES);
	LIFE_CHECK(figures.totals[FAILURE_BY_INPUT] == 2 * FILES);
	fault_life_settle(life);
	say_detail(life);
}

static void fifty_poison_files_are_named_over_the_restart_that_they_cause(void)
{
	const char *detail, *events;

	CU_ASSERT_TRUE(fault_life_run("poison.db", five_deaths));
	CU_ASSERT_STRING_EQUAL(fault_life_events("poison.db"),
			       "worker, worker, worker, worker, worker, raised major 6, ");
	CU_ASSERT_TRUE(fault_life_run("poison.db", the_other_deaths));
	detail = fault_life_said();
	CU_ASSERT_EQUAL(strncmp(detail,
				"100 failures in the last 10 minutes (100 by input; 100 since the "
				"first start), scan service replaced once, connector restarted "
				"once; last causes: worker 149 died: signal 11 (Segmentation "
				"fault); ",
				100),
			0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(detail, "connector restarted once; last causes: worker 149 "));
	for (unsigned i = 0; i < FILES; i++) {
		char named[120], digest[2 * LIMIT_DIGEST_BYTES + 1];

		for (unsigned k = 0; k < LIMIT_DIGEST_BYTES; k++)
			(void)snprintf(digest + 2 * k, 3, "%02x", i);
		(void)snprintf(named, sizeof(named), "/srv/data/poison-%02u.bin (sha256 %s)", i,
			       digest);
		if (count(detail, named) != 1)
			CU_FAIL("a file is not named once");
	}
	CU_ASSERT(strstr(detail, "poison-49") < strstr(detail, "poison-00")); /* newest first */
	CU_ASSERT_PTR_NULL(strstr(detail, " more"));
	CU_ASSERT(strlen(detail) < LIMIT_FAULT_DETAIL_BYTES);
	events = fault_life_events("poison.db");
	CU_ASSERT_EQUAL(count(events, "worker, "), 2 * FILES);
	CU_ASSERT_EQUAL(count(events, "raised"), 1);
}

/* ---- too many, and strange ones ---- */

static void crowd(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &usual);

	for (unsigned i = 0; i < 200; i++)
		die_of_number(desk, i);
	fault_life_settle(life);
	say_detail(life);
}

static void crowd_with_long_names(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &usual);
	char path[601];

	for (unsigned i = 0; i < 100; i++) {
		memset(path, 'x', sizeof(path) - 1);
		(void)snprintf(path + sizeof(path) - 4, 4, "%03u", i);
		die_of(desk, path, (uint8_t)i);
	}
	fault_life_settle(life);
	say_detail(life);
}

static void more_files_than_fit_are_counted(void)
{
	const char *detail;
	unsigned shown, more;

	CU_ASSERT_TRUE(fault_life_run("crowd.db", crowd));
	detail = fault_life_said();
	CU_ASSERT(strlen(detail) <= LIMIT_FAULT_DETAIL_BYTES);
	CU_ASSERT_EQUAL(count(detail, "(sha256 "), 128);
	CU_ASSERT_EQUAL(count(detail, "poison-199.bin"), 1);
	CU_ASSERT_EQUAL(count(detail, "poison-72.bin"), 1);
	CU_ASSERT_EQUAL(count(detail, ", and older ones"), 1);
	CU_ASSERT_TRUE(fault_life_run("long.db", crowd_with_long_names));
	detail = fault_life_said();
	CU_ASSERT(strlen(detail) <= LIMIT_FAULT_DETAIL_BYTES);
	shown = count(detail, "(sha256 ");
	CU_ASSERT(shown > 10);
	CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(detail, ", and "));
	CU_ASSERT_EQUAL(sscanf(strstr(detail, ", and "), ", and %u more", &more), 1);
	CU_ASSERT_EQUAL(shown + more, 100);
	CU_ASSERT_EQUAL(count(detail, "x099 (sha256 6363"), 1);
}

static void strange_names(struct fault_life *life)
{
	static char longest[LIMIT_PATH_BYTES];
	struct incident_desk *desk = open_desk(life, &usual);

	memset(longest, '\n', sizeof(longest) - 1);
	die_of(desk, longest, 1);
	die_of(desk, "/a\nb\x1b[2J\\\xc3\xa9", 2);
	die_of(desk, "/same", 3);
	die_of(desk, "/same", 4); /* other content: another file */
	die_of(desk, "/same", 4);
	fault_life_settle(life);
	say_detail(life);
}

static void strange_names_are_shown_harmless(void)
{
	const char *detail;

	CU_ASSERT_TRUE(fault_life_run("strange.db", strange_names));
	detail = fault_life_said();
	CU_ASSERT_EQUAL(count(detail, "/a\\x0ab\\x1b[2J\\\\\\xc3\\xa9 (sha256 0202"), 1);
	CU_ASSERT_EQUAL(count(detail, "/same (sha256 "), 2);
	CU_ASSERT_EQUAL(count(detail, "... (sha256 0101"), 1);
	for (const char *at = detail; *at; at++)
		CU_ASSERT(*at >= 0x20 && *at <= 0x7e);
}

/* ---- calm, severity ---- */

static bool wait_for(struct fault_life *life, bool active)
{
	mono_ms end = clock_mono_ms() + WAIT_MS;

	while (fault_desk_is_active(life->faults, FAULT_SERVICE_RESTARTING) != active) {
		if (clock_mono_ms() > end)
			return false;
		(void)uv_run(&life->loop, UV_RUN_NOWAIT); /* says whether handles are left */
		uv_sleep(1);
	}
	return true;
}

static void storm_and_calm(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &shortened);
	struct fault_state state;
	mono_ms end = clock_mono_ms() + WAIT_MS;

	for (unsigned i = 0; i < 5; i++)
		die_of_number(desk, i);
	incident_desk_scanned(desk, false);
	do {                                              /* its timer alone makes it critical */
		(void)uv_run(&life->loop, UV_RUN_NOWAIT); /* as above */
		uv_sleep(1);
		LIFE_CHECK(!fault_desk_state(life->faults, FAULT_SERVICE_RESTARTING, &state));
	} while (state.severity != FAULT_CRITICAL && clock_mono_ms() < end);
	LIFE_CHECK(strstr(state.detail, "no scan has succeeded for") != NULL);
	incident_desk_scanned(desk, true);
	LIFE_CHECK(!fault_desk_state(life->faults, FAULT_SERVICE_RESTARTING, &state));
	LIFE_CHECK(state.severity == FAULT_MAJOR);
	LIFE_CHECK(wait_for(life, false));
	LIFE_CHECK(!fault_desk_state(life->faults, FAULT_SERVICE_RESTARTING, &state));
	LIFE_CHECK(!strcmp(state.reason,
			   "fewer than 5 failures in the last 1500 ms and none newer than 300 ms"));
	fault_life_settle(life);
}

static void a_storm_becomes_critical_is_relieved_and_clears_by_itself(void)
{
	CU_ASSERT_TRUE(fault_life_run("calm.db", storm_and_calm));
	CU_ASSERT_STRING_EQUAL(fault_life_events("calm.db"),
			       "worker, worker, worker, worker, worker, raised major 6, raised "
			       "critical 6, raised major 6, cleared 6, all cleared, ");
}

/* ---- services ---- */

static void service_deaths(struct fault_life *life)
{
	static const struct death_certificate c = {.is_service = true,
						   .failure = FAILURE_UNEXPLAINED,
						   .cause = DEATH_CRASH,
						   .pid = 42,
						   .detail = "signal 9 (Killed)"};
	struct incident_desk *desk = open_desk(life, &usual);

	for (unsigned i = 0; i < 5; i++)
		incident_desk_file(desk, &c);
	LIFE_CHECK(replacements == 1 && restarts == 1);
	fault_life_settle(life);
	say_detail(life);
}

static void deaths_of_the_service_count_and_are_told_by_others(void)
{
	CU_ASSERT_TRUE(fault_life_run("service.db", service_deaths));
	CU_ASSERT_STRING_EQUAL(fault_life_events("service.db"), "raised major 6, ");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(fault_life_said(), "scan service 42 died: signal 9 (Killed)"));
	CU_ASSERT_PTR_NULL(strstr(fault_life_said(), "files that were being scanned"));
}

/* ---- a crash between ledger and fault ---- */

static void forget(const char *name, const char *key)
{
	static const struct journal_bounds bounds = {.max_bytes = 1 << 30, .max_days = 30};
	char error[300];
	bool set_aside;
	struct journal_store *store =
		journal_store_open(test_path(name), &bounds, &set_aside, error, sizeof(error));
	struct journal_row row = {.kept = calloc(1, sizeof(*row.kept))};

	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row.kept);
	(void)snprintf(row.kept->key, sizeof(row.kept->key), "%s", key);
	CU_ASSERT_EQUAL(journal_store_append(store, &row, 1), 0);
	free(row.kept);
	journal_store_close(store);
}

static void find_storm(struct fault_life *life)
{
	struct incident_desk *desk = open_desk(life, &usual);
	struct incident_figures figures;

	incident_desk_figures(desk, &figures);
	LIFE_CHECK(figures.stormy);
	LIFE_CHECK(fault_desk_is_active(life->faults, FAULT_SERVICE_RESTARTING));
	fault_life_settle(life);
	say_detail(life);
}

static void find_calm_after_a_window(struct fault_life *life)
{
	(void)open_desk(life, &shortened); /* it lives as long as the life */
	LIFE_CHECK(fault_desk_is_active(life->faults, FAULT_SERVICE_RESTARTING));
	LIFE_CHECK(wait_for(life, false));
	fault_life_settle(life);
}

static void the_fault_follows_the_ledger_after_a_crash_between_them(void)
{
	CU_ASSERT_TRUE(fault_life_run("between.db", five_deaths));
	forget("between.db", "fault/6");
	CU_ASSERT_TRUE(fault_life_run("between.db", find_storm));
	CU_ASSERT_PTR_NOT_NULL(strstr(fault_life_said(), "poison-02.bin (sha256 0202"));
	CU_ASSERT_TRUE(fault_life_run("between.db", find_storm));
	CU_ASSERT_EQUAL(count(fault_life_events("between.db"), "raised"),
			2); /* the first was forgotten */
	forget("between.db", "ledger");
	CU_ASSERT_TRUE(fault_life_run("between.db", find_calm_after_a_window));
	CU_ASSERT_EQUAL(count(fault_life_events("between.db"), "raised"), 2);
	CU_ASSERT_EQUAL(count(fault_life_events("between.db"), "cleared 6, all cleared, "), 1);
}

static const struct unit_test tests[] = {
	{"what was blamed on a change is not known of the files",
	 what_was_blamed_on_a_change_is_not_known_of_the_files},
	{"files that had failed before say nothing against a change",
	 files_that_had_failed_before_say_nothing_against_a_change},
	{"fifty poison files are named over the restart that they cause",
	 fifty_poison_files_are_named_over_the_restart_that_they_cause},
	{"more files than fit are counted", more_files_than_fit_are_counted},
	{"strange names are shown harmless", strange_names_are_shown_harmless},
	{"a storm becomes critical, is relieved, and clears by itself",
	 a_storm_becomes_critical_is_relieved_and_clears_by_itself},
	{"deaths of the service count and are told by others",
	 deaths_of_the_service_count_and_are_told_by_others},
	{"the fault follows the ledger after a crash between them",
	 the_fault_follows_the_ledger_after_a_crash_between_them},
};

UNIT_MAIN("incident_desk", tests)
