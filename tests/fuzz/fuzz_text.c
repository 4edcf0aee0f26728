/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_text: file names and other bytes of strangers on their way into a line. The first two bytes of the input are the
 * room for the result; the rest is the text.
 */
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "tests/fuzz/fuzz_check.h"

static unsigned hex(char digit)
{
	FUZZ_CHECK((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'));
	return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'a') + 10;
}

/* The inverse of text_escape(): what is shown must tell what was there. */
static size_t unescape(const char *text, uint8_t *out)
{
	size_t n = 0;

	while (*text) {
		if (*text != '\\') {
			out[n++] = (uint8_t)*text++;
		} else if (text[1] == 'x') {
			out[n++] = (uint8_t)(hex(text[2]) << 4 | hex(text[3]));
			text += 4;
		} else {
			FUZZ_CHECK(text[1] == 'n' || text[1] == 't' || text[1] == '\\');
			out[n++] = text[1] == 'n' ? '\n' : text[1] == 't' ? '\t' : '\\';
			text += 2;
		}
	}
	return n;
}

static void check_shown(const char *out, size_t size)
{
	size_t len = strnlen(out, size);

	FUZZ_CHECK(len < size);
	FUZZ_CHECK(text_is_utf8(span_of(out, len)));
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)out[i];

		FUZZ_CHECK(c >= 0x20 && c != 0x7f);
		FUZZ_CHECK(c != 0xc2 || (unsigned char)out[i + 1] >= 0xa0); /* C1 */
	}
	FUZZ_CHECK(!strstr(out, "\u202e") && !strstr(out, "\u2066") && !strstr(out, "\ufeff"));
}

/* What was cut is the beginning of the whole, with "..." behind it. */
static void check_cut(const char *cut, const char *whole)
{
	size_t len = strlen(cut);

	if (!strcmp(cut, whole))
		return;
	FUZZ_CHECK(len >= 3 && !strcmp(cut + len - 3, "..."));
	FUZZ_CHECK(!strncmp(cut, whole, len - 3));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room, full;
	char *cut, *whole;
	uint8_t *back;

	if (size < 2)
		return 0;
	room = 8 + (data[0] | (size_t)data[1] << 8) % 1024;
	data += 2;
	size -= 2;
	full = 4 * size + 8;
	cut = malloc(room);
	whole = malloc(full);
	back = malloc(full);
	FUZZ_CHECK(cut && whole && back);
	FUZZ_CHECK(text_escape(span_of(data, size), cut, room) == cut);
	FUZZ_CHECK(text_escape(span_of(data, size), whole, full) == whole);
	check_shown(cut, room);
	check_shown(whole, full);
	check_cut(cut, whole);
	FUZZ_CHECK(unescape(whole, back) == size && (!size || !memcmp(back, data, size)));
	free(cut);
	free(whole);
	free(back);
	return 0;
}
