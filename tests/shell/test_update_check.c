/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_check.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/support/check_lab.h"
#include "tests/support/own_fds.h"
#include "tests/support/unit_main.h"

/* ---- before anything is asked ---- */

static void without_an_account_nothing_is_asked(void)
{
	lab_set_up();
	t.has_account = false;
	for (int i = 0; i < 3; i++) {
		lab_begin();
		lab_turn(5);
		CU_ASSERT_EQUAL(t.dones, 1);
		CU_ASSERT_TRUE(t.result.is_blocked && !t.result.went_well);
		CU_ASSERT_STRING_EQUAL(
			t.result.reason,
			"no mirror is asked, because the updater has no sound account: there is no such user; useradd is locked out");
	}
	CU_ASSERT_EQUAL(t.creations, 1); /* the loop stands still meanwhile */
	CU_ASSERT_EQUAL(t.prepares, 0);
	t.has_account = true;
	lab_begin();
	CU_ASSERT_EQUAL(t.prepares, 1);
	lab_tear_down();
}

static void an_account_is_not_made_where_that_is_forbidden(void)
{
	lab_set_up();
	t.has_account = lab_configuration.create_account = false;
	lab_begin();
	lab_turn(5);
	CU_ASSERT_TRUE(t.dones == 1 && t.result.is_blocked);
	CU_ASSERT_EQUAL(t.creations, 0);
	lab_configuration.create_account = true;
	lab_tear_down();
}

static void the_scan_services_account_is_none(void)
{
	lab_set_up();
	t.uid = LAB_SCANNER_UID;
	lab_begin();
	lab_turn(5);
	CU_ASSERT_TRUE(t.dones == 1 && t.result.is_blocked);
	CU_ASSERT_STRING_EQUAL(t.result.reason,
			       "no mirror is asked: user updater is the scan service's");
	CU_ASSERT_EQUAL(t.prepares, 0);
	lab_tear_down();
}

static void it_begins_with_what_serves(void)
{
	lab_set_up();
	lab_begin();
	CU_ASSERT_EQUAL(t.generation, -1); /* the built-in set is nothing to begin with */
	update_check_drop(t.check);
	t.machine.active = 12;
	lab_begin();
	CU_ASSERT_TRUE(t.generation >= 0);
	lab_tear_down();
}

static void a_directory_that_cannot_be_had_is_told(void)
{
	lab_set_up();
	lab_begin();
	t.prepared(t.prepared_context, -ENOSPC, "main.cvd cannot be copied");
	CU_ASSERT_EQUAL(t.dones, 0);
	lab_turn(5);
	CU_ASSERT_EQUAL(t.dones, 1);
	CU_ASSERT_EQUAL(t.result.outcome, UPDATE_NO_SPACE);
	CU_ASSERT_STRING_EQUAL(t.result.reason, "main.cvd cannot be copied");
	CU_ASSERT_FALSE(t.is_running);
	lab_tear_down();
}

/* ---- the end of an updater ---- */

static void nothing_new_is_well_and_no_candidate(void)
{
	const struct update_end well = {.agrees = true, .outcome = UPDATE_NOTHING_NEW};

	lab_set_up();
	lab_begin_download();
	CU_ASSERT_STRING_EQUAL(t.start->mirrors[0].url, "http://b");
	t.report.outcome = UPDATE_NOTHING_NEW;
	t.report.results[0] = t.report.results[1] =
		(struct update_result){.was_asked = true, .outcome = UPDATE_NOTHING_NEW};
	lab_end(&well);
	CU_ASSERT_EQUAL(t.dones, 1);
	CU_ASSERT_TRUE(t.result.went_well && !t.result.was_tried);
	CU_ASSERT_EQUAL(t.sweeps, 1);
	CU_ASSERT_EQUAL(t.begun, 0);
	lab_tear_down();
}

