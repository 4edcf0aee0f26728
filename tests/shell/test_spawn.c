/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/spawn.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/low_fds.h"
#include "tests/support/own_fds.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

static char error[400], said[1000];

static struct spawn_program order_of(char *const *arguments, char *const *environment)
{
	struct spawn_program order = {.path = arguments[0],
				      .arguments = arguments,
				      .environment = environment,
				      .fds = {-1, -1, -1, -1, -1, -1, -1, -1},
				      .n_fds = 3};

	order.program = open(arguments[0], O_PATH | O_CLOEXEC);
	CU_ASSERT_FATAL(order.program >= 0);
	return order;
}

static int await_end(struct spawned *spawned)
{
	siginfo_t info = {0};

	CU_ASSERT_EQUAL(waitid(P_PIDFD, (id_t)spawned->pidfd, &info, WEXITED), 0);
	close(spawned->pidfd);
	return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

/* Runs it to its end; what it wrote is in `said`, its exit status or the -errno of the spawn is returned. */
static int run(struct spawn_program *order)
{
	struct spawned spawned;
	size_t len = 0;
	ssize_t n = 1;
	int ends[2], r;

	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC), 0);
	order->fds[STDOUT_FILENO] = ends[1];
	r = spawn_program(order, &spawned, error, sizeof(error));
	close(ends[1]);
	for (; !r && n > 0 && len<sizeof(said) - 1; len += n> 0 ? (size_t)n : 0)
		n = read(ends[0], said + len, sizeof(said) - 1 - len);
	said[len] = '\0';
	close(ends[0]);
	close(order->program);
	return r ? r : await_end(&spawned);
}

static void a_program_has_its_arguments_and_environment(void)
{
	char path[] = "/bin/sh", flag[] = "-c", script[] = "echo \"$0 $FRUIT $HOME\"; exit 7";
	char name[] = "me", fruit[] = "FRUIT=pear";
	char *const arguments[] = {path, flag, script, name, NULL};
	char *const environment[] = {fruit, NULL};
	struct spawn_program order = order_of(arguments, environment);
	int before = own_fds();

	CU_ASSERT_EQUAL(run(&order), 7);
	CU_ASSERT_STRING_EQUAL(said, "me pear \n");
	CU_ASSERT_EQUAL(own_fds(), before - 1); /* the program's is closed */
}

static void it_has_the_descriptors_of_its_order_and_no_others(void)
{
	char path[] = "/bin/sh", flag[] = "-c";
	char script[] =
		"for i in 0 2 3 4 5 6 7 8 9 70; do readlink /proc/$$/fd/$i || echo none; done";
	char *const arguments[] = {path, flag, script, NULL};
	char *const environment[] = {NULL};
	struct spawn_program order = order_of(arguments, environment);
	int careless = open("/", O_RDONLY | O_DIRECTORY); /* not close-on-exec */

	CU_ASSERT(careless >= LOW_FDS);
	order.fds[4] = open("/usr", O_PATH | O_CLOEXEC);
	order.n_fds = 6;
	CU_ASSERT_EQUAL(run(&order), 0);
	CU_ASSERT_STRING_EQUAL(said,
			       "/dev/null\n/dev/null\n/dev/null\n/usr\n/dev/null\nnone\nnone\n"
			       "none\nnone\nnone\n");
	close(careless);
	close(order.fds[4]);
}

static void it_may_be_alone_among_pids(void)
{
	char path[] = "/bin/sh", flag[] = "-c", script[] = "echo $$";
	char *const arguments[] = {path, flag, script, NULL};
	char *const environment[] = {NULL};
	struct spawn_program order = order_of(arguments, environment);

	CU_ASSERT_EQUAL(run(&order), 0);
	CU_ASSERT_STRING_NOT_EQUAL(said, "1\n");
	if (geteuid() != 0) {
		printf("# a pid namespace needs root: not tried\n");
		return;
	}
	order = order_of(arguments, environment);
	order.own_pids = true;
	CU_ASSERT_EQUAL(run(&order), 0);
	CU_ASSERT_STRING_EQUAL(said, "1\n");
}

static void an_exec_that_fails_is_told_at_once(void)
{
	char *const environment[] = {NULL};
	char *arguments[] = {NULL, NULL};
	struct spawn_program order;
	int before = own_fds();

	arguments[0] = (char *)test_file("garbage", "no program\n");
	CU_ASSERT_EQUAL(chmod(arguments[0], 0755), 0);
	order = order_of(arguments, environment);
	CU_ASSERT_EQUAL(run(&order), -ENOEXEC);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "garbage cannot be started: Exec format error"));
	CU_ASSERT_EQUAL(chmod(arguments[0], 0644), 0);
	order = order_of(arguments, environment);
	CU_ASSERT_EQUAL(run(&order), -EACCES);
	order = order_of(arguments, environment);
	order.n_fds = SPAWN_FDS + 1;
	CU_ASSERT_EQUAL(run(&order), -EINVAL);
	CU_ASSERT_EQUAL(own_fds(), before);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static pid_t spawn_sleep(bool dies_with_us, struct spawned *ret)
{
	char path[] = "/bin/sleep", hour[] = "3600";
	char *const arguments[] = {path, hour, NULL};
	char *const environment[] = {NULL};
	struct spawn_program order = order_of(arguments, environment);
	int r;

	order.dies_with_us = dies_with_us;
	r = spawn_program(&order, ret, error, sizeof(error));
	close(order.program);
	return r ? -1 : ret->pid;
}

static void it_is_ended_by_its_descriptor(void)
{
	struct spawned spawned;

	CU_ASSERT_FATAL(spawn_sleep(false, &spawned) > 0);
	CU_ASSERT_TRUE(spawn_end(spawned.pidfd));
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
}

/* The child of a child: it comes to us when its parent ends, because we are the reaper of all below us. */
static void it_dies_with_whom_spawned_it(void)
{
	int status, seen = 0;
	pid_t child;

	CU_ASSERT_EQUAL_FATAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct spawned spawned;

		_exit(spawn_sleep(true, &spawned) > 0 ? 0 : 1);
	}
	for (int i = 0; i < 2; i++) {
		pid_t ended = waitpid(-1, &status, 0);

		if (ended == child)
			seen += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		else if (ended > 0)
			seen += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	}
	CU_ASSERT_EQUAL(seen, 2);
}

static const struct unit_test tests[] = {
	{"a program has its arguments and environment",
	 a_program_has_its_arguments_and_environment},
	{"it has the descriptors of its order and no others",
	 it_has_the_descriptors_of_its_order_and_no_others},
	{"it may be alone among pids", it_may_be_alone_among_pids},
	{"an exec that fails is told at once", an_exec_that_fails_is_told_at_once},
	{"it is ended by its descriptor", it_is_ended_by_its_descriptor},
	{"it dies with whom spawned it", it_dies_with_whom_spawned_it},
};

int main(void)
{
	if (low_fds_reserve())
		return 1;
	return unit_main("spawn", tests, sizeof(tests) / sizeof(tests[0]));
}
