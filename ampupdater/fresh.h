/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fresh: the only file that knows libfreshclam. One call asks one mirror for one database, in a child process that may die of it: the library
 * has state of its own per process, changes the directory, and reads what strangers send.
 *
 * Owns: the library's settings, its file freshclam.dat as far as it says that a mirror wants us to stay away. Must not own: what its words
 * mean (core/outcome_rule), whether what came is any good: there is no callback that could accept it, the trial decides.
 */
#ifndef AMP_AMPUPDATER_FRESH_H
#define AMP_AMPUPDATER_FRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "ampupdater/core/outcome_rule.h"
#include "wire/update_codec.h"

struct fresh_order {
	const struct update_start *start;
	unsigned database, mirror; /* indices in `start` */
	bool whole;                /* no differences */
};

/* Written by the child, believed by nobody without a look: any bytes may stand there. */
struct fresh_result {
	uint32_t code; /* enum transfer_code */
	uint32_t is_updated;
	uint32_t version; /* what the header of the new file claims */
	uint32_t before;  /* of the file that was there; 0: there was none */
	uint32_t
		refused; /* the mirror was asked for what is above this version only; 0: for anything newer */
};

/* Once, in the parent. False: the library does not start. */
bool fresh_prepare(void);

/* "ClamAV 1.4.6": static text. */
const char *fresh_library(void);

/* In the child, in the directory VIEW_INCOMING. What the library says goes to descriptors 1 and 2. */
void fresh_update(const struct fresh_order *order, struct fresh_result *ret_result);

/* Forgets a wish to stay away; after that a wish that is there is new. 0 or -errno. */
int fresh_forget_wait(int incoming);

/* For how many seconds the mirror wants us to stay away, at most LIMIT_WAIT_S; 0: no such wish. */
uint32_t fresh_wait(int incoming, uint64_t now_s);

#endif
