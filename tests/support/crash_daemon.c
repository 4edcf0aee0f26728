/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash_daemon: loaded before libc into a real ampdaemon: its wall clock jumps and its forks fail as the file of crash_control.h
 * says. The machine's own clock is never touched. Test only. Owns the failing and its count.
 */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "crash_control.h"

static struct crash_control *control;

__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("AMP_CRASH_CONTROL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED
			  : mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		_exit(64);
	close(fd);
	control = at;
}

#define NEXT(name)                                                                                 \
	static __typeof__(&name) next;                                                             \
	if (!next)                                                                                 \
	next = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

static time_t shift(void)
{
	return control ? __atomic_load_n(&control->clock_shift_s, __ATOMIC_SEQ_CST) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	int result;

	NEXT(clock_gettime);
	result = next(clock, ret_time);
	if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ret_time->tv_sec += shift();
	return result;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
	int result;

	NEXT(gettimeofday);
	result = next(ret_time, zone);
	if (!result)
		ret_time->tv_sec += shift();
	return result;
}

time_t time(time_t *ret_time)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
	if (ret_time)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}

/* The daemon forks by clone3 and by nothing else; a number of calls is refused as the kernel would. */
long syscall(long number, ...)
{
	va_list arguments;
	long value[6];

	NEXT(syscall);
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		value[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_clone3 && control && crash_take(&control->fail_fork)) {
		__atomic_add_fetch(&control->forks_failed, 1, __ATOMIC_SEQ_CST);
		errno = (int)control->fork_error;
		return -1;
	}
	return next(number, value[0], value[1], value[2], value[3], value[4], value[5]);
}
