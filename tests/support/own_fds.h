/* SPDX-License-Identifier: GPL-2.0-only */
/* own_fds: how many descriptors this process has open, as the kernel says; for tests that must not leak one. */
#ifndef AMP_TESTS_SUPPORT_OWN_FDS_H
#define AMP_TESTS_SUPPORT_OWN_FDS_H

#include <dirent.h>

/* -1 when it cannot be told. */
static inline int own_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int n = -3; /* ".", ".." and the directory itself */

	if (!directory)
		return -1;
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
}

#endif
