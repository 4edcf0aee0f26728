/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * steady_load: a client that keeps as many files under way as the daemon permits, and writes down every answer. Sends the files given in turn
 * until its standard input ends, waits for what is under way, and ends. usage: steady_load SOCKET NAME=FILE...
 *
 * Standard output, a line for each answer:  SENT ANSWERED NAME VERDICT GENERATION REASON  (microseconds of the monotonic clock),
 * and at the end:  end SENT ANSWERED  (counts).
 * Owns the load and the record: an answer to what is not under way, or a session that is lost, ends it with exit 1. Must not own any judgement.
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
#include "wire/control_codec.h"

#define WINDOW_MAX 256
#define LAST_ANSWERS_MS 60000 /* after the end of the load */

struct kind {
	const char *name, *path;
};

static struct {
	int fd;
	unsigned window, n_kinds;
	struct kind *kinds;
	uint64_t sent, answered;
	uint64_t serial_of[WINDOW_MAX]; /* 0: the place is free */
	uint64_t sent_us[WINDOW_MAX];
	struct wire_arena *arena;
	struct reply reply;
	uint8_t packet[LIMIT_PACKET_BYTES];
} load;

_Noreturn static void die(const char *what, int error)
{
	(void)fflush(stdout); /* what there is may say more */
	fprintf(stderr, "steady_load: %s: %s\n", what, strerror(error));
	exit(1);
}

static int send_request(const struct request *request, int fd)
{
	ssize_t len = request_encode(request, load.packet, sizeof(load.packet));

	return len < 0 ? (int)len
		       : packet_send(load.fd, load.packet, (size_t)len, fd, MSG_DONTWAIT);
}

/* False when there is none yet. */
static bool receive(int flags)
{
	struct packet_meta meta;
	const char *why = "";
	ssize_t len = packet_receive(load.fd, load.packet, sizeof(load.packet), flags, &meta);

	if (len == -EAGAIN)
		return false;
	if (len <= 0)
		die("the session is lost", len < 0 ? (int)-len : ECONNRESET);
	if (reply_decode(load.arena, load.packet, (size_t)len, &load.reply, &why))
		die(why, EPROTO);
	if (load.reply.kind == REPLY_REFUSAL)
		die(load.reply.refusal.reason, EPERM);
	return true;
}

static void ask(const struct request *request, enum reply_kind kind)
{
	int r = send_request(request, -1);

	if (r)
		die("a request cannot be sent", -r);
	if (!receive(0) || load.reply.kind != kind)
		die("an answer of another kind", EPROTO);
}

static void begin(const char *path)
{
	struct request hello = {.kind = REQUEST_HELLO,
				.hello = {.protocol = CONTROL_PROTOCOL_VERSION}};
	struct request scan = {.kind = REQUEST_SCAN_BEGIN,
			       .scan_begin = {.label = span_of_text("steady_load")}};
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	load.arena = wire_arena_new();
	load.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (!load.arena || load.fd < 0 || strlen(path) >= sizeof(address.sun_path))
		die(path, ENOMEM);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(load.fd, (struct sockaddr *)&address, sizeof(address)))
		die(path, errno);
	ask(&hello, REPLY_HELLO);
	load.window = load.reply.hello.window < WINDOW_MAX ? load.reply.hello.window : WINDOW_MAX;
	ask(&scan, REPLY_SCAN_BEGUN);
}

static const struct kind *kind_of(uint64_t serial)
{
	return &load.kinds[serial % load.n_kinds];
}

/* False when the window is full: the place of a file is free when the one that had it before is answered. */
static bool submit(void)
{
	uint64_t serial = load.sent + 1;
	unsigned place = (unsigned)(serial % load.window);
	const char *path = kind_of(serial)->path;
	struct request request = {.kind = REQUEST_SCAN_FILE,
				  .scan_file = {.file = serial, .path = span_of_text(path)}};
	int fd, r;

	if (load.serial_of[place] || load.sent - load.answered >= load.window)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path, errno);
	r = send_request(&request, fd);
	(void)close(fd); /* a copy is on its way */
	if (r && r != -EAGAIN)
		die("a file cannot be sent", -r);
	if (r)
		return false;
	load.sent = serial;
	load.serial_of[place] = serial;
	load.sent_us[place] = clock_mono_us();
	return true;
}

static void take_answer(void)
{
	const struct file_result *result = &load.reply.file_result;
	unsigned place = (unsigned)(result->file % load.window);

	if (load.reply.kind != REPLY_FILE_RESULT)
		die("an answer that was not asked for", EPROTO);
	if (!result->file || load.serial_of[place] != result->file)
		die("a second answer, or one to nothing", EPROTO);
	load.serial_of[place] = 0;
	load.answered++;
	(void)printf("%llu %llu %s %s %llu %u\n", (unsigned long long)load.sent_us[place],
		     (unsigned long long)clock_mono_us(), kind_of(result->file)->name,
		     verdict_name(result->verdict), (unsigned long long)result->generation,
		     (unsigned)result->reason);
}

/* What is answered; false when the input has ended. */
static bool step(bool has_input, int wait_ms)
{
	struct pollfd ends[] = {{.fd = load.fd, .events = POLLIN},
				{.fd = has_input ? STDIN_FILENO : -1, .events = POLLIN}};
	char byte;

	if (poll(ends, 2, wait_ms) < 0)
		die("poll", errno);
	while (ends[0].revents && receive(MSG_DONTWAIT))
		take_answer();
	return !ends[1].revents || read(STDIN_FILENO, &byte, 1) > 0;
}

static void run(void)
{
	uint64_t limit;

	do {
		while (submit())
			;
	} while (step(true, 1000));
	limit = clock_mono_us() + LAST_ANSWERS_MS * UINT64_C(1000);
	while (load.answered < load.sent && clock_mono_us() < limit)
		(void)step(false, 1000); /* there is no input any more */
}

static bool name_kinds(char **arguments, unsigned n)
{
	load.kinds = calloc(n, sizeof(*load.kinds));
	load.n_kinds = n;
	for (unsigned i = 0; i < n; i++) {
		char *value = strchr(arguments[i], '=');

		if (!value || !load.kinds)
			return false;
		*value = '\0';
		load.kinds[i] = (struct kind){.name = arguments[i], .path = value + 1};
	}
	return true;
}

int main(int argc, char **argv)
{
	if (argc < 3 || !name_kinds(argv + 2, (unsigned)argc - 2)) {
		fprintf(stderr, "usage: steady_load SOCKET NAME=FILE...\n");
		return 64;
	}
	begin(argv[1]);
	run();
	(void)printf("end %llu %llu\n", (unsigned long long)load.sent,
		     (unsigned long long)load.answered);
	if (fflush(stdout))
		die("standard output", errno);
	return 0;
}
