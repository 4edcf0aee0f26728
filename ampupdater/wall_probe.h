/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wall_probe: attempts against the updater's walls, from inside. Owns the attempts. Each changes the book only for the worse. What must end
 * in SIGSYS is tried by short-lived children behind a child's walls.
 */
#ifndef AMP_AMPUPDATER_WALL_PROBE_H
#define AMP_AMPUPDATER_WALL_PROBE_H

#include <sys/types.h>

#include "ampupdater/walls.h"

/* Reaches for root's rights; after they were given away, before seccomp. */
void wall_probe_rights(uid_t uid, gid_t gid, struct wall_book *book);

/* Reaches for files that are not the updater's, and uses what is. */
void wall_probe_files(struct wall_book *book);

/* Children behind a child's walls make forbidden calls; each must die of SIGSYS. */
void wall_probe_calls(struct wall_book *book);

#endif
