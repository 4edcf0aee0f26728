/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz_from_updater: what the updater tells the daemon. */
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/packets.h"
#include "tests/support/update_messages.h"

static int decode(struct wire_arena *arenas[2], const uint8_t *packet, size_t len,
		  unsigned *ret_message)
{
	static struct from_updater first, again;
	static uint8_t bytes[LIMIT_PACKET_BYTES];
	const char *why = NULL;
	ssize_t n;
	int r = from_updater_decode(arenas[0], packet, len, &first, &why);

	if (r) {
		FUZZ_CHECK(why && *why);
		return r;
	}
	n = from_updater_encode(&first, bytes, sizeof(bytes));
	FUZZ_CHECK(n >= 0);
	FUZZ_CHECK(from_updater_decode(arenas[1], bytes, (size_t)n, &again, &why) == 0);
	FUZZ_CHECK(from_updater_equal(&first, &again));
	*ret_message = first.kind;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	packets_run(data, size, &rules_from_updater, decode);
	return 0;
}
