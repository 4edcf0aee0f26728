/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/service_line.h"

#include <errno.h>
#include <poll.h>

#include "base/limits.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"

#define QUEUE_BYTES                                                                                \
	(256u << 10)   /* a ping and a dozen orders; a service that does not read is hung */
#define LOG_LINES 2000 /* of one service; the rest is not written */

int service_line_init(struct service_line *line, uv_loop_t *loop,
		      const struct service_line_callbacks *callbacks, void *context)
{
	*line = (struct service_line){.loop = loop,
				      .callbacks = callbacks,
				      .context = context,
				      .arena = wire_arena_new()};
	return line->arena ? 0 : -ENOMEM;
}

void service_line_done(struct service_line *line)
{
	service_line_close(line);
	wire_arena_free(line->arena);
	line->arena = NULL;
}

static void hear_log(struct service_line *line, uint32_t level, const char *text)
{
	if (line->log_lines++ < LOG_LINES)
		log_line(level < LOG_LEVEL_COUNT ? level : LOG_LEVEL_WARNING, "scan service: %s",
			 text);
	else if (line->log_lines == LOG_LINES + 1)
		log_warning("scan service: says too much, its further lines are not logged");
}

static void on_packet(void *context, const void *packet, size_t len, const struct packet_meta *meta)
{
	struct service_line *line = context;
	struct from_service message;
	const char *why = "";

	late_close(meta->fd);
	if (from_service_decode(line->arena, packet, len, &message, &why) ||
	    session_admit(&line->session, message.kind, meta->fd >= 0, &why))
		line->callbacks->on_lie(line->context, why);
	else if (message.incarnation != line->incarnation)
		line->callbacks->on_lie(line->context, "another incarnation's message");
	else if (flood_gauge_overflows(&line->flood, clock_mono_ms()))
		line->callbacks->on_lie(line->context, "a flood of messages");
	else if (message.kind == FROM_SERVICE_LOG)
		hear_log(line, message.log.level, message.log.text);
	else
		line->callbacks->on_message(line->context, &message);
}

static void on_end(void *context, int error)
{
	struct service_line *line = context;

	if (error && error != -ECONNRESET && error != -EPIPE) {
		line->callbacks->on_lie(
			line->context,
			error == -EPROTO ? "a packet with descriptors"
					 : "a packet that is too long, or the channel failed");
		return;
	}
	service_line_close(line);
	line->callbacks->on_end(line->context);
}

int service_line_open(struct service_line *line, int socket, uint64_t incarnation)
{
	static const struct channel_callbacks callbacks = {.on_packet = on_packet,
							   .on_end = on_end};

	session_init(&line->session, &rules_from_service);
	line->incarnation = incarnation;
	line->log_lines = 0;
	line->channel = channel_new(line->loop, socket, &callbacks, line, QUEUE_BYTES);
	return line->channel ? 0 : -ENOMEM;
}

void service_line_close(struct service_line *line)
{
	line->channel = channel_free(line->channel);
}

bool service_line_has_hung_up(const struct service_line *line)
{
	struct pollfd end = {.events = POLLRDHUP};

	if (!line->channel)
		return true;
	end.fd = channel_socket(line->channel);
	return poll(&end, 1, 0) > 0;
}

int service_line_release(struct service_line *line)
{
	int socket = channel_release(line->channel);

	line->channel = NULL;
	return socket;
}

int service_line_send(struct service_line *line, const struct to_service *message, int fd)
{
	uint8_t packet[LIMIT_TRUST_ANCHOR_BYTES + 512]; /* a start: certificates, and numbers */
	ssize_t len = to_service_encode(message, packet, sizeof(packet));

	if (!line->channel)
		return -ENOTCONN;
	return len < 0 ? (int)len : channel_send(line->channel, packet, (size_t)len, fd);
}

void service_line_insist(struct service_line *line, const struct to_service *message)
{
	int r = service_line_send(line, message, -1);

	if (r && line->channel)
		channel_end(line->channel, r);
}
