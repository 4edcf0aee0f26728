/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/update_plan.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit_main.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MIDDLE 500 /* jitter that changes nothing where it goes both ways */

static const struct update_settings whole_day = {.interval_ms = DAY,
						 .retry_first_ms = 10 * MINUTE,
						 .retry_max_ms = 4 * HOUR,
						 .n_mirrors = 3};

static struct update_plan plan;

/* A day that begins at time 0. */
static struct update_now at(mono_ms now)
{
	return (struct update_now){now, (unsigned)(now / MINUTE % UPDATE_DAY_MINUTES)};
}

static struct update_settings with_window(unsigned from, unsigned to)
{
	struct update_settings settings = whole_day;

	settings.window_from = from;
	settings.window_to = to;
	return settings;
}

/* A plan whose last good check ended at time 0 of the fake clock. */
static void begin(const struct update_settings *settings)
{
	update_plan_init(&plan, settings, at(0), 0, MIDDLE);
}

static void check_at(mono_ms now, bool went_well, unsigned jitter)
{
	CU_ASSERT_TRUE(update_plan_command(&plan, now));
	CU_ASSERT_TRUE(update_plan_tick(&plan, at(now), jitter));
	update_plan_ended(&plan, at(now), went_well, jitter);
}

static void attempt(mono_ms now, unsigned mirror, enum update_outcome outcome, mono_ms wait)
{
	update_plan_attempt(&plan, now, mirror, outcome, wait, 0);
}

/* The mirrors that may be asked, as text: "201". */
static const char *order(mono_ms now)
{
	static char text[LIMIT_MIRRORS + 1];
	unsigned mirrors[LIMIT_MIRRORS];
	unsigned n = update_plan_mirrors(&plan, now, mirrors);

	for (unsigned i = 0; i < n; i++)
		text[i] = (char)('0' + mirrors[i]);
	text[n] = '\0';
	return text;
}

static void a_check_follows_a_day_after_a_good_one(void)
{
	begin(&whole_day);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), DAY);
	CU_ASSERT_FALSE(update_plan_tick(&plan, at(DAY - 1), MIDDLE));
	CU_ASSERT_TRUE(update_plan_tick(&plan, at(DAY), MIDDLE));
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), MONO_NEVER);
	CU_ASSERT_FALSE(update_plan_tick(&plan, at(DAY), MIDDLE));
	update_plan_ended(&plan, at(DAY + HOUR), true, MIDDLE);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), 2 * DAY + HOUR);
}

static void jitter_spreads_a_fleet_over_a_tenth_both_ways(void)
{
	begin(&whole_day);
	check_at(0, true, 0);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), DAY - DAY / 10);
	check_at(0, true, 999);
	CU_ASSERT(update_plan_deadline(&plan) > DAY + DAY / 10 - DAY / 500);
	CU_ASSERT(update_plan_deadline(&plan) < DAY + DAY / 10);
	check_at(0, true, 1999); /* a number that is too large is taken round */
	CU_ASSERT(update_plan_deadline(&plan) < DAY + DAY / 10);
}

static const struct {
	const char *what;
	mono_ms since, due;
} starts[] = {
	{"never looked", MONO_NEVER, 5 * MINUTE},
	{"looked long ago", 3 * DAY, 5 * MINUTE},
	{"looked a day ago", DAY, 5 * MINUTE},
	{"looked an hour ago", HOUR, 23 * HOUR},
	{"looked now", 0, DAY},
};

static void a_start_goes_on_where_the_last_run_was(void)
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		update_plan_init(&plan, &whole_day, at(0), starts[i].since, MIDDLE);
		if (update_plan_deadline(&plan) != starts[i].due)
			CU_FAIL(starts[i].what);
	}
	update_plan_init(&plan, &whole_day, at(0), MONO_NEVER, 0);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), 0);
}