static void one_that_dies_counts_for_the_mirror_that_it_was_at(void)
{
	const struct update_end death = {.outcome = UPDATE_DIED,
					 .has_place = true,
					 .mirror = 0,
					 .reason = "the updater: SIGSEGV"};
	const struct update_end nowhere = {.outcome = UPDATE_DIED, .reason = "silent"};

	lab_set_up();
	lab_begin_download();
	lab_end(&death);
	CU_ASSERT_EQUAL(t.attempts, 1);
	CU_ASSERT_EQUAL(t.attempt_mirror, 1);
	CU_ASSERT_EQUAL(t.attempt_outcome, UPDATE_DIED);
	CU_ASSERT_TRUE(t.dones == 1 && !t.result.went_well);
	CU_ASSERT_STRING_EQUAL(t.result.reason, "the updater: SIGSEGV");
	lab_begin_download();
	lab_end(&nowhere);
	CU_ASSERT_EQUAL(t.attempts, 1);
	lab_tear_down();
}

/* It said that files are there, and then it lied or died: they are not even opened. */
static void nothing_is_taken_of_one_that_contradicts_itself(void)
{
	const struct update_end lie = {.outcome = UPDATE_DIED, .reason = "it lied"};

	lab_set_up();
	lab_begin_download();
	t.report.results[0] =
		(struct update_result){.was_asked = true, .outcome = UPDATE_UPDATED, .version = 60};
	lab_end(&lie);
	lab_turn(5);
	CU_ASSERT_EQUAL(t.dones, 1);
	CU_ASSERT_EQUAL(t.begun, 0);
	CU_ASSERT_FALSE(t.result.files[0].was_brought);
	lab_tear_down();
}

static void a_file_that_is_not_there_is_a_lie(void)
{
	int before;

	lab_set_up();
	before = own_fds();
	t.files_there = 1; /* main, but not daily */
	lab_bring();
	CU_ASSERT_EQUAL(t.dones, 1);
	CU_ASSERT_EQUAL(t.result.outcome, UPDATE_DIED);
	CU_ASSERT_FALSE(t.result.went_well || t.result.files[0].was_brought);
	CU_ASSERT_EQUAL(t.result.bytes, 0);
	CU_ASSERT_EQUAL(t.begun, 0);
	CU_ASSERT_EQUAL(own_fds(), before);
	lab_tear_down();
}

/* ---- the candidate ---- */

static void what_is_brought_is_tried_and_serves(void)
{
	const struct definition_answer answer = {.detail = "", .generation = 13};
	int before;

	lab_set_up();
	before = own_fds();
	lab_bring();
	CU_ASSERT_FALSE(t.is_running);
	CU_ASSERT_EQUAL(t.begun, 0); /* the desk may be in the midst of telling another */
	lab_turn(5);
	CU_ASSERT_TRUE(t.begun == 1 && t.added == 2 && t.gone == 1);
	CU_ASSERT_EQUAL(t.dones, 0);
	update_check_answered(t.check, &answer);
	CU_ASSERT_EQUAL(t.dones, 0);
	lab_turn(5);
	CU_ASSERT_EQUAL(t.dones, 1);
	CU_ASSERT_TRUE(t.result.went_well && t.result.was_tried);
	CU_ASSERT_EQUAL(t.result.generation, 13);
	CU_ASSERT_EQUAL(t.result.bytes, 200);
	CU_ASSERT_EQUAL(t.result.files[0].mirror, 1); /* as the configuration counts */
	CU_ASSERT_EQUAL(t.result.files[1].mirror, 0);
	CU_ASSERT_EQUAL(t.result.files[1].version, 61);
	CU_ASSERT_EQUAL(t.sweeps, 1);
	CU_ASSERT_EQUAL(own_fds(), before + 2); /* the desk's */
	lab_tear_down();
}

