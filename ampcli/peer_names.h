/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer_names: names of the daemon's states that the wire carries as numbers. The lists are the daemon's; a number beyond
 * them is "unknown".
 */
#ifndef AMP_AMPCLI_PEER_NAMES_H
#define AMP_AMPCLI_PEER_NAMES_H

#include <stdbool.h>

const char *peer_service_state(unsigned state);
bool peer_service_is_up(unsigned state);
const char *peer_worker_state(unsigned state);
const char *peer_death_cause(unsigned cause);

#endif
