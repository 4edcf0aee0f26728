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
#include "base/fault.h"
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

static struct fault_state some_fault(void)
{
	return (struct fault_state){.id = FAULT_SERVICE_RESTARTING,
				    .active = true,
				    .severity = FAULT_MAJOR,
				    .raised_ms = 1893456000000,
				    .seen_ms = 1893456001000,
				    .count = 7,
				    .detail = "7 failures",
				    .remedy = "Look at them.",
				    .reason = ""};
}

static void an_active_fault_is_told_in_text(void)
{
	struct fault_state fault = some_fault();
	FILE *stream = begin();

	render_text_fault(&(struct text_target){.stream = stream}, &fault, false);
	expect(stream, "6   major     Scan Service Restarting Frequently\n"
		       "    raised     2030-01-01 00:00:00 UTC, seen 7 times\n"
		       "    detail     7 failures\n"
		       "    what to do Look at them.\n");
}

static void a_fault_is_coloured_while_it_is_active(void)
{
	struct fault_state fault = {.id = FAULT_SELINUX,
				    .active = true,
				    .severity = FAULT_CRITICAL,
				    .detail = "",
				    .remedy = "",
				    .reason = ""};
	FILE *stream = begin();

	render_text_fault(&(struct text_target){.stream = stream, .colour = true}, &fault, false);
	fault.active = false;
	render_text_fault(&(struct text_target){.stream = stream, .colour = true}, &fault, false);
	expect(stream, "\033[1;31m19  critical \033[0m SELinux Policy is Missing or Disabled\n"
		       "    detail     -\n"
		       "    what to do -\n"
		       "19  inactive  SELinux Policy is Missing or Disabled\n"
		       "    what to do -\n");
}

static void a_cleared_fault_has_its_history_and_the_guide(void)
{
	const struct fault_entry *entry = fault_of(FAULT_SERVICE_RESTARTING);
	struct fault_state fault = some_fault();
	char text[2000];
	FILE *stream = begin();

	fault.active = false;
	fault.cleared_ms = 1893456060000;
	fault.reason = "calm";
	(void)snprintf(text, sizeof(text),
		       "6   inactive  Scan Service Restarting Frequently\n"
		       "    raised     2030-01-01 00:00:00 UTC, seen 7 times\n"
		       "    detail     7 failures\n"
		       "    what to do Look at them.\n"
		       "    cleared    2030-01-01 00:01:00 UTC\n"
		       "    because    calm\n"
		       "    raised by  %s\n    meanwhile  %s\n    cleared by %s\n",
		       entry->raised, entry->meanwhile, entry->cleared);
	render_text_fault(&(struct text_target){.stream = stream}, &fault, true);
	expect(stream, text);
}

static void faults_are_one_object_in_json(void)
{
	struct fault_state faults[] = {some_fault(),
				       {.id = FAULT_SERVICE_USER,
					.severity = FAULT_MAJOR,
					.detail = "",
					.remedy = "",
					.reason = "put right"}};
	FILE *stream = begin();
	struct json_target target = {.stream = stream};

	CU_ASSERT_TRUE(render_json_faults(&target, faults, 2));
	CU_ASSERT_TRUE(render_json_faults(&target, NULL, 0));
	target.field = "mode";
	CU_ASSERT_TRUE(render_json_faults(&target, faults + 1, 1));
	target.field = "nonsense";
	CU_ASSERT_FALSE(render_json_faults(&target, faults, 2));
	expect(stream,
	       "{\"mode\":\"Degraded\",\"active\":1,\"faults\":[{\"id\":6,"
	       "\"name\":\"Scan Service Restarting Frequently\",\"active\":true,\"severity\":\"major\","
	       "\"raised\":\"2030-01-01T00:00:00.000Z\",\"seen\":\"2030-01-01T00:00:01.000Z\","
	       "\"cleared\":null,\"count\":7,\"detail\":\"7 failures\",\"remedy\":\"Look at them.\","
	       "\"reason\":\"\"},{\"id\":5,\"name\":\"Scan Service User Unavailable\","
	       "\"active\":false,\"severity\":\"major\",\"raised\":null,\"seen\":null,"
	       "\"cleared\":null,\"count\":0,\"detail\":\"\",\"remedy\":\"\","
	       "\"reason\":\"put right\"}]}\n"
	       "{\"mode\":\"Normal\",\"active\":0,\"faults\":[]}\n"
	       "Normal\n");
}

static struct unscannable_report some_unscannable(void)
{
	return (struct unscannable_report){.path = span_of("/p\n\xff", 4),
					   .digest = span_of("\x00\x01\xfe\xff", 4),
					   .device = 2,
					   .inode = 3,
					   .bytes = 2048,
					   .since_ms = 1893456000000,
					   .generation = 7,
					   .spared = 12,
					   .cause = DEATH_DEADLINE};
}

