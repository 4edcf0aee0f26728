/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "io/late_close.h"

struct waiting {
	struct waiting *next;
	int fd; /* ours, -1: none */
	size_t len;
	uint8_t data[];
};

struct channel {
	uv_poll_t poll;
	uv_idle_t ender; /* runs on_end from the loop's next turn */
	int socket;
	int watched; /* events that the poll handle has */
	bool paused, ending, freed;
	bool deaf; /* the peer does not receive any more; what it had said may still wait to be read */
	unsigned handles_open;
	int end_error;
	struct channel_callbacks callbacks;
	void *context;
	struct waiting *first, **last;
	size_t queued, queue_bytes;
};

static void on_poll(uv_poll_t *poll, int status, int events);

/* Waits for what is of interest now. A paused channel waits for the hang-up alone. */
static void watch(struct channel *channel)
{
	int events = UV_DISCONNECT;

	if (!channel->paused)
		events |= UV_READABLE;
	if (channel->first)
		events |= UV_WRITABLE;
	if (channel->ending || channel->freed)
		events = 0;
	if (events == channel->watched)
		return;
	channel->watched = events;
	if (!events)
		(void)uv_poll_stop(
			&channel->poll); /* always succeeds on an active or stopped handle */
	else if (uv_poll_start(&channel->poll, events, on_poll))
		channel_end(channel, -EIO);
}

static void drop_first(struct channel *channel)
{
	struct waiting *packet = channel->first;

	channel->first = packet->next;
	if (!channel->first)
		channel->last = &channel->first;
	channel->queued -= packet->len;
	late_close(packet->fd); /* a file of a client's: closing our copy may wait as well */
	free(packet);
}

/* A send failed: the end comes in the next turn, after what the peer said before it left. */
static void lose_peer(struct channel *channel, int error)
{
	channel->deaf = error == -EPIPE || error == -ECONNRESET;
	channel_end(channel, error);
}

/* ETOOMANYREFS: too many descriptors under way for this user; they drain as receivers take them. */
static bool is_for_later(int r)
{
	return r == -EAGAIN || r == -ENOBUFS || r == -ETOOMANYREFS;
}

static void flush(struct channel *channel)
{
	while (channel->first) {
		struct waiting *packet = channel->first;
		int r = packet_send(channel->socket, packet->data, packet->len, packet->fd,
				    MSG_DONTWAIT);

		if (is_for_later(r))
			return;
		if (r) {
			lose_peer(channel, r);
			return;
		}
		drop_first(channel);
	}
	watch(channel);
	if (channel->callbacks.on_drained)
		channel->callbacks.on_drained(channel->context);
}

/* One buffer for all channels of the (single) loop thread: a packet is consumed before the next is read. */
static uint8_t receive_buffer[LIMIT_PACKET_BYTES];

/* False when there is nothing more to read now. */
static bool receive_one(struct channel *channel)
{
	struct packet_meta meta;
	ssize_t len = packet_receive(channel->socket, receive_buffer, sizeof(receive_buffer),
				     MSG_DONTWAIT, &meta);

	if (len ==
	    -ECONNRESET) /* told once, ahead of what the peer sent before it died: that is read still */
		len = packet_receive(channel->socket, receive_buffer, sizeof(receive_buffer),
				     MSG_DONTWAIT, &meta);
	if (len == -EAGAIN || len == -EINTR)
		return false;
	if (len <= 0) {
		channel_end(channel, (int)len);
		return false;
	}
	channel->callbacks.on_packet(channel->context, receive_buffer, (size_t)len, &meta);
	return true;
}

