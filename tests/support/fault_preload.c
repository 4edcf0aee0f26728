/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault_preload: makes chosen calls of libc fail inside a running scan service, as a file mapped from outside says. Test
 * only; loaded by fault_service. The file (AMP_FAULT_CONTROL) is one struct fault_control.
 * Owns: the failing. Must not own: any expectation.
 */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum fault_call {
	CALL_OPEN,
	CALL_MKDIR,
	CALL_WRITE,
	CALL_READ, /* read and pread */
	CALL_OPENDIR,
	CALL_STAT,
	CALL_SEEK,
	CALL_UNLINK,
	CALL_MMAP,
	CALL_COUNT
};

/* In the place of an errno: the process is to end in this way, once. */
enum fault_crash { CRASH_FAULT = 10000, CRASH_ABORT, CRASH_STACK, CRASH_DIVIDE, CRASH_CALL };

/* As tests/system/faults.sh writes it: little, in the machine's own order. */
struct fault_control {
	uint32_t every[CALL_COUNT]; /* each so many-th call fails; 0: none does */
	uint32_t
		error; /* errno of it; 0: a short write or read instead; or one of enum fault_crash */
	uint32_t failed; /* how many were made to fail */
};

static struct fault_control *control;
static uint32_t calls[CALL_COUNT];

__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("AMP_FAULT_CONTROL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = fd < 0 ? MAP_FAILED
			  : mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		_exit(64);
	close(fd);
	control = at;
}

static volatile int zero;

/* Each frame is written to: the compiler can neither drop it nor make a loop of it. */
static int run_out_of_stack(volatile char *above) // NOLINT(misc-no-recursion)
{
	volatile char frame[4096];

	if (zero)
		return 0;
	frame[0] = *above;
	return run_out_of_stack(frame) + frame[0];
}

static void crash(uint32_t how)
{
	volatile char *nowhere = (volatile char *)(uintptr_t)(16 + zero);

	if (how == CRASH_FAULT)
		*nowhere = 1;
	if (how == CRASH_ABORT)
		abort();
	if (how == CRASH_STACK)
		zero = run_out_of_stack((volatile char *)&how);
	if (how == CRASH_DIVIDE)
		zero = 1000 / zero;
	if (how == CRASH_CALL)
		(void)getpriority(PRIO_PROCESS, 0); /* no list has it */
}

static int is_hit(enum fault_call call)
{
	uint32_t every = control ? control->every[call] : 0;

	if (!every || ++calls[call] % every)
		return 0;
	control->failed++;
	if (control->error >= CRASH_FAULT) {
		control->every[call] = 0; /* one process is enough */
		crash(control->error);
	}
	errno = (int)control->error;
	return 1;
}

#define NEXT(name)                                                                                 \
	static __typeof__(&name) next;                                                             \
	if (!next)                                                                                 \
	next = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

#define DEFINE_OPEN(name)                                                                          \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		va_list arguments;                                                                 \
		mode_t mode;                                                                       \
                                                                                                   \
		NEXT(name);                                                                        \
		va_start(arguments, flags);                                                        \
		mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;              \
		va_end(arguments);                                                                 \
		return is_hit(CALL_OPEN) ? -1 : next(path, flags, mode);                           \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)

int mkdir(const char *path, mode_t mode)
{
	NEXT(mkdir);
	return is_hit(CALL_MKDIR) ? -1 : next(path, mode);
}

int unlink(const char *path)
{
	NEXT(unlink);
	return is_hit(CALL_UNLINK) ? -1 : next(path);
}

DIR *opendir(const char *path)
{
	NEXT(opendir);
	return is_hit(CALL_OPENDIR) ? NULL : next(path);
}

int fstat(int fd, struct stat *status)
{
	NEXT(fstat);
	return is_hit(CALL_STAT) ? -1 : next(fd, status);
}

int fstat64(int fd, struct stat64 *status)
{
	NEXT(fstat64);
	return is_hit(CALL_STAT) ? -1 : next(fd, status);
}

off_t lseek(int fd, off_t offset, int whence)
{
	NEXT(lseek);
	return is_hit(CALL_SEEK) ? -1 : next(fd, offset, whence);
}

off64_t lseek64(int fd, off64_t offset, int whence)
{
	NEXT(lseek64);
	return is_hit(CALL_SEEK) ? -1 : next(fd, offset, whence);
}

/* Standard streams and channels do not come by write(): packets are sent. */
ssize_t write(int fd, const void *data, size_t len)
{
	NEXT(write);
	if (!is_hit(CALL_WRITE))
		return next(fd, data, len);
	return control->error ? -1 : next(fd, data, len / 2);
}

ssize_t read(int fd, void *data, size_t len)
{
	NEXT(read);
	if (!is_hit(CALL_READ))
		return next(fd, data, len);
	return control->error ? -1 : next(fd, data, len / 2);
}

#define DEFINE_PREAD(name, type)                                                                   \
	ssize_t name(int fd, void *data, size_t len, type offset)                                  \
	{                                                                                          \
		NEXT(name);                                                                        \
		if (!is_hit(CALL_READ))                                                            \
			return next(fd, data, len, offset);                                        \
		return control->error ? -1 : next(fd, data, len / 2, offset);                      \
	}

DEFINE_PREAD(pread, off_t)
DEFINE_PREAD(pread64, off64_t)

#define DEFINE_MMAP(name, type)                                                                    \
	void *name(void *at, size_t len, int protection, int flags, int fd, type offset)           \
	{                                                                                          \
		NEXT(name);                                                                        \
		return is_hit(CALL_MMAP) ? MAP_FAILED                                              \
					 : next(at, len, protection, flags, fd, offset);           \
	}

DEFINE_MMAP(mmap, off_t)
DEFINE_MMAP(mmap64, off64_t)
