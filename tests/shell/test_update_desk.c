/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_desk.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "io/clock.h"
#include "tests/support/unit_main.h"
#include "tests/support/update_lab.h"

/* ---- who asks ---- */

static void one_client_asks_and_is_answered_once(void)
{
	lab_begin();
	CU_ASSERT_EQUAL(t.swept, 1);
	lab_turn(20);
	CU_ASSERT_EQUAL(t.begun, 0);
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.begun, 1);
	CU_ASSERT_EQUAL(t.order.n_mirrors, 2);
	CU_ASSERT_TRUE(t.order.mirrors[0] == 0 && t.order.mirrors[1] == 1);
	CU_ASSERT_EQUAL(lab_ask(), -EBUSY);
	t.check.on_progress(t.check_context, "so far", 5);
	CU_ASSERT_EQUAL(t.progresses, 1);
	CU_ASSERT_EQUAL(t.verdicts, 0);
	lab_succeed();
	CU_ASSERT_EQUAL(t.verdicts, 1);
	CU_ASSERT_EQUAL(t.verdict.outcome, UPDATE_NOTHING_NEW);
	CU_ASSERT_EQUAL(t.events_failed, 0);
	CU_ASSERT_EQUAL(lab_ask(), 0);
	update_desk_cancel(t.desk, LAB_CLIENT);
	t.check.on_progress(t.check_context, "nobody hears it", 5);
	lab_succeed();
	CU_ASSERT_EQUAL(t.verdicts, 1);
	CU_ASSERT_EQUAL(t.progresses, 1);
	lab_die();
}

static void who_cannot_be_served_is_told_why(void)
{
	lab_begin();
	lab_die();
	t.is_in_charge = false;
	lab_live();
	CU_ASSERT_EQUAL(lab_ask(), -EPERM);
	lab_die();
	t.is_in_charge = true;
	t.configuration.update_mirrors_count = 0;
	lab_live();
	CU_ASSERT_EQUAL(lab_ask(), -EPERM);
	CU_ASSERT_EQUAL(t.begun, 0);
	lab_die();
}

static void a_failure_is_one_event_and_is_remembered(void)
{
	struct update_view view;

	lab_begin();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	lab_fail();
	CU_ASSERT_EQUAL(t.events_failed, 1);
	CU_ASSERT_STRING_EQUAL(t.reason, "nobody");
	CU_ASSERT_EQUAL(t.verdict.outcome, UPDATE_UNREACHABLE);
	lab_die();
	lab_live();
	update_desk_view(t.desk, &view);
	CU_ASSERT_EQUAL(view.last_outcome, UPDATE_UNREACHABLE);
	CU_ASSERT_STRING_EQUAL(view.last_reason, "nobody");
	CU_ASSERT_TRUE(view.last_check_ms > 0 && view.last_check_ms <= clock_utc_ms());
	/* Five to ten days: the pause goes on, though there was never a success. */
	CU_ASSERT_TRUE(view.next_check_ms > clock_utc_ms() + UINT64_C(4) * LAB_DAY_MS);
	CU_ASSERT_TRUE(view.next_check_ms < clock_utc_ms() + UINT64_C(11) * LAB_DAY_MS);
	lab_die();
}

static void the_last_success_counts_over_a_restart(void)
{
	struct update_view view;

	lab_begin();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	lab_succeed();
	lab_die();
	lab_live();
	update_desk_view(t.desk, &view);
	CU_ASSERT_TRUE(view.is_on && !view.is_running);
	CU_ASSERT_TRUE(view.next_check_ms > clock_utc_ms() + UINT64_C(26) * LAB_DAY_MS);
	lab_turn(20);
	CU_ASSERT_EQUAL(t.begun, 1);
	lab_die();
}

static void checks_come_by_themselves(void)
{
	lab_begin();
	lab_die();
	t.configuration.update_retry_ms = t.configuration.update_retry_max_ms = 20;
	t.configuration.update_interval_ms = 40;
	lab_live();
	lab_turn(60);
	CU_ASSERT_EQUAL(t.begun, 1);
	lab_succeed();
	lab_turn(80);
	CU_ASSERT_EQUAL(t.begun, 2);
	CU_ASSERT_EQUAL(lab_ask(), 0); /* joins it */
	CU_ASSERT_EQUAL(t.begun, 2);
	lab_fail();
	CU_ASSERT_EQUAL(t.verdicts, 1);
	lab_turn(60);
	CU_ASSERT_EQUAL(t.begun, 3);
	lab_die();
}

/* ---- what is known of mirrors ---- */

