/* SPDX-License-Identifier: GPL-2.0-only */
/* quiet_thread: a detached thread with a small stack that takes no signal: those are the loop's. For work that may hang on a stranger's storage. */
#ifndef AMP_SHARED_IO_QUIET_THREAD_H
#define AMP_SHARED_IO_QUIET_THREAD_H

#include <stddef.h>

/* 0 or -errno. */
int quiet_thread_start(void *(*run)(void *argument), void *argument, size_t stack_bytes);

#endif
