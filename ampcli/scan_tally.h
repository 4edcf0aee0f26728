/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_tally: what is said about one file, and the sums of a scan. Pure. The counts add up to the files by construction:
 * there is one way to add to them.
 */
#ifndef AMP_AMPCLI_SCAN_TALLY_H
#define AMP_AMPCLI_SCAN_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "ampcli/failure.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/verdict.h"

struct scan_line {
	struct span path;
	enum verdict verdict;
	enum scan_reason reason;
	const char *detail; /* printable; "" when there is nothing to add */
	unsigned n_threats;
	const char *const *threats;
	uint64_t generation; /* 0: no definitions were involved */
	uint64_t bytes;
	uint32_t us;
};

struct scan_tally {
	uint64_t files;
	uint64_t verdicts[VERDICT_COUNT];
	uint64_t bytes; /* of what was answered by the engine */
	uint64_t ms;
	uint64_t cached; /* answers that needed no scan; the protocol knows none yet */
	uint64_t symlinks, special, mounts; /* left out, not among the files */
	bool stopped;
};

void scan_tally_add(struct scan_tally *tally, const struct scan_line *line);

/* By spec connector.md: a threat outweighs what could not be scanned. `failure` ended the scan unless its exit is OK. */
enum cli_exit scan_tally_exit(const struct scan_tally *tally, const struct failure *failure);

#endif
