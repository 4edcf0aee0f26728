/* SPDX-License-Identifier: GPL-2.0-only */
/* What a decoder must not let through: made by hand, since our encoders mend what they are given. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "tests/support/raw_message.h"
#include "tests/support/unit_main.h"
#include "wire/control_codec.h"
#include "wire/event_codec.h"
#include "wire/scan_codec.h"

static struct wire_arena *arena;
static struct raw inner, outer, part;
static char longest[LIMIT_TRUST_ANCHOR_BYTES + LIMIT_FAULT_DETAIL_BYTES + 2];

static void raw_clear(struct raw *raw)
{
	raw->len = 0;
}

static const char *text_of(size_t len)
{
	memset(longest, 'x', len);
	longest[len] = '\0';
	return longest;
}

enum channel { TO_SERVICE, FROM_SERVICE, TO_WORKER, FROM_WORKER, REQUEST, REPLY, EVENT };

static int decode(enum channel channel, const void *bytes, size_t len)
{
	static union {
		struct to_service to_service;
		struct from_service from_service;
		struct scan_job job;
		struct from_worker from_worker;
		struct request request;
		struct reply reply;
		struct event event;
	} m;
	const char *why = NULL;
	int r = -EINVAL;

	if (!arena)
		arena = wire_arena_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
	if (channel == TO_SERVICE)
		r = to_service_decode(arena, bytes, len, &m.to_service, &why);
	else if (channel == FROM_SERVICE)
		r = from_service_decode(arena, bytes, len, &m.from_service, &why);
	else if (channel == TO_WORKER)
		r = scan_job_decode(arena, bytes, len, &m.job, &why);
	else if (channel == FROM_WORKER)
		r = from_worker_decode(arena, bytes, len, &m.from_worker, &why);
	else if (channel == REQUEST)
		r = request_decode(arena, bytes, len, &m.request, &why);
	else if (channel == REPLY)
		r = reply_decode(arena, bytes, len, &m.reply, &why);
	else
		r = event_decode(arena, bytes, len, &m.event, &why);
	CU_ASSERT(r == 0 || (r == -EBADMSG && why && *why));
	return r;
}

/* `inner` as the body `number` of a message of `channel`. */
static int decode_inner(enum channel channel, unsigned number)
{
	raw_clear(&outer);
	raw_message(&outer, number, &inner);
	return decode(channel, outer.bytes, outer.len);
}

/* Texts of messages: channel, body, field, ceiling, what the body needs besides. */
static const struct {
	enum channel channel;
	unsigned body, field;
	size_t limit;
} texts[] = {
	{FROM_SERVICE, FROM_SERVICE_HELLO, 2, LIMIT_NAME_BYTES},
	{FROM_SERVICE, FROM_SERVICE_FAILED, 2, LIMIT_REASON_BYTES},
	{FROM_SERVICE, FROM_SERVICE_SPAWNED, 3, LIMIT_DETAIL_BYTES},
	{FROM_SERVICE, FROM_SERVICE_LOG, 2, LIMIT_LOG_TEXT_BYTES},
	{FROM_SERVICE, FROM_SERVICE_FILE, 1, LIMIT_NAME_BYTES},
	{REPLY, REPLY_HELLO, 2, LIMIT_NAME_BYTES},
	{REPLY, REPLY_REFUSAL, 2, LIMIT_REASON_BYTES},
	{EVENT, EVENT_BODY_CONNECTOR, 1, LIMIT_NAME_BYTES},
	{EVENT, EVENT_BODY_CONNECTOR, 3, LIMIT_REASON_BYTES},
	{EVENT, EVENT_BODY_WORKER, 7, LIMIT_REASON_BYTES},
	{EVENT, EVENT_BODY_SERVICE, 4, LIMIT_REASON_BYTES},
	{EVENT, EVENT_BODY_LOST, 2, LIMIT_REASON_BYTES},
	{EVENT, EVENT_BODY_FAULT, 3, LIMIT_FAULT_DETAIL_BYTES},
	{EVENT, EVENT_BODY_FAULT, 4, LIMIT_REASON_BYTES},
	{EVENT, EVENT_BODY_FAULT, 5, LIMIT_REASON_BYTES},
	{REPLY, REPLY_DONE, 1, LIMIT_REASON_BYTES},
	{REPLY, REPLY_RECONNECT, 1, LIMIT_REASON_BYTES},
};

