/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of the definitions, and what became of them, for people and as JSON. */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>

#include "ampcli/render_json.h"
#include "ampcli/render_text.h"
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
	       "\"built\":\"2021-06-22T21:34:00.000Z\",\"age_seconds\":5,\"generation\":7,"
	       "\"builtin\":false,\"state\":\"active\",\"reason\":\"\"}\n"
	       "{\"database\":\"own\",\"file\":\"own.ndb\",\"version\":0,\"signatures\":14,\"built\":null,"
	       "\"age_seconds\":null,\"generation\":7,\"builtin\":false,\"state\":\"active\",\"reason\":\"\"}\n"
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
	{"each is an object in JSON", each_is_an_object_in_json},
	{"each event has its words", each_event_has_its_words},
};

UNIT_MAIN("render_definitions", tests)
