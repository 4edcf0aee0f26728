/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * whole_file: a file that has its name when it is whole and on the disk, not before. Owns what is written until then: it has no name where the
 * file system can do that, so that nothing of it stays, however the process ends.
 */
#ifndef AMP_AMPCLI_WHOLE_FILE_H
#define AMP_AMPCLI_WHOLE_FILE_H

#include <limits.h>

struct whole_file {
	const char *path;
	int fd;                   /* to write to */
	char temporary[PATH_MAX]; /* "": has none */
};

/* 0 or -errno; then the path is borrowed, and one of the two below follows. */
int whole_file_begin(struct whole_file *file, const char *path);

/* What has that path now is replaced, and stays when it fails. 0 or -errno. */
int whole_file_settle(struct whole_file *file);
void whole_file_drop(struct whole_file *file);

#endif
