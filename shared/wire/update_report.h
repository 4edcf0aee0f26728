/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_report: what the daemon accepts of one updater from its birth to its end. Owns the promises that messages must keep together: the
 * order of messages, answers only to what was asked, each question answered once, an end that follows from the answers, no more words than
 * a check needs. An updater reads what strangers send: one lie, and nothing of what it says or left is taken.
 *
 * Pure. Must not own single fields (update_codec), nor the files: what it names is untrusted all the same.
 */
#ifndef AMP_SHARED_WIRE_UPDATE_REPORT_H
#define AMP_SHARED_WIRE_UPDATE_REPORT_H

#include "wire/session_rules.h"
#include "wire/update_codec.h"

#define UPDATE_REPORT_FILE_BYTES (LIMIT_DATABASE_BYTES + 5) /* a name and its end */

/* What became of one database: its last attempt. */
struct update_result {
	bool was_asked;
	enum update_outcome outcome;
	unsigned mirror;  /* index in the order */
	uint32_t version; /* hearsay */
	uint64_t bytes;   /* hearsay */
	bool is_cld;      /* its file is NAME.cld, else NAME.cvd */
};

struct update_report {
	const struct update_start *start;
	struct session session;
	uint64_t n_progress;
	unsigned database; /* of the last attempt */
	bool has_asked[LIMIT_DATABASES][LIMIT_MIRRORS];
	struct update_result results[LIMIT_DATABASES];
	bool is_lie; /* something was refused */
	bool has_finished;
	enum update_outcome outcome; /* of the whole check, once it has finished */
};

/* `start`, and what it points to, outlives the report. */
void update_report_init(struct update_report *report, const struct update_start *start);

/* A message that came so long after the birth. 0; or -EPROTO with a reason (static text): end it, take nothing. */
int update_report_take(struct update_report *report, const struct from_updater *message,
		       bool has_fd, uint64_t passed_ms, const char **ret_why);

/* After its end; -1: it did not exit by itself. True: it finished, and all that it said fits together. */
bool update_report_agrees(const struct update_report *report, int exit_status);

/* The file that it says to have brought for a database. False: none. */
bool update_report_file(const struct update_report *report, unsigned database,
			char ret_name[UPDATE_REPORT_FILE_BYTES]);

#endif
