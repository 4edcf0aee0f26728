/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file_flow: the bytes of one file, from its beginning to the end that its size promised: hashed on the way, and written where wanted.
 *
 * For threads: the source may be a stranger's and may hang. Reads no byte more than one behind the promised end, so that a file that never
 * ends costs no more than its promise. Owns a buffer and a hash; the descriptors are the caller's. Understands none of the bytes.
 * Diagnostics: -ESTALE when the file has fewer or more bytes than promised, -ECANCELED when nobody wants it any more, -ENOMEM, else the errno of
 * the read or of the write: `failed_to_write` tells them apart.
 */
#ifndef AMP_AMPDAEMON_FILE_FLOW_H
#define AMP_AMPDAEMON_FILE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "io/sha256.h"

struct file_flow {
	struct sha256 *hash;
	uint8_t *piece;
	bool (*is_wanted)(void *context); /* asked between pieces */
	void *context;
	bool failed_to_write; /* the last error was at the target */
};

/* 0 or -ENOMEM. */
int file_flow_init(struct file_flow *flow, bool (*is_wanted)(void *context), void *context);
void file_flow_done(struct file_flow *flow);

/* `target` -1: only hashed. Not synced. */
int file_flow_run(struct file_flow *flow, int source, int target, uint64_t bytes,
		  uint8_t ret_digest[LIMIT_DIGEST_BYTES]);

#endif
