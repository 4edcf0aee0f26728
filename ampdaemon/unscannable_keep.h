/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unscannable_keep: the shell around core/unscannable: identities from descriptors, digests from the digest desk, entries in the
 * journal, each in one transaction with its event (File Unscannable).
 *
 * Owns the table, the entries whose digest is awaited with duplicates of their descriptors. Must not own jobs, nor decide which file
 * is unscannable (the desk sees how a job ended).
 */
#ifndef AMP_AMPDAEMON_UNSCANNABLE_KEEP_H
#define AMP_AMPDAEMON_UNSCANNABLE_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/core/unscannable.h"
#include "ampdaemon/digest_desk.h"
#include "ampdaemon/journal.h"
#include "base/span.h"

struct unscannable_keep;

/* With what the journal kept. NULL when there is no memory. */
struct unscannable_keep *unscannable_keep_new(struct journal *journal, struct digest_desk *digests);

/* Whose digest is still awaited is recorded without one. The digest desk must not answer any more: free it before. */
struct unscannable_keep *unscannable_keep_free(struct unscannable_keep *keep);

/* What the kernel knows of the file by now, for a scan that `asker` wants; never waits for its storage. 0 or -errno. */
int unscannable_identify(int fd, uint32_t asker, struct file_identity *ret_identity);

struct unscannable_failure {
	struct file_identity identity; /* when it was submitted */
	uint64_t generation;
	uint32_t cause; /* enum death_cause */
	uint32_t attempts;
	struct span path;
	int fd; /* stays the caller's */
};

/* Did two workers fail with it in hand? Then `ret_cause` is how the last one ended. */
bool unscannable_is_failure(const struct job_end *end, enum death_cause *ret_cause);

/* It failed workers: known at once, recorded when its digest is there or cannot be had. */
void unscannable_keep_add(struct unscannable_keep *keep, const struct unscannable_failure *failure);

struct unscannable *unscannable_keep_table(struct unscannable_keep *keep);

#endif
