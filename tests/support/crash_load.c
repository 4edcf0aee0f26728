/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash_load: a client that keeps files under way and sends again what was not answered, whatever happens to the daemon.
 * usage: crash_load SOCKET SEED INFECTED-DIR CLEAN-DIR; orders by lines on standard input:
 *   add N         N more files        send PATH  one more file, of its own
 *   mark          the longest silence is measured from here
 *   report        one line of JSON    quit
 * Owns the load, the answers and their count: each file has a number, one answer and no more. Must not own any injection or judgement.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/packet.h"
#include "tests/support/crash_shots.h"
#include "wire/control_codec.h"

#define WINDOW 24
#define RETRY_MS 20

enum session_state { APART, GREETING, BEGINNING, OPEN };

static struct {
	const char *path; /* of the socket */
	int fd;
	enum session_state state;
	struct wire_arena *arena;
	uint64_t scan, retry_at_us, mark_us, last_us, silence_us;
	uint64_t connects, reconnects_asked, refusals, lost_sessions;
	char refusal[LIMIT_REASON_BYTES + 1];
	uint8_t packet[LIMIT_PACKET_BYTES];
} load;

_Noreturn static void die(const char *what)
{
	printf("{\"failed\":\"%s: %s\"}\n", what, strerror(errno));
	exit(1);
}

/* ---- session ---- */

static void part(void)
{
	if (load.state == OPEN)
		load.lost_sessions++;
	if (load.fd >= 0)
		close(load.fd);
	load.fd = -1;
	load.state = APART;
	load.retry_at_us = clock_mono_us() + RETRY_MS * UINT64_C(1000);
	shots_take_back();
}

/* False when the packet must wait or the session is gone. */
static bool send_request(const struct request *request, int fd)
{
	ssize_t len = request_encode(request, load.packet, sizeof(load.packet));
	int r = len < 0 ? (int)len
			: packet_send(load.fd, load.packet, (size_t)len, fd, MSG_DONTWAIT);

	if (r && r != -EAGAIN)
		part();
	return !r;
}

static void begin(void)
{
	struct request request = {.kind = REQUEST_SCAN_BEGIN};

	request.scan_begin.label = span_of_text("crash_load");
	request.scan_begin.continues = load.scan;
	load.state = BEGINNING;
	(void)send_request(&request, -1); /* an empty socket takes it, or it is gone */
}

static void greet(void)
{
	struct request hello = {.kind = REQUEST_HELLO};
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	load.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		       load.path); /* cut: refused */
	if (load.fd < 0)
		die("socket");
	if (connect(load.fd, (struct sockaddr *)&address, sizeof(address))) {
		part();
		return;
	}
	load.connects++;
	load.state = GREETING;
	hello.hello.protocol = CONTROL_PROTOCOL_VERSION;
	(void)send_request(&hello, -1); /* as above */
}

static void be_refused(const struct reply *reply)
{
	load.refusals++;
	(void)snprintf(load.refusal, sizeof(load.refusal), "%s", reply->refusal.reason);
	if (load.state == BEGINNING)
		load.scan = 0; /* not known any more: the next one is new */
	part();
}

static void heed(const struct reply *reply)
{
	if (reply->kind == REPLY_HELLO && load.state == GREETING) {
		begin();
	} else if (reply->kind == REPLY_SCAN_BEGUN && load.state == BEGINNING) {
		load.scan = reply->scan_begun.scan;
		load.state = OPEN;
	} else if (reply->kind == REPLY_FILE_RESULT && load.state == OPEN) {
		uint64_t now = clock_mono_us();

		if (load.mark_us && now - load.last_us > load.silence_us)
			load.silence_us = now - load.last_us;
		load.last_us = now;
		shots_answer(&reply->file_result);
	} else if (reply->kind == REPLY_RECONNECT) {
		load.reconnects_asked++;
		part();
	} else if (reply->kind == REPLY_REFUSAL) {
		be_refused(reply);
	} else {
		errno = EPROTO;
		die("an answer that was not asked for");
	}
}

