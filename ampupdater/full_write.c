/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * full_write: write(2) as the libraries of this process see it. The write that reaches the size limit of a file, or the end of the disk, is cut
 * short, and libcurl gives up on a short one: it never makes the next call, in which the kernel says which of the two it was. This one does: over the
 * limit SIGXFSZ ends the process, a full disk stays an error.
 */
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_plain_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

__attribute__((visibility("default"))) ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t done = syscall(SYS_write, fd, data, len);

	while (done > 0 && (size_t)done < len && is_plain_file(fd)) {
		ssize_t more =
			syscall(SYS_write, fd, (const char *)data + done, len - (size_t)done);

		if (more <= 0)
			return done;
		done += more;
	}
	return done;
}
