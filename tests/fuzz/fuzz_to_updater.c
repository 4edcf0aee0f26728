/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz_to_updater: what the daemon tells the updater. */
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/packets.h"
#include "tests/support/update_messages.h"

static int decode(struct wire_arena *arenas[2], const uint8_t *packet, size_t len,
		  unsigned *ret_message)
{
	static struct update_start first, again;
	static uint8_t bytes[LIMIT_PACKET_BYTES];
	const char *why = NULL;
	ssize_t n;
	int r = update_start_decode(arenas[0], packet, len, &first, &why);

	if (r) {
		FUZZ_CHECK(why && *why);
		return r;
	}
	for (unsigned i = 0; i < first.n_mirrors; i++)
		FUZZ_CHECK(update_url_is_sound(first.mirrors[i].url));
	n = update_start_encode(&first, bytes, sizeof(bytes));
	FUZZ_CHECK(n >= 0);
	FUZZ_CHECK(update_start_decode(arenas[1], bytes, (size_t)n, &again, &why) == 0);
	FUZZ_CHECK(update_start_equal(&first, &again));
	*ret_message = TO_UPDATER_START;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	packets_run(data, size, &rules_to_updater, decode);
	return 0;
}
