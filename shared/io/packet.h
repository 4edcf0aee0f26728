/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packet: one SEQPACKET packet with at most one descriptor, sent or received. Owns the control-message arithmetic, so that
 * nobody else does. Knows no protobuf and no loop: libuv sides use io/channel.h on top of it.
 */
#ifndef AMP_SHARED_IO_PACKET_H
#define AMP_SHARED_IO_PACKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A connected pair, close-on-exec, blocking; 0 or -errno. */
int packet_pair(int ret_fds[2]);

/*
 * Sends one packet; `fd` goes along unless it is negative (and stays the caller's). `flags` are those of sendmsg(2),
 * MSG_NOSIGNAL is added. 0 or -errno: -EAGAIN (nothing was sent), -EPIPE and -ECONNRESET when the peer is gone.
 */
int packet_send(int socket, const void *data, size_t len, int fd, int flags);

struct packet_meta {
	int fd;      /* received, close-on-exec; the caller's to close; -1: none */
	int64_t pid; /* of the sender as the kernel says, 0 unless SO_PASSCRED is set on the socket */
	uint32_t uid, gid;
};

/*
 * Receives one packet of at most `size` bytes. Returns its length, 0 at end-of-file, or -errno: -EAGAIN; -EMSGSIZE when it was
 * longer; -EPROTO when it came with more than one descriptor, or with something else (all are closed).
 * ret_meta->fd is -1 whenever the result is not positive.
 */
ssize_t packet_receive(int socket, void *data, size_t size, int flags,
		       struct packet_meta *ret_meta);

/*
 * Takes and drops at most so many packets, with their descriptors: a socket that is closed with something unread tells its peer of a reset ahead
 * of our last word, and few would read on. Nothing can be received afterwards.
 */
void packet_discard(int socket, unsigned packets);

#endif
