/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile_definitions: clients that ask about definitions at the wrong time, leave in the middle of a set, and do not read what becomes of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile_session.h"

#define PATIENCE_MS 60000
#define STALLED_MS 1000    /* no reply for so long: none can be sent */
#define MOST_REPLIES 20000 /* more than any kernel keeps */

/* ---- saying ---- */

static const struct {
	const char *word;
	struct request request;
} sayings[] = {
	{"status", {.kind = REQUEST_STATUS}},
	{"scan", {.kind = REQUEST_SCAN_BEGIN}},
	{"generations", {.kind = REQUEST_GENERATIONS}},
	{"rollback", {.kind = REQUEST_ROLLBACK}},
	{"update", {.kind = REQUEST_UPDATE}},
	{"check", {.kind = REQUEST_CHECK_BEGIN}},
	{"import", {.kind = REQUEST_CHECK_BEGIN, .check_begin = {.is_import = true}}},
	{"forced-check", {.kind = REQUEST_CHECK_BEGIN, .check_begin = {.is_forced = true}}},
	{"file", {.kind = REQUEST_CHECK_FILE, .check_file = {.name = "test.cvd"}}},
	{"upward-file", {.kind = REQUEST_CHECK_FILE, .check_file = {.name = "../../test.cvd"}}},
	{"hidden-file", {.kind = REQUEST_CHECK_FILE, .check_file = {.name = ".test.cvd"}}},
	{"end", {.kind = REQUEST_CHECK_END}},
};

/* Of a session that was ended meanwhile nothing is said: that shows in what is heard. */
static void say(int socket, const char *word, int fd)
{
	for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++) {
		if (strcmp(sayings[i].word, word) == 0) {
			(void)session_say(socket, &sayings[i].request, fd);
			return;
		}
	}
	fprintf(stderr, "hostile_client: no such request: %s\n", word);
	exit(2);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "hostile_client: %s: %s\n", path, strerror(errno));
		exit(3);
	}
	return fd;
}

/* ---- hearing ---- */

struct heard {
	unsigned generations, progress;
	bool is_done;
	char end[LIMIT_REASON_BYTES + 32]; /* "" until there is one */
};

static void take_verdict(const char *what, bool passed, const char *reason, struct heard *heard)
{
	(void)snprintf(heard->end, sizeof(heard->end), "%s%s: %s", what,
		       passed ? "passed" : "rejected", reason); /* cut is fine */
}

static void take(const struct reply *reply, struct heard *heard)
{
	heard->generations += reply->kind == REPLY_GENERATIONS;
	heard->progress += reply->kind == REPLY_PROGRESS;
	heard->is_done |= reply->kind == REPLY_DONE;
	if (reply->kind == REPLY_REFUSAL)
		(void)snprintf(heard->end, sizeof(heard->end), "refused: %s",
			       reply->refusal.reason); /* cut is fine */
	if (reply->kind == REPLY_CHECK_VERDICT)
		take_verdict("", reply->check_verdict.passed, reply->check_verdict.reason, heard);
	if (reply->kind == REPLY_UPDATE_VERDICT)
		take_verdict("update ", !reply->update_verdict.is_rejected,
			     reply->update_verdict.reason, heard);
}

/* False when there is nothing more to hear: the end, or silence. */
static bool hear_one(int socket, int patience_ms, struct heard *heard)
{
	struct reply reply;
	int r = session_hear(socket, patience_ms, &reply);

	if (r == 1)
		take(&reply, heard);
	else
		(void)snprintf(heard->end, sizeof(heard->end), "%s", r ? "mute" : "ended");
	return !*heard->end;
}

static void hear(int socket, int patience_ms, struct heard *heard)
{
	while (hear_one(socket, patience_ms, heard))
		;
}

/* ---- requests at any time ---- */

/* A line for each list and each word that a request ends with; the last line is how the session ends. */
static void print_all(int socket)
{
	bool is_over;

	do {
		struct heard heard = {0};

		hear(socket, 1000, &heard);
		while (heard.generations--)
			puts("generations");
		puts(heard.end);
		is_over = strcmp(heard.end, "mute") == 0 || strcmp(heard.end, "ended") == 0;
	} while (!is_over);
}

