/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/unpack_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/text.h"

#define SHOWN_BYTES 1000

static const char *place(void)
{
	const char *told = getenv("TMPDIR");

	return told && told[0] == '/' ? told : "/var/tmp";
}

static int no_place(int error, struct failure *ret_failure)
{
	char shown[SHOWN_BYTES];

	return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED,
			   "a bundle cannot be unpacked in %s (TMPDIR names another place): %s",
			   text_escape(span_of_text(place()), shown, sizeof(shown)),
			   strerror(error));
}

int unpack_place_check(uint64_t bytes, struct failure *ret_failure)
{
	struct statvfs disk;
	uint64_t blocks;

	if (statvfs(place(), &disk))
		return no_place(errno, ret_failure);
	blocks = bytes / (disk.f_frsize ? disk.f_frsize : 1);
	return blocks < disk.f_bavail / 2 ? 0 : no_place(ENOSPC, ret_failure);
}

/* For file systems that know no files without a name: it has one for as long as this takes. */
static int new_named(void)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/amp-bundle.XXXXXX", place()) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)unlink(path); /* else it stays, empty or not: no reason to give up */
	return fd;
}

static int new_writer(void)
{
	int fd = open(place(), O_TMPFILE | O_WRONLY | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	return errno == EOPNOTSUPP || errno == EISDIR ? new_named() : -errno;
}

/* The daemon takes no descriptor that can be written to, so there are two. */
int unpack_place_new(int *ret_writer, int *ret_reader, struct failure *ret_failure)
{
	char self[40];
	int error;

	*ret_writer = new_writer();
	if (*ret_writer < 0)
		return no_place(-*ret_writer, ret_failure);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", *ret_writer);
	*ret_reader = open(self, O_RDONLY | O_CLOEXEC);
	if (*ret_reader >= 0)
		return 0;
	error = errno;
	(void)close(*ret_writer);
	return no_place(error, ret_failure);
}