static int decode_text(size_t row, const void *text, size_t len)
{
	raw_clear(&inner);
	raw_bytes(&inner, texts[row].field, text, len);
	return decode_inner(texts[row].channel, texts[row].body);
}

static void a_text_of_the_ceiling_passes_and_one_byte_more_does_not(void)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t limit = texts[i].limit;

		CU_ASSERT_EQUAL(decode_text(i, text_of(limit), limit), 0);
		CU_ASSERT_EQUAL(decode_text(i, text_of(limit + 1), limit + 1), -EBADMSG);
	}
}

static void a_text_with_a_byte_that_is_not_printable_is_refused(void)
{
	static const char *const bad[] = {"a\nb", "\x1b[2J", "\x7f", "\xc3\xa4", "\xff"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t b = 0; b < sizeof(bad) / sizeof(bad[0]); b++)
			CU_ASSERT_EQUAL(decode_text(i, bad[b], strlen(bad[b])), -EBADMSG);
	}
}

/* Nothing of what follows the NUL is looked at by anybody, so it may be anything. */
static void a_text_ends_at_its_first_NUL(void)
{
	const char *why;
	struct from_service m;

	raw_clear(&inner);
	raw_clear(&outer);
	raw_bytes(&inner, 2, "ab\0\n", 4);
	raw_message(&outer, FROM_SERVICE_LOG, &inner);
	CU_ASSERT_EQUAL_FATAL(decode(FROM_SERVICE, outer.bytes, outer.len), 0);
	CU_ASSERT_EQUAL_FATAL(from_service_decode(arena, outer.bytes, outer.len, &m, &why), 0);
	CU_ASSERT_STRING_EQUAL(m.log.text, "ab");
}

/* Lists of small messages or texts: channel, body, field, how many, field of a text in each item (0: the item is a text). */
static const struct {
	enum channel channel;
	unsigned body, field, limit, text_field;
} lists[] = {
	{FROM_SERVICE, FROM_SERVICE_HELLO, 5, WALL_COUNT, 3},
	{FROM_WORKER, FROM_WORKER_HELLO, 1, WALL_COUNT, 3},
	{EVENT, EVENT_BODY_THREAT, 3, LIMIT_THREATS, 0},
};

static int decode_list(size_t row, unsigned n)
{
	raw_clear(&inner);
	for (unsigned i = 0; i < n; i++) {
		if (!lists[row].text_field) {
			raw_text(&inner, lists[row].field, "Threat");
			continue;
		}
		raw_clear(&part);
		raw_number(&part, 1, i); /* ids differ */
		raw_message(&inner, lists[row].field, &part);
	}
	return decode_inner(lists[row].channel, lists[row].body);
}

static void a_list_of_the_ceiling_passes_and_one_item_more_does_not(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		CU_ASSERT_EQUAL(decode_list(i, 0), 0);
		CU_ASSERT_EQUAL(decode_list(i, lists[i].limit), 0);
		CU_ASSERT_EQUAL(decode_list(i, lists[i].limit + 1), -EBADMSG);
	}
}

static int decode_wall(uint64_t id, uint64_t state, size_t detail, unsigned times)
{
	raw_clear(&part);
	raw_clear(&inner);
	raw_number(&part, 1, id);
	raw_number(&part, 2, state);
	raw_text(&part, 3, text_of(detail));
	while (times--)
		raw_message(&inner, 5, &part);
	return decode_inner(FROM_SERVICE, FROM_SERVICE_HELLO);
}

