/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/away_scans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/session_scan.h"

struct away_scan {
	struct scan_handover scan;
	mono_ms deadline;
	uint8_t label[];
};

struct away_scans {
	struct journal *journal;
	mono_ms limit;
	struct away_scan *taken; /* the last one: its label is still looked at */
	unsigned n;
	struct away_scan *scans[HANDOVER_SCANS];
};

struct away_scans *away_scans_new(struct journal *journal, mono_ms limit)
{
	struct away_scans *away = calloc(1, sizeof(*away));

	if (!away)
		return NULL;
	away->journal = journal;
	away->limit = limit;
	return away;
}

static void fail(struct away_scans *away, unsigned at)
{
	scan_handover_fail(&away->scans[at]->scan, away->journal);
	free(away->scans[at]);
	away->scans[at] = away->scans[--away->n];
}

struct away_scans *away_scans_free(struct away_scans *away)
{
	if (!away)
		return NULL;
	while (away->n)
		fail(away, away->n - 1);
	free(away->taken);
	free(away);
	return NULL;
}

int away_scans_add(struct away_scans *away, const struct scan_handover *scan, mono_ms now)
{
	size_t len = scan->counts.label.len;
	struct away_scan *entry = NULL;

	if (away->n < HANDOVER_SCANS)
		entry = malloc(sizeof(*entry) + len);
	if (!entry) {
		scan_handover_fail(scan, away->journal);
		return away->n < HANDOVER_SCANS ? -ENOMEM : -ENOSPC;
	}
	entry->scan = *scan;
	entry->deadline = mono_add(now, away->limit);
	if (len)
		memcpy(entry->label, scan->counts.label.data, len);
	entry->scan.counts.label = span_of(entry->label, len);
	away->scans[away->n++] = entry;
	return 0;
}

bool away_scans_take(struct away_scans *away, uint64_t number, uint32_t uid,
		     struct scan_handover *ret_scan)
{
	for (unsigned i = 0; i < away->n; i++) {
		const struct scan_counts *counts = &away->scans[i]->scan.counts;

		if (counts->scan != number || counts->uid != uid)
			continue;
		free(away->taken);
		away->taken = away->scans[i];
		away->scans[i] = away->scans[--away->n];
		*ret_scan = away->taken->scan;
		return true;
	}
	return false;
}

unsigned away_scans_list(const struct away_scans *away, struct scan_handover *scans, unsigned max)
{
	unsigned n = away->n < max ? away->n : max;

	for (unsigned i = 0; i < n; i++)
		scans[i] = away->scans[i]->scan;
	return n;
}

void away_scans_check(struct away_scans *away, mono_ms now)
{
	for (unsigned i = away->n; i > 0; i--) {
		if (now >= away->scans[i - 1]->deadline)
			fail(away, i - 1);
	}
}

void away_scans_renew(struct away_scans *away, mono_ms now)
{
	for (unsigned i = 0; i < away->n; i++)
		away->scans[i]->deadline = mono_add(now, away->limit);
}
