/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/peer.h"

#define TRIES 3 /* a file that goes and comes between two calls */

static int write_pid(int fd)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%d\n", getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)len, 0) != len)
		return errno ? -errno : -EIO;
	return 0;
}

/* A daemon that was killed while a stranger's file holds a thread of it keeps its lock as long as that stranger likes. */
static bool is_of_the_dead(int fd)
{
	char text[24] = "", *end;
	long pid;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return false;
	pid = strtol(text, &end, 10);
	return pid > 0 && *end == '\n' && peer_has_ended(pid);
}

/* 0; -ESTALE: there is another file now, or there will be. */
static int lock(int fd, const char *path)
{
	struct stat here, held;

	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK || !is_of_the_dead(fd))
			return -errno;
		return unlink(path) && errno != ENOENT ? -errno : -ESTALE;
	}
	if (fstat(fd, &held) || lstat(path, &here) || held.st_ino != here.st_ino ||
	    held.st_dev != here.st_dev)
		return -ESTALE;
	return 0;
}

static int take(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r;

	if (fd < 0)
		return -errno;
	r = lock(fd, path);
	if (!r)
		r = write_pid(fd);
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

/* Two that start at once must not both clear a dead one's file away, the later the earlier's new one: they do it one by one. */
static int lock_directory(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd;

	(void)snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) : 1,
		       slash ? path : ".");
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX))
		return fd;
	close(fd);
	return -EIO;
}

int pid_file_take(const char *path)
{
	int directory = lock_directory(path);
	int r;

	if (directory < 0)
		return directory;
	r = take(path);
	for (unsigned i = 0; r == -ESTALE && i < TRIES; i++)
		r = take(path);
	close(directory);
	return r;
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