static void a_wall_has_a_known_id_once_a_known_state_and_a_short_detail(void)
{
	CU_ASSERT_EQUAL(
		decode_wall(WALL_COUNT - 1, WALL_STATE_COUNT - 1, LIMIT_WALL_DETAIL_BYTES, 1), 0);
	CU_ASSERT_EQUAL(decode_wall(WALL_COUNT, 1, 0, 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_wall(UINT32_MAX, 1, 0, 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_wall(0, WALL_STATE_COUNT, 0, 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_wall(0, 1, LIMIT_WALL_DETAIL_BYTES + 1, 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_wall(3, 1, 0, 2), -EBADMSG);
}

/* ScanResult and FileResult have the same first fields. */
static int decode_result(enum channel channel, unsigned verdict, unsigned reason, unsigned threats)
{
	raw_clear(&inner);
	raw_number(&inner, 1, 7);
	raw_number(&inner, 2, verdict);
	raw_number(&inner, 3, reason);
	while (threats--)
		raw_text(&inner, 5, "Threat");
	return decode_inner(channel, 4);
}

static void a_worker_gives_no_verdict_that_its_reason_contradicts(void)
{
	for (unsigned v = 0; v < VERDICT_COUNT + 2; v++) {
		for (unsigned r = 0; r < SCAN_REASON_COUNT + 2; r++) {
			for (unsigned n = 0; n <= LIMIT_THREATS + 1; n++) {
				bool good = n <= LIMIT_THREATS && verdict_is_plausible(v, r, n);

				CU_ASSERT_EQUAL(decode_result(FROM_WORKER, v, r, n),
						good ? 0 : -EBADMSG);
			}
		}
	}
}

static void a_daemon_gives_no_good_word_or_threat_that_is_contradicted(void)
{
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_CLEAN, 0, 0), 0);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_CLEAN, SCAN_REASON_READ, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_CLEAN, 0, 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_INFECTED, 0, 1), 0);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_INFECTED, 0, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_FAILED, SCAN_REASON_DIED, 0), 0);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_FAILED, SCAN_REASON_DIED, 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_ERROR, SCAN_REASON_NO_SERVICE, 0), 0);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_ERROR, SCAN_REASON_COUNT, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_NONE, 0, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_result(REPLY, VERDICT_COUNT, 0, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_result(REPLY, UINT32_MAX, 0, 0), -EBADMSG);
}

static int decode_threat(size_t len)
{
	raw_clear(&inner);
	raw_number(&inner, 1, 7);
	raw_number(&inner, 2, VERDICT_INFECTED);
	raw_text(&inner, 5, text_of(len));
	return decode_inner(FROM_WORKER, FROM_WORKER_RESULT);
}

