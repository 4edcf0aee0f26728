/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/peer_names.h"

#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/core/service_machine.h"

#define NAME_OF(list, value)                                                                       \
	static const char *const names[] = {list(NAME_TABLE_NAME)};                                \
	return (value) < sizeof(names) / sizeof(names[0]) && names[value] ? names[value] : "unknown"

const char *peer_service_state(unsigned state)
{
	NAME_OF(SERVICE_STATE_LIST, state);
}

bool peer_service_is_up(unsigned state)
{
	return state == SERVICE_UP;
}

const char *peer_worker_state(unsigned state)
{
	NAME_OF(WORKER_STATE_LIST, state);
}

const char *peer_death_cause(unsigned cause)
{
	NAME_OF(DEATH_CAUSE_LIST, cause);
}
