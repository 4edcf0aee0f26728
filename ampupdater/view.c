/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Numbers of the kernel's ABI, for C libraries that do not name them. */
#define TREE_CLONE 1u
#define TREE_CLOEXEC ((unsigned)O_CLOEXEC)
#define MOVE_FROM_EMPTY_PATH 4u
#define ALL_BELOW 0x8000u
#define ATTRIBUTE_READ_ONLY 1u
#define ATTRIBUTE_NO_SUID 2u
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

struct attributes {
	uint64_t set, clear, propagation, user_namespace;
};

static int seal_rest(bool *ret_is_read_only)
{
	struct attributes attributes = {.set = ATTRIBUTE_READ_ONLY | ATTRIBUTE_NO_SUID};
	long result = syscall(SYS_mount_setattr, AT_FDCWD, "/", ALL_BELOW, &attributes,
			      sizeof(attributes));

	*ret_is_read_only = result == 0;
	return result == 0 || errno == ENOSYS ? 0 : -errno;
}

/* What it hides there is nobody's business here. No program can be loaded from it. */
static int put_incoming(int tree)
{
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, VIEW_INCOMING, MOVE_FROM_EMPTY_PATH) < 0)
		return -errno;
	if (mount(NULL, VIEW_INCOMING, NULL,
		  MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return -errno;
	return chdir(VIEW_INCOMING) < 0 ? -errno : 0;
}

static int replace(int incoming)
{
	int fd = open(VIEW_INCOMING, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -errno : 0;

	if (result == 0 && dup3(fd, incoming, O_CLOEXEC) < 0)
		result = -errno;
	if (fd >= 0)
		close(fd);
	return result;
}

static int build(int tree, int incoming, bool *ret_is_read_only, const char **ret_step)
{
	int result = 0;

	*ret_step = "leave the host's mounts";
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	*ret_step = "make the host's tree read-only";
	result = seal_rest(ret_is_read_only);
	if (result < 0)
		return result;
	*ret_step = "bind the incoming directory";
	result = put_incoming(tree);
	return result < 0 ? result : replace(incoming);
}

int view_enter(int incoming, bool *ret_is_read_only, const char **ret_step)
{
	int tree, result;

	*ret_step = "copy the mount of the incoming directory";
	/* Before the namespace is left: a mount of another namespace cannot be copied. */
	tree = (int)syscall(SYS_open_tree, incoming, "", AT_EMPTY_PATH | TREE_CLONE | TREE_CLOEXEC);
	if (tree < 0)
		return -errno;
	result = build(tree, incoming, ret_is_read_only, ret_step);
	close(tree);
	return result;
}
