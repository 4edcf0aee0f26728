/* SPDX-License-Identifier: GPL-2.0-only */
/* The roll call of a trial: reports that leave out, repeat and invent files, held against what was staged. */
#include "ampdaemon/trial_roll.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "tests/support/unit_main.h"

static struct definition_manifest manifest;
static struct service_report report;
static char why[LIMIT_REASON_BYTES];

static void stage(const char *path)
{
	struct manifest_entry entry = {.bytes = 1};

	strcpy(entry.path, path);
	CU_ASSERT_EQUAL_FATAL(definition_manifest_add(&manifest, &entry), 0);
}

static struct definition_file *speak(const char *name, enum definition_origin origin,
				     const char *database)
{
	const struct definition_file file = {.name = name,
					     .accepted = true,
					     .reason = "",
					     .signatures = 10,
					     .origin = origin,
					     .database = database};

	service_report_file(&report, &file);
	report.ready.signatures += 10;
	return &report.files[report.n_files - 1];
}

/* Two official ones, the signature beside one, one of the administrator's; the trial has not spoken yet. */
static void begin(void)
{
	memset(&manifest, 0, sizeof(manifest));
	memset(&report, 0, sizeof(report));
	stage("daily.cvd");
	stage("daily.cvd.sign");
	stage("main.cld");
	stage("custom/own.ndb");
	speak("canary.ndb", DEFINITION_ORIGIN_BUILTIN, "");
}

static struct definition_file *speak_of_all(void)
{
	begin();
	speak("main.cld", DEFINITION_ORIGIN_OFFICIAL, "main");
	speak("own.ndb", DEFINITION_ORIGIN_CUSTOM, "");
	return speak("daily.cvd", DEFINITION_ORIGIN_OFFICIAL, "daily");
}

static int call(void)
{
	int r = trial_roll_call(&manifest, &report, why);

	CU_ASSERT(r == 0 || (r == -EBADMSG && why[0]));
	return r;
}

static void all_of_the_set_is_fine(void)
{
	(void)speak_of_all();
	CU_ASSERT_EQUAL(call(), 0);
}

static void what_the_loader_passes_over_need_not_be_told(void)
{
	begin();
	stage("custom/own.ndu");
	speak("main.cld", DEFINITION_ORIGIN_OFFICIAL, "main");
	speak("daily.cvd", DEFINITION_ORIGIN_OFFICIAL, "daily");
	CU_ASSERT_EQUAL(call(), 0);
}

static void the_canary_alone_is_no_set(void)
{
	begin();
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "daily.cvd 0 times"));
}

static void an_official_one_left_out_is_missed(void)
{
	begin();
	speak("daily.cvd", DEFINITION_ORIGIN_OFFICIAL, "daily");
	speak("own.ndb", DEFINITION_ORIGIN_CUSTOM, "");
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "main.cld 0 times"));
	/* Nor is it told of as somebody else's. */
	speak("main.cld", DEFINITION_ORIGIN_CUSTOM, "main");
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	report.files[report.n_files - 1].origin = DEFINITION_ORIGIN_BUILTIN;
	CU_ASSERT_EQUAL(call(), -EBADMSG);
}

static void each_is_told_once(void)
{
	(void)speak_of_all();
	speak("daily.cvd", DEFINITION_ORIGIN_OFFICIAL, "daily");
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	(void)speak_of_all();
	speak("own.ndb", DEFINITION_ORIGIN_CUSTOM, "");
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "own.ndb more than once"));
	(void)speak_of_all();
	speak("canary.ndb", DEFINITION_ORIGIN_BUILTIN, "");
	CU_ASSERT_EQUAL(call(), -EBADMSG);
}

static void what_was_not_staged_is_no_part_of_it(void)
{
	static const struct {
		const char *name;
		enum definition_origin origin;
	} strangers[] = {
		{"bytecode.cvd", DEFINITION_ORIGIN_OFFICIAL},
		{"daily.cld", DEFINITION_ORIGIN_OFFICIAL},
		{"own.ndb", DEFINITION_ORIGIN_OFFICIAL},
		{"other.ndb", DEFINITION_ORIGIN_CUSTOM},
		{"../own.ndb", DEFINITION_ORIGIN_CUSTOM},
		{"custom/own.ndb", DEFINITION_ORIGIN_OFFICIAL},
		{"daily.cvd", DEFINITION_ORIGIN_CUSTOM},
	};

	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		(void)speak_of_all();
		speak(strangers[i].name, strangers[i].origin, "bytecode");
		CU_ASSERT_EQUAL(call(), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "not in the set"));
	}
}

static void an_accepted_one_is_its_database_and_has_signatures(void)
{
	static const char *const databases[] = {"",       "main",  "dail",
						"daily.", "Daily", "dailydaily"};

	for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
		speak_of_all()->database = databases[i];
		CU_ASSERT_EQUAL(call(), -EBADMSG);
	}
	speak_of_all()->signatures = 0;
	report.ready.signatures -= 10;
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	/* One that was refused is told of as it is: it is judged elsewhere. */
	speak_of_all()->signatures = 0;
	report.ready.signatures -= 10;
	report.files[report.n_files - 1].accepted = false;
	report.files[report.n_files - 1].database = "";
	CU_ASSERT_EQUAL(call(), 0);
}

static void a_sum_is_that_of_its_parts(void)
{
	(void)speak_of_all();
	report.ready.signatures++;
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	report.ready.signatures = UINT64_MAX;
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	(void)speak_of_all();
	for (unsigned i = 0; i < report.n_files; i++)
		report.files[i].signatures = UINT32_MAX;
	report.ready.signatures = 4 * (uint64_t)UINT32_MAX;
	CU_ASSERT_EQUAL(call(), 0);
}

static void its_time_is_that_of_the_newest_official_one(void)
{
	speak_of_all()->built = 7;
	report.files[1].built = 5;
	report.files[2].built = 9; /* the administrator's */
	report.ready.built = 7;
	CU_ASSERT_EQUAL(call(), 0);
	report.ready.built = 9;
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	report.ready.built = 0;
	CU_ASSERT_EQUAL(call(), -EBADMSG);
	report.ready.built = 5;
	report.files[3].accepted = false;
	CU_ASSERT_EQUAL(call(), 0);
}

static const struct unit_test tests[] = {
	{"all of the set is fine", all_of_the_set_is_fine},
	{"what the loader passes over need not be told",
	 what_the_loader_passes_over_need_not_be_told},
	{"the canary alone is no set", the_canary_alone_is_no_set},
	{"an official one left out is missed", an_official_one_left_out_is_missed},
	{"each is told once", each_is_told_once},
	{"what was not staged is no part of it", what_was_not_staged_is_no_part_of_it},
	{"an accepted one is its database and has signatures",
	 an_accepted_one_is_its_database_and_has_signatures},
	{"a sum is that of its parts", a_sum_is_that_of_its_parts},
	{"its time is that of the newest official one",
	 its_time_is_that_of_the_newest_official_one},
};

UNIT_MAIN("trial_roll", tests)
