/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flood_gauge: how many messages a peer may send in a second. Each of them alone is permitted; their
 * number would keep the daemon from its work and turn its log over. Pure; a zeroed gauge is empty.
 */
#ifndef AMP_AMPDAEMON_CORE_FLOOD_GAUGE_H
#define AMP_AMPDAEMON_CORE_FLOOD_GAUGE_H

#include <stdbool.h>

#include "base/mono.h"

#define FLOOD_WINDOW_MS 1000
#define FLOOD_MESSAGES 2000 /* in a window; an honest service says a few per worker and file */

struct flood_gauge {
	mono_ms began;
	unsigned messages;
};

/* Counts one message; true when it is one too many. */
bool flood_gauge_overflows(struct flood_gauge *gauge, mono_ms now);

#endif
