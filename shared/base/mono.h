/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mono: monotonic time as a value. Owns the type and its arithmetic; shared/io/clock.c is the only reader of a clock.
 * Wall-clock time is another type (utc_ms, uint64_t) and appears in the journal and in reports only.
 */
#ifndef AMP_SHARED_BASE_MONO_H
#define AMP_SHARED_BASE_MONO_H

#include <stdint.h>

typedef int64_t mono_ms; /* milliseconds since an arbitrary point */

#define MONO_NEVER INT64_MAX /* a deadline that does not come */

static inline mono_ms mono_add(mono_ms t, mono_ms d)
{
	return t == MONO_NEVER || d == MONO_NEVER || t > MONO_NEVER - d ? MONO_NEVER : t + d;
}

static inline mono_ms mono_min(mono_ms a, mono_ms b)
{
	return a < b ? a : b;
}

#endif
