/* SPDX-License-Identifier: GPL-2.0-only */
/* Stories of jobs and workers; support/story.h says how to read them. */
#include <CUnit/CUnit.h>

#include "tests/support/story.h"
#include "tests/support/unit_main.h"

static void a_worker_dies_with_a_job_in_hand(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[2] ready 2 > - until never\n"
				  "[10] submit a > send a to 1 until 1010\n"
				  "[20] gone 1 crash > send a to 2, order 3 until 1020\n"
				  "[30] answer 2 a INFECTED > finish a INFECTED until 5020\n"));
}

static void a_job_fails_when_two_workers_died_on_it(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(
		&s, "[0] up > order 1, order 2 until 5000\n"
		    "[1] ready 1 > - until 5000\n"
		    "[2] ready 2 > - until never\n"
		    "[10] submit a > send a to 1 until 1010\n"
		    "[20] gone 1 crash > send a to 2, order 3 until 1020\n"
		    "[30] gone 2 crash > finish a FAILED worker-died, order 4 until 5020\n"
		    "[40] ready 3 > - until 5030\n"
		    "[50] submit b > send b to 3 until 1050\n"));
}

static void jobs_behind_a_death_move_uncharged_and_in_order(void)
{
	struct dispatcher_settings s = story_settings();

	s.depth = 3;
	CU_ASSERT(story_holds(
		&s,
		"[0] up > order 1, order 2 until 5000\n"
		"[1] ready 1 > - until 5000\n"
		"[2] ready 2 > - until never\n"
		"[10] submit a > send a to 1 until 1010\n"
		"[10] submit b > send b to 1 until 1010\n"
		"[10] submit c > send c to 1 until 1010\n"
		"[10] submit d > - until 1010\n"
		"[20] gone 1 crash > send a to 2, send b to 2, send c to 2, order 3 until 1020\n"
		"[21] ready 3 > - until 1020\n"
		"[30] gone 2 crash > finish a FAILED worker-died, send b to 3, send c to 3, send d to 3, order 4 until 1030\n"
		"[31] ready 4 > - until 1030\n"
		"[40] gone 3 crash > send b to 4, send c to 4, send d to 4, order 5 until 1040\n"
		"[50] answer 4 b > finish b CLEAN until 1050\n"
		"[60] answer 4 c > finish c CLEAN until 1060\n"));
}

static void a_missed_deadline_kills_and_retries_at_once(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(
		&s,
		"[0] up > order 1, order 2 until 5000\n"
		"[1] ready 1 > - until 5000\n"
		"[2] ready 2 > - until never\n"
		"[10] submit a > send a to 1 until 1010\n"
		"[1009] tick > - until 1010\n"
		"[1010] tick > kill 1 (missed its deadline), send a to 2, order 3 until 2010\n"
		"[1011] answer 1 a > - until 2010\n"
		"[1012] gone 1 crash > - until 2010\n"
		"[1020] ready 3 > - until 2010\n"
		"[2010] tick > kill 2 (missed its deadline), finish a FAILED timed-out, order 4 until 7010\n"));
}

static void the_deadline_of_the_next_job_starts_when_its_turn_comes(void)
{
	struct dispatcher_settings s = story_settings();

	s.depth = 2;
	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[10] submit a > send a to 1 until 1010\n"
				  "[10] submit b > send b to 1 until 1010\n"
				  "[900] answer 1 a > finish a CLEAN until 1900\n"
				  "[1800] answer 1 b > finish b CLEAN until 5000\n"));
}

static void the_spare_takes_over_while_its_successor_is_ordered(void)
{
	struct dispatcher_settings s = story_settings();

	s.active = 2;
	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2, order 3 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[1] ready 2 > - until 5000\n"
				  "[1] ready 3 > - until never\n"
				  "[10] submit a > send a to 1 until 1010\n"
				  "[10] submit b > send b to 2 until 1010\n"
				  "[10] submit c > - until 1010\n"
				  "[20] gone 2 crash > send b to 3, order 4 until 1010\n"
				  "[30] answer 1 a > finish a CLEAN, send c to 1 until 1020\n"));
}

