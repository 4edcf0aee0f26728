/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/cure_plan.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit_main.h"

#define DEFINITIONS BIRTH_FAILURE_DEFINITIONS

static const struct cure_settings configured = {.want = CURE_WANT_CONFIGURED,
						.attempts = 3,
						.down_ms = 10000,
						.retry_ms = 60000,
						.restart_every_ms = 600000};

static struct cure_plan plan_of(bool has_configured)
{
	struct cure_settings settings = configured;
	struct cure_plan plan;

	settings.want = has_configured ? CURE_WANT_CONFIGURED : CURE_WANT_BUILTIN;
	cure_plan_init(&plan, &settings, 0, false, MONO_NEVER);
	return plan;
}

/* Down, and the three tries with the configured set are used up: the built-in one is next. */
static struct cure_plan plan_after_retries(void)
{
	struct cure_plan p = plan_of(true);

	CU_ASSERT_EQUAL(cure_plan_failed(&p, 100, SOURCE_CONFIGURED, DEFINITIONS), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 1200, SOURCE_CONFIGURED, DEFINITIONS), 0);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_CONFIGURED);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 3300, SOURCE_CONFIGURED, DEFINITIONS),
			CURE_RAISE | CURE_STEP_BUILTIN);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_BUILTIN);
	return p;
}

static void three_failures_raise_and_take_the_built_in_set(void)
{
	struct cure_plan p = plan_after_retries();

	CU_ASSERT_EQUAL(cure_plan_source(&p, true), SOURCE_CONFIGURED);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), MONO_NEVER);
}

static void the_built_in_set_serves_and_the_configured_is_tried_beside_it(void)
{
	struct cure_plan p = plan_after_retries();

	CU_ASSERT_EQUAL(cure_plan_up(&p, 8000, SOURCE_BUILTIN), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), 68000);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 67999), 0);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 68000), CURE_TRY_CONFIGURED);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 68000), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 70000, SOURCE_CONFIGURED, DEFINITIONS), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), 130000);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 130000), CURE_TRY_CONFIGURED);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 131000, SOURCE_CONFIGURED), CURE_CLEAR);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), MONO_NEVER);
	CU_ASSERT_EQUAL(p.failed, 0);
}

static struct cure_plan plan_of_a_store(void)
{
	struct cure_settings settings = configured;
	struct cure_plan plan;

	settings.has_store = true;
	cure_plan_init(&plan, &settings, 0, false, MONO_NEVER);
	CU_ASSERT_EQUAL(cure_plan_failed(&plan, 100, SOURCE_CONFIGURED, DEFINITIONS), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&plan, 1200, SOURCE_CONFIGURED, DEFINITIONS), 0);
	return plan;
}

static void a_generation_that_fails_is_put_aside_until_another_is_wanted(void)
{
	struct cure_plan p = plan_of_a_store();

	CU_ASSERT_EQUAL(cure_plan_failed(&p, 3300, SOURCE_CONFIGURED, BIRTH_FAILURE_DIED),
			CURE_RAISE | CURE_STEP_ASIDE);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_CONFIGURED);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 7000, SOURCE_CONFIGURED, BIRTH_FAILURE_HANG),
			CURE_RAISE | CURE_STEP_ASIDE);
	CU_ASSERT_EQUAL(cure_plan_want(&p, 7100, CURE_WANT_CONFIGURED), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 7200, SOURCE_CONFIGURED, DEFINITIONS), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 7300, SOURCE_CONFIGURED, DEFINITIONS), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 8000, SOURCE_CONFIGURED), CURE_CLEAR);
}

static void too_little_memory_puts_nothing_aside(void)
{
	struct cure_plan p = plan_of_a_store();

	CU_ASSERT_EQUAL(cure_plan_failed(&p, 3300, SOURCE_CONFIGURED, BIRTH_FAILURE_MEMORY),
			CURE_RAISE | CURE_STEP_BUILTIN);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 4000, SOURCE_BUILTIN), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 64000), CURE_TRY_CONFIGURED);
}

