/* SPDX-License-Identifier: GPL-2.0-only */
#include <CUnit/CUnit.h>
#include <stddef.h>

#include "ampscansvc/core/verdict_rule.h"
#include "tests/support/unit_main.h"

#define N(list) (sizeof(list) / sizeof((list)[0]))

static const struct {
	const char *name;
	enum scan_reason reason;
} names[] = {
	{"Heuristics.Limits.Exceeded.MaxFileSize", SCAN_REASON_LIMIT_FILE_SIZE},
	{"Heuristics.Limits.Exceeded.MaxScanSize", SCAN_REASON_LIMIT_SCAN_SIZE},
	{"Heuristics.Limits.Exceeded.MaxFiles", SCAN_REASON_LIMIT_FILES},
	{"Heuristics.Limits.Exceeded.MaxRecursion", SCAN_REASON_LIMIT_RECURSION},
	{"Heuristics.Limits.Exceeded.MaxScanTime", SCAN_REASON_LIMIT_TIME},
	{"Heuristics.Limits.Exceeded.SomethingNew", SCAN_REASON_LIMIT_OTHER},
	{"Heuristics.Limits.Exceeded", SCAN_REASON_LIMIT_OTHER},
	{"Heuristics.Encrypted.Zip", SCAN_REASON_ENCRYPTED},
	{"Heuristics.Encrypted.PDF", SCAN_REASON_ENCRYPTED},
	{"Heuristics.Phishing.Email.SpoofedDomain", SCAN_REASON_NONE},
	{"Clamav.Test.File-6", SCAN_REASON_NONE},
	{"", SCAN_REASON_NONE},
	{NULL, SCAN_REASON_NONE},
};

static void a_heuristic_of_a_limit_is_told_from_a_threat(void)
{
	for (size_t i = 0; i < N(names); i++)
		CU_ASSERT_EQUAL(verdict_rule_limit_of(names[i].name), names[i].reason);
}

#define THREAT "Clamav.Test.File-6"
#define LIMIT "Heuristics.Limits.Exceeded.MaxFiles"

static const struct {
	struct scan_seen seen;
	enum verdict verdict;
	enum scan_reason reason;
} table[] = {
	{{.answer = SCAN_ANSWER_NOTHING}, VERDICT_CLEAN, SCAN_REASON_NONE},
	{{.answer = SCAN_ANSWER_FOUND, .name = THREAT}, VERDICT_INFECTED, SCAN_REASON_NONE},
	/* A signature that matched is true whatever else went wrong. */
	{{.answer = SCAN_ANSWER_FOUND,
	  .name = THREAT,
	  .changed = true,
	  .read_refused = true,
	  .temp_refused = true,
	  .temp_broken = true,
	  .resource_refused = true,
	  .complained = true},
	 VERDICT_INFECTED,
	 SCAN_REASON_NONE},
	{{.answer = SCAN_ANSWER_FOUND, .name = LIMIT}, VERDICT_INCOMPLETE, SCAN_REASON_LIMIT_FILES},
	{{.answer = SCAN_ANSWER_FOUND, .name = "Heuristics.Encrypted.Zip"},
	 VERDICT_INCOMPLETE,
	 SCAN_REASON_ENCRYPTED},
	{{.answer = SCAN_ANSWER_FOUND, .name = NULL}, VERDICT_ERROR, SCAN_REASON_ENGINE},
	{{.answer = SCAN_ANSWER_LIMIT, .limit = SCAN_REASON_LIMIT_TIME},
	 VERDICT_INCOMPLETE,
	 SCAN_REASON_LIMIT_TIME},
	{{.answer = SCAN_ANSWER_LIMIT, .limit = SCAN_REASON_CANARY},
	 VERDICT_INCOMPLETE,
	 SCAN_REASON_LIMIT_OTHER},
	{{.answer = SCAN_ANSWER_NOTHING, .too_large = true},
	 VERDICT_INCOMPLETE,
	 SCAN_REASON_LIMIT_FILE_SIZE},
	{{.answer = SCAN_ANSWER_NOTHING, .changed = true}, VERDICT_INCOMPLETE, SCAN_REASON_CHANGED},
	/* A changing file explains a short read. */
	{{.answer = SCAN_ANSWER_READ, .changed = true, .read_refused = true},
	 VERDICT_INCOMPLETE,
	 SCAN_REASON_CHANGED},
	{{.answer = SCAN_ANSWER_NOTHING, .read_refused = true}, VERDICT_ERROR, SCAN_REASON_READ},
	{{.answer = SCAN_ANSWER_READ}, VERDICT_ERROR, SCAN_REASON_READ},
	{{.answer = SCAN_ANSWER_NOTHING, .temp_refused = true}, VERDICT_ERROR, SCAN_REASON_TEMP},
	{{.answer = SCAN_ANSWER_NOTHING, .temp_broken = true}, VERDICT_ERROR, SCAN_REASON_TEMP},
	{{.answer = SCAN_ANSWER_TEMP}, VERDICT_ERROR, SCAN_REASON_TEMP},
	{{.answer = SCAN_ANSWER_NOTHING, .resource_refused = true},
	 VERDICT_ERROR,
	 SCAN_REASON_RESOURCE},
	{{.answer = SCAN_ANSWER_MEMORY}, VERDICT_ERROR, SCAN_REASON_RESOURCE},
	{{.answer = SCAN_ANSWER_NOTHING, .complained = true},
	 VERDICT_ERROR,
	 SCAN_REASON_ENGINE_MESSAGE},
	{{.answer = SCAN_ANSWER_FAILED}, VERDICT_ERROR, SCAN_REASON_ENGINE},
	/* A fault is worse than a limit: it can hide everything, the limit only what lies behind it. */
	{{.answer = SCAN_ANSWER_FOUND, .name = LIMIT, .temp_refused = true},
	 VERDICT_ERROR,
	 SCAN_REASON_TEMP},
};