static void failures_double_the_pause_up_to_its_ceiling(void)
{
	static const mono_ms pauses[] = {10, 20, 40, 80, 160, 240, 240};

	begin(&whole_day);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		check_at(0, false, 0);
		CU_ASSERT_EQUAL(update_plan_deadline(&plan), pauses[i] * MINUTE / 2);
	}
	plan.failures = UINT32_MAX - 1; /* years */
	check_at(0, false, 999);
	check_at(0, false, 999);
	CU_ASSERT(update_plan_deadline(&plan) <= 4 * HOUR);
	CU_ASSERT(update_plan_deadline(&plan) > 4 * HOUR - HOUR / 60);
	check_at(0, true, MIDDLE);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), DAY);
	check_at(0, false, 0);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), 5 * MINUTE);
}

static void a_retry_never_comes_later_than_the_next_regular_check(void)
{
	struct update_settings hourly = whole_day;

	hourly.interval_ms = HOUR;
	begin(&hourly);
	for (unsigned i = 0; i < 10; i++)
		check_at(0, false, MIDDLE);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), HOUR);
}

static void a_command_is_due_at_once_and_not_twice(void)
{
	struct update_settings night = with_window(2 * 60, 4 * 60);

	begin(&night);
	CU_ASSERT_TRUE(update_plan_command(&plan, 12 * HOUR));
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), 12 * HOUR);
	CU_ASSERT_TRUE(update_plan_tick(&plan, at(12 * HOUR), MIDDLE));
	CU_ASSERT_FALSE(update_plan_command(&plan, 12 * HOUR));
	update_plan_ended(&plan, at(13 * HOUR), true, MIDDLE);
	CU_ASSERT(update_plan_deadline(&plan) > 24 * HOUR);
}

static void an_end_without_a_beginning_changes_nothing(void)
{
	begin(&whole_day);
	update_plan_ended(&plan, at(HOUR), false, MIDDLE);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), DAY);
}

static const struct {
	unsigned from, to;
	mono_ms now, due; /* due: of a check that would fall a day after `now` */
} windows[] = {
	{2 * 60, 4 * 60, 3 * HOUR, 3 * HOUR + DAY},
	{2 * 60, 4 * 60, 2 * HOUR, 2 * HOUR + DAY},
	{2 * 60, 4 * 60, 4 * HOUR, 3 * HOUR + DAY},
	{2 * 60, 4 * 60, 20 * HOUR, 3 * HOUR + 2 * DAY},
	{2 * 60, 4 * 60, HOUR, 3 * HOUR + DAY},
	{22 * 60, 2 * 60, 23 * HOUR, 23 * HOUR + DAY},
	{22 * 60, 2 * 60, HOUR, HOUR + DAY},
	{22 * 60, 2 * 60, 12 * HOUR, 24 * HOUR},
	{22 * 60, 2 * 60, 13 * HOUR, 24 * HOUR + DAY},
	{5 * 60, 5 * 60, 17 * HOUR, 17 * HOUR + DAY},
};

static void a_check_falls_into_the_window(void)
{
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		struct update_settings settings = with_window(windows[i].from, windows[i].to);

		begin(&settings);
		check_at(windows[i].now, true, MIDDLE);
		CU_ASSERT_EQUAL(update_plan_deadline(&plan), windows[i].due);
	}
}

/* Whatever the jitter: a day without a check would be a day without news. */
static void no_day_is_missed_with_a_window(void)
{
	struct update_settings night = with_window(2 * 60, 4 * 60);
	mono_ms now = 3 * HOUR;

	begin(&night);
	check_at(now, true, MIDDLE);
	for (unsigned jitter = 0; jitter < UPDATE_JITTER_MAX; jitter += 37) {
		mono_ms due = update_plan_deadline(&plan);

		CU_ASSERT(due - now >= 22 * HOUR && due - now <= 26 * HOUR);
		now = due;
		CU_ASSERT_TRUE(update_plan_tick(&plan, at(now), jitter));
		update_plan_ended(&plan, at(now), true, jitter);
	}
}

static void retries_wait_for_the_window_too(void)
{
	struct update_settings night = with_window(2 * 60, 4 * 60);

	begin(&night);
	check_at(3 * HOUR, false, 0);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), 3 * HOUR + 5 * MINUTE);
	check_at(3 * HOUR + 58 * MINUTE, false, 0);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), DAY + 2 * HOUR);
}

