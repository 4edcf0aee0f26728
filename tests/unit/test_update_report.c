/* SPDX-License-Identifier: GPL-2.0-only */
/* An updater that was taken over may send any sound message: what contradicts the order, the others or the clock is refused. */
#include "wire/update_report.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "base/exit_code.h"
#include "tests/support/unit_main.h"

static const struct update_start start = {
	.uid = 995,
	.gid = 994,
	.max_file_bytes = 1000,
	.deadline_ms = 60000,
	.dns = "",
	.n_databases = 2,
	.databases = {"main", "daily"},
	.n_mirrors = 2,
	.mirrors = {{.url = "http://a"}, {.url = "http://b"}},
	.proxy = {.url = "", .user = "", .password = ""},
};

static struct update_report report;
static const char *why;

static int take(const struct from_updater *message)
{
	why = NULL;
	return update_report_take(&report, message, false, 1000, &why);
}

static int greet(uint32_t protocol, uint32_t uid, uint32_t gid, enum wall_state state)
{
	struct from_updater message = {
		.kind = FROM_UPDATER_HELLO,
		.hello = {.protocol = protocol, .library = "", .uid = uid, .gid = gid}};

	message.hello.n_walls = 1;
	message.hello.walls[0] =
		(struct wall_report){.id = WALL_SECCOMP, .state = state, .detail = ""};
	update_report_init(&report, &start);
	return take(&message);
}

static void begin(void)
{
	CU_ASSERT_EQUAL(greet(UPDATE_PROTOCOL_VERSION, 995, 994, WALL_STATE_UP), 0);
}

static int tell(uint32_t database, uint32_t mirror, enum update_outcome outcome, const char *file)
{
	const struct from_updater message = {.kind = FROM_UPDATER_ATTEMPT,
					     .attempt = {.database = database,
							 .mirror = mirror,
							 .outcome = outcome,
							 .wait_s = outcome == UPDATE_WAIT,
							 .file = file,
							 .version = file[0] ? 7 : 0,
							 .bytes = file[0] ? 1000 : 0,
							 .detail = ""}};

	return take(&message);
}

static int end(enum update_outcome outcome, uint32_t updated)
{
	const struct from_updater message = {.kind = FROM_UPDATER_FINISHED,
					     .finished = {.outcome = outcome, .updated = updated}};

	return take(&message);
}

static void an_honest_check_is_taken(void)
{
	char name[UPDATE_REPORT_FILE_BYTES];

	begin();
	CU_ASSERT_EQUAL(tell(0, 1, UPDATE_CUT, ""), 0);
	CU_ASSERT_EQUAL(tell(0, 0, UPDATE_UPDATED, "main.cld"), 0);
	CU_ASSERT_EQUAL(tell(1, 0, UPDATE_UPDATED, "daily.cvd"), 0);
	CU_ASSERT_FALSE(update_report_agrees(&report, EXIT_CODE_OK)); /* it has not finished */
	CU_ASSERT_EQUAL(end(UPDATE_UPDATED, 2), 0);
	CU_ASSERT_TRUE(update_report_agrees(&report, EXIT_CODE_OK));
	CU_ASSERT_FALSE(update_report_agrees(&report, UPDATE_EXIT_BASE + UPDATE_CUT));
	CU_ASSERT_FALSE(update_report_agrees(&report, -1));
	CU_ASSERT_TRUE(update_report_file(&report, 0, name));
	CU_ASSERT_STRING_EQUAL(name, "main.cld");
	CU_ASSERT_TRUE(update_report_file(&report, 1, name));
	CU_ASSERT_STRING_EQUAL(name, "daily.cvd");
	CU_ASSERT_FALSE(update_report_file(&report, 2, name));
	CU_ASSERT_EQUAL(report.results[0].mirror, 0);
	CU_ASSERT_EQUAL(report.results[0].version, 7);
}

