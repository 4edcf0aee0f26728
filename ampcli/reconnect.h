/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reconnect: finds a daemon again that went away: restarted in place, killed and started anew, or upgraded. Owns the pace of trying. Must not
 * know what the session is for.
 */
#ifndef AMP_AMPCLI_RECONNECT_H
#define AMP_AMPCLI_RECONNECT_H

#include "ampcli/control_client.h"
#include "base/mono.h"

/* Tries until `limit` (monotonic), at first every 20 ms, then less often. 0; -EINTR when `stop_fd` became readable; -ETIMEDOUT with the
 * last failure in *ret_failure. A daemon that is there and refuses is asked again: it may be starting or full. */
int reconnect(const char *socket_path, mono_ms limit, int stop_fd,
	      struct control_client **ret_client, struct failure *ret_failure);

#endif
