/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault_registry: which faults are active, since when, how often seen, with which words. Pure: raise and clear with the time in,
 * announcements out. The rules are those of spec faults.md, "Lifecycle".
 *
 * Owns the state of each fault of the catalogue (base/fault.h) and its texts. Must not own the decision that a condition
 * holds (incident_desk, supervisor, scan_account...), the journal, or a clock.
 *
 * Rules
 * - raise of an inactive fault: announced (RAISED). Of an active one with another severity: announced, raised_ms stays. With
 *   the same severity: only seen_ms, count and texts change; nothing is announced.
 * - clear of an active fault: announced (CLEARED), and when it was the last one also ALL_CLEARED. Of an inactive one: nothing.
 * - A restored fault (fault_registry_restore) is active without an announcement: it was announced before.
 */
#ifndef AMP_AMPDAEMON_CORE_FAULT_REGISTRY_H
#define AMP_AMPDAEMON_CORE_FAULT_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/limits.h"

struct fault_record {
	bool active;
	enum fault_severity severity;
	uint64_t raised_ms, seen_ms, cleared_ms; /* UTC; 0: never */
	uint64_t count;                          /* since it was raised */
	char detail[LIMIT_FAULT_DETAIL_BYTES + 1];
	char remedy[LIMIT_REASON_BYTES + 1];
	char reason[LIMIT_REASON_BYTES + 1]; /* of the last clearing */
};

struct fault_registry {
	struct fault_record records[FAULT_COUNT];
	unsigned n_active;
};

/* A set of what is to be announced, in this order, together with the new state on disk. */
enum fault_announcement {
	FAULT_ANNOUNCE_RAISED = 1 << 0,
	FAULT_ANNOUNCE_CLEARED = 1 << 1,
	FAULT_ANNOUNCE_ALL_CLEARED = 1 << 2,
};

void fault_registry_init(struct fault_registry *registry);

/* Texts are cut to their ceilings; a remedy of NULL is the catalogue's. `id` must be in the catalogue (asserted). */
unsigned fault_registry_raise(struct fault_registry *registry, uint32_t id,
			      enum fault_severity severity, const char *detail, const char *remedy,
			      uint64_t utc_ms);
unsigned fault_registry_clear(struct fault_registry *registry, uint32_t id, const char *reason,
			      uint64_t utc_ms);

/* From a run before this one. A record that makes no sense is not taken: -EINVAL. */
int fault_registry_restore(struct fault_registry *registry, uint32_t id,
			   const struct fault_record *record);

const struct fault_record *fault_registry_get(const struct fault_registry *registry, uint32_t id);
bool fault_registry_is_active(const struct fault_registry *registry, uint32_t id);

#endif