static void what_could_be_had_counts_when_another_failed(void)
{
	char name[UPDATE_REPORT_FILE_BYTES];

	begin();
	CU_ASSERT_EQUAL(tell(0, 0, UPDATE_CUT, ""), 0);
	CU_ASSERT_EQUAL(tell(0, 1, UPDATE_NOT_FOUND, ""), 0);
	CU_ASSERT_EQUAL(tell(1, 1, UPDATE_UPDATED, "daily.cvd"), 0);
	CU_ASSERT_EQUAL(end(UPDATE_NOT_FOUND, 1), 0);
	CU_ASSERT_TRUE(update_report_agrees(&report, UPDATE_EXIT_BASE + UPDATE_NOT_FOUND));
	CU_ASSERT_FALSE(update_report_file(&report, 0, name));
	CU_ASSERT_TRUE(update_report_file(&report, 1, name));
}

static void a_greeting_of_somebody_else_is_refused(void)
{
	CU_ASSERT_EQUAL(greet(UPDATE_PROTOCOL_VERSION + 1, 995, 994, WALL_STATE_UP), -EPROTO);
	CU_ASSERT_EQUAL(greet(UPDATE_PROTOCOL_VERSION, 0, 994, WALL_STATE_UP), -EPROTO);
	CU_ASSERT_EQUAL(greet(UPDATE_PROTOCOL_VERSION, 995, 0, WALL_STATE_UP), -EPROTO);
	CU_ASSERT_EQUAL(greet(UPDATE_PROTOCOL_VERSION, 995, 994, WALL_STATE_BREACHED), -EPROTO);
	CU_ASSERT_STRING_EQUAL(why, "a wall that does not hold");
	CU_ASSERT_EQUAL(greet(UPDATE_PROTOCOL_VERSION, 995, 994, WALL_STATE_MISSING), 0);
}

static const struct {
	const char *why;
	uint32_t database, mirror;
	enum update_outcome outcome;
	const char *file;
} lies[] = {
	/* each after {1, 1, stalled} */
	{"an attempt at what was not asked for", 2, 0, UPDATE_CUT, ""},
	{"an attempt at what was not asked for", 1, 2, UPDATE_CUT, ""},
	{"a database that was done with", 0, 0, UPDATE_CUT, ""},
	{"a second answer of one mirror", 1, 1, UPDATE_CUT, ""},
	{"the file of another database", 1, 0, UPDATE_UPDATED, "main.cvd"},
	{"the file of another database", 1, 0, UPDATE_UPDATED, "dail.cvd"},
	{"the file of another database", 1, 0, UPDATE_UPDATED, "daily2.cvd"},
	{"the file of another database", 1, 0, UPDATE_UPDATED, "daily.cvd.cvd"},
	{"the file of another database", 1, 0, UPDATE_UPDATED, "daily.cud"},
};

static void a_lie_is_refused_and_nothing_is_taken_after_it(void)
{
	char name[UPDATE_REPORT_FILE_BYTES];

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		begin();
		CU_ASSERT_EQUAL(tell(0, 0, UPDATE_UPDATED, "main.cvd"), 0);
		CU_ASSERT_EQUAL(tell(1, 1, UPDATE_STALLED, ""), 0);
		CU_ASSERT_TRUE(update_report_file(&report, 0, name));
		CU_ASSERT_EQUAL(tell(lies[i].database, lies[i].mirror, lies[i].outcome,
				     lies[i].file),
				-EPROTO);
		CU_ASSERT_STRING_EQUAL(why, lies[i].why);
		CU_ASSERT_FALSE(update_report_file(&report, 0, name));
		CU_ASSERT_EQUAL(end(UPDATE_STALLED, 1), -EPROTO);
		CU_ASSERT_FALSE(update_report_agrees(&report, UPDATE_EXIT_BASE + UPDATE_STALLED));
	}
}

static void after_a_success_no_other_mirror_is_told_of(void)
{
	begin();
	CU_ASSERT_EQUAL(tell(0, 0, UPDATE_NOTHING_NEW, ""), 0);
	CU_ASSERT_EQUAL(tell(0, 1, UPDATE_UPDATED, "main.cvd"), -EPROTO);
	begin();
	CU_ASSERT_EQUAL(tell(0, 0, UPDATE_NO_SPACE, ""), 0);
	CU_ASSERT_EQUAL(tell(0, 1, UPDATE_UPDATED, "main.cvd"), -EPROTO);
}

