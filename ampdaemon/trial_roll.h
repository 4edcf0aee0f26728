/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trial_roll: the roll call of a trial: did it speak of the set that was staged, whole, and of nothing else? The process that tries a set reads
 * hostile content, so its word is held against what the daemon itself has staged. Pure.
 *
 * Owns what a report of success must name: each official container of the manifest exactly once, accepted, under its database's name and with
 * signatures; no other official file; of the administrator's files at most those of the manifest, each once; a sum and a time that are
 * those of its parts. Must not own whether what was said is enough (core/definition_machine).
 * Diagnostics: one sentence about the first thing that does not hold.
 */
#ifndef AMP_AMPDAEMON_TRIAL_ROLL_H
#define AMP_AMPDAEMON_TRIAL_ROLL_H

#include "ampdaemon/service_report.h"
#include "base/definition_manifest.h"

/* `report` is of a trial that says that it is ready. 0, or -EBADMSG. */
int trial_roll_call(const struct definition_manifest *manifest, const struct service_report *report,
		    char why[LIMIT_REASON_BYTES]);

#endif
