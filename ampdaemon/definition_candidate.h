/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_candidate: the next set of definitions while it is being made and tried: which files it consists of, their staging, the trial. One
 * at a time.
 *
 * Owns the stage and the trial. Must not own what is decided (core/definition_machine), who brought the files, the store.
 * Diagnostics: each function 0, or -errno and one sentence; what was begun ends with one call, never from within a function here.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_CANDIDATE_H
#define AMP_AMPDAEMON_DEFINITION_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/definition_machine.h"
#include "ampdaemon/definition_stage.h"
#include "ampdaemon/definition_trial.h"
#include "ampdaemon/scan_site.h"

struct definition_candidate;

struct candidate_callbacks {
	/* `digest` of its manifest; NULL: it could not be staged, `why` says why. */
	void (*on_staged)(void *context, const uint8_t *digest, const char *why);
	/* `outcome` is valid until definition_candidate_forget(). */
	void (*on_tried)(void *context, const struct trial_report *report,
			 const struct trial_outcome *outcome);
};

/* What it needs; all outlive it. */
struct candidate_needs {
	uv_loop_t *loop;
	const struct configuration *configuration;
	struct scan_site *site;
	const struct definition_store *store;
};

/* NULL when there is no memory. */
struct definition_candidate *definition_candidate_new(const struct candidate_needs *needs,
						      const struct candidate_callbacks *callbacks,
						      void *context);

/* Ends a trial, a second at most. */
struct definition_candidate *definition_candidate_free(struct definition_candidate *candidate);

/* -EBUSY: the one before is not gone. */
int definition_candidate_begin(struct definition_candidate *candidate, uint64_t number,
			       char why[LIMIT_REASON_BYTES + 1]);

/* Takes `fd` in any case. */
int definition_candidate_add(struct definition_candidate *candidate, const char *name,
			     bool is_custom, int fd, char why[LIMIT_REASON_BYTES + 1]);

/* What makes it a whole set: the official databases of `generation` (0: none) that were not added, and the administrator's files. */
int definition_candidate_complete(struct definition_candidate *candidate, uint64_t generation,
				  char why[LIMIT_REASON_BYTES + 1]);

/* All are there: on_staged follows. On failure it is cancelled. */
int definition_candidate_start(struct definition_candidate *candidate,
			       char why[LIMIT_REASON_BYTES + 1]);
void definition_candidate_cancel(struct definition_candidate *candidate);

/* Has what is staged as `number` tried: on_tried follows, also when that could not begin. `is_strict`: a custom file that is refused fails it.
 * `need`: as struct trial_order says. */
void definition_candidate_try(struct definition_candidate *candidate, uint64_t number,
			      bool is_strict, uint64_t need);
void definition_candidate_forget(struct definition_candidate *candidate);

/* What a service said of the set that it loaded, as the machine takes it. */
struct trial_report definition_candidate_report(const struct trial_outcome *outcome);

/* Reads a generation through, as definition_stage_check() says. */
int definition_candidate_read(struct definition_candidate *candidate, uint64_t number,
			      definition_stage_fn *done, void *context,
			      char why[LIMIT_REASON_BYTES + 1]);

/* Threads that work. */
unsigned definition_candidate_under_way(const struct definition_candidate *candidate);

#endif
