/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unscannable: files that failed scan workers twice and are not scanned again until they or the definitions change. Pure: a
 * bounded table by identity and by digest; memory is taken once, at init.
 *
 * Owns the entries. Must not own files, hashing, events, time. When the table is full the oldest entry is forgotten and
 * counted: its file would be scanned again, and fail again, and come back.
 *
 * Identity is device, inode, size, mtime and ctime: any change of the content, and any try to hide one by setting mtime back,
 * makes another. Then the digest decides: same size and same SHA-256 as an entry is the same content (a copy, a rename, a touch).
 *
 * Who owns a file can show a worker other bytes than the hash. So an entry speaks only of files of the same owner, and only to
 * the user who asked when they failed: nobody makes another's file unscannable, and what it costs is two workers a user.
 */
#ifndef AMP_AMPDAEMON_CORE_UNSCANNABLE_H
#define AMP_AMPDAEMON_CORE_UNSCANNABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct file_identity {
	uint64_t device, inode, bytes;
	int64_t mtime_ns, ctime_ns;
	uint32_t owner; /* of the file */
	uint32_t asker; /* who wants it scanned */
};

bool file_identity_equals(const struct file_identity *a, const struct file_identity *b);

struct unscannable_entry {
	struct file_identity identity;
	bool has_digest;
	uint8_t digest[LIMIT_DIGEST_BYTES];
	uint64_t
		generation; /* of the definitions that failed on it: with others it is tried again */
	uint64_t since_ms;  /* UTC */
	uint64_t spared;    /* times it was asked for since */
	uint32_t cause;     /* enum death_cause */
	uint32_t path_len;
	uint8_t path[LIMIT_SHOWN_PATH_BYTES]; /* as it was called; cut */
};

enum unscannable_answer {
	UNSCANNABLE_NO,       /* scan it */
	UNSCANNABLE_YES,      /* do not */
	UNSCANNABLE_ASK_HASH, /* same size as an entry: its digest decides */
};

struct unscannable; /* the table */

struct unscannable *unscannable_new(void);
struct unscannable *unscannable_free(struct unscannable *table);

/* A YES is counted in the entry. O(1) on average: it is asked for every file. Entries of another generation say NO. */
enum unscannable_answer unscannable_ask(struct unscannable *table,
					const struct file_identity *identity, uint64_t generation);

/* Is it an entry already? Nothing is counted. */
bool unscannable_knows(const struct unscannable *table, const struct file_identity *identity,
		       uint64_t generation);

/* The same with the digest in hand: YES also makes `identity` known, so that the next ask() needs none. */
bool unscannable_ask_digest(struct unscannable *table, const struct file_identity *identity,
			    const uint8_t digest[LIMIT_DIGEST_BYTES], uint64_t generation);

/* Adds or replaces (same identity, or same digest). Returns the place, 0 to LIMIT_UNSCANNABLE - 1: what it is saved under. */
unsigned unscannable_add(struct unscannable *table, const struct unscannable_entry *entry);

/* From a run before this one, at its place. Nonsense: -EINVAL. */
int unscannable_restore(struct unscannable *table, unsigned place,
			const struct unscannable_entry *entry);

uint32_t unscannable_count(const struct unscannable *table);
uint64_t unscannable_forgotten(const struct unscannable *table);

/* Entries newest first: the `index`-th, NULL past the end. */
const struct unscannable_entry *unscannable_at(const struct unscannable *table, uint32_t index);

#endif
