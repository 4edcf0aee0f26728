/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_check: has files of definitions tried by the daemon: opens them with the rights of who runs us, sends them, waits for the verdict.
 * Must not own the connection, nor show anything.
 */
#ifndef AMP_AMPCLI_DEFINITION_CHECK_H
#define AMP_AMPCLI_DEFINITION_CHECK_H

#include "ampcli/control_client.h"

/* 0 and a REPLY_CHECK_VERDICT in *ret_reply (valid until the next call of the client), or -1 with the reason. Takes up to a quarter of an hour. */
int definition_check(struct control_client *client, char *const *paths, int n_paths,
		     struct reply *ret_reply, struct failure *ret_failure);

#endif
