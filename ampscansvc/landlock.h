/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * landlock: restricts this process to trees of the file system, by the raw system calls (no library needed, ABI
 * probed at run time). Layers stack: a worker adds a narrower one to its parent's. Also denies TCP, and from ABI 6 on
 * abstract sockets and signals to processes outside the own layer.
 *
 * Returns -ENOSYS or -EOPNOTSUPP when the kernel has none.
 */
#ifndef AMP_AMPSCANSVC_LANDLOCK_H
#define AMP_AMPSCANSVC_LANDLOCK_H

#include <stdbool.h>

struct landlock_tree {
	const char *path; /* a directory; one that is missing is -ENOENT */
	bool writable;    /* else readable only */
};

/* The ABI of the running kernel (1 up), or -errno. */
int landlock_abi(void);

/* From here on only `trees` can be opened. Needs no_new_privs. 0 or -errno. */
int landlock_restrict(const struct landlock_tree *trees, unsigned n_trees);

#endif
