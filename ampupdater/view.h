/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * view: what the updater sees of the file system: the host's tree, read-only in a mount namespace of its own, with `incoming` in one place
 * that is always called the same. libfreshclam wants a path that it can change to, and the way to the real one is closed to its user.
 *
 * Owns the mounts. Must not own which files may be read (walls.c).
 */
#ifndef AMP_AMPUPDATER_VIEW_H
#define AMP_AMPUPDATER_VIEW_H

#include <stdbool.h>

#define VIEW_INCOMING "/tmp"

/* Enters the view, changes to VIEW_INCOMING and puts a descriptor of it in place of `incoming`. 0, or -errno with what failed in *ret_step.
 * *ret_is_read_only is false on a kernel that cannot make the rest read-only (before 5.12). */
int view_enter(int incoming, bool *ret_is_read_only, const char **ret_step);

#endif
