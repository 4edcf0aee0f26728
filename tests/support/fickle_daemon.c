/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fickle_daemon: stands in for an ampdaemon that goes away in the middle of scans and comes back, for tests of ampcli. Speaks
 * proto/control.proto through shared/wire, one session after another; a file that begins with INFECTED is infected, any other clean.
 *
 * Usage: fickle_daemon SOCKET LOG WORD...
 * Each session goes by the next word, the last word serves all that follow. N files are answered, those that come within 100 ms after
 * them are swallowed, then
 *   drop:N[:WINDOW]      hangs up
 *   cut:N[:WINDOW]       hangs up at once, with what was sent to it unread
 *   say:N[:WINDOW]       says Reconnect and hangs up
 *   late[::WINDOW]       answers every file, but says Reconnect when the scan is to end
 *   early                says Reconnect when it is greeted
 *   mute                 says nothing at all, not even to a hello
 *   stranger[::WINDOW]   knows no scan of before: gives a number of its own; else as `serve`
 *   serve[::WINDOW]      answers everything
 *   away:MS              no session: nobody listens for so long
 *   gone                 no session: nobody listens any more
 *
 * LOG has a line for each thing that the client did: "session", "begin CONTINUES SCAN", "file NUMBER PATH", "end NOT_SCANNED STOPPED",
 * "left", and "violation ..." when it sent more than its window or numbers that do not grow.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/packet.h"
#include "wire/control_codec.h"

#define WINDOW 32
#define SWALLOW_MS 100
#define STRANGE_SCANS 1000

struct word {
	char kind[16];
	unsigned long number, window;
};

struct session {
	int fd;
	struct word word;
	unsigned long answered, swallowed;
	uint64_t last_file;
	bool leaves;
};

static FILE *journal;
static uint64_t last_scan;
static struct wire_arena *arena;
static uint8_t packet[LIMIT_PACKET_BYTES];

static bool is_word(const struct session *s, const char *kind)
{
	return strcmp(s->word.kind, kind) == 0;
}

static struct word parse(const char *text)
{
	struct word word = {.window = WINDOW};
	size_t len = strcspn(text, ":");
	char *end;

	(void)snprintf(word.kind, sizeof(word.kind), "%.*s", (int)len, text);
	if (text[len]) {
		word.number = strtoul(text + len + 1, &end, 10);
		if (*end == ':')
			word.window = strtoul(end + 1, NULL, 10);
	}
	return word;
}

/* A client that has left is noticed by the next receive. */
static void send_reply(const struct session *s, const struct reply *reply)
{
	static uint8_t out[LIMIT_PACKET_BYTES];
	ssize_t len = reply_encode(reply, out, sizeof(out));

	if (len > 0)
		(void)packet_send(s->fd, out, (size_t)len, -1, 0);
}

static void leave(struct session *s, bool says_so)
{
	const struct reply reply = {.kind = REPLY_RECONNECT,
				    .reconnect = {.reason = "the stand-in is fickle"}};

	if (says_so)
		send_reply(s, &reply);
	s->leaves = true;
}

static void greet(struct session *s)
{
	struct reply reply = {.kind = REPLY_HELLO,
			      .hello = {.protocol = CONTROL_PROTOCOL_VERSION,
					.version = "0.0-fickle",
					.window = (uint32_t)s->word.window}};

	if (is_word(s, "early"))
		leave(s, true);
	else if (!is_word(s, "mute"))
		send_reply(s, &reply);
}

static void begin(const struct session *s, const struct request *request)
{
	uint64_t continues = request->scan_begin.continues;
	struct reply reply = {.kind = REPLY_SCAN_BEGUN};

	if (is_word(s, "stranger"))
		last_scan += STRANGE_SCANS;
	else if (!continues)
		last_scan++;
	reply.scan_begun.scan = last_scan;
	(void)fprintf(journal, "begin %llu %llu\n", (unsigned long long)continues,
		      (unsigned long long)last_scan);
	send_reply(s, &reply);
}

