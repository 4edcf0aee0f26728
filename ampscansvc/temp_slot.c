/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/temp_slot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#ifndef ST_RDONLY
#define ST_RDONLY 1
#endif

#define WIPE_DEPTH                                                                                 \
	64 /* libclamav nests a few levels; who builds more has filled the slot and loses it */

static void name(unsigned number, char path[TEMP_SLOT_PATH_BYTES])
{
	(void)snprintf(path, TEMP_SLOT_PATH_BYTES, TEMP_SLOT_PARENT_PATH "/%02u",
		       number % 100); /* fits */
}

int temp_slot_mount(unsigned number, const struct temp_slot_size *size)
{
	char path[TEMP_SLOT_PATH_BYTES], options[160];
	int len;

	name(number, path);
	len = snprintf(options, sizeof(options), "size=%llu,nr_inodes=%llu,uid=%u,gid=%u,mode=0700",
		       (unsigned long long)size->bytes, (unsigned long long)size->inodes, size->uid,
		       size->gid);
	if (len < 0 || (size_t)len >= sizeof(options))
		return -EINVAL;
	if (mkdir(path + 1, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (mount("amp-temp", path + 1, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return -errno;
	return 0;
}

int temp_slot_open(unsigned number, struct temp_slot *ret_slot)
{
	struct stat own, parent;

	ret_slot->number = number;
	name(number, ret_slot->path);
	if (stat(ret_slot->path, &own) < 0 || stat(TEMP_SLOT_PARENT_PATH, &parent) < 0)
		return -errno;
	if (!S_ISDIR(own.st_mode) || own.st_dev == parent.st_dev)
		return -ESTALE;
	ret_slot->dev = own.st_dev;
	ret_slot->ino = own.st_ino;
	return 0;
}

int temp_slot_check(const struct temp_slot *slot, bool *ret_used)
{
	struct stat now;
	struct statfs room;

	*ret_used = true;
	if (stat(slot->path, &now) < 0)
		return -errno;
	if (now.st_dev != slot->dev || now.st_ino != slot->ino || !S_ISDIR(now.st_mode))
		return -ESTALE;
	if (access(slot->path, R_OK | W_OK | X_OK) < 0)
		return -errno;
	if (statfs(slot->path, &room) < 0)
		return -errno;
	if (room.f_flags & ST_RDONLY)
		return -EROFS;
	/* A tmpfs that is empty has given one inode away: its root. */
	*ret_used = room.f_bavail < room.f_blocks || room.f_ffree + 1 < room.f_files;
	return 0;
}

int temp_slot_has_room(const struct temp_slot *slot)
{
	struct statfs room;

	if (statfs(slot->path, &room) < 0)
		return -errno;
	if (room.f_bavail < room.f_blocks / 2 || room.f_ffree < room.f_files / 2)
		return -ENOSPC;
	return 0;
}

static int wipe(int dir, unsigned depth);

static int wipe_entry(int dir, const char *entry, unsigned depth)
{
	int inner, result;

	if (unlinkat(dir, entry, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	inner = openat(dir, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (inner < 0)
		return -errno;
	result = depth < WIPE_DEPTH ? wipe(inner, depth + 1) : -ELOOP;
	if (unlinkat(dir, entry, AT_REMOVEDIR) < 0 && result == 0)
		result = -errno;
	return result;
}

/* Takes `dir`. */
static int wipe(int dir, unsigned depth)
{
	DIR *list = fdopendir(dir);
	struct dirent *entry;
	int result = 0;

	if (!list) {
		result = -errno;
		close(dir);
		return result;
	}
	while ((entry = readdir(list))) {
		int failed;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		failed = wipe_entry(dir, entry->d_name, depth);
		if (result == 0)
			result = failed;
	}
	closedir(list);
	return result;
}

int temp_slot_wipe(const struct temp_slot *slot)
{
	int dir = open(slot->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return dir < 0 ? -errno : wipe(dir, 0);
}
