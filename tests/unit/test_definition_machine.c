/* SPDX-License-Identifier: GPL-2.0-only */
/* The definition machine as transcripts: candidates, and what becomes of them when services load them. */
#include "tests/support/machine_lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit_main.h"

static void from_staging_to_good(void)
{
	struct definition_machine m = machine_fresh();

	CU_ASSERT_EQUAL(machine_accept(&m, false, 'a', 5), 10);
	CU_ASSERT_EQUAL(m.active, 0); /* not before it is up */
	definition_machine_up(&m, 1000, 10);
	SAYS(&m, "link 10, ended 10");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), 1000 + MACHINE_PROBATION);
	definition_machine_tick(&m, 999 + MACHINE_PROBATION);
	SAYS(&m, "%s", "");
	definition_machine_tick(&m, 1000 + MACHINE_PROBATION);
	SAYS(&m, "link-good 10, good 10");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), MONO_NEVER);
	definition_machine_storm(&m, 2000 + MACHINE_PROBATION);
	SAYS(&m, "%s", ""); /* it has passed */
}

static void one_at_a_time(void)
{
	struct definition_machine m = machine_fresh();
	struct trial_report report = machine_passed('a', 100, 5);
	uint64_t number;

	(void)machine_stage(&m, false, 'a');
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_IMPORT, true, &number), -EBUSY);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 0), -EBUSY);
	definition_machine_tried(&m, &report);
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_CHECK, false, &number), -EBUSY);
	definition_machine_published(&m, true);
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_UPDATE, false, &number), -EBUSY);
	definition_machine_up(&m, 1, 10);
	(void)machine_effects(&m);
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_UPDATE, false, &number), 0);
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_ROLLBACK, false, &number), -EINVAL);
}

static void answers_that_nobody_asked_for_change_nothing(void)
{
	struct definition_machine m = machine_fresh();
	struct trial_report report = machine_passed('a', 100, 5);

	definition_machine_tried(&m, &report);
	definition_machine_published(&m, true);
	definition_machine_staged(&m, NULL);
	definition_machine_up(&m, 5, 77);
	definition_machine_not_up(&m, 77, true);
	definition_machine_not_up(&m, 0, true);
	definition_machine_storm(&m, 5);
	definition_machine_tick(&m, 5);
	SAYS(&m, "%s", "");
	CU_ASSERT_EQUAL(m.active, 0);
	CU_ASSERT_EQUAL(m.good, 0);
	CU_ASSERT_EQUAL(m.target, DEFINITIONS_NONE);
	CU_ASSERT_EQUAL(m.candidate.phase, CANDIDATE_NONE);
	CU_ASSERT_EQUAL(m.n_rejected, 0);
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), MONO_NEVER);
}

struct judged {
	const char *name;
	enum rejection refused;
	bool promise_kept;
	uint64_t signatures;
	uint32_t version;
	bool forced;
	enum rejection expected;
};

static const struct judged judged[] = {
	{"the next one", REJECTION_NONE, true, 120, 6, false, REJECTION_NONE},
	{"the same version", REJECTION_NONE, true, 100, 5, false, REJECTION_NONE},
	{"half of it", REJECTION_NONE, true, 50, 5, false, REJECTION_NONE},
	{"less than half", REJECTION_NONE, true, 49, 6, false, REJECTION_SHRUNK},
	{"less than half, forced", REJECTION_NONE, true, 49, 6, true, REJECTION_NONE},
	{"older", REJECTION_NONE, true, 100, 4, false, REJECTION_OLDER},
	{"older, forced", REJECTION_NONE, true, 100, 4, true, REJECTION_NONE},
	{"empty", REJECTION_NONE, true, 0, 6, false, REJECTION_EMPTY},
	{"empty, forced", REJECTION_NONE, true, 0, 6, true, REJECTION_EMPTY},
	{"less than promised", REJECTION_NONE, false, 100, 6, false, REJECTION_PROMISE},
	{"less than promised, forced", REJECTION_NONE, false, 100, 6, true, REJECTION_PROMISE},
	{"refused", REJECTION_TRIAL, true, 100, 6, false, REJECTION_TRIAL},
	{"refused, forced", REJECTION_TRIAL, true, 100, 6, true, REJECTION_TRIAL},
	{"dead of it", REJECTION_TRIAL_DIED, false, 0, 0, false, REJECTION_TRIAL_DIED},
	{"no room", REJECTION_TRIAL_ROOM, false, 0, 0, false, REJECTION_TRIAL_ROOM},
};

