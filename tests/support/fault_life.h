/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault_life: one life of a daemon as far as faults go: a process of its own with a loop, a journal in the test's
 * directory and a fault desk, which ends without closing anything, as a crash does. What the journal then tells is read by the
 * test itself.
 */
#ifndef AMP_TESTS_SUPPORT_FAULT_LIFE_H
#define AMP_TESTS_SUPPORT_FAULT_LIFE_H

#include <stdbool.h>
#include <sys/types.h>

#include <uv.h>

#include "ampdaemon/fault_desk.h"
#include "ampdaemon/journal.h"

struct fault_life {
	uv_loop_t loop;
	struct journal *journal;
	struct fault_desk *faults;
};

typedef void fault_life_fn(struct fault_life *life);

/* Starts a life with the database NAME; `live` runs in it. Its end is awaited by fault_life_end (true: it came to its end, with every
 * check good). */
pid_t fault_life_start(const char *name, fault_life_fn *live);
bool fault_life_end(pid_t pid);

/* Both. */
bool fault_life_run(const char *name, fault_life_fn *live);

/* In a life: ends it as failed, with the line. */
#define LIFE_CHECK(condition) fault_life_check((condition), #condition, __FILE__, __LINE__)
void fault_life_check(bool holds, const char *condition, const char *file, int line);

/* In a life: turns of the loop until the journal is idle. */
void fault_life_settle(struct fault_life *life);

/* In a life: leaves a text to the test; a view valid until the next call of fault_life_said(). */
void fault_life_say(const char *text);
const char *fault_life_said(void);

/* What the journal tells, oldest first: "raised major 6, cleared 6, all cleared, worker, ...". Valid until the next call. */
const char *fault_life_events(const char *name);

#endif
