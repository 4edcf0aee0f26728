/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_scan: the scan that a client has under way: its numbers, and what the journal hears of it. Owns counts and label.
 * Must not own files, the client, or replies (control_session).
 */
#ifndef AMP_AMPDAEMON_SESSION_SCAN_H
#define AMP_AMPDAEMON_SESSION_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/journal.h"
#include "io/peer.h"
#include "wire/control_codec.h"
#include "wire/handover_codec.h"

struct session_scan {
	struct scan_counts counts; /* .scan 0: there is none */
	char label[LIMIT_LABEL_BYTES];
	mono_ms began;
	uint64_t last_file;
	uint32_t under_way;
	bool end_asked, end_stopped;
	uint64_t end_not_scanned;
};

/* A new one: event Scan Started. */
void session_scan_begin(struct session_scan *scan, uint64_t number, const struct peer *peer,
			struct span label, struct journal *journal);

/* One that went on without its client, which is `peer` now. */
void session_scan_continue(struct session_scan *scan, const struct scan_handover *from,
			   const struct peer *peer);

void session_scan_ask_end(struct session_scan *scan, uint64_t not_scanned, bool stopped);

/* An answer: counted; a threat is an event and a line in the log. */
void session_scan_count(struct session_scan *scan, struct span path,
			const struct file_result *result, struct journal *journal);

/* Its last event; `whole`: nothing was left out. .counts stay for the summary, the caller sets .counts.scan to 0. */
void session_scan_end(struct session_scan *scan, bool whole, struct journal *journal);

/* The last event of one whose client did not come back. */
void scan_handover_fail(const struct scan_handover *scan, struct journal *journal);

#endif
