/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_desk: the shell around core/update_plan: begins checks of the mirrors when they are due or asked for, and tells what came of them. Also the
 * age of definitions as a health figure.
 *
 * Owns the plan and its timer, who waits for a check, the events of updates and of age (update_events), what must be remembered of mirrors and checks
 * across a restart (update_memory). Must not own the steps of a check (update_check), nor candidates (definition_desk).
 * Diagnostics: a verdict is given once for each client, never from within update_desk_ask() or update_desk_cancel().
 */
#ifndef AMP_AMPDAEMON_UPDATE_DESK_H
#define AMP_AMPDAEMON_UPDATE_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/update_plan.h"
#include "ampdaemon/definition_desk.h"
#include "ampdaemon/journal.h"

struct update_desk;

struct update_answer {
	enum update_outcome outcome;
	enum rejection rejection; /* of what was downloaded; REJECTION_NONE also when nothing was */
	const char *reason;       /* one sentence */
	uint64_t generation;      /* that serves now because of it; 0: none */
	uint64_t bytes;           /* downloaded */
};

struct update_callbacks {
	void (*on_verdict)(void *context, uint64_t client, const struct update_answer *answer);
	/* About once a second, and at each step. `total` 0: not known. */
	void (*on_progress)(void *context, uint64_t client, const char *text, uint64_t done,
			    uint64_t total);
};

/* What it needs; all outlive it. */
struct update_needs {
	uv_loop_t *loop;
	const struct configuration *configuration;
	struct journal *journal;
	struct definition_desk *definitions;
};

struct update_desk *update_desk_new(const struct update_needs *origin,
				    const struct update_callbacks *callbacks, void *context);

/* Ends the process, a second at most. */
struct update_desk *update_desk_free(struct update_desk *desk);

/* After definition_desk_start(). Plans checks when the configuration has mirrors and the definition desk is in charge; watches the age anyhow. */
void update_desk_start(struct update_desk *desk);

/* For exec: nothing is begun any more, what is under way is ended (a second at most), and its client is told so. What the definition desk has
 * already goes its way. update_desk_go_on(): there was no exec. */
void update_desk_rest(struct update_desk *desk);
void update_desk_go_on(struct update_desk *desk);

/* The disk is at work: a restart in place waits for it. */
bool update_desk_is_busy(const struct update_desk *desk);

/* Asks the mirrors now, or joins the check under way. 0 and a verdict follows; or -errno and `why` (-EPERM: not in charge, no mirrors; -EBUSY:
 * another client waits already; -EAGAIN: all mirrors have asked to be left alone). */
int update_desk_ask(struct update_desk *desk, uint64_t client, char why[LIMIT_REASON_BYTES + 1]);
void update_desk_cancel(struct update_desk *desk, uint64_t client);

/* From the definition desk, of the candidate of DEFINITION_CLIENT_UPDATER. */
void update_desk_answered(struct update_desk *desk, const struct definition_answer *answer);
void update_desk_phase(struct update_desk *desk, enum candidate_phase phase);

/* From the supervisor: what serves was built then (0: not known). The age is known from the first call on. */
void update_desk_serves(struct update_desk *desk, uint64_t built_s);

struct update_view {
	bool is_on; /* checks are planned */
	bool is_running;
	uint64_t last_check_ms; /* UTC; 0: never */
	enum update_outcome last_outcome;
	const char *last_reason;
	uint64_t next_check_ms;  /* UTC; 0: none is planned */
	enum definition_age age; /* _OLD as well when none were ever installed and updates are on */
	uint64_t built_s, age_limit_s;
};

void update_desk_view(const struct update_desk *desk, struct update_view *ret_view);

/* Sentences for the status: why no mirror is asked although there are some, how old definitions are. `n` counts from 0; false behind the last. */
bool update_desk_notice(const struct update_desk *desk, unsigned n,
			char ret_text[LIMIT_REASON_BYTES + 1]);

#endif
