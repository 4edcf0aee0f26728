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
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/low_fds.h"
#include "base/birth_contract.h"
#include "io/clock.h"

#define EXEC_LIMIT_MS 5000 /* the loop stands still so long */
#define END_LIMIT_MS 1000

/* ---- in the child: nothing but system calls, the parent has threads ---- */

/* Descriptors: lent low numbers, above those that a newborn is given, so that no dup2 hits a source. */
struct birth {
	const struct spawn_program *order;
	int program;
	int sources[SPAWN_FDS];
	int report; /* 0 when the child has a table of its own, then the errno of what failed; closed by exec */
	pid_t parent;
	bool shares_table;
};

_Static_assert(SPAWN_FDS + 2 <= LOW_FDS_PLACES, "program, report and all sources are lent");
_Static_assert(BIRTH_FD_LAST_WORDS < SPAWN_FDS, "the birth contract fits");

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
	for (unsigned i = 0; i < birth->order->n_fds; i++) {
		if (dup2(birth->sources[i], (int)i) < 0)
			return -errno;
	}
	return 0;
}

static int tie_to(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	return getppid() == parent || getppid() == 0 ? 0 : -ESRCH; /* died before it was watched */
}

static _Noreturn void be_born(const struct birth *birth)
{
	const struct spawn_program *order = birth->order;
	int r;

	reset_signals();
	r = leave_table(birth);
	if (!r)
		r = place_descriptors(birth);
	if (!r && order->dies_with_us)
		r = tie_to(birth->parent);
	if (!r) {
		syscall(SYS_execveat, birth->program, "", order->arguments, order->environment,
			AT_EMPTY_PATH);
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

bool spawn_end(int pidfd)
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
	ret_spawned->pid = -1;
	errno = EINVAL;
	if (birth->order->own_pids)
		ret_spawned->pid = clone_child(flags | CLONE_NEWPID, &ret_spawned->pidfd);
	if (ret_spawned->pid < 0 && (errno == EPERM || errno == EINVAL))
		ret_spawned->pid = clone_child(flags, &ret_spawned->pidfd);
	if (ret_spawned->pid == 0) {
		if (getpriority(PRIO_PROCESS, 0) < 0)
			(void)setpriority(PRIO_PROCESS, 0,
					  0); /* the loop goes first, nobody else */
		be_born(birth);
	}
	if (ret_spawned->pid < 0)
		return -errno;
	r = await_exec(report, ret_spawned->pidfd);
	if (r && !spawn_end(ret_spawned->pidfd))
		r = -ETIMEDOUT;
	return r;
}

static int lend(unsigned place, int *fd)
{
	*fd = low_fds_lend(place, *fd);
	return *fd < 0 ? *fd : 0;
}

static int lend_all(struct birth *birth)
{
	int r = lend(0, &birth->program);

	if (!r)
		r = lend(1, &birth->report);
	for (unsigned i = 0; !r && i < birth->order->n_fds; i++)
		r = lend(2 + i, &birth->sources[i]);
	return r;
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

int spawn_program(const struct spawn_program *order, struct spawned *ret_spawned, char *ret_error,
		  size_t size)
{
	struct birth birth = {.order = order, .program = order->program};
	int r, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0) {
		r = -errno;
		(void)snprintf(ret_error, size, "/dev/null cannot be opened: %s", strerror(-r));
		return r;
	}
	for (unsigned i = 0; i < order->n_fds && i < SPAWN_FDS; i++)
		birth.sources[i] = order->fds[i] >= 0 ? order->fds[i] : null;
	r = order->n_fds <= SPAWN_FDS ? give_birth(&birth, ret_spawned) : -EINVAL;
	if (r)
		(void)snprintf(ret_error, size, "%s cannot be started: %s", order->path,
			       r == -ETIMEDOUT ? "its process hangs before the exec"
					       : strerror(-r));
	close(null);
	return r;
}

int spawn_service(const struct spawn_order *order, struct spawned *ret_spawned, char *ret_error,
		  size_t size)
{
	char name[] = "ampscansvc";
	char *const arguments[] = {name, NULL};
	char *const environment[] = {NULL};
	const struct spawn_program service = {
		.program = order->program,
		.path = order->path,
		.arguments = arguments,
		.environment = environment,
		.fds = {-1, -1, -1, [BIRTH_FD_CHANNEL] = order->channel,
			[BIRTH_FD_BUILTIN] = order->builtin,
			[BIRTH_FD_DEFINITIONS] = order->definitions,
			[BIRTH_FD_LAST_WORDS] = order->last_words},
		.n_fds = BIRTH_FD_LAST_WORDS + 1,
		.own_pids = true,
		.dies_with_us = true,
	};

	return spawn_program(&service, ret_spawned, ret_error, size);
}
