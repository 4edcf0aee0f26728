/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults over lives of the daemon that end in a crash: the journal is real, the crash is _exit() or SIGKILL. */
#include "ampdaemon/fault_desk.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fault_life.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

static void raise_account(struct fault_life *life)
{
	LIFE_CHECK(!fault_desk_is_active(life->faults, FAULT_SERVICE_USER));
	fault_desk_raise(life->faults, FAULT_SERVICE_USER, FAULT_MAJOR, "no such user", "make it");
	fault_desk_raise(life->faults, FAULT_SERVICE_USER, FAULT_MAJOR, "still none", NULL);
	fault_life_settle(life);
}

static void find_account_active(struct fault_life *life)
{
	struct fault_state state;

	LIFE_CHECK(fault_desk_is_active(life->faults, FAULT_SERVICE_USER));
	LIFE_CHECK(!fault_desk_state(life->faults, FAULT_SERVICE_USER, &state));
	LIFE_CHECK(state.active && state.count == 2 && state.raised_ms && !state.cleared_ms);
	LIFE_CHECK(!strcmp(state.detail, "still none"));
	LIFE_CHECK(!strcmp(state.remedy, fault_of(FAULT_SERVICE_USER)->remedy));
	LIFE_CHECK(fault_desk_active(life->faults, &state, 1) == 1);
	LIFE_CHECK(state.id == FAULT_SERVICE_USER);
	/* The condition is found again: it is not news. */
	fault_desk_raise(life->faults, FAULT_SERVICE_USER, FAULT_MAJOR, "no such user", NULL);
	fault_life_settle(life);
}

static void clear_account(struct fault_life *life)
{
	struct fault_state state;

	fault_desk_clear(life->faults, FAULT_SERVICE_USER, "it was made");
	fault_desk_clear(life->faults, FAULT_SERVICE_USER, "it was made twice");
	LIFE_CHECK(!fault_desk_state(life->faults, FAULT_SERVICE_USER, &state));
	LIFE_CHECK(!state.active && !strcmp(state.reason, "it was made"));
	fault_life_settle(life);
}

static void find_none_active(struct fault_life *life)
{
	struct fault_state state;

	LIFE_CHECK(fault_desk_active(life->faults, &state, 1) == 0);
	LIFE_CHECK(fault_desk_state(life->faults, 4, &state) == -ENOENT);
	LIFE_CHECK(!fault_desk_state(life->faults, FAULT_SERVICE_START, &state));
	LIFE_CHECK(!state.active && state.severity == FAULT_CRITICAL && state.remedy[0]);
	fault_life_settle(life);
}

static void a_fault_outlives_crashes_and_is_announced_once(void)
{
	CU_ASSERT_TRUE(fault_life_run("once.db", raise_account));
	CU_ASSERT_STRING_EQUAL(fault_life_events("once.db"), "raised major 5, ");
	CU_ASSERT_TRUE(fault_life_run("once.db", find_account_active));
	CU_ASSERT_STRING_EQUAL(fault_life_events("once.db"), "raised major 5, ");
	CU_ASSERT_TRUE(fault_life_run("once.db", clear_account));
	CU_ASSERT_TRUE(fault_life_run("once.db", find_none_active));
	CU_ASSERT_STRING_EQUAL(fault_life_events("once.db"),
			       "raised major 5, cleared 5, all cleared, ");
}

static void raise_three_and_die_before_the_disk(struct fault_life *life)
{
	fault_desk_raise(life->faults, FAULT_SERVICE_START, FAULT_CRITICAL, "a", NULL);
	fault_desk_raise(life->faults, FAULT_SERVICE_RESTARTING, FAULT_MAJOR, "b", NULL);
	fault_desk_raise(life->faults, FAULT_SERVICE_RESTARTING, FAULT_CRITICAL, "c", NULL);
	fault_desk_raise(life->faults, FAULT_SERVICE_RESTARTING, FAULT_MAJOR, "d", NULL);
}