static void what_a_trial_tells_is_judged(void)
{
	for (unsigned i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		const struct judged *j = &judged[i];
		struct definition_machine m = machine_fresh();
		struct trial_report report = machine_passed('b', j->signatures, j->version);
		bool remembered = rejection_is_of_set(j->expected);

		(void)machine_serve(&m, 0, 'a', 5);
		report.refused = j->refused;
		report.promise_kept = j->promise_kept;
		(void)machine_stage(&m, j->forced, 'b');
		(void)machine_effects(&m);
		definition_machine_tried(&m, &report);
		if (j->expected == REJECTION_NONE)
			SAYS(&m, "publish 11");
		else if (remembered)
			SAYS(&m, "discard 11, remember b/%u, ended 11/%u", j->expected,
			     j->expected);
		else
			SAYS(&m, "discard 11, ended 11/%u", j->expected);
		CU_ASSERT_EQUAL(definition_machine_is_rejected(&m, report.facts.digest),
				remembered);
		CU_ASSERT_EQUAL(m.active, 10);
	}
}

static void what_was_rejected_is_not_tried_again(void)
{
	struct definition_machine m = machine_fresh();
	struct trial_report report = machine_passed('b', 0, 5);

	(void)machine_stage(&m, false, 'b');
	definition_machine_tried(&m, &report);
	(void)machine_effects(&m);
	(void)machine_stage(&m, false, 'b');
	SAYS(&m, "discard 11, ended 11/%u", REJECTION_KNOWN);
	(void)machine_stage(&m, true, 'b'); /* root insists */
	SAYS(&m, "try 12");
}

static void the_active_set_is_nothing_new(void)
{
	struct definition_machine m = machine_fresh();

	(void)machine_serve(&m, 0, 'a', 5);
	(void)machine_stage(&m, true, 'a');
	SAYS(&m, "discard 11, ended 11/%u", REJECTION_NOTHING_NEW);
}

static void a_check_ends_after_the_trial_and_rejects_nothing(void)
{
	struct definition_machine m = machine_fresh();
	uint8_t digest[LIMIT_DIGEST_BYTES] = {'b'};
	struct trial_report bad = machine_passed('b', 0, 5), good = machine_passed('b', 10, 5);
	uint64_t number;

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_CHECK, false, &number), 0);
		definition_machine_staged(&m, digest);
		(void)machine_effects(&m);
		definition_machine_tried(&m, i ? &good : &bad);
		if (i)
			SAYS(&m, "discard 11, ended 11");
		else
			SAYS(&m, "discard 10, ended 10/%u", REJECTION_EMPTY);
	}
	CU_ASSERT_FALSE(definition_machine_is_rejected(&m, digest));
}

static void a_failed_copy_or_publication_leaves_nothing(void)
{
	struct definition_machine m = machine_fresh();
	struct trial_report report = machine_passed('a', 100, 5);
	uint64_t number;

	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_IMPORT, false, &number), 0);
	definition_machine_staged(&m, NULL);
	SAYS(&m, "discard 10, ended 10/%u", REJECTION_STAGING);
	(void)machine_stage(&m, false, 'a');
	definition_machine_tried(&m, &report);
	(void)machine_effects(&m);
	definition_machine_published(&m, false);
	SAYS(&m, "discard 11, ended 11/%u", REJECTION_STORE);
	CU_ASSERT_PTR_NULL(definition_machine_find(&m, 11));
}

static void who_does_not_come_up_leaves_the_old_one(void)
{
	struct definition_machine m = machine_fresh();

	(void)machine_serve(&m, 0, 'a', 5);
	CU_ASSERT_EQUAL(machine_accept(&m, false, 'b', 6), 11);
	definition_machine_not_up(&m, 11, true);
	SAYS(&m, "remember b/%u, ended 11/%u, drop 11, activate 10", REJECTION_NOT_UP,
	     REJECTION_NOT_UP);
	definition_machine_up(&m, 500, 10);
	SAYS(&m, "%s", "");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), MACHINE_PROBATION); /* its own goes on */
}

