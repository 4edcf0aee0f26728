/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/clock.h"

#include <time.h>

mono_ms clock_mono_ms(void)
{
	return (mono_ms)(clock_mono_us() / 1000);
}

uint64_t clock_mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_utc_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
