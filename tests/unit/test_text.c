/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/text.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit_main.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal)                                                                              \
	{                                                                                          \
		.data = (const uint8_t *)(literal), .len = sizeof(literal) - 1                     \
	}

static const struct {
	struct span bytes;
	bool good;
} utf8_rows[] = {
	{TEXT(""), true},
	{TEXT("plain\0with NUL"), true},
	{TEXT("\x7f"), true},
	{TEXT("\x80"), false}, /* alone */
	{TEXT("\xc0\x80"), false},
	{TEXT("\xc1\xbf"), false}, /* overlong */
	{TEXT("\xc2\x80"), true},
	{TEXT("\xdf\xbf"), true},
	{TEXT("\xdf"), false}, /* cut */
	{TEXT("\xc3\x28"), false},
	{TEXT("\xe0\x9f\xbf"), false}, /* overlong */
	{TEXT("\xe0\xa0\x80"), true},
	{TEXT("\xed\x9f\xbf"), true},
	{TEXT("\xed\xa0\x80"), false}, /* surrogates */
	{TEXT("\xed\xbf\xbf"), false},
	{TEXT("\xee\x80\x80"), true},
	{TEXT("\xef\xbf\xbf"), true},
	{TEXT("\xe2\x82"), false},
	{TEXT("\xe2\x82\xc2"), false},
	{TEXT("\xf0\x8f\xbf\xbf"), false}, /* overlong */
	{TEXT("\xf0\x90\x80\x80"), true},
	{TEXT("\xf4\x8f\xbf\xbf"), true},
	{TEXT("\xf4\x90\x80\x80"), false}, /* above U+10FFFF */
	{TEXT("\xf5\x80\x80\x80"), false},
	{TEXT("\xf0\x9f\x98"), false},
	{TEXT("\xf0\x9f\x98\x28"), false},
	{TEXT("\xfe"), false},
	{TEXT("\xff"), false},
	{TEXT("good \xe2\x82\xac then bad \x80"), false},
};

static void utf8_is_told_from_what_only_looks_like_it(void)
{
	for (size_t i = 0; i < N(utf8_rows); i++)
		CU_ASSERT_EQUAL(text_is_utf8(utf8_rows[i].bytes), utf8_rows[i].good);
}

static void printable_is_ascii_from_space_to_tilde(void)
{
	for (unsigned c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c;

		CU_ASSERT_EQUAL(text_is_printable(&byte, 1), c >= 0x20 && c <= 0x7e);
	}
	CU_ASSERT_TRUE(text_is_printable("", 0));
	CU_ASSERT_TRUE(text_is_printable("a\n", 1));
	CU_ASSERT_FALSE(text_is_printable("a\n", 2));
}

