/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal: the record of what happened, as the loop sees it. Events go into a bounded ring and from there in batches to
 * journal_store on a pool thread, one batch at a time: a slow disk delays the record, never the protection.
 *
 * Owns: the ring, the store, the reads under way. A full ring drops its oldest event and counts it; the count becomes an
 * Events Lost event as soon as something can be written again. A failed batch stays in the ring and is tried again
 * after JOURNAL_RETRY_MS. The one thread boundary of the daemon is here: `struct batch` and `struct reading` belong to
 * the pool thread between uv_queue_work() and its after-callback, and to the loop at all other times.
 */
#ifndef AMP_AMPDAEMON_JOURNAL_H
#define AMP_AMPDAEMON_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/journal_store.h"
#include "wire/control_codec.h"
#include "wire/event_codec.h"

#define JOURNAL_RING 8192 /* events that may wait for the disk */
#define JOURNAL_RING_BYTES (16u << 20)
#define JOURNAL_BATCH 256 /* events of one transaction */
#define JOURNAL_RETRY_MS 2000
#define JOURNAL_PRUNE_EVERY 64 /* batches */

struct journal;

struct journal_state {
	uint64_t newest; /* sequence of the newest event on disk */
	uint32_t waiting;
	uint64_t lost;
	const char *error; /* "" when it can be written; valid until the next call */
};

/* Opens the store. NULL with a sentence in `ret_error` only when there is no memory: a journal whose database cannot be opened
 * tries again for ever and says so in its state. */
struct journal *journal_new(uv_loop_t *loop, const char *path, const struct journal_bounds *bounds);

/* Writes what waits, for at most the time a batch takes, and closes; to be called when the loop has ended. */
struct journal *journal_free(struct journal *journal);

/* Records `event` (its sequence and time are set here). Never fails and never blocks. */
void journal_record(struct journal *journal, const struct event *event);

/*
 * State that goes with events: a small value under a key ("fault/6", "ledger", "unscannable/17"), kept until it is replaced or
 * removed (len 0). It is written in one transaction with the event, in the order of the events: after a crash either both are
 * there or neither. When the ring drops an event, its values are handed on to the next row: they are never lost while the daemon lives.
 */
struct journal_value {
	const char *key; /* at most 63 bytes */
	const void *data;
	size_t len; /* at most 64 KiB; 0: remove */
};

/* `event` NULL: values alone. */
void journal_record_with(struct journal *journal, const struct event *event,
			 const struct journal_value *values, unsigned n);

/* What was kept, at the start only (synchronous): calls `each` for every key with this prefix, ordered by key. 0 or -EIO. */
typedef void journal_recall_fn(void *context, const char *key, const void *data, size_t len);
int journal_recall(struct journal *journal, const char *prefix, journal_recall_fn *each,
		   void *context);

/* Rows are valid during the call; n is -EIO when the journal cannot be read. */
typedef void journal_read_fn(void *context, uint64_t token, const struct journal_row *rows, int n);

/* Reads a page on the pool thread; `done` is called from the loop, with `token`. -EBUSY when too many reads wait. */
int journal_read(struct journal *journal, const struct history_request *request, uint64_t token,
		 journal_read_fn *done, void *context);

void journal_state(const struct journal *journal, struct journal_state *ret_state);

/* True when nothing waits and nothing is under way. */
bool journal_is_idle(const struct journal *journal);

#endif
