/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_handover: the state that one image of the daemon leaves to the next, frame by frame. What is read can be written, and what is
 * written is read as the same again.
 */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz_check.h"
#include "wire/handover_codec.h"

static uint8_t first_bytes[2 * LIMIT_PACKET_BYTES], again_bytes[2 * LIMIT_PACKET_BYTES];

static void check_descriptors(const struct handover_record *record)
{
	if (record->kind == HANDOVER_SERVICE)
		FUZZ_CHECK(record->service.pidfd >= HANDOVER_FIRST_FD &&
			   record->service.channel >= HANDOVER_FIRST_FD && record->service.pid > 0);
	if (record->kind == HANDOVER_WORKER)
		FUZZ_CHECK(record->worker.pidfd >= HANDOVER_FIRST_FD &&
			   record->worker.channel >= HANDOVER_FIRST_FD && record->worker.pid > 0);
	if (record->kind == HANDOVER_SCAN)
		FUZZ_CHECK(record->scan.counts.label.len <= LIMIT_LABEL_BYTES);
}

static void try_record(struct wire_arena *arenas[2], struct span bytes)
{
	static struct handover_record first, again;
	const char *why = NULL;
	ssize_t n, m;
	int r = handover_record_decode(arenas[0], bytes.data, bytes.len, &first, &why);

	if (r) {
		FUZZ_CHECK((r == -EBADMSG || r == -EPROTONOSUPPORT) && why && *why);
		return;
	}
	check_descriptors(&first);
	n = handover_record_encode(&first, first_bytes, sizeof(first_bytes));
	FUZZ_CHECK(n >= 0);
	FUZZ_CHECK(n > LIMIT_PACKET_BYTES ||
		   !handover_record_decode(arenas[1], first_bytes, (size_t)n, &again, &why));
	if (n > LIMIT_PACKET_BYTES)
		return;
	m = handover_record_encode(&again, again_bytes, sizeof(again_bytes));
	FUZZ_CHECK(m == n && memcmp(first_bytes, again_bytes, (size_t)n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire_arena *arenas[2];
	struct span state = span_of(data, size), bytes;
	size_t offset = 0;
	int r;

	for (unsigned i = 0; i < 2 && !arenas[i]; i++)
		arenas[i] = wire_arena_new();
	FUZZ_CHECK(arenas[0] && arenas[1]);
	while (!(r = handover_frame_next(state, &offset, &bytes))) {
		FUZZ_CHECK(offset <= size);
		try_record(arenas, bytes);
	}
	FUZZ_CHECK(r == -EBADMSG || (r == -ENODATA && offset == size));
	return 0;
}
