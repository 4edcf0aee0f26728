/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * late_close: closes descriptors that strangers made. close(2) of a file on FUSE waits for the file system's server (its
 * flush), as long as that server likes, and no signal ends it: whoever turns an event loop must not do it himself. The
 * number is free as soon as a thread has begun, so one that is held costs a thread and no descriptor.
 * Owns: the waiting descriptors, the threads. Must not own: any judgement of what is hostile.
 * Diagnostics: late_close_held().
 */
#ifndef AMP_SHARED_IO_LATE_CLOSE_H
#define AMP_SHARED_IO_LATE_CLOSE_H

/* From now on late_close() hands over to threads. 0 or -errno. Before (and in the scan service) it is close(2). */
int late_close_start(void);

/* Takes `fd`; -1 is none. Does not wait once started. */
void late_close(int fd);

/* Descriptors that are handed over and not closed yet. */
unsigned late_close_held(void);

#endif