static void with_all_put_aside_the_built_in_set_serves_and_the_fault_stays(void)
{
	struct cure_plan p = plan_of_a_store();

	(void)cure_plan_failed(&p, 3300, SOURCE_CONFIGURED, DEFINITIONS);
	CU_ASSERT_EQUAL(cure_plan_want(&p, 3400, CURE_WANT_BETTER), 0);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_BUILTIN);
	CU_ASSERT_EQUAL(cure_plan_source(&p, true), SOURCE_BUILTIN);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 5000, SOURCE_BUILTIN), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), MONO_NEVER); /* there is nothing to try */
	cure_plan_hope(&p, 6000);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), MONO_NEVER);
	CU_ASSERT_EQUAL(cure_plan_want(&p, 7000, CURE_WANT_CONFIGURED), 0); /* an import */
	CU_ASSERT_EQUAL(cure_plan_source(&p, true), SOURCE_CONFIGURED);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 9000, SOURCE_CONFIGURED), CURE_CLEAR);
}

static void a_first_set_that_is_on_its_way_is_no_fault(void)
{
	struct cure_plan p = plan_of(false);

	CU_ASSERT_EQUAL(cure_plan_up(&p, 100, SOURCE_BUILTIN), 0);
	CU_ASSERT_EQUAL(cure_plan_want(&p, 200, CURE_WANT_CONFIGURED), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 300, SOURCE_CONFIGURED, DEFINITIONS), 0);
	CU_ASSERT_EQUAL(cure_plan_want(&p, 400, CURE_WANT_BUILTIN), 0);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), MONO_NEVER);
	CU_ASSERT_FALSE(p.raised);
}

static void the_built_in_set_in_place_of_one_that_serves_is_a_fault_at_once(void)
{
	struct cure_plan p = plan_of(true);

	CU_ASSERT_EQUAL(cure_plan_up(&p, 100, SOURCE_CONFIGURED), 0);
	CU_ASSERT_EQUAL(cure_plan_want(&p, 200, CURE_WANT_BETTER), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 300, SOURCE_BUILTIN), CURE_RAISE);
}

static void when_the_built_in_set_fails_too_the_connector_restarts_once(void)
{
	struct cure_plan p = plan_after_retries();

	CU_ASSERT_EQUAL(cure_plan_failed(&p, 8000, SOURCE_BUILTIN, BIRTH_FAILURE_DIED),
			CURE_RAISE | CURE_STEP_RESTART);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_CONFIGURED);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 70000, SOURCE_CONFIGURED, DEFINITIONS), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_BUILTIN);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 130000, SOURCE_BUILTIN, BIRTH_FAILURE_DIED),
			CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 608000, SOURCE_BUILTIN, BIRTH_FAILURE_DIED),
			CURE_RAISE | CURE_STEP_RESTART);
}

static void what_the_built_in_set_cannot_cure_goes_on_to_the_restart(void)
{
	struct cure_plan p = plan_of(true);

	CU_ASSERT_EQUAL(cure_plan_failed(&p, 0, SOURCE_CONFIGURED, BIRTH_FAILURE_EXECUTABLE), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 1000, SOURCE_CONFIGURED, BIRTH_FAILURE_EXECUTABLE), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 3000, SOURCE_CONFIGURED, BIRTH_FAILURE_EXECUTABLE),
			CURE_RAISE | CURE_STEP_RESTART);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_CONFIGURED);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 9000, SOURCE_CONFIGURED), CURE_CLEAR);
}

static void without_a_configured_set_there_is_nothing_to_fall_back_to(void)
{
	struct cure_plan p = plan_of(false);

	CU_ASSERT_EQUAL(cure_plan_failed(&p, 0, SOURCE_BUILTIN, DEFINITIONS), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 1000, SOURCE_BUILTIN, DEFINITIONS), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 3000, SOURCE_BUILTIN, DEFINITIONS),
			CURE_RAISE | CURE_STEP_RESTART);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 9000, SOURCE_BUILTIN), CURE_CLEAR);
}

