/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * low_fds: the daemon's lowest descriptor numbers, all taken by /dev/null from its first moment on, so that no file of a
 * stranger ever gets one. A child that shares the daemon's table can then leave it with these numbers alone, and closes
 * nothing of a stranger's on its way. A few of the numbers are lent to what such a child needs.
 * Owns: the numbers from 3 to LOW_FDS - 1. Must not own: what is lent, the child.
 */
#ifndef AMP_AMPDAEMON_LOW_FDS_H
#define AMP_AMPDAEMON_LOW_FDS_H

/* close_range(CLOSE_RANGE_UNSHARE) of Linux 5.9 to 6.14 copies whole words of the table: not less than 64. */
#define LOW_FDS 64
#define LOW_FDS_PLACES 10

/*
 * Takes the numbers; what was inherited there is closed. 0 to 2 are taken only where they are closed. Before anything else is
 * opened. 0 or -errno.
 */
int low_fds_reserve(void);

/* A copy of `fd`, close-on-exec, at `place` of LOW_FDS_PLACES: its number (16 or more), or -errno. `fd` stays the caller's. */
int low_fds_lend(unsigned place, int fd);

/* All places are /dev/null again. */
void low_fds_take_back(void);

#endif
