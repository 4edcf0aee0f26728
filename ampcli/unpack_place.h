/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unpack_place: files without a name for what comes out of a bundle: below TMPDIR, else /var/tmp. They go with the process, however it ends.
 * Owns where they are, and that what else is on that disk keeps room.
 */
#ifndef AMP_AMPCLI_UNPACK_PLACE_H
#define AMP_AMPCLI_UNPACK_PLACE_H

#include <stdint.h>

#include "ampcli/failure.h"

/* Is there room for so much, twice? 0, or -1 with the reason. */
int unpack_place_check(uint64_t bytes, struct failure *ret_failure);

/* The same new file, for writing and for reading; the caller closes both. 0, or -1 with the reason. */
int unpack_place_new(int *ret_writer, int *ret_reader, struct failure *ret_failure);

#endif
