/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_send: gives files of definitions to the daemon, and waits for its verdict on them or on something else that takes its time.
 * Must not own the connection, nor show anything but the progress line that it is given.
 */
#ifndef AMP_AMPCLI_DEFINITION_SEND_H
#define AMP_AMPCLI_DEFINITION_SEND_H

#include "ampcli/control_client.h"
#include "ampcli/definition_files.h"
#include "ampcli/wait_line.h"

/* All go as one set, which `begin` opens. 0 and a REPLY_CHECK_VERDICT in *ret_reply (valid until the next call of the client), or -1 with the
 * reason. */
int definition_send(struct control_client *client, const struct request *begin,
		    const struct definition_files *files, struct wait_line *line,
		    struct reply *ret_reply, struct failure *ret_failure);

/* A request whose answer is a verdict of this kind. */
int definition_ask(struct control_client *client, const struct request *request,
		   enum reply_kind verdict, struct wait_line *line, struct reply *ret_reply,
		   struct failure *ret_failure);

#endif
