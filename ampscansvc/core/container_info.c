/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/core/container_info.h"

#include <errno.h>
#include <string.h>

#include "ampscansvc/core/definition_kind.h"
#include "base/text.h"

#define COPYING "COPYING"
#define LIST_ENDING ".info"
#define HEADER "ClamAV-VDB:"
#define SIGNATURE "DSIG:"
#define SIZE_DIGITS 10
#define LINE_BYTES 2000 /* libclamav would cut a line above 8191; a signature has 350 */
#define HEX_DIGITS ((size_t)2 * LIMIT_DIGEST_BYTES)
#define FIRST_FLOOR 10 /* main and daily: tenths */

/* Where the text is looked at, and what has been found in it. */
struct reader {
	const char *at, *end;
	const struct container_list *list;
	bool is_signed;
	bool was_listed[CONTAINER_MEMBERS];
	char *why;
};

static int refuse(char why[LIMIT_DETAIL_BYTES], const char *before, const char *name,
		  const char *after)
{
	size_t at = 0;

	text_append(why, LIMIT_DETAIL_BYTES, &at, "%s%s%s", before, name, after);
	return -EBADMSG;
}

static bool is_plain(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return name[0] && name[0] != '.' && !name[strspn(name, allowed)] && !strstr(name, "..");
}

static bool ends_with(const char *name, const char *ending)
{
	size_t len = strlen(name), tail = strlen(ending);

	return len >= tail && text_is_same_name(name + len - tail, ending);
}

bool container_info_is_list(const char *name)
{
	return ends_with(name, LIST_ENDING);
}

int container_info_name(const struct container_list *list, const char *name, bool may_weaken,
			char why[LIMIT_DETAIL_BYTES])
{
	enum definition_kind kind = definition_kind_of(name);

	if (!is_plain(name))
		return refuse(why, "it has a member with a name that no container has", "", "");
	if (definition_kind_is_official(kind) || kind == DEFINITION_KIND_CUD ||
	    kind == DEFINITION_KIND_CONTAINER)
		return refuse(why, "its member ", name, " is a container itself");
	if (list->n == CONTAINER_MEMBERS)
		return refuse(why, "it has too many members", "", "");
	for (unsigned i = 0; i < list->n; i++) {
		if (text_is_same_name(list->members[i].name, name))
			return refuse(why, "its member ", name, " is there twice");
		if (container_info_is_list(name) && container_info_is_list(list->members[i].name))
			return refuse(why, "it has two lists of its members", "", "");
	}
	/* What may not lie beside it may not hide in it. */
	if (!may_weaken && kind == DEFINITION_KIND_REFUSED && !container_info_is_list(name))
		return refuse(why, "its member ", name, " is of a kind that is not accepted");
	return 0;
}

static bool is_code_name(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits && strcmp(name + digits, ".cbc") == 0;
}

/* The name of a .cld is not signed, those of its members are: so they say whose it is. Code has numbers for names. */
static bool belongs_to(const char *name, const char *database)
{
	size_t len = strlen(database);

	if (strncmp(name, database, len) == 0 && name[len] == '.')
		return true;
	return strcmp(database, "bytecode") == 0 &&
	       (is_code_name(name) || strcmp(name, "last.hdb") == 0);
}

static int find_database(const struct container_list *list,
			 char ret_database[LIMIT_DATABASE_BYTES + 1], char why[LIMIT_DETAIL_BYTES])
{
	for (unsigned i = 0; i < list->n; i++) {
		const char *name = list->members[i].name;
		size_t len = strlen(name);

		if (!container_info_is_list(name))
			continue;
		len -= strlen(LIST_ENDING);
		if (len > LIMIT_DATABASE_BYTES || memchr(name, '.', len) ||
		    strcmp(name + len, LIST_ENDING) != 0)
			return refuse(why, "its list ", name, " has a name that no list has");
		memcpy(ret_database, name, len);
		ret_database[len] = '\0';
		return 0;
	}
	return refuse(why, "it has no list of its members", "", "");
}

static int check_owner(const struct container_list *list, const char *database,
		       char why[LIMIT_DETAIL_BYTES])
{
	for (unsigned i = 0; i < list->n; i++) {
		const char *name = list->members[i].name;

		if (strcmp(name, COPYING) != 0 && !belongs_to(name, database))
			return refuse(why, "its member ", name, " is of another database");
	}
	return 0;
}

/* The next line, without its end. False when there is none; *ret_len is SIZE_MAX for one that is not text. */
static bool next_line(struct reader *reader, const char **ret_line, size_t *ret_len)
{
	size_t left = (size_t)(reader->end - reader->at);
	const char *stop = left ? memchr(reader->at, '\n', left) : NULL;

	if (!left)
		return false;
	*ret_line = reader->at;
	*ret_len = stop ? (size_t)(stop - reader->at) : left;
	reader->at = stop ? stop + 1 : reader->end;
	if (*ret_len > LINE_BYTES || !text_is_printable(*ret_line, *ret_len))
		*ret_len = SIZE_MAX;
	return true;
}

static bool begins_with(const char *line, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(line, word, strlen(word)) == 0;
}