static void want_of_memory_makes_no_set_bad(void)
{
	struct definition_machine m = machine_fresh();

	(void)machine_serve(&m, 0, 'a', 5);
	(void)machine_accept(&m, false, 'b', 6);
	definition_machine_not_up(&m, 11, false);
	SAYS(&m, "ended 11/%u, drop 11, activate 10", REJECTION_NOT_UP);
	definition_machine_up(&m, 500, 10);
	definition_machine_not_up(&m, 10, false); /* later, by itself */
	SAYS(&m, "%s", "");
	CU_ASSERT_EQUAL(machine_accept(&m, false, 'b', 6), 12);
}

static void a_storm_in_probation_rolls_back(void)
{
	struct definition_machine m = machine_fresh();

	(void)machine_serve(&m, 0, 'a', 5);
	definition_machine_tick(&m, MACHINE_PROBATION);
	(void)machine_effects(&m);
	(void)machine_serve(&m, 2000000, 'b', 6);
	definition_machine_storm(&m, 1999999);
	SAYS(&m, "%s", ""); /* began before the switch */
	definition_machine_storm(&m, 2000001);
	SAYS(&m, "remember b/%u, back 10/%u, activate 10", REJECTION_PROBATION,
	     REJECTION_PROBATION);
	CU_ASSERT_EQUAL(m.active, 11); /* serves until then */
	definition_machine_storm(&m, 2000002);
	SAYS(&m, "%s", "");
	definition_machine_up(&m, 2000100, 10);
	SAYS(&m, "link 10, drop 11");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), MONO_NEVER); /* it is good */
}

static void with_nothing_to_go_back_to_the_built_in_set_serves(void)
{
	struct definition_machine m = machine_fresh();

	(void)machine_serve(&m, 0, 'a', 5);
	definition_machine_storm(&m, 10);
	SAYS(&m, "remember a/%u, back 0/%u, activate 0", REJECTION_PROBATION, REJECTION_PROBATION);
	definition_machine_up(&m, 20, 0);
	SAYS(&m, "link 0, drop 10");
	CU_ASSERT_EQUAL(machine_accept(&m, false, 'b', 1),
			11); /* nothing is there to be older than */
}

static void a_rollback_by_command(void)
{
	struct definition_machine m = machine_fresh();

	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 0), -ENOENT);
	(void)machine_serve(&m, 0, 'a', 5);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 10), -EALREADY);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 0), -ENOENT);
	(void)machine_serve(&m, 10, 'b', 6);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 12), -ENOENT);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 0), 0);
	SAYS(&m, "activate 10");
	definition_machine_up(&m, 20, 10);
	SAYS(&m, "link 10, remember b/%u, ended 10, drop 11", REJECTION_ROLLED_BACK);
	(void)machine_stage(&m, false, 'b'); /* the next update brings it again */
	SAYS(&m, "discard 12, ended 12/%u", REJECTION_KNOWN);
}

static void a_rollback_that_does_not_come_up(void)
{
	struct definition_machine m = machine_fresh();

	(void)machine_serve(&m, 0, 'a', 5);
	(void)machine_serve(&m, 10, 'b', 6);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 10), 0);
	(void)machine_effects(&m);
	definition_machine_not_up(&m, 10, false);
	SAYS(&m, "ended 10/%u, activate 11", REJECTION_NOT_UP);
	CU_ASSERT_PTR_NOT_NULL(definition_machine_find(&m, 10)); /* it may be tried again */
}

static const struct unit_test tests[] = {
	{"from staging to good", from_staging_to_good},
	{"one at a time", one_at_a_time},
	{"answers that nobody asked for change nothing",
	 answers_that_nobody_asked_for_change_nothing},
	{"what a trial tells is judged", what_a_trial_tells_is_judged},
	{"what was rejected is not tried again", what_was_rejected_is_not_tried_again},
	{"the active set is nothing new", the_active_set_is_nothing_new},
	{"a check ends after the trial and rejects nothing",
	 a_check_ends_after_the_trial_and_rejects_nothing},
	{"a failed copy or publication leaves nothing",
	 a_failed_copy_or_publication_leaves_nothing},
	{"who does not come up leaves the old one", who_does_not_come_up_leaves_the_old_one},
	{"want of memory makes no set bad", want_of_memory_makes_no_set_bad},
	{"a storm in probation rolls back", a_storm_in_probation_rolls_back},
	{"with nothing to go back to the built-in set serves",
	 with_nothing_to_go_back_to_the_built_in_set_serves},
	{"a rollback by command", a_rollback_by_command},
	{"a rollback that does not come up", a_rollback_that_does_not_come_up},
};

UNIT_MAIN("definition_machine", tests);
