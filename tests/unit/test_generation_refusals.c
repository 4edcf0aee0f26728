/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages about generations of definitions that a decoder must not let through; and the largest one that an encoder is given fits. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/definition_age.h"
#include "base/update_outcome.h"
#include "tests/support/message_equal.h"
#include "tests/support/raw_message.h"
#include "tests/support/unit_main.h"
#include "wire/control_codec.h"

static struct raw outer, inner, part, piece;
static struct reply reply;
static uint8_t packet[LIMIT_PACKET_BYTES];

static int decode_reply(enum reply_kind kind)
{
	static struct wire_arena *arena;
	const char *why = NULL;
	int r;

	if (!arena)
		arena = wire_arena_new();
	outer.len = 0;
	raw_message(&outer, kind, &inner);
	r = reply_decode(arena, outer.bytes, outer.len, &reply, &why);
	CU_ASSERT_EQUAL(r == 0, why == NULL);
	return r;
}

static const char *text_of(size_t len)
{
	static char text[LIMIT_ROOT_BYTES + 2];

	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static int decode_text(enum reply_kind kind, unsigned field, const char *text)
{
	inner.len = 0;
	raw_text(&inner, field, text);
	return decode_reply(kind);
}

static int decode_number(enum reply_kind kind, unsigned field, uint64_t number)
{
	inner.len = 0;
	raw_number(&inner, field, number);
	return decode_reply(kind);
}

static const struct {
	enum reply_kind kind;
	unsigned field;
	size_t limit;
} texts[] = {
	{REPLY_GENERATIONS, 6, LIMIT_DETAIL_BYTES},
	{REPLY_GENERATIONS, 15, LIMIT_REASON_BYTES},
	{REPLY_UPDATE_VERDICT, 3, LIMIT_REASON_BYTES},
	{REPLY_PROGRESS, 1, LIMIT_DETAIL_BYTES},
};

static void texts_are_bounded_and_printable(void)
{
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CU_ASSERT_EQUAL(decode_text(texts[i].kind, texts[i].field, ""), 0);
		CU_ASSERT_EQUAL(decode_text(texts[i].kind, texts[i].field, text_of(texts[i].limit)),
				0);
		CU_ASSERT_EQUAL(decode_text(texts[i].kind, texts[i].field,
					    text_of(texts[i].limit + 1)),
				-EBADMSG);
		CU_ASSERT_EQUAL(decode_text(texts[i].kind, texts[i].field, "a\033[2J"), -EBADMSG);
		CU_ASSERT_EQUAL(decode_text(texts[i].kind, texts[i].field, "\xc3\xa4"), -EBADMSG);
	}
	CU_ASSERT_EQUAL(decode_text(REPLY_GENERATIONS, 1, text_of(LIMIT_ROOT_BYTES)), 0);
	CU_ASSERT_EQUAL(decode_text(REPLY_GENERATIONS, 1, text_of(LIMIT_ROOT_BYTES + 1)), -EBADMSG);
}

