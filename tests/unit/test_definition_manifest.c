/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/definition_manifest.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit_main.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LONGEST_NAME "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789" /* 64 */

static struct definition_manifest manifest;

static struct manifest_entry entry_of(const char *path, uint64_t bytes)
{
	struct manifest_entry entry = {.bytes = bytes};

	(void)snprintf(entry.path, sizeof(entry.path), "%s", path);
	for (unsigned i = 0; i < LIMIT_DIGEST_BYTES; i++)
		entry.digest[i] = (uint8_t)(0x11 * (i % 16));
	return entry;
}

static int add(const char *path, uint64_t bytes)
{
	struct manifest_entry entry = entry_of(path, bytes);

	return definition_manifest_add(&manifest, &entry);
}

static int read_text(const char *text)
{
	return definition_manifest_read(&manifest, text, strlen(text));
}

static void a_name_is_of_few_letters_and_none_of_ours(void)
{
	static const struct {
		const char *name;
		bool is_valid;
	} rows[] = {
		{"main.cvd", true},
		{"a", true},
		{LONGEST_NAME, true},
		{LONGEST_NAME "x", false},
		{"", false},
		{".", false},
		{"..", false},
		{".hidden", false},
		{"-dash", true},
		{"a.", true},
		{"manifest", false},
		{"custom", false},
		{"manifest.cvd", true},
		{"customs", true},
		{"custom/a.ndb", false},
		{"a/b", false},
		{"/a", false},
		{"a b", false},
		{"a\n", false},
		{"a\x7f", false},
		{"\xc3\xa4.ndb", false},
		{"a\\b", false},
		{"daily.cld", true},
		{"A-Z_0.9", true},
	};

	for (size_t i = 0; i < N(rows); i++) {
		char path[MANIFEST_PATH_BYTES + 1];

		CU_ASSERT_EQUAL(manifest_name_is_valid(rows[i].name), rows[i].is_valid);
		CU_ASSERT_EQUAL(manifest_path_make(path, rows[i].name, false),
				rows[i].is_valid ? 0 : -EINVAL);
	}
}

static void a_path_is_a_name_and_whether_it_is_custom(void)
{
	char path[MANIFEST_PATH_BYTES + 1];
	bool is_custom;

	CU_ASSERT_EQUAL(manifest_path_make(path, LONGEST_NAME, true), 0);
	CU_ASSERT_STRING_EQUAL(path, "custom/" LONGEST_NAME);
	CU_ASSERT_EQUAL(strlen(path), MANIFEST_PATH_BYTES);
	CU_ASSERT_STRING_EQUAL(manifest_path_name(path, &is_custom), LONGEST_NAME);
	CU_ASSERT_TRUE(is_custom);
	CU_ASSERT_EQUAL(manifest_path_make(path, "a.ndb", false), 0);
	CU_ASSERT_STRING_EQUAL(path, "a.ndb");
	CU_ASSERT_STRING_EQUAL(manifest_path_name(path, &is_custom), "a.ndb");
	CU_ASSERT_FALSE(is_custom);
}

static void files_stand_in_the_order_of_their_paths(void)
{
	static const char wanted[] = HEX " 0 a.ndb\n" HEX " 18446744073709551515 b.cvd\n" HEX
					 " 90 custom/a.ndb\n" HEX " 10 d.cvd\n";
	char text[MANIFEST_BYTES];
	size_t len;

	manifest.n = 0;
	CU_ASSERT_EQUAL(add("d.cvd", 10), 0);
	CU_ASSERT_EQUAL(add("a.ndb", 0), 0);
	CU_ASSERT_EQUAL(add("custom/a.ndb", 90), 0);
	CU_ASSERT_EQUAL(add("b.cvd", UINT64_MAX - 100), 0);
	len = definition_manifest_write(&manifest, text);
	CU_ASSERT_EQUAL_FATAL(len, strlen(wanted));
	CU_ASSERT_EQUAL(memcmp(text, wanted, len), 0);
	CU_ASSERT_EQUAL(definition_manifest_bytes(&manifest), UINT64_MAX);
	CU_ASSERT_PTR_EQUAL(definition_manifest_find(&manifest, "custom/a.ndb"),
			    &manifest.entries[2]);
	CU_ASSERT_PTR_NULL(definition_manifest_find(&manifest, "c.cvd"));
	CU_ASSERT_PTR_NULL(definition_manifest_find(&manifest, "e.cvd"));
}

