/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/reconnect.h"

#include <errno.h>
#include <poll.h>

#include "io/clock.h"

#define PAUSE_FIRST_MS 20 /* a restart in place takes some tens of milliseconds */
#define PAUSE_MOST_MS 1000

int reconnect(const char *socket_path, mono_ms limit, int stop_fd,
	      struct control_client **ret_client, struct failure *ret_failure)
{
	const struct client_patience patience = {.limit = limit, .stop_fd = stop_fd};
	struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
	int pause = PAUSE_FIRST_MS;

	while (control_client_open_within(socket_path, &patience, ret_client, ret_failure) < 0) {
		if (poll(&stop, 1, pause) > 0)
			return -EINTR;
		if (clock_mono_ms() >= limit)
			return -ETIMEDOUT;
		pause = 2 * pause < PAUSE_MOST_MS ? 2 * pause : PAUSE_MOST_MS;
	}
	return 0;
}
