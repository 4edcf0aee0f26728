/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outcome_rule: what the library returned and said about one transfer -> one update_outcome and a detail for people. Pure.
 *
 * The library returns one code for a mirror without the file, one that answers 500 and one whose header is garbage, one for a stall, a full
 * disk and a refused connection, and success when the newest difference could not be had. So its words decide, where it has said one of
 * those that we know (1.4.x and 1.5.x say the same); its code is for the rest. Owns the table of those words.
 */
#ifndef AMP_AMPUPDATER_CORE_OUTCOME_RULE_H
#define AMP_AMPUPDATER_CORE_OUTCOME_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/update_outcome.h"

/* The library's codes, as far as they differ for us. */
enum transfer_code {
	TRANSFER_OK,
	TRANSFER_CONNECTION,
	TRANSFER_DAMAGED,
	TRANSFER_REFUSED,
	TRANSFER_DISK,
	TRANSFER_OTHER,
};

struct transfer {
	enum transfer_code code;
	bool is_updated;
	uint32_t wait_s; /* what the mirror asks for now; 0: nothing */
	const char *log; /* all that the library said: lines of whatever bytes */
};

struct transfer_verdict {
	enum update_outcome outcome;
	/* The mirror has something newer still, but not the difference to it: ask for the whole file. The outcome may be UPDATED all the same. */
	bool wants_whole;
	char detail[LIMIT_DETAIL_BYTES + 1]; /* printable ASCII */
};

void outcome_rule_apply(const struct transfer *transfer, struct transfer_verdict *ret_verdict);

#endif
