/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * left_behind: services that SIGKILL has not ended, because a worker waits uninterruptibly for its file's storage.
 * Owns their pidfds, so that they are buried when they end after all, and the bound of how many there may be.
 */
#ifndef AMP_AMPDAEMON_LEFT_BEHIND_H
#define AMP_AMPDAEMON_LEFT_BEHIND_H

#include <stdbool.h>

#define LEFT_BEHIND_LIMIT 4 /* each holds an engine's memory: then no new service is started */

struct left_behind {
	int pidfds[LEFT_BEHIND_LIMIT]; /* -1: free */
};

void left_behind_init(struct left_behind *left);

/* Buries those that have ended; true when there is a place for another. */
bool left_behind_has_place(struct left_behind *left);

/* Takes `pidfd`. There must be a place. */
void left_behind_add(struct left_behind *left, int pidfd);

#endif
