/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clamd_client: a client of clamd as good as its protocol allows: sessions that stay (IDSESSION), files passed as descriptors
 * (FILDES), command and descriptor in one sendmsg(2). Usage: scan_client.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "scan_client.h"
#include "scan_options.h"

struct session {
	int socket;
	size_t have;
	char buffer[8192]; /* answers, each with a NUL behind it */
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

static void *open_session(const char *path)
{
	static const char hello[] = "zIDSESSION"; /* sent with its NUL */
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->socket = connect_to(path);
	if (session->socket < 0 ||
	    send(session->socket, hello, sizeof(hello), MSG_NOSIGNAL) != (ssize_t)sizeof(hello)) {
		free(session);
		return NULL;
	}
	return session;
}

static int submit(void *opaque, uint64_t serial, int fd, const char *path)
{
	static char command[] =
		"zFILDES\0"; /* a byte more than the command: the one that the descriptor comes with */
	struct session *session = opaque;
	struct iovec part = {command, sizeof(command)};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	(void)serial; /* clamd numbers the commands of a session itself, from 1 */
	(void)path;   /* clamd has no place for it */
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(session->socket, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(command)
		       ? 0
		       : -errno;
}

/* "ID: fd[N]: OK", "ID: fd[N]: NAME FOUND", "ID: fd[N]: TEXT ERROR". */
static int understand(const char *line, uint64_t *ret_serial, enum verdict *ret_verdict)
{
	char *end;
	const char *name = strstr(line, "]: ");
	size_t len = strlen(line);

	*ret_serial = strtoull(line, &end, 10);
	if (*end != ':' || !name)
		return -EBADMSG;
	if (strcmp(name + 3, "OK") == 0)
		*ret_verdict = VERDICT_CLEAN;
	else if (len > 6 && strcmp(line + len - 6, " FOUND") == 0)
		*ret_verdict = bench_verdict_of_name(name + 3);
	else
		*ret_verdict = VERDICT_ERROR;
	return 0;
}

static int answer(void *opaque, uint64_t *ret_serial, enum verdict *ret_verdict)
{
	struct session *session = opaque;
	char *end;
	int r;

	while (!(end = memchr(session->buffer, '\0', session->have))) {
		ssize_t n = recv(session->socket, session->buffer + session->have,
				 sizeof(session->buffer) - session->have, 0);

		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		session->have += (size_t)n;
	}
	r = understand(session->buffer, ret_serial, ret_verdict);
	session->have -= (size_t)(end + 1 - session->buffer);
	memmove(session->buffer, end + 1, session->have);
	return r;
}

static void close_session(void *opaque)
{
	static const char bye[] = "zEND";
	struct session *session = opaque;

	(void)send(session->socket, bye, sizeof(bye), MSG_NOSIGNAL); /* it is the end in any case */
	(void)close(session->socket);
	free(session);
}

int main(int argc, char **argv)
{
	static const struct scan_protocol clamd = {
		.name = "clamd_client",
		.open = open_session,
		.submit = submit,
		.answer = answer,
		.close = close_session,
	};

	return scan_client_main(&clamd, argc, argv);
}
