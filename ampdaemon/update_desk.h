/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_desk: the shell around core/update_plan: begins checks of the mirrors when they are due or asked for, has one ampupdater for each
 * (update_process), and gives what it brought to the definition desk as a candidate. Also the age of definitions as a health figure.
 *
 * Owns the plan and its timer, the process of the check under way, incoming/ of the store, the events of updates and of age, what must be
 * remembered of mirrors and checks across a restart (in the journal). Must not own candidates (definition_desk), nor believe anything that an
 * updater says: its words are for people, its files are staged and tried as anybody's.
 * Diagnostics: a verdict is given once for each client, never from within a function here.
 */
#ifndef AMP_AMPDAEMON_UPDATE_DESK_H
#define AMP_AMPDAEMON_UPDATE_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/update_plan.h"
#include "ampdaemon/definition_desk.h"
#include "ampdaemon/installation.h"
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
	/* At most twice a second. `total` 0: not known. */
	void (*on_progress)(void *context, uint64_t client, const char *text, uint64_t done,
			    uint64_t total);
};

/* What it needs; all outlive it. */
struct update_needs {
	uv_loop_t *loop;
	const struct configuration *configuration;
	struct journal *journal;
	struct installation *installation;
	struct definition_desk *definitions;
};

struct update_desk *update_desk_new(const struct update_needs *origin,
				    const struct update_callbacks *callbacks, void *context);

/* Ends the process, a second at most. */
struct update_desk *update_desk_free(struct update_desk *desk);

/* After definition_desk_start(). Plans checks when the configuration has mirrors and the definition desk is in charge; watches the age anyhow. */
void update_desk_start(struct update_desk *desk);

/* For exec: nothing is begun any more, and what is under way is ended. */
void update_desk_rest(struct update_desk *desk);

/* Asks the mirrors now, or joins the check under way. 0 and a verdict follows; or -errno and `why` (-EPERM: not in charge, no mirrors; -EBUSY:
 * another client waits already). */
int update_desk_ask(struct update_desk *desk, uint64_t client, char why[LIMIT_REASON_BYTES + 1]);
void update_desk_cancel(struct update_desk *desk, uint64_t client);

/* From the definition desk, of the candidate of DEFINITION_CLIENT_UPDATER. */
void update_desk_answered(struct update_desk *desk, const struct definition_answer *answer);
void update_desk_phase(struct update_desk *desk, enum candidate_phase phase);

/* From the supervisor: what serves was built then (0: not known). */
void update_desk_serves(struct update_desk *desk, uint64_t built_s);

struct update_view {
	bool is_on; /* checks are planned */
	bool is_running;
	uint64_t last_check_ms; /* UTC; 0: never */
	enum update_outcome last_outcome;
	const char *last_reason;
	uint64_t next_check_ms; /* UTC; 0: none is planned */
	enum definition_age age;
	uint64_t built_s, age_limit_s;
};

void update_desk_view(const struct update_desk *desk, struct update_view *ret_view);

#endif
