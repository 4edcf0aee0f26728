/* SPDX-License-Identifier: GPL-2.0-only */
/* The fortified headers define some of these functions inline; with 64-bit offsets asked for, others by another's name. */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS

#include "ampscansvc/exhaustion.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "ampscansvc/huge_pages.h"

#define EXPORT __attribute__((visibility("default"), used))

static struct exhaustion_note note;
static uint64_t calls;
static int watched_fd = -1;
static uint64_t watched_size;

static void remember(bool *what, const char *call)
{
	if (!note.call) {
		note.call = call;
		note.error = errno;
	}
	*what = true;
}

/* Descriptors and memory are nobody's storage; the rest that a call on a path can be refused for is the storage's fault. */
static bool is_resource(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
}

static bool is_storage(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EIO:
	case EROFS:
	case EACCES:
	case EPERM:
		return true;
	default:
		return false;
	}
}

/* A path that was to be made must be makeable: then "no such directory" is a refusal too. */
static void path_failed(const char *call, bool making)
{
	if (is_resource(errno))
		remember(&note.resource, call);
	else if (is_storage(errno) || (making && errno != EEXIST))
		remember(&note.temp, call);
}

static void write_failed(const char *call)
{
	if (is_resource(errno))
		remember(&note.resource, call);
	else if (errno != EINTR)
		remember(&note.temp, call);
}

void exhaustion_watch(int fd, uint64_t size)
{
	note = (struct exhaustion_note){0};
	watched_fd = fd;
	watched_size = size;
}

struct exhaustion_note exhaustion_seen(void)
{
	return note;
}

uint64_t exhaustion_calls(void)
{
	return calls;
}

/* The next definition of NAME, looked up once. Only functions that dlsym() itself does not call may use it. */
#define NEXT(name)                                                                                 \
	static __typeof__(&name) next;                                                             \
	calls++;                                                                                   \
	if (!next)                                                                                 \
	next = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

