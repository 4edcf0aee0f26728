/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_container_info: a container's list against its members. The input is the list, and behind its first empty line the members: a line
 * NAME:SIZE:SHA-256 each, as the archive would have them; the first byte says whether the container is signed.
 */
#include <string.h>

#include "ampscansvc/core/container_info.h"
#include "base/text.h"
#include "tests/fuzz/fuzz_check.h"

static struct container_list list;

static void check_why(int result, const char *why)
{
	FUZZ_CHECK((result == 0) == !why[0]);
	FUZZ_CHECK(text_is_printable(why, strnlen(why, LIMIT_DETAIL_BYTES)));
}

/* Any digest will do that the list can name: one byte, again and again. */
static void add(const uint8_t *line, size_t len, bool is_signed)
{
	struct container_member *member = &list.members[list.n];
	char name[CONTAINER_NAME_BYTES + 1] = "", why[LIMIT_DETAIL_BYTES] = "";
	const uint8_t *colon = memchr(line, ':', len);
	size_t name_len = colon ? (size_t)(colon - line) : len;
	int result;

	memcpy(name, line, name_len < CONTAINER_NAME_BYTES ? name_len : CONTAINER_NAME_BYTES);
	result = container_info_name(&list, name, is_signed, why);
	/* It may name what is not printable: then it must not repeat it. */
	check_why(result, why);
	if (result < 0)
		return;
	memcpy(member->name, name, sizeof(name));
	member->bytes = colon ? line[len - 1] & 0x0f : 0;
	memset(member->digest, 0xaa, sizeof(member->digest));
	list.n++;
}

/* Everything that was accepted must be so: each member is COPYING, the list, or the database's and in the text. */
static void check_accepted(const char *text, size_t len, const char *database)
{
	FUZZ_CHECK(database[0] && strlen(database) <= LIMIT_DATABASE_BYTES);
	FUZZ_CHECK(len && memcmp(text, "ClamAV-VDB:", 11) == 0);
	for (unsigned i = 0; i < list.n; i++) {
		const char *name = list.members[i].name;

		if (strcmp(name, "COPYING") == 0 || container_info_is_list(name))
			continue;
		FUZZ_CHECK(strncmp(name, database, strlen(database)) == 0 ||
			   strcmp(database, "bytecode") == 0);
		FUZZ_CHECK(memmem(text, len, name, strlen(name)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char database[LIMIT_DATABASE_BYTES + 1], why[LIMIT_DETAIL_BYTES] = "";
	const uint8_t *end = data + size, *members;
	bool is_signed;
	char *text;
	size_t len;
	int result;

	if (!size)
		return 0;
	is_signed = *data++ & 1;
	members = size > 2 ? memmem(data, size - 1, "\n\n", 2) : NULL;
	len = members ? (size_t)(members - data) + 1 : size - 1;
	list.n = 0;
	for (const uint8_t *at = members ? members + 2 : end; at < end;) {
		const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));

		add(at, (size_t)((stop ? stop : end) - at), is_signed);
		at = stop ? stop + 1 : end;
	}
	text = malloc(len ? len : 1); /* of its exact size, so that a step beyond is seen */
	FUZZ_CHECK(text);
	memcpy(text, data, len);
	result = container_info_compare(text, len, &list, is_signed, database, why);
	check_why(result, why);
	if (result == 0)
		check_accepted(text, len, database);
	free(text);
	return 0;
}