/* WORD... one after the other without a look at the replies; "hello" is one; with a "+" at its end it carries the file. */
static int say_all(int socket, const char *file, char *const *words)
{
	int fd = strcmp(file, "-") == 0 ? -1 : open_file(file);

	for (; *words; words++) {
		char *plus = strchr(*words, '+');

		if (plus)
			*plus = '\0';
		if (strcmp(*words, "hello") == 0)
			(void)session_hello(socket);
		else
			say(socket, *words, plus ? fd : -1);
	}
	print_all(socket);
	return 0;
}

static int flood(int socket, unsigned requests)
{
	struct request request = {.kind = REQUEST_GENERATIONS};
	struct timeval patience = {.tv_sec = 4};
	unsigned sent = 0;
	int r = 0;

	(void)session_hello(socket);
	(void)setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (sent < requests && !r) {
		r = session_say(socket, &request, -1);
		sent += !r;
	}
	printf("sent %u, then: %s\n", sent, r ? strerror(-r) : "nothing more to send");
	return 0;
}

/* ---- sets that are left, and verdicts that are not read ---- */

static void send_set(int socket, const char *file)
{
	int fd = open_file(file);

	say(socket, "import", -1);
	say(socket, "file", fd);
	close(fd);
}

/* Leaves when its set is taken ("begun"), or when it hears how far its import or its update is. */
static int leave(int socket, const char *what, const char *file)
{
	bool is_begun = strcmp(what, "begun") == 0;
	struct heard heard = {0};

	(void)session_hello(socket);
	if (strcmp(what, "update") == 0)
		say(socket, "update", -1);
	else
		send_set(socket, file);
	if (strcmp(what, "import") == 0)
		say(socket, "end", -1);
	while (!(is_begun ? heard.is_done : heard.progress > 0) &&
	       hear_one(socket, PATIENCE_MS, &heard))
		;
	puts(*heard.end ? heard.end : "left");
	return 0;
}

static int unread_bytes(int socket)
{
	int bytes = 0;

	(void)ioctl(socket, FIONREAD, &bytes); /* 0 is fine: nothing came */
	return bytes;
}

/* One more reply about generations: false when none came, because the kernel keeps no more of them. */
static bool fill_one(int socket)
{
	int64_t until = session_clock_ms() + STALLED_MS;
	int before = unread_bytes(socket);

	say(socket, "generations", -1);
	while (unread_bytes(socket) == before && session_clock_ms() < until)
		usleep(500);
	return unread_bytes(socket) != before;
}

/* How many the kernel keeps for a client that does not read; all of them are read afterwards. */
static unsigned measure(int socket)
{
	struct heard heard = {0};
	unsigned kept = 0;

	while (kept < MOST_REPLIES && fill_one(socket))
		kept++;
	hear(socket, STALLED_MS, &heard);
	return kept;
}

/* Leaves room for one more reply, sends a set, and reads nothing until a line comes on standard input. */
static int send_unread(int socket, const char *file)
{
	struct heard heard = {0};
	struct reply hello;
	unsigned kept;

	(void)session_hello(socket);
	(void)session_hear(socket, PATIENCE_MS, &hello);
	kept = measure(socket);
	for (unsigned i = 1; i < kept; i++)
		(void)fill_one(socket);
	send_set(socket, file);
	say(socket, "end", -1);
	puts("sent");
	(void)fflush(stdout);
	(void)getchar(); /* a line, or the end of it */
	hear(socket, STALLED_MS, &heard);
	printf("%s of the lists, progress %u, then %s\n",
	       heard.generations == kept - 1 ? "all" : "not all", heard.progress, heard.end);
	return 0;
}

int definitions_lie(int argc, char **argv)
{
	if (argc >= 5 && strcmp(argv[2], "say") == 0)
		return say_all(session_connect(argv[1]), argv[3], argv + 4);
	if (argc == 4 && strcmp(argv[2], "flood-generations") == 0)
		return flood(session_connect(argv[1]), (unsigned)strtoul(argv[3], NULL, 10));
	if (argc == 5 && strcmp(argv[2], "leave") == 0)
		return leave(session_connect(argv[1]), argv[3], argv[4]);
	if (argc == 4 && strcmp(argv[2], "send-unread") == 0)
		return send_unread(session_connect(argv[1]), argv[3]);
	return -1;
}
