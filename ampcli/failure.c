/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/failure.h"

#include <stdarg.h>
#include <stdio.h>

int failure_set(struct failure *failure, enum cli_exit code, const char *format, ...)
{
	va_list args;

	failure->exit = code;
	va_start(args, format);
	(void)vsnprintf(failure->text, sizeof(failure->text), format,
			args); /* cut is good enough */
	va_end(args);
	return -1;
}