static void an_unscannable_file_is_a_line(void)
{
	struct unscannable_report file = some_unscannable();
	FILE *stream = begin();

	render_text_unscannable(&(struct text_target){.stream = stream}, &file);
	file.digest.len = 0;
	file.spared = 0;
	render_text_unscannable(&(struct text_target){.stream = stream}, &file);
	expect(stream,
	       "2030-01-01 00:00:00 UTC     2.0 KiB  missed its deadline        /p\\n\\xff "
	       "(sha256 0001feff), spared 12 times\n"
	       "2030-01-01 00:00:00 UTC     2.0 KiB  missed its deadline        /p\\n\\xff\n");
}

static void an_unscannable_file_is_an_object_in_json(void)
{
	struct unscannable_report file = some_unscannable();
	FILE *stream = begin();
	struct json_target target = {.stream = stream};

	CU_ASSERT_TRUE(render_json_unscannable(&target, &file));
	file.digest.len = 0;
	target.field = "sha256";
	CU_ASSERT_TRUE(render_json_unscannable(&target, &file));
	expect(stream,
	       "{\"path\":\"/p\\\\n\\\\xff\",\"path_bytes\":\"L3AK/w==\",\"sha256\":\"0001feff\","
	       "\"device\":2,\"inode\":3,\"bytes\":2048,\"since\":\"2030-01-01T00:00:00.000Z\","
	       "\"generation\":7,\"cause\":\"missed its deadline\",\"spared\":12}\n"
	       "null\n");
	CU_ASSERT_TRUE(render_json_knows_unscannable_field("path_bytes"));
	CU_ASSERT_FALSE(render_json_knows_unscannable_field("nonsense"));
}

/* Each event after the other, as text and as one member of its JSON. */
static const struct {
	struct event event;
	const char *text, *field, *value;
} event_rows[] = {
	{{.sequence = 1,
	  .type = EVENT_FAULT_RAISED_MAJOR,
	  .body = EVENT_BODY_FAULT,
	  .fault = {.id = 6,
		    .severity = FAULT_MAJOR,
		    .detail = "why",
		    .remedy = "",
		    .reason = "no"}},
	 "       1  never  warning      Major Fault Raised              "
	 "6 Scan Service Restarting Frequently (major): why\n",
	 "body.fault_severity",
	 "major\n"},
	{{.sequence = 2,
	  .type = EVENT_FAULT_CLEARED,
	  .body = EVENT_BODY_FAULT,
	  .fault = {.id = 5,
		    .severity = FAULT_MAJOR,
		    .detail = "no",
		    .remedy = "",
		    .reason = "calm"}},
	 "       2  never  information  Fault Cleared                   "
	 "5 Scan Service User Unavailable (major): calm\n",
	 "body.reason",
	 "calm\n"},
	{{.sequence = 3,
	  .type = EVENT_FAULTS_ALL_CLEARED,
	  .body = EVENT_BODY_FAULT,
	  .fault = {.detail = "", .remedy = "", .reason = ""}},
	 "       3  never  information  All Faults Cleared              \n",
	 "body.id",
	 "0\n"},
	{{.sequence = 4,
	  .type = EVENT_FILE_UNSCANNABLE,
	  .body = EVENT_BODY_UNSCANNABLE,
	  .unscannable = {.path = {(const uint8_t *)"/p\n", 3},
			  .digest = {(const uint8_t *)"\x0a\xff", 2},
			  .attempts = 2,
			  .cause = DEATH_CRASH}},
	 "       4  never  warning      File Unscannable                "
	 "/p\\n (sha256 0aff), the last of 2 workers died\n",
	 "body.sha256",
	 "0aff\n"},
	{{.sequence = 5,
	  .type = EVENT_WORKER_FAILED,
	  .body = EVENT_BODY_WORKER,
	  .worker = {.worker = 9,
		     .pid = 10,
		     .cause = DEATH_CRASH,
		     .detail = "signal 11",
		     .path = {(const uint8_t *)"/p", 2},
		     .job = 4711,
		     .phase = SCAN_PHASE_SCAN,
		     .digest = {(const uint8_t *)"\x01", 1}}},
	 "       5  never  warning      Scan Worker Failed              "
	 "worker 9, pid 10, died: signal 11; scanned /p (sha256 01), job 4711, scanning\n",
	 "body.phase",
	 "scanning\n"},
};

static void each_event_of_supervision_has_its_words(void)
{
	for (size_t i = 0; i < sizeof(event_rows) / sizeof(event_rows[0]); i++) {
		FILE *stream = begin();

		render_text_event(&(struct text_target){.stream = stream}, &event_rows[i].event);
		expect(stream, event_rows[i].text);
		stream = begin();
		CU_ASSERT_TRUE(render_json_event(
			&(struct json_target){.stream = stream, .field = event_rows[i].field},
			&event_rows[i].event));
		expect(stream, event_rows[i].value);
		CU_ASSERT_TRUE(render_json_knows_event_field(event_rows[i].field));
	}
}

