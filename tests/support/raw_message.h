/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * raw_message: protobuf by hand and packets as no honest peer makes them, for the hostile stand-ins. The codecs of
 * shared/wire cannot be used to lie: they cut and mend what they encode.
 *
 * Owns: the bytes under construction. Must not own: what is said, and to whom.
 */
#ifndef AMP_TESTS_SUPPORT_RAW_MESSAGE_H
#define AMP_TESTS_SUPPORT_RAW_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define RAW_BYTES (256u << 10)

struct raw {
	size_t len;
	uint8_t bytes[RAW_BYTES];
};

void raw_number(struct raw *raw, unsigned field, uint64_t value);
void raw_bytes(struct raw *raw, unsigned field, const void *bytes, size_t len);
void raw_text(struct raw *raw, unsigned field, const char *text);
void raw_message(struct raw *raw, unsigned field, const struct raw *inner);

/* Sends with `n_fds` copies of `fd`; 0 or -errno. Blocks while the peer is slow. */
int raw_send(int socket, const void *bytes, size_t len, int fd, unsigned n_fds);

#endif
