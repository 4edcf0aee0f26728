/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packets: one input is what a hostile peer sends in one session: packets, each with or without a descriptor. Owns the
 * format of the inputs, the session, and the check of the rule book; a target brings the decoder of one channel.
 *
 * Format: per packet two bytes, little endian: the length in the lower 15 bits, the descriptor in the highest bit; then the
 * packet. A length of 0x7fff, or one that goes past the end: the rest of the input.
 */
#ifndef AMP_TESTS_FUZZ_PACKETS_H
#define AMP_TESTS_FUZZ_PACKETS_H

#include <stddef.h>
#include <stdint.h>

#include "wire/arena.h"
#include "wire/session_rules.h"

#define PACKETS_REST 0x7fffu
#define PACKETS_FD 0x8000u

/* Decodes one packet, encodes what came out, decodes that again and compares. 0 with the message's number in `*ret_message`,
 * or -EBADMSG. Two arenas: what was decoded first must still be valid at the comparison. */
typedef int packets_decode_fn(struct wire_arena *arenas[2], const uint8_t *packet, size_t len,
			      unsigned *ret_message);

/* `book` is NULL for bytes that no session carries. */
void packets_run(const uint8_t *data, size_t size, const struct rule_book *book,
		 packets_decode_fn *decode);

#endif
