/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/test_directory.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[PATH_MAX / 2];
static pid_t owner; /* children of fork(2) leave it alone */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void clean_up(void)
{
	if (getpid() == owner && nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT))
		perror(directory);
}

const char *test_directory(void)
{
	const char *top = getenv("AMP_TMP");

	if (directory[0])
		return directory;
	(void)snprintf(directory, sizeof(directory), "%s/amp-test.XXXXXX", top ? top : "/tmp");
	if (!mkdtemp(directory)) {
		perror(directory);
		exit(EXIT_FAILURE);
	}
	owner = getpid();
	atexit(clean_up);
	return directory;
}

const char *test_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];

	(void)snprintf(path, PATH_MAX, "%s/%s", test_directory(), name);
	return path;
}

const char *test_file(const char *name, const char *text)
{
	const char *path = test_path(name);
	FILE *file = fopen(path, "we");

	if (!file || fwrite(text, 1, strlen(text), file) != strlen(text) || fclose(file)) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	return path;
}