static void an_outage_ends_what_waits_and_what_comes_until_it_heals(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(
		&s,
		"[0] submit a > - until 30000\n"
		"[10000] submit b > - until 30000\n"
		"[29999] tick > - until 30000\n"
		"[30000] tick > finish a ERROR no-scan-service, finish b ERROR no-scan-service until never\n"
		"[30001] submit c > finish c ERROR no-scan-service until never\n"
		"[40000] up > order 1, order 2 until 45000\n"
		"[40001] submit d > finish d ERROR no-scan-service until 45000\n"
		"[40002] ready 1 > - until 45000\n"
		"[40003] submit e > send e to 1 until 41003\n"
		"[40004] answer 1 e > finish e CLEAN until 45000\n"));
}

static void a_job_does_not_wait_for_ever(void)
{
	struct dispatcher_settings s = story_settings();

	s.queue_ms = 500;
	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[10] submit a > send a to 1 until 1010\n"
				  "[20] submit b > - until 520\n"
				  "[30] submit c priority=execution > - until 520\n"
				  "[520] tick > finish b ERROR queue-time until 530\n"
				  "[525] answer 1 a > finish a CLEAN, send c to 1 until 1525\n"
				  "[530] tick > - until 1525\n"));
}

static void an_owner_who_leaves_takes_the_jobs_along(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s,
			      "[0] up > order 1, order 2 until 5000\n"
			      "[1] ready 1 > - until 5000\n"
			      "[10] submit a owner=7 > send a to 1 until 1010\n"
			      "[10] submit b owner=7 > - until 1010\n"
			      "[10] submit c owner=8 > - until 1010\n"
			      "[20] cancel 7 > finish b NONE until 1010\n"
			      "[21] cancel 7 > - until 1010\n"
			      "[30] answer 1 a INFECTED > finish a NONE, send c to 1 until 1030\n"
			      "[40] answer 1 c > finish c CLEAN until 5000\n"));
}

static void a_cancelled_job_is_not_retried(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[2] ready 2 > - until never\n"
				  "[10] submit a owner=7 > send a to 1 until 1010\n"
				  "[20] cancel 7 > - until 1010\n"
				  "[30] gone 1 crash > finish a NONE, order 3 until 5030\n"));
}

static void a_worker_is_recycled_when_it_is_empty(void)
{
	struct dispatcher_settings s = story_settings();

	s.recycle_jobs = 2;
	s.depth = 2;
	CU_ASSERT(story_holds(&s,
			      "[0] up > order 1, order 2 until 5000\n"
			      "[1] ready 1 > - until 5000\n"
			      "[2] ready 2 > - until never\n"
			      "[10] submit a > send a to 1 until 1010\n"
			      "[10] submit b > send b to 1 until 1010\n"
			      "[10] submit c > - until 1010\n"
			      "[10] submit d > - until 1010\n"
			      "[20] answer 1 a > finish a CLEAN, send c to 1 until 1020\n"
			      "[30] answer 1 b > finish b CLEAN, order 3 until 1030\n"
			      "[40] answer 1 c > finish c CLEAN, retire 1, send d to 2 until 1040\n"
			      "[41] gone 1 requested > - until 1040\n"));
}

static void a_drain_lets_running_jobs_finish_until_the_deadline(void)
{
	struct dispatcher_settings s = story_settings();

	s.depth = 2;
	CU_ASSERT(story_holds(
		&s, "[0] up > order 1, order 2 until 5000\n"
		    "[1] ready 1 > - until 5000\n"
		    "[2] ready 2 > - until never\n"
		    "[10] submit a > send a to 1 until 1010\n"
		    "[10] submit b > send b to 1 until 1010\n"
		    "[10] submit c > - until 1010\n"
		    "[20] drain 500 > finish c ERROR stopping until 500\n"
		    "[21] submit d > refused until 500\n"
		    "[30] answer 1 a > finish a CLEAN until 500\n"
		    "[500] tick > kill 1 (was told to end), finish b ERROR stopping until never\n"
		    "[501] gone 1 requested > - until never\n"));
}

