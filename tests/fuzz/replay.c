/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay: the main of a target without libFuzzer, for any compiler: gives it each file of the named directories, once.
 * Says how many there were; an invariant that does not hold ends it by a signal, with the file's name before.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_check.h"

#define INPUT_BYTES (1u << 20)

static bool replay_file(int directory, const char *name)
{
	static uint8_t data[INPUT_BYTES];
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data));

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		perror(name);
		return false;
	}
	fprintf(stderr, "%s\n", name);
	(void)LLVMFuzzerTestOneInput(data, (size_t)n); /* 0 by its contract */
	return true;
}

static bool replay_directory(const char *path, unsigned *n)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	bool good = true;

	if (!directory) {
		perror(path);
		return false;
	}
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		good = replay_file(dirfd(directory), entry->d_name) && good;
		(*n)++;
	}
	closedir(directory);
	return good;
}

int main(int argc, char **argv)
{
	unsigned n = 0;
	bool good = argc > 1;

	for (int i = 1; i < argc; i++)
		good = replay_directory(argv[i], &n) && good;
	printf("%u\n", n);
	return good && n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
