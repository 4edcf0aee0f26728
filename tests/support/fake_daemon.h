/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_daemon: what the parts of the stand-in for ampdaemon share. Owns one session. */
#ifndef AMP_TESTS_SUPPORT_FAKE_DAEMON_H
#define AMP_TESTS_SUPPORT_FAKE_DAEMON_H

#include <stdbool.h>

#include "wire/control_codec.h"

struct fake {
	int fd;
	const char *mode, *word; /* of the command line; the word behind the mode, "" */
	unsigned long number;    /* of that word */
	unsigned long answered;
	struct scan_counts counts;
	struct wire_arena *arena;
};

bool fake_is_mode(const struct fake *fake, const char *mode);
void fake_send(const struct fake *fake, const struct reply *reply); /* or ends the process */
void fake_refuse(const struct fake *fake, enum refusal_code code, const char *reason);
bool fake_is_for_root(const struct fake *fake); /* false: it is refused */

/* fake_definitions.c: checks, imports, rollbacks, updates, generations. */
void fake_definitions_answer(const struct fake *fake, const struct request *request, int fd);

#endif
