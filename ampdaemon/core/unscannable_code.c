/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/unscannable_code.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/lives.h"

#define VERSION 2
#define FLAG_DIGEST 1
#define NUMBERS 9
#define HEAD_BYTES (2 + NUMBERS * 8 + 4 + 4)

static void put_number(uint8_t **at, uint64_t number, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		*(*at)++ = (uint8_t)(number >> 8 * i);
}

static uint64_t take_number(const uint8_t **at, unsigned bytes)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < bytes; i++)
		number |= (uint64_t) * (*at)++ << 8 * i;
	return number;
}

size_t unscannable_encode(const struct unscannable_entry *entry,
			  uint8_t bytes[UNSCANNABLE_CODE_BYTES])
{
	const uint64_t numbers[NUMBERS] = {
		entry->identity.device,
		entry->identity.inode,
		entry->identity.bytes,
		(uint64_t)entry->identity.mtime_ns,
		(uint64_t)entry->identity.ctime_ns,
		entry->generation,
		entry->since_ms,
		entry->spared,
		(uint64_t)entry->identity.owner << 32 | entry->identity.asker,
	};
	uint8_t *at = bytes;

	assert(entry->path_len <= LIMIT_SHOWN_PATH_BYTES);
	*at++ = VERSION;
	*at++ = entry->has_digest ? FLAG_DIGEST : 0;
	for (unsigned i = 0; i < NUMBERS; i++)
		put_number(&at, numbers[i], 8);
	put_number(&at, entry->cause, 4);
	put_number(&at, entry->path_len, 4);
	if (entry->has_digest)
		at = (uint8_t *)memcpy(at, entry->digest, LIMIT_DIGEST_BYTES) + LIMIT_DIGEST_BYTES;
	memcpy(at, entry->path, entry->path_len);
	return (size_t)(at - bytes) + entry->path_len;
}

static void take_fields(const uint8_t *at, struct unscannable_entry *entry)
{
	uint64_t numbers[NUMBERS];

	for (unsigned i = 0; i < NUMBERS; i++)
		numbers[i] = take_number(&at, 8);
	entry->identity = (struct file_identity){
		.device = numbers[0],
		.inode = numbers[1],
		.bytes = numbers[2],
		.mtime_ns = (int64_t)numbers[3],
		.ctime_ns = (int64_t)numbers[4],
		.owner = (uint32_t)(numbers[8] >> 32),
		.asker = (uint32_t)numbers[8],
	};
	entry->generation = numbers[5];
	entry->since_ms = numbers[6];
	entry->spared = numbers[7];
	entry->cause = (uint32_t)take_number(&at, 4);
	entry->path_len = (uint32_t)take_number(&at, 4);
}

int unscannable_decode(const void *bytes, size_t len, struct unscannable_entry *ret_entry)
{
	const uint8_t *at = bytes;
	size_t digest_len;

	*ret_entry = (struct unscannable_entry){0};
	if (len == 0)
		return -EINVAL;
	if (at[0] != VERSION)
		return -EPROTO;
	if (len < HEAD_BYTES || at[1] & ~FLAG_DIGEST)
		return -EINVAL;
	take_fields(at + 2, ret_entry);
	ret_entry->has_digest = at[1] & FLAG_DIGEST;
	digest_len = ret_entry->has_digest ? LIMIT_DIGEST_BYTES : 0;
	if (ret_entry->cause >= DEATH_CAUSE_COUNT || ret_entry->path_len > LIMIT_SHOWN_PATH_BYTES ||
	    len != HEAD_BYTES + digest_len + ret_entry->path_len)
		return -EINVAL;
	memcpy(ret_entry->digest, at + HEAD_BYTES, digest_len);
	memcpy(ret_entry->path, at + HEAD_BYTES + digest_len, ret_entry->path_len);
	return 0;
}
