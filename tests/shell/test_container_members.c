/* SPDX-License-Identifier: GPL-2.0-only */
/* What lies in a container: archives are made here, byte by byte. Signatures are not looked at by this module. */
#include "ampscansvc/container_members.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "io/sha256.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define HEAD "ClamAV-VDB:22 Jun 2021 21-34 -0400:6:14:81:X:X:builder:1624412045"
#define HEADER_BYTES 512
#define BLOCK 512
#define PUA "# of no signature\none\n\ntwo:with:fields\nthree, without an end"

static uint8_t archive[64u << 20];
static size_t archive_len;
static char info[8192], why[LIMIT_DETAIL_BYTES];
static struct container_facts facts;

static uint8_t *put_header(const char *name, const char *size, char type)
{
	uint8_t *block = archive + archive_len;

	memset(block, 0, BLOCK);
	memcpy(block, name, strlen(name));
	memcpy(block + 124, size, strlen(size));
	block[156] = (uint8_t)type;
	archive_len += BLOCK;
	return block;
}

static void put(const char *name, const void *bytes, size_t len)
{
	char size[32];

	(void)snprintf(size, sizeof(size), "%zo", len);
	put_header(name, size, '0');
	memcpy(archive + archive_len, bytes, len);
	archive_len += len;
	while (archive_len % BLOCK)
		archive[archive_len++] = 0;
}

/* A line of the list, and the member behind it. */
static void list(const char *name, const void *bytes, size_t len)
{
	uint8_t digest[LIMIT_DIGEST_BYTES];
	size_t at = strlen(info);

	CU_ASSERT_EQUAL_FATAL(sha256_of(bytes, len, digest), 0);
	at += (size_t)sprintf(info + at, "%s:%zu:", name, len);
	for (size_t i = 0; i < sizeof(digest); i++)
		at += (size_t)sprintf(info + at, "%02x", digest[i]);
	(void)sprintf(info + at, "\n");
}

static const struct {
	const char *name, *text;
} members[] = {{"x.hdb", "a hash\n"}, {"x.ndu", PUA}, {"x.none", ""}, {"x.ndb", "a body\n"}};

static void make(void)
{
	archive_len = 0;
	(void)sprintf(info, "%s\n", HEAD);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		list(members[i].name, members[i].text, strlen(members[i].text));
	(void)strcat(info, "DSIG:abc\n");
	put("COPYING", "free\n", 5);
	put("x.info", info, strlen(info));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		put(members[i].name, members[i].text, strlen(members[i].text));
}

static void write_plain(const char *name, const void *body, size_t len)
{
	char header[HEADER_BYTES];
	FILE *file = fopen(test_path(name), "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	memset(header, ' ', sizeof(header));
	memcpy(header, HEAD, sizeof(HEAD) - 1);
	CU_ASSERT_EQUAL_FATAL(fwrite(header, 1, sizeof(header), file), sizeof(header));
	CU_ASSERT_EQUAL_FATAL(fwrite(body, 1, len, file), len);
	CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

static void write_packed(const char *name)
{
	static uint8_t packed[1u << 20];
	z_stream stream = {.next_in = archive,
			   .avail_in = (unsigned)archive_len,
			   .next_out = packed,
			   .avail_out = sizeof(packed)};

	CU_ASSERT_EQUAL_FATAL(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			      Z_OK);
	CU_ASSERT_EQUAL_FATAL(deflate(&stream, Z_FINISH), Z_STREAM_END);
	write_plain(name, packed, stream.total_out);
	deflateEnd(&stream);
}

static int check(enum definition_kind kind)
{
	int result;

	memset(&facts, 0, sizeof(facts));
	why[0] = '\0';
	result = container_members_check(test_path("x"), kind, kind != DEFINITION_KIND_CUD, &facts,
					 why);
	CU_ASSERT_EQUAL(result == 0, !why[0]);
	return result;
}

static int check_plain(void)
{
	write_plain("x", archive, archive_len);
	return check(DEFINITION_KIND_CLD);
}

static void a_whole_one_passes_packed_and_plain(void)
{
	make();
	CU_ASSERT_EQUAL(check_plain(), 0);
	CU_ASSERT_STRING_EQUAL(facts.database, "x");
	write_packed("x");
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), 0);
	CU_ASSERT_STRING_EQUAL(facts.database, "x");
}

static void signatures_that_are_not_loaded_are_counted(void)
{
	make();
	CU_ASSERT_EQUAL(check_plain(), 0);
	CU_ASSERT_EQUAL(facts.passed_over, 3);
}

static void what_follows_the_end_of_the_archive_is_not_looked_at(void)
{
	make();
	memset(archive + archive_len, 0, BLOCK);
	archive_len += BLOCK;
	put("evil.ndb", "x\n", 2);
	CU_ASSERT_EQUAL(check_plain(), 0);
}

static void a_packed_cld_is_none(void)
{
	make();
	write_packed("x");
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CLD), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "compressed"));
}

