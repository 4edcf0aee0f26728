/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_check: one check of the mirrors, from the account of the updater to the verdict about what it brought: account, directory (update_errand),
 * process (update_process), candidate (definition_desk). One at a time.
 *
 * Owns these steps, the files between the download and the candidate, and why a check failed, in words. Must not own when a check is made nor what is
 * remembered of mirrors (update_desk), nor believe anything that an updater says: its files are staged and tried as anybody's.
 * Diagnostics: each check ends with one call, never from within a function here.
 */
#ifndef AMP_AMPDAEMON_UPDATE_CHECK_H
#define AMP_AMPDAEMON_UPDATE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/definition_desk.h"
#include "ampdaemon/update_order.h"

struct update_check;

/* Mirrors are numbers of the configuration's list. */
struct check_file {
	bool was_brought;
	bool is_blamed; /* for a rejection: those that the trial named, or all */
	unsigned mirror;
	uint32_t version; /* as the updater says */
};

struct check_result {
	enum update_outcome outcome;
	enum rejection rejection; /* of what was downloaded; _NONE also when nothing was */
	bool went_well;           /* all is as new as the mirrors have it, and serves */
	bool is_blocked;          /* nothing was asked: something here is not as it has to be */
	bool was_tried;           /* the definition desk has judged what was downloaded */
	char reason[LIMIT_REASON_BYTES + 1]; /* one sentence */
	uint64_t generation;                 /* that serves now because of it; 0: none */
	uint64_t bytes;                      /* downloaded */
	struct check_file files[LIMIT_DATABASES];
};

struct update_check_callbacks {
	/* A mirror answered, or an updater died at it. */
	void (*on_attempt)(void *context, unsigned mirror, enum update_outcome outcome,
			   uint64_t wait_ms);
	/* About once a second. `done`: bytes. */
	void (*on_progress)(void *context, const char *text, uint64_t done);
	void (*on_done)(void *context, const struct check_result *result);
};

/* What it needs; all outlive it. */
struct update_check_needs {
	uv_loop_t *loop;
	const struct configuration *configuration;
	struct definition_desk *definitions;
};

/* NULL when there is no memory. */
struct update_check *update_check_new(const struct update_check_needs *needs,
				      const struct update_check_callbacks *callbacks,
				      void *context);

/* Ends a process, a second at most. */
struct update_check *update_check_free(struct update_check *check);

void update_check_begin(struct update_check *check, const struct check_order *order);
bool update_check_is_running(const struct update_check *check);

/* It ends now (a process: a second at most), and nobody is told. What the definition desk has already goes its way. */
void update_check_drop(struct update_check *check);

/* Takes away what a daemon that was killed has left. */
void update_check_sweep(struct update_check *check);

/* The disk is at work: a restart in place waits for it. */
bool update_check_is_busy(const struct update_check *check);

/* From the definition desk, of the candidate of DEFINITION_CLIENT_UPDATER. */
void update_check_answered(struct update_check *check, const struct definition_answer *answer);
void update_check_phase(struct update_check *check, enum candidate_phase phase);

#endif
