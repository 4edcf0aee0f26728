/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/session_rules.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stddef.h>

#include "tests/support/unit_main.h"
#include "wire/control_codec.h"
#include "wire/scan_codec.h"
#include "wire/update_codec.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define MESSAGES 32

/* Per book and phase: what may come, and the phase after it. The books are written a second time here, by hand and in
 * another form: all that is not in it must be refused. */
struct expectation {
	const struct rule_book *book;
	unsigned phase, message;
	bool fd, once;
	unsigned next;
};

static const struct expectation expected[] = {
	{&rules_to_service, 0, TO_SERVICE_START, false, true, 1},
	{&rules_to_service, 1, TO_SERVICE_SPAWN, true, false, 1},
	{&rules_to_service, 1, TO_SERVICE_PING, false, false, 1},

	{&rules_from_service, 0, FROM_SERVICE_HELLO, false, true, 1},
	{&rules_from_service, 0, FROM_SERVICE_LOG, false, false, 0},
	{&rules_from_service, 0, FROM_SERVICE_FAILED, false, true, 3},
	{&rules_from_service, 1, FROM_SERVICE_PROGRESS, false, false, 1},
	{&rules_from_service, 1, FROM_SERVICE_FILE, false, false, 1},
	{&rules_from_service, 1, FROM_SERVICE_LOG, false, false, 1},
	{&rules_from_service, 1, FROM_SERVICE_READY, false, true, 2},
	{&rules_from_service, 1, FROM_SERVICE_FAILED, false, true, 3},
	{&rules_from_service, 2, FROM_SERVICE_SPAWNED, false, false, 2},
	{&rules_from_service, 2, FROM_SERVICE_EXITED, false, false, 2},
	{&rules_from_service, 2, FROM_SERVICE_PONG, false, false, 2},
	{&rules_from_service, 2, FROM_SERVICE_LOG, false, false, 2},
	{&rules_from_service, 2, FROM_SERVICE_FAILED, false, true, 3},
	{&rules_from_service, 3, FROM_SERVICE_LOG, false, false, 3},

	{&rules_to_worker, 0, 1, true, false, 0},
	{&rules_from_trial, 0, FROM_SERVICE_HELLO, false, true, 1},
	{&rules_from_trial, 0, FROM_SERVICE_LOG, false, false, 0},
	{&rules_from_trial, 0, FROM_SERVICE_FAILED, false, true, 3},
	{&rules_from_trial, 1, FROM_SERVICE_PROGRESS, false, false, 1},
	{&rules_from_trial, 1, FROM_SERVICE_FILE, false, false, 1},
	{&rules_from_trial, 1, FROM_SERVICE_LOG, false, false, 1},
	{&rules_from_trial, 1, FROM_SERVICE_READY, false, true, 3},
	{&rules_from_trial, 1, FROM_SERVICE_FAILED, false, true, 3},
	{&rules_from_trial, 3, FROM_SERVICE_LOG, false, false, 3},

	{&rules_from_worker, 0, FROM_WORKER_HELLO, false, true, 1},
	{&rules_from_worker, 0, FROM_WORKER_NOTICE, false, true, 2},
	{&rules_from_worker, 1, FROM_WORKER_RESULT, false, false, 1},
	{&rules_from_worker, 1, FROM_WORKER_NOTICE, false, true, 2},

	{&rules_request, 0, REQUEST_HELLO, false, true, 1},
	{&rules_request, 1, REQUEST_STATUS, false, false, 1},
	{&rules_request, 1, REQUEST_HISTORY, false, false, 1},
	{&rules_request, 1, REQUEST_FAULTS, false, false, 1},
	{&rules_request, 1, REQUEST_UNSCANNABLE, false, false, 1},
	{&rules_request, 1, REQUEST_RESTART, false, false, 1},
	{&rules_request, 1, REQUEST_RECHECK, false, false, 1},
	{&rules_request, 1, REQUEST_SCAN_BEGIN, false, false, 2},
	{&rules_request, 2, REQUEST_SCAN_FILE, true, false, 2},
	{&rules_request, 2, REQUEST_STATUS, false, false, 2},
	{&rules_request, 2, REQUEST_RESTART, false, false, 2},
	{&rules_request, 2, REQUEST_SCAN_END, false, false, 1},
	{&rules_request, 1, REQUEST_CHECK_BEGIN, false, false, 3},
	{&rules_request, 3, REQUEST_CHECK_FILE, true, false, 3},
	{&rules_request, 3, REQUEST_CHECK_END, false, false, 1},
	{&rules_request, 1, REQUEST_GENERATIONS, false, false, 1},
	{&rules_request, 1, REQUEST_ROLLBACK, false, false, 1},
	{&rules_request, 1, REQUEST_UPDATE, false, false, 1},

	{&rules_reply, 0, REPLY_HELLO, false, true, 1},
	{&rules_reply, 0, REPLY_REFUSAL, false, false, 0},
	{&rules_reply, 0, REPLY_RECONNECT, false, true, 2},
	{&rules_reply, 1, REPLY_STATUS, false, false, 1},
	{&rules_reply, 1, REPLY_CHECK_VERDICT, false, false, 1},
	{&rules_reply, 1, REPLY_SCAN_BEGUN, false, false, 1},
	{&rules_reply, 1, REPLY_FILE_RESULT, false, false, 1},
	{&rules_reply, 1, REPLY_SCAN_SUMMARY, false, false, 1},
	{&rules_reply, 1, REPLY_HISTORY, false, false, 1},
	{&rules_reply, 1, REPLY_REFUSAL, false, false, 1},
	{&rules_reply, 1, REPLY_FAULTS, false, false, 1},
	{&rules_reply, 1, REPLY_UNSCANNABLE, false, false, 1},
	{&rules_reply, 1, REPLY_DONE, false, false, 1},
	{&rules_reply, 1, REPLY_GENERATIONS, false, false, 1},
	{&rules_reply, 1, REPLY_UPDATE_VERDICT, false, false, 1},
	{&rules_reply, 1, REPLY_PROGRESS, false, false, 1},
	{&rules_reply, 1, REPLY_RECONNECT, false, true, 2},

	{&rules_to_updater, 0, TO_UPDATER_START, false, true, 1},

	{&rules_from_updater, 0, FROM_UPDATER_HELLO, false, true, 1},
	{&rules_from_updater, 0, FROM_UPDATER_FAILED, false, true, 2},
	{&rules_from_updater, 1, FROM_UPDATER_PROGRESS, false, false, 1},
	{&rules_from_updater, 1, FROM_UPDATER_ATTEMPT, false, false, 1},
	{&rules_from_updater, 1, FROM_UPDATER_FINISHED, false, true, 2},
	{&rules_from_updater, 1, FROM_UPDATER_FAILED, false, true, 2},
};

