/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault_desk: the shell around core/fault_registry: each change goes into the journal in one transaction, the event and the new
 * state of the fault together, so that a crash neither loses a fault nor announces it twice.
 *
 * Owns the registry. Must not own any condition: whoever knows one raises and clears. Nobody else writes fault events.
 */
#ifndef AMP_AMPDAEMON_FAULT_DESK_H
#define AMP_AMPDAEMON_FAULT_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/fault_registry.h"
#include "ampdaemon/journal.h"
#include "wire/control_codec.h"

struct fault_desk;

/* Takes over what the journal kept ("fault/ID"). NULL when there is no memory. */
struct fault_desk *fault_desk_new(struct journal *journal);
struct fault_desk *fault_desk_free(struct fault_desk *desk);

/* `detail`: the concrete things, printable ASCII (strangers' bytes through text_escape first); `remedy` NULL: the catalogue's. */
void fault_desk_raise(struct fault_desk *desk, enum fault_id id, enum fault_severity severity,
		      const char *detail, const char *remedy);
void fault_desk_clear(struct fault_desk *desk, enum fault_id id, const char *reason);

bool fault_desk_is_active(const struct fault_desk *desk, enum fault_id id);

/* For reports; texts are valid until the fault changes. The active ones: how many were filled. One of the catalogue: 0 or -ENOENT. */
unsigned fault_desk_active(const struct fault_desk *desk, struct fault_state *states, unsigned max);
int fault_desk_state(const struct fault_desk *desk, uint32_t id, struct fault_state *ret_state);

#endif
