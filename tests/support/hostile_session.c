/* SPDX-License-Identifier: GPL-2.0-only */
#include "hostile_session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "io/packet.h"

int64_t session_clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int session_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		fprintf(stderr, "hostile_client: %s: %s\n", path, strerror(errno));
		exit(3);
	}
	return fd;
}

int session_say(int socket, const struct request *request, int fd)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	ssize_t len = request_encode(request, packet, sizeof(packet));

	return len < 0 ? (int)len : packet_send(socket, packet, (size_t)len, fd, 0);
}

int session_hello(int socket)
{
	struct request request = {.kind = REQUEST_HELLO, .hello = {CONTROL_PROTOCOL_VERSION}};

	return session_say(socket, &request, -1);
}

int session_begin(int socket)
{
	struct request request = {.kind = REQUEST_SCAN_BEGIN, .scan_begin = {span_of("test", 4)}};

	return session_say(socket, &request, -1);
}

int session_file(int socket, uint64_t number, const char *path, int fd)
{
	struct request request = {.kind = REQUEST_SCAN_FILE,
				  .scan_file = {number, span_of(path, strlen(path))}};

	return session_say(socket, &request, fd);
}

int session_end(int socket)
{
	struct request request = {.kind = REQUEST_SCAN_END};

	return session_say(socket, &request, -1);
}

int session_hear(int socket, int timeout_ms, struct reply *ret_reply)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	static struct wire_arena *arena;
	struct pollfd poller = {.fd = socket, .events = POLLIN};
	struct packet_meta meta;
	const char *why;
	ssize_t len;

	if (!arena)
		arena = wire_arena_new();
	if (poll(&poller, 1, timeout_ms) <= 0)
		return -ETIMEDOUT;
	len = packet_receive(socket, packet, sizeof(packet), 0, &meta);
	if (len <= 0)
		return 0;
	if (!arena || reply_decode(arena, packet, (size_t)len, ret_reply, &why)) {
		fprintf(stderr, "hostile_client: the daemon says what is no reply\n");
		exit(4);
	}
	return 1;
}
