/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unscannable_code: an entry of the table of unscannable files <-> the bytes that the journal keeps of it. Pure.
 *
 * Owns the format: a version, then fixed fields in little-endian, then digest and path. What is read was written by an earlier
 * image or by a damaged disk: everything is checked, and what is not exactly an entry is refused.
 */
#ifndef AMP_AMPDAEMON_CORE_UNSCANNABLE_CODE_H
#define AMP_AMPDAEMON_CORE_UNSCANNABLE_CODE_H

#include "ampdaemon/core/unscannable.h"

#define UNSCANNABLE_CODE_BYTES (128 + LIMIT_DIGEST_BYTES + LIMIT_SHOWN_PATH_BYTES)

/* Returns the length. The entry's path_len is at most LIMIT_SHOWN_PATH_BYTES. */
size_t unscannable_encode(const struct unscannable_entry *entry,
			  uint8_t bytes[UNSCANNABLE_CODE_BYTES]);

/* 0; -EPROTO for another version, -EINVAL for anything else that is not an entry. */
int unscannable_decode(const void *bytes, size_t len, struct unscannable_entry *ret_entry);

#endif
