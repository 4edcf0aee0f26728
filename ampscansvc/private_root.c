/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/private_root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/birth_contract.h"

/* Numbers of the kernel's ABI, for C libraries that do not name them. */
#define TREE_CLONE 1u
#define TREE_CLOEXEC ((unsigned)O_CLOEXEC)
#define MOVE_FROM_EMPTY_PATH 4u

#define QUIET (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define BASE "/tmp"

/* A copy of the mount that `directory` lies in, from that directory down. Must be taken before the namespace is left. */
static int take_tree(int directory)
{
	long tree =
		syscall(SYS_open_tree, directory, "", AT_EMPTY_PATH | TREE_CLONE | TREE_CLOEXEC);

	return tree < 0 ? -errno : (int)tree;
}

static int put_tree(int tree, const char *target)
{
	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_FROM_EMPTY_PATH) < 0)
		return -errno;
	if (mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | QUIET, NULL) < 0)
		return -errno;
	return 0;
}

static int put_stage(const struct temp_slot_size *slot)
{
	char options[96];

	(void)snprintf(options, sizeof(options), "size=64k,nr_inodes=16,uid=%u,gid=%u,mode=0700",
		       slot->uid, slot->gid); /* fits */
	if (mkdir(&ROOT_STAGE[1], 0755) < 0)
		return -errno;
	return mount("amp-stage", &ROOT_STAGE[1], "tmpfs", QUIET, options) < 0 ? -errno : 0;
}

static int put_slots(const struct temp_slot_size *size)
{
	if (mkdir(&TEMP_SLOT_PARENT_PATH[1], 0755) < 0)
		return -errno;
	for (unsigned i = 0; i < BIRTH_WORKER_SLOTS; i++) {
		int result = temp_slot_mount(i, size);

		if (result < 0)
			return result;
	}
	return 0;
}

/* Any directory does as a mount point; what it held is out of sight, and soon out of reach. */
static int begin(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (mount("amp-root", BASE, "tmpfs", QUIET, "size=64k,nr_inodes=128,mode=0755") < 0)
		return -errno;
	return chdir(BASE) < 0 ? -errno : 0;
}

static int swap(void)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	/* The old root lies on top of the new one now. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | QUIET, NULL) < 0 ? -errno
											  : 0;
}

static int fill(int builtin, int definitions, const struct temp_slot_size *slot,
		const char **ret_step)
{
	int result;

	*ret_step = "make the new root";
	result = begin();
	if (result < 0)
		return result;
	*ret_step = "bind the built-in definitions";
	result = put_tree(builtin, &ROOT_BUILTIN[1]);
	if (result < 0)
		return result;
	*ret_step = "bind the definitions";
	result = definitions < 0 ? 0 : put_tree(definitions, &ROOT_DEFINITIONS[1]);
	if (result < 0)
		return result;
	*ret_step = "mount the temporary slots";
	result = put_stage(slot);
	if (result == 0)
		result = put_slots(slot);
	if (result < 0)
		return result;
	*ret_step = "swap the roots";
	return swap();
}

int private_root_enter(const struct private_root_order *order, const char **ret_step)
{
	int builtin, definitions = -1, result = 0;

	*ret_step = "copy the trees of the definitions";
	builtin = take_tree(order->builtin);
	if (builtin < 0)
		return builtin;
	if (order->definitions >= 0) {
		definitions = take_tree(order->definitions);
		result = definitions < 0 ? definitions : 0;
	}
	if (result == 0) {
		*ret_step = "leave the host's mounts";
		result = unshare(CLONE_NEWNS) < 0 ? -errno : 0;
	}
	if (result == 0)
		result = fill(builtin, definitions, &order->slot, ret_step);
	close(builtin);
	if (definitions >= 0)
		close(definitions);
	return result;
}
