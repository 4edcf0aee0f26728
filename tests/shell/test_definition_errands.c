/* SPDX-License-Identifier: GPL-2.0-only */
/* Errands to a real store: in their order, each answered once, none lost at the end. */
#include "ampdaemon/definition_errands.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "ampdaemon/definition_link.h"
#include "tests/support/definition_lab.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

static struct lab lab;
static struct definition_errands *errands;
static struct definition_errand answers[2 * DEFINITION_ERRANDS_MAX];
static bool free_on_answer;
static const struct lab_file one = {.name = "main.cvd", .text = "one"};

static void on_done(void *context, const struct definition_errand *errand)
{
	CU_ASSERT_PTR_EQUAL(context, &lab);
	CU_ASSERT_EQUAL(errand->error != 0, errand->why[0] != '\0');
	answers[lab.answers++] = *errand;
	if (free_on_answer)
		errands = definition_errands_free(errands);
}

static void begin(const char *name)
{
	lab_open(&lab, name);
	memset(answers, 0, sizeof(answers));
	free_on_answer = false;
	errands = definition_errands_new(&lab.loop, lab.store, on_done, &lab);
	CU_ASSERT_PTR_NOT_NULL_FATAL(errands);
}

static void end(void)
{
	errands = definition_errands_free(errands);
	lab_close(&lab);
}

static void ask(enum definition_errand_kind kind, uint64_t number)
{
	CU_ASSERT_EQUAL(definition_errands_ask(errands, kind, number), 0);
}

static void errands_are_done_in_their_order(void)
{
	begin("order");
	lab_make(&lab, 1, &one, 1);
	CU_ASSERT_EQUAL_FATAL(lab_stage(&lab, 2, &one, 1), 0);
	lab.answers = 0;
	ask(ERRAND_POINT_ACTIVE, 2); /* not yet */
	ask(ERRAND_PUBLISH, 2);
	ask(ERRAND_POINT_ACTIVE, 2);
	ask(ERRAND_DROP, 2); /* not now */
	ask(ERRAND_DROP, 1);
	ask(ERRAND_PUBLISH, 3);
	ask(ERRAND_DISCARD, 3);
	ask(ERRAND_POINT_GOOD, 2);
	CU_ASSERT_TRUE_FATAL(lab_wait(&lab, 8));
	CU_ASSERT_EQUAL(definition_errands_under_way(errands), 0);
	CU_ASSERT_EQUAL(answers[0].kind, ERRAND_POINT_ACTIVE);
	CU_ASSERT_EQUAL(answers[0].error, -ENOENT);
	CU_ASSERT_STRING_EQUAL(answers[0].why, "generation 2: No such file or directory");
	CU_ASSERT_EQUAL(answers[1].kind, ERRAND_PUBLISH);
	CU_ASSERT_EQUAL(answers[1].error, 0);
	CU_ASSERT_EQUAL(answers[2].error, 0);
	CU_ASSERT_EQUAL(answers[3].error, -EBUSY);
	CU_ASSERT_EQUAL(answers[4].error, 0);
	CU_ASSERT_EQUAL(answers[4].number, 1);
	CU_ASSERT_EQUAL(answers[5].error, -ENOENT);
	CU_ASSERT_EQUAL(answers[6].error, 0);
	CU_ASSERT_EQUAL(answers[7].kind, ERRAND_POINT_GOOD);
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 2);
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_GOOD), 2);
	CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "generations")), 1);
	end();
}

static void a_full_queue_says_so(void)
{
	begin("full");
	lab_make(&lab, 1, &one, 1);
	lab.answers = 0;
	for (unsigned i = 0; i < DEFINITION_ERRANDS_MAX; i++)
		ask(ERRAND_POINT_ACTIVE, i % 2);
	CU_ASSERT_EQUAL(definition_errands_ask(errands, ERRAND_DROP, 1), -EBUSY);
	CU_ASSERT_EQUAL(definition_errands_under_way(errands), DEFINITION_ERRANDS_MAX);
	CU_ASSERT_TRUE(lab_wait(&lab, DEFINITION_ERRANDS_MAX));
	for (unsigned i = 0; i < DEFINITION_ERRANDS_MAX; i++) {
		CU_ASSERT_EQUAL(answers[i].number, i % 2);
		CU_ASSERT_EQUAL(answers[i].error, 0);
	}
	ask(ERRAND_DISCARD, 9);
	CU_ASSERT_TRUE(lab_wait(&lab, DEFINITION_ERRANDS_MAX + 1));
	end();
}

static void what_was_asked_is_done_before_the_end(void)
{
	begin("end");
	lab_make(&lab, 1, &one, 1);
	lab.answers = 0;
	for (unsigned i = 0; i < DEFINITION_ERRANDS_MAX - 1; i++)
		ask(ERRAND_POINT_ACTIVE, i % 2);
	ask(ERRAND_POINT_GOOD, 1);
	errands = definition_errands_free(errands);
	CU_ASSERT_EQUAL(lab.answers, 0);
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_GOOD), 1);
	lab_close(&lab);
	CU_ASSERT_EQUAL(lab.answers, 0);
}

static void who_is_answered_may_end_it(void)
{
	begin("ended");
	free_on_answer = true;
	for (unsigned i = 0; i < 10; i++)
		ask(ERRAND_DISCARD, i);
	CU_ASSERT_TRUE(lab_wait(&lab, 1));
	CU_ASSERT_PTR_NULL(errands);
	end();
	CU_ASSERT_EQUAL(lab.answers, 1);
}

static const struct unit_test tests[] = {
	{"errands are done in their order", errands_are_done_in_their_order},
	{"a full queue says so", a_full_queue_says_so},
	{"what was asked is done before the end", what_was_asked_is_done_before_the_end},
	{"who is answered may end it", who_is_answered_may_end_it},
};

UNIT_MAIN("definition_errands", tests)