static struct status_report some_status(void)
{
	struct status_report status = {.service_user = "",
				       .service_reason = "",
				       .engine = "",
				       .version = "",
				       .journal_error = "",
				       .failures_window = 5,
				       .failures = {[FAILURE_BEFORE_READY] = 11,
						    [FAILURE_BY_INPUT] = 12,
						    [FAILURE_UNEXPLAINED] = 13},
				       .connector_restarts = 2,
				       .service_replacements = 3,
				       .standby_wanted = true,
				       .standby_pid = 44,
				       .unscannable = 50,
				       .n_faults = 3};

	status.faults[0] = some_fault();
	status.faults[1] = some_fault();
	status.faults[1].id = FAULT_SERVICE_START;
	status.faults[1].severity = FAULT_CRITICAL;
	status.faults[2] = some_fault();
	status.faults[2].id = FAULT_SERVICE_USER;
	status.faults[2].severity = FAULT_MINOR;
	return status;
}

static void expect_field(const struct status_report *status, const char *label, const char *text)
{
	FILE *stream = begin();

	CU_ASSERT_TRUE(render_text_status_field(&(struct text_target){.stream = stream}, status, 0,
						label));
	expect(stream, text);
}

static void a_status_tells_mode_faults_and_failures(void)
{
	struct status_report status = some_status();

	expect_field(&status, "mode", "Degraded\n");
	expect_field(&status, "faults", "1 critical, 1 major, 1 minor\n");
	expect_field(&status, "fault ids", "6, 7, 5\n");
	expect_field(&status, "fault",
		     "ID 6 - Major: 7 failures. Look at them.\n"
		     "ID 7 - Critical: 7 failures. Look at them.\n"
		     "ID 5 - Minor: 7 failures. Look at them.\n");
	expect_field(&status, "failures",
		     "5 in the window; 11 before ready, 12 by input, 13 unexplained in all\n");
	expect_field(&status, "restarts", "connector 2 in place, scan service 3 replaced\n");
	expect_field(&status, "standby", "not ready, pid 44\n");
	expect_field(&status, "unscannable", "50 files (ampcli unscannable)\n");
	status.n_faults = 0;
	expect_field(&status, "mode", "Normal\n");
	expect_field(&status, "fault ids", "none\n");
	expect_field(&status, "faults", "0 critical, 0 major, 0 minor\n");
}

static void every_fault_of_the_catalogue_can_be_active(void)
{
	struct status_report status = some_status();
	FILE *stream = begin();

	for (status.n_faults = 0; status.n_faults < FAULT_COUNT; status.n_faults++) {
		status.faults[status.n_faults] = some_fault();
		status.faults[status.n_faults].id = fault_at(status.n_faults)->id;
	}
	CU_ASSERT_TRUE(render_text_status_field(&(struct text_target){.stream = stream}, &status, 0,
						"Fault IDs"));
	expect(stream, "5, 6, 7, 8, 9, 11, 16, 18, 19\n");
}

static void a_status_has_its_faults_in_json(void)
{
	struct status_report status = some_status();
	static const struct {
		const char *field, *value;
	} rows[] = {
		{"mode", "Degraded\n"},
		{"restarts", "2\n"},
		{"unscannable", "50\n"},
		{"scan_service.failures_in_window", "5\n"},
		{"scan_service.failures.by input", "12\n"},
		{"scan_service.replacements", "3\n"},
		{"scan_service.standby", "{\"wanted\":true,\"ready\":false,\"pid\":44}\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *stream = begin();

		CU_ASSERT_TRUE(render_json_status(&(struct json_target){.stream = stream,
									.field = rows[i].field},
						  &status, 0));
		expect(stream, rows[i].value);
	}
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
	{"an active fault is told in text", an_active_fault_is_told_in_text},
	{"a fault is coloured while it is active", a_fault_is_coloured_while_it_is_active},
	{"a cleared fault has its history and the guide",
	 a_cleared_fault_has_its_history_and_the_guide},
	{"faults are one object in JSON", faults_are_one_object_in_json},
	{"an unscannable file is a line", an_unscannable_file_is_a_line},
	{"an unscannable file is an object in JSON", an_unscannable_file_is_an_object_in_json},
	{"each event of supervision has its words", each_event_of_supervision_has_its_words},
	{"a status tells mode, faults and failures", a_status_tells_mode_faults_and_failures},
	{"every fault of the catalogue can be active", every_fault_of_the_catalogue_can_be_active},
	{"a status has its faults in JSON", a_status_has_its_faults_in_json},
};

UNIT_MAIN("render", tests)
