/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * restart: the order in which this image of the daemon lets go of everything and executes the next one (handover.h). Owns nothing: the parts
 * are the daemon's.
 */
#ifndef AMP_AMPDAEMON_RESTART_H
#define AMP_AMPDAEMON_RESTART_H

#include "ampdaemon/daemon_parts.h"

/* How long a restart is tried again when a stranger's file hangs in its close. */
#define RESTART_PATIENCE_MS 60000

#define RESTART_ASKED "an administrator asked for it" /* the reason of restart_ask() */

void restart_init(struct daemon *d);

/* It happens in a later turn of the loop: callers may be in the middle of anything. 0; or -errno with a sentence when it is not possible now;
 * -EALREADY when it is under way. */
int restart_ask(struct daemon *d, char *ret_error, size_t size);

/* The same for the daemon's own reasons, without anybody to tell. Not soon after another of those: restart_every_ms is their distance,
 * and half of it is kept here whatever they remember. */
void restart_insist(struct daemon *d, const char *reason);

#endif
