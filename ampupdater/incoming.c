/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/incoming.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 8      /* the library makes one level */
#define MAX_ENTRIES 4096 /* and a few dozen files */
#define FILE_NAME_BYTES (LIMIT_DATABASE_BYTES + 5)

static void name_file(const char *name, const char *ending, char file[FILE_NAME_BYTES])
{
	(void)snprintf(file, FILE_NAME_BYTES, "%s%s", name,
		       ending); /* fits: checked by the codec */
}

static bool is_plain(int directory, const char *file, uint64_t *ret_bytes)
{
	struct stat status;

	if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(status.st_mode) || status.st_nlink != 1)
		return false;
	*ret_bytes = (uint64_t)status.st_size;
	return true;
}

static bool may_stay(int directory, const char *file, const struct update_start *start)
{
	char wanted[FILE_NAME_BYTES];
	bool is_named = strcmp(file, INCOMING_MEMORY) == 0;
	uint64_t bytes;

	for (unsigned i = 0; !is_named && i < start->n_databases; i++) {
		name_file(start->databases[i], ".cvd", wanted);
		is_named = strcmp(file, wanted) == 0;
		name_file(start->databases[i], ".cld", wanted);
		is_named = is_named || strcmp(file, wanted) == 0;
	}
	return is_named && is_plain(directory, file, &bytes);
}

/* A stream of its own over `name`: reading it does not move the caller's descriptor. */
static DIR *open_list(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !list)
		close(fd);
	return list;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Whoever made it may have taken its rights away. */
static int enter(int parent, const char *name)
{
	int fd;

	if (fchmodat(parent, name, 0700, 0) < 0)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* 1 when it is a directory that is not empty. */
static int remove_one(int parent, const char *name)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? 1 : -errno;
}

/* Removes what can be removed; 1, and its name, when there is a directory that has to be entered first. */
static int remove_entries(int directory, char name[NAME_MAX + 1])
{
	DIR *list = open_list(directory, ".");
	struct dirent *entry;
	int result = 0;

	if (!list)
		return -errno;
	while (result == 0 && (entry = readdir(list))) {
		if (is_dots(entry->d_name))
			continue;
		result = remove_one(directory, entry->d_name);
		(void)snprintf(name, NAME_MAX + 1, "%s", entry->d_name); /* fits */
	}
	closedir(list);
	return result;
}

/* Downwards by name and up again by "..", however deep it is: nobody else is here to move anything. Closes `directory`. */
static int remove_below(int directory)
{
	char name[NAME_MAX + 1];
	unsigned depth = 0;

	for (;;) {
		int next, result = remove_entries(directory, name);

		if (result < 0 || (result == 0 && depth == 0)) {
			close(directory);
			return result;
		}
		depth = result ? depth + 1 : depth - 1;
		next = enter(directory, result ? name : "..");
		close(directory);
		if (next < 0)
			return next;
		directory = next;
	}
}

static int remove_tree(int parent, const char *name)
{
	int result = remove_one(parent, name);

	if (result <= 0)
		return result;
	result = enter(parent, name);
	if (result >= 0)
		result = remove_below(result);
	if (result == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0)
		result = -errno;
	return result;
}

int incoming_sweep(int directory, const struct update_start *start)
{
	DIR *list = open_list(directory, ".");
	struct dirent *entry;
	int result = 0;

	if (!list)
		return -errno;
	while ((entry = readdir(list))) {
		int r = is_dots(entry->d_name) || may_stay(directory, entry->d_name, start)
				? 0
				: remove_tree(directory, entry->d_name);

		result = result ? result : r;
	}
	closedir(list);
	return result;
}

bool incoming_has(int directory, const char *name, const char *ending, uint64_t *ret_bytes)
{
	char file[FILE_NAME_BYTES];

	name_file(name, ending, file);
	return is_plain(directory, file, ret_bytes);
}

int incoming_drop(int directory, const char *name, const char *ending)
{
	char file[FILE_NAME_BYTES];

	name_file(name, ending, file);
	return remove_tree(directory, file);
}

int incoming_sync(int directory, const char *name, const char *ending)
{
	char file[FILE_NAME_BYTES];
	int fd, result = 0;

	name_file(name, ending, file);
	fd = openat(directory, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		result = -errno;
	close(fd);
	if (result == 0 && fsync(directory) < 0)
		result = -errno;
	return result;
}

static uint64_t bytes_in(int parent, const char *name)
{
	DIR *list = open_list(parent, name);
	struct dirent *entry;
	uint64_t sum = 0;

	while (list && (entry = readdir(list))) {
		uint64_t bytes;

		if (is_plain(dirfd(list), entry->d_name, &bytes))
			sum += bytes;
	}
	if (list)
		closedir(list);
	return sum;
}

uint64_t incoming_pending(int directory, const struct update_start *start)
{
	DIR *list = open_list(directory, ".");
	struct dirent *entry;
	uint64_t sum = 0;

	while (list && (entry = readdir(list))) {
		uint64_t bytes;

		if (is_dots(entry->d_name) || may_stay(directory, entry->d_name, start))
			continue;
		sum += is_plain(directory, entry->d_name, &bytes)
			       ? bytes
			       : bytes_in(directory, entry->d_name);
	}
	if (list)
		closedir(list);
	return sum;
}

struct weight {
	uint64_t bytes;
	unsigned entries;
};

static bool weigh(int parent, const char *name, unsigned depth, struct weight *weight);

static bool weigh_entry(int directory, const char *name, unsigned depth, struct weight *weight)
{
	struct stat status;

	if (++weight->entries > MAX_ENTRIES)
		return false;
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return true; /* it was removed meanwhile */
	weight->bytes += (uint64_t)status.st_blocks * 512;
	return !S_ISDIR(status.st_mode) || weigh(directory, name, depth + 1, weight);
}

/* False: it is too deep or has too much in it to be counted. */
static bool weigh(int parent, const char *name, unsigned depth, struct weight *weight)
{
	DIR *list = depth < MAX_DEPTH ? open_list(parent, name) : NULL;
	struct dirent *entry;
	bool is_well = true;

	if (!list)
		return depth < MAX_DEPTH && errno == ENOENT;
	while (is_well && (entry = readdir(list)))
		is_well = is_dots(entry->d_name) ||
			  weigh_entry(dirfd(list), entry->d_name, depth, weight);
	closedir(list);
	return is_well;
}

bool incoming_is_within(int directory, uint64_t most)
{
	struct weight weight = {0, 0};

	return weigh(directory, ".", 0, &weight) && weight.bytes <= most;
}
