/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wall_probe: attempts against the walls, from inside. A wall counts as up only after an attempt against it failed; one
 * that succeeds makes it breached. What must end in SIGSYS is tried by short-lived children behind a worker's walls.
 *
 * Owns the attempts. Each changes the book only for the worse.
 */
#ifndef AMP_AMPSCANSVC_WALL_PROBE_H
#define AMP_AMPSCANSVC_WALL_PROBE_H

#include "ampscansvc/walls.h"

/* Reaches for a network; before seccomp. */
void wall_probe_network(struct wall_book *book);

/* Reaches for root's rights; after they were given away, before seccomp. */
void wall_probe_rights(uid_t uid, gid_t gid, struct wall_book *book);

/* Asks the kernel what this process is: user, capabilities, no_new_privs, dumpable, limits, descriptors' number. */
void wall_probe_self(struct wall_book *book);

/* Reaches for files: /etc/shadow, the root, and (a worker with its `slot`) a sibling's slot. */
void wall_probe_files(const struct temp_slot *slot, struct wall_book *book);

/* Is the filter there? */
void wall_probe_filter(struct wall_book *book);

/* Children behind a worker's walls make forbidden calls; each must die of SIGSYS. Uses slot 0, which must be free. */
void wall_probe_calls(const struct wall_book *built, struct wall_book *book);

/* Breached unless exactly descriptors 0 to 2 and the `n` of `expected` are open. */
void wall_probe_descriptors(const int *expected, unsigned n, struct wall_book *book);

#endif
