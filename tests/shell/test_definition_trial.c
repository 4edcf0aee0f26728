/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trial that lies, and one that cannot be ended: a child of the test (support/pretended_birth.h). What a real one says of real sets is of
 * tests/system.
 */
#include "ampdaemon/definition_trial.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/service_process.h"
#include "io/clock.h"
#include "tests/support/definition_lab.h"
#include "tests/support/pretended_birth.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define PATIENCE_MS 10000
#define UID 54321

static struct {
	uv_loop_t loop;
	struct definition_trial *trial;
	unsigned ends;
	enum rejection refused;
	char detail[LIMIT_REASON_BYTES + 1];
	bool cannot_be_killed;
} t;

void __real_service_process_kill(struct service_process *process);
void __wrap_service_process_kill(struct service_process *process);

void __wrap_service_process_kill(struct service_process *process)
{
	if (!t.cannot_be_killed)
		__real_service_process_kill(process);
}

static void on_end(void *context, const struct trial_outcome *outcome)
{
	(void)context;
	t.ends++;
	t.refused = outcome->refused;
	CU_ASSERT_PTR_NOT_NULL(outcome->report);
	(void)snprintf(t.detail, sizeof(t.detail), "%s", outcome->detail);
}

/* A set of one file of the administrator's: nothing has to be told of it. */
static int stage(const char *name)
{
	static const struct lab_file file = {.name = "a.ndb", .is_custom = true, .text = "a"};
	struct lab lab;
	int directory;

	lab_open(&lab, name);
	CU_ASSERT_EQUAL(lab_stage(&lab, 10, &file, 1), 0);
	directory = definition_store_open_staged(lab.store, 10);
	lab_close(&lab);
	CU_ASSERT_FATAL(directory >= 0);
	return directory;
}

static void run(const char *name)
{
	static char scan_service[] = "/nowhere/bin/ampscansvc", builtin[] = "/nowhere/builtin";
	const struct configuration configuration = {
		.scan_service = scan_service, .builtin_dir = builtin, .scan_timeout_ms = 1000};
	const struct trial_order order = {
		.definitions = stage(name), .number = 10, .account = {.uid = UID, .gid = UID}};
	mono_ms limit = mono_add(clock_mono_ms(), PATIENCE_MS);
	char why[LIMIT_REASON_BYTES + 1];

	t.ends = 0;
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&t.loop), 0);
	CU_ASSERT_EQUAL_FATAL(definition_trial_start(&t.loop, &configuration, NULL, &order, on_end,
						     NULL, &t.trial, why),
			      0);
	(void)close(order.definitions);
	while (!t.ends && clock_mono_ms() < limit) {
		(void)uv_run(&t.loop, UV_RUN_NOWAIT);
		(void)usleep(500);
	}
	t.cannot_be_killed = false;
	t.trial = definition_trial_free(t.trial);
	(void)uv_run(&t.loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
	CU_ASSERT_EQUAL(t.ends, 1);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void begin(enum manner manner)
{
	memset(&pretended, 0, sizeof(pretended));
	pretended.manner = manner;
	pretended.available = 1u << 30;
}

static void a_sum_that_no_file_has_is_a_lie(void)
{
	begin(GOOD);
	run("sum");
	CU_ASSERT_EQUAL(t.refused, REJECTION_TRIAL_DIED);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.detail, "not those of the set"));
}

/* Else the service that serves would be ended for a set that never fits. */
static void memory_that_it_cannot_have_is_a_lie(void)
{
	begin(GOOD);
	pretended.engine = 1ull << 62;
	run("memory");
	CU_ASSERT_EQUAL(t.refused, REJECTION_TRIAL_DIED);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.detail, "more memory than it was given"));
}

static void one_that_cannot_be_ended_is_not_waited_for(void)
{
	begin(FALSE_NAME);
	t.cannot_be_killed = true;
	run("unkillable");
	CU_ASSERT_EQUAL(t.refused, REJECTION_TRIAL_BROKEN); /* which is not the set's fault */
	CU_ASSERT_PTR_NOT_NULL(strstr(t.detail, "cannot be ended"));
	begin(FALSE_NAME);
	run("killable");
	CU_ASSERT_EQUAL(t.refused, REJECTION_TRIAL_DIED);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.detail, "does not run as the user"));
}

static const struct unit_test tests[] = {
	{"a sum that no file has is a lie", a_sum_that_no_file_has_is_a_lie},
	{"memory that it cannot have is a lie", memory_that_it_cannot_have_is_a_lie},
	{"one that cannot be ended is not waited for", one_that_cannot_be_ended_is_not_waited_for},
};

UNIT_MAIN("definition_trial", tests)