static void a_clock_that_is_set_does_not_open_the_window(void)
{
	struct update_settings night = with_window(2 * 60, 4 * 60);
	struct update_now moved = {.minute = 12 * 60};

	begin(&night);
	moved.at = update_plan_deadline(&plan);
	CU_ASSERT_FALSE(update_plan_tick(&plan, moved, 0));
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), moved.at + 14 * HOUR);
}

static void without_an_interval_only_commands_count(void)
{
	struct update_settings manual = whole_day;

	manual.interval_ms = MONO_NEVER;
	begin(&manual);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), MONO_NEVER);
	check_at(HOUR, false, 0);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), MONO_NEVER);
}

static void without_mirrors_nothing_is_ever_due(void)
{
	struct update_settings off = whole_day;

	off.n_mirrors = 0;
	begin(&off);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), MONO_NEVER);
	(void)update_plan_command(&plan, HOUR); /* is accepted, and finds nobody to ask */
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), MONO_NEVER);
	CU_ASSERT_FALSE(update_plan_tick(&plan, at(HOUR), 0));
	CU_ASSERT_STRING_EQUAL(order(HOUR), "");
}

static void mirrors_are_asked_as_configured_and_the_dead_last(void)
{
	begin(&whole_day);
	CU_ASSERT_STRING_EQUAL(order(0), "012");
	attempt(1, 0, UPDATE_UNREACHABLE, 0);
	CU_ASSERT_STRING_EQUAL(order(2), "120");
	attempt(2, 1, UPDATE_DAMAGED, 0);
	CU_ASSERT_STRING_EQUAL(order(3), "201");
	attempt(3, 0, UPDATE_STALLED, 0);
	CU_ASSERT_STRING_EQUAL(order(4), "210");
	attempt(4, 0, UPDATE_NOTHING_NEW, 0);
	CU_ASSERT_STRING_EQUAL(order(5), "021");
	attempt(5, 1, UPDATE_UPDATED, 0);
	CU_ASSERT_STRING_EQUAL(order(6), "012");
}

static void what_is_no_fault_of_a_mirror_leaves_its_place(void)
{
	begin(&whole_day);
	attempt(1, 0, UPDATE_NO_SPACE, 0);
	attempt(1, 0, UPDATE_LATE, 0);
	CU_ASSERT_STRING_EQUAL(order(2), "012");
	attempt(2, 0, UPDATE_REFUSED, 0);
	attempt(3, 0, UPDATE_NO_SPACE, 0);
	CU_ASSERT_STRING_EQUAL(order(4), "120");
	attempt(4, 3, UPDATE_REFUSED, 0);
	attempt(4, UINT32_MAX, UPDATE_WAIT, HOUR);
	CU_ASSERT_STRING_EQUAL(order(5), "120");
}

static void a_mirror_that_sends_us_away_is_left_alone_so_long(void)
{
	begin(&whole_day);
	attempt(0, 1, UPDATE_WAIT, 2 * HOUR);
	CU_ASSERT_STRING_EQUAL(order(1), "02");
	CU_ASSERT_STRING_EQUAL(order(2 * HOUR - 1), "02");
	CU_ASSERT_STRING_EQUAL(order(2 * HOUR), "021");
	update_plan_attempt(&plan, 0, 1, UPDATE_WAIT, 2 * HOUR, 999);
	CU_ASSERT_STRING_EQUAL(order(2 * HOUR + 11 * MINUTE), "02");
	CU_ASSERT_STRING_EQUAL(order(2 * HOUR + 12 * MINUTE), "021");
	/* A shorter wish does not end a longer one. */
	attempt(0, 1, UPDATE_WAIT, MINUTE);
	CU_ASSERT_STRING_EQUAL(order(2 * HOUR), "02");
}

