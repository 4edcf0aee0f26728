/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of the oldest system that we build on; numbers are the kernel's ABI. */
#define FS_TRUNCATE (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)
#define NET_BIND_TCP (1ULL)
#define NET_CONNECT_TCP (2ULL)
#define SCOPE_ABSTRACT_AND_SIGNAL (3ULL)

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* What a rule for a single file may have. */
#define FS_OF_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define FS_ABI_1 ((1ULL << 13) - 1)

/* struct landlock_ruleset_attr as of ABI 6; older kernels take the beginning. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static size_t ruleset_size(int abi)
{
	if (abi >= 6)
		return sizeof(struct ruleset);
	return abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static uint64_t fs_rights(int abi)
{
	uint64_t rights = FS_ABI_1;

	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= FS_TRUNCATE;
	if (abi >= 5)
		rights |= FS_IOCTL_DEV;
	return rights;
}

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? -errno : (int)abi;
}

static uint64_t tree_rights(const struct landlock_tree *tree, int abi, bool is_directory)
{
	uint64_t rights = FS_READ;

	if (tree->writable)
		rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
			  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
			  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM |
			  (abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0);
	return is_directory ? rights : rights & FS_OF_FILE;
}

static int permit(int ruleset, const struct landlock_tree *tree, int abi)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = 0};
	struct stat status;
	long result;

	rule.parent_fd = open(tree->path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return -errno;
	if (fstat(rule.parent_fd, &status) < 0) {
		result = -errno;
		close(rule.parent_fd);
		return (int)result;
	}
	rule.allowed_access = tree_rights(tree, abi, S_ISDIR(status.st_mode));
	result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	result = result < 0 ? -errno : 0;
	close(rule.parent_fd);
	return (int)result;
}

int landlock_restrict(const struct landlock_tree *trees, unsigned n_trees,
		      enum landlock_network network)
{
	struct ruleset attributes = {.net = NET_BIND_TCP, .scoped = SCOPE_ABSTRACT_AND_SIGNAL};
	int abi = landlock_abi();
	int ruleset, result = 0;

	if (abi < 0)
		return abi;
	attributes.fs = fs_rights(abi);
	if (network == LANDLOCK_NO_TCP)
		attributes.net |= NET_CONNECT_TCP;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, ruleset_size(abi), 0);
	if (ruleset < 0)
		return -errno;
	for (unsigned i = 0; i < n_trees && result == 0; i++)
		result = permit(ruleset, &trees[i], abi);
	if (result == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		result = -errno;
	close(ruleset);
	return result;
}
