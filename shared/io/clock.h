/* SPDX-License-Identifier: GPL-2.0-only */
/* clock: the only reader of clocks. */
#ifndef AMP_SHARED_IO_CLOCK_H
#define AMP_SHARED_IO_CLOCK_H

#include <stdint.h>

#include "base/mono.h"

mono_ms clock_mono_ms(void);
uint64_t clock_mono_us(void);

/* Milliseconds since 1970 UTC; for the journal and for people, never for intervals. */
uint64_t clock_utc_ms(void);

#endif
