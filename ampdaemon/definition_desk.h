/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_desk: carries out what core/definition_machine decides: has candidates staged (definition_stage) and tried (definition_trial), and
 * tells who brought them. docs/design/0005. So far it checks: what is asked for ends after the trial; nothing is activated.
 *
 * Owns the machine, the store (opened when it is first needed), the stage, the trial, and who waits for an answer: one client at a time. Must
 * not own sessions, services that serve, or what a trial is told beyond the set.
 * Diagnostics: a refusal is one sentence; an answer is given once, never from within a function here.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_DESK_H
#define AMP_AMPDAEMON_DEFINITION_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/definition_machine.h"
#include "ampdaemon/scan_site.h"
#include "ampdaemon/service_report.h"

struct definition_desk;

struct definition_answer {
	enum rejection rejection;            /* REJECTION_NONE: all was passed */
	const char *detail;                  /* beside its sentence; "" */
	const struct service_report *report; /* NULL: it was not tried */
};

/* `client` is who began. What it points to is valid during the call. */
typedef void definition_answer_fn(void *context, uint64_t client,
				  const struct definition_answer *answer);

/* `site` says where and as whom a trial runs. NULL when there is no memory. */
struct definition_desk *definition_desk_new(uv_loop_t *loop,
					    const struct configuration *configuration,
					    struct scan_site *site, definition_answer_fn *answer,
					    void *context);

/* Ends a trial, a second at most. No answer comes any more. */
struct definition_desk *definition_desk_free(struct definition_desk *desk);

/* ---- a check; each: 0, or -errno and `why`, and the check is over ---- */

/* -EBUSY: another candidate is under way. */
int definition_desk_begin(struct definition_desk *desk, uint64_t client,
			  char why[LIMIT_REASON_BYTES + 1]);

/* Takes `fd` in any case. `name` as the store allows it; unsigned files are custom. */
int definition_desk_add(struct definition_desk *desk, uint64_t client, const char *name,
			bool is_custom, int fd, char why[LIMIT_REASON_BYTES + 1]);

/* All are there; the answer follows. */
int definition_desk_go(struct definition_desk *desk, uint64_t client,
		       char why[LIMIT_REASON_BYTES + 1]);

/* The client is gone. */
void definition_desk_cancel(struct definition_desk *desk, uint64_t client);

/* Threads that still work: a restart in place waits for them. */
unsigned definition_desk_under_way(const struct definition_desk *desk);

#endif
