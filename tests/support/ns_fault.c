/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ns_fault: breaks the temporary storage of a running scan service from the host's side, by entering its mount namespace,
 * and repairs it. usage: ns_fault PID FAULT [BYTES INODES UID GID]; all slots at once.
 * Owns: the faults. Must not own: any expectation. Says what failed on standard error, exit 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/birth_contract.h"

#define PARENT "/slot"
#define HIDDEN "/held" /* a directory that the service cannot wipe: root's, mode 0700 */
#define PATH_BYTES 64
#define BLOCK 65536

struct shape {
	const char *bytes, *inodes, *uid, *gid;
};

static void slot_path(unsigned slot, const char *tail, char path[PATH_BYTES])
{
	(void)snprintf(path, PATH_BYTES, PARENT "/%02u%s", slot, tail); /* fits */
}

static int complain(const char *what, const char *path)
{
	(void)fprintf(stderr, "ns_fault: %s %s: %s\n", what, path, strerror(errno));
	return -1;
}

static int change_mode(const char *path, mode_t mode)
{
	return chmod(path, mode) ? complain("chmod", path) : 0;
}

/* The owner goes too: he could open his own directory again. */
static int close_slot(const char *path, const struct shape *shape)
{
	(void)shape;
	return chown(path, 0, 0) ? complain("chown", path) : change_mode(path, 0700);
}

static int unwritable(const char *path, const struct shape *shape)
{
	(void)shape;
	return change_mode(path, 0500);
}

static int open_slot(const char *path, const struct shape *shape)
{
	if (chown(path, (uid_t)strtoul(shape->uid, NULL, 10), (gid_t)strtoul(shape->gid, NULL, 10)))
		return complain("chown", path);
	return change_mode(path, 0700);
}

static int remount(const char *path, unsigned long flags)
{
	return mount(NULL, path, NULL, MS_REMOUNT | flags | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)
		       ? complain("remount", path)
		       : 0;
}

static int read_only(const char *path, const struct shape *shape)
{
	(void)shape;
	return remount(path, MS_RDONLY);
}

static int writable(const char *path, const struct shape *shape)
{
	(void)shape;
	return remount(path, 0);
}

static int put_storage(const char *path, const struct shape *shape)
{
	char options[160];

	(void)snprintf(options, sizeof(options), "size=%s,nr_inodes=%s,uid=%s,gid=%s,mode=0700",
		       shape->bytes, shape->inodes, shape->uid, shape->gid); /* fits */
	return mount("other-temp", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
		       ? complain("mount", path)
		       : 0;
}

/* All that lie over each other. */
static int take_storage(const char *path, const struct shape *shape)
{
	unsigned taken = 0;

	(void)shape;
	while (!umount2(path, MNT_DETACH))
		taken++;
	return taken ? 0 : complain("umount", path);
}

/* Nothing at all is left at the path. The root is read-only for all but this moment. */
static int take_directory(const char *path, const struct shape *shape)
{
	int result = take_storage(path, shape);

	if (!result && mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL))
		result = complain("remount", "/");
	if (!result && rmdir(path))
		result = complain("rmdir", path);
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL))
		result = complain("remount", "/");
	return result;
}

static int fill_bytes(const char *path, const struct shape *shape)
{
	static const char block[BLOCK];
	char file[PATH_BYTES * 2];
	ssize_t written = 1;
	int fd;

	(void)shape;
	(void)snprintf(file, sizeof(file), "%s" HIDDEN, path); /* fits */
	if (mkdir(file, 0700))
		return complain("mkdir", file);
	(void)strncat(file, "/bytes", sizeof(file) - strlen(file) - 1);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain("open", file);
	for (size_t size = BLOCK; size > 0 && written > 0;) {
		written = write(fd, block, size);
		if (written < 0 && errno == ENOSPC) { /* the last bytes one by one */
			size /= 2;
			written = 1;
		}
	}
	close(fd);
	return 0;
}

static int fill_inodes(const char *path, const struct shape *shape)
{
	char file[PATH_BYTES * 2];
	int fd = 0;

	(void)shape;
	(void)snprintf(file, sizeof(file), "%s" HIDDEN, path); /* fits */
	if (mkdir(file, 0700))
		return complain("mkdir", file);
	for (unsigned i = 0; fd >= 0; i++) {
		(void)snprintf(file, sizeof(file), "%s" HIDDEN "/%u", path, i); /* fits */
		fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0)
			close(fd);
	}
	return errno == ENOSPC ? 0 : complain("open", file);
}

static int unfill(const char *path, const struct shape *shape)
{
	char file[PATH_BYTES * 2];

	(void)shape;
	(void)snprintf(file, sizeof(file), "%s" HIDDEN "/bytes", path); /* fits */
	(void)unlink(file); /* or it was filled by inodes */
	for (unsigned i = 0;; i++) {
		(void)snprintf(file, sizeof(file), "%s" HIDDEN "/%u", path, i); /* fits */
		if (unlink(file))
			break;
	}
	(void)snprintf(file, sizeof(file), "%s" HIDDEN, path); /* fits */
	return rmdir(file) && errno != ENOENT ? complain("rmdir", file) : 0;
}

static const struct {
	const char *name;
	int (*act)(const char *path, const struct shape *shape);
} faults[] = {
	{"closed", close_slot},       {"unwritable", unwritable},  {"open", open_slot},
	{"read-only", read_only},     {"writable", writable},      {"replaced", put_storage},
	{"unmounted", take_storage},  {"missing", take_directory}, {"full-bytes", fill_bytes},
	{"full-inodes", fill_inodes}, {"unfill", unfill},
};

static int enter(const char *pid)
{
	char path[PATH_BYTES];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid); /* cut: not found */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNS))
		return complain("enter", path);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct shape shape = {"4m", "2000", "0", "0"};
	char path[PATH_BYTES];
	int result = 0;

	if (argc != 3 && argc != 7)
		return 64;
	if (argc == 7)
		shape = (struct shape){argv[3], argv[4], argv[5], argv[6]};
	if (enter(argv[1]))
		return 1;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (strcmp(faults[i].name, argv[2]) != 0)
			continue;
		for (unsigned slot = 0; slot < BIRTH_WORKER_SLOTS; slot++) {
			slot_path(slot, "", path);
			result |= faults[i].act(path, &shape);
		}
		return result ? 1 : 0;
	}
	(void)fprintf(stderr, "ns_fault: unknown fault %s\n", argv[2]);
	return 64;
}