static void two_users_take_turns(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] submit a1 uid=1 > - until 30000\n"
				  "[0] submit a2 uid=1 > - until 30000\n"
				  "[0] submit a3 uid=1 > - until 30000\n"
				  "[0] submit b1 uid=2 > - until 30000\n"
				  "[1] up > order 1, order 2 until 5001\n"
				  "[2] ready 1 > send a1 to 1 until 1002\n"
				  "[3] answer 1 a1 > finish a1 CLEAN, send b1 to 1 until 1003\n"
				  "[4] answer 1 b1 > finish b1 CLEAN, send a2 to 1 until 1004\n"
				  "[5] answer 1 a2 > finish a2 CLEAN, send a3 to 1 until 1005\n"));
}

static void a_lost_service_charges_nobody(void)
{
	struct dispatcher_settings s = story_settings();

	s.active = 2;
	CU_ASSERT(story_holds(
		&s, "[0] up > order 1, order 2, order 3 until 5000\n"
		    "[1] ready 1 > - until 5000\n"
		    "[1] ready 2 > - until 5000\n"
		    "[10] submit a > send a to 1 until 1010\n"
		    "[10] submit b > send b to 2 until 1010\n"
		    "[11] gone 1 crash > order 4 until 1010\n"
		    "[20] lost > - until 30020\n"
		    "[21] gone 2 crash > - until 30020\n"
		    "[1000] up > order 5, order 6, order 7 until 6000\n"
		    "[1001] ready 5 > send b to 5 until 2001\n"
		    "[1002] gone 5 crash > order 8 until 6000\n"
		    "[1003] ready 6 > send b to 6 until 2003\n"
		    "[1004] answer 6 b > finish b CLEAN, send a to 6 until 2004\n"
		    "[1005] gone 6 crash > finish a FAILED worker-died, order 9 until 6000\n"));
}

static void a_storm_of_poison_does_not_stop_others(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(
		&s,
		"[0] up > order 1, order 2 until 5000\n"
		"[1] ready 1 > - until 5000\n"
		"[1] ready 2 > - until never\n"
		"[10] submit p1 uid=66 > send p1 to 1 until 1010\n"
		"[10] submit p2 uid=66 > - until 1010\n"
		"[10] submit p3 uid=66 > - until 1010\n"
		"[11] submit good uid=5 > - until 1010\n"
		"[20] gone 1 crash > send good to 2, order 3 until 1020\n"
		"[21] ready 3 > - until 1020\n"
		"[30] answer 2 good > finish good CLEAN, send p1 to 3 until 1030\n"
		"[40] gone 3 crash > finish p1 FAILED worker-died, send p2 to 2, order 4 until 1040\n"
		"[41] ready 4 > - until 1040\n"
		"[50] gone 2 crash > send p2 to 4, order 5 until 1050\n"
		"[51] ready 5 > - until 1050\n"
		"[55] submit fine uid=5 > - until 1050\n"
		"[60] gone 4 crash > finish p2 FAILED worker-died, send fine to 5, order 6 until 1060\n"
		"[70] answer 5 fine > finish fine CLEAN, send p3 to 5 until 1070\n"));
}

static void workers_that_never_become_ready_are_ordered_ever_slower(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2 until 5000\n"
				  "[10] gone 1 notice > - until 60\n"
				  "[60] tick > order 3 until 5000\n"
				  "[70] gone 3 notice > - until 170\n"
				  "[170] tick > order 4 until 5000\n"
				  "[5000] tick > kill 2 (did not become ready) until 5170\n"
				  "[5001] gone 2 crash > - until 5170\n"
				  "[5170] tick > kill 4 (did not become ready) until 5570\n"
				  "[5600] tick > order 5 until 6000\n"
				  "[5700] ready 5 > order 6 until 10700\n"
				  "[5701] gone 5 crash > - until 5751\n"
				  "[5751] tick > order 7 until 10700\n"
				  "[5752] ready 7 > - until 10700\n"
				  "[5753] gone 7 violation > - until 5853\n"));
}

