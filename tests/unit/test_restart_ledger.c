/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of single rules; how they play together is told in tests/story/test_supervision_story.c. */
#include "ampdaemon/core/restart_ledger.h"

#include <CUnit/CUnit.h>
#include <string.h>

#include "tests/support/unit_main.h"

static const struct ledger_settings settings = {.limit = 5,
						.window_ms = 600000,
						.calm_ms = 300000,
						.replace_limit = 3,
						.replace_ms = 60000,
						.restart_every_ms = 600000,
						.no_success_ms = 60000};

static struct restart_ledger ledger; /* large */

static void begin(void)
{
	restart_ledger_init(&ledger, &settings, 0);
}

static unsigned fail_at(mono_ms at, enum failure_class failure)
{
	return restart_ledger_failed(&ledger, at, failure);
}

static const struct {
	const char *what;
	mono_ms at[5];
	enum failure_class failure;
	unsigned last; /* steps of the fifth */
} fifths[] = {
	{"at once", {0, 0, 0, 0, 0}, FAILURE_UNEXPLAINED, LEDGER_STORM | LEDGER_RESTART},
	{"just inside",
	 {0, 100000, 200000, 300000, 599999},
	 FAILURE_BY_INPUT,
	 LEDGER_STORM | LEDGER_RESTART},
	{"just outside", {0, 100000, 200000, 300000, 600000}, FAILURE_BY_INPUT, 0},
	{"requested", {0, 0, 0, 0, 0}, FAILURE_NONE, 0},
	{"workers that never worked",
	 {0, 100000, 200000, 300000, 400000},
	 FAILURE_BEFORE_READY,
	 LEDGER_STORM | LEDGER_RESTART},
};

static void a_storm_began_with_the_fifth_newest(void)
{
	begin();
	CU_ASSERT_EQUAL(restart_ledger_storm_since(&ledger), MONO_NEVER);
	for (mono_ms at = 1000; at <= 4000; at += 1000)
		(void)fail_at(at, FAILURE_BY_INPUT);
	CU_ASSERT_EQUAL(restart_ledger_storm_since(&ledger), MONO_NEVER);
	(void)fail_at(5000, FAILURE_BY_INPUT);
	CU_ASSERT_EQUAL(restart_ledger_storm_since(&ledger), 1000);
	(void)fail_at(6000, FAILURE_BY_INPUT);
	CU_ASSERT_EQUAL(restart_ledger_storm_since(&ledger), 2000);
	(void)restart_ledger_tick(&ledger, 603000); /* those of 1000 to 3000 have left the window */
	CU_ASSERT_EQUAL(restart_ledger_storm_since(&ledger), MONO_NEVER);
}

/* Files that had failed before something changed say nothing against the change. */
static void what_a_file_does_again_began_when_it_did_it_first(void)
{
	static struct ledger_saved saved;

	begin();
	for (mono_ms at = 1000; at <= 5000; at += 1000) {
		(void)fail_at(at, FAILURE_BY_INPUT);
		restart_ledger_date(&ledger, at + 7); /* not before it happened */
		CU_ASSERT_EQUAL(ledger.ring[ledger.count - 1].began, at);
		if (at < 3000)
			restart_ledger_date(&ledger, 500);
	}
	CU_ASSERT_EQUAL(restart_ledger_storm_since(&ledger), 500);
	for (mono_ms at = 6000; at <= 7000; at += 1000)
		(void)fail_at(at, FAILURE_BY_INPUT);
	CU_ASSERT_EQUAL(restart_ledger_storm_since(&ledger), 3000);
	restart_ledger_save(&ledger, &saved);
	saved.newest[0].began = -5;
	begin();
	restart_ledger_restore(&ledger, 8000, &saved, true);
	CU_ASSERT_EQUAL(ledger.ring[1].began, 500);
	CU_ASSERT_EQUAL(restart_ledger_storm_since(&ledger), 3000);
}

static void five_in_the_window_are_a_storm(void)
{
	for (unsigned row = 0; row < sizeof(fifths) / sizeof(fifths[0]); row++) {
		unsigned steps = 0;

		begin();
		for (unsigned i = 0; i < 5; i++) {
			CU_ASSERT_EQUAL(steps & (LEDGER_STORM | LEDGER_RESTART), 0);
			steps = fail_at(fifths[row].at[i], fifths[row].failure);
		}
		if (steps != fifths[row].last)
			CU_FAIL(fifths[row].what);
		CU_ASSERT_EQUAL(ledger.totals[fifths[row].failure], 5);
	}
}

static const struct {
	const char *what;
	mono_ms at[3];
	enum failure_class failure;
	unsigned last; /* steps of the third */
} thirds[] = {
	{"at once", {0, 0, 0}, FAILURE_BY_INPUT, LEDGER_REPLACE},
	{"just inside", {0, 1, 59999}, FAILURE_UNEXPLAINED, LEDGER_REPLACE},
	{"just outside", {0, 1, 60000}, FAILURE_UNEXPLAINED, 0},
	{"requested", {0, 1, 2}, FAILURE_NONE, 0},
	{"a clock that steps back stands still",
	 {70000, 10, 20},
	 FAILURE_UNEXPLAINED,
	 LEDGER_REPLACE},
};

