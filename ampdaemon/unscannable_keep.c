/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/unscannable_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ampdaemon/core/unscannable_code.h"
#include "base/lives.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define KEY_PREFIX "unscannable/"
#define SHOWN_BYTES 1024

/* An entry whose digest is awaited. */
struct pending {
	struct pending *next, **at;
	struct unscannable_keep *keep;
	struct unscannable_entry entry;
	uint32_t attempts;
	int fd; /* a duplicate: is it still the file that failed? */
};

struct unscannable_keep {
	struct journal *journal;
	struct digest_desk *digests;
	struct unscannable *table;
	struct pending *first;
};

int unscannable_identify(int fd, uint32_t asker, struct file_identity *ret_identity)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st))
		return -errno;
	*ret_identity = (struct file_identity){
		.device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor,
		.inode = st.stx_ino,
		.owner = st.stx_uid,
		.asker = asker,
		.bytes = st.stx_size,
		.mtime_ns = (int64_t)st.stx_mtime.tv_sec * 1000000000 + st.stx_mtime.tv_nsec,
		.ctime_ns = (int64_t)st.stx_ctime.tv_sec * 1000000000 + st.stx_ctime.tv_nsec,
	};
	return 0;
}

bool unscannable_is_failure(const struct job_end *end, enum death_cause *ret_cause)
{
	if (end->answered || end->verdict != VERDICT_FAILED || end->attempts < 2)
		return false;
	if (end->reason == SCAN_REASON_DIED)
		*ret_cause = DEATH_CRASH;
	else if (end->reason == SCAN_REASON_TIMED_OUT)
		*ret_cause = DEATH_DEADLINE;
	else if (end->reason == SCAN_REASON_VIOLATION)
		*ret_cause = DEATH_VIOLATION;
	else
		return false;
	return true;
}

/* ---- the journal ---- */

static void tell(const struct unscannable_entry *entry, uint32_t attempts)
{
	char path[SHOWN_BYTES];

	log_warning(
		"%s is not scanned any more until it or the definitions change: the scan worker %s, "
		"%u times%s",
		text_escape(span_of(entry->path, entry->path_len), path, sizeof(path)),
		death_cause_name(entry->cause), attempts,
		entry->has_digest ? "" : " (its digest cannot be had)");
}

static void record(struct unscannable_keep *keep, const struct unscannable_entry *entry,
		   uint32_t attempts)
{
	struct event event = {.type = EVENT_FILE_UNSCANNABLE, .body = EVENT_BODY_UNSCANNABLE};
	unsigned place = unscannable_add(keep->table, entry);
	uint8_t bytes[UNSCANNABLE_CODE_BYTES];
	char key[32];
	struct journal_value value = {
		.key = key, .data = bytes, .len = unscannable_encode(entry, bytes)};

	(void)snprintf(key, sizeof(key), KEY_PREFIX "%04u", place);
	event.unscannable.path = span_of(entry->path, entry->path_len);
	if (entry->has_digest)
		event.unscannable.digest = span_of(entry->digest, sizeof(entry->digest));
	event.unscannable.bytes = entry->identity.bytes;
	event.unscannable.attempts = attempts;
	event.unscannable.cause = entry->cause;
	event.unscannable.generation = entry->generation;
	journal_record_with(keep->journal, &event, &value, 1);
	tell(entry, attempts);
}

/* Only what record() can have written; the number and nothing behind it. */
static int place_of(const char *key, unsigned *ret_place)
{
	char again[32];

	if (strncmp(key, KEY_PREFIX, sizeof(KEY_PREFIX) - 1) != 0)
		return -EINVAL;
	*ret_place = (unsigned)strtoul(key + sizeof(KEY_PREFIX) - 1, NULL, 10); /* compared below */
	(void)snprintf(again, sizeof(again), KEY_PREFIX "%04u", *ret_place);
	return strcmp(key, again) == 0 ? 0 : -EINVAL;
}

static void recall(void *context, const char *key, const void *data, size_t len)
{
	struct unscannable_keep *keep = context;
	struct unscannable_entry entry;
	unsigned place = 0;
	int r = place_of(key, &place);

	if (!r)
		r = unscannable_decode(data, len, &entry);
	if (!r)
		r = unscannable_restore(keep->table, place, &entry);
	if (r)
		log_warning("the journal's value %s is not an unscannable file: %s; it is left out",
			    key, strerror(-r));
}

/* ---- digests ---- */

static void finish(struct pending *pending)
{
	*pending->at = pending->next;
	if (pending->next)
		pending->next->at = pending->at;
	record(pending->keep, &pending->entry, pending->attempts);
	late_close(pending->fd);
	free(pending);
}

static bool is_still(const struct pending *pending)
{
	struct file_identity now;

	return unscannable_identify(pending->fd, pending->entry.identity.asker, &now) == 0 &&
	       file_identity_equals(&now, &pending->entry.identity);
}

/* The digest of what the file became since would accuse another content. */
static void on_digest(void *context, uint64_t token, int error,
		      const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	struct pending *pending = context;

	(void)token; /* the context says it all */
	pending->entry.has_digest = !error && is_still(pending);
	if (pending->entry.has_digest)
		memcpy(pending->entry.digest, digest, LIMIT_DIGEST_BYTES);
	finish(pending);
}

static struct pending *pending_new(struct unscannable_keep *keep, int fd)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (!pending)
		return NULL;
	pending->keep = keep;
	pending->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	pending->at = &keep->first;
	pending->next = keep->first;
	if (keep->first)
		keep->first->at = &pending->next;
	keep->first = pending;
	return pending;
}

void unscannable_keep_add(struct unscannable_keep *keep, const struct unscannable_failure *failure)
{
	struct unscannable_entry entry = {
		.identity = failure->identity,
		.generation = failure->generation,
		.since_ms = clock_utc_ms(),
		.cause = failure->cause,
	};
	struct pending *pending;

	entry.path_len =
		(uint32_t)(failure->path.len < LIMIT_SHOWN_PATH_BYTES ? failure->path.len
								      : LIMIT_SHOWN_PATH_BYTES);
	if (entry.path_len)
		memcpy(entry.path, failure->path.data, entry.path_len);
	(void)unscannable_add(keep->table, &entry); /* its place is asked for when it is saved */
	pending = pending_new(keep, failure->fd);
	if (!pending) {
		record(keep, &entry, failure->attempts);
		return;
	}
	pending->entry = entry;
	pending->attempts = failure->attempts;
	if (pending->fd < 0 || digest_desk_ask(keep->digests, pending->fd, 0, on_digest, pending))
		finish(pending);
}

/* ---- outside ---- */

struct unscannable_keep *unscannable_keep_new(struct journal *journal, struct digest_desk *digests)
{
	struct unscannable_keep *keep = calloc(1, sizeof(*keep));

	if (!keep)
		return NULL;
	keep->journal = journal;
	keep->digests = digests;
	keep->table = unscannable_new();
	if (!keep->table)
		return unscannable_keep_free(keep);
	if (journal_recall(journal, KEY_PREFIX, recall, keep))
		log_warning("which files are unscannable cannot be read from the journal");
	return keep;
}

struct unscannable_keep *unscannable_keep_free(struct unscannable_keep *keep)
{
	if (!keep)
		return NULL;
	while (keep->first)
		finish(keep->first);
	unscannable_free(keep->table);
	free(keep);
	return NULL;
}

struct unscannable *unscannable_keep_table(struct unscannable_keep *keep)
{
	return keep->table;
}
