/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * channel: a SEQPACKET socket on a libuv loop: packets in by callback, packets out through a bounded queue. libuv passes
 * only stream handles, so descriptors travel by packet.h on a uv_poll_t.
 *
 * Owns: the socket, the poll handle, the queue and the descriptors in it. Must not own sessions or decoding.
 * Ends: on end-of-file, an error, a packet that breaks packet.h's rules, or channel_end(). Then `on_end` is called once, from
 * the loop (never from within channel_send), and after channel_free() no callback comes any more.
 */
#ifndef AMP_SHARED_IO_CHANNEL_H
#define AMP_SHARED_IO_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "io/packet.h"

struct channel;

struct channel_callbacks {
	/* One packet. The descriptor in `meta` is the callee's now. The channel may be freed from within. */
	void (*on_packet)(void *context, const void *packet, size_t len,
			  const struct packet_meta *meta);

	/* The peer is gone or was put out: `error` is 0 for end-of-file, else -errno. The owner calls channel_free(). */
	void (*on_end)(void *context, int error);

	/* The queue became empty after a send that had to wait; may be NULL. */
	void (*on_drained)(void *context);
};

#define CHANNEL_PACKETS_PER_WAKE 64 /* then others get a turn */

/* Takes `socket`, which becomes non-blocking. NULL when there is no memory or the loop refuses it; the socket is closed
 * then too. `context` goes to the callbacks. `queue_bytes`: what may wait for a peer that reads slowly. */
struct channel *channel_new(uv_loop_t *loop, int socket, const struct channel_callbacks *callbacks,
			    void *context, size_t queue_bytes);

/* Stops everything at once, closes the socket and what waited; from any callback too. Returns NULL. */
struct channel *channel_free(struct channel *channel);

/* The same, but the socket stays open and is the caller's. What waited to be sent is dropped; what the peer sent and was not read yet is
 * still in it. */
int channel_release(struct channel *channel);

/* Sends, or queues when the peer is slow. `fd` stays the caller's (a queued one is duplicated). 0; -ENOBUFS when the
 * queue is full (nothing was sent); -EPIPE and the like when the peer is gone (on_end follows). */
int channel_send(struct channel *channel, const void *packet, size_t len, int fd);

/* Stops or resumes reading: back pressure. A paused channel still notices a peer that hangs up. */
void channel_pause(struct channel *channel, bool paused);

/* Bytes that wait to be sent. */
size_t channel_queued(const struct channel *channel);

/* Calls on_end(error) from the loop's next turn; nothing is read any more. */
void channel_end(struct channel *channel, int error);

int channel_socket(const struct channel *channel);

#endif
