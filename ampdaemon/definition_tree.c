/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES 512 /* st_blocks counts these, whatever the file system has */
#define DEPTH_MAX 8     /* of what is removed or counted; ours have two levels */

bool definition_tree_is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Closes `fd` when there is an error to return. */
static int fd_or_error(int fd, int error)
{
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int open_any(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ELOOP ? -ENOTDIR : -errno;
}

int definition_tree_open(int parent, const char *name)
{
	int r = 0, fd = open_any(parent, name);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		r = -errno;
	else if (!definition_tree_is_ours(&st))
		r = -EPERM;
	return fd_or_error(fd, r);
}

int definition_tree_make(int parent, const char *name)
{
	int r = 0, fd;

	if (mkdirat(parent, name, DEFINITION_DIRECTORY_MODE))
		return -errno;
	fd = open_any(parent, name);
	if (fd < 0)
		r = fd;
	else if (fchmod(fd, DEFINITION_DIRECTORY_MODE)) /* whatever the umask is */
		r = -errno;
	if (!r)
		return fd;
	(void)unlinkat(parent, name, AT_REMOVEDIR); /* the first error is told */
	return fd < 0 ? r : fd_or_error(fd, r);
}

int definition_tree_open_file(int directory, const char *name, struct stat *ret_st)
{
	/* Non-blocking: a FIFO would wait for its other end. */
	int r = 0, fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EINVAL : -errno;
	if (fstat(fd, ret_st))
		r = -errno;
	else if (!S_ISREG(ret_st->st_mode))
		r = -EINVAL;
	else if (!definition_tree_is_ours(ret_st))
		r = -EPERM;
	return fd_or_error(fd, r);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int definition_tree_write(int directory, const char *name, const void *data, size_t len)
{
	int r, fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			   0600);

	if (fd < 0)
		return -errno;
	r = write_all(fd, data, len);
	if (!r && (fchmod(fd, DEFINITION_FILE_MODE) || fsync(fd)))
		r = -errno;
	if (close(fd) && !r)
		r = -errno;
	if (r)
		(void)unlinkat(directory, name, 0); /* the first error is told */
	return r;
}

static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t len = 0;
	char more;

	for (;;) {
		/* Of what does not fit one byte is enough to know. */
		ssize_t n = len < size ? read(fd, buffer + len, size - len) : read(fd, &more, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)len;
		if (len == size)
			return -EFBIG;
		len += (size_t)n;
	}
}

ssize_t definition_tree_read(int directory, const char *name, char *buffer, size_t size)
{
	struct stat st;
	ssize_t len;
	int fd = definition_tree_open_file(directory, name, &st);

	if (fd < 0)
		return fd;
	len = read_all(fd, buffer, size);
	close(fd);
	return len;
}

static int visit(DIR *names, int directory, definition_tree_fn *fn, void *context)
{
	struct dirent *entry;
	int r;

	for (;;) {
		errno = 0;
		entry = readdir(names);
		if (!entry)
			return -errno; /* 0 at the end */
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		r = fn(context, directory, entry->d_name);
		if (r)
			return r;
	}
}

int definition_tree_each(int directory, definition_tree_fn *fn, void *context)
{
	int r, fd = open_any(directory, "."); /* with a place of its own in the directory */
	DIR *names;

	if (fd < 0)
		return fd;
	names = fdopendir(fd);
	if (!names)
		return fd_or_error(fd, -errno);
	r = visit(names, directory, fn, context);
	closedir(names);
	return r;
}

static int remove_one(void *context, int parent, const char *name);

static int remove_directory(int parent, const char *name, unsigned depth)
{
	int r, fd = open_any(parent, name);

	if (fd < 0)
		return fd;
	r = depth < DEPTH_MAX ? definition_tree_each(fd, remove_one, &depth) : -ELOOP;
	close(fd);
	if (!r && unlinkat(parent, name, AT_REMOVEDIR))
		r = -errno;
	return r == -ENOENT ? 0 : r;
}

/* `context` is how deep the directory lies. */
static int remove_one(void *context, int parent, const char *name)
{
	const unsigned *depth = context;

	if (!unlinkat(parent, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM) /* as Linux says of directories, and as POSIX does */
		return -errno;
	return remove_directory(parent, name, *depth + 1);
}

int definition_tree_remove(int parent, const char *name)
{
	unsigned depth = 0;

	return remove_one(&depth, parent, name);
}

struct count {
	uint64_t bytes;
	unsigned depth;
};

/* Who goes away while it is looked at counts nothing. */
static int count_one(void *context, int directory, const char *name)
{
	struct count *count = context;
	struct stat st;
	int fd;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (!S_ISDIR(st.st_mode)) {
		count->bytes += (uint64_t)st.st_blocks * BLOCK_BYTES / (st.st_nlink ?: 1);
		return 0;
	}
	count->bytes += (uint64_t)st.st_blocks * BLOCK_BYTES;
	fd = count->depth < DEPTH_MAX ? open_any(directory, name) : -ELOOP;
	if (fd < 0)
		return 0;
	count->depth++;
	(void)definition_tree_each(fd, count_one, count); /* an account, no promise */
	count->depth--;
	close(fd);
	return 0;
}

uint64_t definition_tree_bytes(int directory)
{
	struct count count = {0};

	(void)definition_tree_each(directory, count_one, &count); /* an account, no promise */
	return count.bytes;
}

int definition_tree_sync(int directory)
{
	return fsync(directory) ? -errno : 0;
}
