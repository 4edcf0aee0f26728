/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/trusted_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_trusted(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH)) &&
	       st->st_mode & S_IXUSR;
}

int trusted_program_open(int directory, const char *name, const char *shown, char *error,
			 size_t size)
{
	struct stat st;
	int r, fd = openat(directory, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || fstat(fd, &st)) {
		r = -errno;
		(void)snprintf(error, size, "%s cannot be opened: %s", shown, strerror(-r));
		if (fd >= 0)
			close(fd);
		return r;
	}
	if (!is_trusted(&st)) {
		(void)snprintf(
			error, size,
			"%s is not trusted (mode %04o, owner %u%s): it must be an executable that only "
			"root may write",
			shown, st.st_mode & 07777u, st.st_uid,
			S_ISREG(st.st_mode) ? "" : ", no regular file");
		close(fd);
		return -EPERM;
	}
	return fd;
}
