/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_trial: one scan service that is told to try a staged set and to end. The same program behind the same walls that would load the
 * set for good; it gets no file to scan. docs/design/0005.
 *
 * Owns that process, its channel and its time; what it said, until the trial is freed, and that a report of success is of the staged set
 * (trial_roll.h): else it broke the protocol. Must not own the set, nor judge what was found
 * (core/definition_machine).
 * Diagnostics: a trial that cannot begin says why in a sentence; one that began ends with exactly one call, never from within a function here.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_TRIAL_H
#define AMP_AMPDAEMON_DEFINITION_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/definition_machine.h"
#include "ampdaemon/installation.h"
#include "ampdaemon/scan_account.h"
#include "ampdaemon/service_report.h"

struct definition_trial;

struct trial_order {
	int definitions; /* directory of the staged set; stays the caller's */
	uint64_t number; /* of the generation that it would be */
	uint64_t need;   /* bytes of the engine of the set before; 0: not known */
	struct scan_account account;
	bool is_strict; /* a custom file that is refused fails the set; else it is left out of it */
};

struct trial_outcome {
	/* REJECTION_NONE: it was loaded and proved. Else one of the REJECTION_TRIAL... */
	enum rejection refused;
	char detail[LIMIT_REASON_BYTES + 1]; /* one sentence, "" when it was loaded */
	const struct service_report *report; /* of each file, as far as it came */
};

typedef void trial_fn(void *context, const struct trial_outcome *outcome);

/* 0 and a trial that calls `done` once; or -errno with `ret_why`. */
int definition_trial_start(uv_loop_t *loop, const struct configuration *configuration,
			   struct installation *installation, const struct trial_order *order,
			   trial_fn *done, void *context, struct definition_trial **ret_trial,
			   char ret_why[LIMIT_REASON_BYTES + 1]);

/* Ends the process, a second at most; `done` is not called any more. From within `done`, too. NULL. */
struct definition_trial *definition_trial_free(struct definition_trial *trial);

#endif
