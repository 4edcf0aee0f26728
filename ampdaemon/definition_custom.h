/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_custom: the administrator's unsigned files, custom/ of the store. Opens those that only root can have put there, and says of each
 * other one why it is left out. Must not own what kinds of files are allowed (policy), nor read them.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_CUSTOM_H
#define AMP_AMPDAEMON_DEFINITION_CUSTOM_H

#include "ampdaemon/definition_store.h"

#define DEFINITION_CUSTOM_NAMES 256 /* looked at; a set has LIMIT_DEFINITION_FILES at most */

/* `fd`: the file, for reading, from now on the callee's; -1: it is left out, `why` says why. `name` is fit to be shown. */
typedef void definition_custom_fn(void *context, const char *name, int fd, const char *why);

/* Calls for each name, in no order. 0 (also when there is no such directory); else -errno and `why`, perhaps after some calls: -EPERM others may
 * write to the directory, -E2BIG. */
int definition_custom_each(const struct definition_store *store, definition_custom_fn *fn,
			   void *context, char why[LIMIT_REASON_BYTES]);

#endif
