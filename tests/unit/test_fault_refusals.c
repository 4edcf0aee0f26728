/* SPDX-License-Identifier: GPL-2.0-only */
/* What a decoder must not let through of faults, unscannable files, definitions and the figures of supervision: made by
 * hand, since our encoders mend what they are given. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "tests/support/raw_message.h"
#include "tests/support/unit_main.h"
#include "wire/control_codec.h"
#include "wire/event_codec.h"

static struct wire_arena *arena;
static struct raw inner, outer, part;
static char longest[LIMIT_FAULT_DETAIL_BYTES + 2];

enum channel { REPLY, EVENT };

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

/* `inner` as the body `number` of a message of `channel`. */
static int decode_inner(enum channel channel, unsigned number)
{
	static struct reply reply;
	static struct event event;
	const char *why = NULL;
	int r;

	if (!arena)
		arena = wire_arena_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
	raw_clear(&outer);
	raw_message(&outer, number, &inner);
	r = channel == REPLY ? reply_decode(arena, outer.bytes, outer.len, &reply, &why)
			     : event_decode(arena, outer.bytes, outer.len, &event, &why);
	CU_ASSERT(r == 0 || (r == -EBADMSG && why && *why));
	return r;
}

static int decode_number(enum channel channel, unsigned body, unsigned field, uint64_t value)
{
	raw_clear(&inner);
	raw_number(&inner, field, value);
	return decode_inner(channel, body);
}

static int decode_bytes(enum channel channel, unsigned body, unsigned field, size_t len)
{
	raw_clear(&inner);
	raw_bytes(&inner, field, text_of(len), len);
	return decode_inner(channel, body);
}

/* 0 is the event that all are cleared. */
static void a_fault_has_a_number_of_the_catalogue(void)
{
	for (uint32_t id = 0; id < 300; id++)
		CU_ASSERT_EQUAL(decode_number(EVENT, EVENT_BODY_FAULT, 1, id),
				!id || fault_of(id) ? 0 : -EBADMSG);
	CU_ASSERT_EQUAL(decode_number(EVENT, EVENT_BODY_FAULT, 1, UINT32_MAX), -EBADMSG);
}

