/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal_store: the journal's database. The only file that knows SQLite. Synchronous: to be called from one thread at a
 * time, never from the loop (journal.c sees to that). Bodies are the bytes of wire/event_codec.h.
 *
 * Durable: a batch is committed with synchronous=FULL, so what was acknowledged survives kill -9 and a power cut. A database that
 * is corrupt or of a newer schema is set aside (`NAME.aside-UTC`) and a new one begun: the journal never keeps the connector
 * from protecting.
 */
#ifndef AMP_AMPDAEMON_JOURNAL_STORE_H
#define AMP_AMPDAEMON_JOURNAL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal_store;

#define JOURNAL_KEY_BYTES 64 /* with the NUL */

/* A value under a key, kept until it is replaced; len 0: removed. Written in one transaction with its row. */
struct journal_kept {
	struct journal_kept *next;
	char key[JOURNAL_KEY_BYTES];
	size_t len;
	uint8_t data[];
};

struct journal_row {
	uint64_t sequence; /* of a row to be appended: set by the store */
	uint64_t utc_ms;
	uint32_t type; /* 0, of a row to be appended: no event, only what is kept */
	uint32_t len;
	uint8_t *body;
	struct journal_kept *kept; /* of a row to be appended */
};

struct journal_bounds {
	uint64_t max_bytes;
	uint32_t max_days;
	bool was_closed_cleanly; /* by this process, a moment ago: its integrity is not checked again */
};

/* NULL with one sentence in `ret_error`. `*ret_set_aside` tells that an old database was put aside, for which reason in
 * `ret_error`. */
struct journal_store *journal_store_open(const char *path, const struct journal_bounds *bounds,
					 bool *ret_set_aside, char *ret_error, size_t size);
struct journal_store *journal_store_close(struct journal_store *store);

/* Appends all or none. 0; -ENOSPC; -EIO for the rest, with the sentence in journal_store_error(). */
int journal_store_append(struct journal_store *store, struct journal_row *rows, unsigned n);

/* Calls `each` for every kept value whose key begins with `prefix`, ordered by key. 0 or -EIO. */
int journal_store_recall(struct journal_store *store, const char *prefix,
			 void (*each)(void *context, const char *key, const void *data, size_t len),
			 void *context);

/* The newest sequence number, 0 when empty. */
uint64_t journal_store_newest(struct journal_store *store);

/* Up to `n` rows with sequence < before (0: from the newest), newest first; type 0: all. Bodies are malloc'ed and the
 * caller's. The number of rows, or -EIO. */
int journal_store_read(struct journal_store *store, uint64_t before, uint32_t type,
		       uint64_t since_ms, struct journal_row *rows, unsigned n);

/* Removes what is older than the bounds allow; removes the oldest tenth when the size is over. 0 or -EIO. */
int journal_store_prune(struct journal_store *store, uint64_t now_utc_ms);

const char *journal_store_error(const struct journal_store *store);

#endif