static void a_worker_that_leaves_politely_charges_nobody_eight_times(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(
		&s, "[0] up > order 1, order 2 until 5000\n"
		    "[1] ready 1 > - until 5000\n"
		    "[1] ready 2 > - until never\n"
		    "[2] submit a > send a to 1 until 1002\n"
		    "[10] gone 1 notice > send a to 2, order 3 until 1010\n"
		    "[11] ready 3 > - until 1010\n"
		    "[20] gone 2 notice > send a to 3, order 4 until 1020\n"
		    "[21] ready 4 > - until 1020\n"
		    "[30] gone 3 notice > send a to 4, order 5 until 1030\n"
		    "[31] ready 5 > - until 1030\n"
		    "[40] gone 4 notice > send a to 5, order 6 until 1040\n"
		    "[41] ready 6 > - until 1040\n"
		    "[50] gone 5 notice > send a to 6, order 7 until 1050\n"
		    "[51] ready 7 > - until 1050\n"
		    "[60] gone 6 notice > send a to 7, order 8 until 1060\n"
		    "[61] ready 8 > - until 1060\n"
		    "[70] gone 7 notice > send a to 8, order 9 until 1070\n"
		    "[71] ready 9 > - until 1070\n"
		    "[80] gone 8 notice > finish a FAILED worker-died, order 10 until 5080\n"));
}

static void a_small_file_does_not_wait_behind_a_large_one(void)
{
	struct dispatcher_settings s = story_settings();

	s.active = 2;
	s.depth = 4;
	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2, order 3 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[1] ready 2 > - until 5000\n"
				  "[10] submit large bytes=5000 > send large to 1 until 1010\n"
				  "[10] submit a > send a to 2 until 1010\n"
				  "[10] submit b > send b to 2 until 1010\n"
				  "[10] submit c > send c to 2 until 1010\n"));
}

static void a_full_channel_is_left_alone_for_a_while(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[10] submit a > send a to 1 until 1010\n"
				  "[11] refuse 1 a > - until 61\n"
				  "[12] refuse 1 a > - until 61\n"
				  "[61] tick > send a to 1 until 1061\n"
				  "[70] answer 1 a > finish a CLEAN until 5000\n"));
}

static void a_lie_is_refused_and_costs_the_job_in_hand_one_charge(void)
{
	struct dispatcher_settings s = story_settings();

	s.depth = 2;
	CU_ASSERT(story_holds(
		&s, "[0] up > order 1, order 2 until 5000\n"
		    "[1] ready 1 > - until 5000\n"
		    "[1] ready 2 > - until never\n"
		    "[10] submit a > send a to 1 until 1010\n"
		    "[10] submit b > send b to 1 until 1010\n"
		    "[11] answer 1 b > refused until 1010\n"
		    "[12] answer 1 x > refused until 1010\n"
		    "[13] answer 9 a > refused until 1010\n"
		    "[14] answer 1 a NONE > refused until 1010\n"
		    "[15] gone 1 violation > send a to 2, send b to 2, order 3 until 1015\n"
		    "[16] gone 2 violation > finish a FAILED worker-lied, order 4 until 5015\n"));
}

static void a_second_service_takes_over_without_a_gap(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] up 1 > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[2] ready 2 > - until never\n"
				  "[10] submit a > send a to 1 until 1010\n"
				  "[20] up 2 > order 3 of 2, order 4 of 2 until 1010\n"
				  "[21] answer 1 a > finish a CLEAN until 5020\n"
				  "[22] submit b > send b to 1 until 1022\n"
				  "[30] ready 3 > retire 2 until 1022\n"
				  "[31] gone 2 requested > - until 1022\n"
				  "[32] submit c > send c to 3 until 1022\n"
				  "[40] answer 1 b > finish b CLEAN, retire 1 until 1032\n"
				  "[41] gone 1 requested > - until 1032\n"
				  "[50] answer 3 c > finish c CLEAN until 5020\n"));
}