static void each_sight_has_its_verdict(void)
{
	for (size_t i = 0; i < N(table); i++) {
		struct verdict_decision decision = verdict_rule_decide(&table[i].seen);

		CU_ASSERT_EQUAL(decision.verdict, table[i].verdict);
		CU_ASSERT_EQUAL(decision.reason, table[i].reason);
	}
}

static struct scan_seen sight(unsigned answer, unsigned flags, const char *name)
{
	return (struct scan_seen){
		.answer = answer,
		.limit = SCAN_REASON_LIMIT_TIME,
		.name = name,
		.too_large = flags & 1,
		.changed = flags & 2,
		.read_refused = flags & 4,
		.temp_refused = flags & 8,
		.temp_broken = flags & 16,
		.resource_refused = flags & 32,
		.complained = flags & 64,
	};
}

/* Every combination: total, plausible to the daemon, and CLEAN only when nothing speaks against it. */
static void clean_is_given_only_when_nothing_speaks_against_it(void)
{
	static const char *const found[] = {THREAT, LIMIT, "Heuristics.Encrypted.Zip", NULL};
	unsigned n_clean = 0;

	for (unsigned answer = 0; answer < SCAN_ANSWER_COUNT; answer++)
		for (unsigned flags = 0; flags < 128; flags++)
			for (size_t i = 0; i < N(found); i++) {
				struct scan_seen seen = sight(answer, flags, found[i]);
				struct verdict_decision decision = verdict_rule_decide(&seen);

				CU_ASSERT_TRUE(
					verdict_is_plausible(decision.verdict, decision.reason,
							     decision.verdict == VERDICT_INFECTED));
				if (decision.verdict != VERDICT_CLEAN)
					continue;
				n_clean++;
				CU_ASSERT_EQUAL(answer, SCAN_ANSWER_NOTHING);
				CU_ASSERT_EQUAL(flags, 0);
			}
	CU_ASSERT_EQUAL(n_clean, N(found));
}

static const struct unit_test tests[] = {
	{"a heuristic of a limit is told from a threat",
	 a_heuristic_of_a_limit_is_told_from_a_threat},
	{"each sight has its verdict", each_sight_has_its_verdict},
	{"clean is given only when nothing speaks against it",
	 clean_is_given_only_when_nothing_speaks_against_it},
};

UNIT_MAIN("verdict_rule", tests)