static void who_is_to_be_left_alone_is_after_a_crash_too(void)
{
	static char url_c[] = "http://c";
	char *url_a;

	lab_begin();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	t.check.on_attempt(t.check_context, 0, UPDATE_WAIT, 3600000);
	lab_die(); /* in the midst of it */
	lab_live();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.order.n_mirrors, 1);
	CU_ASSERT_EQUAL(t.order.mirrors[0], 1);
	t.check.on_attempt(t.check_context, 1, UPDATE_WAIT, 3600000);
	lab_fail();
	CU_ASSERT_EQUAL(lab_ask(), -EAGAIN);
	lab_die();
	url_a = lab_mirrors[0].url;
	lab_mirrors[0].url = url_c; /* another one is nobody who was heard */
	lab_live();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.order.n_mirrors, 1);
	CU_ASSERT_EQUAL(t.order.mirrors[0], 0);
	lab_die();
	lab_mirrors[0].url = url_a;
}

static struct check_result brought(enum rejection rejection)
{
	return (struct check_result){
		.outcome = UPDATE_UPDATED,
		.rejection = rejection,
		.was_tried = true,
		.went_well = rejection == REJECTION_NONE,
		.reason = "tried",
		.files = {{.was_brought = true, .is_blamed = false, .mirror = 0, .version = 61},
			  {.was_brought = true, .is_blamed = true, .mirror = 1, .version = 27000}}};
}

static void swap_databases(void)
{
	char *first = lab_databases[0];

	lab_databases[0] = lab_databases[1];
	lab_databases[1] = first;
}

static void what_is_rejected_is_not_asked_for_again(void)
{
	struct check_result result = brought(REJECTION_TRIAL);

	lab_begin();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	lab_end(&result);
	CU_ASSERT_EQUAL(t.events_failed, 0); /* the definition desk tells it */
	CU_ASSERT_EQUAL(t.verdict.rejection, REJECTION_TRIAL);
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[1][1], 27000);
	CU_ASSERT_EQUAL(t.order.refused[0][1], 0);
	CU_ASSERT_EQUAL(t.order.refused[0][0], 0);
	CU_ASSERT_EQUAL(t.order.mirrors[0], 0);
	lab_succeed();
	lab_die();
	swap_databases(); /* to other places */
	lab_live();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[1][0], 27000);
	CU_ASSERT_EQUAL(t.order.refused[1][1], 0);
	lab_die();
	swap_databases();
}

static void want_of_room_is_no_fault_of_a_mirror(void)
{
	struct check_result result = brought(REJECTION_TRIAL_ROOM);

	lab_begin();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	lab_end(&result);
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[1][1], 0);
	lab_die();
}

/* In its probation, or by command: of that no check hears. */
static void what_falls_later_is_not_asked_for_again(void)
{
	struct check_result result = brought(REJECTION_NONE);
	const uint8_t digest[LIMIT_DIGEST_BYTES] = {1, 2, 3};

	lab_begin();
	t.machine.active = 12;
	t.machine.all[0].number = 12;
	memcpy(t.machine.all[0].facts.digest, digest, sizeof(digest));
	CU_ASSERT_EQUAL(lab_ask(), 0);
	result.generation = 12;
	lab_end(&result);
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[0][0], 0);
	lab_succeed();
	lab_die();
	definition_machine_restore_rejected(&t.machine, digest);
	lab_live();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[0][0], 61);
	CU_ASSERT_EQUAL(t.order.refused[1][1], 27000);
	lab_die();
}

/* ---- age ---- */

static uint64_t seconds_ago(uint64_t s)
{
	return clock_utc_ms() / 1000 - s;
}

static void what_turns_old_is_told_once(void)
{
	struct update_view view;
	char text[LIMIT_REASON_BYTES + 1];

	lab_begin();
	t.machine.all[0].number = t.machine.active = 12;
	t.configuration.max_definition_age_ms = 2000;
	update_desk_serves(t.desk, seconds_ago(1));
	CU_ASSERT_EQUAL(t.events_old, 0);
	CU_ASSERT_FALSE(update_desk_notice(t.desk, 0, text));
	lab_turn(3000);
	CU_ASSERT_EQUAL(t.events_old, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.reason, "seconds ago; the limit is 2 seconds"));
	CU_ASSERT_TRUE(update_desk_notice(t.desk, 0, text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "definitions are out of date: they were built"));
	CU_ASSERT_FALSE(update_desk_notice(t.desk, 1, text));
	update_desk_view(t.desk, &view);
	CU_ASSERT_EQUAL(view.age, DEFINITION_AGE_OLD);
	lab_die();
	lab_live();
	update_desk_serves(t.desk, seconds_ago(100));
	CU_ASSERT_EQUAL(t.events_old, 1);
	CU_ASSERT_EQUAL(t.events_fresh, 0);
	update_desk_serves(t.desk, seconds_ago(0));
	CU_ASSERT_EQUAL(t.events_fresh, 1);
	update_desk_serves(t.desk, seconds_ago(0));
	CU_ASSERT_EQUAL(t.events_fresh, 1);
	lab_die();
}

