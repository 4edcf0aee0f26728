/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_definitions: what a client asks of definitions - checks, imports, rollbacks, updates, what there is - to the desks, and their answers
 * as replies. Must not own sockets or the session (control_session), nor decide anything.
 */
#ifndef AMP_AMPDAEMON_SESSION_DEFINITIONS_H
#define AMP_AMPDAEMON_SESSION_DEFINITIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ampdaemon/control_server.h"
#include "ampdaemon/definition_desk.h"
#include "ampdaemon/update_desk.h"
#include "wire/control_codec.h"

/* One of the REQUEST_CHECK kinds, of rollbacks or of updates; takes `fd`. 0, or -errno and `why`: it is refused, and over. */
int session_definitions_hear(const struct control_services *services, uint64_t client,
			     const struct request *request, int fd,
			     char why[LIMIT_REASON_BYTES + 1]);

/* A verdict follows: nothing else is read meanwhile. */
bool session_definitions_waits(enum request_kind kind);

/* The client is gone. */
void session_definitions_cancel(const struct control_services *services, uint64_t client);

/* Their verdict, and how far they are. Texts are valid until the next call. */
void session_definitions_verdict(const struct definition_answer *answer, struct reply *ret_reply);
void session_definitions_phase(enum candidate_phase phase, struct reply *ret_reply);

/* The same of a check of the mirrors; and what is known of them, for control_services.fill_updates(). */
void session_definitions_update_verdict(const struct update_answer *answer,
					struct reply *ret_reply);
void session_definitions_update_progress(const char *text, uint64_t done, uint64_t total,
					 struct reply *ret_reply);
void session_definitions_updates(const struct update_view *view,
				 struct generations_report *ret_report);

/* What there is: the length of the reply in `packet`, or -errno. */
ssize_t session_definitions_list(const struct control_services *services, uint8_t *packet,
				 size_t size);

#endif
