/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_process: one ampupdater, from its birth to its end: base/update_birth.h. It is told what to do once and then only listened to.
 *
 * Owns the process, its channel, its time limits, and what it has said (wire/update_report: one lie, and it is ended). Must not own what follows from
 * it, nor the files that it leaves.
 * Diagnostics: what cannot begin says so in a sentence; what began ends with exactly one call, never from within a function here, when the process
 * and all its children are gone and its channel is read to the end. One that SIGKILL has not ended after ten seconds, because its storage hangs, is
 * told as dead: a check must not wait for ever. When the storage answers it is gone before it does anything more.
 */
#ifndef AMP_AMPDAEMON_UPDATE_PROCESS_H
#define AMP_AMPDAEMON_UPDATE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "wire/update_report.h"

struct update_process;

struct update_birth {
	int program;                      /* O_PATH of ampupdater: installation_open_program() */
	const char *path;                 /* for people only */
	int incoming;                     /* its directory: update_incoming_prepare() */
	const struct update_start *start; /* it, and what it points to, outlives the process */
};

struct update_end {
	bool agrees; /* it ended by itself, as it said, and all that it said fits together: else nothing of it is taken */
	enum update_outcome outcome;         /* UPDATE_DIED when it does not agree */
	char reason[LIMIT_REASON_BYTES + 1]; /* one sentence, when it does not agree */
	const struct update_report *report;  /* valid during the call */
	bool has_place;                      /* it has reported that it was at work there */
	unsigned mirror; /* the last one that it was at, by index in the order */
};

/* What they point to is valid during the call. */
struct update_process_callbacks {
	void (*on_progress)(void *context, unsigned database, unsigned mirror, uint64_t bytes);
	void (*on_attempt)(void *context, const struct update_attempt *attempt);
	void (*on_end)(void *context, const struct update_end *end);
};

/* 0 and a process; or -errno with `why`. The descriptors stay the caller's. */
int update_process_start(uv_loop_t *loop, const struct update_birth *birth,
			 const struct update_process_callbacks *callbacks, void *context,
			 struct update_process **ret_process, char why[LIMIT_REASON_BYTES + 1]);

/* It is to end soon; on_end follows and agrees to nothing. */
void update_process_cancel(struct update_process *process);

/* Ends it, a second at most; no call any more. From within on_end, too. NULL. */
struct update_process *update_process_free(struct update_process *process);

#endif
