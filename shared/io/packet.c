/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/packet.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/late_close.h"

/* Room for more descriptors than are allowed, so that a surplus is seen and closed rather than cut off unseen. The
 * kernel's own most per packet is SCM_MAX_FD, 253. */
#define SURPLUS_FDS 253

int packet_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) ? -errno : 0;
}

int packet_send(int socket, const void *data, size_t len, int fd, int flags)
{
	union {
		const void *in;
		void *out; /* sendmsg does not write there */
	} base = {.in = data};
	struct iovec iov = {.iov_base = base.out, .iov_len = len};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	for (;;) {
		if (sendmsg(socket, &message, flags | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

static void take_fds(const struct cmsghdr *header, struct packet_meta *meta, unsigned *n_fds)
{
	size_t n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
		if ((*n_fds)++ == 0)
			meta->fd = fd;
		else
			late_close(fd);
	}
}

static void take_credentials(const struct cmsghdr *header, struct packet_meta *meta)
{
	struct ucred credentials;

	memcpy(&credentials, CMSG_DATA(header), sizeof(credentials));
	meta->pid = credentials.pid;
	meta->uid = credentials.uid;
	meta->gid = credentials.gid;
}

/* Walks the control messages; false when something came that does not belong on any channel of ours. */
static bool take_control(struct msghdr *message, struct packet_meta *meta, unsigned *n_fds)
{
	bool known = true;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
			take_fds(header, meta, n_fds);
		else if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS)
			take_credentials(header, meta);
		else
			known = false;
	}
	return known;
}

static ssize_t drop(struct packet_meta *meta, int error)
{
	late_close(meta->fd);
	meta->fd = -1;
	return -error;
}

ssize_t packet_receive(int socket, void *data, size_t size, int flags, struct packet_meta *ret_meta)
{
	struct iovec iov = {.iov_base = data, .iov_len = size};
	union {
		char bytes[CMSG_SPACE(SURPLUS_FDS * sizeof(int)) +
			   CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	unsigned n_fds = 0;
	bool known;
	ssize_t len;

	*ret_meta = (struct packet_meta){.fd = -1};
	do
		len = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR && !(flags & MSG_DONTWAIT));
	if (len < 0)
		return -errno;
	known = take_control(&message, ret_meta, &n_fds);
	if (!known || n_fds > 1 || message.msg_flags & MSG_CTRUNC)
		return drop(ret_meta, EPROTO);
	if (message.msg_flags & MSG_TRUNC)
		return drop(ret_meta, EMSGSIZE);
	if (len == 0)
		return drop(ret_meta, 0);
	return len;
}

void packet_discard(int socket, unsigned packets)
{
	struct packet_meta meta;
	uint8_t rest[64]; /* the rest of a packet is dropped */

	(void)shutdown(socket, SHUT_RD); /* nothing comes behind our back; fails when it is gone */
	while (packets--) {
		ssize_t r = packet_receive(socket, rest, sizeof(rest), MSG_DONTWAIT, &meta);

		if (r <= 0 && r != -EMSGSIZE && r != -EPROTO)
			return;
		late_close(meta.fd);
	}
}
