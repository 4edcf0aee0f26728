/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * restart: the order in which this image of the daemon lets go of everything and executes the next one (handover.h). Owns nothing: the parts
 * are the daemon's.
 */
#ifndef AMP_AMPDAEMON_RESTART_H
#define AMP_AMPDAEMON_RESTART_H

#include "ampdaemon/daemon_parts.h"

/* How long a restart that the daemon asked for itself is tried again when a stranger's file hangs in its close. */
#define RESTART_PATIENCE_MS 60000

void restart_init(struct daemon *d);

/* It happens in a later turn of the loop: callers may be in the middle of anything. 0; or -errno with a sentence when it is not possible now;
 * -EALREADY when it is under way. */
int restart_ask(struct daemon *d, const char *reason, char *ret_error, size_t size);

/* The same, without anybody to tell: tried again for RESTART_PATIENCE_MS. */
void restart_insist(struct daemon *d, const char *reason);

#endif
