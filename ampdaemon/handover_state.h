/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handover_state: struct handover <-> the sealed memfd that crosses exec. Owns the order of records and what must hold between them (one
 * head, one service at most, workers of that service, no descriptor twice). Must not own the descriptors that are named in it, nor exec.
 */
#ifndef AMP_AMPDAEMON_HANDOVER_STATE_H
#define AMP_AMPDAEMON_HANDOVER_STATE_H

#include <stddef.h>

#include "ampdaemon/handover.h"

#define HANDOVER_FDS (6 + 2 * LIMIT_WORKERS)

/* A memfd, close-on-exec, that nobody can change; or -errno. */
int handover_state_write(const struct handover *handover);

/* Reads it; `fd` stays the caller's. 0, or -errno with a reason (static text): -EPROTONOSUPPORT for a newer one. */
int handover_state_read(int fd, struct handover *ret_handover, const char **ret_why);

/* Where each descriptor stands that `handover` names; how many. */
unsigned handover_state_fds(struct handover *handover, int *ret_places[HANDOVER_FDS]);

#endif