static void the_header_of_a_cld_is_held_against_its_list(void)
{
	int fd;

	make();
	CU_ASSERT_EQUAL(check_plain(), 0);
	fd = open(test_path("x"), O_WRONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(pwrite(fd, "Y", 1, 60), 1);
	close(fd);
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CLD), -EBADMSG);
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), 0); /* signed otherwise */
}

/* libclamav reads the time of building behind a line's end, or does not, by who asks. */
static void a_header_that_is_no_text_is_refused(void)
{
	static const char odd[] = "\n\r\t\x7f\xff";

	for (size_t i = 0; i < sizeof(odd); i++) { /* with the end of the string */
		int fd;

		make();
		write_packed("x");
		CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), 0);
		fd = open(test_path("x"), O_WRONLY | O_CLOEXEC);
		CU_ASSERT_EQUAL(pwrite(fd, &odd[i], 1, i % 2 ? 55 : 511), 1);
		close(fd);
		CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "no text"));
	}
}

static void one_that_is_cut_anywhere_is_refused(void)
{
	size_t whole;

	make();
	whole = archive_len;
	for (archive_len = 0; archive_len < whole; archive_len += 100)
		CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
	for (archive_len = 0; archive_len < whole; archive_len += BLOCK)
		CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
}

static void one_that_is_cut_when_packed_is_refused(void)
{
	static uint8_t bytes[1u << 16];
	FILE *file;
	size_t len;

	make();
	write_packed("x");
	file = fopen(test_path("x"), "re");
	len = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	CU_ASSERT_FATAL(len > HEADER_BYTES + 100);
	for (size_t part = 0; part < len - HEADER_BYTES - 60; part += 13) {
		write_plain("x", bytes + HEADER_BYTES, part);
		CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), -EBADMSG);
	}
	memset(bytes + HEADER_BYTES + 60, 0xff, 30);
	write_plain("x", bytes + HEADER_BYTES, len - HEADER_BYTES);
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), -EBADMSG);
}

static void a_member_of_other_bytes_is_refused(void)
{
	make();
	archive[archive_len - BLOCK] ^= 1;
	CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "x.ndb is not the one"));
}

static void a_member_more_is_refused(void)
{
	make();
	put("x.ldb", "more\n", 5);
	CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "x.ldb is not in its list"));
	make();
	put("x.hdb", "a hash\n", 7);
	CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "twice"));
}

static void sizes_on_which_readers_disagree_are_refused(void)
{
	static const char *const sizes[] = {"",
					    "-1",
					    " 7",
					    "8",
					    "0x7",
					    "7x",
					    "77777777777",
					    "20000000000",
					    "\xff\xff\xff\xff",
					    "+7",
					    "000000000007"};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make();
		put_header("x.ldb", sizes[i], '0');
		CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "size makes no sense"));
	}
}

static void only_plain_files_may_be_members(void)
{
	static const char types[] = "1234567xgL";

	for (size_t i = 0; types[i]; i++) {
		make();
		put_header("x.ldb", "0", types[i]);
		CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "no plain file"));
	}
}

static void a_name_without_an_end_is_a_name(void)
{
	char name[101];

	memset(name, 'x', 100);
	name[100] = '\0';
	make();
	put(name, "", 0);
	CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "another database"));
}

static void a_bomb_is_refused_before_it_has_gone_off(void)
{
	make();
	put_header("x.ldb", "200000000", '0'); /* 32 MiB of nothing */
	memset(archive + archive_len, 0, 32u << 20);
	archive_len += 32u << 20;
	write_packed("x");
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "unfolds"));
}

/* As one after the other, and with something behind them: zlib goes on, libclamav's loader with it. */
static void what_is_packed_in_parts_is_one_archive(void)
{
	static uint8_t parts[1u << 16];
	size_t len = 0, at, whole;

	make();
	whole = archive_len;
	for (at = 0; at < whole; at += BLOCK + 100) {
		z_stream stream = {.next_in = archive + at,
				   .avail_in = (unsigned)(whole - at < BLOCK + 100 ? whole - at
										   : BLOCK + 100),
				   .next_out = parts + len,
				   .avail_out = (unsigned)(sizeof(parts) - len)};

		CU_ASSERT_EQUAL_FATAL(
			deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
		CU_ASSERT_EQUAL_FATAL(deflate(&stream, Z_FINISH), Z_STREAM_END);
		len += stream.total_out;
		deflateEnd(&stream);
	}
	write_plain("x", parts, len);
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), 0);
	memset(parts + len, 'x', 100);
	write_plain("x", parts, len + 100);
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), 0);
	write_plain("x", parts, len / 2);
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), -EBADMSG);
}

/* A list with this in place of its line ends, or behind it. */
static void make_odd(const char *odd, size_t len, bool is_behind)
{
	char *end;
	size_t at;

	make();
	end = is_behind ? info + strlen(info) : strchr(info, '\n');
	at = (size_t)(end - info);
	archive_len = 0;
	put("COPYING", "free\n", 5);
	memmove(end + len, end, strlen(end) + 1);
	memcpy(end, odd, len);
	put("x.info", info, at + len + strlen(info + at + len));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		put(members[i].name, members[i].text, strlen(members[i].text));
}