/* `len` digits of decimal. */
static bool read_size(const char *digits, size_t len, uint64_t *ret_bytes)
{
	if (!len || len > SIZE_DIGITS)
		return false;
	*ret_bytes = 0;
	for (size_t i = 0; i < len; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		*ret_bytes = *ret_bytes * 10 + (uint64_t)(digits[i] - '0');
	}
	return true;
}

static int nibble(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit ? strchr(digits, digit | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

static bool read_digest(const char *hex, size_t len, uint8_t ret_digest[LIMIT_DIGEST_BYTES])
{
	if (len != HEX_DIGITS)
		return false;
	for (size_t i = 0; i < LIMIT_DIGEST_BYTES; i++) {
		int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_digest[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* NAME:SIZE:SHA-256 */
static bool read_line(const char *line, size_t len, struct container_member *ret_member)
{
	const char *first = memchr(line, ':', len), *second;
	size_t name_len = first ? (size_t)(first - line) : 0;

	if (!name_len || name_len > CONTAINER_NAME_BYTES)
		return false;
	second = memchr(first + 1, ':', len - name_len - 1);
	if (!second)
		return false;
	memcpy(ret_member->name, line, name_len);
	ret_member->name[name_len] = '\0';
	return read_size(first + 1, (size_t)(second - first) - 1, &ret_member->bytes) &&
	       read_digest(second + 1, len - (size_t)(second - line) - 1, ret_member->digest);
}

static int hold(struct reader *reader, const struct container_member *listed)
{
	for (unsigned i = 0; i < reader->list->n; i++) {
		const struct container_member *member = &reader->list->members[i];

		if (strcmp(member->name, listed->name) != 0)
			continue;
		if (reader->was_listed[i])
			return refuse(reader->why, "its list has ", member->name, " twice");
		reader->was_listed[i] = true;
		if (member->bytes != listed->bytes ||
		    memcmp(member->digest, listed->digest, LIMIT_DIGEST_BYTES) != 0)
			return refuse(reader->why, "its member ", member->name,
				      " is not the one of its list");
		return 0;
	}
	return refuse(reader->why, "a member of its list is missing: ", listed->name, "");
}

/* Everything between the header and the signature. */
static int read_list(struct reader *reader, bool *ret_signature)
{
	const char *line;
	size_t len;

	*ret_signature = false;
	while (next_line(reader, &line, &len)) {
		struct container_member listed;
		int result;

		if (len == SIZE_MAX || *ret_signature)
			return refuse(reader->why, "its list has lines that no list has", "", "");
		if (reader->is_signed && begins_with(line, len, SIGNATURE)) {
			*ret_signature = true;
			continue;
		}
		if (!read_line(line, len, &listed))
			return refuse(reader->why, "its list has lines that no list has", "", "");
		result = hold(reader, &listed);
		if (result < 0)
			return result;
	}
	return 0;
}

static int check_unlisted(const struct reader *reader)
{
	for (unsigned i = 0; i < reader->list->n; i++) {
		const char *name = reader->list->members[i].name;

		if (!reader->was_listed[i] && strcmp(name, COPYING) != 0 &&
		    !container_info_is_list(name))
			return refuse(reader->why, "its member ", name, " is not in its list");
		if (reader->was_listed[i] &&
		    (strcmp(name, COPYING) == 0 || container_info_is_list(name)))
			return refuse(reader->why, "its list has ", name, ", which no list has");
	}
	return 0;
}

int container_info_compare(const char *text, size_t len, const struct container_list *list,
			   bool is_signed, char ret_database[LIMIT_DATABASE_BYTES + 1],
			   char why[LIMIT_DETAIL_BYTES])
{
	struct reader reader = {.at = text,
				.end = len ? text + len : text,
				.list = list,
				.is_signed = is_signed,
				.why = why};
	int result = find_database(list, ret_database, why);
	const char *line;
	size_t line_len;
	bool has_signature;

	if (result == 0)
		result = check_owner(list, ret_database, why);
	if (result < 0)
		return result;
	if (!next_line(&reader, &line, &line_len) || line_len == SIZE_MAX ||
	    !begins_with(line, line_len, HEADER))
		return refuse(why, "its list does not begin as a list", "", "");
	result = read_list(&reader, &has_signature);
	if (result == 0 && is_signed && !has_signature)
		result = refuse(why, "its list is not signed", "", "");
	return result < 0 ? result : check_unlisted(&reader);
}

int container_info_header(const char header[CONTAINER_HEADER_BYTES], const char *text, size_t len,
			  char why[LIMIT_DETAIL_BYTES])
{
	const char *stop = len ? memchr(text, '\n', len) : NULL;
	size_t line = stop ? (size_t)(stop - text) : len;
	bool is_same = line && line <= CONTAINER_HEADER_BYTES && memcmp(header, text, line) == 0;

	for (size_t i = line; is_same && i < CONTAINER_HEADER_BYTES; i++)
		is_same = header[i] == ' ';
	return is_same ? 0 : refuse(why, "its header is not the one of its list", "", "");
}

uint32_t container_info_floor(const char *database, uint32_t promised, uint32_t passed_over)
{
	uint32_t wanted = promised > passed_over ? promised - passed_over : 0;

	if (strcmp(database, "main") == 0 || strcmp(database, "daily") == 0)
		wanted -= wanted / FIRST_FLOOR;
	else if (strcmp(database, "test") != 0)
		wanted = 0;
	return wanted ? wanted : 1;
}
