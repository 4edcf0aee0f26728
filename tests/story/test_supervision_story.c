/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stories of the restart ledger with the fault registry behind it, as incident_desk joins them. Each line is
 * `[s] event > effects until deadline`; times are seconds. Events: input, unready, unexplained (a failure of that class), clean,
 * unlucky (a scan that did, did not succeed), tick, restart (the image is executed again), reboot. Effects: replace, restart,
 * raised SEVERITY, seen, cleared, all-cleared.
 */
#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/core/fault_registry.h"
#include "ampdaemon/core/restart_ledger.h"
#include "base/text.h"
#include "tests/support/unit_main.h"

static const struct ledger_settings settings = {.limit = 5,
						.window_ms = 600000,
						.calm_ms = 300000,
						.replace_limit = 3,
						.replace_ms = 60000,
						.restart_every_ms = 600000,
						.no_success_ms = 60000};

static struct restart_ledger ledger; /* large, both */
static struct fault_registry registry;
static char told[8192];
static size_t at;

#define TELL(...) text_append(told, sizeof(told), &at, __VA_ARGS__)

static void restore(mono_ms now, bool same_boot)
{
	static struct fault_record record; /* large */
	struct ledger_saved saved;

	restart_ledger_save(&ledger, &saved);
	record = *fault_registry_get(&registry, FAULT_SERVICE_RESTARTING);
	restart_ledger_init(&ledger, &settings, now);
	fault_registry_init(&registry);
	restart_ledger_restore(&ledger, now, &saved, same_boot);
	CU_ASSERT_EQUAL(fault_registry_restore(&registry, FAULT_SERVICE_RESTARTING, &record), 0);
}

static unsigned step(mono_ms now, const char *event)
{
	if (!strcmp(event, "input"))
		return restart_ledger_failed(&ledger, now, FAILURE_BY_INPUT);
	if (!strcmp(event, "unready"))
		return restart_ledger_failed(&ledger, now, FAILURE_BEFORE_READY);
	if (!strcmp(event, "unexplained"))
		return restart_ledger_failed(&ledger, now, FAILURE_UNEXPLAINED);
	if (!strcmp(event, "clean") || !strcmp(event, "unlucky"))
		return restart_ledger_scanned(&ledger, now, !strcmp(event, "clean"));
	if (!strcmp(event, "restart") || !strcmp(event, "reboot"))
		restore(now, !strcmp(event, "restart"));
	else if (strcmp(event, "tick"))
		CU_FAIL("no such event");
	return restart_ledger_tick(&ledger, now);
}

static void tell_storm(mono_ms now)
{
	enum fault_severity severity =
		restart_ledger_is_critical(&ledger) ? FAULT_CRITICAL : FAULT_MAJOR;

	if (fault_registry_raise(&registry, FAULT_SERVICE_RESTARTING, severity, "", NULL,
				 (uint64_t)now))
		TELL(" raised %s", fault_severity_name(severity));
	else
		TELL(" seen");
}

static void tell_steps(mono_ms now, unsigned steps)
{
	unsigned news = 0;

	if (!steps)
		TELL(" -");
	if (steps & LEDGER_CALM)
		news = fault_registry_clear(&registry, FAULT_SERVICE_RESTARTING, "calm",
					    (uint64_t)now);
	if (news & FAULT_ANNOUNCE_CLEARED)
		TELL(" cleared");
	if (news & FAULT_ANNOUNCE_ALL_CLEARED)
		TELL(" all-cleared");
	if (steps & LEDGER_STORM)
		tell_storm(now);
	if (steps & LEDGER_REPLACE)
		TELL(" replace");
	if (steps & LEDGER_RESTART)
		TELL(" restart");
}

static void play_line(const char *line)
{
	mono_ms deadline;
	double seconds;
	char event[32];
	mono_ms now;

	CU_ASSERT_EQUAL_FATAL(sscanf(line, "[%lf] %31s >", &seconds, event), 2);
	now = (mono_ms)(seconds * 1000 + 0.5);
	TELL("[%g] %s >", seconds, event);
	tell_steps(now, step(now, event));
	deadline = restart_ledger_deadline(&ledger);
	if (deadline == MONO_NEVER)
		TELL(" until never\n");
	else
		TELL(" until %g\n", (double)deadline / 1000);
}