static const struct {
	struct span bytes;
	const char *shown;
} escape_rows[] = {
	{TEXT(""), ""},
	{TEXT("/usr/bin/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
	 "/usr/bin/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	{TEXT("a\nb\tc\\d"), "a\\nb\\tc\\\\d"},
	{TEXT("\x1b[31m\a\x7f\r"), "\\x1b[31m\\x07\\x7f\\x0d"},
	{TEXT("a\0b"), "a\\x00b"},
	{TEXT("\xff\xc0\x80"), "\\xff\\xc0\\x80"},
	{TEXT("\xed\xa0\x80"), "\\xed\\xa0\\x80"},
	{TEXT("\xc2\x80\xc2\x9f\xc2\xa0"), "\\xc2\\x80\\xc2\\x9f\xc2\xa0"}, /* C1; U+00A0 stays */
	{TEXT("\xd8\x9c"), "\\xd8\\x9c"},                                   /* U+061C */
	{TEXT("\xe2\x80\x8e\xe2\x80\x8f"), "\\xe2\\x80\\x8e\\xe2\\x80\\x8f"},
	{TEXT("\xe2\x80\xa8\xe2\x80\xae"), "\\xe2\\x80\\xa8\\xe2\\x80\\xae"},
	{TEXT("\xe2\x81\xa6\xe2\x81\xa9"), "\\xe2\\x81\\xa6\\xe2\\x81\\xa9"},
	{TEXT("\xe2\x80\x90\xe2\x81\xaa"), "\xe2\x80\x90\xe2\x81\xaa"}, /* their neighbours */
	{TEXT("\xef\xbb\xbf"), "\\xef\\xbb\\xbf"},
	{TEXT("\\x41"), "\\\\x41"}, /* what was written like an escape stays apart from one */
};

static void bytes_of_strangers_are_shown_without_harm(void)
{
	char out[256];

	for (size_t i = 0; i < N(escape_rows); i++) {
		CU_ASSERT_PTR_EQUAL(text_escape(escape_rows[i].bytes, out, sizeof(out)), out);
		CU_ASSERT_STRING_EQUAL(out, escape_rows[i].shown);
	}
}

/* In memory of its exact size: the sanitizer sees one byte too many. */
static void check_at_size(struct span bytes, const char *whole, size_t size)
{
	char *out = malloc(size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	if (!out)
		return; /* for the static analysis, which does not know _FATAL */
	text_escape(bytes, out, size);
	CU_ASSERT_FATAL(strnlen(out, size) < size);
	CU_ASSERT_TRUE(text_is_utf8(span_of_text(out)));
	if (strlen(whole) < size) {
		CU_ASSERT_STRING_EQUAL(out, whole);
	} else {
		size_t len = strlen(out);

		CU_ASSERT_FATAL(len >= 3);
		CU_ASSERT_STRING_EQUAL(out + len - 3, "...");
		CU_ASSERT_FALSE(strncmp(out, whole, len - 3));
	}
	free(out);
}

static void a_cut_falls_between_characters_at_every_size(void)
{
	static const struct span bytes = TEXT("ab\xe2\x82\xac\n\xff\xf0\x9f\x98\x80 z\\\x01y");
	char whole[100];

	text_escape(bytes, whole, sizeof(whole));
	for (size_t size = 8; size < 40; size++)
		check_at_size(bytes, whole, size);
}

static void a_cut_keeps_as_much_as_fits(void)
{
	char out[8];

	CU_ASSERT_STRING_EQUAL(text_escape(span_of_text("1234567"), out, sizeof(out)), "1234567");
	CU_ASSERT_STRING_EQUAL(text_escape(span_of_text("12345678"), out, sizeof(out)), "1234...");
	CU_ASSERT_STRING_EQUAL(text_escape(span_of_text("123\n\n\n"), out, sizeof(out)), "123...");
}

static void appending_stops_at_the_end_of_the_buffer(void)
{
	char out[8] = "";
	size_t at = 0;

	text_append(out, sizeof(out), &at, "%s-%d", "ab", 1);
	CU_ASSERT_STRING_EQUAL(out, "ab-1");
	CU_ASSERT_EQUAL(at, 4);
	text_append(out, sizeof(out), &at, "%s", "23456789");
	CU_ASSERT_STRING_EQUAL(out, "ab-1234");
	CU_ASSERT_EQUAL(at, 7);
	text_append(out, sizeof(out), &at, "more");
	CU_ASSERT_STRING_EQUAL(out, "ab-1234");
	CU_ASSERT_EQUAL(at, 7);
}

static void a_span_of_no_text_is_empty(void)
{
	CU_ASSERT_EQUAL(span_of_text(NULL).len, 0);
	CU_ASSERT_TRUE(text_is_utf8(span_of_text(NULL)));
}

static void names_are_the_same_but_for_the_case_of_letters(void)
{
	CU_ASSERT(text_is_same_name("", ""));
	CU_ASSERT(text_is_same_name("Daily.CVD", "daily.cvd"));
	CU_ASSERT(!text_is_same_name("daily.cvd", "daily.cv"));
	CU_ASSERT(!text_is_same_name("daily", "daily.cvd"));
	CU_ASSERT(!text_is_same_name("@", "`"));
	CU_ASSERT(!text_is_same_name("[", "{"));
}

static const struct unit_test tests[] = {
	{"names are the same but for the case of letters",
	 names_are_the_same_but_for_the_case_of_letters},
	{"UTF-8 is told from what only looks like it", utf8_is_told_from_what_only_looks_like_it},
	{"printable is ASCII from space to tilde", printable_is_ascii_from_space_to_tilde},
	{"bytes of strangers are shown without harm", bytes_of_strangers_are_shown_without_harm},
	{"a cut falls between characters at every size",
	 a_cut_falls_between_characters_at_every_size},
	{"a cut keeps as much as fits", a_cut_keeps_as_much_as_fits},
	{"appending stops at the end of the buffer", appending_stops_at_the_end_of_the_buffer},
	{"a span of no text is empty", a_span_of_no_text_is_empty},
};

UNIT_MAIN("text", tests)
