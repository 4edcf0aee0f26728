/* SPDX-License-Identifier: GPL-2.0-only */
/* What libfreshclam 1.4.6 really said in each case, and what it means. */
#include "ampupdater/core/outcome_rule.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_code.h"
#include "tests/support/unit_main.h"

#define NO_PATCH                                                                                   \
	"The database server doesn't have the latest patch for the test database (version 6)."     \
	" The server will likely have updated if you check again in a few hours.\n"
#define FEWER                                                                                      \
	"Downloaded 1 patches for test, which is fewer than the 3 expected patches.\n"             \
	"We'll settle for this partial-update, at least for now.\n"
#define NO_PATCH_FILE "WARNING: downloadFile: file not found: http://m/test-6.cdiff\n"

static const struct {
	const char *what;
	enum transfer_code code;
	bool is_updated, wants_whole;
	enum update_outcome outcome;
	const char *log, *detail;
} cases[] = {
	{"a new file", TRANSFER_OK, true, false, UPDATE_UPDATED,
	 "test.cvd updated (version: 6, sigs: 14, f-level: 81, builder: x)\n", ""},
	{"nothing new", TRANSFER_OK, false, false, UPDATE_NOTHING_NEW,
	 "test.cvd database is up-to-date (version: 6)\n", ""},
	{"one difference behind, which is missing", TRANSFER_OK, false, true, UPDATE_NOT_FOUND,
	 NO_PATCH_FILE NO_PATCH, "downloadFile: file not found: http://m/test-6.cdiff"},
	{"one difference behind, which stalls", TRANSFER_OK, false, false, UPDATE_STALLED,
	 "ERROR: Download failed (28) ERROR:  Message: Timeout was reached\n" NO_PATCH,
	 "Download failed (28)  Message: Timeout was reached"},
	{"a part of the differences", TRANSFER_OK, true, true, UPDATE_UPDATED, NO_PATCH_FILE FEWER,
	 "downloadFile: file not found: http://m/test-6.cdiff"},
	{"a part, the next one cut", TRANSFER_OK, true, false, UPDATE_UPDATED,
	 "ERROR: Download failed (18) ERROR:  Message: Transferred a partial file\n" FEWER,
	 "Download failed (18)  Message: Transferred a partial file"},
	{"not found", TRANSFER_REFUSED, false, false, UPDATE_NOT_FOUND,
	 "Trying to retrieve CVD header from http://m/test.cvd\n"
	 "WARNING: remote_cvdhead: file not found: http://m/test.cvd\n"
	 "WARNING: Failed to get test database version information from server: http://m\n",
	 "remote_cvdhead: file not found: http://m/test.cvd"},
	{"an error of the server", TRANSFER_REFUSED, false, false, UPDATE_REFUSED,
	 "ERROR: remote_cvdhead: Unexpected response (500) from http://m\n",
	 "remote_cvdhead: Unexpected response (500) from http://m"},
	{"garbage in place of a header", TRANSFER_REFUSED, false, false, UPDATE_DAMAGED,
	 "ERROR: remote_cvdhead: Malformed CVD header (bad chars)\n",
	 "remote_cvdhead: Malformed CVD header (bad chars)"},
	{"nobody there", TRANSFER_CONNECTION, false, false, UPDATE_UNREACHABLE,
	 "ERROR: remote_cvdhead: Download failed (7) ERROR:  Message: Couldn't connect to server\n",
	 "remote_cvdhead: Download failed (7)  Message: Couldn't connect to server"},
	{"a bad certificate", TRANSFER_CONNECTION, false, false, UPDATE_UNREACHABLE,
	 "ERROR: Download failed (60) ERROR:  Message: SSL peer certificate was not OK\n",
	 "Download failed (60)  Message: SSL peer certificate was not OK"},
	{"cut", TRANSFER_CONNECTION, false, false, UPDATE_CUT, "ERROR: Download failed (18) x\n",
	 "Download failed (18) x"},
	{"no room", TRANSFER_CONNECTION, false, false, UPDATE_NO_SPACE,
	 "ERROR: Download failed (23) x\n", "Download failed (23) x"},
	{"a flood in place of a header", TRANSFER_CONNECTION, false, false, UPDATE_TOO_BIG,
	 "ERROR: remote_cvdhead: Download failed (23) x\n",
	 "remote_cvdhead: Download failed (23) x"},
	{"no room for the new file", TRANSFER_DAMAGED, false, false, UPDATE_NO_SPACE,
	 "ERROR: buildcld: Can't add COPYING to new test.cld - please check if there is enough disk "
	 "space available\nERROR: updatedb: Incremental update failed. Failed to build CLD.\n",
	 "buildcld: Can't add COPYING to new test.cld - please check if there is enough disk space "
	 "available"},
	{"a bad signature", TRANSFER_DAMAGED, false, false, UPDATE_DAMAGED,
	 "ERROR: Verification: Can't verify database integrity\n",
	 "Verification: Can't verify database integrity"},
	{"the last word decides", TRANSFER_REFUSED, false, false, UPDATE_NOT_FOUND,
	 "WARNING: downloadPatch: Can't apply patch\nWARNING: downloadFile: file not found: u\n",
	 "downloadFile: file not found: u"},
	{"no end of line, no known code", TRANSFER_CONNECTION, false, false, UPDATE_UNREACHABLE,
	 "Download failed (", "Download failed ("},
	{"an endless code", TRANSFER_CONNECTION, false, false, UPDATE_UNREACHABLE,
	 "Download failed (9999999999999999999999)", "Download failed (9999999999999999999999)"},
	{"silence: connection", TRANSFER_CONNECTION, false, false, UPDATE_UNREACHABLE, "", ""},
	{"silence: damage", TRANSFER_DAMAGED, false, false, UPDATE_DAMAGED, "\n\n", ""},
	{"silence: refusal", TRANSFER_REFUSED, false, false, UPDATE_REFUSED, "x", ""},
	{"silence: disk", TRANSFER_DISK, false, false, UPDATE_NO_SPACE, "", ""},
	{"silence: other", TRANSFER_OTHER, false, false, UPDATE_FAILED, "", ""},
	{"updated, and a failure after it", TRANSFER_OTHER, true, false, UPDATE_FAILED, "", ""},
};