static void when_all_send_us_away_nothing_is_due_before_the_first_is_open(void)
{
	begin(&whole_day);
	CU_ASSERT_TRUE(update_plan_command(&plan, 0));
	CU_ASSERT_TRUE(update_plan_tick(&plan, at(0), 0));
	attempt(0, 0, UPDATE_WAIT, 6 * HOUR);
	attempt(0, 1, UPDATE_WAIT, 5 * HOUR);
	attempt(0, 2, UPDATE_WAIT, 7 * HOUR);
	update_plan_ended(&plan, at(0), false, 0);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), 5 * HOUR);
	/* A command does not shorten it. */
	CU_ASSERT_TRUE(update_plan_command(&plan, HOUR));
	CU_ASSERT_FALSE(update_plan_tick(&plan, at(HOUR), 0));
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), 5 * HOUR);
	CU_ASSERT_TRUE(update_plan_tick(&plan, at(5 * HOUR), 0));
	CU_ASSERT_STRING_EQUAL(order(5 * HOUR), "1");
}

static void no_mirror_closes_itself_for_ever(void)
{
	const mono_ms most = (mono_ms)LIMIT_WAIT_S * 1000;

	begin(&whole_day);
	attempt(0, 0, UPDATE_WAIT, MONO_NEVER);
	CU_ASSERT_STRING_EQUAL(order(most), "12");
	CU_ASSERT_STRING_EQUAL(order(most * 11 / 10), "120");
}

static void a_cool_down_outlives_a_restart(void)
{
	begin(&whole_day);
	update_plan_restore_wait(&plan, 0, 0, 3 * HOUR);
	update_plan_restore_wait(&plan, 0, 1, 0);
	update_plan_restore_wait(&plan, 0, 9, HOUR);
	CU_ASSERT_STRING_EQUAL(order(HOUR), "12");
	CU_ASSERT_STRING_EQUAL(order(3 * HOUR), "012");
}

static void a_mirror_that_stopped_does_not_keep_the_others_from_being_asked(void)
{
	begin(&whole_day);
	attempt(1, 0, UPDATE_NOTHING_NEW, 0);
	CU_ASSERT_STRING_EQUAL(order(1), "012");
	update_plan_age(&plan, true);
	attempt(2, 0, UPDATE_NOTHING_NEW, 0);
	CU_ASSERT_STRING_EQUAL(order(2), "120");
	attempt(3, 1, UPDATE_NOTHING_NEW, 0);
	CU_ASSERT_STRING_EQUAL(order(3), "201");
	check_at(DAY, true, MIDDLE);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), DAY + 4 * HOUR);
	attempt(DAY, 2, UPDATE_UPDATED, 0);
	update_plan_age(&plan, false);
	CU_ASSERT_STRING_EQUAL(order(DAY), "201");
	attempt(DAY, 0, UPDATE_NOTHING_NEW, 0);
	CU_ASSERT_STRING_EQUAL(order(DAY), "021");
	check_at(DAY, true, MIDDLE);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), 2 * DAY);
}

static void one_mirror_alone_is_not_asked_more_often_for_being_old(void)
{
	struct update_settings alone = whole_day;

	alone.n_mirrors = 1;
	begin(&alone);
	update_plan_age(&plan, true);
	attempt(0, 0, UPDATE_NOTHING_NEW, 0);
	check_at(0, true, MIDDLE);
	CU_ASSERT_EQUAL(update_plan_deadline(&plan), DAY);
	CU_ASSERT_STRING_EQUAL(order(0), "0");
}

static void what_was_rejected_is_not_asked_for_again(void)
{
	begin(&whole_day);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, 0, 0, 2), 0);
	update_plan_rejected(&plan, HOUR, 0, 2, 27000);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, HOUR, 0, 2), 27000);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, HOUR, 0, 1), 0); /* of this database */
	CU_ASSERT_EQUAL(update_plan_refused(&plan, HOUR, 1, 2), 0); /* of this mirror */
	CU_ASSERT_STRING_EQUAL(order(HOUR), "120");                 /* it has failed */
	attempt(2 * HOUR, 0, UPDATE_NOTHING_NEW, 0); /* for another database: it is not forgotten */
	CU_ASSERT_EQUAL(update_plan_refused(&plan, 2 * HOUR, 0, 2), 27000);
	update_plan_rejected(&plan, 3 * HOUR, 0, 2, 26000); /* what is older ends nothing */
	CU_ASSERT_EQUAL(update_plan_refused(&plan, 3 * HOUR, 0, 2), 27000);
	update_plan_rejected(&plan, 3 * HOUR, 0, 2, 27001);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, 3 * HOUR, 0, 2), 27001);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, 3 * HOUR + UPDATE_REFUSAL_MS - 1, 0, 2), 27001);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, 3 * HOUR + UPDATE_REFUSAL_MS, 0, 2), 0);
	update_plan_forget_refused(&plan);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, 3 * HOUR, 0, 2), 0);
}

