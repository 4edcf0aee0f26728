/* SPDX-License-Identifier: GPL-2.0-only */
/* memory_file: an input as a file with a path, for targets that read files. Nothing of it reaches a disk. */
#ifndef AMP_TESTS_FUZZ_MEMORY_FILE_H
#define AMP_TESTS_FUZZ_MEMORY_FILE_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_check.h"

struct memory_file {
	int fd;
	char path[32];
};

/* Made at its first use, and kept. */
static inline void memory_file_write(struct memory_file *file, const void *bytes, size_t len)
{
	if (!file->path[0]) {
		file->fd = memfd_create("fuzz", MFD_CLOEXEC);
		(void)snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
	}
	FUZZ_CHECK(file->fd >= 0 && ftruncate(file->fd, 0) == 0);
	FUZZ_CHECK(pwrite(file->fd, bytes, len, 0) == (ssize_t)len);
}

#endif