static void each_case_is_told_apart(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct transfer transfer = {.code = cases[i].code,
					    .is_updated = cases[i].is_updated,
					    .log = cases[i].log};
		struct transfer_verdict verdict;

		outcome_rule_apply(&transfer, &verdict);
		if (verdict.outcome == cases[i].outcome &&
		    verdict.wants_whole == cases[i].wants_whole &&
		    strcmp(verdict.detail, cases[i].detail) == 0)
			continue;
		printf("# %s: %s, whole %d, '%s'\n", cases[i].what,
		       update_outcome_name(verdict.outcome), verdict.wants_whole, verdict.detail);
		CU_FAIL("another verdict");
	}
}

static void a_wish_to_stay_away_is_above_every_failure(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct transfer transfer = {.code = cases[i].code,
					    .is_updated = cases[i].is_updated,
					    .wait_s = 60,
					    .log = cases[i].log};
		struct transfer_verdict verdict;

		outcome_rule_apply(&transfer, &verdict);
		if (update_outcome_is_success(cases[i].outcome)) {
			CU_ASSERT_EQUAL(verdict.outcome, cases[i].outcome);
			continue;
		}
		CU_ASSERT_EQUAL(verdict.outcome, UPDATE_WAIT);
		CU_ASSERT_FALSE(verdict.wants_whole);
		CU_ASSERT_STRING_EQUAL(verdict.detail, "");
	}
}