static void a_refusal_that_makes_no_sense_is_none(void)
{
	begin(&whole_day);
	update_plan_rejected(&plan, 0, 3, 0, 1);
	update_plan_rejected(&plan, 0, UINT32_MAX, 0, 1);
	update_plan_rejected(&plan, 0, 1, LIMIT_DATABASES, 1);
	update_plan_rejected(&plan, 0, 1, 0, 0);
	for (unsigned mirror = 0; mirror < LIMIT_MIRRORS + 1; mirror++) {
		for (unsigned database = 0; database < LIMIT_DATABASES + 1; database++)
			CU_ASSERT_EQUAL(update_plan_refused(&plan, 0, mirror, database), 0);
	}
	CU_ASSERT_STRING_EQUAL(order(1), "021"); /* whatever it was, it was rejected */
	/* A claim that no file can keep. */
	update_plan_rejected(&plan, 0, 2, 0, UINT32_MAX);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, 0, 2, 0), INT32_MAX);
}

static void a_refusal_outlives_a_restart(void)
{
	begin(&whole_day);
	update_plan_restore_refused(&plan, 0, 0, 1, (struct update_refusal){9, DAY});
	update_plan_restore_refused(&plan, 0, 1, 1, (struct update_refusal){9, 0});
	update_plan_restore_refused(&plan, 0, 2, 1, (struct update_refusal){9, MONO_NEVER});
	CU_ASSERT_EQUAL(update_plan_refused(&plan, DAY - 1, 0, 1), 9);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, DAY, 0, 1), 0);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, 0, 1, 1), 0);
	CU_ASSERT_EQUAL(update_plan_refused(&plan, UPDATE_REFUSAL_MS, 2, 1), 0);
	CU_ASSERT_STRING_EQUAL(order(0), "012");
}

static const struct {
	uint64_t built, now;
	enum definition_age age;
} ages[] = {
	{0, 1700000000, DEFINITION_AGE_UNKNOWN},
	{1700000000, 1700000000, DEFINITION_AGE_OK},
	{1700000000, 1700000000 + DEFINITION_AGE_LIMIT_S, DEFINITION_AGE_OK},
	{1700000000, 1700000001 + DEFINITION_AGE_LIMIT_S, DEFINITION_AGE_OLD},
	{1700000000, 1, DEFINITION_AGE_OK},
	{1, UINT64_MAX, DEFINITION_AGE_OLD},
};

static void definitions_are_old_after_the_limit(void)
{
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
		CU_ASSERT_EQUAL(definition_age(ages[i].built, ages[i].now, DEFINITION_AGE_LIMIT_S),
				ages[i].age);
	CU_ASSERT_STRING_EQUAL(definition_age_name(DEFINITION_AGE_OLD), "old");
	CU_ASSERT_STRING_EQUAL(definition_age_name(DEFINITION_AGE_OK), "ok");
}

static bool is_in(const struct update_settings *s, unsigned minute)
{
	unsigned length = (s->window_to + UPDATE_DAY_MINUTES - s->window_from) % UPDATE_DAY_MINUTES;

	return length == 0 ||
	       (minute + UPDATE_DAY_MINUTES - s->window_from) % UPDATE_DAY_MINUTES < length;
}

/* One step of a life: what a shell would do, in any order. */
struct life {
	struct update_settings settings;
	mono_ms now;
	bool is_running, is_commanded;
};

static void begin_check(struct life *life, unsigned jitter)
{
	unsigned mirrors[LIMIT_MIRRORS];

	if (!update_plan_tick(&plan, at(life->now), jitter))
		return;
	CU_ASSERT_FALSE(life->is_running);
	CU_ASSERT(life->is_commanded || is_in(&life->settings, at(life->now).minute));
	CU_ASSERT(update_plan_mirrors(&plan, life->now, mirrors) > 0);
	life->is_running = true;
	life->is_commanded = false;
}

