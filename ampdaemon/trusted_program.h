/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trusted_program: opens an executable that the daemon is about to run as root: a regular file of root that root alone may write. Who
 * could replace it could become root. Must not judge the directories above (installation), nor run it (spawn).
 */
#ifndef AMP_AMPDAEMON_TRUSTED_PROGRAM_H
#define AMP_AMPDAEMON_TRUSTED_PROGRAM_H

#include <stddef.h>

/* O_PATH of `name` in `directory` (AT_FDCWD: a path), no link followed at its end; the caller's. `shown` names it in the sentence in
 * `error`. Or -errno: -EPERM when it is not trusted. */
int trusted_program_open(int directory, const char *name, const char *shown, char *error,
			 size_t size);

#endif