static bool story_holds(const char *transcript)
{
	restart_ledger_init(&ledger, &settings, 0);
	fault_registry_init(&registry);
	at = 0;
	told[0] = '\0';
	for (const char *line = transcript; *line; line = strchr(line, '\n') + 1)
		play_line(line);
	if (!strcmp(told, transcript))
		return true;
	printf("# expected:\n%s# told:\n%s", transcript, told);
	return false;
}

static void poison_files_buy_one_replacement_one_restart_and_calm_follows(void)
{
	CU_ASSERT(story_holds("[0] input > - until never\n"
			      "[1] input > - until never\n"
			      "[2] input > replace until never\n"
			      "[3] input > - until never\n"
			      "[4] input > raised major restart until 600\n"
			      "[4.1] restart > - until 600\n"
			      "[5] input > seen until 601\n"
			      "[6] input > seen until 602\n"
			      "[20] clean > - until 602\n"
			      "[301] tick > - until 602\n"
			      "[601] tick > - until 602\n"
			      "[602] tick > cleared all-cleared until never\n"
			      "[603] input > - until never\n"));
}

static void without_newer_ones_fewer_than_five_in_the_window_are_calm(void)
{
	CU_ASSERT(story_holds("[0] unexplained > - until never\n"
			      "[100] unexplained > - until never\n"
			      "[200] unexplained > - until never\n"
			      "[250] unexplained > - until never\n"
			      "[290] unexplained > raised major restart until 600\n"
			      "[590] tick > - until 600\n"
			      "[599.9] tick > - until 600\n"
			      "[600] tick > cleared all-cleared until never\n"));
}

static void a_failure_newer_than_five_minutes_keeps_the_storm(void)
{
	CU_ASSERT(story_holds("[0] unexplained > - until never\n"
			      "[100] unexplained > - until never\n"
			      "[200] unexplained > - until never\n"
			      "[300] unexplained > - until never\n"
			      "[400] unexplained > raised major restart until 700\n"
			      "[600] tick > - until 700\n"
			      "[699] unexplained > seen until 999\n"
			      "[998.9] tick > - until 999\n"
			      "[999] tick > cleared all-cleared until never\n"));
}

static void files_do_not_buy_loads_but_the_unexplained_does(void)
{
	CU_ASSERT(story_holds("[0] input > - until never\n"
			      "[0] input > - until never\n"
			      "[0] input > replace until never\n"
			      "[1] input > - until never\n"
			      "[1] input > raised major restart until 600\n"
			      "[2] input > seen until 600\n"
			      "[3] input > seen until 600\n"
			      "[50] input > seen until 601\n"
			      "[51] unexplained > seen replace until 601\n"
			      "[52] unexplained > seen until 602\n"
			      "[53] input > seen until 603\n"
			      "[54] input > seen replace until 650\n"
			      "[55] input > seen until 651\n"
			      "[56] input > seen until 652\n"
			      "[57] input > seen until 653\n"
			      "[599] input > seen until 899\n"
			      "[600] input > seen until 900\n"
			      "[640] input > seen restart until 940\n"
			      "[641] input > seen until 941\n"
			      "[655] input > seen replace until 1199\n"
			      "[700] input > seen until 1200\n"
			      "[701] input > seen until 1240\n"));
}

static void a_storm_without_a_success_is_critical_and_relieved_by_one(void)
{
	CU_ASSERT(story_holds("[0] unready > - until never\n"
			      "[0] unready > - until never\n"
			      "[0] unready > replace until never\n"
			      "[1] unready > - until never\n"
			      "[1] unready > raised major restart until 600\n"
			      "[10] unlucky > - until 70\n"
			      "[40] unlucky > - until 70\n"
			      "[69.9] tick > - until 70\n"
			      "[70] tick > raised critical until 600\n"
			      "[71] unready > seen until 600\n"
			      "[80] unlucky > - until 600\n"
			      "[90] clean > raised major until 600\n"
			      "[95] unlucky > - until 155\n"
			      "[100] clean > - until 600\n"
			      "[601] tick > cleared all-cleared until never\n"));
}

