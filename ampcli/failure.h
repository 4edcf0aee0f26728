/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * failure: one sentence for a person and the exit code that goes with it. Whoever finds the trouble fills it in, whoever
 * holds the terminal prints it, once.
 */
#ifndef AMP_AMPCLI_FAILURE_H
#define AMP_AMPCLI_FAILURE_H

#include "base/exit_code.h"

struct failure {
	enum cli_exit exit; /* CLI_EXIT_OK: nothing went wrong */
	char text[1200];    /* long enough for the path of a socket, escaped */
};

/* Returns -1, so that a caller can say it and leave in one statement. */
int failure_set(struct failure *failure, enum cli_exit code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
