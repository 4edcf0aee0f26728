/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/scan_tally.h"

void scan_tally_add(struct scan_tally *tally, const struct scan_line *line)
{
	tally->files++;
	tally->verdicts[line->verdict]++;
	if (line->verdict != VERDICT_NOT_SCANNED)
		tally->bytes += line->bytes;
}

enum cli_exit scan_tally_exit(const struct scan_tally *tally, const struct failure *failure)
{
	if (tally->verdicts[VERDICT_INFECTED] > 0)
		return CLI_EXIT_THREAT;
	if (failure->exit != CLI_EXIT_OK)
		return failure->exit;
	if (tally->stopped || tally->verdicts[VERDICT_CLEAN] != tally->files)
		return CLI_EXIT_NOT_ALL_SCANNED;
	return CLI_EXIT_OK;
}
