/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * incident_desk: the shell around core/restart_ledger: files each death certificate (journal event Scan Worker Failed, log line,
 * ledger and its saved state in one transaction), climbs the ladder (a new scan service, fault 6, a restart of the connector) and writes
 * the words of fault 6: counts, last causes, path and digest of each file that was being scanned.
 *
 * Owns the ledger, its timer, the words of the last causes; the files are suspect_list's. Must not own
 * processes, jobs, the table of unscannable files.
 * Kept in the journal under "ledger" with the boot's id: a new boot takes totals, causes and the storm, but no times. The ledger is kept
 * before the fault is raised or cleared; after a crash in between the next start lets the fault follow.
 */
#ifndef AMP_AMPDAEMON_INCIDENT_DESK_H
#define AMP_AMPDAEMON_INCIDENT_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/certificate.h"
#include "ampdaemon/configuration.h"
#include "ampdaemon/fault_desk.h"
#include "ampdaemon/journal.h"
#include "base/mono.h"

struct incident_desk;

struct incident_callbacks {
	/* The scan service is to be replaced (without a gap where memory allows). */
	void (*on_replace)(void *context, const char *reason);
	/* A failure, enough of which make up fault 6 now: the oldest of these began at `since`. True: what came then is blamed and goes: the files that
	 * failed first since then are not known as poison. */
	bool (*on_storm)(void *context, mono_ms since);
	/* The connector is to be restarted in place; called once in restart_every. */
	void (*on_restart)(void *context, const char *reason);
};

struct incident_figures {
	uint32_t in_window;
	uint64_t totals[FAILURE_CLASS_COUNT];
	bool stormy;
};

struct incident_desk *incident_desk_new(uv_loop_t *loop, const struct configuration *configuration,
					struct journal *journal, struct fault_desk *faults,
					const struct incident_callbacks *callbacks, void *context);
struct incident_desk *incident_desk_free(struct incident_desk *desk);

void incident_desk_file(struct incident_desk *desk, const struct death_certificate *certificate);

/* A scan ended; CLEAN, INFECTED and INCOMPLETE are successes. Cheap: it is called for each. */
void incident_desk_scanned(struct incident_desk *desk, bool succeeded);

void incident_desk_figures(const struct incident_desk *desk, struct incident_figures *ret_figures);

#endif