static void it_waits_for_another_candidate(void)
{
	const struct definition_answer of_another = {.detail = "", .generation = 99};
	const struct definition_answer answer = {.detail = "", .generation = 13};

	lab_set_up();
	t.begin_error = -EBUSY;
	lab_bring();
	lab_turn(5);
	CU_ASSERT_EQUAL(t.begun, 1);
	update_check_answered(t.check, &of_another);
	lab_turn(5);
	CU_ASSERT_EQUAL(t.dones, 0);
	t.begin_error = 0;
	lab_turn(1200);
	CU_ASSERT_TRUE(t.begun == 2 && t.added == 2 && t.gone == 1);
	update_check_answered(t.check, &answer);
	lab_turn(5);
	CU_ASSERT_EQUAL(t.dones, 1);
	CU_ASSERT_EQUAL(t.result.generation, 13);
	lab_tear_down();
}

static void a_desk_that_refuses_ends_it(void)
{
	int *const errors[] = {&t.begin_error, &t.add_error, &t.go_error};
	int before;

	for (unsigned i = 0; i < 3; i++) {
		lab_set_up();
		before = own_fds();
		*errors[i] = -ENOSPC;
		lab_bring();
		lab_turn(5);
		CU_ASSERT_EQUAL(t.dones, 1);
		CU_ASSERT_EQUAL(t.result.outcome, UPDATE_NO_SPACE);
		CU_ASSERT_FALSE(t.result.went_well || t.result.was_tried);
		CU_ASSERT_EQUAL(own_fds(), before + (int)t.added);
		lab_tear_down();
	}
}

/* Beside one that is accepted. */
static void refuse(const char *name, enum definition_origin origin)
{
	static struct service_report report; /* large */
	const struct definition_answer answer = {
		.rejection = REJECTION_TRIAL, .detail = "broken", .report = &report};

	report = (struct service_report){.n_files = 2};
	report.files[0] = (struct definition_file){
		.name = "main.cvd", .accepted = true, .origin = DEFINITION_ORIGIN_OFFICIAL};
	report.files[1] = (struct definition_file){.name = name, .origin = origin};
	lab_bring();
	lab_turn(5);
	update_check_answered(t.check, &answer);
	lab_turn(5);
	CU_ASSERT_EQUAL(t.dones, 1);
	CU_ASSERT_EQUAL(t.result.rejection, REJECTION_TRIAL);
	CU_ASSERT_FALSE(t.result.went_well);
}

static void only_the_bad_file_is_blamed_or_all(void)
{
	lab_set_up();
	refuse("daily.cld", DEFINITION_ORIGIN_OFFICIAL);
	CU_ASSERT_FALSE(t.result.files[0].is_blamed);
	CU_ASSERT_TRUE(t.result.files[1].is_blamed);
	refuse("daily.cld", DEFINITION_ORIGIN_CUSTOM); /* the administrator's, of that name */
	CU_ASSERT_TRUE(t.result.files[0].is_blamed && t.result.files[1].is_blamed);
	lab_tear_down();
}

static void what_serves_already_is_no_refusal(void)
{
	const struct definition_answer answer = {.rejection = REJECTION_NOTHING_NEW, .detail = ""};

	lab_set_up();
	lab_bring();
	lab_turn(5);
	update_check_answered(t.check, &answer);
	lab_turn(5);
	CU_ASSERT_TRUE(t.dones == 1 && t.result.went_well);
	CU_ASSERT_EQUAL(t.result.rejection, REJECTION_NONE);
	CU_ASSERT_FALSE(t.result.files[0].is_blamed);
	lab_tear_down();
}

