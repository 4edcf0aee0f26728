/* SPDX-License-Identifier: GPL-2.0-only */
/* What ampcli writes, letter by letter: text, JSON Lines, the progress line; and the words of a line of commands. */
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "ampcli/amounts.h"
#include "ampcli/progress.h"
#include "ampcli/prompt.h"
#include "ampcli/render_json.h"
#include "ampcli/render_text.h"
#include "tests/support/unit_main.h"

static char *written;
static size_t written_len;

static FILE *begin(void)
{
	return open_memstream(&written, &written_len);
}

static void expect(FILE *stream, const char *text)
{
	(void)fclose(stream); /* of memory */
	CU_ASSERT_STRING_EQUAL(written, text);
	if (strcmp(written, text) != 0)
		(void)fprintf(stderr, "got:      %sexpected: %s", written, text);
	free(written);
	written = NULL;
}

static const char *const threats[] = {"Eicar-Test", "Amp.Two"};

static struct scan_line odd_line(void)
{
	return (struct scan_line){.path = span_of("/a/\033[2J\n\xff", 9),
				  .verdict = VERDICT_INFECTED,
				  .detail = "",
				  .n_threats = 2,
				  .threats = threats,
				  .generation = 7,
				  .bytes = 68,
				  .us = 1250};
}

static void a_hostile_name_is_escaped_in_text(void)
{
	struct scan_line line = odd_line();
	FILE *stream = begin();

	render_text_scan_line(&(struct text_target){.stream = stream}, &line);
	expect(stream, "INFECTED     /a/\\x1b[2J\\n\\xff  (Eicar-Test, Amp.Two)\n");
}

static void colour_is_around_the_verdict_only(void)
{
	struct scan_line line = odd_line();
	FILE *stream = begin();

	render_text_scan_line(&(struct text_target){.stream = stream, .colour = true}, &line);
	expect(stream,
	       "\033[1;31mINFECTED   \033[0m  /a/\\x1b[2J\\n\\xff  (Eicar-Test, Amp.Two)\n");
}

static void a_reason_is_said_in_words_with_its_detail(void)
{
	struct scan_line line = {.path = span_of_text("/f"),
				 .verdict = VERDICT_NOT_SCANNED,
				 .reason = SCAN_REASON_NOT_PERMITTED,
				 .detail = "Permission denied"};
	FILE *stream = begin();

	render_text_scan_line(&(struct text_target){.stream = stream}, &line);
	expect(stream, "NOT_SCANNED  /f  (no permission to read it: Permission denied)\n");
}

static void a_path_that_is_not_utf8_has_its_bytes_beside_it(void)
{
	struct scan_line line = odd_line();
	FILE *stream = begin();

	CU_ASSERT_TRUE(render_json_scan_line(&(struct json_target){.stream = stream}, &line));
	expect(stream,
	       "{\"path\":\"/a/\\\\x1b[2J\\\\n\\\\xff\",\"path_bytes\":\"L2EvG1sySgr/\","
	       "\"verdict\":\"INFECTED\",\"threats\":[\"Eicar-Test\",\"Amp.Two\"],\"reason\":null,"
	       "\"generation\":7,\"bytes\":68,\"ms\":1.25}\n");
}

static void a_path_in_utf8_stays_as_it_is_in_json(void)
{
	struct scan_line line = {.path = span_of_text("/\xc3\xa9\n"),
				 .verdict = VERDICT_INCOMPLETE,
				 .reason = SCAN_REASON_LIMIT_TIME};
	FILE *stream = begin();

	CU_ASSERT_TRUE(render_json_scan_line(&(struct json_target){.stream = stream}, &line));
	expect(stream, "{\"path\":\"/\xc3\xa9\\n\",\"verdict\":\"INCOMPLETE\",\"threats\":[],"
		       "\"reason\":\"limit-time\",\"generation\":0,\"bytes\":0,\"ms\":0.0}\n");
}

static struct scan_tally some_tally(void)
{
	struct scan_tally tally = {.ms = 2000};

	for (unsigned verdict = VERDICT_CLEAN; verdict < VERDICT_COUNT; verdict++)
		scan_tally_add(&tally, &(struct scan_line){.verdict = verdict, .bytes = 1024});
	return tally;
}

static void the_summary_adds_up_in_text_and_json(void)
{
	struct scan_tally tally = some_tally();
	FILE *stream = begin();

	tally.mounts = 1;
	render_text_scan_summary(&(struct text_target){.stream = stream}, &tally);
	(void)render_json_scan_summary(&(struct json_target){.stream = stream}, &tally);
	expect(stream,
	       "6 files: 1 clean, 1 infected, 1 incomplete, 1 error, 1 failed, 1 not scanned\n"
	       "5.0 KiB in 2.0 s, 2.5 KiB/s, 3 files/s\n"
	       "Left out: 0 symbolic links, 0 special files, 1 directories of other file systems "
	       "(--cross scans them)\n"
	       "{\"summary\":{\"files\":6,\"clean\":1,\"infected\":1,\"incomplete\":1,\"error\":1,"
	       "\"failed\":1,\"not_scanned\":1,\"bytes\":5120,\"seconds\":2.0,\"cached\":0}}\n");
}

static void a_field_is_plain_text_and_an_unknown_one_is_told(void)
{
	struct scan_tally tally = some_tally();
	FILE *stream = begin();
	struct json_target target = {.stream = stream, .field = "summary.files"};

	CU_ASSERT_TRUE(render_json_scan_summary(&target, &tally));
	target.field = "summary.nonsense";
	CU_ASSERT_FALSE(render_json_scan_summary(&target, &tally));
	expect(stream, "6\n");
	CU_ASSERT_TRUE(render_json_knows_scan_field("path_bytes"));
	CU_ASSERT_TRUE(render_json_knows_event_field("body.threats"));
	CU_ASSERT_FALSE(render_json_knows_event_field("body.nonsense"));
}

