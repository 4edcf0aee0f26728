/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_rules: which message is legal now. Per channel one table of rows {phase, message, descriptor, once, next
 * phase}; the receiver asks session_admit() before it looks at a message's content. What has no row is not permitted.
 *
 * Owns the tables. Must not own sockets or content.
 */
#ifndef AMP_SHARED_WIRE_SESSION_RULES_H
#define AMP_SHARED_WIRE_SESSION_RULES_H

#include <stdbool.h>
#include <stdint.h>

#define RULE_ONCE 0x1u /* at most once in a session */
#define RULE_FD 0x2u   /* exactly one descriptor comes with it; without the flag: none */

struct session_rule {
	uint8_t phase;
	uint8_t message; /* number in the oneof, below 32 */
	uint8_t flags;
	uint8_t next_phase;
};

struct rule_book {
	const char *name;
	const struct session_rule *rules;
	unsigned n_rules;
};

extern const struct rule_book rules_to_service;   /* what a scan service accepts */
extern const struct rule_book rules_from_service; /* what the daemon accepts of it */
extern const struct rule_book
	rules_from_trial; /* the same of one that only tries a set: phases of from_service_phase */
extern const struct rule_book rules_to_worker;
extern const struct rule_book rules_from_worker;
extern const struct rule_book rules_request; /* what the daemon accepts of a client */
extern const struct rule_book rules_reply;   /* what a client accepts */
extern const struct rule_book rules_to_updater;
extern const struct rule_book rules_from_updater; /* what the daemon accepts of an updater */

/* Phases: the first is 0 in each book. */
enum from_service_phase {
	FROM_SERVICE_PHASE_BORN,
	FROM_SERVICE_PHASE_LOADING,
	FROM_SERVICE_PHASE_UP,
	FROM_SERVICE_PHASE_LEAVING
};
enum request_phase {
	REQUEST_PHASE_NEW,
	REQUEST_PHASE_OPEN,
	REQUEST_PHASE_SCANNING,
	REQUEST_PHASE_CHECKING
};

struct session {
	const struct rule_book *book;
	uint8_t phase;
	uint32_t seen; /* bit per message */
};

void session_init(struct session *session, const struct rule_book *book);

/* 0 and the session moves on; -EPROTO with a reason (static text) when the message is not permitted now. */
int session_admit(struct session *session, unsigned message, bool has_fd, const char **ret_why);

#endif
