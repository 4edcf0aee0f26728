/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cure_desk: the shell around core/cure_plan: births that failed and services that are ready go in, fault 7 with its words, the events of
 * each step and what must be remembered across a restart come out.
 *
 * Owns the plan, its timer, what is known of the last failures (cure_words) and of the memory that engines take (cure_memory), fault 7.
 * Must not own births or lives: what the plan asks for, the supervisor does.
 */
#ifndef AMP_AMPDAEMON_CURE_DESK_H
#define AMP_AMPDAEMON_CURE_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/cure_plan.h"
#include "ampdaemon/fault_desk.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/service_birth.h"
#include "ampdaemon/service_report.h"

struct cure_desk;

struct cure_desk_callbacks {
	/* When the next birth in the active place is; MONO_NEVER: one is under way. For words only. */
	mono_ms (*next_birth)(void *context);
	/* A service with the configured definitions is to follow the one that serves, if there is memory for both. False: there is not. */
	bool (*try_configured)(void *context, const char *reason);
	/* Births with the configured generation have failed often enough: something else is to be loaded. `is_bad` false: it was for want of memory. */
	void (*on_aside)(void *context, bool is_bad, const char *why);
	/* The connector is to be restarted. */
	void (*on_restart)(void *context, const char *reason);
};

/* A service as events name it. */
struct cure_subject {
	uint64_t incarnation;
	uint32_t pid;
	enum definition_source source;
	const struct service_report *report;
};

/* Reads the journal: at the start only. NULL without memory. */
struct cure_desk *cure_desk_new(uv_loop_t *loop, const struct configuration *configuration,
				struct journal *journal, struct fault_desk *faults);
struct cure_desk *cure_desk_free(struct cure_desk *desk);

/* Before anything is told. */
void cure_desk_listen(struct cure_desk *desk, const struct cure_desk_callbacks *callbacks,
		      void *context);

/* What there should be from now on; `need` bytes of its engine, 0: not known. */
void cure_desk_want(struct cure_desk *desk, enum cure_want want, uint64_t need);

/* What the next birth gets, and how many bytes its engine took at the last good load (0: not known). */
enum definition_source cure_desk_source(const struct cure_desk *desk, bool is_replacement);
uint64_t cure_desk_need(const struct cure_desk *desk, enum definition_source source);

/* What clearly does not fit into memory is not tried: the kernel would kill whomever it likes. 0, or -ENOMEM with the problem. */
int cure_desk_refuse(const struct cure_desk *desk, enum definition_source source,
		     struct birth_problem *ret_problem);

/* A birth in the active place or of a replacement failed. */
void cure_desk_failed(struct cure_desk *desk, const struct cure_subject *subject,
		      const struct birth_problem *problem);

/* Ready, in whatever role: writes the event that says so. Serves. Lost: none serves any more. */
void cure_desk_ready(struct cure_desk *desk, const struct cure_subject *subject);
void cure_desk_serves(struct cure_desk *desk, enum definition_source source);
void cure_desk_lost(struct cure_desk *desk);

/* Something was put right. */
void cure_desk_hope(struct cure_desk *desk);

/* Scanning is not wanted any more. */
void cure_desk_rest(struct cure_desk *desk);

#endif
