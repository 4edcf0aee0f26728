/* SPDX-License-Identifier: GPL-2.0-only */
#include <CUnit/CUnit.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "ampscansvc/number_scan.h"
#include "tests/support/unit_main.h"

static const char *const formats[] = {"%u", "%u,%u", "%u-%u", "%u,%u,%u", "%d", "", "%u ", " %u"};

#define N(list) (sizeof(list) / sizeof((list)[0]))

__attribute__((format(scanf, 2, 3))) static int ours(const char *text, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = number_scan(text, format, arguments);
	va_end(arguments);
	return n;
}

__attribute__((format(scanf, 2, 3))) static int libcs(const char *text, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsscanf(text, format, arguments);
	va_end(arguments);
	return n;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int is_same(const char *text, const char *format)
{
	unsigned a[3] = {7, 7, 7}, b[3] = {7, 7, 7};
	int got = ours(text, format, &a[0], &a[1], &a[2]);
	int want = libcs(text, format, &b[0], &b[1], &b[2]);
	int same = got == want && a[0] == b[0] && a[1] == b[1] && a[2] == b[2];

	if (!same)
		printf("# '%s' by '%s': %d %u %u, libc %d %u %u\n", text, format, got, a[0], a[1],
		       want, b[0], b[1]);
	return same;
}

static void edges_are_read_as_libc_reads_them(void)
{
	static const char *const texts[] = {
		"",           "0",          "00",         "7",           "1,2",
		"1,",         ",1",         "12&3",       "999999999",   "4294967295",
		"4294967296", "9999999999", "0000000001", "00000000001", "99999999999999999999999",
		" 1",         "+1",         "-1",         "1 ,2",        "1, 2",
		"1,+2",       "1,x",        "x",          "1-2",         "1,99999999999",
		"\t5",        "5\n",        "1,2,3",      "0x10",        "1>2,3",
		"(0&1)>2,3"};

	for (size_t i = 0; i < N(texts); i++)
		for (size_t k = 0; k < N(formats); k++)
			CU_ASSERT(is_same(texts[i], formats[k]));
}

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void any_text_is_read_as_libc_reads_it(void)
{
	static const char alphabet[] = "0123456789012345678901234567890123456789,,,,-+ &|()>x\t";
	uint32_t seed = 20261122;
	unsigned different = 0;

	for (int round = 0; round < 200000; round++) {
		char text[24];
		uint32_t len = draw(&seed) % sizeof(text);

		for (uint32_t i = 0; i < len; i++)
			text[i] = alphabet[draw(&seed) % (sizeof(alphabet) - 1)];
		text[len] = '\0';
		different += !is_same(text, formats[draw(&seed) % N(formats)]);
	}
	CU_ASSERT_EQUAL(different, 0);
}

static const struct unit_test tests[] = {
	{"edges are read as libc reads them", edges_are_read_as_libc_reads_them},
	{"any text is read as libc reads it", any_text_is_read_as_libc_reads_it},
};

UNIT_MAIN("number_scan", tests)
