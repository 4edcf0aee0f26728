/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_check: definitions that a client has tried: its requests to the definition desk, and the desk's answer as a packet. Must not own
 * sockets or the session (control_session), nor what is tried (definition_desk).
 */
#ifndef AMP_AMPDAEMON_SESSION_CHECK_H
#define AMP_AMPDAEMON_SESSION_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ampdaemon/definition_desk.h"
#include "wire/control_codec.h"

/* One of the REQUEST_CHECK kinds; takes `fd`. 0, or -errno and `why`: the check is over. */
int session_check_hear(struct definition_desk *desk, uint64_t client, const struct request *request,
		       int fd, char why[LIMIT_REASON_BYTES + 1]);

/* The length of the reply in `packet`, or -errno. */
ssize_t session_check_verdict(const struct definition_answer *answer, uint8_t *packet, size_t size);

#endif
