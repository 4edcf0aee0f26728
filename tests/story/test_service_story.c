/* SPDX-License-Identifier: GPL-2.0-only */
/* Stories of the service machine and the dispatcher together; support/story.h says how to read them. */
#include <CUnit/CUnit.h>

#include "tests/support/story.h"
#include "tests/support/unit_main.h"

static void a_service_is_born_scans_and_stops(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] service start > spawn service until 15000\n"
				  "[10] submit a > - until 15000\n"
				  "[100] service hello > - until 30000\n"
				  "[200] service progress > - until 30000\n"
				  "[300] service ready > order 1, order 2 until 5300\n"
				  "[310] ready 1 > send a to 1 until 1310\n"
				  "[320] answer 1 a > finish a CLEAN until 5300\n"
				  "[400] service stop > close service until 5400\n"
				  "[410] service exited > - until never\n"));
}

static void a_service_that_dies_loses_no_job(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] service start > spawn service until 15000\n"
				  "[100] service hello > - until 60100\n"
				  "[300] service ready > order 1, order 2 until 5300\n"
				  "[310] ready 1 > - until 5300\n"
				  "[320] submit a > send a to 1 until 1320\n"
				  "[400] service exited > - until 1400\n"
				  "[1400] tick > spawn service until 16400\n"
				  "[1500] service hello > - until 30400\n"
				  "[1600] service ready > order 3, order 4 until 6600\n"
				  "[1610] ready 3 > send a to 3 until 2610\n"
				  "[1620] answer 3 a > finish a CLEAN until 6600\n"));
}

static void a_service_that_lies_is_killed_and_born_again(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] service start > spawn service until 15000\n"
				  "[100] service hello > - until 60100\n"
				  "[300] service ready > order 1, order 2 until 5300\n"
				  "[310] ready 1 > - until 5300\n"
				  "[320] submit a > send a to 1 until 1320\n"
				  "[400] service lied > kill service until 10400\n"
				  "[401] service pong > - until 10400\n"
				  "[402] service exited > - until 1402\n"
				  "[1402] tick > spawn service until 16402\n"));
}

static void a_hung_service_is_pinged_and_killed(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] service start > spawn service until 15000\n"
				  "[100] service hello > - until 60100\n"
				  "[300] service ready > order 1, order 2 until 5300\n"
				  "[310] ready 1 > - until 5300\n"
				  "[311] ready 2 > - until 10300\n"
				  "[10300] tick > ping until 40300\n"
				  "[10310] service pong > - until 20310\n"
				  "[20310] tick > ping until 50310\n"
				  "[50310] tick > kill service until 60310\n"));
}

static void a_birth_that_never_succeeds_ends_jobs_as_error(void)
{
	struct dispatcher_settings s = story_settings();

	s.outage_ms = 5000;
	CU_ASSERT(story_holds(&s, "[0] service start > spawn service until 15000\n"
				  "[1] submit a > - until 5000\n"
				  "[10] service exited > - until 1010\n"
				  "[1010] tick > spawn service until 5000\n"
				  "[1020] service exited > - until 3020\n"
				  "[3020] tick > spawn service until 5000\n"
				  "[3030] service exited > - until 5000\n"
				  "[5000] tick > finish a ERROR no-scan-service until 7030\n"
				  "[5001] submit b > finish b ERROR no-scan-service until 7030\n"));
}

static void a_service_that_sigkill_does_not_end_is_left_behind(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] service start > spawn service until 15000\n"
				  "[100] service hello > - until 60100\n"
				  "[300] service ready > order 1, order 2 until 5300\n"
				  "[310] ready 1 > - until 5300\n"
				  "[320] submit a > send a to 1 until 1320\n"
				  "[400] service lied > kill service until 10400\n"
				  "[10400] tick > abandon service until 11400\n"
				  "[10500] service exited > - until 11400\n"
				  "[11400] tick > spawn service until 26400\n"));
}

static void a_service_that_served_a_while_is_followed_at_once(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] service start > spawn service until 15000\n"
				  "[100] service hello > - until 60100\n"
				  "[300] service ready > order 1, order 2 until 5300\n"
				  "[310] ready 1 > - until 5300\n"
				  "[311] ready 2 > - until 10300\n"
				  "[10300] tick > ping until 40300\n"
				  "[10310] service pong > - until 20310\n"
				  "[10320] submit a > send a to 1 until 11320\n"
				  "[10330] service exited > - until 10330\n"
				  "[10330] tick > spawn service until 25330\n"
				  "[10400] service hello > - until 40330\n"
				  "[10600] service ready > order 3, order 4 until 15600\n"
				  "[10610] ready 3 > send a to 3 until 11610\n"
				  "[10620] answer 3 a > finish a CLEAN until 15600\n"));
}

static void what_was_put_right_is_tried_without_waiting_a_minute(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] service start > spawn service until 15000\n"
				  "[10] service exited > - until 1010\n"
				  "[1010] tick > spawn service until 16010\n"
				  "[1020] service exited > - until 3020\n"
				  "[3020] tick > spawn service until 18020\n"
				  "[3030] service exited > - until 7030\n"
				  "[7030] tick > spawn service until 22030\n"
				  "[7040] service exited > - until 67040\n"
				  "[20000] service hurry > spawn service until 35000\n"
				  "[20010] service exited > - until 21010\n"));
}

static const struct unit_test tests[] = {
	{"a service that served a while is followed at once",
	 a_service_that_served_a_while_is_followed_at_once},
	{"what was put right is tried without waiting a minute",
	 what_was_put_right_is_tried_without_waiting_a_minute},
	{"a service that SIGKILL does not end is left behind",
	 a_service_that_sigkill_does_not_end_is_left_behind},
	{"a service is born, scans and stops", a_service_is_born_scans_and_stops},
	{"a service that dies loses no job", a_service_that_dies_loses_no_job},
	{"a service that lies is killed and born again",
	 a_service_that_lies_is_killed_and_born_again},
	{"a hung service is pinged and killed", a_hung_service_is_pinged_and_killed},
	{"a birth that never succeeds ends jobs as error",
	 a_birth_that_never_succeeds_ends_jobs_as_error},
};

UNIT_MAIN("service", tests)