/* What could be had is used, and the failure is told all the same. */
static void half_of_it_is_used_and_no_success(void)
{
	const struct update_end half = {.agrees = true, .outcome = UPDATE_STALLED};
	const struct update_attempt attempt = {
		.database = 1, .mirror = 1, .outcome = UPDATE_STALLED, .detail = "slow"};
	const struct definition_answer answer = {.detail = "", .generation = 13};

	lab_set_up();
	lab_begin_download();
	t.process.on_attempt(t.process_context, &attempt);
	CU_ASSERT_EQUAL(t.attempt_mirror, 0);
	t.report.outcome = UPDATE_STALLED;
	t.report.results[0] =
		(struct update_result){.was_asked = true, .outcome = UPDATE_UPDATED, .bytes = 5};
	t.report.results[1] =
		(struct update_result){.was_asked = true, .outcome = UPDATE_STALLED, .mirror = 1};
	lab_end(&half);
	lab_turn(5);
	CU_ASSERT_TRUE(t.added == 1 && t.gone == 1);
	update_check_answered(t.check, &answer);
	lab_turn(5);
	CU_ASSERT_EQUAL(t.dones, 1);
	CU_ASSERT_EQUAL(t.result.generation, 13);
	CU_ASSERT_EQUAL(t.result.outcome, UPDATE_STALLED);
	CU_ASSERT_FALSE(t.result.went_well);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.result.reason, "daily from http://a: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.result.reason, "slow"));
	lab_tear_down();
}

/* ---- dropped ---- */

static void drop_and_wait(void)
{
	update_check_drop(t.check);
	CU_ASSERT_FALSE(t.is_running || update_check_is_running(t.check));
	lab_turn(5);
	CU_ASSERT_EQUAL(t.dones, 0);
}

static void one_that_is_dropped_tells_nobody(void)
{
	const struct definition_answer late = {.detail = "", .generation = 13};
	int before;

	lab_set_up();
	before = own_fds();
	lab_begin();
	drop_and_wait();
	CU_ASSERT_EQUAL(t.forgets, 1);
	t.prepared(t.prepared_context, open("/", O_PATH | O_CLOEXEC), "");
	lab_begin_download();
	drop_and_wait();
	t.begin_error = -EBUSY;
	lab_bring();
	lab_turn(5);
	drop_and_wait();
	t.begin_error = 0;
	lab_bring();
	lab_turn(5);
	drop_and_wait();
	update_check_answered(t.check, &late);
	lab_turn(5);
	CU_ASSERT_EQUAL(t.dones, 0);
	CU_ASSERT_EQUAL(own_fds(), before + 2); /* the desk's */
	lab_tear_down();
}

static const struct unit_test tests[] = {
	{"without an account nothing is asked, and it is made once",
	 without_an_account_nothing_is_asked},
	{"an account is not made where that is forbidden",
	 an_account_is_not_made_where_that_is_forbidden},
	{"the scan service's account is none", the_scan_services_account_is_none},
	{"it begins with what serves", it_begins_with_what_serves},
	{"a directory that cannot be had is told", a_directory_that_cannot_be_had_is_told},
	{"nothing new is well, and no candidate", nothing_new_is_well_and_no_candidate},
	{"one that dies counts for the mirror that it was at",
	 one_that_dies_counts_for_the_mirror_that_it_was_at},
	{"nothing is taken of one that contradicts itself",
	 nothing_is_taken_of_one_that_contradicts_itself},
	{"a file that is not there is a lie", a_file_that_is_not_there_is_a_lie},
	{"what is brought is tried, and serves", what_is_brought_is_tried_and_serves},
	{"it waits for another candidate", it_waits_for_another_candidate},
	{"a desk that refuses ends it", a_desk_that_refuses_ends_it},
	{"only the bad file is blamed, or all", only_the_bad_file_is_blamed_or_all},
	{"what serves already is no refusal", what_serves_already_is_no_refusal},
	{"half of it is used, and no success", half_of_it_is_used_and_no_success},
	{"one that is dropped tells nobody", one_that_is_dropped_tells_nobody},
};

int main(void)
{
	int status;

	if (uv_loop_init(&t.loop))
		return 1;
	status = unit_main("update_check", tests, sizeof(tests) / sizeof(tests[0]));
	(void)uv_run(&t.loop, UV_RUN_DEFAULT);
	return uv_loop_close(&t.loop) ? 1 : status;
}