static void an_outgoing_worker_is_not_replaced(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(
		&s, "[0] up 1 > order 1, order 2 until 5000\n"
		    "[1] ready 1 > - until 5000\n"
		    "[2] ready 2 > - until never\n"
		    "[10] submit a > send a to 1 until 1010\n"
		    "[20] up 2 > order 3 of 2, order 4 of 2 until 1010\n"
		    "[21] gone 1 crash > send a to 2 until 1021\n"
		    "[22] lost 1 > - until 5020\n"
		    "[30] ready 3 > send a to 3 until 1030\n"
		    "[31] gone 3 crash > finish a FAILED worker-died, order 5 of 2 until 5020\n"));
}

static void a_standby_keeps_a_worker_that_works_when_its_time_comes(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] up 1 > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[2] ready 2 > - until never\n"
				  "[3] standby 2 > order 3 of 2 until 5003\n"
				  "[4] ready 3 > - until never\n"
				  "[10] submit a > send a to 1 until 1010\n"
				  "[11] submit b > - until 1010\n"
				  "[20] lost 1 > - until 30020\n"
				  "[20] up 2 > send a to 3, order 4 of 2 until 1020\n"
				  "[30] answer 3 a > finish a CLEAN, send b to 3 until 1030\n"));
}

static void a_standby_that_cannot_bear_workers_does_not_slow_the_others(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] up 1 > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[2] ready 2 > - until never\n"
				  "[3] standby 2 > order 3 of 2 until 5003\n"
				  "[10] gone 3 notice > - until 60\n"
				  "[11] gone 1 requested > order 4 until 60\n"
				  "[60] tick > order 5 of 2 until 5011\n"
				  "[70] gone 5 notice > - until 170\n"));
}

static void an_adopted_worker_answers_what_it_owes_before_it_works(void)
{
	struct dispatcher_settings s = story_settings();

	s.first_worker = 10;
	CU_ASSERT(story_holds(
		&s,
		"[0] adopt 7 3 2 > - until 1000\n"
		"[0] adopt 8 3 0 > - until 1000\n"
		"[0] adopt 8 3 0 > refused until 1000\n"
		"[1] up 3 > - until 1000\n"
		"[10] submit a > send a to 8 until 1000\n"
		"[11] submit b > - until 1000\n"
		"[12] answer 7 a > refused until 1000\n"
		"[20] answer 7 x > - until 1010\n"
		"[30] answer 7 y > - until 1010\n"
		"[31] answer 7 z > refused until 1010\n"
		"[40] gone 8 crash > send a to 7, order 10 of 3 until 1040\n"
		"[1040] tick > kill 7 (missed its deadline), finish a FAILED timed-out, order 11 of 3 until 5040\n"));
}

static void an_adopted_worker_that_owes_too_long_is_killed(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] adopt 1 1 1 > - until 1000\n"
				  "[0] up 1 > order 2 until 1000\n"
				  "[1] ready 2 > - until 1000\n"
				  "[10] submit a > send a to 2 until 1000\n"
				  "[1000] tick > kill 1 (missed its deadline), order 3 until 1010\n"
				  "[1001] answer 1 x > - until 1010\n"
				  "[1005] answer 2 a > finish a CLEAN until 6000\n"));
}

static void a_held_job_waits_for_its_release(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[2] ready 2 > - until never\n"
				  "[10] submit a held=1 > - until 60010\n"
				  "[11] submit b held=1 > - until 60010\n"
				  "[12] submit c held=1 owner=2 > - until 60010\n"
				  "[13] submit d > send d to 1 until 1013\n"
				  "[14] answer 1 d > finish d CLEAN until 60010\n"
				  "[20] release b > send b to 1 until 1020\n"
				  "[21] deny b > - until 1020\n"
				  "[22] answer 1 b > finish b CLEAN until 60010\n"
				  "[23] release b > - until 60010\n"
				  "[30] deny a > finish a FAILED unscannable until 60012\n"
				  "[31] deny a > - until 60012\n"
				  "[32] cancel 2 > finish c NONE until never\n"
				  "[33] submit e held=1 > - until 60033\n"
				  "[60033] tick > finish e ERROR queue-time until never\n"
				  "[60040] submit f held=1 > - until 120040\n"
				  "[60041] drain 70000 > finish f ERROR stopping until never\n"));
}

