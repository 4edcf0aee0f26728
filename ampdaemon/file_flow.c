/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/file_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES (256u << 10)

int file_flow_init(struct file_flow *flow, bool (*is_wanted)(void *context), void *context)
{
	*flow = (struct file_flow){.is_wanted = is_wanted, .context = context};
	flow->hash = sha256_new();
	flow->piece = malloc(PIECE_BYTES);
	if (flow->hash && flow->piece)
		return 0;
	file_flow_done(flow);
	return -ENOMEM;
}

void file_flow_done(struct file_flow *flow)
{
	flow->hash = sha256_free(flow->hash);
	free(flow->piece);
	flow->piece = NULL;
}

static int write_piece(struct file_flow *flow, int target, size_t len)
{
	size_t at = 0;

	while (target >= 0 && at < len) {
		ssize_t n = write(target, flow->piece + at, len - at);

		if (n < 0 && errno != EINTR) {
			flow->failed_to_write = true;
			return -errno;
		}
		if (n > 0)
			at += (size_t)n;
	}
	return 0;
}

/* The number of bytes, 0 at the end, or -errno. */
static ssize_t read_piece(struct file_flow *flow, int source, uint64_t at, uint64_t left)
{
	size_t wanted = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
	ssize_t n;

	do {
		n = pread(source, flow->piece, wanted, (off_t)at);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int pass_on(struct file_flow *flow, int source, int target, uint64_t bytes)
{
	uint64_t at = 0;
	ssize_t n;
	int r;

	for (;;) {
		if (!flow->is_wanted(flow->context))
			return -ECANCELED;
		n = read_piece(flow, source, at, bytes - at + 1); /* is there more than promised? */
		if (n < 0)
			return (int)n;
		if (n == 0 || at + (uint64_t)n > bytes)
			return n == 0 && at == bytes ? 0 : -ESTALE;
		r = sha256_add(flow->hash, flow->piece, (size_t)n);
		if (!r)
			r = write_piece(flow, target, (size_t)n);
		if (r)
			return r;
		at += (uint64_t)n;
	}
}

int file_flow_run(struct file_flow *flow, int source, int target, uint64_t bytes,
		  uint8_t ret_digest[LIMIT_DIGEST_BYTES])
{
	int r = sha256_begin(flow->hash);

	flow->failed_to_write = false;
	if (!r)
		r = pass_on(flow, source, target, bytes);
	return r ? r : sha256_end(flow->hash, ret_digest);
}
