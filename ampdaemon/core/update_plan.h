/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_plan: when definitions are looked for next, at which mirrors in which order, and whether those that serve are old. Pure: events with
 * the time in, next deadline asked. docs/design/0005.
 *
 * Owns: the interval, the window of the day, back-off, the cool-down of each mirror, the order of mirrors. Must not own: the check (ampupdater),
 * URLs, what is done with what was downloaded, chance: `jitter` is a number of 0 to 999 from outside, a new one for each call.
 *
 * Rules
 * - After a check that went well the next one comes after `interval_ms`, give or take a tenth by jitter: a fleet spreads.
 * - After one that did not: after retry_first_ms, doubled for each further one up to retry_max_ms, of which jitter takes up to half.
 * - A check begins inside the window only. What falls outside moves into the one before, when that is half an interval away at least, else into
 *   the next one, spread over it by jitter: with a day's interval no window is missed.
 * - A command makes it due at once, window or not. It does not shorten a cool-down.
 * - A mirror that told us to stay away is not asked before its time is over, and up to a tenth longer; when all did, nothing is due before
 *   the first of these times.
 * - What a mirror gave and the trial rejected, it is not asked for again: nor for what is older. That is forgotten after a week, because a
 *   version is not yet a file: a mirror whose mistake was a version too high would be lost for good.
 * - While what serves is old, "nothing newer" is no success: that mirror may have stopped. It is asked last the next time, and when there are
 *   several the next time is within retry_max_ms.
 * - Mirrors are asked in the configured order; one that failed comes after those that did not, the one that failed longest ago first. One
 *   success makes it whole again.
 */
#ifndef AMP_AMPDAEMON_CORE_UPDATE_PLAN_H
#define AMP_AMPDAEMON_CORE_UPDATE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/definition_age.h"
#include "base/limits.h"
#include "base/mono.h"
#include "base/name_table.h"
#include "base/update_outcome.h"

#define UPDATE_JITTER_MAX 1000
#define UPDATE_DAY_MINUTES 1440
#define UPDATE_REFUSAL_MS ((mono_ms)7 * 24 * 3600 * 1000)
#define UPDATE_REFUSAL_VERSION                                                                     \
	INT32_MAX /* the highest that a file can have: claims above it are this */

struct update_settings {
	mono_ms interval_ms;    /* 24 hours; MONO_NEVER: only by command */
	mono_ms retry_first_ms; /* 10 minutes */
	mono_ms retry_max_ms;   /* 4 hours */
	/* Minutes of the local day; from may be above to (over midnight); equal: the whole day. */
	unsigned window_from, window_to;
	unsigned n_mirrors; /* 0: updates are off */
};

struct update_now {
	mono_ms at;
	unsigned minute; /* of the local day, 0 to 1439 */
};

struct update_refusal {
	uint32_t version; /* 0: there is none */
	mono_ms until;
};

struct mirror_state {
	mono_ms closed_until; /* cool-down; MONO_NEVER is never used here */
	mono_ms failed_at;
	bool has_failed; /* the last time that it was asked */
	struct update_refusal refused[LIMIT_DATABASES];
};

struct update_plan {
	struct update_settings settings;
	mono_ms due; /* MONO_NEVER: nothing is planned */
	bool is_running, is_commanded;
	bool is_old;       /* what serves */
	uint32_t failures; /* checks in a row */
	struct mirror_state mirrors[LIMIT_MIRRORS];
};

/* `since_last`: since the last check that went well; MONO_NEVER: there was none, then one is due soon. */
void update_plan_init(struct update_plan *plan, const struct update_settings *settings,
		      struct update_now now, mono_ms since_last, unsigned jitter);

/* From before a restart: the mirror is to be left alone for so long yet. */
void update_plan_restore_wait(struct update_plan *plan, mono_ms now, unsigned mirror, mono_ms left);

/* By command. False: one is running; its result will do. */
bool update_plan_command(struct update_plan *plan, mono_ms now);

/* True: begin a check now; update_plan_ended() must follow. Early and late calls are harmless. */
bool update_plan_tick(struct update_plan *plan, struct update_now now, unsigned jitter);

/* Of what serves, when it changes. */
void update_plan_age(struct update_plan *plan, bool is_old);

/* When to tick next; MONO_NEVER while a check is running, and when nothing is planned. */
mono_ms update_plan_deadline(const struct update_plan *plan);

/* Fills `ret_mirrors` (LIMIT_MIRRORS) with those that may be asked, in order. Returns how many. */
unsigned update_plan_mirrors(const struct update_plan *plan, mono_ms now, unsigned *ret_mirrors);

/* What came of asking a mirror; `wait_ms` with UPDATE_WAIT. A number that is no mirror's is passed over. */
void update_plan_attempt(struct update_plan *plan, mono_ms now, unsigned mirror,
			 enum update_outcome outcome, mono_ms wait_ms, unsigned jitter);

/* `version` of a database (any numbers below LIMIT_DATABASES, always the same) came from this mirror and was rejected: its failure. */
void update_plan_rejected(struct update_plan *plan, mono_ms now, unsigned mirror, unsigned database,
			  uint32_t version);

/* Up to which version the mirror is not asked for this database; 0: there is nothing against it. */
uint32_t update_plan_refused(const struct update_plan *plan, mono_ms now, unsigned mirror,
			     unsigned database);

/* From before a restart: so long yet. No failure. */
void update_plan_restore_refused(struct update_plan *plan, mono_ms now, unsigned mirror,
				 unsigned database, struct update_refusal left);

/* By command of an administrator who knows better: nothing is refused any more. */
void update_plan_forget_refused(struct update_plan *plan);

/* The check is over, well (all databases are as new as the mirrors have them) or not. */
void update_plan_ended(struct update_plan *plan, struct update_now now, bool went_well,
		       unsigned jitter);

#define DEFINITION_AGE_LIMIT_S (3 * 24 * 3600)

/* Built so many seconds after 1970 (0: unknown), seen now: a clock that is behind the build time makes nothing old. */
enum definition_age definition_age(uint64_t built_s, uint64_t now_s, uint64_t limit_s);

#endif