static void a_storm_of_an_earlier_boot_calms_down_a_window_after_the_start(void)
{
	CU_ASSERT(story_holds("[9000] input > - until never\n"
			      "[9000] input > - until never\n"
			      "[9000] input > replace until never\n"
			      "[9000] input > - until never\n"
			      "[9000] input > raised major restart until 9600\n"
			      "[9001] reboot > - until 9601\n"
			      "[9600.9] tick > - until 9601\n"
			      "[9601] tick > cleared all-cleared until never\n"));
}

static void a_storm_that_ended_while_the_daemon_was_away_is_over_at_the_start(void)
{
	CU_ASSERT(story_holds("[0] input > - until never\n"
			      "[0] input > - until never\n"
			      "[0] input > replace until never\n"
			      "[0] input > - until never\n"
			      "[0] input > raised major restart until 600\n"
			      "[900] restart > cleared all-cleared until never\n"));
}

static void failures_that_go_on_keep_a_restored_storm(void)
{
	CU_ASSERT(story_holds("[100] input > - until never\n"
			      "[100] input > - until never\n"
			      "[100] input > replace until never\n"
			      "[100] input > - until never\n"
			      "[100] input > raised major restart until 700\n"
			      "[101] reboot > - until 701\n"
			      "[600] unexplained > seen until 900\n"
			      "[701] tick > - until 900\n"
			      "[900] tick > cleared all-cleared until never\n"));
}

static void a_clock_that_steps_backwards_stands_still(void)
{
	CU_ASSERT(story_holds("[1000] input > - until never\n"
			      "[500] input > - until never\n"
			      "[0] input > replace until never\n"
			      "[999] input > - until never\n"
			      "[1000] input > raised major restart until 1600\n"
			      "[3] tick > - until 1600\n"
			      "[1599] tick > - until 1600\n"
			      "[1600] tick > cleared all-cleared until never\n"
			      "[5] tick > - until never\n"));
}

/* A suspend, a stopped process: the next thing that is seen is far away. */
static void a_clock_that_leaps_ahead_clears_before_it_counts(void)
{
	CU_ASSERT(story_holds("[0] input > - until never\n"
			      "[0] input > - until never\n"
			      "[0] input > replace until never\n"
			      "[0] input > - until never\n"
			      "[0] input > raised major restart until 600\n"
			      "[99999] input > cleared all-cleared until never\n"));
}

static void a_replacement_that_falls_due_with_the_restart_comes_with_the_next_failure(void)
{
	CU_ASSERT(story_holds("[0] unexplained > - until never\n"
			      "[100] unexplained > - until never\n"
			      "[200] unexplained > - until never\n"
			      "[201] unexplained > - until never\n"
			      "[202] unexplained > raised major restart until 600\n"
			      "[202.1] restart > - until 600\n"
			      "[203] unexplained > seen replace until 700\n"));
}

static const struct unit_test tests[] = {
	{"poison files buy one replacement and one restart, and calm follows",
	 poison_files_buy_one_replacement_one_restart_and_calm_follows},
	{"without newer ones, fewer than five in the window are calm",
	 without_newer_ones_fewer_than_five_in_the_window_are_calm},
	{"a failure newer than five minutes keeps the storm",
	 a_failure_newer_than_five_minutes_keeps_the_storm},
	{"files do not buy loads, but the unexplained does",
	 files_do_not_buy_loads_but_the_unexplained_does},
	{"a storm without a success is critical and relieved by one",
	 a_storm_without_a_success_is_critical_and_relieved_by_one},
	{"a storm of an earlier boot calms down a window after the start",
	 a_storm_of_an_earlier_boot_calms_down_a_window_after_the_start},
	{"a storm that ended while the daemon was away is over at the start",
	 a_storm_that_ended_while_the_daemon_was_away_is_over_at_the_start},
	{"failures that go on keep a restored storm", failures_that_go_on_keep_a_restored_storm},
	{"a clock that steps backwards stands still", a_clock_that_steps_backwards_stands_still},
	{"a clock that leaps ahead clears before it counts",
	 a_clock_that_leaps_ahead_clears_before_it_counts},
	{"a replacement that falls due with the restart comes with the next failure",
	 a_replacement_that_falls_due_with_the_restart_comes_with_the_next_failure},
};

UNIT_MAIN("supervision", tests)
