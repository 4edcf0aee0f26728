/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_event: rows of the journal. The first packet is decoded with event_decode(), those after it as one page with
 * event_decode_more() into the same arena, which must leave the first one as it was.
 */
#include <errno.h>

#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/packets.h"
#include "tests/support/message_equal.h"
#include "wire/event_codec.h"

static struct event page_first, page_copy;
static struct wire_arena *page_arena, *copy_arena;
static bool has_page;

static void begin_page(const uint8_t *bytes, size_t len)
{
	const char *why;

	if (!page_arena)
		page_arena = wire_arena_new();
	if (!copy_arena)
		copy_arena = wire_arena_new();
	FUZZ_CHECK(page_arena && copy_arena);
	FUZZ_CHECK(event_decode(page_arena, bytes, len, &page_first, &why) == 0);
	FUZZ_CHECK(event_decode(copy_arena, bytes, len, &page_copy, &why) == 0);
	has_page = true;
}

static void continue_page(const uint8_t *bytes, size_t len, const struct event *expected)
{
	struct event more;
	const char *why = NULL;
	int r = event_decode_more(page_arena, bytes, len, &more, &why);

	FUZZ_CHECK(r == 0 || (r == -EBADMSG && why && *why)); /* the arena may be full */
	FUZZ_CHECK(r || event_equal(&more, expected));
	FUZZ_CHECK(event_equal(&page_first, &page_copy));
}

static int decode(struct wire_arena *arenas[2], const uint8_t *packet, size_t len,
		  unsigned *ret_message)
{
	struct event first, again;
	static uint8_t bytes[LIMIT_PACKET_BYTES];
	static uint8_t page_bytes[LIMIT_PACKET_BYTES];
	const char *why = NULL;
	ssize_t n;
	int r = event_decode(arenas[0], packet, len, &first, &why);

	*ret_message = 0;
	if (r) {
		FUZZ_CHECK(why && *why);
		return r;
	}
	n = event_encode(&first, bytes, sizeof(bytes));
	FUZZ_CHECK(n >= 0);
	FUZZ_CHECK(event_decode(arenas[1], bytes, (size_t)n, &again, &why) == 0);
	FUZZ_CHECK(event_equal(&first, &again));
	if (has_page) {
		continue_page(bytes, (size_t)n, &first);
	} else {
		memcpy(page_bytes, bytes, (size_t)n);
		begin_page(page_bytes, (size_t)n);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	has_page = false;
	packets_run(data, size, NULL, decode);
	return 0;
}
