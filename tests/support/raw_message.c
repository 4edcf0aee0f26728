/* SPDX-License-Identifier: GPL-2.0-only */
#include "raw_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MOST_FDS 253 /* SCM_MAX_FD of the kernel */

static void put(struct raw *raw, const void *bytes, size_t len)
{
	if (len > sizeof(raw->bytes) - raw->len)
		abort(); /* a liar that asks for too much is a bug of the test */
	memcpy(raw->bytes + raw->len, bytes, len);
	raw->len += len;
}

static void put_varint(struct raw *raw, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)(value & 0x7f);

		value >>= 7;
		if (value)
			byte |= 0x80;
		put(raw, &byte, 1);
	} while (value);
}

void raw_number(struct raw *raw, unsigned field, uint64_t value)
{
	put_varint(raw, (uint64_t)field << 3);
	put_varint(raw, value);
}

void raw_bytes(struct raw *raw, unsigned field, const void *bytes, size_t len)
{
	put_varint(raw, (uint64_t)field << 3 | 2);
	put_varint(raw, len);
	if (len)
		put(raw, bytes, len);
}

void raw_text(struct raw *raw, unsigned field, const char *text)
{
	raw_bytes(raw, field, text, strlen(text));
}

void raw_message(struct raw *raw, unsigned field, const struct raw *inner)
{
	raw_bytes(raw, field, inner->bytes, inner->len);
}

static void attach(struct msghdr *message, int fd, unsigned n_fds)
{
	struct cmsghdr *header;

	message->msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	for (unsigned i = 0; i < n_fds; i++)
		memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(fd));
}

int raw_send(int socket, const void *bytes, size_t len, int fd, unsigned n_fds)
{
	union {
		const void *in;
		void *out; /* sendmsg does not write there */
	} base = {.in = bytes};
	struct iovec iov = {.iov_base = base.out, .iov_len = len};
	union {
		char bytes[CMSG_SPACE(MOST_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > MOST_FDS)
		return -EINVAL;
	if (n_fds) {
		message.msg_control = control.bytes;
		attach(&message, fd, n_fds);
	}
	while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}
