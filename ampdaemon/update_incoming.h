/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_incoming: the directory that a check downloads into, incoming/ of the definition store. It belongs to the updater's user, who reads what
 * strangers send: nothing in it is believed, no link in it is followed, and no directory in it is gone into for longer than a few steps.
 *
 * Owns its layout: NAME.cvd or NAME.cld of each database, freshclam.dat (the library's memory: who it is for a mirror, and until when one asked to be
 * left alone; it stays). Must not own the updater (update_process), nor what is done with a file (definition_desk).
 *
 * Each function waits for the disk and keeps nothing, so that any thread may call it (update_errand does).
 * Diagnostics: -errno and one sentence in `why`.
 */
#ifndef AMP_AMPDAEMON_UPDATE_INCOMING_H
#define AMP_AMPDAEMON_UPDATE_INCOMING_H

#include <stdint.h>

#include "base/limits.h"

#define UPDATE_INCOMING "incoming"
#define UPDATE_INCOMING_MEMORY "freshclam.dat"

struct incoming_order {
	const char *root;        /* of the store, ours; it is there */
	int generation;          /* directory with the databases to begin with; -1: none */
	uint32_t uid, gid;       /* whose it will be */
	uint64_t max_file_bytes; /* larger ones are not put there */
	unsigned n_databases;
	const char *const *databases; /* without an ending */
};

/* Makes it when it is missing, takes away what is in it, puts copies of the databases there (never links: their owner is another), and gives it to
 * its owner, whose alone it is (0700). A descriptor, the caller's; or -errno. */
int update_incoming_prepare(const struct incoming_order *order, char why[LIMIT_REASON_BYTES]);

/* Takes away all but the library's memory. 0 as well when there is no such directory. What lies too deep is left to the updater, who does the same
 * behind its walls. */
int update_incoming_sweep(const char *root, char why[LIMIT_REASON_BYTES]);

/* A file that an updater of this user is said to have left, open for reading, the caller's: a regular one of its own, with one name and within
 * `max_bytes`. */
int update_incoming_open(int directory, const char *name, uint32_t uid, uint64_t max_bytes,
			 char why[LIMIT_REASON_BYTES]);

#endif