static void hear(void)
{
	struct packet_meta meta;
	struct reply reply;
	const char *why = "";
	ssize_t len;

	while (load.state != APART) {
		len = packet_receive(load.fd, load.packet, sizeof(load.packet), MSG_DONTWAIT,
				     &meta);
		if (len == -EAGAIN)
			return;
		if (len <= 0)
			part();
		else if (reply_decode(load.arena, load.packet, (size_t)len, &reply, &why))
			die(why);
		else
			heed(&reply);
	}
}

static bool send_shot(void)
{
	struct request request = {.kind = REQUEST_SCAN_FILE};
	struct shot_request shot;
	char path[64];

	if (!shots_next(&shot))
		return false;
	(void)snprintf(path, sizeof(path), "/shot/%llu",
		       (unsigned long long)shot.number); /* fits */
	request.scan_file.file = shot.file;
	request.scan_file.path = span_of_text(shot.path ? shot.path : path);
	if (send_request(&request, shot.fd)) {
		shots_sent(&shot);
		return true;
	}
	return false;
}

/* ---- orders ---- */

static void report(void)
{
	uint64_t now = clock_mono_us(), silence = load.silence_us;

	if (load.mark_us && shots_waiting() && now - load.last_us > silence)
		silence = now - load.last_us;
	printf("{\"connects\":%llu,\"asked_to_reconnect\":%llu,\"lost_sessions\":%llu,\"refusals\":%llu,"
	       "\"refusal\":\"%s\",\"silence_us\":%llu,\"connected\":%s,",
	       (unsigned long long)load.connects, (unsigned long long)load.reconnects_asked,
	       (unsigned long long)load.lost_sessions, (unsigned long long)load.refusals,
	       load.refusal, (unsigned long long)silence, load.state == OPEN ? "true" : "false");
	shots_print();
	printf("}\n");
	(void)fflush(stdout); /* a reader that is gone ends us by the signal */
}

static void mark(void)
{
	load.mark_us = load.last_us = clock_mono_us();
	load.silence_us = 0;
}

static void obey(char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "add ", 4) == 0)
		shots_add(strtoull(line + 4, NULL, 10));
	else if (strncmp(line, "send ", 5) == 0)
		shots_add_file(line + 5);
	else if (strcmp(line, "mark") == 0)
		mark();
	else if (strcmp(line, "report") == 0)
		report();
	else if (strcmp(line, "quit") == 0)
		exit(0);
	else
		die("an order that is none");
}

/* Lines as they come; the rest of one stays for the next time. */
static void take_orders(void)
{
	static char text[65536];
	static size_t len;
	ssize_t n = read(STDIN_FILENO, text + len, sizeof(text) - 1 - len);
	char *line = text, *end;

	if (n <= 0)
		exit(0);
	len += (size_t)n;
	text[len] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		obey(line);
		line = end + 1;
	}
	len = strlen(line);
	memmove(text, line, len + 1);
}

static void wait_some(void)
{
	struct pollfd ends[] = {{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = load.fd, .events = POLLIN}};

	if (poll(ends, load.fd < 0 ? 1 : 2, load.state == APART ? RETRY_MS : 200) < 0)
		die("poll");
	if (ends[0].revents)
		take_orders();
	if (load.fd >= 0 && ends[1].revents)
		hear();
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 64;
	load.path = argv[1];
	load.fd = -1;
	load.arena = wire_arena_new();
	srand((unsigned)strtoul(argv[2], NULL, 10));
	if (!load.arena || !shots_open(argv[3], true) || !shots_open(argv[4], false))
		die("no files of both kinds");
	for (;;) {
		if (load.state == APART && clock_mono_us() >= load.retry_at_us)
			greet();
		while (load.state == OPEN && shots_under_way() < WINDOW && send_shot())
			;
		wait_some();
	}
}