static void a_threat_has_a_name_of_bounded_length(void)
{
	CU_ASSERT_EQUAL(decode_threat(0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_threat(1), 0);
	CU_ASSERT_EQUAL(decode_threat(LIMIT_THREAT_BYTES), 0);
	CU_ASSERT_EQUAL(decode_threat(LIMIT_THREAT_BYTES + 1), -EBADMSG);
}

static int decode_numbers(enum channel channel, unsigned body, unsigned field, uint64_t value)
{
	raw_clear(&inner);
	raw_number(&inner, field, value);
	return decode_inner(channel, body);
}

static void numbers_of_a_list_stay_within_it(void)
{
	CU_ASSERT_EQUAL(
		decode_numbers(FROM_SERVICE, FROM_SERVICE_PROGRESS, 1, LOAD_PHASE_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_numbers(FROM_SERVICE, FROM_SERVICE_PROGRESS, 1, LOAD_PHASE_COUNT),
			-EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(FROM_WORKER, FROM_WORKER_NOTICE, 1, WORKER_REASON_NONE),
			-EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(FROM_WORKER, FROM_WORKER_NOTICE, 1, WORKER_REASON_COUNT - 1),
			0);
	CU_ASSERT_EQUAL(decode_numbers(FROM_WORKER, FROM_WORKER_NOTICE, 1, WORKER_REASON_COUNT),
			-EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(REPLY, REPLY_REFUSAL, 1, REFUSAL_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_numbers(REPLY, REPLY_REFUSAL, 1, REFUSAL_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(EVENT, EVENT_BODY_WORKER, 3, DEATH_CAUSE_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_numbers(EVENT, EVENT_BODY_WORKER, 3, DEATH_CAUSE_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(REQUEST, REQUEST_HISTORY, 2, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(REQUEST, REQUEST_HISTORY, 2, LIMIT_HISTORY_ROWS), 0);
	CU_ASSERT_EQUAL(decode_numbers(REQUEST, REQUEST_HISTORY, 2, LIMIT_HISTORY_ROWS + 1),
			-EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(REQUEST, REQUEST_UNSCANNABLE, 2, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(REQUEST, REQUEST_UNSCANNABLE, 2, LIMIT_HISTORY_ROWS), 0);
	CU_ASSERT_EQUAL(decode_numbers(REQUEST, REQUEST_UNSCANNABLE, 2, LIMIT_HISTORY_ROWS + 1),
			-EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(EVENT, EVENT_BODY_WORKER, 10, SCAN_PHASE_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_numbers(EVENT, EVENT_BODY_WORKER, 10, SCAN_PHASE_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(EVENT, EVENT_BODY_UNSCANNABLE, 5, DEATH_CAUSE_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_numbers(EVENT, EVENT_BODY_UNSCANNABLE, 5, DEATH_CAUSE_COUNT),
			-EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(TO_WORKER, 1, 1, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_numbers(TO_WORKER, 1, 1, 1), 0);
	CU_ASSERT_EQUAL(decode_numbers(FROM_WORKER, FROM_WORKER_RESULT, 2, VERDICT_CLEAN),
			-EBADMSG);
}

static int decode_bytes(enum channel channel, unsigned body, unsigned field, size_t len)
{
	static const uint8_t zeros[LIMIT_PATH_BYTES + 1];

	raw_clear(&inner);
	raw_number(&inner, 1, 1);
	raw_bytes(&inner, field, zeros, len);
	return decode_inner(channel, body);
}

static void paths_and_labels_are_bounded(void)
{
	CU_ASSERT_EQUAL(decode_bytes(REQUEST, REQUEST_SCAN_FILE, 2, LIMIT_PATH_BYTES), 0);
	CU_ASSERT_EQUAL(decode_bytes(REQUEST, REQUEST_SCAN_FILE, 2, LIMIT_PATH_BYTES + 1),
			-EBADMSG);
	CU_ASSERT_EQUAL(decode_bytes(REQUEST, REQUEST_SCAN_FILE, 2, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_bytes(EVENT, EVENT_BODY_THREAT, 2, LIMIT_PATH_BYTES), 0);
	CU_ASSERT_EQUAL(decode_bytes(EVENT, EVENT_BODY_THREAT, 2, LIMIT_PATH_BYTES + 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_bytes(EVENT, EVENT_BODY_WORKER, 5, LIMIT_PATH_BYTES), 0);
	CU_ASSERT_EQUAL(decode_bytes(EVENT, EVENT_BODY_WORKER, 5, LIMIT_PATH_BYTES + 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_bytes(EVENT, EVENT_BODY_SCAN, 4, LIMIT_LABEL_BYTES), 0);
	CU_ASSERT_EQUAL(decode_bytes(EVENT, EVENT_BODY_SCAN, 4, LIMIT_LABEL_BYTES + 1), -EBADMSG);
}

static int decode_label(size_t len)
{
	raw_clear(&inner);
	raw_bytes(&inner, 1, memset(part.bytes, 'l', len), len);
	return decode_inner(REQUEST, REQUEST_SCAN_BEGIN);
}

static void the_label_of_a_scan_is_bounded(void)
{
	CU_ASSERT_EQUAL(decode_label(0), 0);
	CU_ASSERT_EQUAL(decode_label(LIMIT_LABEL_BYTES), 0);
	CU_ASSERT_EQUAL(decode_label(LIMIT_LABEL_BYTES + 1), -EBADMSG);
}

static void an_empty_packet_has_no_body(void)
{
	for (unsigned channel = TO_SERVICE; channel <= EVENT; channel++) {
		CU_ASSERT_EQUAL(decode(channel, "", 0), -EBADMSG);
		raw_clear(&outer);
		raw_number(&outer, 1,
			   3); /* numbers of a message without a body; elsewhere a wrong type */
		CU_ASSERT_EQUAL(decode(channel, outer.bytes, outer.len), -EBADMSG);
	}
}

static const struct {
	enum channel channel;
	unsigned body;
} bodies[] = {{TO_SERVICE, TO_SERVICE_PING},
	      {FROM_SERVICE, FROM_SERVICE_PONG},
	      {TO_WORKER, 1},
	      {FROM_WORKER, FROM_WORKER_HELLO},
	      {REQUEST, REQUEST_STATUS},
	      {REPLY, REPLY_SCAN_BEGUN},
	      {EVENT, EVENT_BODY_LOST}};

static void an_unknown_field_is_refused_at_every_depth(void)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		raw_clear(&inner);
		if (bodies[i].channel == TO_WORKER)
			raw_number(&inner, 1, 1);
		CU_ASSERT_EQUAL(decode_inner(bodies[i].channel, bodies[i].body), 0);
		raw_number(&outer, 30, 1);
		CU_ASSERT_EQUAL(decode(bodies[i].channel, outer.bytes, outer.len), -EBADMSG);
		raw_number(&inner, 100, 1);
		CU_ASSERT_EQUAL(decode_inner(bodies[i].channel, bodies[i].body), -EBADMSG);
	}
	raw_clear(&part); /* a stranger in an item of a list in a body */
	raw_clear(&inner);
	raw_number(&part, 9, 1);
	raw_message(&inner, 5, &part);
	CU_ASSERT_EQUAL(decode_inner(FROM_SERVICE, FROM_SERVICE_HELLO), -EBADMSG);
}

static void a_packet_above_the_ceiling_is_refused(void)
{
	static uint8_t big[LIMIT_PACKET_BYTES + 1];

	for (unsigned channel = TO_SERVICE; channel <= EVENT; channel++)
		CU_ASSERT_EQUAL(decode(channel, big, sizeof(big)), -EBADMSG);
}

/* A page of `n` empty events, two bytes each. */
static size_t make_page(uint8_t *packet, size_t n)
{
	size_t len = 4;

	packet[0] = REPLY_HISTORY << 3 | 2;
	packet[1] = (uint8_t)(0x80 | (2 * n & 0x7f));
	packet[2] = (uint8_t)(0x80 | (2 * n >> 7 & 0x7f));
	packet[3] = (uint8_t)(2 * n >> 14);
	for (size_t i = 0; i < n; i++, len += 2)
		memcpy(packet + len, "\x0a\x00", 2);
	return len;
}

/* Two bytes on the wire become a structure of a hundred: the arena is the ceiling, not the packet. */
static void a_message_that_unfolds_too_far_is_refused(void)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	static struct reply reply;
	const char *why = "";
	size_t len = make_page(packet, 1000);

	CU_ASSERT_EQUAL(reply_decode(arena, packet, len, &reply, &why), -EBADMSG);
	CU_ASSERT_PTR_NULL(strstr(why, "unfolds")); /* too many rows, but they unfolded */
	len = make_page(packet, (sizeof(packet) - 4) / 2);
	CU_ASSERT_EQUAL(reply_decode(arena, packet, len, &reply, &why), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "unfolds"));
	CU_ASSERT_EQUAL(decode_numbers(REPLY, REPLY_SCAN_BEGUN, 1, 4), 0);
}

static int decode_status(unsigned workers, unsigned files, unsigned notices, unsigned verdicts)
{
	raw_clear(&inner);
	for (unsigned i = 0; i < FAILURE_CLASS_COUNT; i++)
		raw_number(&inner, 38, 1);
	raw_clear(&part);
	while (workers--)
		raw_message(&inner, 13, &part);
	raw_text(&part, 1, "main.cvd");
	while (files--)
		raw_message(&inner, 22, &part);
	while (notices--)
		raw_text(&inner, 34, "notice");
	while (verdicts--)
		raw_number(&inner, 27, 1);
	return decode_inner(REPLY, REPLY_STATUS);
}

static void the_lists_of_a_status_are_bounded(void)
{
	CU_ASSERT_EQUAL(decode_status(0, 0, 0, VERDICT_COUNT), 0);
	CU_ASSERT_EQUAL(decode_status(LIMIT_WORKERS, LIMIT_DEFINITION_FILES, LIMIT_NOTICES,
				      VERDICT_COUNT),
			0);
	CU_ASSERT_EQUAL(decode_status(LIMIT_WORKERS + 1, 0, 0, VERDICT_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_status(0, LIMIT_DEFINITION_FILES + 1, 0, VERDICT_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_status(0, 0, LIMIT_NOTICES + 1, VERDICT_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_status(0, 0, 0, VERDICT_COUNT - 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_status(0, 0, 0, VERDICT_COUNT + 1), -EBADMSG);
}

static int decode_history(unsigned n)
{
	raw_clear(&part);
	raw_clear(&inner);
	raw_bytes(&part, EVENT_BODY_LOST, "", 0);
	while (n--)
		raw_message(&inner, 1, &part);
	return decode_inner(REPLY, REPLY_HISTORY);
}

static void a_page_of_history_is_bounded(void)
{
	CU_ASSERT_EQUAL(decode_history(0), 0);
	CU_ASSERT_EQUAL(decode_history(LIMIT_HISTORY_ROWS), 0);
	CU_ASSERT_EQUAL(decode_history(LIMIT_HISTORY_ROWS + 1), -EBADMSG);
}

static void a_summary_has_counts(void)
{
	raw_clear(&inner);
	CU_ASSERT_EQUAL(decode_inner(REPLY, REPLY_SCAN_SUMMARY), -EBADMSG);
	raw_clear(&part);
	raw_message(&inner, 1, &part);
	CU_ASSERT_EQUAL(decode_inner(REPLY, REPLY_SCAN_SUMMARY), 0);
}

static void a_name_of_a_definition_file_is_not_empty(void)
{
	raw_clear(&inner);
	raw_number(&inner, 2, 1);
	CU_ASSERT_EQUAL(decode_inner(FROM_SERVICE, FROM_SERVICE_FILE), -EBADMSG);
	raw_text(&inner, 1, "a.ndb");
	CU_ASSERT_EQUAL(decode_inner(FROM_SERVICE, FROM_SERVICE_FILE), 0);
	raw_text(&inner, 3, text_of(LIMIT_DETAIL_BYTES + 1));
	CU_ASSERT_EQUAL(decode_inner(FROM_SERVICE, FROM_SERVICE_FILE), -EBADMSG);
	arena = wire_arena_free(arena);
}

/* A file that is as it should be, and one field more. */
static int decode_file(unsigned field, const char *text, uint64_t number)
{
	raw_clear(&inner);
	raw_text(&inner, 1, "daily.cvd");
	if (text)
		raw_text(&inner, field, text);
	else
		raw_number(&inner, field, number);
	return decode_inner(FROM_SERVICE, FROM_SERVICE_FILE);
}

static void a_definition_file_has_a_known_origin_and_signing_and_a_short_database(void)
{
	CU_ASSERT_EQUAL(decode_file(7, NULL, DEFINITION_ORIGIN_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_file(7, NULL, DEFINITION_ORIGIN_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_file(8, text_of(LIMIT_DATABASE_BYTES), 0), 0);
	CU_ASSERT_EQUAL(decode_file(8, text_of(LIMIT_DATABASE_BYTES + 1), 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_file(8, "dai\nly", 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_file(9, NULL, UINT32_MAX), 0);
	CU_ASSERT_EQUAL(decode_file(10, NULL, DEFINITION_SIGNING_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_file(10, NULL, DEFINITION_SIGNING_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_file(11, NULL, 1), -EBADMSG);
	arena = wire_arena_free(arena);
}

static int decode_start(bool has_definitions, unsigned field)
{
	raw_clear(&inner);
	raw_number(&inner, 15, has_definitions);
	raw_number(&inner, field, 1);
	return decode_inner(TO_SERVICE, TO_SERVICE_START);
}

static void a_trial_has_definitions_and_certificates_are_bounded(void)
{
	for (unsigned field = 16; field <= 17; field++) {
		CU_ASSERT_EQUAL(decode_start(true, field), 0);
		CU_ASSERT_EQUAL(decode_start(false, field), -EBADMSG);
	}
	raw_clear(&inner);
	raw_bytes(&inner, 18, text_of(LIMIT_TRUST_ANCHOR_BYTES), LIMIT_TRUST_ANCHOR_BYTES);
	CU_ASSERT_EQUAL(decode_inner(TO_SERVICE, TO_SERVICE_START), 0);
	raw_clear(&inner);
	raw_bytes(&inner, 18, text_of(LIMIT_TRUST_ANCHOR_BYTES + 1), LIMIT_TRUST_ANCHOR_BYTES + 1);
	CU_ASSERT_EQUAL(decode_inner(TO_SERVICE, TO_SERVICE_START), -EBADMSG);
	arena = wire_arena_free(arena);
}

static const struct unit_test tests[] = {
	{"a text of the ceiling passes and one byte more does not",
	 a_text_of_the_ceiling_passes_and_one_byte_more_does_not},
	{"a text with a byte that is not printable is refused",
	 a_text_with_a_byte_that_is_not_printable_is_refused},
	{"a text ends at its first NUL", a_text_ends_at_its_first_NUL},
	{"a list of the ceiling passes and one item more does not",
	 a_list_of_the_ceiling_passes_and_one_item_more_does_not},
	{"a wall has a known id once, a known state and a short detail",
	 a_wall_has_a_known_id_once_a_known_state_and_a_short_detail},
	{"a worker gives no verdict that its reason contradicts",
	 a_worker_gives_no_verdict_that_its_reason_contradicts},
	{"a daemon gives no good word or threat that is contradicted",
	 a_daemon_gives_no_good_word_or_threat_that_is_contradicted},
	{"a threat has a name of bounded length", a_threat_has_a_name_of_bounded_length},
	{"numbers of a list stay within it", numbers_of_a_list_stay_within_it},
	{"paths and labels are bounded", paths_and_labels_are_bounded},
	{"the label of a scan is bounded", the_label_of_a_scan_is_bounded},
	{"an empty packet has no body", an_empty_packet_has_no_body},
	{"an unknown field is refused at every depth", an_unknown_field_is_refused_at_every_depth},
	{"a packet above the ceiling is refused", a_packet_above_the_ceiling_is_refused},
	{"a message that unfolds too far is refused", a_message_that_unfolds_too_far_is_refused},
	{"the lists of a status are bounded", the_lists_of_a_status_are_bounded},
	{"a page of history is bounded", a_page_of_history_is_bounded},
	{"a summary has counts", a_summary_has_counts},
	{"a definition file has a name and a short reason",
	 a_name_of_a_definition_file_is_not_empty},
	{"a definition file has a known origin and signing and a short database",
	 a_definition_file_has_a_known_origin_and_signing_and_a_short_database},
	{"a trial has definitions and certificates are bounded",
	 a_trial_has_definitions_and_certificates_are_bounded},
};

UNIT_MAIN("wire_refusals", tests)
