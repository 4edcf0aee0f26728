/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) ? -errno : 0;
}

static int sync_directory_of(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, r;

	(void)snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		       slash ? path : ".");
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) ? -errno : 0;
	close(fd);
	return r;
}

int atomic_file_write(const char *path, const void *data, size_t len, mode_t mode)
{
	char temporary[PATH_MAX];
	int fd, r;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	if (unlink(temporary) && errno != ENOENT) /* of a run that was cut off */
		return -errno;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, len);
	close(fd);
	if (!r && rename(temporary, path))
		r = -errno;
	if (r) {
		(void)unlink(temporary); /* the first error is the one to tell */
		return r;
	}
	return sync_directory_of(path);
}

ssize_t atomic_file_read(const char *path, char *buffer, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buffer + len, size - len)) > 0 && len + (size_t)n < size)
		len += (size_t)n;
	if (n < 0)
		n = -errno;
	else if (n > 0)
		n = -EFBIG;
	close(fd);
	if (n < 0)
		return n;
	buffer[len] = '\0';
	return (ssize_t)len;
}
