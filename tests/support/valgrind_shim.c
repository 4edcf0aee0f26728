/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * valgrind_shim: valgrind 3.19 knows neither clone3(2) nor pidfd_open(2) and pidfd_send_signal(2). Between the daemon
 * and libc, it makes them of older calls, and says that there is no close_range(2): valgrind cannot share a table of
 * descriptors with a child. Test only: a pid may be another's by the time it is signalled.
 * Owns: those four calls. All others go on as they are.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENTS 6

static long (*next)(long number, ...);

/* The old call can do all that the daemon asks of the new one. */
static long clone_with_pidfd(const struct clone_args *arguments)
{
	return next(SYS_clone, (long)(arguments->flags | arguments->exit_signal), 0L,
		    (long)arguments->pidfd, 0L, 0L);
}

/* A descriptor that names the process, for signal_by_pid() only. */
static long open_process(pid_t pid)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid); /* fits */
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* `fd` is of open_process() or a true pidfd. */
static long signal_by_pid(int fd, int signal)
{
	char path[40], line[80];
	ssize_t len;
	FILE *file;
	int pid = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* fits */
	len = readlink(path, line, sizeof(line) - 1);
	line[len > 0 ? len : 0] = '\0';
	if (sscanf(line, "/proc/%d", &pid) != 1) {
		(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd); /* fits */
		file = fopen(path, "re");
		while (file && fgets(line, sizeof(line), file) &&
		       sscanf(line, "Pid: %d", &pid) != 1)
			;
		if (file)
			fclose(file);
	}
	if (pid > 0)
		return kill(pid, signal);
	errno = ESRCH;
	return -1;
}

long syscall(long number, ...)
{
	long a[ARGUMENTS];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < ARGUMENTS; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (!next)
		next = (long (*)(long, ...))(uintptr_t)dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_clone3)
		return clone_with_pidfd((const struct clone_args *)a[0]);
	if (number == SYS_close_range) {
		errno = ENOSYS;
		return -1;
	}
	if (number == SYS_pidfd_open)
		return open_process((pid_t)a[0]);
	if (number == SYS_pidfd_send_signal)
		return signal_by_pid((int)a[0], (int)a[1]);
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