static void a_severity_is_one_of_the_list(void)
{
	CU_ASSERT_EQUAL(decode_number(EVENT, EVENT_BODY_FAULT, 2, FAULT_SEVERITY_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_number(EVENT, EVENT_BODY_FAULT, 2, FAULT_SEVERITY_COUNT), -EBADMSG);
}

/* As an item of the list `field` of `body`. */
static int decode_fault(unsigned body, unsigned field, uint64_t id, uint64_t severity,
			size_t detail)
{
	raw_clear(&part);
	raw_clear(&inner);
	raw_number(&part, 1, id);
	raw_number(&part, 3, severity);
	raw_text(&part, 8, text_of(detail));
	raw_message(&inner, field, &part);
	for (unsigned i = 0; body == REPLY_STATUS && i < VERDICT_COUNT; i++)
		raw_number(&inner, 27, 1);
	for (unsigned i = 0; body == REPLY_STATUS && i < FAILURE_CLASS_COUNT; i++)
		raw_number(&inner, 38, 1);
	return decode_inner(REPLY, body);
}

static void a_fault_in_a_list_is_checked_as_one_alone(void)
{
	static const struct {
		unsigned body, field;
		size_t limit;
	} rows[] = {{REPLY_FAULTS, 1, LIMIT_FAULT_DETAIL_BYTES},
		    {REPLY_STATUS, 36, LIMIT_REASON_BYTES}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned body = rows[i].body, field = rows[i].field;

		CU_ASSERT_EQUAL(
			decode_fault(body, field, FAULT_SELINUX, FAULT_CRITICAL, rows[i].limit), 0);
		CU_ASSERT_EQUAL(decode_fault(body, field, FAULT_SELINUX, 0, rows[i].limit + 1),
				-EBADMSG);
		CU_ASSERT_EQUAL(decode_fault(body, field, FAULT_SELINUX, FAULT_SEVERITY_COUNT, 0),
				-EBADMSG);
		CU_ASSERT_EQUAL(decode_fault(body, field, 0, 0, 0), -EBADMSG);
		CU_ASSERT_EQUAL(decode_fault(body, field, 10, 0, 0), -EBADMSG);
	}
}

static int decode_faults(unsigned n)
{
	raw_clear(&part);
	raw_clear(&inner);
	raw_number(&part, 1, FAULT_SELINUX);
	while (n--)
		raw_message(&inner, 1, &part);
	return decode_inner(REPLY, REPLY_FAULTS);
}

static int decode_unscannables(unsigned n)
{
	raw_clear(&part);
	raw_clear(&inner);
	raw_number(&part, 5, 1);
	while (n--)
		raw_message(&inner, 1, &part);
	return decode_inner(REPLY, REPLY_UNSCANNABLE);
}

static void lists_of_faults_and_unscannable_files_are_bounded(void)
{
	CU_ASSERT_EQUAL(decode_faults(0), 0);
	CU_ASSERT_EQUAL(decode_faults(LIMIT_FAULTS), 0);
	CU_ASSERT_EQUAL(decode_faults(LIMIT_FAULTS + 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_unscannables(0), 0);
	CU_ASSERT_EQUAL(decode_unscannables(LIMIT_HISTORY_ROWS), 0);
	CU_ASSERT_EQUAL(decode_unscannables(LIMIT_HISTORY_ROWS + 1), -EBADMSG);
}

static int decode_unscannable(size_t path, size_t digest, uint64_t cause)
{
	static const uint8_t zeros[LIMIT_SHOWN_PATH_BYTES + 1];

	raw_clear(&part);
	raw_clear(&inner);
	raw_bytes(&part, 1, zeros, path);
	raw_bytes(&part, 2, zeros, digest);
	raw_number(&part, 8, cause);
	raw_message(&inner, 1, &part);
	return decode_inner(REPLY, REPLY_UNSCANNABLE);
}

static void an_unscannable_file_has_a_bounded_path_a_known_cause_and_a_digest_or_none(void)
{
	for (size_t digest = 0; digest <= 2 * LIMIT_DIGEST_BYTES; digest++) {
		int r = digest == 0 || digest == LIMIT_DIGEST_BYTES ? 0 : -EBADMSG;

		CU_ASSERT_EQUAL(decode_unscannable(1, digest, 0), r);
		CU_ASSERT_EQUAL(decode_bytes(EVENT, EVENT_BODY_WORKER, 11, digest), r);
		CU_ASSERT_EQUAL(decode_bytes(EVENT, EVENT_BODY_UNSCANNABLE, 2, digest), r);
	}
	CU_ASSERT_EQUAL(decode_unscannable(LIMIT_SHOWN_PATH_BYTES, 0, DEATH_CAUSE_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_unscannable(LIMIT_SHOWN_PATH_BYTES + 1, 0, 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_unscannable(1, 0, DEATH_CAUSE_COUNT), -EBADMSG);
}

static int decode_definition_text(unsigned field, const char *text)
{
	raw_clear(&inner);
	raw_text(&inner, field, text);
	return decode_inner(EVENT, EVENT_BODY_DEFINITIONS);
}

static void an_event_of_definitions_has_bounded_words_and_a_digest_or_none(void)
{
	static const size_t limits[] = {[3] = LIMIT_ORIGIN_BYTES, [4] = LIMIT_REASON_BYTES};

	for (unsigned field = 3; field <= 4; field++) {
		CU_ASSERT_EQUAL(decode_definition_text(field, ""), 0);
		CU_ASSERT_EQUAL(decode_definition_text(field, text_of(limits[field])), 0);
		CU_ASSERT_EQUAL(decode_definition_text(field, text_of(limits[field] + 1)),
				-EBADMSG);
		CU_ASSERT_EQUAL(decode_definition_text(field, "a\033[2J"), -EBADMSG);
		CU_ASSERT_EQUAL(decode_definition_text(field, "a\nb"), -EBADMSG);
		CU_ASSERT_EQUAL(decode_definition_text(field, "\xc3\xa4"), -EBADMSG);
	}
	for (size_t digest = 0; digest <= 2 * LIMIT_DIGEST_BYTES; digest++)
		CU_ASSERT_EQUAL(decode_bytes(EVENT, EVENT_BODY_DEFINITIONS, 5, digest),
				digest == 0 || digest == LIMIT_DIGEST_BYTES ? 0 : -EBADMSG);
}

static int decode_supervision(unsigned faults, unsigned failures)
{
	raw_clear(&inner);
	raw_clear(&part);
	raw_number(&part, 1, FAULT_SELINUX);
	while (faults--)
		raw_message(&inner, 36, &part);
	while (failures--)
		raw_number(&inner, 38, 1);
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		raw_number(&inner, 27, 1);
	return decode_inner(REPLY, REPLY_STATUS);
}

static void a_status_has_bounded_faults_and_a_count_of_each_class_of_failure(void)
{
	CU_ASSERT_EQUAL(decode_supervision(LIMIT_FAULTS, FAILURE_CLASS_COUNT), 0);
	CU_ASSERT_EQUAL(decode_supervision(LIMIT_FAULTS + 1, FAILURE_CLASS_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_supervision(0, FAILURE_CLASS_COUNT - 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_supervision(0, FAILURE_CLASS_COUNT + 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_supervision(0, 0), -EBADMSG);
}

static const struct unit_test tests[] = {
	{"a fault has a number of the catalogue", a_fault_has_a_number_of_the_catalogue},
	{"a severity is one of the list", a_severity_is_one_of_the_list},
	{"a fault in a list is checked as one alone", a_fault_in_a_list_is_checked_as_one_alone},
	{"lists of faults and unscannable files are bounded",
	 lists_of_faults_and_unscannable_files_are_bounded},
	{"an unscannable file has a bounded path, a known cause, and a digest or none",
	 an_unscannable_file_has_a_bounded_path_a_known_cause_and_a_digest_or_none},
	{"an event of definitions has bounded words, and a digest or none",
	 an_event_of_definitions_has_bounded_words_and_a_digest_or_none},
	{"a status has bounded faults and a count of each class of failure",
	 a_status_has_bounded_faults_and_a_count_of_each_class_of_failure},
};

UNIT_MAIN("fault_refusals", tests)