static void a_long_outage_is_raised_after_one_failure(void)
{
	struct cure_plan p = plan_of(true);

	CU_ASSERT_EQUAL(cure_plan_deadline(&p), MONO_NEVER);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 20000), 0); /* a load may take long */
	CU_ASSERT_EQUAL(cure_plan_up(&p, 20000, SOURCE_CONFIGURED), 0);
	CU_ASSERT_EQUAL(cure_plan_lost(&p, 30000), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 31000, SOURCE_CONFIGURED, BIRTH_FAILURE_HANG), 0);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), 40000);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 39999), 0);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 40000), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 50000), 0);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), MONO_NEVER);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 51000, SOURCE_CONFIGURED), CURE_CLEAR);
}

static void a_replacement_that_fails_beside_a_good_one_is_no_fault(void)
{
	struct cure_plan p = plan_of(true);

	CU_ASSERT_EQUAL(cure_plan_up(&p, 0, SOURCE_CONFIGURED), 0);
	for (mono_ms now = 0; now < 10; now++)
		CU_ASSERT_EQUAL(cure_plan_failed(&p, now, SOURCE_CONFIGURED, DEFINITIONS), 0);
	CU_ASSERT_EQUAL(cure_plan_lost(&p, 20), 0);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 30, SOURCE_CONFIGURED, DEFINITIONS), 0);
}

static void hope_tries_the_configured_set_at_once(void)
{
	struct cure_plan p = plan_after_retries();

	cure_plan_hope(&p, 4000);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_CONFIGURED);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 4100, SOURCE_CONFIGURED, DEFINITIONS), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_BUILTIN);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 5000, SOURCE_BUILTIN), CURE_RAISE);
	cure_plan_hope(&p, 6000);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), 6000);
	CU_ASSERT_EQUAL(cure_plan_tick(&p, 6000), CURE_TRY_CONFIGURED);
}

static void a_lost_built_in_service_comes_back_with_the_built_in_set(void)
{
	struct cure_plan p = plan_after_retries();

	CU_ASSERT_EQUAL(cure_plan_up(&p, 8000, SOURCE_BUILTIN), CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_lost(&p, 9000), 0);
	CU_ASSERT_EQUAL(cure_plan_source(&p, false), SOURCE_BUILTIN);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), MONO_NEVER);
}

static void a_restored_fault_is_cleared_by_the_next_good_start(void)
{
	struct cure_plan p;

	cure_plan_init(&p, &configured, 1000, true, 500);
	CU_ASSERT_EQUAL(cure_plan_deadline(&p), MONO_NEVER);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 1100, SOURCE_CONFIGURED, BIRTH_FAILURE_WALLS),
			CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 2200, SOURCE_CONFIGURED, BIRTH_FAILURE_WALLS),
			CURE_RAISE);
	CU_ASSERT_EQUAL(cure_plan_failed(&p, 4300, SOURCE_CONFIGURED, BIRTH_FAILURE_WALLS),
			CURE_RAISE); /* restarted a moment ago */
	CU_ASSERT_EQUAL(cure_plan_up(&p, 5000, SOURCE_CONFIGURED), CURE_CLEAR);
	CU_ASSERT_EQUAL(cure_plan_up(&p, 5000, SOURCE_CONFIGURED), 0);
}

static void each_kind_of_failure_is_cured_as_listed(void)
{
	for (unsigned kind = 0; kind < BIRTH_FAILURE_COUNT; kind++) {
		struct cure_plan p = plan_of(true);
		bool builtin = kind == BIRTH_FAILURE_DEFINITIONS || kind == BIRTH_FAILURE_MEMORY ||
			       kind == BIRTH_FAILURE_HANG || kind == BIRTH_FAILURE_DIED;
		unsigned effects = 0;

		for (unsigned i = 0; i < 3; i++)
			effects = cure_plan_failed(&p, 1000 * i, SOURCE_CONFIGURED, kind);
		CU_ASSERT_EQUAL(effects,
				CURE_RAISE | (builtin ? CURE_STEP_BUILTIN : CURE_STEP_RESTART));
		CU_ASSERT(strcmp(birth_failure_name(kind), "unknown") != 0);
	}
	CU_ASSERT_STRING_EQUAL(definition_source_name(SOURCE_BUILTIN), "built-in");
	CU_ASSERT_STRING_EQUAL(birth_failure_name(BIRTH_FAILURE_COUNT), "unknown");
}

