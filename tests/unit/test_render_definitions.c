/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of the definitions, and what became of them, for people and as JSON. */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampcli/render_json.h"
#include "ampcli/render_text.h"
#include "base/definition_age.h"
#include "base/update_outcome.h"
#include "tests/support/unit_main.h"

#define BUILT 1624397640u /* 2021-06-22 21:34 */

static const struct status_report status = {
	.generation = 7,
	.signatures = 4000014,
	.n_files = 3,
	.files = {{.name = "main.cvd",
		   .accepted = true,
		   .reason = "",
		   .version = 62,
		   .signatures = 4000000,
		   .built = BUILT},
		  {.name = "own.ndb", .accepted = true, .reason = "", .signatures = 14},
		  {.name = "d\033.cvd", .reason = "cut \033[2J", .version = 3, .built = BUILT}}};

static char *text;
static size_t text_len;

static FILE *begin(void)
{
	FILE *stream = open_memstream(&text, &text_len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	return stream;
}

static void expect(FILE *stream, const char *expected)
{
	(void)fclose(stream);
	CU_ASSERT_STRING_EQUAL(text, expected);
	free(text);
}

static void they_are_a_table(void)
{
	FILE *stream = begin();

	render_text_definitions(&(struct text_target){.stream = stream}, &status,
				(BUILT + 90000ull) * 1000);
	expect(stream,
	       "Generation 7, 4000014 signatures in all\n"
	       "DATABASE  VERSION  SIGNATURES  BUILT                 AGE      STATE\n"
	       "main      62       4000000     2021-06-22 21:34 UTC  1 d 1 h  active\n"
	       "own       -        14          -                     -        active\n"
	       "d\\x1b     3        0           2021-06-22 21:34 UTC  1 d 1 h  refused: cut \\x1b[2J\n");
}

static void a_clock_before_the_build_is_said(void)
{
	struct status_report one = status;
	FILE *stream = begin();

	one.n_files = 1;
	one.builtin = true;
	render_text_definitions(&(struct text_target){.stream = stream}, &one, 1000);
	expect(stream,
	       "Generation 7 (built-in), 4000014 signatures in all\n"
	       "DATABASE  VERSION  SIGNATURES  BUILT                 AGE            STATE\n"
	       "main      62       4000000     2021-06-22 21:34 UTC  in the future  active\n");
}

#define DAY_S 86400ull
#define NOW_MS ((BUILT + 4 * DAY_S) * 1000)

static struct status_report of_age(enum definition_age age)
{
	struct status_report one = status;

	one.n_files = 0;
	one.version = one.service_reason = one.service_user = one.engine = one.journal_error = "";
	one.definitions_built = BUILT;
	one.age_state = age;
	one.age_limit_s = 3 * DAY_S;
	return one;
}

static void old_ones_are_red_on_a_terminal_only(void)
{
	static const struct {
		enum definition_age age;
		bool colour;
		const char *list;
	} rows[] = {
		{DEFINITION_AGE_OLD, true,
		 "Generation 7, 4000014 signatures in all, \033[1;31mold (the limit is 3 d 0 h)\033[0m\n"},
		{DEFINITION_AGE_OLD, false,
		 "Generation 7, 4000014 signatures in all, old (the limit is 3 d 0 h)\n"},
		{DEFINITION_AGE_OK, true, "Generation 7, 4000014 signatures in all\n"},
		{DEFINITION_AGE_UNKNOWN, true, "Generation 7, 4000014 signatures in all\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct status_report one = of_age(rows[i].age);
		FILE *stream = begin();

		render_text_definitions(&(struct text_target){.stream = stream,
							      .colour = rows[i].colour},
					&one, NOW_MS);
		(void)fclose(stream);
		*strchr(text, 'D') = '\0'; /* the head of the table */
		CU_ASSERT_STRING_EQUAL(text, rows[i].list);
		free(text);
	}
}

static void the_status_is_red_where_they_are_old(void)
{
	static const char *const line =
		"Definitions Age:  4 d 0 h (built 2021-06-22 21:34:00 UTC): OUT OF DATE, the limit is 3 d 0 h\n";
	char red[200];
	struct status_report one = of_age(DEFINITION_AGE_OLD);

	(void)snprintf(red, sizeof(red), "\033[1;31m%s\033[0m", line);
	for (int colour = 0; colour < 2; colour++) {
		FILE *stream = begin();

		render_text_status(&(struct text_target){.stream = stream, .colour = colour}, &one,
				   NOW_MS);
		(void)fclose(stream);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
		CU_ASSERT_EQUAL(strstr(text, red) != NULL, colour == 1);
		CU_ASSERT_EQUAL(strchr(text, '\033') != NULL, colour == 1);
		free(text);
	}
	one = of_age(DEFINITION_AGE_OK);
	FILE *stream = begin();

	CU_ASSERT_TRUE(render_text_status_field(&(struct text_target){.stream = stream}, &one,
						NOW_MS, "definitions age"));
	expect(stream, "4 d 0 h (built 2021-06-22 21:34:00 UTC)\n");
}

static void the_age_is_in_json(void)
{
	static const struct {
		enum definition_age age;
		uint64_t now_ms;
		const char *field, *value;
	} rows[] = {
		{DEFINITION_AGE_OLD, NOW_MS, "definitions.age_state", "old\n"},
		{DEFINITION_AGE_OK, NOW_MS, "definitions.age_state", "ok\n"},
		{DEFINITION_AGE_UNKNOWN, NOW_MS, "definitions.age_state", "unknown\n"},
		{DEFINITION_AGE_OLD, NOW_MS, "definitions.age_seconds", "345600\n"},
		{DEFINITION_AGE_OLD, 1000, "definitions.age_seconds", "null\n"},
		{DEFINITION_AGE_OLD, NOW_MS, "definitions.age_limit_seconds", "259200\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct status_report one = of_age(rows[i].age);
		FILE *stream = begin();

		CU_ASSERT_TRUE(render_json_status(&(struct json_target){.stream = stream,
									.field = rows[i].field},
						  &one, rows[i].now_ms));
		expect(stream, rows[i].value);
	}
}

static const uint8_t set_digest[LIMIT_DIGEST_BYTES] = {0x0a, 0xff};

static const struct generations_report kept = {
	.root = {.data = (const uint8_t *)"/x\033[31m\xff", .len = 8},
	.in_charge = true,
	.active = 7,
	.probation_left_ms = 60000,
	.candidate = "an import: trial",
	.n_generations = 2,
	.generations = {{.number = 7,
			 .is_active = true,
			 .is_good = true,
			 .digest = {set_digest, sizeof(set_digest)},
			 .signatures = 14,
			 .bytes = 1u << 20,
			 .built = BUILT,
			 .n_databases = 2,
			 .databases = {{"daily", 27001}, {"main", 62}}},
			{.number = 6, .digest = {set_digest, sizeof(set_digest)}}},
	.n_rejected = 1,
	.rejected = {{.digest = {set_digest, sizeof(set_digest)},
		      .utc_ms = BUILT * 1000ull,
		      .reason = "no \033 signature"}},
	.updates_on = true,
	.last_check_ms = BUILT * 1000ull,
	.last_outcome = UPDATE_UNREACHABLE,
	.last_reason = "no mirror answers",
};

static void what_is_kept_is_told_in_text(void)
{
	FILE *stream = begin();

	render_text_generations(&(struct text_target){.stream = stream}, &kept, NOW_MS);
	expect(stream,
	       "Store: /x\\x1b[31m\\xff, 0 B\n"
	       "  7      active, last-good  daily 27001, main 62; 14 signatures, 1.0 MiB, built 2021-06-22 (4 d 0 h old), sha256 0aff000000000000\n"
	       "  6      kept               not known yet; 0 signatures, 0 B, built unknown, sha256 0aff000000000000\n"
	       "Probation: 1 min 0 s left\n"
	       "Under way: an import: trial\n"
	       "Rejected:\n"
	       "  0aff000000000000  2021-06-22 21:34 UTC  no \\x1b signature\n"
	       "Updates: last check 2021-06-22 21:34:00 UTC (unreachable: no mirror answers)\n");
	stream = begin();
	render_text_generations(&(struct text_target){.stream = stream},
				&(struct generations_report){.candidate = "", .last_reason = ""},
				NOW_MS);
	expect(stream, "Store: none (definitions_root of the configuration)\n");
}

static void what_is_kept_is_one_object(void)
{
	static const struct {
		const char *field, *value;
	} rows[] = {
		{"root", "/x\\\\x1b[31m\\\\xff\n"},
		{"active", "7\n"},
		{"under_way", "an import: trial\n"},
		{"last_good", "0\n"},
		{"updates.last_outcome", "unreachable\n"},
		{"updates.next_check", "null\n"},
		{"age", "unknown\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *stream = begin();

		CU_ASSERT_TRUE(render_json_generations(
			&(struct json_target){.stream = stream, .field = rows[i].field}, &kept,
			NOW_MS));
		expect(stream, rows[i].value);
		CU_ASSERT_TRUE(render_json_knows_generations_field(rows[i].field));
	}
	CU_ASSERT_TRUE(render_json_knows_generations_field("root_bytes"));
	CU_ASSERT_FALSE(render_json_knows_generations_field("nonsense"));
}

static void an_update_and_a_bundle_have_their_words(void)
{
	static const struct update_verdict verdict = {.outcome = UPDATE_UPDATED,
						      .reason = "daily 27001",
						      .generation = 8,
						      .bytes = 3u << 20};
	static const struct bundle_view view = {
		.generation = 8, .digest = "0aff", .path = "/x.amp-definitions.tar", .left_out = 2};
	FILE *stream = begin();

	render_text_update(&(struct text_target){.stream = stream}, &verdict);
	CU_ASSERT_TRUE(render_json_update(&(struct json_target){.stream = stream}, &verdict));
	CU_ASSERT_TRUE(render_json_bundle(&(struct json_target){.stream = stream}, &view));
	expect(stream,
	       "daily 27001 (3.0 MiB downloaded); generation 8 serves\n"
	       "{\"outcome\":\"updated\",\"rejected\":false,\"reason\":\"daily 27001\",\"generation\":8,\"bytes\":3145728}\n"
	       "{\"generation\":8,\"sha256\":\"0aff\",\"path\":\"/x.amp-definitions.tar\",\"left_out\":2}\n");
	CU_ASSERT_TRUE(render_json_knows_bundle_field("sha256"));
	CU_ASSERT_FALSE(render_json_knows_bundle_field("outcome"));
	CU_ASSERT_TRUE(render_json_knows_update_field("outcome"));
	CU_ASSERT_FALSE(render_json_knows_update_field("sha256"));
}

static void each_is_an_object_in_json(void)
{
	FILE *stream = begin();
	struct json_target target = {.stream = stream};

	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_TRUE(render_json_definition(&target, &status, i, (BUILT + 5ull) * 1000));
	target.field = "state";
	CU_ASSERT_TRUE(render_json_definition(&target, &status, 2, 0));
	expect(stream,
	       "{\"database\":\"main\",\"file\":\"main.cvd\",\"version\":62,\"signatures\":4000000,"
	       "\"built\":\"2021-06-22T21:34:00.000Z\",\"age_seconds\":5,\"age_state\":\"unknown\",\"generation\":7,"
	       "\"builtin\":false,\"state\":\"active\",\"reason\":\"\"}\n"
	       "{\"database\":\"own\",\"file\":\"own.ndb\",\"version\":0,\"signatures\":14,\"built\":null,"
	       "\"age_seconds\":null,\"age_state\":\"unknown\",\"generation\":7,\"builtin\":false,\"state\":\"active\",\"reason\":\"\"}\n"
	       "refused\n");
	CU_ASSERT_TRUE(render_json_knows_definition_field("age_seconds"));
	CU_ASSERT_FALSE(render_json_knows_definition_field("nonsense"));
}

#define ROW(number, kind) .sequence = (number), .type = (kind), .body = EVENT_BODY_DEFINITIONS

static const uint8_t digest[] = {0x0a, 0xff};

/* Each event as text, and as the object that is its body. */
static const struct {
	struct event event;
	const char *text, *body;
} event_rows[] = {
	{{ROW(1, EVENT_DEFINITIONS_ACTIVATED), .definitions = {.generation = 7,
							       .origin = "",
							       .reason = "",
							       .digest = {digest, sizeof(digest)},
							       .signatures = 4000014,
							       .built = BUILT}},
	 "       1  never  information  Definitions Activated           "
	 "generation 7, before: the built-in set, 4000014 signatures\n",
	 "{\"generation\":7,\"former\":0,\"origin\":\"\",\"reason\":\"\",\"sha256\":\"0aff\","
	 "\"signatures\":4000014,\"built\":\"2021-06-22T21:34:00.000Z\"}\n"},
	{{ROW(2, EVENT_DEFINITIONS_ROLLED_BACK),
	  .definitions = {.former = 7, .origin = "a rollback", .reason = "workers\033 failed"}},
	 "       2  never  warning      Definitions Rolled Back         "
	 "the built-in set, before: generation 7, by a rollback: workers\\x1b failed\n",
	 "{\"generation\":0,\"former\":7,\"origin\":\"a rollback\",\"reason\":\"workers\\u001B failed\","
	 "\"sha256\":null,\"signatures\":0,\"built\":null}\n"},
	{{ROW(3, EVENT_DEFINITIONS_PROVED),
	  .definitions = {.generation = 8, .origin = "", .reason = ""}},
	 "       3  never  information  Definitions Proved              generation 8\n",
	 NULL},
	{{ROW(4, EVENT_DEFINITIONS_REJECTED),
	  .definitions = {.generation = 9, .origin = "an update", .reason = "no signature"}},
	 "       4  never  warning      Definitions Rejected            "
	 "generation 9, by an update: no signature\n",
	 NULL},
	{{ROW(5, EVENT_DEFINITIONS_UPDATE_FAILED),
	  .definitions = {.origin = "", .reason = "no mirror answers"}},
	 "       5  never  warning      Definition Update Failed        no mirror answers\n",
	 NULL},
	{{ROW(6, EVENT_DEFINITIONS_OLD),
	  .definitions = {.origin = "", .reason = "", .signatures = 3}},
	 "       6  never  warning      Definitions Out Of Date         3 signatures\n",
	 NULL},
};

static void each_event_has_its_words(void)
{
	for (size_t i = 0; i < sizeof(event_rows) / sizeof(event_rows[0]); i++) {
		FILE *stream = begin();

		render_text_event(&(struct text_target){.stream = stream}, &event_rows[i].event);
		expect(stream, event_rows[i].text);
		if (!event_rows[i].body)
			continue;
		stream = begin();
		CU_ASSERT_TRUE(
			render_json_event(&(struct json_target){.stream = stream, .field = "body"},
					  &event_rows[i].event));
		expect(stream, event_rows[i].body);
	}
	CU_ASSERT_TRUE(render_json_knows_event_field("body.former"));
}

static const struct unit_test tests[] = {
	{"they are a table", they_are_a_table},
	{"a clock before the build is said", a_clock_before_the_build_is_said},
	{"old ones are red, on a terminal only", old_ones_are_red_on_a_terminal_only},
	{"the status is red where they are old", the_status_is_red_where_they_are_old},
	{"the age is in JSON", the_age_is_in_json},
	{"what is kept is told in text", what_is_kept_is_told_in_text},
	{"what is kept is one object", what_is_kept_is_one_object},
	{"an update and a bundle have their words", an_update_and_a_bundle_have_their_words},
	{"each is an object in JSON", each_is_an_object_in_json},
	{"each event has its words", each_event_has_its_words},
};

UNIT_MAIN("render_definitions", tests)
