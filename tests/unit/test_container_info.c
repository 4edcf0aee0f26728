/* SPDX-License-Identifier: GPL-2.0-only */
/* A container's members against its list: everything here is made up, no byte is of a real one. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ampscansvc/core/container_info.h"
#include "ampscansvc/core/definition_kind.h"
#include "tests/support/unit_main.h"

#define N(list) (sizeof(list) / sizeof((list)[0]))
#define HEAD "ClamAV-VDB:22 Jun 2021 21-34 -0400:6:14:81:X:X:builder:1624412045\n"
#define DSIG "DSIG:abcdef\n"
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bBbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HDB "x.hdb:44:" A64 "\n"
#define NDB "x.ndb:7:" B64 "\n"

static struct container_list list;
static char database[LIMIT_DATABASE_BYTES + 1], why[LIMIT_DETAIL_BYTES];

static int add(const char *name, uint64_t bytes, int filler, bool is_signed)
{
	int result;

	why[0] = '\0';
	result = container_info_name(&list, name, is_signed, why);
	CU_ASSERT_EQUAL(result == 0, !why[0]);
	if (result < 0)
		return result;
	memset(&list.members[list.n], 0, sizeof(list.members[0]));
	(void)snprintf(list.members[list.n].name, sizeof(list.members[0].name), "%s", name);
	list.members[list.n].bytes = bytes;
	memset(list.members[list.n].digest, filler, LIMIT_DIGEST_BYTES);
	list.n++;
	return 0;
}

static void pack(void)
{
	list.n = 0;
	CU_ASSERT_EQUAL(add("COPYING", 3, 1, true), 0);
	CU_ASSERT_EQUAL(add("x.info", 200, 2, true), 0);
	CU_ASSERT_EQUAL(add("x.hdb", 44, 0xaa, true), 0);
	CU_ASSERT_EQUAL(add("x.ndb", 7, 0xbb, true), 0);
}

static int compare(const char *text, bool is_signed)
{
	int result;

	why[0] = '\0';
	result = container_info_compare(text, strlen(text), &list, is_signed, database, why);
	CU_ASSERT(result == 0 || (result == -EBADMSG && why[0]));
	CU_ASSERT(result < 0 || !why[0]);
	return result;
}

static void a_container_that_is_what_its_list_says_passes(void)
{
	pack();
	CU_ASSERT_EQUAL(compare(HEAD HDB NDB DSIG, true), 0);
	CU_ASSERT_STRING_EQUAL(database, "x");
	CU_ASSERT_EQUAL(compare(HEAD NDB HDB "DSIG:no newline", true), 0);
	CU_ASSERT_EQUAL(compare(HEAD HDB NDB, false), 0);
}

static const struct {
	const char *text, *why;
} bad_lists[] = {
	{"", "does not begin"},
	{"\n", "does not begin"},
	{HDB NDB DSIG, "does not begin"},
	{HEAD HDB NDB, "not signed"},
	{HEAD HDB DSIG, "x.ndb is not in its list"},
	{HEAD DSIG, "is not in its list"},
	{HEAD HDB NDB DSIG "\n", "lines that no list has"},
	{HEAD HDB NDB DSIG HDB, "lines that no list has"},
	{HEAD HDB NDB DSIG DSIG, "lines that no list has"},
	{HEAD HDB "\n" NDB DSIG, "lines that no list has"},
	{HEAD HEAD HDB NDB DSIG, "lines that no list has"},
	{HEAD HDB HDB NDB DSIG, "x.hdb twice"},
	{HEAD HDB NDB "x.ldb:1:" A64 "\n" DSIG, "missing: x.ldb"},
	{HEAD HDB NDB "COPYING:3:" A64 "\n" DSIG, "not the one of its list"},
	{HEAD HDB "x.ndb:8:" B64 "\n" DSIG, "x.ndb is not the one"},
	{HEAD HDB "x.ndb:7:" A64 "\n" DSIG, "x.ndb is not the one"},
	{HEAD HDB "x.ndb:07:" A64 "\n" DSIG, "x.ndb is not the one"},
	{HEAD HDB "x.ndb:-7:" B64 "\n" DSIG, "lines that no list has"},
	{HEAD HDB "x.ndb:12345678901:" B64 "\n" DSIG, "lines that no list has"},
	{HEAD HDB "x.ndb::" B64 "\n" DSIG, "lines that no list has"},
	{HEAD HDB "x.ndb:7:" B64 "b\n" DSIG, "lines that no list has"},
	{HEAD HDB "x.ndb:7:" B64 ":\n" DSIG, "lines that no list has"},
	{HEAD HDB "x.ndb:7:b\n" DSIG, "lines that no list has"},
	{HEAD HDB "x.ndb:7\n" DSIG, "lines that no list has"},
	{HEAD HDB "x.ndb\n" DSIG, "lines that no list has"},
	{HEAD HDB ":7:" B64 "\n" DSIG, "lines that no list has"},
	{HEAD HDB "X.ndb:7:" B64 "\n" DSIG, "missing: X.ndb"},
	{HEAD HDB "x.ndb:7:" B64 "\r\n" DSIG, "lines that no list has"},
	{HEAD HDB NDB "DSIG:\x01\n", "lines that no list has"},
};

static void a_list_that_says_otherwise_is_refused_with_a_sentence(void)
{
	pack();
	for (size_t i = 0; i < N(bad_lists); i++) {
		CU_ASSERT_EQUAL(compare(bad_lists[i].text, true), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, bad_lists[i].why));
		if (!strstr(why, bad_lists[i].why))
			printf("# row %zu: %s\n", i, why);
	}
	/* In an unsigned one that line is no signature. */
	CU_ASSERT_EQUAL(compare(HEAD HDB NDB DSIG, false), -EBADMSG);
	CU_ASSERT_EQUAL(container_info_compare(NULL, 0, &list, true, database, why), -EBADMSG);
}