static void who_never_had_any_is_out_of_date(void)
{
	lab_begin();
	update_desk_serves(t.desk, 0);
	CU_ASSERT_EQUAL(t.events_old, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.reason, "none were ever installed"));
	t.machine.all[0].number = 10; /* of files that do not say when they were built */
	update_desk_serves(t.desk, 0);
	CU_ASSERT_EQUAL(t.events_fresh, 1);
	lab_die();
	lab_begin();
	lab_die();
	t.configuration.update_mirrors_count = 0;
	lab_live();
	update_desk_serves(t.desk, 0);
	CU_ASSERT_EQUAL(t.events_old, 0); /* nobody wants any */
	lab_die();
}

static void what_is_told_before_the_start_forgets_nothing(void)
{
	lab_begin();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	t.check.on_attempt(t.check_context, 0, UPDATE_WAIT, 3600000);
	lab_fail();
	lab_die();
	lab_born();
	update_desk_serves(t.desk, 0); /* an event, and so the state is kept */
	CU_ASSERT_EQUAL(t.events_old, 1);
	lab_die();
	lab_live();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.order.n_mirrors, 1);
	lab_die();
}

/* ---- restart in place ---- */

static void a_restart_ends_the_check_and_tells_its_client(void)
{
	lab_begin();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	update_desk_rest(t.desk);
	CU_ASSERT_EQUAL(t.dropped, 1);
	CU_ASSERT_EQUAL(t.verdicts, 1);
	CU_ASSERT_EQUAL(t.verdict.outcome, UPDATE_FAILED);
	CU_ASSERT_EQUAL(t.events_failed, 0);
	CU_ASSERT_EQUAL(lab_ask(), -EBUSY);
	lab_turn(20);
	CU_ASSERT_EQUAL(t.begun, 1);
	update_desk_go_on(t.desk);
	CU_ASSERT_EQUAL(lab_ask(), 0);
	CU_ASSERT_EQUAL(t.begun, 2);
	lab_succeed();
	CU_ASSERT_EQUAL(t.verdicts, 2);
	lab_die();
}

static void a_memory_of_another_layout_is_none(void)
{
	struct update_view view;

	lab_begin();
	CU_ASSERT_EQUAL(lab_ask(), 0);
	lab_fail();
	lab_die();
	t.len--;
	lab_live();
	update_desk_view(t.desk, &view);
	CU_ASSERT_EQUAL(view.last_check_ms, 0);
	lab_die();
	t.len++;
	memset(t.kept, 0xff, t.len); /* our layout, and nonsense in it */
	lab_live();
	update_desk_view(t.desk, &view);
	CU_ASSERT_TRUE(view.last_outcome < UPDATE_OUTCOME_COUNT);
	CU_ASSERT_TRUE(strlen(view.last_reason) <= LIMIT_REASON_BYTES);
	CU_ASSERT_EQUAL(lab_ask(), 0);
	lab_die();
}

static const struct unit_test tests[] = {
	{"one client asks and is answered once", one_client_asks_and_is_answered_once},
	{"who cannot be served is told why", who_cannot_be_served_is_told_why},
	{"a failure is one event, and is remembered", a_failure_is_one_event_and_is_remembered},
	{"the last success counts over a restart", the_last_success_counts_over_a_restart},
	{"checks come by themselves", checks_come_by_themselves},
	{"who is to be left alone is, after a crash too",
	 who_is_to_be_left_alone_is_after_a_crash_too},
	{"what is rejected is not asked for again", what_is_rejected_is_not_asked_for_again},
	{"want of room is no fault of a mirror", want_of_room_is_no_fault_of_a_mirror},
	{"what falls later is not asked for again", what_falls_later_is_not_asked_for_again},
	{"what turns old is told once", what_turns_old_is_told_once},
	{"who never had any is out of date", who_never_had_any_is_out_of_date},
	{"what is told before the start forgets nothing",
	 what_is_told_before_the_start_forgets_nothing},
	{"a restart ends the check and tells its client",
	 a_restart_ends_the_check_and_tells_its_client},
	{"a memory of another layout is none", a_memory_of_another_layout_is_none},
};

int main(void)
{
	if (uv_loop_init(&t.loop))
		return 1;
	return unit_main("update_desk", tests, sizeof(tests) / sizeof(tests[0]));
}
