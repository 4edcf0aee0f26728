/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/birth_contract.h"

#define FIRST_SAFE_FD 16 /* above every number of the contract, so that no dup2 hits a source */

/* Who could replace the program could become root: only an executable that root alone may write. */
static int open_program(const char *path, char *ret_error, size_t size)
{
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0) {
		(void)snprintf(ret_error, size, "%s cannot be opened: %s", path, strerror(errno));
		return -errno;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    st.st_mode & (S_IWGRP | S_IWOTH) || !(st.st_mode & S_IXUSR)) {
		(void)snprintf(
			ret_error, size,
			"%s is not trusted (mode %04o, owner %u): it must be an executable that only "
			"root may write",
			path, st.st_mode & 07777u, st.st_uid);
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* ---- in the child: nothing but system calls, the parent has threads ---- */

struct birth {
	int program;
	int sources[6]; /* for descriptors 0 to 5 */
	int report;     /* errno of what failed, closed by exec */
	pid_t parent;
};

static void reset_signals(void)
{
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++) {
		struct sigaction action = {.sa_handler = SIG_DFL};

		(void)sigaction(signal, &action, NULL); /* EINVAL for KILL, STOP and libc's own */
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
}

static int place_descriptors(struct birth *birth)
{
	for (int i = 0; i < 6; i++) {
		birth->sources[i] = fcntl(birth->sources[i], F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
		if (birth->sources[i] < 0)
			return -errno;
	}
	birth->report = fcntl(birth->report, F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
	birth->program = fcntl(birth->program, F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
	if (birth->report < 0 || birth->program < 0)
		return -errno;
	for (int i = 0; i < 6; i++) {
		if (dup2(birth->sources[i], i) < 0)
			return -errno;
	}
	return 0;
}

static _Noreturn void be_born(struct birth *birth)
{
	char name[] = "ampscansvc";
	char *const arguments[] = {name, NULL};
	char *const environment[] = {NULL};
	int r;

	reset_signals();
	r = place_descriptors(birth);
	if (!r &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) || (getppid() != birth->parent && getppid() != 0)))
		r = -ESRCH; /* the daemon died before its death could be watched */
	if (!r) {
		syscall(SYS_execveat, birth->program, "", arguments, environment, AT_EMPTY_PATH);
		r = -errno;
	}
	(void)!write(birth->report, &r, sizeof(r)); /* nobody is left to tell */
	_exit(127);
}

static pid_t clone_child(uint64_t flags, int *ret_pidfd)
{
	struct clone_args arguments = {
		.flags = CLONE_PIDFD | flags,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

static int await_exec(int report, struct spawned *child)
{
	int error;
	ssize_t n;

	do
		n = read(report, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	(void)waitid(P_PIDFD, (id_t)child->pidfd, NULL, WEXITED); /* it is ending by itself */
	close(child->pidfd);
	return n == sizeof(error) ? error : -EIO;
}

static int give_birth(struct birth *birth, struct spawned *ret_spawned)
{
	int report[2], r;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	birth->report = report[1];
	birth->parent = getpid();
	ret_spawned->pid = clone_child(CLONE_NEWPID, &ret_spawned->pidfd);
	if (ret_spawned->pid < 0 && (errno == EPERM || errno == EINVAL))
		ret_spawned->pid = clone_child(0, &ret_spawned->pidfd);
	if (ret_spawned->pid == 0)
		be_born(birth);
	r = -errno;
	close(report[1]);
	if (ret_spawned->pid > 0)
		r = await_exec(report[0], ret_spawned);
	close(report[0]);
	return r;
}

int spawn_service(const struct spawn_order *order, struct spawned *ret_spawned, char *ret_error,
		  size_t size)
{
	struct birth birth;
	int null, r;

	birth.program = open_program(order->program, ret_error, size);
	if (birth.program < 0)
		return birth.program;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0) {
		r = -errno;
		(void)snprintf(ret_error, size, "/dev/null cannot be opened: %s", strerror(errno));
		close(birth.program);
		return r;
	}
	for (int i = 0; i < 3; i++)
		birth.sources[i] = null;
	birth.sources[BIRTH_FD_CHANNEL] = order->channel;
	birth.sources[BIRTH_FD_BUILTIN] = order->builtin;
	birth.sources[BIRTH_FD_DEFINITIONS] = order->definitions >= 0 ? order->definitions : null;
	r = give_birth(&birth, ret_spawned);
	if (r)
		(void)snprintf(ret_error, size, "%s cannot be started: %s", order->program,
			       strerror(-r));
	close(null);
	close(birth.program);
	return r;
}
