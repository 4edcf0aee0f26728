/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check: one check of all wanted databases at the mirrors, in order, with reports to the daemon. Owns the order of questions (a mirror that
 * failed is asked last for the next database, one that told us to wait is not asked again) and the state in which `incoming` is left:
 * a failed attempt changes nothing, but that a file is gone where an older one than promised has taken its place. Must not own how one attempt is made (fetch).
 */
#ifndef AMP_AMPUPDATER_CHECK_H
#define AMP_AMPUPDATER_CHECK_H

#include "ampupdater/fetch.h"
#include "wire/update_codec.h"

/* Returns the exit status (base/update_outcome.h). Behind the walls. */
int check_run(const struct update_start *start, struct fetch *fetch);

/* Last words: what could not be begun. Returns `code`. */
int check_say_failed(int code, const char *reason);

/* The first words. 0 or -errno. */
int check_say_hello(const struct update_hello *hello);

#endif
