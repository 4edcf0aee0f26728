/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * span: a view of bytes that somebody else owns. `struct text` is the same with the promise that the bytes are
 * printable ASCII and that a NUL follows them (wire decoders give that promise after they have checked it).
 */
#ifndef AMP_SHARED_BASE_SPAN_H
#define AMP_SHARED_BASE_SPAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *data; /* may be NULL when len is 0 */
	size_t len;
};

static inline struct span span_of(const void *data, size_t len)
{
	return (struct span){.data = data, .len = len};
}

static inline struct span span_of_text(const char *text)
{
	return span_of(text, text ? strlen(text) : 0);
}

#endif
