/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_desk: the shell around core/definition_machine: which definitions serve, who brings others, and what becomes of them. docs/design/0005.
 *
 * Owns the machine with its timer, the store, the errands to it, what is remembered across a restart (definition_memory), the events of
 * definitions, and who waits for an answer: one client at a time. Must not own sessions, services that serve (supervisor: it is told what to
 * load and tells what came of it), how a candidate is made and tried (definition_candidate).
 *
 * It is in charge when the configuration names a store and no definitions_dir: then births ask it what to load. Else candidates are checked
 * only, and all others are refused with a sentence.
 * Diagnostics: a refusal is one sentence; an answer is given once, never from within a function here.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_DESK_H
#define AMP_AMPDAEMON_DEFINITION_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/definition_machine.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/scan_site.h"
#include "ampdaemon/service_report.h"

#define DEFINITION_CLIENT_NONE 0
#define DEFINITION_CLIENT_UPDATER UINT64_MAX /* sessions count from 1 */

struct definition_desk;

struct definition_answer {
	enum rejection
		rejection; /* _NONE: all was passed, it serves if it was to; _NOTHING_NEW is no refusal either */
	const char *detail;                  /* beside its sentence; "" */
	const struct service_report *report; /* NULL: it was not tried */
	uint64_t generation;                 /* that serves now because of it; 0: none */
};

struct definition_load {
	uint64_t generation; /* 0: the built-in set */
	bool is_makeshift;   /* then: there should be another one */
	uint64_t need;       /* bytes that its engine took when it was measured; 0: not known */
	const char *reason;
};

/* What they point to is valid during the call. They may call back, definition_desk_begin() apart. */
struct definition_callbacks {
	void (*on_answer)(void *context, uint64_t client, const struct definition_answer *answer);
	/* The client's candidate has come so far. */
	void (*on_phase)(void *context, uint64_t client, enum candidate_phase phase);
	/* Births load this one from now on. */
	void (*on_load)(void *context, const struct definition_load *load);
};

/* What it needs; all outlive it. */
struct definition_needs {
	uv_loop_t *loop;
	const struct configuration *configuration;
	struct journal *journal;
	struct scan_site *site; /* where and as whom a trial runs */
};

/* NULL when there is no memory. */
struct definition_desk *definition_desk_new(const struct definition_needs *needs,
					    const struct definition_callbacks *callbacks,
					    void *context);

/* Ends a trial, a second at most, and what the disk is asked for. No callback any more. */
struct definition_desk *definition_desk_free(struct definition_desk *desk);

/* Opens the store and says what is to be loaded (on_load), before it returns. Does nothing when it is not in charge. */
void definition_desk_start(struct definition_desk *desk);

/* ---- a candidate; each: 0, or -errno and `why`, and it is over ---- */

/* ORIGIN_CHECK, ORIGIN_IMPORT or ORIGIN_UPDATE. -EBUSY: another candidate is under way; -EPERM: not in charge. */
int definition_desk_begin(struct definition_desk *desk, uint64_t client,
			  enum candidate_origin origin, bool forced,
			  char why[LIMIT_REASON_BYTES + 1]);

/* Takes `fd` in any case. `name` as the store allows it; unsigned files are custom, and only a check takes them: others get theirs from custom/. */
int definition_desk_add(struct definition_desk *desk, uint64_t client, const char *name,
			bool is_custom, int fd, char why[LIMIT_REASON_BYTES + 1]);

/* All are there; the answer follows. What is not a check goes on with the files of the active generation that it does not replace. */
int definition_desk_go(struct definition_desk *desk, uint64_t client,
		       char why[LIMIT_REASON_BYTES + 1]);

/* The client is gone. What is staged goes on without it. */
void definition_desk_cancel(struct definition_desk *desk, uint64_t client);

/* `number` 0: to the one before. The answer follows. -EBUSY, -ENOENT, -EALREADY, -EPERM. */
int definition_desk_roll_back(struct definition_desk *desk, uint64_t client, uint64_t number,
			      char why[LIMIT_REASON_BYTES + 1]);

/* ---- what serves: from the supervisor ---- */

bool definition_desk_is_in_charge(const struct definition_desk *desk);

/* The directory of a generation, the caller's; -errno and `why`. */
int definition_desk_open(const struct definition_desk *desk, uint64_t generation,
			 char why[LIMIT_REASON_BYTES + 1]);

/* A service with this one serves; `report` is what it said of it. */
void definition_desk_up(struct definition_desk *desk, uint64_t generation,
			const struct service_report *report);

/* It has had all its births, `why` the last one failed. `is_bad`: the set is the reason, not memory or rights. */
void definition_desk_not_up(struct definition_desk *desk, uint64_t generation, bool is_bad,
			    const char *why);

/* Fault 6: the failures that make it up began at `since`. True: a set falls because of them. */
bool definition_desk_storm(struct definition_desk *desk, mono_ms since);

/* ---- looking ---- */

const struct definition_machine *definition_desk_machine(const struct definition_desk *desk);
const char *definition_desk_root(const struct definition_desk *desk); /* "" when there is none */
uint64_t definition_desk_bytes(
	const struct definition_desk *desk); /* of the store, as of the last change */

/* Was this digest rejected, and why (name of a rejection, and a detail)? For lists: n counts from 0, the newest first; false behind the last. */
struct definition_rejected {
	uint8_t digest[LIMIT_DIGEST_BYTES];
	uint64_t utc_ms;
	uint32_t rejection; /* enum rejection */
	char detail[200];
};
bool definition_desk_rejected(const struct definition_desk *desk, unsigned n,
			      struct definition_rejected *ret_rejected);

/* Threads and errands that still work: a restart in place waits for them. */
unsigned definition_desk_under_way(const struct definition_desk *desk);

/* Before exec: nobody would bury a trial after it, nor end it. A second at most; its candidate goes no further. */
void definition_desk_let_go(struct definition_desk *desk);

#endif
