/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/definition_manifest.h"

#include <errno.h>
#include <string.h>

#define HEX_BYTES ((size_t)2 * LIMIT_DIGEST_BYTES)

static const char hex_digits[] = "0123456789abcdef";
static const char custom_prefix[] = MANIFEST_CUSTOM "/";

/* What is left to read. */
struct cursor {
	const char *at, *end;
};

static bool is_name_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

static bool is_name(const char *name, size_t len)
{
	if (len == 0 || len > LIMIT_NAME_BYTES || name[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_name_byte(name[i]))
			return false;
	}
	return true;
}

bool manifest_name_is_valid(const char *name)
{
	return is_name(name, strnlen(name, LIMIT_NAME_BYTES + 1)) &&
	       strcmp(name, MANIFEST_FILE) != 0 && strcmp(name, MANIFEST_CUSTOM) != 0;
}

int manifest_path_make(char ret_path[MANIFEST_PATH_BYTES + 1], const char *name, bool is_custom)
{
	size_t at = is_custom ? sizeof(custom_prefix) - 1 : 0;

	if (!manifest_name_is_valid(name))
		return -EINVAL;
	memcpy(ret_path, custom_prefix, at);
	memcpy(ret_path + at, name, strlen(name) + 1);
	return 0;
}

const char *manifest_path_name(const char *path, bool *ret_is_custom)
{
	size_t len = sizeof(custom_prefix) - 1;

	*ret_is_custom = strncmp(path, custom_prefix, len) == 0;
	return *ret_is_custom ? path + len : path;
}

static bool is_path(const char *path)
{
	bool is_custom;

	return manifest_name_is_valid(manifest_path_name(path, &is_custom));
}

/* Where it is, or would be. */
static unsigned place_of(const struct definition_manifest *manifest, const char *path)
{
	unsigned i = 0;

	while (i < manifest->n && strcmp(manifest->entries[i].path, path) < 0)
		i++;
	return i;
}

int definition_manifest_add(struct definition_manifest *manifest,
			    const struct manifest_entry *entry)
{
	unsigned place;

	if (!is_path(entry->path))
		return -EINVAL;
	if (definition_manifest_find(manifest, entry->path))
		return -EEXIST;
	if (manifest->n == LIMIT_DEFINITION_FILES)
		return -ENOSPC;
	if (entry->bytes > UINT64_MAX - definition_manifest_bytes(manifest))
		return -EOVERFLOW;
	place = place_of(manifest, entry->path);
	memmove(&manifest->entries[place + 1], &manifest->entries[place],
		(manifest->n - place) * sizeof(*entry));
	manifest->entries[place] = *entry;
	manifest->n++;
	return 0;
}

const struct manifest_entry *definition_manifest_find(const struct definition_manifest *manifest,
						      const char *path)
{
	unsigned place = place_of(manifest, path);

	if (place == manifest->n || strcmp(manifest->entries[place].path, path) != 0)
		return NULL;
	return &manifest->entries[place];
}

uint64_t definition_manifest_bytes(const struct definition_manifest *manifest)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < manifest->n; i++)
		bytes += manifest->entries[i].bytes;
	return bytes;
}

/* ---- writing ---- */

static char *put_digest(char *at, const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	for (unsigned i = 0; i < LIMIT_DIGEST_BYTES; i++) {
		*at++ = hex_digits[digest[i] >> 4];
		*at++ = hex_digits[digest[i] & 15];
	}
	return at;
}

static char *put_number(char *at, uint64_t number)
{
	char digits[MANIFEST_NUMBER_BYTES];
	unsigned n = 0;

	do {
		digits[n++] = hex_digits[number % 10];
		number /= 10;
	} while (number);
	while (n)
		*at++ = digits[--n];
	return at;
}

static char *put_path(char *at, const char *path)
{
	size_t len = strlen(path);

	memcpy(at, path, len);
	return at + len;
}

size_t definition_manifest_write(const struct definition_manifest *manifest,
				 char text[MANIFEST_BYTES])
{
	char *at = text;

	for (unsigned i = 0; i < manifest->n; i++) {
		const struct manifest_entry *entry = &manifest->entries[i];

		at = put_digest(at, entry->digest);
		*at++ = ' ';
		at = put_number(at, entry->bytes);
		*at++ = ' ';
		at = put_path(at, entry->path);
		*at++ = '\n';
	}
	return (size_t)(at - text);
}

/* ---- reading ---- */

static bool take_byte(struct cursor *cursor, char wanted)
{
	if (cursor->at == cursor->end || *cursor->at != wanted)
		return false;
	cursor->at++;
	return true;
}

/* -1: no digit of ours, upper case and NUL included. */
static int digit_of(char c)
{
	const char *digit = c ? strchr(hex_digits, c) : NULL;

	return digit ? (int)(digit - hex_digits) : -1;
}

static bool take_digest(struct cursor *cursor, uint8_t digest[LIMIT_DIGEST_BYTES])
{
	if ((size_t)(cursor->end - cursor->at) < HEX_BYTES)
		return false;
	for (unsigned i = 0; i < LIMIT_DIGEST_BYTES; i++) {
		int high = digit_of(*cursor->at++), low = digit_of(*cursor->at++);

		if (high < 0 || low < 0)
			return false;
		digest[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* A number has one form: no sign, no zeros in front. */
static bool take_number(struct cursor *cursor, uint64_t *ret_number)
{
	const char *first = cursor->at;
	uint64_t number = 0;

	for (; cursor->at < cursor->end; cursor->at++) {
		int digit = digit_of(*cursor->at);

		if (digit < 0 || digit > 9)
			break;
		if (number > (UINT64_MAX - (unsigned)digit) / 10)
			return false;
		number = number * 10 + (unsigned)digit;
	}
	*ret_number = number;
	return cursor->at - first == 1 || (cursor->at > first && *first != '0');
}

static bool take_path(struct cursor *cursor, char path[MANIFEST_PATH_BYTES + 1])
{
	size_t left = (size_t)(cursor->end - cursor->at), len = 0;

	while (len < left && cursor->at[len] != '\n')
		len++;
	if (len > MANIFEST_PATH_BYTES || memchr(cursor->at, '\0', len))
		return false;
	memcpy(path, cursor->at, len);
	path[len] = '\0';
	cursor->at += len;
	return true;
}

static bool take_line(struct cursor *cursor, struct manifest_entry *ret_entry)
{
	return take_digest(cursor, ret_entry->digest) && take_byte(cursor, ' ') &&
	       take_number(cursor, &ret_entry->bytes) && take_byte(cursor, ' ') &&
	       take_path(cursor, ret_entry->path) && take_byte(cursor, '\n');
}

/* In its place only when nothing stands behind it: paths ascend. */
static bool is_last(const struct definition_manifest *manifest, const char *path)
{
	return strcmp(manifest->entries[manifest->n - 1].path, path) == 0;
}

int definition_manifest_read(struct definition_manifest *ret_manifest, const char *text, size_t len)
{
	struct cursor cursor = {.at = text, .end = text + len};
	struct manifest_entry entry;

	ret_manifest->n = 0;
	if (len == 0)
		return -EINVAL;
	while (cursor.at < cursor.end) {
		if (!take_line(&cursor, &entry) || definition_manifest_add(ret_manifest, &entry) ||
		    !is_last(ret_manifest, entry.path))
			return -EINVAL;
	}
	return 0;
}
