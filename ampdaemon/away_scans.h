/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * away_scans: scans whose clients are away, because the daemon restarted in place. Each may be taken by its own user once; those that
 * nobody takes in time have failed. Owns copies of their labels. Must not own sessions.
 */
#ifndef AMP_AMPDAEMON_AWAY_SCANS_H
#define AMP_AMPDAEMON_AWAY_SCANS_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/journal.h"
#include "wire/handover_codec.h"

struct away_scans;

/* `limit`: how long each is waited for. NULL when there is no memory. */
struct away_scans *away_scans_new(struct journal *journal, mono_ms limit);

/* Those that are there have failed. */
struct away_scans *away_scans_free(struct away_scans *away);

/* 0; -ENOMEM, -ENOSPC: it has failed at once. */
int away_scans_add(struct away_scans *away, const struct scan_handover *scan, mono_ms now);

/* True: it is the caller's now; its label is valid until the next call. */
bool away_scans_take(struct away_scans *away, uint64_t number, uint32_t uid,
		     struct scan_handover *ret_scan);

/* All of them, still there; how many. Labels as above. */
unsigned away_scans_list(const struct away_scans *away, struct scan_handover *scans, unsigned max);

void away_scans_check(struct away_scans *away, mono_ms now);

/* They are waited for as long again. */
void away_scans_renew(struct away_scans *away, mono_ms now);

#endif