static void a_held_job_outlives_an_outage(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s,
			      "[0] submit a held=1 > - until 60000\n"
			      "[1] submit b > - until 30000\n"
			      "[30000] tick > finish b ERROR no-scan-service until 60000\n"
			      "[30001] release a > finish a ERROR no-scan-service until never\n"));
}

static void a_job_that_waits_can_be_held_or_denied(void)
{
	struct dispatcher_settings s = story_settings();

	CU_ASSERT(story_holds(&s, "[0] up > order 1, order 2 until 5000\n"
				  "[1] ready 1 > - until 5000\n"
				  "[2] ready 2 > - until never\n"
				  "[10] submit a > send a to 1 until 1010\n"
				  "[11] submit b > - until 1010\n"
				  "[12] submit c > - until 1010\n"
				  "[13] hold a > - until 1010\n"
				  "[14] deny a > - until 1010\n"
				  "[15] hold b > - until 1010\n"
				  "[16] answer 1 a > finish a CLEAN, send c to 1 until 1016\n"
				  "[17] release b > - until 1016\n"
				  "[18] deny b > finish b FAILED unscannable until 1016\n"));
}

static const struct unit_test tests[] = {
	{"a worker dies with a job in hand", a_worker_dies_with_a_job_in_hand},
	{"a job fails when two workers died on it", a_job_fails_when_two_workers_died_on_it},
	{"jobs behind a death move uncharged and in order",
	 jobs_behind_a_death_move_uncharged_and_in_order},
	{"a missed deadline kills and retries at once",
	 a_missed_deadline_kills_and_retries_at_once},
	{"the deadline of the next job starts when its turn comes",
	 the_deadline_of_the_next_job_starts_when_its_turn_comes},
	{"the spare takes over while its successor is ordered",
	 the_spare_takes_over_while_its_successor_is_ordered},
	{"an outage ends what waits and what comes until it heals",
	 an_outage_ends_what_waits_and_what_comes_until_it_heals},
	{"a job does not wait for ever", a_job_does_not_wait_for_ever},
	{"an owner who leaves takes the jobs along", an_owner_who_leaves_takes_the_jobs_along},
	{"a cancelled job is not retried", a_cancelled_job_is_not_retried},
	{"a worker is recycled when it is empty", a_worker_is_recycled_when_it_is_empty},
	{"a drain lets running jobs finish until the deadline",
	 a_drain_lets_running_jobs_finish_until_the_deadline},
	{"two users take turns", two_users_take_turns},
	{"a lost service charges nobody", a_lost_service_charges_nobody},
	{"a storm of poison does not stop others", a_storm_of_poison_does_not_stop_others},
	{"workers that never become ready are ordered ever slower",
	 workers_that_never_become_ready_are_ordered_ever_slower},
	{"a worker that leaves politely charges nobody, eight times",
	 a_worker_that_leaves_politely_charges_nobody_eight_times},
	{"a small file does not wait behind a large one",
	 a_small_file_does_not_wait_behind_a_large_one},
	{"a full channel is left alone for a while", a_full_channel_is_left_alone_for_a_while},
	{"a lie is refused and costs the job in hand one charge",
	 a_lie_is_refused_and_costs_the_job_in_hand_one_charge},
	{"a second service takes over without a gap", a_second_service_takes_over_without_a_gap},
	{"an outgoing worker is not replaced", an_outgoing_worker_is_not_replaced},
	{"a standby keeps a worker that works when its time comes",
	 a_standby_keeps_a_worker_that_works_when_its_time_comes},
	{"a standby that cannot bear workers does not slow the others",
	 a_standby_that_cannot_bear_workers_does_not_slow_the_others},
	{"an adopted worker answers what it owes before it works",
	 an_adopted_worker_answers_what_it_owes_before_it_works},
	{"an adopted worker that owes too long is killed",
	 an_adopted_worker_that_owes_too_long_is_killed},
	{"a held job waits for its release", a_held_job_waits_for_its_release},
	{"a job that waits can be held or denied", a_job_that_waits_can_be_held_or_denied},
	{"a held job outlives an outage", a_held_job_outlives_an_outage},
};

UNIT_MAIN("dispatcher", tests)
