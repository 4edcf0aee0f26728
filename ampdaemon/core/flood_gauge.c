/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/flood_gauge.h"

bool flood_gauge_overflows(struct flood_gauge *gauge, mono_ms now)
{
	if (now - gauge->began >= FLOOD_WINDOW_MS)
		*gauge = (struct flood_gauge){.began = now};
	return ++gauge->messages > FLOOD_MESSAGES;
}
