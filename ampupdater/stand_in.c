/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/stand_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampupdater/incoming.h"
#include "base/limits.h"

#define HEADER_BYTES 512
#define PATH_BYTES (sizeof(STAND_IN_PLACE "/.cvd") + LIMIT_DATABASE_BYTES)

/* Nothing but the version counts. Built in 1970, so that no server says "not modified". */
static int write_header(const char *path, uint32_t version)
{
	char header[HEADER_BYTES];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int len = snprintf(header, sizeof(header),
			   "ClamAV-VDB:01 Jan 1970 00-00 +0000:%u:1:1:X:X:X:1", version); /* fits */
	int result;

	if (fd < 0)
		return -errno;
	memset(header + len, ' ', sizeof(header) - (size_t)len);
	result = write(fd, header, sizeof(header)) == sizeof(header) ? 0 : -ENOSPC;
	close(fd);
	return result;
}

/* A file that is not there needs no move. */
static int move(const char *from, const char *to)
{
	return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

int stand_in_make(const char *database, uint32_t version)
{
	char path[PATH_BYTES];
	int result;

	(void)snprintf(path, sizeof(path), STAND_IN_PLACE "/%s.cvd",
		       database); /* fits: checked by the codec */
	if (mkdir(STAND_IN_PLACE, 0700) < 0)
		return -errno;
	result = write_header(path, version);
	return result < 0 ? result
			  : move(VIEW_INCOMING "/" INCOMING_MEMORY,
				 STAND_IN_PLACE "/" INCOMING_MEMORY);
}

int stand_in_bring_out(const char *database, bool is_updated)
{
	static const char *const endings[] = {".cvd", ".cld"};
	int result = move(STAND_IN_PLACE "/" INCOMING_MEMORY, VIEW_INCOMING "/" INCOMING_MEMORY);

	/* The library has replaced the stand-in, or removed it: one of the two is there. */
	for (unsigned i = 0; i < 2 && is_updated && result == 0; i++) {
		char from[PATH_BYTES], to[PATH_BYTES];

		(void)snprintf(from, sizeof(from), STAND_IN_PLACE "/%s%s", database,
			       endings[i]); /* fits, as above */
		(void)snprintf(to, sizeof(to), VIEW_INCOMING "/%s%s", database,
			       endings[i]); /* shorter */
		result = move(from, to);
	}
	return result;
}
