/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/session_rules.h"

#include <errno.h>
#include <stddef.h>

#include "wire/control_codec.h"
#include "wire/scan_codec.h"
#include "wire/update_codec.h"

#define BOOK(id, rows)                                                                             \
	const struct rule_book id = {                                                              \
		.name = #id, .rules = rows, .n_rules = sizeof(rows) / sizeof((rows)[0])}

enum to_service_phase { TO_SERVICE_PHASE_NEW, TO_SERVICE_PHASE_STARTED };

static const struct session_rule to_service_rows[] = {
	{TO_SERVICE_PHASE_NEW, TO_SERVICE_START, RULE_ONCE, TO_SERVICE_PHASE_STARTED},
	{TO_SERVICE_PHASE_STARTED, TO_SERVICE_SPAWN, RULE_FD, TO_SERVICE_PHASE_STARTED},
	{TO_SERVICE_PHASE_STARTED, TO_SERVICE_PING, 0, TO_SERVICE_PHASE_STARTED},
};
BOOK(rules_to_service, to_service_rows);

#define BORN FROM_SERVICE_PHASE_BORN
#define LOADING FROM_SERVICE_PHASE_LOADING
#define UP FROM_SERVICE_PHASE_UP
#define LEAVING FROM_SERVICE_PHASE_LEAVING

static const struct session_rule from_service_rows[] = {
	{BORN, FROM_SERVICE_HELLO, RULE_ONCE, LOADING},
	{BORN, FROM_SERVICE_LOG, 0, BORN},
	{BORN, FROM_SERVICE_FAILED, RULE_ONCE, LEAVING},
	{LOADING, FROM_SERVICE_PROGRESS, 0, LOADING},
	{LOADING, FROM_SERVICE_FILE, 0, LOADING},
	{LOADING, FROM_SERVICE_LOG, 0, LOADING},
	{LOADING, FROM_SERVICE_READY, RULE_ONCE, UP},
	{LOADING, FROM_SERVICE_FAILED, RULE_ONCE, LEAVING},
	{UP, FROM_SERVICE_SPAWNED, 0, UP},
	{UP, FROM_SERVICE_EXITED, 0, UP},
	{UP, FROM_SERVICE_PONG, 0, UP},
	{UP, FROM_SERVICE_LOG, 0, UP},
	{UP, FROM_SERVICE_FAILED, RULE_ONCE, LEAVING},
	{LEAVING, FROM_SERVICE_LOG, 0, LEAVING},
};
BOOK(rules_from_service, from_service_rows);

static const struct session_rule from_trial_rows[] = {
	{BORN, FROM_SERVICE_HELLO, RULE_ONCE, LOADING},
	{BORN, FROM_SERVICE_LOG, 0, BORN},
	{BORN, FROM_SERVICE_FAILED, RULE_ONCE, LEAVING},
	{LOADING, FROM_SERVICE_PROGRESS, 0, LOADING},
	{LOADING, FROM_SERVICE_FILE, 0, LOADING},
	{LOADING, FROM_SERVICE_LOG, 0, LOADING},
	{LOADING, FROM_SERVICE_READY, RULE_ONCE, LEAVING},
	{LOADING, FROM_SERVICE_FAILED, RULE_ONCE, LEAVING},
	{LEAVING, FROM_SERVICE_LOG, 0, LEAVING},
};
BOOK(rules_from_trial, from_trial_rows);

static const struct session_rule to_worker_rows[] = {
	{0, 1, RULE_FD, 0}, /* ScanJob */
};
BOOK(rules_to_worker, to_worker_rows);

enum from_worker_phase {
	FROM_WORKER_PHASE_NEW,
	FROM_WORKER_PHASE_READY,
	FROM_WORKER_PHASE_LEAVING
};

static const struct session_rule from_worker_rows[] = {
	{FROM_WORKER_PHASE_NEW, FROM_WORKER_HELLO, RULE_ONCE, FROM_WORKER_PHASE_READY},
	{FROM_WORKER_PHASE_NEW, FROM_WORKER_NOTICE, RULE_ONCE, FROM_WORKER_PHASE_LEAVING},
	{FROM_WORKER_PHASE_READY, FROM_WORKER_RESULT, 0, FROM_WORKER_PHASE_READY},
	{FROM_WORKER_PHASE_READY, FROM_WORKER_NOTICE, RULE_ONCE, FROM_WORKER_PHASE_LEAVING},
};
BOOK(rules_from_worker, from_worker_rows);

#define NEW REQUEST_PHASE_NEW
#define OPEN REQUEST_PHASE_OPEN
#define SCANNING REQUEST_PHASE_SCANNING
#define CHECKING REQUEST_PHASE_CHECKING

static const struct session_rule request_rows[] = {
	{NEW, REQUEST_HELLO, RULE_ONCE, OPEN},    {OPEN, REQUEST_STATUS, 0, OPEN},
	{OPEN, REQUEST_HISTORY, 0, OPEN},         {OPEN, REQUEST_FAULTS, 0, OPEN},
	{OPEN, REQUEST_UNSCANNABLE, 0, OPEN},     {OPEN, REQUEST_RESTART, 0, OPEN},
	{OPEN, REQUEST_RECHECK, 0, OPEN},         {OPEN, REQUEST_SCAN_BEGIN, 0, SCANNING},
	{OPEN, REQUEST_CHECK_BEGIN, 0, CHECKING}, {CHECKING, REQUEST_CHECK_FILE, RULE_FD, CHECKING},
	{CHECKING, REQUEST_CHECK_END, 0, OPEN},   {SCANNING, REQUEST_SCAN_FILE, RULE_FD, SCANNING},
	{OPEN, REQUEST_GENERATIONS, 0, OPEN},     {OPEN, REQUEST_ROLLBACK, 0, OPEN},
	{OPEN, REQUEST_UPDATE, 0, OPEN},          {SCANNING, REQUEST_STATUS, 0, SCANNING},
	{SCANNING, REQUEST_RESTART, 0, SCANNING}, {SCANNING, REQUEST_SCAN_END, 0, OPEN},
};
BOOK(rules_request, request_rows);

enum reply_phase { REPLY_PHASE_NEW, REPLY_PHASE_OPEN, REPLY_PHASE_LEAVING };

static const struct session_rule reply_rows[] = {
	{REPLY_PHASE_NEW, REPLY_HELLO, RULE_ONCE, REPLY_PHASE_OPEN},
	{REPLY_PHASE_NEW, REPLY_REFUSAL, 0, REPLY_PHASE_NEW},
	{REPLY_PHASE_NEW, REPLY_RECONNECT, RULE_ONCE, REPLY_PHASE_LEAVING},
	{REPLY_PHASE_OPEN, REPLY_STATUS, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_SCAN_BEGUN, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_FILE_RESULT, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_SCAN_SUMMARY, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_HISTORY, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_REFUSAL, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_FAULTS, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_UNSCANNABLE, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_DONE, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_CHECK_VERDICT, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_GENERATIONS, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_UPDATE_VERDICT, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_PROGRESS, 0, REPLY_PHASE_OPEN},
	{REPLY_PHASE_OPEN, REPLY_RECONNECT, RULE_ONCE, REPLY_PHASE_LEAVING},
};
BOOK(rules_reply, reply_rows);

enum to_updater_phase { TO_UPDATER_PHASE_NEW, TO_UPDATER_PHASE_STARTED };

static const struct session_rule to_updater_rows[] = {
	{TO_UPDATER_PHASE_NEW, TO_UPDATER_START, RULE_ONCE, TO_UPDATER_PHASE_STARTED},
};
BOOK(rules_to_updater, to_updater_rows);

enum from_updater_phase {
	FROM_UPDATER_PHASE_BORN,
	FROM_UPDATER_PHASE_ASKING,
	FROM_UPDATER_PHASE_LEAVING
};

static const struct session_rule from_updater_rows[] = {
	{FROM_UPDATER_PHASE_BORN, FROM_UPDATER_HELLO, RULE_ONCE, FROM_UPDATER_PHASE_ASKING},
	{FROM_UPDATER_PHASE_BORN, FROM_UPDATER_FAILED, RULE_ONCE, FROM_UPDATER_PHASE_LEAVING},
	{FROM_UPDATER_PHASE_ASKING, FROM_UPDATER_PROGRESS, 0, FROM_UPDATER_PHASE_ASKING},
	{FROM_UPDATER_PHASE_ASKING, FROM_UPDATER_ATTEMPT, 0, FROM_UPDATER_PHASE_ASKING},
	{FROM_UPDATER_PHASE_ASKING, FROM_UPDATER_FINISHED, RULE_ONCE, FROM_UPDATER_PHASE_LEAVING},
	{FROM_UPDATER_PHASE_ASKING, FROM_UPDATER_FAILED, RULE_ONCE, FROM_UPDATER_PHASE_LEAVING},
};
BOOK(rules_from_updater, from_updater_rows);

void session_init(struct session *session, const struct rule_book *book)
{
	*session = (struct session){.book = book};
}

int session_admit(struct session *session, unsigned message, bool has_fd, const char **ret_why)
{
	for (unsigned i = 0; i < session->book->n_rules; i++) {
		const struct session_rule *rule = &session->book->rules[i];

		if (rule->phase != session->phase || rule->message != message)
			continue;
		if (rule->flags & RULE_ONCE && session->seen & 1u << message) {
			*ret_why = "a message that may come once came again";
			return -EPROTO;
		}
		if (has_fd != !!(rule->flags & RULE_FD)) {
			*ret_why = has_fd ? "a descriptor where none belongs"
					  : "no descriptor where one belongs";
			return -EPROTO;
		}
		session->seen |= 1u << message;
		session->phase = rule->next_phase;
		return 0;
	}
	*ret_why = "a message that is not permitted now";
	return -EPROTO;
}
