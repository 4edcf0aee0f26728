/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_job: one piece of work for a thread of definition_stage: a set to be made, a generation to be read through, a set to be removed. Has
 * all that it needs, so that it may outlive whoever asked for it.
 *
 * Owns its descriptors. Must not own threads, nor know whether somebody waits for it: it asks.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_JOB_H
#define AMP_AMPDAEMON_DEFINITION_JOB_H

#include "ampdaemon/definition_stage.h"
#include "base/definition_manifest.h"

enum definition_job_kind { DEFINITION_JOB_SET, DEFINITION_JOB_CHECK, DEFINITION_JOB_SWEEP };

struct definition_source {
	char path[MANIFEST_PATH_BYTES + 1];
	int fd; /* -1: what `generation` has under the same path */
	uint64_t generation;
};

struct definition_job {
	enum definition_job_kind kind;
	uint64_t number;
	struct definition_stage_bounds bounds;
	int staging, generations; /* -1: not needed */
	unsigned n;
	struct definition_source sources[LIMIT_DEFINITION_FILES];
	struct stage_result result;
};

/* 0 and `ret_job`, or -errno and `why`. */
int definition_job_new(enum definition_job_kind kind, uint64_t number,
		       const struct definition_store *store, struct definition_job **ret_job,
		       char why[LIMIT_REASON_BYTES]);

/* Takes the descriptor in any case. As definition_stage_add(). */
int definition_job_add(struct definition_job *job, const char *name, bool is_custom,
		       const struct definition_source *source, char why[LIMIT_REASON_BYTES]);

/* On the thread; the result is in the job. */
void definition_job_run(struct definition_job *job, bool (*is_wanted)(void *context),
			void *context);

/* On the thread: nobody waits for the set any more. */
void definition_job_undo(const struct definition_job *job);

/* Does not wait for the storage of sources. */
void definition_job_free(struct definition_job *job);

#endif