static void raise_three(struct fault_life *life)
{
	raise_three_and_die_before_the_disk(life);
	fault_life_settle(life);
}

/* Neither was on disk: nothing was told, nothing is active. */
static void what_was_not_told_is_not_active(void)
{
	CU_ASSERT_TRUE(fault_life_run("early.db", raise_three_and_die_before_the_disk));
	CU_ASSERT_STRING_EQUAL(fault_life_events("early.db"), "");
	CU_ASSERT_TRUE(fault_life_run("early.db", find_none_active));
	CU_ASSERT_TRUE(fault_life_run("early.db", raise_three));
	CU_ASSERT_STRING_EQUAL(
		fault_life_events("early.db"),
		"raised critical 7, raised major 6, raised critical 6, raised major 6, ");
}

/* ---- the last of all ---- */

static void put_value(const char *name, const char *key, const void *data, size_t len)
{
	static const struct journal_bounds bounds = {.max_bytes = 1 << 30, .max_days = 30};
	char error[300];
	bool set_aside;
	struct journal_store *store =
		journal_store_open(test_path(name), &bounds, &set_aside, error, sizeof(error));
	struct journal_row row = {.kept = calloc(1, sizeof(*row.kept) + len)};

	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row.kept);
	(void)snprintf(row.kept->key, sizeof(row.kept->key), "%s", key);
	row.kept->len = len;
	memcpy(row.kept->data, data, len);
	CU_ASSERT_EQUAL(journal_store_append(store, &row, 1), 0);
	free(row.kept);
	journal_store_close(store);
}

/* As the disk is between the two transactions of a clearing. */
static void all_cleared_is_told_after_a_crash_before_it_and_only_once(void)
{
	CU_ASSERT_TRUE(fault_life_run("owed.db", find_none_active));
	CU_ASSERT_STRING_EQUAL(fault_life_events("owed.db"), "");
	put_value("owed.db", "faults-cleared", "1", 1);
	CU_ASSERT_TRUE(fault_life_run("owed.db", find_none_active));
	CU_ASSERT_STRING_EQUAL(fault_life_events("owed.db"), "all cleared, ");
	CU_ASSERT_TRUE(fault_life_run("owed.db", find_none_active));
	CU_ASSERT_STRING_EQUAL(fault_life_events("owed.db"), "all cleared, ");
}

static void a_damaged_value_is_not_used(void)
{
	static const char short_one[1], zeros[200];

	put_value("damaged.db", "fault/5", short_one, sizeof(short_one));
	CU_ASSERT_TRUE(fault_life_run("damaged.db", find_none_active));
	put_value("damaged.db", "fault/5", zeros, sizeof(zeros)); /* of no version */
	CU_ASSERT_TRUE(fault_life_run("damaged.db", find_none_active));
	CU_ASSERT_TRUE(fault_life_run("damaged.db", raise_account));
	CU_ASSERT_TRUE(fault_life_run("damaged.db", find_account_active));
}

/* ---- killed at any moment ---- */

#define KILLS 50
#define LONGEST_LIFE_US 40000

static const enum fault_id used[] = {FAULT_SERVICE_USER, FAULT_SERVICE_RESTARTING,
				     FAULT_SERVICE_START};

/* Raises and clears as fast as it can, until it is killed. */
static void toss(struct fault_life *life)
{
	unsigned short seed[3] = {(unsigned short)getpid(), 1, 2};
	struct journal_state state;

	for (;;) {
		enum fault_id id = used[nrand48(seed) % 3];

		journal_state(life->journal, &state);
		if (state.waiting > 20)
			fault_life_settle(life);
		if (fault_desk_is_active(life->faults, id) && nrand48(seed) % 2)
			fault_desk_clear(life->faults, id, "tossed");
		else
			fault_desk_raise(life->faults, id, nrand48(seed) % FAULT_SEVERITY_COUNT,
					 "tossed", NULL);
		if (nrand48(seed) % 4 == 0)
			(void)uv_run(&life->loop,
				     UV_RUN_NOWAIT); /* says whether handles are left */
	}
}

