/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * atomic_file: a small file that is either the old one or the new one, at every instant: write, fsync, rename, fsync of
 * the directory.
 */
#ifndef AMP_SHARED_IO_ATOMIC_FILE_H
#define AMP_SHARED_IO_ATOMIC_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Replaces `path` by `len` bytes with `mode`. 0 or -errno; on failure the old file is untouched and nothing is left. */
int atomic_file_write(const char *path, const void *data, size_t len, mode_t mode);

/* Reads at most `size` - 1 bytes and ends them with NUL. The length, or -errno (-EFBIG when it does not fit). */
ssize_t atomic_file_read(const char *path, char *buffer, size_t size);

#endif
