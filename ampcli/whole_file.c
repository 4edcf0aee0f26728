/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int begin_named(struct whole_file *file)
{
	if (snprintf(file->temporary, sizeof(file->temporary), "%s.XXXXXX", file->path) >=
	    (int)sizeof(file->temporary))
		return -ENAMETOOLONG;
	file->fd = mkostemp(file->temporary, O_CLOEXEC);
	return file->fd < 0 ? -errno : 0;
}

/* With `flags`, in the directory of a path or as it. */
static int open_directory(const char *path, int flags)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX] = ".";
	int fd;

	if (slash && (size_t)(slash - path) + 2 > sizeof(directory))
		return -ENAMETOOLONG;
	if (slash) {
		memcpy(directory, path, (size_t)(slash - path) + 1);
		directory[slash - path + 1] = '\0';
	}
	fd = open(directory, flags | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int whole_file_begin(struct whole_file *file, const char *path)
{
	file->path = path;
	file->temporary[0] = '\0';
	file->fd = open_directory(path, O_TMPFILE | O_WRONLY);
	if (file->fd >= 0)
		return 0;
	return file->fd == -EOPNOTSUPP || file->fd == -EISDIR ? begin_named(file) : file->fd;
}

/* A name can only be replaced by another one. */
static int give_name(struct whole_file *file)
{
	char self[40];

	if (file->temporary[0])
		return 0;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", file->fd);
	if (snprintf(file->temporary, sizeof(file->temporary), "%s.%ld", file->path,
		     (long)getpid()) >= (int)sizeof(file->temporary)) {
		file->temporary[0] = '\0';
		return -ENAMETOOLONG;
	}
	if (!linkat(AT_FDCWD, self, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW))
		return 0;
	file->temporary[0] = '\0'; /* somebody else's */
	return -errno;
}

/* The new name, too. Some file systems cannot be asked for that. */
static int keep_name(const char *path)
{
	int r, fd = open_directory(path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd == -EACCES ? 0 : fd; /* who may write there need not be allowed to list */
	r = fsync(fd) && errno != EINVAL ? -errno : 0;
	(void)close(fd);
	return r;
}

int whole_file_settle(struct whole_file *file)
{
	int r;

	(void)fchmod(file->fd, 0644); /* sticks that are carried have file systems without modes */
	r = fsync(file->fd) ? -errno : give_name(file);
	if (!r && rename(file->temporary, file->path))
		r = -errno;
	if (!r)
		file->temporary[0] = '\0';
	whole_file_drop(file);
	return r ? r : keep_name(file->path);
}

void whole_file_drop(struct whole_file *file)
{
	(void)close(file->fd); /* what it could say, fsync has said */
	if (file->temporary[0])
		(void)unlink(file->temporary);
}