static void report_active(struct fault_life *life)
{
	char text[3 * 8] = "";

	for (unsigned i = 0; i < 3; i++)
		(void)snprintf(text + strlen(text), 8, "%d ",
			       fault_desk_is_active(life->faults, used[i]));
	fault_life_settle(life); /* what was owed is paid */
	fault_life_say(text);
}

static bool replay(const char *events, char *ret_active, size_t size)
{
	int severity[32]; /* by fault; -1: not active */
	bool owed = false;
	char name[16];
	unsigned id;
	int n_active = 0;

	memset(severity, 0xff, sizeof(severity));
	for (const char *e = events; *e; e = strstr(e, ", ") + 2) {
		bool is_raise = sscanf(e, "raised %15s %u", name, &id) == 2;
		bool is_clearing = !is_raise && sscanf(e, "cleared %u", &id) == 1;

		if (owed != !strncmp(e, "all cleared", 11))
			return false; /* told when it was not due, or not told at once */
		owed = false;
		if (is_raise && severity[id] == name[1])
			return false; /* twice */
		if (is_clearing && severity[id] < 0)
			return false;
		if (is_raise) {
			n_active += severity[id] < 0;
			severity[id] = name[1]; /* m_i_nor, m_a_jor, c_r_itical */
		} else if (is_clearing) {
			severity[id] = -1;
			owed = --n_active == 0;
		}
	}
	(void)snprintf(ret_active, size, "%d %d %d ", severity[5] >= 0, severity[6] >= 0,
		       severity[7] >= 0);
	return !owed;
}

static void after_any_kill_faults_are_what_was_announced(void)
{
	unsigned short seed[3] = {(unsigned short)getpid(), 3, 4};
	char active[32];

	for (unsigned i = 0; i < KILLS; i++) {
		pid_t pid = fault_life_start("toss.db", toss);
		int status;

		CU_ASSERT_FATAL(pid > 0);
		(void)usleep((useconds_t)(erand48(seed) * LONGEST_LIFE_US)); /* any moment is one */
		CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		CU_ASSERT_TRUE_FATAL(fault_life_run("toss.db", report_active));
		CU_ASSERT_TRUE_FATAL(replay(fault_life_events("toss.db"), active, sizeof(active)));
		CU_ASSERT_STRING_EQUAL(fault_life_said(), active);
	}
	CU_ASSERT(strlen(fault_life_events("toss.db")) > 500); /* something happened */
}

static void the_replay_sees_what_is_wrong(void)
{
	char active[32];

	CU_ASSERT_TRUE(replay("raised major 5, cleared 5, all cleared, ", active, sizeof(active)));
	CU_ASSERT_FALSE(replay("raised major 5, raised major 5, ", active, sizeof(active)));
	CU_ASSERT_FALSE(replay("raised major 5, cleared 5, ", active, sizeof(active)));
	CU_ASSERT_FALSE(replay("cleared 5, ", active, sizeof(active)));
	CU_ASSERT_FALSE(replay("raised major 5, all cleared, ", active, sizeof(active)));
}

static const struct unit_test tests[] = {
	{"a fault outlives crashes and is announced once",
	 a_fault_outlives_crashes_and_is_announced_once},
	{"what was not told is not active", what_was_not_told_is_not_active},
	{"All Faults Cleared is told after a crash before it, and only once",
	 all_cleared_is_told_after_a_crash_before_it_and_only_once},
	{"a damaged value is not used", a_damaged_value_is_not_used},
	{"after any kill -9, the active faults are those that were announced",
	 after_any_kill_faults_are_what_was_announced},
	{"the replay sees what is wrong", the_replay_sees_what_is_wrong},
};

UNIT_MAIN("fault_desk", tests)