static void the_exit_code_follows_the_spec(void)
{
	const struct failure none = {.exit = CLI_EXIT_OK}, refused = {.exit = CLI_EXIT_REFUSED};
	struct scan_tally tally = {0};

	CU_ASSERT_EQUAL(scan_tally_exit(&tally, &none), CLI_EXIT_OK);
	CU_ASSERT_EQUAL(scan_tally_exit(&tally, &refused), CLI_EXIT_REFUSED);
	scan_tally_add(&tally, &(struct scan_line){.verdict = VERDICT_CLEAN});
	CU_ASSERT_EQUAL(scan_tally_exit(&tally, &none), CLI_EXIT_OK);
	tally.stopped = true;
	CU_ASSERT_EQUAL(scan_tally_exit(&tally, &none), CLI_EXIT_NOT_ALL_SCANNED);
	tally = some_tally();
	CU_ASSERT_EQUAL(scan_tally_exit(&tally, &refused), CLI_EXIT_THREAT);
}

static void every_verdict_that_is_not_clean_is_not_exit_0(void)
{
	const struct failure none = {.exit = CLI_EXIT_OK};

	for (unsigned verdict = VERDICT_CLEAN + 1; verdict < VERDICT_COUNT; verdict++) {
		struct scan_tally tally = {0};

		scan_tally_add(&tally, &(struct scan_line){.verdict = verdict});
		CU_ASSERT_NOT_EQUAL(scan_tally_exit(&tally, &none), CLI_EXIT_OK);
	}
}

static void the_time_left_is_told_when_it_is_known(void)
{
	struct progress_view view = {.files = 100, .bytes = 0, .ms = 1000};
	char line[200];

	CU_ASSERT_STRING_EQUAL(progress_format(&view, line, sizeof(line)),
			       "100 files, 0 B, 100 files/s, 0 B/s, time left unknown");
	view.has_total = true;
	view.total_files = 400;
	CU_ASSERT_STRING_EQUAL(progress_format(&view, line, sizeof(line)),
			       "100 files, 0 B, 100 files/s, 0 B/s, 3.0 s left (25 %)");
	view.total_files = 50;
	CU_ASSERT_STRING_EQUAL(progress_format(&view, line, sizeof(line)),
			       "100 files, 0 B, 100 files/s, 0 B/s, time left unknown");
}

static void amounts_change_their_unit_at_its_border(void)
{
	char out[AMOUNT_TEXT];

	CU_ASSERT_STRING_EQUAL(amount_of_bytes(1023, out), "1023 B");
	CU_ASSERT_STRING_EQUAL(amount_of_bytes(1024, out), "1.0 KiB");
	CU_ASSERT_STRING_EQUAL(amount_of_bytes(1048575, out), "1.0 MiB");
	CU_ASSERT_STRING_EQUAL(amount_of_bytes(UINT64_MAX, out), "16.0 EiB");
	CU_ASSERT_STRING_EQUAL(amount_of_time(59999, out), "60.0 s");
	CU_ASSERT_STRING_EQUAL(amount_of_time(60000, out), "1 min 0 s");
	CU_ASSERT_STRING_EQUAL(amount_of_utc(0, out), "never");
	CU_ASSERT_STRING_EQUAL(amount_of_utc(1893456000000, out), "2030-01-01 00:00:00 UTC");
}

static void a_line_of_commands_is_split_and_nothing_is_expanded(void)
{
	char line[] = "scan  custom '/a b' \"c\\\"d\" e\\ f $(g) # rest\n", open[] = "scan 'x";
	char *words[PROMPT_WORDS + 1];

	CU_ASSERT_EQUAL_FATAL(prompt_split(line, words), 6);
	CU_ASSERT_STRING_EQUAL(words[2], "/a b");
	CU_ASSERT_STRING_EQUAL(words[3], "c\"d");
	CU_ASSERT_STRING_EQUAL(words[4], "e f");
	CU_ASSERT_STRING_EQUAL(words[5], "$(g)");
	CU_ASSERT_PTR_NULL(words[6]);
	CU_ASSERT_EQUAL(prompt_split(open, words), -1);
}

static const struct unit_test tests[] = {
	{"a hostile name is escaped in text", a_hostile_name_is_escaped_in_text},
	{"colour is around the verdict only", colour_is_around_the_verdict_only},
	{"a reason is said in words with its detail", a_reason_is_said_in_words_with_its_detail},
	{"a path that is not UTF-8 has its bytes beside it",
	 a_path_that_is_not_utf8_has_its_bytes_beside_it},
	{"a path in UTF-8 stays as it is in JSON", a_path_in_utf8_stays_as_it_is_in_json},
	{"the summary adds up in text and JSON", the_summary_adds_up_in_text_and_json},
	{"a field is plain text and an unknown one is told",
	 a_field_is_plain_text_and_an_unknown_one_is_told},
	{"the exit code follows the spec", the_exit_code_follows_the_spec},
	{"every verdict that is not clean is not exit 0",
	 every_verdict_that_is_not_clean_is_not_exit_0},
	{"the time left is told when it is known", the_time_left_is_told_when_it_is_known},
	{"amounts change their unit at its border", amounts_change_their_unit_at_its_border},
	{"a line of commands is split and nothing is expanded",
	 a_line_of_commands_is_split_and_nothing_is_expanded},
};

UNIT_MAIN("render", tests)
