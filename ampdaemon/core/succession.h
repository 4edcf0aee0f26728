/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * succession: which of two lives of the scan service serves, and how one follows the other without a gap: replacement, standby, loss.
 * Pure: events in, effects out. Each life has its own service_machine; this decides what the two are for.
 *
 * Owns the roles. Must not own processes, the lives' own deadlines and back-off (service_machine), jobs (dispatcher).
 *
 * Rules
 * - One life is ACTIVE as long as scanning is wanted; its machine starts it again by itself when it ends.
 * - replace: a NEXT life is started in the other place; when it is up it is promoted, the old one becomes OUTGOING and is stopped
 *   when its workers have gone (drained). A NEXT whose birth fails is stopped and given up; who asked asks again. A standby
 *   that was born before the request makes room for the NEXT. A request while one is under way: another NEXT follows it.
 *   Without memory for two (fits == false) the active life is ended at once and starts again: a gap, but a new service.
 * - standby (when configured): after an ACTIVE is up and the other place is free, a STANDBY is started there and kept. When the ACTIVE
 *   is lost, a STANDBY that is up is promoted in the same step; the lost life becomes the STANDBY and its machine brings it back.
 * - An ACTIVE that is lost while a NEXT is on its way: whoever is up first is the active one, the other is stopped. One that is lost
 *   while an OUTGOING one is still up gives the service back to that one, and is its NEXT.
 * - stop: both are stopped; SUCCESSION_ALL_DOWN when both are down.
 */
#ifndef AMP_AMPDAEMON_CORE_SUCCESSION_H
#define AMP_AMPDAEMON_CORE_SUCCESSION_H

#include <stdbool.h>

#include "base/name_table.h"

#define SUCCESSION_PLACES 2

#define SUCCESSION_ROLE_LIST(X)                                                                    \
	X(ROLE_NONE, "none")                                                                       \
	X(ROLE_ACTIVE, "active")                                                                   \
	X(ROLE_NEXT, "next")                                                                       \
	X(ROLE_STANDBY, "standby")                                                                 \
	X(ROLE_OUTGOING, "outgoing")

enum succession_role { SUCCESSION_ROLE_LIST(NAME_TABLE_MEMBER) ROLE_COUNT };

#define SUCCESSION_EVENT_LIST(X)                                                                   \
	X(SUCCESSION_START, "start")     /* no place */                                            \
	X(SUCCESSION_STOP, "stop")       /* no place */                                            \
	X(SUCCESSION_REPLACE, "replace") /* no place; fits */                                      \
	X(SUCCESSION_UP, "up")                                                                     \
	X(SUCCESSION_LOST, "lost")       /* it was up; its machine tries again unless stopped */   \
	X(SUCCESSION_FAILED, "failed")   /* a birth failed; its machine tries again */             \
	X(SUCCESSION_DRAINED, "drained") /* an OUTGOING one has no workers any more */             \
	X(SUCCESSION_DOWN, "down")       /* it has ended after a stop */

enum succession_event { SUCCESSION_EVENT_LIST(NAME_TABLE_MEMBER) SUCCESSION_EVENT_COUNT };

enum succession_effect_kind {
	SUCCESSION_DO_START,   /* want the life in `place` */
	SUCCESSION_DO_STOP,    /* do not want it any more; DOWN follows */
	SUCCESSION_DO_KILL,    /* end it at once; its machine starts it again */
	SUCCESSION_DO_PROMOTE, /* the dispatcher takes its workers from it from now on */
	SUCCESSION_DO_STANDBY, /* the dispatcher keeps a worker of it ready */
	SUCCESSION_DO_LOST,    /* it served, and no other does now: jobs wait */
	SUCCESSION_GAVE_UP,    /* the replacement failed */
	SUCCESSION_ALL_DOWN,
};

struct succession_effect {
	enum succession_effect_kind kind;
	unsigned place;
};

#define SUCCESSION_EFFECTS 8 /* more cannot come of one event */

struct succession {
	enum succession_role roles[SUCCESSION_PLACES];
	bool up[SUCCESSION_PLACES];
	bool stopping[SUCCESSION_PLACES]; /* DO_STOP was said; DOWN follows */
	bool wanted, standby_wanted, replace_again, again_fits;
	struct succession_effect effects[SUCCESSION_EFFECTS];
	unsigned n_effects;
};

void succession_init(struct succession *succession, bool standby_wanted);

/* One event; the effects are in succession->effects, n_effects of them, until the next call. `fits` is for REPLACE, `place` for
 * the events that have one. */
void succession_step(struct succession *succession, enum succession_event event, unsigned place,
		     bool fits);

/* A life that is up already serves (restart in place). Before START, which then starts nothing more. */
void succession_adopt(struct succession *succession, unsigned place);

/* The place of the ACTIVE life, or -1. */
int succession_active(const struct succession *succession);

const char *succession_role_name(unsigned role);
const char *succession_event_name(unsigned event);

#endif
