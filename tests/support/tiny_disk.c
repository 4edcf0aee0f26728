/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/tiny_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

bool tiny_disk_mount(const char *directory, size_t bytes)
{
	char options[60];

	(void)snprintf(options, sizeof(options), "size=%zu,mode=0700", bytes);
	return !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tiny", directory, "tmpfs", MS_NOSUID | MS_NODEV, options);
}

static void path_of_ballast(const char *directory, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/ballast", directory);
}

bool tiny_disk_fill(const char *directory)
{
	static const char page[4096];
	char path[PATH_MAX];
	bool full;
	int fd;

	path_of_ballast(directory, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
	if (fd < 0)
		return false;
	while (write(fd, page, sizeof(page)) > 0)
		;
	full = errno == ENOSPC;
	close(fd);
	return full;
}

bool tiny_disk_empty(const char *directory)
{
	char path[PATH_MAX];

	path_of_ballast(directory, path);
	return !unlink(path);
}

void tiny_disk_unmount(const char *directory)
{
	(void)umount2(directory, MNT_DETACH); /* else the end of the process takes it */
}