/* A callback may free the channel: libuv frees the memory only after the close callbacks, in a later turn, so that
 * `freed` can still be read here. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct channel *channel = poll->data;

	if (status < 0) { /* POLLERR: the peer left with something of ours unread */
		lose_peer(channel, -ECONNRESET);
		return;
	}
	if (events & UV_WRITABLE && channel->first)
		flush(channel);
	for (int i = 0; i < CHANNEL_PACKETS_PER_WAKE; i++) {
		if (channel->freed || channel->ending || channel->paused || !receive_one(channel))
			break;
	}
	if (events & UV_DISCONNECT && channel->paused && !channel->freed && !channel->ending)
		channel_end(channel, 0);
}

static void on_end_turn(uv_idle_t *idle)
{
	struct channel *channel = idle->data;

	(void)uv_idle_stop(idle); /* cannot fail */
	for (int i = 0; i < CHANNEL_PACKETS_PER_WAKE && channel->deaf && !channel->paused; i++) {
		if (!receive_one(channel))
			break;
		if (channel->freed)
			return;
	}
	channel->callbacks.on_end(channel->context, channel->end_error);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct channel *channel = handle->data;

	if (--channel->handles_open == 0)
		free(channel);
}

struct channel *channel_new(uv_loop_t *loop, int socket, const struct channel_callbacks *callbacks,
			    void *context, size_t queue_bytes)
{
	struct channel *channel = calloc(1, sizeof(*channel));
	int flags = fcntl(socket, F_GETFL);

	if (!channel || flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) ||
	    uv_poll_init(loop, &channel->poll, socket)) {
		close(socket);
		free(channel);
		return NULL;
	}
	(void)uv_idle_init(loop, &channel->ender); /* cannot fail */
	channel->poll.data = channel->ender.data = channel;
	channel->handles_open = 2;
	channel->socket = socket;
	channel->callbacks = *callbacks;
	channel->context = context;
	channel->queue_bytes = queue_bytes;
	channel->last = &channel->first;
	watch(channel);
	return channel;
}

int channel_release(struct channel *channel)
{
	channel->freed = true;
	watch(channel);
	while (channel->first)
		drop_first(channel);
	uv_close((uv_handle_t *)&channel->poll, on_handle_closed);
	uv_close((uv_handle_t *)&channel->ender, on_handle_closed);
	return channel->socket; /* uv_close took it out of epoll */
}

struct channel *channel_free(struct channel *channel)
{
	if (channel && !channel->freed)
		close(channel_release(channel));
	return NULL;
}

static int enqueue(struct channel *channel, const void *data, size_t len, int fd)
{
	struct waiting *packet;

	if (channel->queued + len > channel->queue_bytes)
		return -ENOBUFS;
	packet = malloc(sizeof(*packet) + len);
	if (!packet)
		return -ENOBUFS;
	packet->fd = -1;
	if (fd >= 0 && (packet->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0) {
		free(packet);
		return -ENOBUFS;
	}
	packet->next = NULL;
	packet->len = len;
	memcpy(packet->data, data, len);
	*channel->last = packet;
	channel->last = &packet->next;
	channel->queued += len;
	watch(channel);
	return 0;
}

int channel_send(struct channel *channel, const void *packet, size_t len, int fd)
{
	int r;

	if (channel->ending || channel->freed)
		return -EPIPE;
	if (channel->first)
		return enqueue(channel, packet, len, fd);
	r = packet_send(channel->socket, packet, len, fd, MSG_DONTWAIT);
	if (is_for_later(r))
		return enqueue(channel, packet, len, fd);
	if (r)
		lose_peer(channel, r);
	return r;
}

void channel_pause(struct channel *channel, bool paused)
{
	channel->paused = paused;
	watch(channel);
}

size_t channel_queued(const struct channel *channel)
{
	return channel->queued;
}

void channel_end(struct channel *channel, int error)
{
	if (channel->ending || channel->freed)
		return;
	channel->ending = true;
	channel->end_error = error;
	watch(channel);
	(void)uv_idle_start(&channel->ender, on_end_turn); /* cannot fail with a callback */
}

int channel_socket(const struct channel *channel)
{
	return channel->socket;
}
