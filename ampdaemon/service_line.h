/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service_line: the service channel with its session: what comes is decoded, permitted now, of the right incarnation and not a flood,
 * or it is a lie. Log lines of the service are written here and go no further.
 *
 * Owns channel, session rules, arena. Must not own the process or what a message means (service_life).
 */
#ifndef AMP_AMPDAEMON_SERVICE_LINE_H
#define AMP_AMPDAEMON_SERVICE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/core/flood_gauge.h"
#include "io/channel.h"
#include "wire/scan_codec.h"
#include "wire/session_rules.h"

struct service_line_callbacks {
	void (*on_message)(void *context, const struct from_service *message);
	void (*on_lie)(void *context, const char *why);
	void (*on_end)(void *context); /* the service closed it; it is closed here, too */
};

struct service_line {
	uv_loop_t *loop;
	const struct service_line_callbacks *callbacks;
	void *context;
	struct wire_arena *arena;
	struct channel *channel; /* NULL: closed */
	struct session session;
	uint64_t incarnation;
	struct flood_gauge flood;
	unsigned log_lines;
};

/* 0 or -ENOMEM. */
int service_line_init(struct service_line *line, uv_loop_t *loop,
		      const struct service_line_callbacks *callbacks, void *context);
void service_line_done(struct service_line *line);

/* Takes `socket`, whatever it returns. 0 or -ENOMEM. */
int service_line_open(struct service_line *line, int socket, uint64_t incarnation);
void service_line_close(struct service_line *line);

/* It is closed, or the service has closed it and on_end is still to come. */
bool service_line_has_hung_up(const struct service_line *line);

/* It is closed, but the socket stays open and is the caller's. */
int service_line_release(struct service_line *line);

/* 0, or -errno: -ENOTCONN when it is closed. `fd`, or -1, stays the caller's. */
int service_line_send(struct service_line *line, const struct to_service *message, int fd);

/* The same for what must arrive: a line that cannot take it ends. */
void service_line_insist(struct service_line *line, const struct to_service *message);

#endif
