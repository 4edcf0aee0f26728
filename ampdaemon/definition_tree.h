/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_tree: what the definition store does to directories and small files, by descriptor and one name at a time: no path from outside,
 * no symbolic link followed.
 *
 * Owns no descriptor: what it opens is the caller's. Knows no layout. Each function may wait for the disk; none keeps anything, so that any
 * thread may call it. "Ours" is what this process's user owns and nobody else may write (the daemon is root).
 */
#ifndef AMP_AMPDAEMON_DEFINITION_TREE_H
#define AMP_AMPDAEMON_DEFINITION_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define DEFINITION_DIRECTORY_MODE 0755
#define DEFINITION_FILE_MODE 0644

bool definition_tree_is_ours(const struct stat *st);

/* A directory of ours: a descriptor; -ENOTDIR when it is something else (a link, too), -EPERM when it is not ours. */
int definition_tree_open(int parent, const char *name);

/* A new one of DEFINITION_DIRECTORY_MODE, on disk with the next sync of `parent`. A descriptor or -errno. */
int definition_tree_make(int parent, const char *name);

/* A regular file of ours, for reading: a descriptor; -EINVAL when it is something else, -EPERM when it is not ours. */
int definition_tree_open_file(int directory, const char *name, struct stat *ret_st);

/* A new file with this content, synced; the directory is not. On failure nothing is left. 0 or -errno. */
int definition_tree_write(int directory, const char *name, const void *data, size_t len);

/* At most `size` bytes of a regular file of ours. The length, -EFBIG when there is more, or as definition_tree_open_file(). */
ssize_t definition_tree_read(int directory, const char *name, char *buffer, size_t size);

/* Calls for each name but "." and "..", in no order, until one call returns other than 0; that is returned, else 0 or -errno. */
typedef int definition_tree_fn(void *context, int directory, const char *name);
int definition_tree_each(int directory, definition_tree_fn *fn, void *context);

/* A file, or a directory with what is in it. 0 (also when it is not there) or -errno. */
int definition_tree_remove(int parent, const char *name);

/* What its files and directories take on the disk: a file with links elsewhere counts for its part of them, so that several directories
 * that share files are right together. */
uint64_t definition_tree_bytes(int directory);

int definition_tree_sync(int directory);

#endif
