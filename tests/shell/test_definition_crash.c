/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store's promise under kill -9: a child makes one generation after another, points the links at them and drops old ones, and is killed at
 * any moment. Whoever opens the store then finds an active generation whose contents are what its manifest says, and nothing else than
 * generations that are whole.
 */
#include "ampdaemon/definition_store.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/definition_generation.h"
#include "ampdaemon/definition_link.h"
#include "ampdaemon/definition_stage.h"
#include "tests/support/definition_lab.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define KILLS 100
#define LONGEST_LIFE_US 90000
#define KEPT 3
#define FILE_BYTES 300000 /* more than one piece: kills fall into the copying, too */

static struct lab lab;
static char text[FILE_BYTES + 1];

static void say(void *context, const char *told)
{
	(void)context;
	printf("# %s\n", told);
}

/* The next set: a new file, and one of the active generation. Ends the child when something fails. */
static void make_next(uint64_t number, uint64_t active)
{
	const struct lab_file files[] = {{.name = "daily.cvd", .text = text},
					 {.name = "own.ndb", .is_custom = true, .text = "own"},
					 {.name = "main.cvd", .generation = active}};

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	text[strlen(text)] = '.'; /* another content, of the same length */
	if (lab_stage(&lab, number, files, 3) ||
	    definition_store_publish(lab.store, number, lab.why) ||
	    definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, number))
		_exit(EXIT_FAILURE);
}

/* The newest number. */
static uint64_t drop_old(void)
{
	struct stored_generation all[DEFINITION_STORE_LISTED];
	int n = definition_store_list(lab.store, all);

	if (n < 1)
		_exit(EXIT_FAILURE);
	for (int i = KEPT; i < n; i++) {
		int r = definition_store_drop(lab.store, all[i].number);

		if (r && r != -EBUSY) /* a link leads to it */
			_exit(EXIT_FAILURE);
	}
	return all[0].number;
}

/* Lives until it is killed. */
static _Noreturn void live(void)
{
	alarm(60); /* the parent died */
	lab_open(&lab, "crash");
	for (;;) {
		uint64_t number = drop_old() + 1;

		make_next(number, definition_link_target(lab.store, DEFINITION_LINK_ACTIVE));
		if (number % 2 && definition_link_point(lab.store, DEFINITION_LINK_GOOD, number))
			_exit(EXIT_FAILURE);
	}
}

static bool is_wanted(void *context)
{
	(void)context;
	return true;
}

static void check_generation(const struct definition_store *store, uint64_t number)
{
	int directory = definition_store_open_generation(store, number);
	char why[LIMIT_REASON_BYTES];
	int r;

	CU_ASSERT_FATAL(directory >= 0);
	r = definition_generation_check(directory, is_wanted, NULL, why);
	if (r)
		printf("# generation %llu: %s\n", (unsigned long long)number, why);
	CU_ASSERT_EQUAL(r, 0);
	close(directory);
}

/* The newest number on disk. */
static uint64_t check(void)
{
	struct stored_generation all[DEFINITION_STORE_LISTED];
	struct definition_store *store = NULL;
	char why[LIMIT_REASON_BYTES] = "";
	int n;

	CU_ASSERT_EQUAL_FATAL(definition_store_open(lab.root, say, NULL, &store, why), 0);
	CU_ASSERT(definition_link_target(store, DEFINITION_LINK_ACTIVE) > 0);
	check_generation(store, definition_link_target(store, DEFINITION_LINK_ACTIVE));
	n = definition_store_list(store, all);
	CU_ASSERT_FATAL(n >= 1 && n <= KEPT + 3); /* and active, good, and one on its way in */
	for (int i = 0; i < n; i++)
		check_generation(store, all[i].number);
	CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "generations")), n);
	CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "staging")), 0);
	CU_ASSERT_EQUAL(lab_count(lab.root), 5); /* three directories, two links */
	definition_store_close(store);
	return all[0].number;
}

static pid_t begin_life(void)
{
	pid_t child;

	(void)fflush(stdout); /* else the child has it too */
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0)
		live();
	return child;
}

static void after_any_kill_the_active_generation_is_whole(void)
{
	static const struct lab_file first = {.name = "main.cvd", .text = "main"};
	const char *seed = getenv("AMP_SEED");
	unsigned short state[3] = {(unsigned short)(seed ? atoi(seed) : getpid()), 1, 2};
	unsigned halfway = 0;
	uint64_t newest = 0;

	printf("# AMP_SEED=%u\n", state[0]);
	memset(text, 'x', sizeof(text) - 1);
	lab_open(&lab, "crash");
	lab_make(&lab, 1, &first, 1);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 1), 0);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_GOOD, 1), 0);
	lab_close(&lab); /* each child has a loop and threads of its own */
	lab.root = test_path("crash");
	for (unsigned i = 0; i < KILLS; i++) {
		pid_t child = begin_life();
		int status;

		(void)usleep(
			(useconds_t)(erand48(state) * LONGEST_LIFE_US)); /* any moment is one */
		CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
		CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		halfway += lab_count(lab_path(&lab, "staging")) > 0;
		newest = check();
	}
	printf("# %llu generations, %u kills while one was staged\n", (unsigned long long)newest,
	       halfway);
	CU_ASSERT(newest > KILLS / 10); /* it was not killed before it began, each time */
	CU_ASSERT(halfway > KILLS / 10);
}

static const struct unit_test tests[] = {
	{"after any kill -9 the active generation is whole",
	 after_any_kill_the_active_generation_is_whole},
};

UNIT_MAIN("definition_crash", tests)