static void judge(const struct session *s, uint64_t file, int fd)
{
	struct reply reply = {.kind = REPLY_FILE_RESULT,
			      .file_result = {.file = file,
					      .verdict = VERDICT_CLEAN,
					      .detail = "",
					      .generation = 7,
					      .bytes = 1}};
	char head[9] = "";

	if (pread(fd, head, 8, 0) == 8 && strcmp(head, "INFECTED") == 0) {
		reply.file_result.verdict = VERDICT_INFECTED;
		reply.file_result.threats[reply.file_result.n_threats++] = "Amp.Test.Fickle";
	}
	send_reply(s, &reply);
}

static bool answers_all(const struct session *s)
{
	return is_word(s, "serve") || is_word(s, "stranger") || is_word(s, "late");
}

static void hear_file(struct session *s, const struct request *request, int fd)
{
	const struct span path = request->scan_file.path;

	(void)fprintf(journal, "file %llu %.*s\n", (unsigned long long)request->scan_file.file,
		      (int)path.len, (const char *)path.data);
	if (request->scan_file.file <= s->last_file)
		(void)fprintf(journal, "violation: number\n");
	s->last_file = request->scan_file.file;
	if (answers_all(s) || s->answered < s->word.number) {
		s->answered++;
		judge(s, request->scan_file.file, fd);
	} else if (++s->swallowed > s->word.window) {
		(void)fprintf(journal, "violation: window\n");
	}
}

static void hear_end(struct session *s, const struct request *request)
{
	const struct reply reply = {.kind = REPLY_SCAN_SUMMARY};

	(void)fprintf(journal, "end %llu %d\n", (unsigned long long)request->scan_end.not_scanned,
		      request->scan_end.stopped);
	if (is_word(s, "late"))
		leave(s, true);
	else
		send_reply(s, &reply);
}

static void hear(struct session *s, const struct request *request, int fd)
{
	if (request->kind == REQUEST_HELLO)
		greet(s);
	else if (request->kind == REQUEST_SCAN_BEGIN)
		begin(s, request);
	else if (request->kind == REQUEST_SCAN_FILE)
		hear_file(s, request, fd);
	else if (request->kind == REQUEST_SCAN_END)
		hear_end(s, request);
	else
		(void)fprintf(journal, "violation: request %d\n", (int)request->kind);
}

/* Whether it is time to go; waits for what else the client sends. */
static bool is_over(struct session *s)
{
	struct pollfd more = {.fd = s->fd, .events = POLLIN};

	if (s->leaves)
		return true;
	if (answers_all(s) || s->last_file == 0 || s->answered < s->word.number)
		return false;
	if (!is_word(s, "cut") && poll(&more, 1, SWALLOW_MS) > 0)
		return false;
	leave(s, is_word(s, "say"));
	return true;
}

static void serve(struct session *s)
{
	struct packet_meta meta;
	struct request request;
	const char *why;
	ssize_t len;

	(void)fprintf(journal, "session\n");
	while (!is_over(s) && (len = packet_receive(s->fd, packet, sizeof(packet), 0, &meta)) > 0) {
		if (request_decode(arena, packet, (size_t)len, &request, &why) < 0)
			(void)fprintf(journal, "violation: %s\n", why);
		else
			hear(s, &request, meta.fd);
		if (meta.fd >= 0)
			close(meta.fd);
	}
	(void)fprintf(journal, "left\n");
	close(s->fd);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)unlink(path); /* of an earlier run */
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, 64) != 0) {
		perror("fickle_daemon");
		exit(1);
	}
	return fd;
}

/* Nobody listens meanwhile. */
static int stay_away(const char *path, int listener, const struct session *s)
{
	close(listener);
	(void)unlink(path);
	while (is_word(s, "gone"))
		(void)pause();
	(void)poll(NULL, 0, (int)s->word.number);
	return listen_at(path);
}

int main(int argc, char **argv)
{
	int listener, next = 3;

	if (argc < 4 || !(journal = fopen(argv[2], "we")))
		return 3;
	(void)setvbuf(journal, NULL, _IOLBF, 0);
	(void)signal(SIGPIPE, SIG_IGN); /* a client that has left */
	arena = wire_arena_new();
	listener = listen_at(argv[1]);
	for (;;) {
		struct session s = {.word = parse(argv[next])};

		next += next + 1 < argc;
		if (is_word(&s, "away") || is_word(&s, "gone")) {
			listener = stay_away(argv[1], listener, &s);
			continue;
		}
		s.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (s.fd >= 0)
			serve(&s);
		else if (errno != EINTR)
			return 1;
	}
}