static void numbers_of_lists_are_in_them(void)
{
	CU_ASSERT_EQUAL(decode_number(REPLY_GENERATIONS, 10, DEFINITION_AGE_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_number(REPLY_GENERATIONS, 10, DEFINITION_AGE_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_number(REPLY_GENERATIONS, 14, UPDATE_OUTCOME_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_number(REPLY_GENERATIONS, 14, UPDATE_OUTCOME_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_number(REPLY_UPDATE_VERDICT, 1, UPDATE_OUTCOME_COUNT - 1), 0);
	CU_ASSERT_EQUAL(decode_number(REPLY_UPDATE_VERDICT, 1, UPDATE_OUTCOME_COUNT), -EBADMSG);
}

struct described {
	uint64_t number;
	size_t digest;
	unsigned n_databases;
	const char *name;
};

static int decode_generations(const struct described *d, unsigned copies)
{
	static const uint8_t zeros[2 * LIMIT_DIGEST_BYTES];

	part.len = piece.len = inner.len = 0;
	raw_number(&part, 1, d->number);
	raw_bytes(&part, 5, zeros, d->digest);
	raw_text(&piece, 1, d->name);
	for (unsigned i = 0; i < d->n_databases; i++)
		raw_message(&part, 9, &piece);
	for (unsigned i = 0; i < copies; i++)
		raw_message(&inner, 8, &part);
	return decode_reply(REPLY_GENERATIONS);
}

static void a_generation_has_a_number_a_digest_and_bounded_databases(void)
{
	const struct described sound = {5, LIMIT_DIGEST_BYTES, 2, "daily"};
	struct described d = sound;

	CU_ASSERT_EQUAL(decode_generations(&d, 1), 0);
	CU_ASSERT_EQUAL(decode_generations(&d, LIMIT_GENERATIONS), 0);
	CU_ASSERT_EQUAL(decode_generations(&d, LIMIT_GENERATIONS + 1), -EBADMSG);
	d.number = 0;
	CU_ASSERT_EQUAL(decode_generations(&d, 1), -EBADMSG);
	d = sound;
	for (d.digest = 0; d.digest <= 2 * LIMIT_DIGEST_BYTES; d.digest++)
		CU_ASSERT_EQUAL(decode_generations(&d, 1),
				d.digest == LIMIT_DIGEST_BYTES ? 0 : -EBADMSG);
	d = sound;
	d.n_databases = LIMIT_DEFINITION_FILES;
	CU_ASSERT_EQUAL(decode_generations(&d, 1), 0);
	d.n_databases = LIMIT_DEFINITION_FILES + 1;
	CU_ASSERT_EQUAL(decode_generations(&d, 1), -EBADMSG);
	d = sound;
	d.name = "";
	CU_ASSERT_EQUAL(decode_generations(&d, 1), -EBADMSG);
	d.name = "a\nb";
	CU_ASSERT_EQUAL(decode_generations(&d, 1), -EBADMSG);
	d.name = text_of(LIMIT_NAME_BYTES + 1);
	CU_ASSERT_EQUAL(decode_generations(&d, 1), -EBADMSG);
}

static int decode_rejected(size_t digest, const char *reason, unsigned copies)
{
	static const uint8_t zeros[2 * LIMIT_DIGEST_BYTES];

	part.len = inner.len = 0;
	raw_bytes(&part, 1, zeros, digest);
	raw_text(&part, 3, reason);
	for (unsigned i = 0; i < copies; i++)
		raw_message(&inner, 9, &part);
	return decode_reply(REPLY_GENERATIONS);
}

static void a_rejected_set_has_a_digest_and_a_bounded_reason(void)
{
	CU_ASSERT_EQUAL(decode_rejected(LIMIT_DIGEST_BYTES, "it died", 1), 0);
	CU_ASSERT_EQUAL(decode_rejected(LIMIT_DIGEST_BYTES, "it died", LIMIT_REJECTED_SHOWN), 0);
	CU_ASSERT_EQUAL(decode_rejected(LIMIT_DIGEST_BYTES, "it died", LIMIT_REJECTED_SHOWN + 1),
			-EBADMSG);
	CU_ASSERT_EQUAL(decode_rejected(0, "it died", 1), -EBADMSG);
	CU_ASSERT_EQUAL(decode_rejected(LIMIT_DIGEST_BYTES, text_of(LIMIT_REASON_BYTES + 1), 1),
			-EBADMSG);
	CU_ASSERT_EQUAL(decode_rejected(LIMIT_DIGEST_BYTES, "\033c", 1), -EBADMSG);
}

static void only_an_import_is_forced(void)
{
	struct wire_arena *arena = wire_arena_new();
	struct request request;
	const char *why;

	for (unsigned both = 0; both < 4; both++) {
		outer.len = inner.len = 0;
		raw_number(&inner, 1, both & 1);
		raw_number(&inner, 2, both >> 1);
		raw_message(&outer, REQUEST_CHECK_BEGIN, &inner);
		CU_ASSERT_EQUAL(request_decode(arena, outer.bytes, outer.len, &request, &why),
				both == 2 ? -EBADMSG : 0);
	}
	(void)wire_arena_free(arena);
}

/* A status with all that it must have, and the age of the definitions. */
static int decode_age(uint64_t age)
{
	inner.len = 0;
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		raw_number(&inner, 27, 1);
	for (unsigned i = 0; i < FAILURE_CLASS_COUNT; i++)
		raw_number(&inner, 38, 1);
	raw_number(&inner, 45, age);
	return decode_reply(REPLY_STATUS);
}

static void the_age_in_a_status_is_a_known_one(void)
{
	for (uint64_t age = 0; age < DEFINITION_AGE_COUNT; age++)
		CU_ASSERT_EQUAL(decode_age(age), 0);
	CU_ASSERT_EQUAL(decode_age(DEFINITION_AGE_COUNT), -EBADMSG);
	CU_ASSERT_EQUAL(decode_age(UINT32_MAX), -EBADMSG);
}

static int decode_verdict(bool passed, const char *reason, unsigned files)
{
	inner.len = part.len = 0;
	raw_number(&inner, 1, passed);
	raw_text(&inner, 2, reason);
	raw_number(&inner, 7, UINT64_MAX);
	raw_text(&part, 1, "test.cvd");
	for (unsigned i = 0; i < files; i++)
		raw_message(&inner, 6, &part);
	return decode_reply(REPLY_CHECK_VERDICT);
}

static void a_verdict_on_a_set_has_a_reason_or_passed(void)
{
	CU_ASSERT_EQUAL(decode_verdict(true, "", 1), 0);
	CU_ASSERT_EQUAL(reply.check_verdict.generation, UINT64_MAX);
	CU_ASSERT_EQUAL(decode_verdict(false, "it died", 0), 0);
	CU_ASSERT_EQUAL(decode_verdict(true, "it died", 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_verdict(false, "", 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_verdict(false, text_of(LIMIT_REASON_BYTES), 0), 0);
	CU_ASSERT_EQUAL(decode_verdict(false, text_of(LIMIT_REASON_BYTES + 1), 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_verdict(false, "a\nb", 0), -EBADMSG);
	CU_ASSERT_EQUAL(decode_verdict(true, "", LIMIT_DEFINITION_FILES), 0);
	CU_ASSERT_EQUAL(decode_verdict(true, "", LIMIT_DEFINITION_FILES + 1), -EBADMSG);
}

static void fill(struct generations_report *report)
{
	static char names[LIMIT_DEFINITION_FILES][LIMIT_NAME_BYTES + 1];
	static const uint8_t digest[LIMIT_DIGEST_BYTES] = {255};
	static char reason[LIMIT_REASON_BYTES + 1], root[LIMIT_ROOT_BYTES];
	static char candidate[LIMIT_DETAIL_BYTES + 1];

	memset(reason, 'r', LIMIT_REASON_BYTES);
	memset(candidate, 'c', LIMIT_DETAIL_BYTES);
	*report = (struct generations_report){.root = span_of(root, sizeof(root)),
					      .candidate = candidate,
					      .last_reason = reason,
					      .in_charge = true,
					      .updates_on = true,
					      .active = UINT64_MAX,
					      .last_good = UINT64_MAX,
					      .probation_left_ms = UINT64_MAX,
					      .store_bytes = UINT64_MAX,
					      .age_state = DEFINITION_AGE_COUNT - 1,
					      .age_limit_s = UINT64_MAX,
					      .last_check_ms = UINT64_MAX,
					      .last_outcome = UPDATE_OUTCOME_COUNT - 1,
					      .next_check_ms = UINT64_MAX,
					      .n_generations = LIMIT_GENERATIONS,
					      .n_rejected = LIMIT_REJECTED_SHOWN};
	for (unsigned i = 0; i < LIMIT_DEFINITION_FILES; i++)
		memset(names[i], 'n', LIMIT_NAME_BYTES);
	for (unsigned g = 0; g < LIMIT_GENERATIONS; g++) {
		report->generations[g] =
			(struct generation_report){.number = UINT64_MAX,
						   .is_active = true,
						   .is_good = true,
						   .is_bad = true,
						   .digest = span_of(digest, sizeof(digest)),
						   .signatures = UINT64_MAX,
						   .built = UINT64_MAX,
						   .bytes = UINT64_MAX,
						   .n_databases = LIMIT_DEFINITION_FILES};
		for (unsigned i = 0; i < LIMIT_DEFINITION_FILES; i++)
			report->generations[g].databases[i] =
				(struct generation_database){names[i], UINT32_MAX};
	}
	for (unsigned i = 0; i < LIMIT_REJECTED_SHOWN; i++)
		report->rejected[i] =
			(struct rejected_report){.digest = span_of(digest, sizeof(digest)),
						 .utc_ms = UINT64_MAX,
						 .reason = reason};
}

static void the_largest_report_fits_into_a_packet(void)
{
	static struct reply largest = {.kind = REPLY_GENERATIONS};
	struct wire_arena *arena = wire_arena_new();
	const char *why;
	ssize_t len;

	fill(&largest.generations);
	len = reply_encode(&largest, packet, sizeof(packet));
	CU_ASSERT_FATAL(len > 50000);
	CU_ASSERT_EQUAL(reply_decode(arena, packet, (size_t)len, &reply, &why), 0);
	CU_ASSERT_TRUE(reply_equal(&largest, &reply));
	(void)wire_arena_free(arena);
}

static const struct unit_test tests[] = {
	{"texts are bounded and printable", texts_are_bounded_and_printable},
	{"numbers of lists are in them", numbers_of_lists_are_in_them},
	{"a generation has a number, a digest and bounded databases",
	 a_generation_has_a_number_a_digest_and_bounded_databases},
	{"a rejected set has a digest and a bounded reason",
	 a_rejected_set_has_a_digest_and_a_bounded_reason},
	{"only an import is forced", only_an_import_is_forced},
	{"the age in a status is a known one", the_age_in_a_status_is_a_known_one},
	{"a verdict on a set has a reason, or it passed",
	 a_verdict_on_a_set_has_a_reason_or_passed},
	{"the largest report fits into a packet", the_largest_report_fits_into_a_packet},
};

UNIT_MAIN("generation_refusals", tests);
