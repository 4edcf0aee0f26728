/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/service_birth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/packet.h"

struct told {
	char *error;
	size_t size;
};

static int open_directory(const char *path, const struct told *told)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	(void)snprintf(told->error, told->size, "%s cannot be opened: %s", path, strerror(errno));
	return -errno;
}

static int spawn_with_channel(struct spawn_order *order, struct spawned *ret_spawned,
			      int *ret_channel, const struct told *told)
{
	int pair[2];
	int r = packet_pair(pair);

	if (r) {
		(void)snprintf(told->error, told->size, "no socket pair: %s", strerror(-r));
		return r;
	}
	order->channel = pair[1];
	r = spawn_service(order, ret_spawned, told->error, told->size);
	close(pair[1]);
	if (r)
		close(pair[0]);
	else
		*ret_channel = pair[0];
	return r;
}

int service_birth(const struct configuration *configuration, struct spawned *ret_spawned,
		  int *ret_channel, char *ret_error, size_t size)
{
	struct spawn_order order = {.program = configuration->scan_service, .definitions = -1};
	struct told told = {ret_error, size};
	int r = order.builtin = open_directory(configuration->builtin_dir, &told);

	if (r < 0)
		return r;
	if (configuration->definitions_dir)
		r = order.definitions = open_directory(configuration->definitions_dir, &told);
	if (r >= 0)
		r = spawn_with_channel(&order, ret_spawned, ret_channel, &told);
	close(order.builtin);
	if (order.definitions >= 0)
		close(order.definitions);
	return r;
}
