/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * amp_client: a client of ampdaemon that does for a file what clamd_client does, and nothing more: open, send the descriptor,
 * take the verdict. No walk, no progress, so that the two servers are compared and not their front ends. Usage: scan_client.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/packet.h"
#include "scan_client.h"
#include "wire/control_codec.h"

struct session {
	int socket;
	struct wire_arena *arena;
	unsigned char packet[LIMIT_PACKET_BYTES];
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path)) {
		(void)close(fd); /* never used */
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	(void)close(fd); /* never used */
	return -errno;
}

static int send_request(struct session *session, const struct request *request, int fd)
{
	ssize_t len = request_encode(request, session->packet, sizeof(session->packet));

	return len < 0 ? (int)len
		       : packet_send(session->socket, session->packet, (size_t)len, fd, 0);
}

static int receive_reply(struct session *session, struct reply *ret_reply)
{
	struct packet_meta meta;
	const char *why;
	ssize_t len =
		packet_receive(session->socket, session->packet, sizeof(session->packet), 0, &meta);

	if (len <= 0)
		return len < 0 ? (int)len : -ECONNRESET;
	if (meta.fd >= 0)
		return -EPROTO; /* the program ends: no leak to mind */
	return reply_decode(session->arena, session->packet, (size_t)len, ret_reply, &why);
}

/* Sends `request` and waits for a reply of the kind that belongs to it. */
static int ask(struct session *session, const struct request *request, enum reply_kind expected,
	       struct reply *ret_reply)
{
	int r = send_request(session, request, -1);

	if (r == 0)
		r = receive_reply(session, ret_reply);
	if (r != 0)
		return r;
	if (ret_reply->kind == REPLY_REFUSAL)
		fprintf(stderr, "amp_client: refused: %s\n", ret_reply->refusal.reason);
	return ret_reply->kind == expected ? 0 : -EPROTO;
}

static int begin(struct session *session)
{
	struct request hello = {.kind = REQUEST_HELLO,
				.hello = {.protocol = CONTROL_PROTOCOL_VERSION}};
	struct request scan = {.kind = REQUEST_SCAN_BEGIN,
			       .scan_begin = {.label = span_of_text("bench")}};
	struct reply reply;
	int r = ask(session, &hello, REPLY_HELLO, &reply);

	return r < 0 ? r : ask(session, &scan, REPLY_SCAN_BEGUN, &reply);
}

static void *open_session(const char *path)
{
	struct session *session = calloc(1, sizeof(*session));
	int r = -ENOMEM;

	if (!session)
		return NULL;
	session->arena = wire_arena_new();
	if (session->arena) {
		session->socket = connect_to(path);
		r = session->socket < 0 ? session->socket : begin(session);
	}
	if (r == 0)
		return session;
	free(session); /* arena and socket end with the program, which has no use for either */
	errno = -r;
	return NULL;
}

static int submit(void *opaque, uint64_t serial, int fd, const char *path)
{
	struct request request = {.kind = REQUEST_SCAN_FILE,
				  .scan_file = {.file = serial, .path = span_of_text(path)}};

	return send_request(opaque, &request, fd);
}

static int answer(void *opaque, uint64_t *ret_serial, enum verdict *ret_verdict)
{
	struct reply reply;
	int r = receive_reply(opaque, &reply);

	if (r < 0)
		return r;
	if (reply.kind != REPLY_FILE_RESULT) {
		fprintf(stderr, "amp_client: reply of kind %d: %s\n", (int)reply.kind,
			reply.kind == REPLY_REFUSAL ? reply.refusal.reason : "not a result");
		return -EPROTO;
	}
	*ret_serial = reply.file_result.file;
	*ret_verdict = reply.file_result.verdict;
	return 0;
}

static void close_session(void *opaque)
{
	struct session *session = opaque;
	struct request end = {.kind = REQUEST_SCAN_END};
	struct reply reply;

	if (ask(session, &end, REPLY_SCAN_SUMMARY, &reply) < 0)
		fputs("amp_client: no summary at the end of the scan\n", stderr);
	(void)close(session->socket);          /* all is answered */
	(void)wire_arena_free(session->arena); /* returns NULL */
	free(session);
}

int main(int argc, char **argv)
{
	static const struct scan_protocol amp = {
		.name = "amp_client",
		.open = open_session,
		.submit = submit,
		.answer = answer,
		.close = close_session,
	};

	return scan_client_main(&amp, argc, argv);
}
