/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/refusal.h"

#include <stdarg.h>
#include <stdio.h>

int refusal_say(char why[LIMIT_REASON_BYTES], int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, LIMIT_REASON_BYTES, format, arguments); /* a long sentence is cut */
	va_end(arguments);
	return error;
}
