/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/verdict.h"

#define REASON_TEXT(member, name, text) [member] = text,

NAME_TABLE_DEFINE(verdict, VERDICT_LIST)
NAME_TABLE_DEFINE(scan_reason, SCAN_REASON_LIST)

const char *scan_reason_text(unsigned reason)
{
	static const char *const texts[] = {SCAN_REASON_LIST(REASON_TEXT)};

	return reason < SCAN_REASON_COUNT ? texts[reason] : "unknown";
}

bool verdict_is_plausible(unsigned verdict, unsigned reason, unsigned n_threats)
{
	switch (verdict) {
	case VERDICT_CLEAN:
		return reason == SCAN_REASON_NONE && n_threats == 0;
	case VERDICT_INFECTED:
		return reason == SCAN_REASON_NONE && n_threats > 0;
	case VERDICT_INCOMPLETE:
		return reason >= SCAN_REASON_LIMIT_FILE_SIZE && reason <= SCAN_REASON_CHANGED &&
		       n_threats == 0;
	case VERDICT_ERROR:
		return reason >= SCAN_REASON_READ && reason <= SCAN_REASON_CANARY && n_threats == 0;
	default:
		return false;
	}
}
