/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/disk_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names that the linker gives (--wrap); two calls have others where offsets have 64 bits, as they have here. */
ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __real_openat64(int directory, const char *name, int flags, ...);
int __wrap_openat64(int directory, const char *name, int flags, ...);
int __real_mkdirat(int directory, const char *name, mode_t mode);
int __wrap_mkdirat(int directory, const char *name, mode_t mode);
int __real_renameat(int from, const char *name, int to, const char *other);
int __wrap_renameat(int from, const char *name, int to, const char *other);
int __real_linkat(int from, const char *name, int to, const char *other, int flags);
int __wrap_linkat(int from, const char *name, int to, const char *other, int flags);
int __real_symlinkat(const char *target, int directory, const char *name);
int __wrap_symlinkat(const char *target, int directory, const char *name);
int __real_unlinkat(int directory, const char *name, int flags);
int __wrap_unlinkat(int directory, const char *name, int flags);
ssize_t __real_pread64(int fd, void *buffer, size_t size, off_t at);
ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t at);

enum { CALL_SYNC = 1, CALL_REMOVE = 2, CALL_OTHER = 4 };

static struct {
	atomic_int countdown; /* 0: not armed, or over */
	atomic_uint calls;    /* which are counted */
	atomic_int error;
	atomic_int held_fd;
	atomic_uint held;
	atomic_size_t shortest;
	atomic_uint reads;
	atomic_int read_error;
	atomic_uint reads_until;
	void (*meanwhile)(void);
} fault = {.held_fd = DISK_FAULT_NONE};

/* `error` 0: the process is killed. */
static void arm(unsigned n, int error, unsigned calls)
{
	atomic_store(&fault.error, error);
	atomic_store(&fault.calls, calls);
	atomic_store(&fault.countdown, (int)n);
}

void disk_fault_arm(unsigned n, int error)
{
	arm(n, error, CALL_SYNC | CALL_OTHER);
}

void disk_fault_arm_syncs(unsigned n, int error)
{
	arm(n, error, CALL_SYNC);
}

void disk_fault_arm_kill(unsigned n)
{
	arm(n, 0, CALL_SYNC | CALL_OTHER | CALL_REMOVE);
}

bool disk_fault_disarm(void)
{
	return atomic_exchange(&fault.countdown, 0) <= 0;
}

void disk_fault_hold(int fd)
{
	atomic_store(&fault.held_fd, fd);
}

unsigned disk_fault_held(void)
{
	return atomic_load(&fault.held);
}

void disk_fault_shorten(size_t bytes)
{
	atomic_store(&fault.shortest, bytes);
}

void disk_fault_refuse_reads(int error)
{
	atomic_store(&fault.read_error, error);
}

void disk_fault_meanwhile(void (*fn)(void))
{
	fault.meanwhile = fn;
	atomic_store(&fault.reads_until, 2);
}

/* Sets errno for the one call that is to fail. */
static bool fails(unsigned call)
{
	if (!(atomic_load(&fault.calls) & call) || atomic_load(&fault.countdown) <= 0 ||
	    atomic_fetch_sub(&fault.countdown, 1) != 1)
		return false;
	errno = atomic_load(&fault.error);
	if (!errno)
		(void)raise(SIGKILL); /* does not return */
	return true;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
	return fails(CALL_OTHER) ? -1 : __real_write(fd, bytes, len);
}

int __wrap_fsync(int fd)
{
	return fails(CALL_SYNC) ? -1 : __real_fsync(fd);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return fails(CALL_OTHER) ? -1 : __real_fchmod(fd, mode);
}

int __wrap_openat64(int directory, const char *name, int flags, ...)
{
	va_list arguments;
	mode_t mode = 0;

	va_start(arguments, flags);
	if (flags & O_CREAT)
		mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return fails(CALL_OTHER) ? -1 : __real_openat64(directory, name, flags, mode);
}

int __wrap_mkdirat(int directory, const char *name, mode_t mode)
{
	return fails(CALL_OTHER) ? -1 : __real_mkdirat(directory, name, mode);
}

int __wrap_renameat(int from, const char *name, int to, const char *other)
{
	return fails(CALL_OTHER) ? -1 : __real_renameat(from, name, to, other);
}

int __wrap_linkat(int from, const char *name, int to, const char *other, int flags)
{
	return fails(CALL_OTHER) ? -1 : __real_linkat(from, name, to, other, flags);
}

int __wrap_symlinkat(const char *target, int directory, const char *name)
{
	return fails(CALL_OTHER) ? -1 : __real_symlinkat(target, directory, name);
}

int __wrap_unlinkat(int directory, const char *name, int flags)
{
	return fails(CALL_REMOVE) ? -1 : __real_unlinkat(directory, name, flags);
}

static bool is_held(int fd)
{
	int held = atomic_load(&fault.held_fd);

	return held == fd || held == DISK_FAULT_ALL;
}

static void wait_while_held(int fd)
{
	atomic_fetch_add(&fault.held, 1);
	while (is_held(fd))
		(void)usleep(1000);
	atomic_fetch_sub(&fault.held, 1);
}

ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t at)
{
	size_t shortest = atomic_load(&fault.shortest);

	if (is_held(fd))
		wait_while_held(fd);
	if (atomic_load(&fault.reads_until) && atomic_fetch_sub(&fault.reads_until, 1) == 1)
		fault.meanwhile();
	errno = atomic_load(&fault.read_error);
	if (errno)
		return -1;
	errno = EINTR;
	if (shortest && atomic_fetch_add(&fault.reads, 1) % 2)
		return -1;
	return __real_pread64(fd, buffer, shortest && shortest < size ? shortest : size, at);
}