static void three_in_a_minute_replace_the_service(void)
{
	for (unsigned row = 0; row < sizeof(thirds) / sizeof(thirds[0]); row++) {
		unsigned steps = 0;

		begin();
		for (unsigned i = 0; i < 3; i++) {
			CU_ASSERT_EQUAL(steps, 0);
			steps = fail_at(thirds[row].at[i], thirds[row].failure);
		}
		if (steps != thirds[row].last)
			CU_FAIL(thirds[row].what);
	}
}

/* A storm that is raised at 1000 and whose failures are counted from there. */
static void begin_storm(void)
{
	begin();
	for (unsigned i = 0; i < 5; i++)
		(void)fail_at(1000, FAILURE_BY_INPUT); /* its steps are another test's */
	CU_ASSERT_TRUE_FATAL(ledger.stormy);
}

static void no_success_is_counted_from_the_storm_and_from_the_first_that_failed(void)
{
	begin_storm();
	CU_ASSERT_EQUAL(restart_ledger_unlucky_since(&ledger), MONO_NEVER);
	CU_ASSERT_EQUAL(restart_ledger_scanned(&ledger, 5000, false), 0);
	CU_ASSERT_EQUAL(restart_ledger_unlucky_since(&ledger), 5000);
	CU_ASSERT_EQUAL(restart_ledger_deadline(&ledger), 65000);
	CU_ASSERT_EQUAL(restart_ledger_tick(&ledger, 64999), 0);
	CU_ASSERT_FALSE(restart_ledger_is_critical(&ledger));
	CU_ASSERT_EQUAL(restart_ledger_tick(&ledger, 65000), LEDGER_STORM);
	CU_ASSERT_TRUE(restart_ledger_is_critical(&ledger));
	CU_ASSERT_EQUAL(restart_ledger_tick(&ledger, 65001), 0);                     /* said once */
	CU_ASSERT_EQUAL(restart_ledger_scanned(&ledger, 66000, true), LEDGER_STORM); /* a relief */
	CU_ASSERT_FALSE(restart_ledger_is_critical(&ledger));

	begin();
	CU_ASSERT_EQUAL(restart_ledger_scanned(&ledger, 0, false), 0); /* long before the storm */
	for (unsigned i = 0; i < 5; i++)
		(void)fail_at(500000, FAILURE_UNEXPLAINED); /* as above */
	CU_ASSERT_FALSE(restart_ledger_is_critical(&ledger));
	CU_ASSERT_EQUAL(restart_ledger_deadline(&ledger), 560000);
	CU_ASSERT_EQUAL(restart_ledger_tick(&ledger, 560000), LEDGER_STORM);
}

static void without_a_storm_nothing_is_awaited(void)
{
	begin();
	CU_ASSERT_EQUAL(restart_ledger_deadline(&ledger), MONO_NEVER);
	CU_ASSERT_EQUAL(fail_at(0, FAILURE_BY_INPUT), 0);
	CU_ASSERT_EQUAL(restart_ledger_scanned(&ledger, 1, false), 0);
	CU_ASSERT_EQUAL(restart_ledger_deadline(&ledger), MONO_NEVER);
	CU_ASSERT_EQUAL(restart_ledger_tick(&ledger, 700000), 0);
	CU_ASSERT_FALSE(restart_ledger_is_critical(&ledger));
}

static void a_million_failures_take_no_more_memory_and_are_counted_exactly(void)
{
	unsigned restarts = 0;

	begin();
	for (mono_ms at = 0; at < 1000000; at++)
		restarts += (fail_at(at, FAILURE_BY_INPUT) & LEDGER_RESTART) != 0;
	CU_ASSERT_EQUAL(ledger.totals[FAILURE_BY_INPUT], 1000000);
	CU_ASSERT_EQUAL(restart_ledger_in_window(&ledger, 999999), LEDGER_RING);
	CU_ASSERT_EQUAL(restarts, 2);
	/* The fifth newest has to leave the window. */
	CU_ASSERT_EQUAL(restart_ledger_tick(&ledger, 999995 + 599999), 0);
	CU_ASSERT_EQUAL(restart_ledger_tick(&ledger, 999995 + 600000), LEDGER_CALM);
	CU_ASSERT_EQUAL(restart_ledger_in_window(&ledger, 999999 + 600000), 0);
}

static void the_window_is_told_by_class(void)
{
	uint32_t recent[FAILURE_CLASS_COUNT];

	begin();
	(void)fail_at(0, FAILURE_UNEXPLAINED); /* out of the window below */
	(void)fail_at(300000, FAILURE_BY_INPUT);
	(void)fail_at(400000, FAILURE_BY_INPUT);
	(void)fail_at(500000, FAILURE_BEFORE_READY);
	restart_ledger_recent(&ledger, 600000, recent);
	CU_ASSERT_EQUAL(recent[FAILURE_UNEXPLAINED], 0);
	CU_ASSERT_EQUAL(recent[FAILURE_BY_INPUT], 2);
	CU_ASSERT_EQUAL(recent[FAILURE_BEFORE_READY], 1);
	CU_ASSERT_EQUAL(restart_ledger_in_window(&ledger, 600000), 3);
}

