/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_pid(int fd)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%d\n", getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)len, 0) != len)
		return errno ? -errno : -EIO;
	return 0;
}

int pid_file_take(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		r = -errno;
	if (!r)
		r = write_pid(fd);
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

int pid_file_adopt(const char *path, int fd)
{
	struct stat here, held;
	int r = 0;

	if (fstat(fd, &held) || lstat(path, &here))
		r = -errno;
	else if (here.st_dev != held.st_dev || here.st_ino != held.st_ino)
		r = -ESTALE;
	if (!r && flock(fd, LOCK_EX | LOCK_NB)) /* has it already: the lock is the open file's */
		r = -errno;
	if (!r)
		r = write_pid(fd);
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

void pid_file_release(const char *path, int fd)
{
	(void)unlink(path); /* a stale one is harmless: it is not locked */
	close(fd);
}
