/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * incoming: the directory into which everything is downloaded (base/update_birth.h). Owns the rule of what may stay there: a plain
 * NAME.cvd or NAME.cld of each wanted database, and the library's memory of itself. Follows no link, trusts no name.
 */
#ifndef AMP_AMPUPDATER_INCOMING_H
#define AMP_AMPUPDATER_INCOMING_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/update_codec.h"

#define INCOMING_MEMORY "freshclam.dat"

/* Removes what may not stay. 0 or -errno of the first thing that could not be removed. */
int incoming_sweep(int directory, const struct update_start *start);

/* True when there is a plain file NAME.ENDING (".cvd" or ".cld"); its size. */
bool incoming_has(int directory, const char *name, const char *ending, uint64_t *ret_bytes);

/* Removes NAME.ENDING; 0, also when there is none. */
int incoming_drop(int directory, const char *name, const char *ending);

/* NAME.ENDING and the directory reach the disk. 0 or -errno. */
int incoming_sync(int directory, const char *name, const char *ending);

/* False: all that is there takes more than `most` bytes of the disk, or is of a kind that no download makes (thousands of files, deep trees). */
bool incoming_is_within(int directory, uint64_t most);

/* Bytes in what may not stay: what is being downloaded. */
uint64_t incoming_pending(int directory, const struct update_start *start);

#endif
