/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fair_queue: who is next. A bounded queue of job numbers with priorities, and within a priority
 * one lane per user, served in turn, so that a user who submits a million files delays another
 * user's one file by one file.
 *
 * Owns the order. Must not own jobs, know workers or time. Pure; memory is taken once, at init.
 */
#ifndef AMP_AMPDAEMON_CORE_FAIR_QUEUE_H
#define AMP_AMPDAEMON_CORE_FAIR_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/name_table.h"

#define PRIORITY_LIST(X)                                                                           \
	X(PRIORITY_EXECUTION, "execution") /* a process waits for it */                            \
	X(PRIORITY_MOVE, "move")                                                                   \
	X(PRIORITY_WRITE, "write")                                                                 \
	X(PRIORITY_INTERACTIVE, "interactive") /* a person waits for it */                         \
	X(PRIORITY_BACKGROUND, "background")

enum priority { PRIORITY_LIST(NAME_TABLE_MEMBER) PRIORITY_COUNT };

#define FAIR_QUEUE_LANES                                                                           \
	64 /* users with waiting jobs in one priority; more share lanes by uid modulo */
#define FAIR_QUEUE_PATIENCE 16 /* after so many picks above it, a waiting lower priority gets one */

struct fair_queue;

/* A queue for job numbers 0 to capacity - 1, each at most once in it. NULL when there is no memory.
 */
struct fair_queue *fair_queue_new(uint32_t capacity);
struct fair_queue *fair_queue_free(struct fair_queue *queue);

/* Appends to the lane of `uid`; with `front`, goes before everything in its lane (a job whose
 * worker died has waited already). The job must not be in the queue. */
void fair_queue_push(struct fair_queue *queue, uint32_t job, enum priority priority, uint32_t uid,
		     bool front);

/* Takes the next job; false when empty. */
bool fair_queue_pop(struct fair_queue *queue, uint32_t *ret_job);

/* Takes `job` out wherever it is; O(1). False when it is not in the queue. */
bool fair_queue_remove(struct fair_queue *queue, uint32_t job);

uint32_t fair_queue_len(const struct fair_queue *queue);

const char *priority_name(unsigned priority);

#endif
