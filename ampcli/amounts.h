/* SPDX-License-Identifier: GPL-2.0-only */
/* amounts: sizes, durations and times as short text for a person. Pure; each returns `out`. */
#ifndef AMP_AMPCLI_AMOUNTS_H
#define AMP_AMPCLI_AMOUNTS_H

#include <stddef.h>
#include <stdint.h>

#define AMOUNT_TEXT 40 /* enough for each of them */

/* "812 B", "1.5 MiB". */
char *amount_of_bytes(uint64_t bytes, char out[AMOUNT_TEXT]);

/* "0.4 s", "2 min 5 s", "3 h 10 min", "2 d 4 h". */
char *amount_of_time(uint64_t ms, char out[AMOUNT_TEXT]);

/* "2030-01-31 12:00:00 UTC"; "never" for 0. */
char *amount_of_utc(uint64_t utc_ms, char out[AMOUNT_TEXT]);

#endif
