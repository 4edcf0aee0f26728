/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * restart_ledger: counts failures of workers and services by class and in windows, and says which step of the ladder is due:
 * nothing, a new scan service, fault 6 with a restart of the connector. Pure: failure or success with the time in, steps out,
 * next deadline asked. spec faults.md, 6.
 *
 * Owns the times of failures, the totals, when the last step of each kind was. Must not own what failed (certificates),
 * texts, back-off (service_machine, dispatcher), clocks.
 *
 * Rules
 * - Counted in the window are all classes but FAILURE_NONE; births of the *service* that fail are not noted here at all: they are
 *   fault 7's (docs/design/0003).
 * - replace_limit failures within replace_ms since the last replacement: LEDGER_REPLACE. When all of them were by input,
 *   a replacement cures nothing that a fresh worker does not: then at most one in window_ms, so that files cannot buy loads.
 * - limit failures within window_ms: LEDGER_STORM as long as it holds (each noted failure says it again, so that the
 *   detail stays fresh), and LEDGER_RESTART once in restart_every_ms. A replacement that falls due together with a restart waits
 *   for the next failure.
 * - While stormy: LEDGER_CALM when no failure for window_ms, or fewer than `limit` in the window and none newer than
 *   calm_ms. A ledger that is restored stormy calms down by the same rule, at the latest window_ms after the restore
 *   unless failures go on.
 * - Severity: critical when scans were wanted and none succeeded for no_success_ms while stormy: from the first that did not
 *   succeed, and from the beginning of the storm.
 * - After a suspend, a clock that jumps (it must be monotonic; a step backwards is taken as no time passed) or a million failures:
 *   bounded memory (RING times; older ones count as gone), exact totals.
 */
#ifndef AMP_AMPDAEMON_CORE_RESTART_LEDGER_H
#define AMP_AMPDAEMON_CORE_RESTART_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lives.h"
#include "base/mono.h"

#define LEDGER_RING 1024

struct ledger_settings {
	uint32_t limit;           /* 5 */
	mono_ms window_ms;        /* 600,000 */
	mono_ms calm_ms;          /* 300,000 */
	uint32_t replace_limit;   /* 3 */
	mono_ms replace_ms;       /* 60,000 */
	mono_ms restart_every_ms; /* 600,000 */
	mono_ms no_success_ms;    /* 60,000 */
};

struct ledger_entry {
	mono_ms at;
	mono_ms began; /* when the file that was in hand failed first; `at` when it never had */
	enum failure_class failure;
};

struct restart_ledger {
	struct ledger_settings settings;
	struct ledger_entry ring[LEDGER_RING];
	unsigned first, count;
	uint64_t totals[FAILURE_CLASS_COUNT];
	bool stormy;
	mono_ms replaced_at, restarted_at; /* MONO_NEVER: not yet */
	mono_ms stormy_since;
	mono_ms restored_at; /* of a stormy ledger of another boot; MONO_NEVER otherwise */
	mono_ms unlucky_since; /* first scan that did not succeed since the last that did; MONO_NEVER */
	mono_ms now;           /* the latest time seen */
};

/* A set. */
enum ledger_step {
	LEDGER_REPLACE = 1 << 0,
	LEDGER_STORM = 1 << 1, /* raise fault 6, or renew its detail */
	LEDGER_RESTART = 1 << 2,
	LEDGER_CALM = 1 << 3, /* clear it */
};

/* What survives the daemon: the newest times and all totals. Times are of the monotonic clock of one boot. */
#define LEDGER_SAVED 64
struct ledger_saved {
	struct ledger_entry newest[LEDGER_SAVED];
	unsigned count;
	uint64_t totals[FAILURE_CLASS_COUNT];
	bool stormy;
	mono_ms replaced_at, restarted_at;
};

void restart_ledger_init(struct restart_ledger *ledger, const struct ledger_settings *settings,
			 mono_ms now);

unsigned restart_ledger_failed(struct restart_ledger *ledger, mono_ms now,
			       enum failure_class failure);

/* The failure noted last is one of a file that had failed before, first at `began`. */
void restart_ledger_date(struct restart_ledger *ledger, mono_ms began);

/* A scan ended: did it succeed? (CLEAN, INFECTED, INCOMPLETE do.) May raise the severity, so LEDGER_STORM can come. */
unsigned restart_ledger_scanned(struct restart_ledger *ledger, mono_ms now, bool succeeded);

/* Time passed. Early or late calls are harmless. */
unsigned restart_ledger_tick(struct restart_ledger *ledger, mono_ms now);
mono_ms restart_ledger_deadline(const struct restart_ledger *ledger);

bool restart_ledger_is_critical(const struct restart_ledger *ledger);
uint32_t restart_ledger_in_window(const struct restart_ledger *ledger, mono_ms now);

/* Since when scans have not succeeded in this storm; MONO_NEVER when they do, or when there is none. */
mono_ms restart_ledger_unlucky_since(const struct restart_ledger *ledger);

/* When the oldest of the failures began that are enough for a storm, counted from those that began last; MONO_NEVER when they are not. What a file
 * does again began when it did it first: whatever has changed since is not to blame. */
mono_ms restart_ledger_storm_since(const struct restart_ledger *ledger);

/* Those in the window by class. */
void restart_ledger_recent(const struct restart_ledger *ledger, mono_ms now,
			   uint32_t ret_counts[FAILURE_CLASS_COUNT]);

/* A storm that another memory knows of (an active fault) goes on here; it calms down by the rule of a restored ledger. */
void restart_ledger_resume(struct restart_ledger *ledger, mono_ms now);

void restart_ledger_save(const struct restart_ledger *ledger, struct ledger_saved *ret_saved);

/* `same_boot`: the times still mean something; else only totals and `stormy` are taken. Nonsense is left out. */
void restart_ledger_restore(struct restart_ledger *ledger, mono_ms now,
			    const struct ledger_saved *saved, bool same_boot);

#endif
