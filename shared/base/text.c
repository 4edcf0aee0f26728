/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

bool text_is_printable(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	}
	return true;
}

/* Bounds of the second byte by the first one; the table of the Unicode standard, 3.9, table 3-7. */
static bool second_is_good(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return second >= 0x80 && second <= 0xbf;
	}
}

/* Length of the well-formed sequence at `p`, 0 when there is none. */
static size_t sequence_len(const uint8_t *p, size_t left)
{
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (left < len || !second_is_good(p[0], p[1]))
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

bool text_is_utf8(struct span bytes)
{
	for (size_t i = 0; i < bytes.len;) {
		size_t len = sequence_len(bytes.data + i, bytes.len - i);

		if (!len)
			return false;
		i += len;
	}
	return true;
}

static uint32_t code_point(const uint8_t *p, size_t len)
{
	uint32_t point = len == 1 ? p[0] : p[0] & (0x7fu >> len);

	for (size_t i = 1; i < len; i++)
		point = point << 6 | (p[i] & 0x3fu);
	return point;
}

/* What would move the cursor, ring, colour, or reorder the line that shows it. */
static bool is_unfit(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c ||
	       (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

/* Writes the shown form of the next character to `piece`; returns how many bytes of input it stands for. */
static size_t show_next(const uint8_t *p, size_t left, char piece[24], size_t *ret_len)
{
	size_t len = sequence_len(p, left);

	*ret_len = 0;
	if (len == 1 && (p[0] == '\\' || p[0] == '\n' || p[0] == '\t')) {
		piece[0] = '\\';
		piece[1] = p[0] == '\n' ? 'n' : p[0] == '\t' ? 't' : '\\';
		*ret_len = 2;
		return 1;
	}
	if (len && !is_unfit(code_point(p, len))) {
		memcpy(piece, p, len);
		*ret_len = len;
		return len;
	}
	if (!len)
		len = 1;
	for (size_t i = 0; i < len; i++)
		*ret_len += (size_t)snprintf(piece + *ret_len, 24 - *ret_len, "\\x%02x", p[i]);
	return len;
}

char *text_escape(struct span bytes, char *out, size_t size)
{
	size_t at = 0, fits = 0; /* fits: where "..." can still be put */

	for (size_t i = 0; i < bytes.len;) {
		char piece[24];
		size_t len;

		i += show_next(bytes.data + i, bytes.len - i, piece, &len);
		if (at + len + 1 > size) {
			memcpy(out + fits, "...", 4);
			return out;
		}
		memcpy(out + at, piece, len);
		at += len;
		if (at + 4 <= size)
			fits = at;
	}
	out[at] = '\0';
	return out;
}

void text_append(char *out, size_t size, size_t *at, const char *format, ...)
{
	va_list arguments;
	int n;

	if (*at + 1 >= size)
		return;
	va_start(arguments, format);
	n = vsnprintf(out + *at, size - *at, format, arguments);
	va_end(arguments);
	if (n > 0)
		*at = *at + (size_t)n < size ? *at + (size_t)n : size - 1;
}

static char lower(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

bool text_is_same_name(const char *left, const char *right)
{
	while (*left && lower(*left) == lower(*right)) {
		left++;
		right++;
	}
	return lower(*left) == lower(*right);
}