#define DEFINE_OPEN(name)                                                                          \
	EXPORT int name(const char *path, int flags, ...)                                          \
	{                                                                                          \
		va_list arguments;                                                                 \
		mode_t mode;                                                                       \
		int fd;                                                                            \
                                                                                                   \
		NEXT(name);                                                                        \
		va_start(arguments, flags);                                                        \
		mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;              \
		va_end(arguments);                                                                 \
		fd = next(path, flags, mode);                                                      \
		if (fd < 0)                                                                        \
			path_failed(#name, flags &O_CREAT);                                        \
		return fd;                                                                         \
	}

#define DEFINE_OPENAT(name)                                                                        \
	EXPORT int name(int dir, const char *path, int flags, ...)                                 \
	{                                                                                          \
		va_list arguments;                                                                 \
		mode_t mode;                                                                       \
		int fd;                                                                            \
                                                                                                   \
		NEXT(name);                                                                        \
		va_start(arguments, flags);                                                        \
		mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;              \
		va_end(arguments);                                                                 \
		fd = next(dir, path, flags, mode);                                                 \
		if (fd < 0)                                                                        \
			path_failed(#name, flags &O_CREAT);                                        \
		return fd;                                                                         \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

#define DEFINE_FOPEN(name)                                                                         \
	EXPORT FILE *name(const char *path, const char *mode)                                      \
	{                                                                                          \
		FILE *file;                                                                        \
                                                                                                   \
		NEXT(name);                                                                        \
		file = next(path, mode);                                                           \
		if (!file)                                                                         \
			path_failed(#name, mode[0] != 'r');                                        \
		return file;                                                                       \
	}

DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)

EXPORT FILE *fdopen(int fd, const char *mode)
{
	FILE *file;

	NEXT(fdopen);
	file = next(fd, mode);
	if (!file)
		path_failed("fdopen", false);
	return file;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	int result;

	NEXT(mkdir);
	result = next(path, mode);
	if (result < 0)
		path_failed("mkdir", true);
	return result;
}

EXPORT DIR *opendir(const char *path)
{
	DIR *directory;

	NEXT(opendir);
	directory = next(path);
	if (!directory)
		path_failed("opendir", false);
	return directory;
}

EXPORT DIR *fdopendir(int fd)
{
	DIR *directory;

	NEXT(fdopendir);
	directory = next(fd);
	if (!directory)
		path_failed("fdopendir", false);
	return directory;
}

#define DEFINE_DUP(name, parameters, arguments)                                                    \
	EXPORT int name parameters                                                                 \
	{                                                                                          \
		int fd;                                                                            \
                                                                                                   \
		NEXT(name);                                                                        \
		fd = next arguments;                                                               \
		if (fd < 0 && is_resource(errno))                                                  \
			remember(&note.resource, #name);                                           \
		return fd;                                                                         \
	}

DEFINE_DUP(dup, (int old), (old))
DEFINE_DUP(dup2, (int old, int wanted), (old, wanted))

/* A short write is a full storage: regular files know no other. */
EXPORT ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t written;

	NEXT(write);
	written = next(fd, data, len);
	if (written < 0 || (size_t)written < len)
		write_failed("write");
	return written;
}

#define DEFINE_PWRITE(name, type)                                                                  \
	EXPORT ssize_t name(int fd, const void *data, size_t len, type offset)                     \
	{                                                                                          \
		ssize_t written;                                                                   \
                                                                                                   \
		NEXT(name);                                                                        \
		written = next(fd, data, len, offset);                                             \
		if (written < 0 || (size_t)written < len)                                          \
			write_failed(#name);                                                       \
		return written;                                                                    \
	}

DEFINE_PWRITE(pwrite, off_t)
DEFINE_PWRITE(pwrite64, off64_t)

EXPORT size_t fwrite(const void *data, size_t size, size_t n, FILE *file)
{
	size_t written;

	NEXT(fwrite);
	written = next(data, size, n, file);
	if (written < n)
		write_failed("fwrite");
	return written;
}

#define DEFINE_FLUSH(name)                                                                         \
	EXPORT int name(FILE *file)                                                                \
	{                                                                                          \
		int result;                                                                        \
                                                                                                   \
		NEXT(name);                                                                        \
		result = next(file);                                                               \
		if (result == EOF)                                                                 \
			write_failed(#name);                                                       \
		return result;                                                                     \
	}

DEFINE_FLUSH(fflush)
DEFINE_FLUSH(fclose)

static void check_read(int fd, size_t len, ssize_t got, uint64_t offset)
{
	if (fd != watched_fd)
		return;
	if (got < 0 && errno != EINTR)
		remember(&note.read, "read");
	else if (got >= 0 && (size_t)got < len && offset + (uint64_t)got < watched_size) {
		errno = ENODATA;
		remember(&note.read, "read");
	}
}

#define DEFINE_PREAD(name, type)                                                                   \
	EXPORT ssize_t name(int fd, void *data, size_t len, type offset)                           \
	{                                                                                          \
		ssize_t got;                                                                       \
		int error;                                                                         \
                                                                                                   \
		NEXT(name);                                                                        \
		got = next(fd, data, len, offset);                                                 \
		error = errno;                                                                     \
		check_read(fd, len, got, (uint64_t)offset);                                        \
		errno = error;                                                                     \
		return got;                                                                        \
	}

DEFINE_PREAD(pread, off_t)
DEFINE_PREAD(pread64, off64_t)

EXPORT ssize_t read(int fd, void *data, size_t len)
{
	ssize_t got;

	NEXT(read);
	got = next(fd, data, len);
	/* Position unknown here: a short end is seen by the size check afterwards. */
	if (got < 0 && errno != EINTR && fd == watched_fd)
		remember(&note.read, "read");
	else if (got < 0 && (errno == EIO || errno == ENOMEM))
		remember(&note.temp, "read");
	return got;
}

/* An offset that makes no sense is the parser's own affair, and so is a file that was never there. */
static void seek_failed(int fd, const char *call)
{
	if (errno == EINVAL || errno == ESPIPE || errno == EBADF || errno == EOVERFLOW)
		return;
	remember(fd == watched_fd ? &note.read : &note.temp, call);
}

#define DEFINE_SEEK(name, type)                                                                    \
	EXPORT type name(int fd, type offset, int whence)                                          \
	{                                                                                          \
		type at;                                                                           \
                                                                                                   \
		NEXT(name);                                                                        \
		at = next(fd, offset, whence);                                                     \
		if (at < 0)                                                                        \
			seek_failed(fd, #name);                                                    \
		return at;                                                                         \
	}

DEFINE_SEEK(lseek, off_t)
DEFINE_SEEK(lseek64, off64_t)

/* libclamav gives up on the rest of a container when it cannot remove a member, and calls that clean. */
EXPORT int unlink(const char *path)
{
	int result;

	NEXT(unlink);
	result = next(path);
	if (result < 0 && errno != ENOENT)
		path_failed("unlink", true);
	return result;
}

#if !AMP_SANITIZED
/*
 * The allocator: glibc's own entry points instead of dlsym(), which allocates. The sanitizers bring their own allocator,
 * which dies when it runs out, and that is as good.
 */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

EXPORT void *malloc(size_t size)
{
	void *memory = __libc_malloc(size);

	if (__builtin_expect(!memory, 0))
		remember(&note.resource, "malloc");
	return memory;
}

EXPORT void *calloc(size_t n, size_t size)
{
	void *memory = __libc_calloc(n, size);

	if (__builtin_expect(!memory, 0))
		remember(&note.resource, "calloc");
	return memory;
}

EXPORT void *realloc(void *old, size_t size)
{
	void *memory = __libc_realloc(old, size);

	if (__builtin_expect(!memory && size, 0))
		remember(&note.resource, "realloc");
	return memory;
}

EXPORT int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	void *memory;

	if (alignment % sizeof(void *) || alignment & (alignment - 1) || !alignment)
		return EINVAL;
	memory = __libc_memalign(alignment, size);
	if (!memory) {
		remember(&note.resource, "posix_memalign");
		return ENOMEM;
	}
	*ret_memory = memory;
	return 0;
}

/* While the definitions are loaded the arena serves what libclamav's memory pool asks for. */
static bool is_for_engine(const void *at, int protection, int flags)
{
	return !at && protection == (PROT_READ | PROT_WRITE) &&
	       (flags & (MAP_PRIVATE | MAP_ANONYMOUS)) == (MAP_PRIVATE | MAP_ANONYMOUS);
}

#define DEFINE_MMAP(name, type)                                                                    \
	EXPORT void *name(void *at, size_t len, int protection, int flags, int fd, type offset)    \
	{                                                                                          \
		void *memory;                                                                      \
                                                                                                   \
		NEXT(name);                                                                        \
		memory = is_for_engine(at, protection, flags) ? huge_pages_take(len) : NULL;       \
		if (!memory)                                                                       \
			memory = next(at, len, protection, flags, fd, offset);                     \
		if (memory == MAP_FAILED)                                                          \
			remember(&note.resource, #name);                                           \
		return memory;                                                                     \
	}

DEFINE_MMAP(mmap, off_t)
DEFINE_MMAP(mmap64, off64_t)
#endif