static void a_NUL_or_an_endless_line_is_no_list(void)
{
	static const char with_nul[] = HEAD HDB "x.ndb:7:" B64 "\0hidden\n" DSIG;
	static char longest[5000];

	pack();
	CU_ASSERT_EQUAL(container_info_compare(with_nul, sizeof(with_nul) - 1, &list, true,
					       database, why),
			-EBADMSG);
	(void)snprintf(longest, sizeof(longest), "%s%s%sDSIG:%04000d\n", HEAD, HDB, NDB, 0);
	CU_ASSERT_EQUAL(compare(longest, true), -EBADMSG);
}

static void names_that_no_container_has_are_refused(void)
{
	static const char *const names[] = {"",        ".",       "..",           "../x.hdb",
					    "a/b.hdb", "/x.hdb",  ".hdb",         "x..hdb",
					    "x hdb",   "x\n.hdb", "x.hd\xc3\xb6", "x:.hdb"};
	static const char *const containers[] = {"x.cvd", "in.cld", "in.CUD", "x.ioc", "x.IoC"};

	list.n = 0;
	for (size_t i = 0; i < N(names); i++)
		CU_ASSERT_EQUAL(add(names[i], 1, 1, true), -EBADMSG);
	for (size_t i = 0; i < N(containers); i++) {
		CU_ASSERT_EQUAL(add(containers[i], 1, 1, true), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, "is a container itself"));
	}
}

static void a_name_is_there_once_whatever_its_case(void)
{
	pack();
	CU_ASSERT_EQUAL(add("x.HDB", 1, 1, true), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "twice"));
	CU_ASSERT_EQUAL(add("y.info", 1, 1, true), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "two lists"));
	CU_ASSERT_EQUAL(add("y.INFO", 1, 1, true), -EBADMSG);
}

static void members_are_bounded(void)
{
	char name[16];

	list.n = 0;
	for (unsigned i = 0; i < CONTAINER_MEMBERS; i++) {
		(void)snprintf(name, sizeof(name), "%u.cbc", i);
		CU_ASSERT_EQUAL(add(name, 1, 1, true), 0);
	}
	CU_ASSERT_EQUAL(add("more.cbc", 1, 1, true), -EBADMSG);
}

static void what_weakens_may_not_hide_in_an_unsigned_container(void)
{
	static const char *const names[] = {"x.cfg", "x.ign2", "x.fp",  "x.ftm",
					    "1.cbc", "x.wdb",  "x.yar", "x.crb"};

	list.n = 0;
	for (size_t i = 0; i < N(names); i++) {
		CU_ASSERT_EQUAL(add(names[i], 1, 1, false), -EBADMSG);
		CU_ASSERT_EQUAL(add(names[i], 1, 1, true), 0);
	}
	CU_ASSERT_EQUAL(add("x.info", 1, 1, false), 0);
}

static void a_member_of_another_database_gives_the_container_away(void)
{
	pack();
	strcpy(list.members[1].name, "main.info");
	CU_ASSERT_EQUAL(compare(HEAD HDB NDB DSIG, true), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "another database"));
	strcpy(list.members[1].name, "x.INFO");
	CU_ASSERT_EQUAL(compare(HEAD HDB NDB DSIG, true), -EBADMSG);
	strcpy(list.members[1].name, "x.y.info");
	CU_ASSERT_EQUAL(compare(HEAD HDB NDB DSIG, true), -EBADMSG);
	strcpy(list.members[1].name, "x.nfo");
	CU_ASSERT_EQUAL(compare(HEAD HDB NDB DSIG, true), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no list"));
}

