/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/low_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#define FIRST 3       /* below are the standard streams */
#define FIRST_LENT 16 /* above every number of the birth contract */
#define NULL_FD (LOW_FDS - 1)

static bool are_reserved;

static int take(int null)
{
	for (int fd = 0; fd < FIRST; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && dup2(null, fd) < 0)
			return -errno;
	}
	for (int fd = FIRST; fd < LOW_FDS; fd++) {
		if (fd != null && dup3(null, fd, O_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}

int low_fds_reserve(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r;

	if (null < 0)
		return -errno;
	r = take(null);
	if (null >= LOW_FDS)
		close(null);
	are_reserved = !r;
	return r;
}

int low_fds_lend(unsigned place, int fd)
{
	if (!are_reserved || place >= LOW_FDS_PLACES)
		return -EBADF;
	return dup3(fd, FIRST_LENT + (int)place, O_CLOEXEC) < 0 ? -errno : FIRST_LENT + (int)place;
}

void low_fds_take_back(void)
{
	for (int place = 0; are_reserved && place < LOW_FDS_PLACES; place++)
		(void)dup3(NULL_FD, FIRST_LENT + place, O_CLOEXEC); /* both numbers are open */
}