static const struct rule_book *const books[] = {&rules_to_service,  &rules_from_service,
						&rules_from_trial,  &rules_to_worker,
						&rules_from_worker, &rules_request,
						&rules_reply,       &rules_to_updater,
						&rules_from_updater};

static const struct expectation *find(const struct rule_book *book, unsigned phase,
				      unsigned message)
{
	for (size_t i = 0; i < N(expected); i++) {
		if (expected[i].book == book && expected[i].phase == phase &&
		    expected[i].message == message)
			return &expected[i];
	}
	return NULL;
}

static void step_cell(const struct rule_book *book, unsigned phase, unsigned message, bool has_fd)
{
	const struct expectation *e = find(book, phase, message);
	struct session session;
	const char *why = NULL;
	int r;

	session_init(&session, book);
	session.phase = (uint8_t)phase;
	r = session_admit(&session, message, has_fd, &why);
	if (e && e->fd == has_fd) {
		CU_ASSERT_EQUAL(r, 0);
		CU_ASSERT_EQUAL(session.phase, e->next);
		CU_ASSERT_EQUAL(session.seen, 1u << message);
	} else {
		CU_ASSERT_EQUAL(r, -EPROTO);
		CU_ASSERT_PTR_NOT_NULL(why);
		CU_ASSERT_EQUAL(session.phase, phase);
		CU_ASSERT_EQUAL(session.seen, 0);
	}
}

static void every_phase_and_message_is_permitted_or_refused_as_written(void)
{
	for (size_t b = 0; b < N(books); b++) {
		for (unsigned phase = 0; phase < 5; phase++) {
			for (unsigned message = 0; message < MESSAGES; message++) {
				step_cell(books[b], phase, message, false);
				step_cell(books[b], phase, message, true);
			}
		}
	}
}

