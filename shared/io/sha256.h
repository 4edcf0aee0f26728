/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sha256: SHA-256 of bytes as they come. The daemon's door to OpenSSL. Understands none of the bytes; any thread may have its own.
 * Diagnostics: -ENOMEM, nothing else fails.
 */
#ifndef AMP_SHARED_IO_SHA256_H
#define AMP_SHARED_IO_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct sha256;

/* Once, before threads use it: one that hangs may come back while the program ends, and nothing must be taken from under it. */
void sha256_prepare(void);

/* NULL: there is no memory. */
struct sha256 *sha256_new(void);
struct sha256 *sha256_free(struct sha256 *hash);

/* Before the first byte of each. 0 or -ENOMEM, as those below. */
int sha256_begin(struct sha256 *hash);
int sha256_add(struct sha256 *hash, const void *bytes, size_t len);
int sha256_end(struct sha256 *hash, uint8_t ret_digest[LIMIT_DIGEST_BYTES]);

int sha256_of(const void *bytes, size_t len, uint8_t ret_digest[LIMIT_DIGEST_BYTES]);

#endif
