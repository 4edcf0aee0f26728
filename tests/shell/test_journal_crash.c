/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal's promise about values, under kill -9: a child records events and values as fast as it can and is killed at
 * any moment; what is on disk then is a whole number of rows, in order, each event with its value.
 */
#include "ampdaemon/journal.h"

#include <CUnit/CUnit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/log.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define KILLS 60
#define LONGEST_LIFE_US 60000

static const struct journal_bounds bounds = {.max_bytes = 1 << 30, .max_days = 30};

/* The number n: an event and "with"; every third also a row without an event, "alone". */
static void record(struct journal *journal, uint64_t n)
{
	struct event event = {.type = EVENT_CONNECTOR_STARTED, .body = EVENT_BODY_CONNECTOR};
	struct journal_value with = {.key = "with", .data = &n, .len = sizeof(n)};
	struct journal_value alone = {.key = "alone", .data = &n, .len = sizeof(n)};

	journal_record_with(journal, &event, &with, 1);
	if (n % 3 == 0)
		journal_record_with(journal, NULL, &alone, 1);
}

/* Lives until it is killed. */
static _Noreturn void live(const char *path, uint64_t n)
{
	struct journal *journal;
	struct journal_state state;
	uv_loop_t loop;

	alarm(60); /* the parent died */
	if (uv_loop_init(&loop))
		_exit(EXIT_FAILURE);
	journal = journal_new(&loop, path, &bounds);
	if (!journal)
		_exit(EXIT_FAILURE);
	for (;;) {
		journal_state(journal, &state);
		for (unsigned i = 0; i < 7 && state.waiting < JOURNAL_RING / 2; i++)
			record(journal, ++n);
		(void)uv_run(&loop, UV_RUN_NOWAIT);
	}
}

static void take(void *context, const char *key, const void *data, size_t len)
{
	uint64_t *values = context;

	CU_ASSERT_EQUAL_FATAL(len, sizeof(values[0]));
	memcpy(&values[!strcmp(key, "alone")], data, len);
}

/* The newest number on disk. */
static uint64_t check(const char *path)
{
	uint64_t values[2] = {0, 0}, newest;
	char error[300] = "";
	bool set_aside;
	struct journal_store *store =
		journal_store_open(path, &bounds, &set_aside, error, sizeof(error));

	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_FALSE(set_aside);
	newest = journal_store_newest(store);
	CU_ASSERT_EQUAL(journal_store_recall(store, "", take, values), 0);
	CU_ASSERT_EQUAL(values[0], newest);
	/* The row behind the newest event may be the one that is missing. */
	CU_ASSERT(values[1] == newest / 3 * 3 || (newest % 3 == 0 && values[1] + 3 == newest));
	journal_store_close(store);
	return newest;
}

static void after_any_kill_events_and_values_agree(void)
{
	static const struct log_settings quiet = {.level = LOG_LEVEL_ERROR};
	const char *seed = getenv("AMP_SEED");
	unsigned short state[3] = {(unsigned short)(seed ? atoi(seed) : getpid()), 1, 2};
	uint64_t n = 0, first = 0;
	char path[4096];

	(void)log_open(&quiet); /* no file that could fail */
	printf("# AMP_SEED=%u\n", state[0]);
	(void)fflush(stdout); /* else the child has it too */
	(void)snprintf(path, sizeof(path), "%s", test_path("journal.db"));
	for (unsigned i = 0; i < KILLS; i++) {
		pid_t child = fork();
		int status;

		CU_ASSERT_FATAL(child >= 0);
		if (child == 0)
			live(path, n);
		(void)usleep(
			(useconds_t)(erand48(state) * LONGEST_LIFE_US)); /* any moment is one */
		CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
		CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		n = check(path);
		if (i == 0)
			first = n;
	}
	printf("# %llu events\n", (unsigned long long)n);
	CU_ASSERT(n > first + 100); /* it was not killed before it began, each time */
}

static const struct unit_test tests[] = {
	{"after any kill -9, events and values agree", after_any_kill_events_and_values_agree},
};

UNIT_MAIN("journal_crash", tests)