/* The library returns success when it was told to wait. */
static void success_without_a_word_is_none_when_we_are_to_wait(void)
{
	struct transfer transfer = {
		.code = TRANSFER_OK, .wait_s = 60, .log = "You are on cool-down\n"};
	struct transfer_verdict verdict;

	outcome_rule_apply(&transfer, &verdict);
	CU_ASSERT_EQUAL(verdict.outcome, UPDATE_WAIT);
}

static void words_of_strangers_are_cut_and_made_printable(void)
{
	static char log[2000];
	struct transfer transfer = {.code = TRANSFER_REFUSED, .log = log};
	struct transfer_verdict verdict;

	(void)snprintf(log, sizeof(log), "file not found: \x1b[31m\xff");
	memset(log + strlen(log), 'x', sizeof(log) - 1 - strlen(log));
	outcome_rule_apply(&transfer, &verdict);
	CU_ASSERT_EQUAL(verdict.outcome, UPDATE_NOT_FOUND);
	CU_ASSERT_EQUAL(strlen(verdict.detail), LIMIT_DETAIL_BYTES);
	CU_ASSERT_NSTRING_EQUAL(verdict.detail, "file not found: ?[31m?xxx", 25);
}

static void every_outcome_has_words_and_an_exit_status_of_its_own(void)
{
	for (unsigned a = 0; a < UPDATE_OUTCOME_COUNT; a++) {
		CU_ASSERT(strcmp(update_outcome_name(a), "unknown") != 0);
		CU_ASSERT(strcmp(update_outcome_words(a), "unknown") != 0);
		CU_ASSERT_STRING_EQUAL(update_exit_text(update_outcome_exit(a)),
				       update_outcome_words(a));
		for (unsigned b = 0; b < a; b++)
			CU_ASSERT(update_outcome_exit(a) != update_outcome_exit(b));
	}
	CU_ASSERT_STRING_EQUAL(update_outcome_words(UPDATE_OUTCOME_COUNT), "unknown");
	CU_ASSERT_FALSE(update_outcome_is_of_mirror(UPDATE_OUTCOME_COUNT));
	CU_ASSERT_STRING_EQUAL(update_exit_text(EXIT_CODE_WALLS), exit_code_text(EXIT_CODE_WALLS));
	CU_ASSERT_STRING_EQUAL(update_exit_text(UPDATE_EXIT_BASE), exit_code_text(-1));
	CU_ASSERT_STRING_EQUAL(update_exit_text(UPDATE_EXIT_BASE + UPDATE_OUTCOME_COUNT),
			       exit_code_text(-1));
}

/* The wire and exit statuses carry them. */
static void numbers_never_change(void)
{
	CU_ASSERT_EQUAL(update_outcome_exit(UPDATE_UPDATED), 0);
	CU_ASSERT_EQUAL(update_outcome_exit(UPDATE_NOTHING_NEW), 81);
	CU_ASSERT_EQUAL(update_outcome_exit(UPDATE_WAIT), 82);
	CU_ASSERT_EQUAL(update_outcome_exit(UPDATE_NO_SPACE), 90);
	CU_ASSERT_EQUAL(update_outcome_exit(UPDATE_FAILED), 93);
	CU_ASSERT_EQUAL(update_outcome_exit(UPDATE_KNOWN_BAD), 94);
}

static const struct unit_test tests[] = {
	{"each case is told apart", each_case_is_told_apart},
	{"a wish to stay away is above every failure", a_wish_to_stay_away_is_above_every_failure},
	{"success without a word is none when we are to wait",
	 success_without_a_word_is_none_when_we_are_to_wait},
	{"words of strangers are cut and made printable",
	 words_of_strangers_are_cut_and_made_printable},
	{"every outcome has words and an exit status of its own",
	 every_outcome_has_words_and_an_exit_status_of_its_own},
	{"numbers never change", numbers_never_change},
};

UNIT_MAIN("outcome_rule", tests)
