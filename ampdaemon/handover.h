/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handover: what one image of the daemon leaves to the next across exec (restart in place, upgrade): descriptors by number and a state
 * in a memfd, encoded by wire/handover_codec with a version. An image that cannot read it starts clean: the old service ends by
 * end-of-file, clients reconnect.
 *
 * Owns the types and the exec itself. Must not own what the parts hand over: each fills and takes its own.
 * What is handed over: the listening socket, the lock of the pid file, the heartbeat to the overseer, the serving scan service with its
 * channel, its workers with theirs and how many answers each owes, counters and numbers, the scans under way (by number and user, so that
 * a client that comes back goes on with its scan). Not handed over: sessions and jobs: clients are told to reconnect and send again
 * what was not answered.
 */
#ifndef AMP_AMPDAEMON_HANDOVER_H
#define AMP_AMPDAEMON_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/cure_plan.h"
#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/service_report.h"
#include "wire/event_codec.h"

#define HANDOVER_VERSION 1
#define HANDOVER_SCANS 2048 /* CONTROL_SESSIONS */

struct service_handover {
	uint64_t incarnation, pings;
	int64_t pid;
	int pidfd, channel;
	int last_words; /* memfd, or -1 */
	uint32_t uid, gid;
	bool as_root;
	enum definition_source source;
	uint64_t generation;
	uint32_t starts;
	mono_ms up_since;
	uint8_t phase; /* of the session rules */
	uint32_t seen;
	struct service_report report;
};

struct worker_handover {
	uint64_t worker, incarnation, answered;
	int64_t pid;
	int pidfd, channel;
	uint32_t canary_us, owed;
	uint8_t phase;
	uint32_t seen;
};

struct scan_handover {
	struct scan_counts counts; /* label: points into the state */
	mono_ms began;
};

#endif