static void no_row_is_there_twice_and_none_is_forgotten(void)
{
	size_t n = 0;

	for (size_t b = 0; b < N(books); b++) {
		CU_ASSERT_PTR_NOT_NULL(books[b]->name);
		n += books[b]->n_rules;
		for (unsigned i = 0; i < books[b]->n_rules; i++) {
			const struct session_rule *rule = &books[b]->rules[i];

			CU_ASSERT(rule->message < MESSAGES);
			CU_ASSERT_PTR_NOT_NULL(find(books[b], rule->phase, rule->message));
		}
	}
	CU_ASSERT_EQUAL(n, N(expected));
}

static void what_may_come_once_is_refused_the_second_time(void)
{
	for (size_t i = 0; i < N(expected); i++) {
		const struct expectation *e = &expected[i];
		struct session session;
		const char *why;

		session_init(&session, e->book);
		session.phase = (uint8_t)e->phase;
		CU_ASSERT_EQUAL(session_admit(&session, e->message, e->fd, &why), 0);
		session.phase = (uint8_t)e->phase; /* as if a rule led back here */
		CU_ASSERT_EQUAL(session_admit(&session, e->message, e->fd, &why),
				e->once ? -EPROTO : 0);
	}
}

static void a_session_begins_in_phase_0_with_nothing_seen(void)
{
	struct session session = {.phase = 9, .seen = 9};

	session_init(&session, &rules_request);
	CU_ASSERT_EQUAL(session.phase, REQUEST_PHASE_NEW);
	CU_ASSERT_EQUAL(session.seen, 0);
	CU_ASSERT_PTR_EQUAL(session.book, &rules_request);
}

static void a_message_number_beyond_the_bits_is_refused(void)
{
	static const unsigned numbers[] = {32, 33, 64, 1u << 31, UINT32_MAX};

	for (size_t b = 0; b < N(books); b++) {
		for (size_t i = 0; i < N(numbers); i++) {
			struct session session;
			const char *why;

			session_init(&session, books[b]);
			CU_ASSERT_EQUAL(session_admit(&session, numbers[i], false, &why), -EPROTO);
		}
	}
}

static void a_second_hello_is_refused_in_each_phase_of_a_client(void)
{
	struct session session;
	const char *why;

	session_init(&session, &rules_request);
	CU_ASSERT_EQUAL(session_admit(&session, REQUEST_HELLO, false, &why), 0);
	CU_ASSERT_EQUAL(session_admit(&session, REQUEST_HELLO, false, &why), -EPROTO);
	CU_ASSERT_EQUAL(session_admit(&session, REQUEST_SCAN_BEGIN, false, &why), 0);
	CU_ASSERT_EQUAL(session_admit(&session, REQUEST_HELLO, false, &why), -EPROTO);
	CU_ASSERT_EQUAL(session_admit(&session, REQUEST_SCAN_FILE, false, &why), -EPROTO);
	CU_ASSERT_EQUAL(session_admit(&session, REQUEST_SCAN_FILE, true, &why), 0);
}

static void nothing_comes_after_the_word_to_reconnect(void)
{
	struct session session;
	const char *why;

	session_init(&session, &rules_reply);
	CU_ASSERT_EQUAL(session_admit(&session, REPLY_HELLO, false, &why), 0);
	CU_ASSERT_EQUAL(session_admit(&session, REPLY_RECONNECT, false, &why), 0);
	for (unsigned message = 0; message < MESSAGES; message++)
		CU_ASSERT_EQUAL(session_admit(&session, message, false, &why), -EPROTO);
}

static const struct unit_test tests[] = {
	{"every phase and message is permitted or refused as written",
	 every_phase_and_message_is_permitted_or_refused_as_written},
	{"no row is there twice and none is forgotten",
	 no_row_is_there_twice_and_none_is_forgotten},
	{"what may come once is refused the second time",
	 what_may_come_once_is_refused_the_second_time},
	{"a session begins in phase 0 with nothing seen",
	 a_session_begins_in_phase_0_with_nothing_seen},
	{"a message number beyond the bits is refused",
	 a_message_number_beyond_the_bits_is_refused},
	{"a second hello is refused in each phase of a client",
	 a_second_hello_is_refused_in_each_phase_of_a_client},
	{"nothing comes after the word to reconnect", nothing_comes_after_the_word_to_reconnect},
};

UNIT_MAIN("session_rules", tests)
