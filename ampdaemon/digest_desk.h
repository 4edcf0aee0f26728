/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * digest_desk: SHA-256 of strangers' files, on threads of its own, so that a storage that hangs holds neither the loop nor the journal.
 * Reads bytes and understands none of them.
 *
 * Owns: duplicates of the descriptors (closed on its threads), a bounded queue. Bounds: DIGEST_QUEUE asked at a time, then
 * -EBUSY; files above max_bytes are not hashed (-EFBIG in the answer); the answer to one that takes too long is -ETIMEDOUT, its
 * thread is left to the storage and at most DIGEST_THREADS are; a file on FUSE has no digest (-EOPNOTSUPP): its server may show each reader
 * another content.
 */
#ifndef AMP_AMPDAEMON_DIGEST_DESK_H
#define AMP_AMPDAEMON_DIGEST_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/limits.h"

#define DIGEST_QUEUE 256
#define DIGEST_THREADS 4
#define DIGEST_LIMIT_MS 1500

struct digest_desk;

/* `error` 0: `digest` is valid. Called from the loop, once per digest_desk_ask() that returned 0. */
typedef void digest_fn(void *context, uint64_t token, int error,
		       const uint8_t digest[LIMIT_DIGEST_BYTES]);

struct digest_desk *digest_desk_new(uv_loop_t *loop, uint64_t max_bytes);

/* No callback comes any more; threads that hang are left. */
struct digest_desk *digest_desk_free(struct digest_desk *desk);

/* `fd` stays the caller's; reads with pread(2) from its start. 0, -EBUSY or -errno. */
int digest_desk_ask(struct digest_desk *desk, int fd, uint64_t token, digest_fn *done,
		    void *context);

/* Files that are waited for: asked and not answered, or still with a thread. Exec and exit wait for these threads. `ret_stuck`: those whose
 * answer was given up, because their storage hangs. */
unsigned digest_desk_under_way(const struct digest_desk *desk, unsigned *ret_stuck);

#endif