static void a_list_that_is_no_plain_text_is_refused(void)
{
	static const struct {
		const char *text;
		size_t len;
	} odd[] = {{"\r", 1},   {"\0", 1},   {"\0\n", 2}, {"\t", 1},
		   {"\xe4", 1}, {"\n\n", 2}, {"\n#\n", 3}};

	make_odd("", 0, true);
	CU_ASSERT_EQUAL(check_plain(), 0);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		for (int is_behind = 0; is_behind < 2; is_behind++) {
			make_odd(odd[i].text, odd[i].len, is_behind);
			write_packed("x");
			CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), -EBADMSG);
		}
}

static void a_second_list_is_refused_wherever_it_lies(void)
{
	static const char *const names[] = {"x.info", "X.INFO", "y.info", "x.Info"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		make();
		put(names[i], info, strlen(info));
		CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
		archive_len = 0;
		put(names[i], "ClamAV-VDB:\n", 12);
		put("x.info", info, strlen(info));
		CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
		CU_ASSERT(strstr(why, "twice") || strstr(why, "two lists"));
	}
}

static void where_the_list_lies_does_not_matter(void)
{
	make();
	archive_len = 0;
	put("COPYING", "free\n", 5);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		put(members[i].name, members[i].text, strlen(members[i].text));
	put("x.info", info, strlen(info));
	CU_ASSERT_EQUAL(check_plain(), 0);
}

static void members_without_end_are_refused(void)
{
	make();
	for (int i = 0; i < 600; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "x.m%d", i);
		put(name, "", 0);
	}
	CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "too many members"));
}

static void a_list_without_end_is_refused(void)
{
	archive_len = 0;
	put_header("x.info", "1000000", '0');
	memset(archive + archive_len, 'x', 262144);
	archive_len += 262144;
	CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "too long"));
}

static void a_header_alone_is_refused(void)
{
	archive_len = 0;
	CU_ASSERT_EQUAL(check_plain(), -EBADMSG);
	test_file("x", "short");
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), -EBADMSG);
	(void)unlink(test_path("x"));
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), -EBADMSG);
}

static void in_an_unsigned_one_the_list_needs_no_signature_and_nothing_may_weaken(void)
{
	archive_len = 0;
	(void)sprintf(info, "%s\n", HEAD);
	list("x.hdb", "a hash\n", 7);
	put("x.info", info, strlen(info));
	put("x.hdb", "a hash\n", 7);
	write_plain("x", archive, archive_len);
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CUD), 0);
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CVD), -EBADMSG);
	put("x.cfg", "DOCUMENT:0\n", 11);
	write_plain("x", archive, archive_len);
	CU_ASSERT_EQUAL(check(DEFINITION_KIND_CUD), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "kind that is not accepted"));
}

static const struct unit_test tests[] = {
	{"a whole one passes, packed and plain", a_whole_one_passes_packed_and_plain},
	{"signatures that are not loaded are counted", signatures_that_are_not_loaded_are_counted},
	{"what follows the end of the archive is not looked at",
	 what_follows_the_end_of_the_archive_is_not_looked_at},
	{"a packed cld is none", a_packed_cld_is_none},
	{"the header of a cld is held against its list",
	 the_header_of_a_cld_is_held_against_its_list},
	{"a header that is no text is refused", a_header_that_is_no_text_is_refused},
	{"one that is cut anywhere is refused", one_that_is_cut_anywhere_is_refused},
	{"one that is cut when packed is refused", one_that_is_cut_when_packed_is_refused},
	{"a member of other bytes is refused", a_member_of_other_bytes_is_refused},
	{"a member more is refused", a_member_more_is_refused},
	{"sizes on which readers disagree are refused",
	 sizes_on_which_readers_disagree_are_refused},
	{"only plain files may be members", only_plain_files_may_be_members},
	{"a name without an end is a name", a_name_without_an_end_is_a_name},
	{"a bomb is refused before it has gone off", a_bomb_is_refused_before_it_has_gone_off},
	{"what is packed in parts is one archive", what_is_packed_in_parts_is_one_archive},
	{"a list that is no plain text is refused", a_list_that_is_no_plain_text_is_refused},
	{"a second list is refused wherever it lies", a_second_list_is_refused_wherever_it_lies},
	{"where the list lies does not matter", where_the_list_lies_does_not_matter},
	{"members without end are refused", members_without_end_are_refused},
	{"a list without end is refused", a_list_without_end_is_refused},
	{"a header alone is refused", a_header_alone_is_refused},
	{"in an unsigned one the list needs no signature, and nothing may weaken",
	 in_an_unsigned_one_the_list_needs_no_signature_and_nothing_may_weaken},
};

UNIT_MAIN("container_members", tests)