static void go_on(struct life *life, unsigned jitter)
{
	mono_ms due = update_plan_deadline(&plan);

	if (life->is_running && random() % 2) {
		update_plan_attempt(&plan, life->now, (unsigned)random() % 4,
				    (unsigned)random() % UPDATE_OUTCOME_COUNT, random() % DAY,
				    jitter);
	} else if (life->is_running) {
		update_plan_ended(&plan, at(life->now), random() % 2, jitter);
		CU_ASSERT(update_plan_deadline(&plan) >= life->now);
		life->is_running = false;
	} else {
		/* A cool-down of a day and its tenth, and the way to the next window. */
		CU_ASSERT(due != MONO_NEVER && due - life->now < 4 * DAY);
		life->now = due > life->now && random() % 4 ? due : life->now + random() % HOUR;
	}
}

/* No check outside the window (commands apart) or without a mirror, never two at once, always another one. */
static void random_lives_keep_the_promises(void)
{
	struct life life = {.settings = with_window(20 * 60, 3 * 60)};

	srandom(4); /* the same run each time */
	begin(&life.settings);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned jitter = (unsigned)random() % UPDATE_JITTER_MAX;

		if (random() % 50 == 0 && update_plan_command(&plan, life.now))
			life.is_commanded = true;
		if (random() % 50 == 0)
			update_plan_age(&plan, random() % 2);
		begin_check(&life, jitter);
		go_on(&life, jitter);
	}
}

static const struct unit_test tests[] = {
	{"a check follows a day after a good one", a_check_follows_a_day_after_a_good_one},
	{"jitter spreads a fleet over a tenth both ways",
	 jitter_spreads_a_fleet_over_a_tenth_both_ways},
	{"a start goes on where the last run was", a_start_goes_on_where_the_last_run_was},
	{"failures double the pause up to its ceiling",
	 failures_double_the_pause_up_to_its_ceiling},
	{"a retry never comes later than the next regular check",
	 a_retry_never_comes_later_than_the_next_regular_check},
	{"a command is due at once and not twice", a_command_is_due_at_once_and_not_twice},
	{"an end without a beginning changes nothing", an_end_without_a_beginning_changes_nothing},
	{"a check falls into the window", a_check_falls_into_the_window},
	{"no day is missed with a window", no_day_is_missed_with_a_window},
	{"retries wait for the window too", retries_wait_for_the_window_too},
	{"a clock that is set does not open the window",
	 a_clock_that_is_set_does_not_open_the_window},
	{"without an interval only commands count", without_an_interval_only_commands_count},
	{"without mirrors nothing is ever due", without_mirrors_nothing_is_ever_due},
	{"mirrors are asked as configured, and the dead last",
	 mirrors_are_asked_as_configured_and_the_dead_last},
	{"what is no fault of a mirror leaves its place",
	 what_is_no_fault_of_a_mirror_leaves_its_place},
	{"a mirror that sends us away is left alone so long",
	 a_mirror_that_sends_us_away_is_left_alone_so_long},
	{"when all send us away nothing is due before the first is open",
	 when_all_send_us_away_nothing_is_due_before_the_first_is_open},
	{"no mirror closes itself for ever", no_mirror_closes_itself_for_ever},
	{"a cool-down outlives a restart", a_cool_down_outlives_a_restart},
	{"a mirror that stopped does not keep the others from being asked",
	 a_mirror_that_stopped_does_not_keep_the_others_from_being_asked},
	{"one mirror alone is not asked more often for being old",
	 one_mirror_alone_is_not_asked_more_often_for_being_old},
	{"what was rejected is not asked for again", what_was_rejected_is_not_asked_for_again},
	{"a refusal that makes no sense is none", a_refusal_that_makes_no_sense_is_none},
	{"a refusal outlives a restart", a_refusal_outlives_a_restart},
	{"definitions are old after the limit", definitions_are_old_after_the_limit},
	{"random lives keep the promises", random_lives_keep_the_promises},
};

UNIT_MAIN("update_plan", tests)
