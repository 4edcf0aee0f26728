/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stand_in: a place in which a version that was rejected stands for the file that is there. The library compares the mirror's version with
 * the local file's header, and fetches what is newer: so a mirror that still has what we rejected is asked for 512 bytes and not for the
 * file, each time, and the present file is not touched meanwhile.
 *
 * Owns the place below VIEW_INCOMING and its only content. In the child. What it leaves when it dies is swept (incoming).
 */
#ifndef AMP_AMPUPDATER_STAND_IN_H
#define AMP_AMPUPDATER_STAND_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "ampupdater/view.h"

#define STAND_IN_PLACE VIEW_INCOMING "/refused.tmp"

/* Makes the place, with the library's memory of mirrors in it. 0 or -errno. */
int stand_in_make(const char *database, uint32_t version);

/* Brings out the memory and, when something newer was fetched, that. 0 or -errno. */
int stand_in_bring_out(const char *database, bool is_updated);

#endif
