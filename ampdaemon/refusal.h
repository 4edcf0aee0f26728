/* SPDX-License-Identifier: GPL-2.0-only */
/* refusal: an error that is returned, and the one sentence about it that a person gets, in one statement. Must not own words. */
#ifndef AMP_AMPDAEMON_REFUSAL_H
#define AMP_AMPDAEMON_REFUSAL_H

#include "base/limits.h"

/* Returns `error`. What does not fit is cut. */
int refusal_say(char why[LIMIT_REASON_BYTES], int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
