/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * loop_health: tells systemd's watchdog and the overseer that the daemon is well, and only when it is. A beat is due every
 * second, or four times in systemd's limit when that is shorter. It is given when the loop came to its timer in time and every probe says
 * well; else it is withheld, and that is logged once with the reason, until it is well again.
 *
 * Owns: the timer, the heartbeat socket. Must not own what being well means to the parts: they bring probes.
 * A slow disk or a stranger's file system is no hang: whatever waits for them does so on a thread and must not be probed for it.
 */
#ifndef AMP_AMPDAEMON_LOOP_HEALTH_H
#define AMP_AMPDAEMON_LOOP_HEALTH_H

#include <stdbool.h>

#include <uv.h>

#include "base/mono.h"

#define HEALTH_PROBES 8
#define HEALTH_BEAT_MS 1000
#define HEALTH_LATE_MS 10000 /* a timer that is so late, a deadline that is so long overdue */

struct loop_health;

/* Takes `heartbeat` (-1: there is no overseer). NULL when there is no memory. Beats from now on. */
struct loop_health *loop_health_new(uv_loop_t *loop, int heartbeat);
struct loop_health *loop_health_free(struct loop_health *health);

/* Asked at each beat: false with a reason (static text) withholds it. -ENOSPC past HEALTH_PROBES. */
int loop_health_add(struct loop_health *health,
		    bool (*is_well)(void *context, const char **ret_why), void *context);

/* For probes: is a deadline overdue by more than HEALTH_LATE_MS? */
bool loop_health_is_overdue(mono_ms deadline);

#endif
