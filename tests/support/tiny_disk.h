/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tiny_disk: a tmpfs of a few pages at a directory, in a mount namespace of this process alone: it fills up like a disk, and
 * goes with the process.
 */
#ifndef AMP_TESTS_SUPPORT_TINY_DISK_H
#define AMP_TESTS_SUPPORT_TINY_DISK_H

#include <stdbool.h>
#include <stddef.h>

/* False when this process may not mount. */
bool tiny_disk_mount(const char *directory, size_t bytes);

/* Fills what is free with one file DIRECTORY/ballast, or removes it. */
bool tiny_disk_fill(const char *directory);
bool tiny_disk_empty(const char *directory);

void tiny_disk_unmount(const char *directory);

#endif