static void what_cannot_be_in_a_set_is_refused_and_changes_nothing(void)
{
	char name[LIMIT_NAME_BYTES];

	manifest.n = 0;
	CU_ASSERT_EQUAL(add("a.cvd", UINT64_MAX - 5), 0);
	CU_ASSERT_EQUAL(add("a.cvd", 1), -EEXIST);
	CU_ASSERT_EQUAL(add("b.cvd", 6), -EOVERFLOW);
	CU_ASSERT_EQUAL(add("../b", 1), -EINVAL);
	CU_ASSERT_EQUAL(add("custom/custom/b", 1), -EINVAL);
	CU_ASSERT_EQUAL(add("custom/", 1), -EINVAL);
	CU_ASSERT_EQUAL(add("manifest", 1), -EINVAL);
	CU_ASSERT_EQUAL(manifest.n, 1);
	CU_ASSERT_EQUAL(add("b.cvd", 5), 0);
	for (unsigned i = 2; i < LIMIT_DEFINITION_FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		CU_ASSERT_EQUAL(add(name, 0), 0);
	}
	CU_ASSERT_EQUAL(add("one-more", 0), -ENOSPC);
	CU_ASSERT_EQUAL(manifest.n, LIMIT_DEFINITION_FILES);
}

static void the_largest_set_is_written_and_read(void)
{
	static char text[MANIFEST_BYTES], again[MANIFEST_BYTES];
	char name[LIMIT_NAME_BYTES + 1], path[MANIFEST_PATH_BYTES + 1];
	struct definition_manifest before;
	size_t len;

	manifest.n = 0;
	for (unsigned i = 0; i < LIMIT_DEFINITION_FILES; i++) {
		(void)snprintf(name, sizeof(name), "%02u%.62s", i, LONGEST_NAME);
		CU_ASSERT_EQUAL_FATAL(manifest_path_make(path, name, true), 0);
		CU_ASSERT_EQUAL(add(path, UINT64_MAX / LIMIT_DEFINITION_FILES), 0);
	}
	before = manifest;
	len = definition_manifest_write(&manifest, text);
	CU_ASSERT(len <= sizeof(text));
	CU_ASSERT_EQUAL(definition_manifest_read(&manifest, text, len), 0);
	CU_ASSERT_EQUAL(manifest.n, LIMIT_DEFINITION_FILES);
	CU_ASSERT_EQUAL(definition_manifest_write(&manifest, again), len);
	CU_ASSERT_EQUAL(memcmp(text, again, len), 0);
	CU_ASSERT_EQUAL(memcmp(before.entries[63].digest, manifest.entries[63].digest, 32), 0);
}

static void only_the_one_text_is_read(void)
{
	static const struct {
		const char *text;
		int result;
	} rows[] = {
		{HEX " 5 a.cvd\n", 0},
		{HEX " 0 a.cvd\n", 0},
		{HEX " 18446744073709551615 a.cvd\n", 0},
		{HEX " 5 a.cvd\n" HEX " 5 b.cvd\n", 0},
		{HEX " 5 a.cvd\n" HEX " 5 custom/a.cvd\n", 0},
		{"", -EINVAL},
		{"\n", -EINVAL},
		{HEX " 5 a.cvd", -EINVAL},       /* cut */
		{HEX " 5 a.cvd\n" HEX, -EINVAL}, /* cut */
		{HEX " 5 a.cvd\n\n", -EINVAL},   /* more */
		{HEX " 5 a.cvd\r\n", -EINVAL},   /* DOS */
		{HEX " 5  a.cvd\n", -EINVAL},    /* two spaces */
		{HEX "\t5 a.cvd\n", -EINVAL},    /* a tab */
		{" " HEX " 5 a.cvd\n", -EINVAL}, /* in front */
		{HEX " 5 a.cvd \n", -EINVAL},    /* behind */
		{HEX " 05 a.cvd\n", -EINVAL},    /* zeros */
		{HEX " 00 a.cvd\n", -EINVAL},    /* zeros */
		{HEX " +5 a.cvd\n", -EINVAL},    /* signs */
		{HEX " -5 a.cvd\n", -EINVAL},
		{HEX " 5a a.cvd\n", -EINVAL}, /* hexadecimal */
		{HEX "  a.cvd\n", -EINVAL},   /* no number */
		{HEX " a.cvd\n", -EINVAL},
		{HEX " 18446744073709551616 a.cvd\n", -EINVAL}, /* 2^64 */
		{HEX " 99999999999999999999999 a.cvd\n", -EINVAL},
		{HEX " 18446744073709551615 a.cvd\n" HEX " 1 b.cvd\n", -EINVAL}, /* together */
		{HEX " 5 a.cvd\n" HEX " 5 a.cvd\n", -EINVAL},                    /* twice */
		{HEX " 5 b.cvd\n" HEX " 5 a.cvd\n", -EINVAL},                    /* order */
		{HEX " 5 ../a.cvd\n", -EINVAL},
		{HEX " 5 /a.cvd\n", -EINVAL},
		{HEX " 5 .a\n", -EINVAL},
		{HEX " 5 manifest\n", -EINVAL},
		{HEX " 5 custom\n", -EINVAL},
		{HEX " 5 custom/custom\n", -EINVAL},
		{HEX " 5 custom/../a\n", -EINVAL},
		{HEX " 5 other/a.cvd\n", -EINVAL},
		{HEX " 5 \n", -EINVAL},
		{HEX " 5 " LONGEST_NAME "x\n", -EINVAL},
		{HEX " 5 custom/" LONGEST_NAME "x\n", -EINVAL},
		{HEX " 5 custom/" LONGEST_NAME "xxxxxxxxxxxxxxxxxxxxxxxx\n", -EINVAL},
		{"0" HEX " 5 a.cvd\n", -EINVAL}, /* 65 digits */
		{"A0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 5 a\n", -EINVAL},
		{"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 5 a\n", -EINVAL},
	};

	for (size_t i = 0; i < N(rows); i++) {
		int r = read_text(rows[i].text);

		if (r != rows[i].result)
			printf("# row %zu: %d: %s", i, r, rows[i].text);
		CU_ASSERT_EQUAL(r, rows[i].result);
	}
}

