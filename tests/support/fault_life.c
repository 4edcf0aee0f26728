/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/fault_life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/log.h"
#include "tests/support/test_directory.h"
#include "wire/event_codec.h"

#define LIFE_S 120 /* the parent died, or something hangs */
#define SETTLE_MS 20000
#define EVENTS 60000 /* of a test; more would be told as none */

static const struct journal_bounds bounds = {.max_bytes = 1 << 30, .max_days = 30};
static uv_timer_t keeper; /* a loop whose timers are unreferenced runs none */

void fault_life_check(bool holds, const char *condition, const char *file, int line)
{
	if (holds)
		return;
	printf("# %s:%d: in a life: %s\n", file, line, condition);
	(void)fflush(stdout); /* the last words */
	_exit(EXIT_FAILURE);
}

static void do_nothing(uv_timer_t *timer)
{
	(void)timer;
}

static _Noreturn void live(const char *name, fault_life_fn *run)
{
	static const struct log_settings quiet = {.level = LOG_LEVEL_ERROR};
	static struct fault_life life;

	(void)alarm(LIFE_S);    /* says what was left of an earlier one */
	(void)log_open(&quiet); /* no file that could fail */
	LIFE_CHECK(!uv_loop_init(&life.loop));
	LIFE_CHECK(!uv_timer_init(&life.loop, &keeper));
	LIFE_CHECK(!uv_timer_start(&keeper, do_nothing, 3600000, 0));
	life.journal = journal_new(&life.loop, test_path(name), &bounds);
	LIFE_CHECK(life.journal != NULL);
	life.faults = fault_desk_new(life.journal);
	LIFE_CHECK(life.faults != NULL);
	run(&life);
	_exit(EXIT_SUCCESS);
}

pid_t fault_life_start(const char *name, fault_life_fn *run)
{
	pid_t pid;

	(void)test_directory(); /* made by this process, which removes it */
	(void)fflush(stdout);   /* else the child has it too */
	pid = fork();
	if (pid == 0)
		live(name, run);
	return pid;
}

bool fault_life_end(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == EXIT_SUCCESS;
}

bool fault_life_run(const char *name, fault_life_fn *run)
{
	return fault_life_end(fault_life_start(name, run));
}

void fault_life_settle(struct fault_life *life)
{
	mono_ms end = clock_mono_ms() + SETTLE_MS;

	do {
		(void)uv_run(&life->loop, UV_RUN_NOWAIT);
		if (journal_is_idle(life->journal))
			return;
		uv_sleep(1);
	} while (clock_mono_ms() < end);
	LIFE_CHECK(!"the journal becomes idle");
}

void fault_life_say(const char *text)
{
	(void)test_file("said", text); /* the path */
}

const char *fault_life_said(void)
{
	static char said[65536];
	FILE *file = fopen(test_path("said"), "re");
	size_t len = file ? fread(said, 1, sizeof(said) - 1, file) : 0;

	if (file)
		(void)fclose(file); /* it was only read */
	said[len] = '\0';
	return said;
}

/* ---- what the journal tells ---- */

static void tell(const struct event *event, char *out, size_t size, size_t *at)
{
	if (event->type == EVENT_FAULT_CLEARED)
		text_append(out, size, at, "cleared %u, ", event->fault.id);
	else if (event->type == EVENT_FAULTS_ALL_CLEARED)
		text_append(out, size, at, "all cleared, ");
	else if (event->body == EVENT_BODY_FAULT)
		text_append(out, size, at, "raised %s %u, ",
			    fault_severity_name(event->fault.severity), event->fault.id);
	else if (event->type == EVENT_WORKER_FAILED)
		text_append(out, size, at, "worker, ");
	else
		text_append(out, size, at, "%s, ", event_type_name(event->type));
}

static int read_rows(const char *name, struct journal_row *rows)
{
	char error[300];
	bool set_aside;
	struct journal_store *store =
		journal_store_open(test_path(name), &bounds, &set_aside, error, sizeof(error));
	int n = store && !set_aside ? journal_store_read(store, 0, 0, 0, rows, EVENTS) : -1;

	journal_store_close(store);
	return n < EVENTS ? n : -1;
}

const char *fault_life_events(const char *name)
{
	static struct journal_row rows[EVENTS];
	static char told[40 * EVENTS];
	struct wire_arena *arena = wire_arena_new();
	size_t at = 0;

	told[0] = '\0';
	for (int i = read_rows(name, rows) - 1; i >= 0; i--) {
		struct event event;
		const char *why = "?";

		if (event_decode(arena, rows[i].body, rows[i].len, &event, &why))
			text_append(told, sizeof(told), &at, "(not an event: %s), ", why);
		else
			tell(&event, told, sizeof(told), &at);
		free(rows[i].body);
	}
	wire_arena_free(arena);
	return told;
}
