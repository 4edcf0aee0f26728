/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text: bytes of strangers made fit to be shown, and small bounded text building. Nothing here allocates.
 */
#ifndef AMP_SHARED_BASE_TEXT_H
#define AMP_SHARED_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Printable ASCII (0x20 to 0x7e) only? */
bool text_is_printable(const void *bytes, size_t len);

/* The same but for the case of ASCII letters? */
bool text_is_same_name(const char *left, const char *right);

/* Well-formed UTF-8 (no surrogates, no overlong forms, up to U+10FFFF)? */
bool text_is_utf8(struct span bytes);

/*
 * Writes `bytes` so that one line of a log or terminal can hold them: valid UTF-8 stays except control characters (C0, DEL,
 * C1, and the bidirectional overrides), a backslash becomes \\, a newline \n, a tab \t, other bytes \xHH. Always ends with
 * NUL; when it does not fit, the result ends in "..." (size at least 8). Returns `out`.
 */
char *text_escape(struct span bytes, char *out, size_t size);

/* snprintf into `out + *at`, advancing *at, never past size - 1. For building a line in steps. */
void text_append(char *out, size_t size, size_t *at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
