/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/verdict.h"

#include <CUnit/CUnit.h>
#include <string.h>

#include "tests/support/unit_main.h"

static void every_verdict_and_reason_has_words(void)
{
	for (unsigned v = 0; v < VERDICT_COUNT; v++)
		CU_ASSERT(strcmp(verdict_name(v), "unknown") != 0);
	for (unsigned r = 0; r < SCAN_REASON_COUNT; r++) {
		CU_ASSERT(strcmp(scan_reason_name(r), "unknown") != 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(scan_reason_text(r));
		CU_ASSERT_EQUAL(*scan_reason_text(r) == 0, r == SCAN_REASON_NONE);
	}
	CU_ASSERT_STRING_EQUAL(verdict_name(VERDICT_COUNT), "unknown");
	CU_ASSERT_STRING_EQUAL(scan_reason_name(SCAN_REASON_COUNT), "unknown");
	CU_ASSERT_STRING_EQUAL(scan_reason_text(SCAN_REASON_COUNT), "unknown");
}

static void reason_names_are_distinct(void)
{
	for (unsigned a = 0; a < SCAN_REASON_COUNT; a++) {
		for (unsigned b = 0; b < a; b++)
			CU_ASSERT(strcmp(scan_reason_name(a), scan_reason_name(b)) != 0);
	}
}

static void clean_is_plausible_in_one_way_only(void)
{
	for (unsigned r = 0; r < SCAN_REASON_COUNT + 2; r++) {
		for (unsigned n = 0; n < 3; n++)
			CU_ASSERT_EQUAL(verdict_is_plausible(VERDICT_CLEAN, r, n),
					r == SCAN_REASON_NONE && n == 0);
	}
}

static void infected_needs_a_name_and_no_reason(void)
{
	CU_ASSERT_TRUE(verdict_is_plausible(VERDICT_INFECTED, SCAN_REASON_NONE, 1));
	CU_ASSERT_TRUE(verdict_is_plausible(VERDICT_INFECTED, SCAN_REASON_NONE, 8));
	CU_ASSERT_FALSE(verdict_is_plausible(VERDICT_INFECTED, SCAN_REASON_NONE, 0));
	CU_ASSERT_FALSE(verdict_is_plausible(VERDICT_INFECTED, SCAN_REASON_READ, 1));
}

/* Reasons of the scan itself belong to one of the two verdicts each; those of the daemon and of
 * ampcli to neither. */
static void a_reason_belongs_to_its_verdict(void)
{
	for (unsigned r = 0; r < SCAN_REASON_COUNT; r++) {
		bool incomplete = r >= SCAN_REASON_LIMIT_FILE_SIZE && r <= SCAN_REASON_CHANGED;
		bool error = r >= SCAN_REASON_READ && r <= SCAN_REASON_CANARY;

		CU_ASSERT_EQUAL(verdict_is_plausible(VERDICT_INCOMPLETE, r, 0), incomplete);
		CU_ASSERT_EQUAL(verdict_is_plausible(VERDICT_ERROR, r, 0), error);
		CU_ASSERT_FALSE(verdict_is_plausible(VERDICT_INCOMPLETE, r, 1));
		CU_ASSERT_FALSE(verdict_is_plausible(VERDICT_ERROR, r, 1));
	}
}

static void a_worker_may_not_give_the_daemons_verdicts(void)
{
	static const unsigned verdicts[] = {VERDICT_NONE, VERDICT_FAILED, VERDICT_NOT_SCANNED,
					    VERDICT_COUNT, 1000};

	for (unsigned i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		for (unsigned r = 0; r < SCAN_REASON_COUNT; r++) {
			CU_ASSERT_FALSE(verdict_is_plausible(verdicts[i], r, 0));
			CU_ASSERT_FALSE(verdict_is_plausible(verdicts[i], r, 1));
		}
	}
}

static const struct unit_test tests[] = {
	{"every verdict and reason has words", every_verdict_and_reason_has_words},
	{"reason names are distinct", reason_names_are_distinct},
	{"clean is plausible in one way only", clean_is_plausible_in_one_way_only},
	{"infected needs a name and no reason", infected_needs_a_name_and_no_reason},
	{"a reason belongs to its verdict", a_reason_belongs_to_its_verdict},
	{"a worker may not give the daemon's verdicts", a_worker_may_not_give_the_daemons_verdicts},
};

UNIT_MAIN("verdict", tests)
