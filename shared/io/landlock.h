/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * landlock: restricts this process to trees of the file system, by the raw system calls (no library needed, ABI
 * probed at run time). Layers stack: a worker adds a narrower one to its parent's. Also denies TCP or a part of it, and from ABI 6
 * on abstract sockets and signals to processes outside the own layer.
 *
 * Returns -ENOSYS or -EOPNOTSUPP when the kernel has none.
 */
#ifndef AMP_SHARED_IO_LANDLOCK_H
#define AMP_SHARED_IO_LANDLOCK_H

#include <stdbool.h>

struct landlock_tree {
	const char *path; /* a directory or a file; one that is missing is -ENOENT */
	bool writable;    /* else readable only */
};

enum landlock_network {
	LANDLOCK_NO_TCP,
	LANDLOCK_TCP_CONNECT, /* but no listening */
};

/* The ABI of the running kernel (1 up), or -errno. */
int landlock_abi(void);

/* From here on only `trees` can be opened. Needs no_new_privs. 0 or -errno. */
int landlock_restrict(const struct landlock_tree *trees, unsigned n_trees,
		      enum landlock_network network);

#endif
