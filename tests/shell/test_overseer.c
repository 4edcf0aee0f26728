/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The overseer with a stand-in for the daemon: this program again, told by its first argument what to do. Each life adds a line to a diary,
 * so that the test sees how many there were.
 */
#include "ampdaemon/overseer.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ampdaemon/low_fds.h"
#include "io/clock.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define DIARY "TEST_DIARY"

/* ---- the stand-in ---- */

static int lives(void)
{
	struct stat st;

	return stat(getenv(DIARY), &st) ? 0 : (int)st.st_size;
}

static void write_diary(void)
{
	int fd = open(getenv(DIARY), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		_exit(99);
	close(fd);
}

static bool beat(void)
{
	const char *number = getenv(OVERSEER_HEARTBEAT);

	return number && send(atoi(number), "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static void pause_ms(long ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&time, NULL); /* a signal may wake us early */
}

static volatile sig_atomic_t told;

static void on_term(int signal)
{
	told = signal;
}

static int beat_until_told(void)
{
	(void)signal(SIGTERM, on_term);
	for (int i = 0; i < 200 && !told; i++) {
		if (!beat())
			return 98;
		pause_ms(50);
	}
	return told ? 3 : 97;
}

/* Longer than a hang limit, then not a word more. */
static int hang(void)
{
	for (int i = 0; i < 30; i++) {
		if (!beat())
			return 98;
		pause_ms(50);
	}
	pause_ms(30000);
	return 96;
}

static int outlive(void)
{
	pause_ms(300); /* the test kills the overseer meanwhile */
	for (int i = 0; i < 100 && beat(); i++)
		pause_ms(50);
	write_diary(); /* we are there, it is not */
	return 0;
}

static int stand_in(const char *what)
{
	const char *number = getenv(OVERSEER_HEARTBEAT);
	int before = lives();

	if (!number || atoi(number) < LOW_FDS || fcntl(atoi(number), F_GETFD))
		return 95; /* not there, or it would not live through exec */
	write_diary();
	if (!strcmp(what, "--configuration"))
		return EXIT_CONFIGURATION;
	if (!strcmp(what, "--crash"))
		return before < 4 ? 1 : 0;
	if (!strcmp(what, "--hang"))
		return before ? 0 : hang();
	if (!strcmp(what, "--deaf"))
		return before || signal(SIGABRT, SIG_IGN) == SIG_ERR ? 0 : hang();
	if (!strcmp(what, "--serve"))
		return beat_until_told();
	if (!strcmp(what, "--outlive"))
		return outlive();
	return 0;
}

/* ---- cases ---- */

static pid_t start(const char *what)
{
	char *const arguments[] = {(char *)(uintptr_t) "test", (char *)(uintptr_t)what, NULL};
	pid_t pid;

	(void)setenv(DIARY, test_path("diary"), 1);
	(void)unlink(getenv(DIARY));
	(void)fflush(NULL);
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (!pid) {
		alarm(40);
		_exit(overseer_run(arguments, 1));
	}
	return pid;
}

static int await(pid_t pid)
{
	int status;

	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool await_lives(int n)
{
	for (int i = 0; i < 200 && lives() < n; i++)
		pause_ms(50);
	return lives() == n;
}

static void a_clean_end_is_the_end(void)
{
	CU_ASSERT_EQUAL(await(start("--clean")), 0);
	CU_ASSERT_EQUAL(lives(), 1);
}

static void what_no_new_start_can_help_is_not_started_again(void)
{
	CU_ASSERT_EQUAL(await(start("--configuration")), EXIT_CONFIGURATION);
	CU_ASSERT_EQUAL(lives(), 1);
}

static void a_crash_loop_is_slowed_down(void)
{
	mono_ms began = clock_mono_ms();
	mono_ms took;

	CU_ASSERT_EQUAL(await(start("--crash")), 0);
	took = clock_mono_ms() - began;
	CU_ASSERT_EQUAL(lives(), 5);
	CU_ASSERT(took >= 100 + 200 + 400 + 800);
	CU_ASSERT(took < 6000);
}

static void a_hang_is_ended(void)
{
	mono_ms began = clock_mono_ms();
	mono_ms took;

	CU_ASSERT_EQUAL(await(start("--hang")), 0);
	took = clock_mono_ms() - began;
	CU_ASSERT_EQUAL(lives(), 2);
	CU_ASSERT(took >= 2400); /* it beat for 1.5 s, and had a second more */
	CU_ASSERT(took < 5000);
}

static void one_that_does_not_hear_sigabrt_is_killed(void)
{
	mono_ms began = clock_mono_ms();

	CU_ASSERT_EQUAL(await(start("--deaf")), 0);
	CU_ASSERT_EQUAL(lives(), 2);
	CU_ASSERT(clock_mono_ms() - began >= 2400 + 5000);
}

static void sigterm_is_forwarded_and_the_status_is_the_daemons(void)
{
	pid_t pid = start("--serve");

	CU_ASSERT(await_lives(1));
	pause_ms(1500); /* longer than the hang limit: the beats keep it alive */
	CU_ASSERT_EQUAL(lives(), 1);
	CU_ASSERT_EQUAL(kill(pid, SIGTERM), 0);
	CU_ASSERT_EQUAL(await(pid), 3);
	CU_ASSERT_EQUAL(lives(), 1);
}

static void sigterm_between_two_lives_ends_it(void)
{
	pid_t pid = start("--crash");

	CU_ASSERT(await_lives(4)); /* 800 ms to the next */
	pause_ms(100);
	CU_ASSERT_EQUAL(kill(pid, SIGTERM), 0);
	CU_ASSERT_EQUAL(await(pid), 0);
	CU_ASSERT_EQUAL(lives(), 4);
}

static void the_daemon_outlives_it(void)
{
	pid_t pid = start("--outlive");

	CU_ASSERT(await_lives(1));
	CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
	CU_ASSERT_EQUAL(await(pid), -SIGKILL);
	CU_ASSERT(await_lives(2));
}

static const struct unit_test tests[] = {
	{"a clean end is the end", a_clean_end_is_the_end},
	{"what no new start can help is not started again",
	 what_no_new_start_can_help_is_not_started_again},
	{"a crash loop is slowed down", a_crash_loop_is_slowed_down},
	{"a hang is ended", a_hang_is_ended},
	{"one that does not hear SIGABRT is killed", one_that_does_not_hear_sigabrt_is_killed},
	{"SIGTERM is forwarded and the status is the daemon's",
	 sigterm_is_forwarded_and_the_status_is_the_daemons},
	{"SIGTERM between two lives ends it", sigterm_between_two_lives_ends_it},
	{"the daemon outlives it", the_daemon_outlives_it},
};

int main(int argc, char **argv)
{
	if (argc > 1)
		return stand_in(argv[1]);
	return unit_main("overseer", tests, sizeof(tests) / sizeof(tests[0]));
}
