/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash_preload: makes workers of a real scan service crash, hang, crawl or run out of memory, and its load hang, as the file of
 * crash_control.h, the markers of poison files and that of a set of definitions say. Test only; loaded by crash_service.
 * Owns the failing and its count. Must not own any expectation.
 */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "crash_control.h"

static struct crash_control *control;
/* The last descriptor that came, to which process, and whether its content was looked at since. */
static struct {
	pid_t pid;
	int fd;
	bool is_read;
} job = {.fd = -1};
static bool is_marked;               /* the set that this service has loaded */
static volatile int zero, seven = 7; /* 1 / zero needs no division, says the compiler */

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

/* The walls leave a worker no other call to sleep with. */
static void sleep_ms(uint32_t ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	uint32_t word = 0;

	(void)syscall(SYS_futex, &word, FUTEX_WAIT, 0, &time, NULL, 0); /* ends by the time */
}

static void sleep_for_ever(void)
{
	for (;;)
		sleep_ms(60000);
}

static void die_by(enum crash_kind kind)
{
	volatile char *nowhere = (volatile char *)(uintptr_t)(16 + zero);

	if (kind == CRASH_SEGV)
		*nowhere = 1;
	if (kind == CRASH_ABRT)
		abort();
	if (kind == CRASH_ZERO)
		zero = seven / zero;
	if (kind == CRASH_XFSZ)
		(void)raise(SIGXFSZ); /* by default it ends the process */
	if (kind == CRASH_EXIT)
		_exit(3);
	if (kind == CRASH_MUTE)
		sleep_for_ever();
}

/* 0, or the errno that the read fails with. */
static int happen(enum crash_kind kind)
{
	__atomic_add_fetch(&control->done[kind], 1, __ATOMIC_SEQ_CST);
	if (kind == CRASH_MEMORY)
		return ENOMEM;
	if (kind == CRASH_SLOW)
		sleep_ms(control->slow_ms);
	else
		die_by(kind);
	return 0;
}

static int asked_by_file(const char *data, size_t len)
{
#define CRASH_NAME(member, name)                                                                   \
	_Static_assert(sizeof(name) - 1 == CRASH_NAME_BYTES, "compared at this length");
	CRASH_KIND_LIST(CRASH_NAME)
#undef CRASH_NAME
#define CRASH_NAME(member, name) name,
	static const char *const names[] = {CRASH_KIND_LIST(CRASH_NAME)};

	if (len < CRASH_MARKER_BYTES + CRASH_NAME_BYTES ||
	    memcmp(data, CRASH_MARKER, CRASH_MARKER_BYTES) != 0)
		return 0;
	for (int i = 0; i < CRASH_KINDS; i++) {
		if (memcmp(data + CRASH_MARKER_BYTES, names[i], CRASH_NAME_BYTES) == 0)
			return happen((enum crash_kind)i);
	}
	return 0;
}

static int asked_by_budget(void)
{
	for (int i = 0; i < CRASH_KINDS; i++) {
		if (crash_take(&control->budget[i]))
			return happen((enum crash_kind)i);
	}
	return 0;
}

static int asked_by_set(void)
{
	struct stat st;

	if (!is_marked || fstat(job.fd, &st) || (uint64_t)st.st_size < control->marked_bytes)
		return 0;
	return happen(CRASH_SEGV);
}

/* From the first look at the file on: a proof, or canaries at a birth and before a job, are no scan of anybody's. What the service's parent
 * gets, channels of workers, is not a job of theirs: the pid tells. */
static bool is_scanning(int fd)
{
	if (job.fd < 0 || job.pid != getpid())
		return false;
	if (fd == job.fd)
		job.is_read = true;
	return job.is_read;
}

/* Only the head of a file counts: once for each layer of a scan. */
static ssize_t judge(int fd, const void *data, ssize_t len, int64_t offset)
{
	int error;

	if (!control || offset != 0 || len <= 0)
		return len;
	error = asked_by_file(data, (size_t)len);
	if (!error && is_scanning(fd))
		error = asked_by_set();
	if (!error && is_scanning(fd))
		error = asked_by_budget();
	if (!error)
		return len;
	errno = error;
	return -1;
}

#define NEXT(name)                                                                                 \
	static __typeof__(&name) next;                                                             \
	if (!next)                                                                                 \
	next = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

ssize_t pread(int fd, void *data, size_t len, off_t offset)
{
	NEXT(pread);
	return judge(fd, data, next(fd, data, len, offset), offset);
}

ssize_t pread64(int fd, void *data, size_t len, off64_t offset)
{
	NEXT(pread64);
	return judge(fd, data, next(fd, data, len, offset), offset);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	const struct cmsghdr *control_message;
	ssize_t len;

	NEXT(recvmsg);
	len = next(fd, message, flags);
	control_message = len > 0 ? CMSG_FIRSTHDR(message) : NULL;
	if (control_message && control_message->cmsg_type == SCM_RIGHTS) {
		memcpy(&job.fd, CMSG_DATA(control_message), sizeof(job.fd));
		job.pid = getpid();
		job.is_read = false;
	}
	return len;
}

static void look_at_load(const char *path)
{
	size_t len = strlen(path);

	if (control && len > 4 && strcmp(path + len - 4, ".cvd") == 0 &&
	    crash_take(&control->hang_load))
		sleep_for_ever();
}

/* In the service, before it makes workers; a child that proves a file keeps what it sees to itself. */
static int look_at_head(int fd)
{
	char head[CRASH_SET_HEAD_BYTES];
	size_t marker = control ? strnlen(control->set_marker, CRASH_SET_MARKER_BYTES) : 0;
	int error = errno;
	long len;

	if (fd < 0 || !marker || is_marked || job.fd >= 0)
		return fd;
	len = syscall(SYS_pread64, fd, head, sizeof(head), 0L);
	is_marked = len > 0 && memmem(head, (size_t)len, control->set_marker, marker);
	errno = error; /* a directory is no harm */
	return fd;
}

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
		look_at_load(path);                                                                \
		return look_at_head(next(path, flags, mode));                                      \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
