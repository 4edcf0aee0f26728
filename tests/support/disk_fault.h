/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * disk_fault: stands between a test program and libc where it changes or reads files (link with DISK_FAULT_WRAPS): lets one call fail, hold, or
 * come short. Any thread's call counts.
 */
#ifndef AMP_TESTS_SUPPORT_DISK_FAULT_H
#define AMP_TESTS_SUPPORT_DISK_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* The n-th call from now (1 is the next) of write, fsync, fchmod, openat, mkdirat, renameat, linkat or symlinkat fails. */
void disk_fault_arm(unsigned n, int error);

/* Of fsync alone. */
void disk_fault_arm_syncs(unsigned n, int error);

/* The process is killed in place of the n-th of these calls, or of unlinkat. */
void disk_fault_arm_kill(unsigned n);

/* Was there such a call? Disarms. */
bool disk_fault_disarm(void);

/* pread() of this descriptor waits until it is released. */
#define DISK_FAULT_NONE (-1)
#define DISK_FAULT_ALL (-2)
void disk_fault_hold(int fd);

/* How many wait now. */
unsigned disk_fault_held(void);

/* pread() gives at most so many bytes, and each second one is interrupted; 0: as asked. */
void disk_fault_shorten(size_t bytes);

/* Each pread() fails with this; 0: none. */
void disk_fault_refuse_reads(int error);

/* Is called once, before the second pread() from now. */
void disk_fault_meanwhile(void (*fn)(void));

#endif