static void a_file_over_the_limit_is_refused(void)
{
	struct from_updater message = {.kind = FROM_UPDATER_ATTEMPT,
				       .attempt = {.outcome = UPDATE_UPDATED,
						   .file = "main.cvd",
						   .bytes = 1001,
						   .detail = ""}};

	begin();
	CU_ASSERT_EQUAL(take(&message), -EPROTO);
	message.attempt.bytes = UINT64_MAX;
	begin();
	CU_ASSERT_EQUAL(take(&message), -EPROTO);
}

static const struct {
	enum update_outcome outcome;
	uint32_t updated;
	int result;
} ends[] = {
	/* after {updated, cut} */
	{UPDATE_CUT, 1, 0},           {UPDATE_CUT, 0, -EPROTO},         {UPDATE_CUT, 2, -EPROTO},
	{UPDATE_UPDATED, 1, -EPROTO}, {UPDATE_NOTHING_NEW, 1, -EPROTO}, {UPDATE_LATE, 1, -EPROTO},
};

static void an_end_follows_from_the_attempts(void)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		begin();
		CU_ASSERT_EQUAL(tell(0, 0, UPDATE_UPDATED, "main.cvd"), 0);
		CU_ASSERT_EQUAL(tell(1, 0, UPDATE_CUT, ""), 0);
		CU_ASSERT_EQUAL(end(ends[i].outcome, ends[i].updated), ends[i].result);
	}
	begin();
	CU_ASSERT_EQUAL(tell(0, 0, UPDATE_NOTHING_NEW, ""), 0);
	CU_ASSERT_EQUAL(end(UPDATE_NOTHING_NEW, 0), -EPROTO); /* the second was not asked for */
}

static void words_are_for_their_time(void)
{
	struct from_updater progress = {.kind = FROM_UPDATER_PROGRESS};
	unsigned taken = 0;

	update_report_init(&report, &start);
	CU_ASSERT_EQUAL(take(&progress), -EPROTO); /* before the greeting */
	begin();
	while (taken < 1000 && take(&progress) == 0)
		taken++;
	CU_ASSERT(taken >= 20 && taken < 30); /* in its first second */
	CU_ASSERT_STRING_EQUAL(why, "more progress than time");
	begin();
	for (unsigned second = 1; second < 100000; second++) {
		if (update_report_take(&report, &progress, false, second * 1000, &why) < 0)
			CU_FAIL_FATAL("one each second is what was promised");
	}
	progress.progress.mirror = 2;
	CU_ASSERT_EQUAL(take(&progress), -EPROTO);
}

static void a_descriptor_or_words_after_the_end_are_refused(void)
{
	const struct from_updater failed = {.kind = FROM_UPDATER_FAILED, .failed = {.reason = ""}};
	const struct from_updater progress = {.kind = FROM_UPDATER_PROGRESS};

	begin();
	CU_ASSERT_EQUAL(update_report_take(&report, &progress, true, 1000, &why), -EPROTO);
	begin();
	CU_ASSERT_EQUAL(take(&failed), 0);
	CU_ASSERT_FALSE(update_report_agrees(&report, EXIT_CODE_OK));
	CU_ASSERT_EQUAL(take(&progress), -EPROTO);
}

static const struct unit_test tests[] = {
	{"an honest check is taken", an_honest_check_is_taken},
	{"what could be had counts when another failed",
	 what_could_be_had_counts_when_another_failed},
	{"a greeting of somebody else is refused", a_greeting_of_somebody_else_is_refused},
	{"a lie is refused, and nothing is taken after it",
	 a_lie_is_refused_and_nothing_is_taken_after_it},
	{"after a success no other mirror is told of", after_a_success_no_other_mirror_is_told_of},
	{"a file over the limit is refused", a_file_over_the_limit_is_refused},
	{"an end follows from the attempts", an_end_follows_from_the_attempts},
	{"words are for their time", words_are_for_their_time},
	{"a descriptor, or words after the end, are refused",
	 a_descriptor_or_words_after_the_end_are_refused},
};

UNIT_MAIN("update_report", tests)
