/* SPDX-License-Identifier: GPL-2.0-only */
/* hostile_scan: clients in numbers, and clients that send and do not listen. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile_session.h"

#define MOST 4096
#define PATIENCE_MS 60000

struct client {
	int fd; /* -1: over */
	unsigned sent, answered;
	bool is_admitted, is_refused, is_whole;
	uint64_t seen; /* bit per file: an answer that comes twice shows */
};

static struct client clients[MOST];
static struct pollfd pollers[MOST];

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "hostile_client: %s: %s\n", path, strerror(errno));
		exit(3);
	}
	return fd;
}

static void leave(struct client *client)
{
	close(client->fd);
	client->fd = -1;
}

static void begin(struct client *client, unsigned files, const char *path)
{
	(void)session_begin(client->fd);
	for (; client->sent < files; client->sent++) {
		int fd = open_file(path);

		(void)session_file(client->fd, client->sent + 1, path, fd);
		close(fd);
	}
	(void)session_end(client->fd);
}

static void take_answer(struct client *client, uint64_t file)
{
	if (file == 0 || file > client->sent || client->seen & UINT64_C(1) << file) {
		fprintf(stderr, "hostile_client: an answer to file %llu, which has none to come\n",
			(unsigned long long)file);
		exit(4);
	}
	client->seen |= UINT64_C(1) << file;
	client->answered++;
}

static void hear(struct client *client, unsigned files, const char *path)
{
	struct reply reply;

	if (session_hear(client->fd, 0, &reply) != 1) {
		leave(client);
		return;
	}
	if (reply.kind == REPLY_REFUSAL) {
		client->is_refused = true;
	} else if (reply.kind == REPLY_HELLO) {
		client->is_admitted = true;
		if (files)
			begin(client, files, path);
	} else if (reply.kind == REPLY_FILE_RESULT) {
		take_answer(client, reply.file_result.file);
	} else if (reply.kind == REPLY_SCAN_SUMMARY) {
		client->is_whole = reply.scan_summary.files == files;
		leave(client);
	}
}

static unsigned count_open(unsigned n)
{
	unsigned open_now = 0;

	for (unsigned i = 0; i < n; i++) {
		pollers[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
		open_now += clients[i].fd >= 0;
	}
	return open_now;
}

static void serve(unsigned n, unsigned files, const char *path, int64_t until)
{
	while (count_open(n) > 0 && session_clock_ms() < until) {
		if (poll(pollers, n, 100) <= 0)
			continue;
		for (unsigned i = 0; i < n; i++) {
			if (pollers[i].fd >= 0 && pollers[i].revents)
				hear(&clients[i], files, path);
		}
	}
}

static void connect_all(const char *socket, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		clients[i] = (struct client){.fd = session_connect(socket)};
		(void)session_hello(clients[i].fd); /* one that is refused may be gone already */
	}
}

static int print_clients(unsigned n, unsigned files)
{
	unsigned admitted = 0, refused = 0, whole = 0, answered = 0;

	for (unsigned i = 0; i < n; i++) {
		admitted += clients[i].is_admitted;
		refused += clients[i].is_refused;
		whole += clients[i].is_whole;
		answered += clients[i].answered;
	}
	printf("admitted %u refused %u whole %u answered %u of %u\n", admitted, refused, whole,
	       answered, n * files);
	return whole == n ? 0 : 1;
}

int scan_many(const char *path, unsigned sessions, unsigned files, const char *file)
{
	connect_all(path, sessions);
	serve(sessions, files, file, session_clock_ms() + PATIENCE_MS);
	return print_clients(sessions, files);
}

int scan_hold(const char *path, unsigned sessions, unsigned seconds)
{
	connect_all(path, sessions);
	serve(sessions, 0, NULL, session_clock_ms() + 2000);
	(void)print_clients(sessions, 0);
	(void)fflush(stdout);
	sleep(seconds);
	return 0;
}

/* Sends as long as it is let, and reads nothing. */
int scan_unread(const char *path, unsigned files, const char *file)
{
	int socket = session_connect(path), fd = open_file(file), r = 0;
	struct timeval patience = {.tv_sec = 4};
	unsigned sent = 0;

	(void)session_hello(socket);
	(void)session_begin(socket);
	(void)setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (sent < files && !r) {
		r = session_file(socket, sent + 1, file, fd);
		sent += !r;
	}
	printf("sent %u, then: %s\n", sent, r ? strerror(-r) : "nothing more to send");
	return 0;
}

/* Fills its window and keeps it full: what a greedy honest client does. */
int scan_flood(const char *path, unsigned files, const char *file)
{
	int socket = session_connect(path), fd = open_file(file);
	unsigned sent = 0, answered = 0, window = 0;
	struct reply reply;

	(void)session_hello(socket);
	(void)session_begin(socket);
	while (answered < files) {
		while (window && sent < files && sent - answered < window)
			(void)session_file(socket, ++sent, file, fd);
		if (session_hear(socket, PATIENCE_MS, &reply) != 1)
			break;
		if (reply.kind == REPLY_HELLO)
			window = reply.hello.window;
		answered += reply.kind == REPLY_FILE_RESULT;
	}
	printf("answered %u of %u\n", answered, files);
	return answered == files ? 0 : 1;
}

/* The offset of an open file is shared with whoever was sent the descriptor. */
int scan_moved(const char *path, unsigned times, const char *file)
{
	int socket = session_connect(path), fd = open_file(file);
	unsigned verdicts[VERDICT_COUNT] = {0};
	struct reply reply = {0};

	(void)session_hello(socket);
	(void)session_begin(socket);
	for (unsigned i = 1; i <= times; i++) {
		int r;

		(void)session_file(socket, i, file, fd);
		do {
			(void)lseek(fd, rand() % 200, SEEK_SET); /* any offset does */
			r = session_hear(socket, 0, &reply);
		} while (r == -ETIMEDOUT || (r == 1 && reply.kind != REPLY_FILE_RESULT));
		if (r != 1)
			break;
		verdicts[reply.file_result.verdict]++;
	}
	printf("clean %u infected %u incomplete %u error %u failed %u\n", verdicts[VERDICT_CLEAN],
	       verdicts[VERDICT_INFECTED], verdicts[VERDICT_INCOMPLETE], verdicts[VERDICT_ERROR],
	       verdicts[VERDICT_FAILED]);
	return 0;
}