/* Whatever happens in whatever order: a clear only of what was raised, never while the wrong set serves; restarts far apart. */
static void random_lives_keep_the_promises(void)
{
	struct cure_plan p = plan_of(true);
	mono_ms now = 0, restarted = -600000;
	bool raised = false;

	srandom(3); /* the same run each time */
	for (unsigned i = 0; i < 200000; i++) {
		enum definition_source source = random() % 2;
		bool good = random() % 8 == 0;
		unsigned what = (unsigned)random() % 4, effects = 0;

		now += random() % 5000;
		if (what == 0)
			effects = cure_plan_tick(&p, now);
		else if (what == 1)
			effects = cure_plan_lost(&p, now);
		else if (good)
			effects = cure_plan_up(&p, now, source);
		else
			effects = cure_plan_failed(&p, now, source,
						   (unsigned)random() % BIRTH_FAILURE_COUNT);
		if (effects & CURE_CLEAR)
			CU_ASSERT(raised && p.up && p.serving == SOURCE_CONFIGURED);
		if (effects & CURE_TRY_CONFIGURED)
			CU_ASSERT(p.up && p.serving == SOURCE_BUILTIN);
		if (effects & CURE_STEP_RESTART) {
			CU_ASSERT(!p.up && now - restarted >= 600000);
			restarted = now;
		}
		raised = (raised || effects & CURE_RAISE) && !(effects & CURE_CLEAR);
		CU_ASSERT_EQUAL(raised, p.raised);
	}
}

static const struct unit_test tests[] = {
	{"three failures raise and take the built-in set",
	 three_failures_raise_and_take_the_built_in_set},
	{"the built-in set serves and the configured is tried beside it",
	 the_built_in_set_serves_and_the_configured_is_tried_beside_it},
	{"a generation that fails is put aside until another is wanted",
	 a_generation_that_fails_is_put_aside_until_another_is_wanted},
	{"too little memory puts nothing aside", too_little_memory_puts_nothing_aside},
	{"with all put aside the built-in set serves and the fault stays",
	 with_all_put_aside_the_built_in_set_serves_and_the_fault_stays},
	{"a first set that is on its way is no fault", a_first_set_that_is_on_its_way_is_no_fault},
	{"the built-in set in place of one that serves is a fault at once",
	 the_built_in_set_in_place_of_one_that_serves_is_a_fault_at_once},
	{"when the built-in set fails too, the connector restarts once",
	 when_the_built_in_set_fails_too_the_connector_restarts_once},
	{"what the built-in set cannot cure goes on to the restart",
	 what_the_built_in_set_cannot_cure_goes_on_to_the_restart},
	{"without a configured set there is nothing to fall back to",
	 without_a_configured_set_there_is_nothing_to_fall_back_to},
	{"a long outage is raised after one failure", a_long_outage_is_raised_after_one_failure},
	{"a replacement that fails beside a good one is no fault",
	 a_replacement_that_fails_beside_a_good_one_is_no_fault},
	{"hope tries the configured set at once", hope_tries_the_configured_set_at_once},
	{"a lost built-in service comes back with the built-in set",
	 a_lost_built_in_service_comes_back_with_the_built_in_set},
	{"a restored fault is cleared by the next good start",
	 a_restored_fault_is_cleared_by_the_next_good_start},
	{"each kind of failure is cured as listed", each_kind_of_failure_is_cured_as_listed},
	{"random lives keep the promises", random_lives_keep_the_promises},
};

UNIT_MAIN("cure_plan", tests)
