/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory_room: how much memory a new scan service could take: what the machine has available, or what the daemon's own cgroup and
 * those above it leave, whichever is less. A measurement, for words and for the question whether two engines fit; nothing is reserved.
 */
#ifndef AMP_AMPDAEMON_MEMORY_ROOM_H
#define AMP_AMPDAEMON_MEMORY_ROOM_H

#include <stdint.h>

/* In bytes; UINT64_MAX when neither can be read. */
uint64_t memory_room_available(void);

#endif
