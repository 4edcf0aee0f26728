/* SPDX-License-Identifier: GPL-2.0-only */
/* job_counters: what became of jobs and workers since the first start. The dispatcher counts, a restart in place hands on. */
#ifndef AMP_SHARED_BASE_JOB_COUNTERS_H
#define AMP_SHARED_BASE_JOB_COUNTERS_H

#include <stdint.h>

#include "base/lives.h"
#include "base/verdict.h"

struct job_counters {
	uint64_t submitted;
	uint64_t finished;
	uint64_t cancelled;               /* submitted = finished + cancelled + those in the book */
	uint64_t verdicts[VERDICT_COUNT]; /* of finished jobs */
	uint64_t dispatched;              /* SEND_JOB effects */
	uint64_t retried;                 /* jobs queued again after a charge */
	uint64_t requeued;                /* without a charge */
	uint64_t deaths[DEATH_CAUSE_COUNT];
	uint64_t late_answers; /* dropped: of cancelled jobs, of killed workers */
};

#endif
