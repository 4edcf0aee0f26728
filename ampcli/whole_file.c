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

int whole_file_begin(struct whole_file *file, const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX] = ".";

	file->path = path;
	if (slash && (size_t)(slash - path) + 2 > sizeof(directory))
		return -ENAMETOOLONG;
	if (slash) {
		memcpy(directory, path, (size_t)(slash - path) + 1);
		directory[slash - path + 1] = '\0';
	}
	file->temporary[0] = '\0';
	file->fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (file->fd >= 0)
		return 0;
	return errno == EOPNOTSUPP || errno == EISDIR ? begin_named(file) : -errno;
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
	return r;
}

void whole_file_drop(struct whole_file *file)
{
	(void)close(file->fd); /* what it could say, fsync has said */
	if (file->temporary[0])
		(void)unlink(file->temporary);
}