/* The other bytes are not those of a text. */
static void a_byte_of_nothing_is_refused_wherever_it_stands(void)
{
	static const char good[] = HEX " 5 a.cvd\n" HEX " 7 custom/b.ndb\n";
	char text[sizeof(good)];

	CU_ASSERT_EQUAL(definition_manifest_read(&manifest, good, sizeof(good) - 1), 0);
	for (size_t i = 0; i < sizeof(good) - 1; i++) {
		memcpy(text, good, sizeof(text));
		text[i] = '\0';
		CU_ASSERT_EQUAL(definition_manifest_read(&manifest, text, sizeof(good) - 1),
				-EINVAL);
	}
	CU_ASSERT_EQUAL(definition_manifest_read(&manifest, good, sizeof(good)), -EINVAL);
}

/* Whatever is accepted is the text that we write: no two texts for one set. */
static void what_is_read_is_what_would_be_written(void)
{
	static const char good[] = HEX " 5 a.cvd\n" HEX " 7 custom/b.ndb\n" HEX " 123 d\n";
	unsigned short state[3] = {5, 5, 5};
	unsigned accepted = 0;
	char text[sizeof(good)], again[MANIFEST_BYTES];

	for (unsigned i = 0; i < 200000; i++) {
		size_t len = sizeof(good) - 1;

		memcpy(text, good, sizeof(text));
		text[(size_t)nrand48(state) % len] = " 059afgz./-\n\377"[nrand48(state) % 14];
		if (definition_manifest_read(&manifest, text, len))
			continue;
		accepted++;
		CU_ASSERT_EQUAL_FATAL(definition_manifest_write(&manifest, again), len);
		CU_ASSERT_EQUAL_FATAL(memcmp(again, text, len), 0);
	}
	CU_ASSERT(accepted > 1000 && accepted < 200000);
}

static const struct unit_test tests[] = {
	{"a name is of few letters and none of ours", a_name_is_of_few_letters_and_none_of_ours},
	{"a path is a name and whether it is custom", a_path_is_a_name_and_whether_it_is_custom},
	{"files stand in the order of their paths", files_stand_in_the_order_of_their_paths},
	{"what cannot be in a set is refused and changes nothing",
	 what_cannot_be_in_a_set_is_refused_and_changes_nothing},
	{"the largest set is written and read", the_largest_set_is_written_and_read},
	{"only the one text is read", only_the_one_text_is_read},
	{"a byte of nothing is refused wherever it stands",
	 a_byte_of_nothing_is_refused_wherever_it_stands},
	{"what is read is what would be written", what_is_read_is_what_would_be_written},
};

UNIT_MAIN("definition_manifest", tests)
