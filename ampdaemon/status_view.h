/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * status_view: gathers what the parts know into one report for clients, and says in sentences what keeps the connector from
 * working as designed. Owns nothing.
 */
#ifndef AMP_AMPDAEMON_STATUS_VIEW_H
#define AMP_AMPDAEMON_STATUS_VIEW_H

#include "ampdaemon/control_server.h"
#include "ampdaemon/fault_desk.h"
#include "ampdaemon/incident_desk.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/scan_desk.h"
#include "ampdaemon/supervisor.h"
#include "ampdaemon/update_desk.h"
#include "ampdaemon/worker_memory.h"

struct status_sources {
	const struct supervisor *supervisor;
	const struct scan_desk *desk;
	const struct journal *journal;
	const struct control_server *server;
	const struct worker_memory *memory;
	const struct fault_desk *faults;
	const struct incident_desk *incidents;
	const struct update_desk *updates; /* NULL: nobody watches the age */
	uint32_t restarts;                 /* in place, since the first start */
	mono_ms started;
};

/* Storage of the sentences; what a report points to lives there. */
struct status_notices {
	char texts[LIMIT_NOTICES][LIMIT_REASON_BYTES + 1];
};

void status_view_fill(const struct status_sources *sources, struct status_notices *notices,
		      struct status_report *ret_report);

#endif
