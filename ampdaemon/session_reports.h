/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_reports: pages that a client asks for, made to fit into a packet: history, faults, files that are not scanned. Fills and encodes;
 * the session sends. Must not own what is reported, nor sockets.
 */
#ifndef AMP_AMPDAEMON_SESSION_REPORTS_H
#define AMP_AMPDAEMON_SESSION_REPORTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ampdaemon/core/unscannable.h"
#include "ampdaemon/fault_desk.h"
#include "ampdaemon/journal.h"

/* All return the length of a reply in `packet`, or -errno. */

/* As many of the rows as fit. `n` negative: the journal could not be read. */
ssize_t session_report_history(const struct journal_row *rows, int n, uint8_t *packet, size_t size);

/* `id` 0: all active ones; details that do not fit together are left to be asked for alone. -ENOENT: there is no such fault. */
ssize_t session_report_faults(const struct fault_desk *faults, uint32_t id, uint8_t *packet,
			      size_t size);

ssize_t session_report_unscannable(const struct unscannable *table, uint32_t from, uint32_t limit,
				   uint8_t *packet, size_t size);

#endif