static void code_has_numbers_for_names_in_bytecode_only(void)
{
	static const char text[] = HEAD "1.cbc:44:" A64 "\nlast.hdb:7:" B64 "\n" DSIG;

	pack();
	strcpy(list.members[1].name, "bytecode.info");
	strcpy(list.members[2].name, "1.cbc");
	strcpy(list.members[3].name, "last.hdb");
	CU_ASSERT_EQUAL(compare(text, true), 0);
	CU_ASSERT_STRING_EQUAL(database, "bytecode");
	strcpy(list.members[1].name, "main.info");
	CU_ASSERT_EQUAL(compare(text, true), -EBADMSG);
	strcpy(list.members[1].name, "bytecode.info");
	strcpy(list.members[2].name, "a1.cbc");
	CU_ASSERT_EQUAL(compare(text, true), -EBADMSG);
}

static void the_header_of_a_cld_is_the_first_line_of_its_list(void)
{
	static const char text[] = HEAD HDB DSIG;
	char header[CONTAINER_HEADER_BYTES];
	size_t len = sizeof(HEAD) - 2;

	memset(header, ' ', sizeof(header));
	memcpy(header, HEAD, len);
	CU_ASSERT_EQUAL(container_info_header(header, text, sizeof(text) - 1, why), 0);
	CU_ASSERT_EQUAL(container_info_header(header, text, len, why), 0);
	for (size_t i = 0; i < sizeof(header); i++) {
		header[i] ^= 1;
		CU_ASSERT_EQUAL(container_info_header(header, text, sizeof(text) - 1, why),
				-EBADMSG);
		header[i] ^= 1;
	}
	CU_ASSERT_EQUAL(container_info_header(header, "", 0, why), -EBADMSG);
}

static const struct {
	const char *database;
	uint32_t promised, passed_over, floor;
} floors[] = {
	{"test", 14, 4, 10},     {"test", 0, 0, 1},
	{"test", 3, 4, 1},       {"main", 1000, 0, 900},
	{"daily", 1009, 9, 900}, {"daily", 5, 0, 5},
	{"main", 0, 0, 1},       {"bytecode", 300, 0, 1},
	{"other", 300, 0, 1},    {"test", UINT32_MAX, 0, UINT32_MAX},
	{"", 7, 0, 1},           {"testing", 7, 0, 1},
};

static void each_family_has_its_floor_and_none_is_zero(void)
{
	for (size_t i = 0; i < N(floors); i++)
		CU_ASSERT_EQUAL(container_info_floor(floors[i].database, floors[i].promised,
						     floors[i].passed_over),
				floors[i].floor);
}

static void a_kind_is_known_by_the_end_of_the_name(void)
{
	CU_ASSERT_EQUAL(definition_kind_of("daily.cvd"), DEFINITION_KIND_CVD);
	CU_ASSERT_EQUAL(definition_kind_of("daily.CLD"), DEFINITION_KIND_CLD);
	CU_ASSERT_EQUAL(definition_kind_of("a.b.ndb"), DEFINITION_KIND_TEXT);
	CU_ASSERT_EQUAL(definition_kind_of("x.ign2"), DEFINITION_KIND_REFUSED);
	CU_ASSERT_EQUAL(definition_kind_of("x.hdu"), DEFINITION_KIND_UNWANTED);
	CU_ASSERT_EQUAL(definition_kind_of("x.cvd.sign"), DEFINITION_KIND_NONE);
	CU_ASSERT_EQUAL(definition_kind_of("manifest"), DEFINITION_KIND_NONE);
	CU_ASSERT_EQUAL(definition_kind_of(""), DEFINITION_KIND_NONE);
}

static const struct unit_test tests[] = {
	{"a container that is what its list says passes",
	 a_container_that_is_what_its_list_says_passes},
	{"a list that says otherwise is refused with a sentence",
	 a_list_that_says_otherwise_is_refused_with_a_sentence},
	{"a NUL or an endless line is no list", a_NUL_or_an_endless_line_is_no_list},
	{"names that no container has are refused", names_that_no_container_has_are_refused},
	{"a name is there once, whatever its case", a_name_is_there_once_whatever_its_case},
	{"members are bounded", members_are_bounded},
	{"what weakens may not hide in an unsigned container",
	 what_weakens_may_not_hide_in_an_unsigned_container},
	{"a member of another database gives the container away",
	 a_member_of_another_database_gives_the_container_away},
	{"code has numbers for names in bytecode only",
	 code_has_numbers_for_names_in_bytecode_only},
	{"the header of a cld is the first line of its list",
	 the_header_of_a_cld_is_the_first_line_of_its_list},
	{"each family has its floor and none is zero", each_family_has_its_floor_and_none_is_zero},
	{"a kind is known by the end of the name", a_kind_is_known_by_the_end_of_the_name},
};

UNIT_MAIN("container_info", tests)