static void what_is_saved_comes_back(void)
{
	struct ledger_saved saved;

	begin_storm();
	CU_ASSERT_EQUAL(fail_at(2000, FAILURE_UNEXPLAINED), LEDGER_STORM);
	restart_ledger_save(&ledger, &saved);
	begin();
	restart_ledger_restore(&ledger, 3000, &saved, true);
	CU_ASSERT_TRUE(ledger.stormy);
	CU_ASSERT_EQUAL(restart_ledger_in_window(&ledger, 3000), 6);
	CU_ASSERT_EQUAL(ledger.totals[FAILURE_BY_INPUT], 5);
	CU_ASSERT_EQUAL(fail_at(4000, FAILURE_BY_INPUT), LEDGER_STORM); /* the restart was */
}

static void of_another_boot_only_totals_and_the_storm_come_back(void)
{
	struct ledger_saved saved;

	begin_storm();
	restart_ledger_save(&ledger, &saved);
	begin();
	restart_ledger_restore(&ledger, 50, &saved, false);
	CU_ASSERT_TRUE(ledger.stormy);
	CU_ASSERT_EQUAL(restart_ledger_in_window(&ledger, 50), 0);
	CU_ASSERT_EQUAL(ledger.totals[FAILURE_BY_INPUT], 5);
	CU_ASSERT_EQUAL(ledger.restarted_at, MONO_NEVER);
	CU_ASSERT_EQUAL(restart_ledger_deadline(&ledger), 600050);
}

static void nonsense_is_not_restored(void)
{
	struct ledger_saved saved = {.count = 1000, .replaced_at = -1, .restarted_at = 99999};

	saved.newest[0] = (struct ledger_entry){.at = 5, .failure = FAILURE_BY_INPUT};
	saved.newest[1] = (struct ledger_entry){.at = 4, .failure = FAILURE_BY_INPUT};
	saved.newest[2] = (struct ledger_entry){.at = -7, .failure = FAILURE_BY_INPUT};
	saved.newest[3] = (struct ledger_entry){.at = 101, .failure = FAILURE_BY_INPUT};
	saved.newest[4] = (struct ledger_entry){.at = 6, .failure = FAILURE_CLASS_COUNT};
	saved.newest[5] = (struct ledger_entry){.at = 7, .failure = FAILURE_NONE};
	saved.newest[6] = (struct ledger_entry){.at = 8, .failure = FAILURE_UNEXPLAINED};
	begin();
	restart_ledger_restore(&ledger, 100, &saved, true);
	CU_ASSERT_EQUAL(restart_ledger_in_window(&ledger, 100), 2);
	CU_ASSERT_EQUAL(ledger.replaced_at, MONO_NEVER);
	CU_ASSERT_EQUAL(ledger.restarted_at, MONO_NEVER);
	CU_ASSERT_FALSE(ledger.stormy);
}

static void more_than_are_saved_come_back_as_the_newest(void)
{
	struct ledger_saved saved;

	begin();
	for (mono_ms at = 0; at < 2 * LEDGER_SAVED; at++)
		(void)fail_at(at, FAILURE_BY_INPUT); /* its steps are another test's */
	restart_ledger_save(&ledger, &saved);
	CU_ASSERT_EQUAL(saved.count, LEDGER_SAVED);
	begin();
	restart_ledger_restore(&ledger, 1000, &saved, true);
	CU_ASSERT_EQUAL(restart_ledger_in_window(&ledger, 1000), LEDGER_SAVED);
	CU_ASSERT_EQUAL(restart_ledger_in_window(&ledger, 600000 + LEDGER_SAVED), LEDGER_SAVED - 1);
}

static const struct unit_test tests[] = {
	{"a storm began with the fifth newest", a_storm_began_with_the_fifth_newest},
	{"what a file does again began when it did it first",
	 what_a_file_does_again_began_when_it_did_it_first},
	{"five in the window are a storm", five_in_the_window_are_a_storm},
	{"three in a minute replace the service", three_in_a_minute_replace_the_service},
	{"no success is counted from the storm and from the first that failed",
	 no_success_is_counted_from_the_storm_and_from_the_first_that_failed},
	{"without a storm nothing is awaited", without_a_storm_nothing_is_awaited},
	{"a million failures take no more memory and are counted exactly",
	 a_million_failures_take_no_more_memory_and_are_counted_exactly},
	{"the window is told by class", the_window_is_told_by_class},
	{"what is saved comes back", what_is_saved_comes_back},
	{"of another boot only totals and the storm come back",
	 of_another_boot_only_totals_and_the_storm_come_back},
	{"nonsense is not restored", nonsense_is_not_restored},
	{"more than are saved come back as the newest",
	 more_than_are_saved_come_back_as_the_newest},
};

UNIT_MAIN("restart_ledger", tests)
