/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/low_fds.h"
#include "base/birth_contract.h"
#include "io/clock.h"

#define EXEC_LIMIT_MS 5000 /* the loop stands still so long */
#define END_LIMIT_MS 1000

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

#define SOURCES 6 /* for descriptors 0 to 5 */

/* Descriptors: lent low numbers, above those of the contract, so that no dup2 hits a source. */
struct birth {
	int program;
	int sources[SOURCES];
	int report; /* 0 when the child has a table of its own, then the errno of what failed; closed by exec */
	pid_t parent;
	bool shares_table;
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

/*
 * Until here the table may be the daemon's: nothing in it may be changed before. The range goes to the end of the table, so the
 * kernel copies what lies below and closes nothing: a close of a client's file can wait for ever.
 */
static int leave_table(const struct birth *birth)
{
	int done = 0;

	if (birth->shares_table &&
	    syscall(SYS_close_range, (unsigned)LOW_FDS, ~0u, CLOSE_RANGE_UNSHARE))
		return -errno;
	return write(birth->report, &done, sizeof(done)) == sizeof(done) ? 0 : -EIO;
}

static int place_descriptors(const struct birth *birth)
{
	for (int i = 0; i < SOURCES; i++) {
		if (dup2(birth->sources[i], i) < 0)
			return -errno;
	}
	return 0;
}

static _Noreturn void be_born(const struct birth *birth)
{
	char name[] = "ampscansvc";
	char *const arguments[] = {name, NULL};
	char *const environment[] = {NULL};
	int r;

	reset_signals();
	r = leave_table(birth);
	if (!r)
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

/* ---- in the daemon ---- */

/* Linux 5.9 has both the call and its flag; without them the child gets a copy of the table, and exec closes that. */
static bool can_leave_table(void)
{
	return syscall(SYS_close_range, ~0u, ~0u, 0) == 0;
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

/* What the child says next: 0 or -errno; 1 at the end of what it says. */
static int hear(int report, int pidfd, mono_ms limit)
{
	struct pollfd ends[] = {{.fd = report, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
	int word, n;
	ssize_t len;

	do {
		mono_ms now = clock_mono_ms();

		n = poll(ends, 2, now < limit ? (int)(limit - now) : 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ETIMEDOUT;
	if (!ends[0].revents)
		return -ECHILD; /* killed, with nothing said */
	len = read(report, &word, sizeof(word));
	if (len == 0)
		return 1;
	return len == sizeof(word) && word <= 0 ? word : -EIO;
}

/* The daemon's own copy of the report's end is lent with the rest: it is closed once the child has its own. */
static int await_exec(int report, int pidfd)
{
	mono_ms limit = clock_mono_ms() + EXEC_LIMIT_MS;
	int r = hear(report, pidfd, limit);

	if (r)
		return r < 0 ? r : -EIO;
	low_fds_take_back();
	r = hear(report, pidfd, limit);
	return r > 0 ? 0 : r;
}

/* Ends what was not born. One that SIGKILL does not end waits for some storage: it is left as it is, a daemon does not. */
static bool end_child(int pidfd)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	siginfo_t info = {0};

	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0); /* ESRCH: it has ended */
	(void)poll(&end, 1, END_LIMIT_MS); /* the next call tells what came of it */
	(void)waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
	close(pidfd);
	return info.si_pid != 0;
}

static int clone_and_await(struct birth *birth, int report, struct spawned *ret_spawned)
{
	uint64_t flags = birth->shares_table ? CLONE_FILES : 0;
	int r;

	birth->parent = getpid();
	ret_spawned->pid = clone_child(flags | CLONE_NEWPID, &ret_spawned->pidfd);
	if (ret_spawned->pid < 0 && (errno == EPERM || errno == EINVAL))
		ret_spawned->pid = clone_child(flags, &ret_spawned->pidfd);
	if (ret_spawned->pid == 0)
		be_born(birth);
	if (ret_spawned->pid < 0)
		return -errno;
	r = await_exec(report, ret_spawned->pidfd);
	if (r && !end_child(ret_spawned->pidfd))
		r = -ETIMEDOUT;
	return r;
}

static int lend_all(struct birth *birth)
{
	int *fds[LOW_FDS_PLACES] = {&birth->program, &birth->report};
	int r = 0;

	for (int i = 0; i < SOURCES; i++)
		fds[2 + i] = &birth->sources[i];
	for (unsigned place = 0; r >= 0 && place < LOW_FDS_PLACES; place++)
		r = *fds[place] = low_fds_lend(place, *fds[place]);
	return r < 0 ? r : 0;
}

static int give_birth(struct birth *birth, struct spawned *ret_spawned)
{
	int report[2], r;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	birth->report = report[1];
	birth->shares_table = can_leave_table();
	r = lend_all(birth);
	close(report[1]);
	if (!r)
		r = clone_and_await(birth, report[0], ret_spawned);
	low_fds_take_back();
	close(report[0]);
	return r;
}

int spawn_service(const struct spawn_order *order, struct spawned *ret_spawned, char *ret_error,
		  size_t size)
{
	struct birth birth;
	int program, null, r;

	program = open_program(order->program, ret_error, size);
	if (program < 0)
		return program;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0) {
		r = -errno;
		(void)snprintf(ret_error, size, "/dev/null cannot be opened: %s", strerror(errno));
		close(program);
		return r;
	}
	birth.program = program;
	for (int i = 0; i < 3; i++)
		birth.sources[i] = null;
	birth.sources[BIRTH_FD_CHANNEL] = order->channel;
	birth.sources[BIRTH_FD_BUILTIN] = order->builtin;
	birth.sources[BIRTH_FD_DEFINITIONS] = order->definitions >= 0 ? order->definitions : null;
	r = give_birth(&birth, ret_spawned);
	if (r)
		(void)snprintf(ret_error, size, "%s cannot be started: %s", order->program,
			       r == -ETIMEDOUT ? "its process hangs before the exec"
					       : strerror(-r));
	close(null);
	close(program);
	return r;
}
