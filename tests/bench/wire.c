/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire: what it costs to hand over a file and take a verdict, with no scan in between. Two processes, the packets of a job
 * channel: ScanJob with a descriptor down, ScanResult up, through shared/wire and shared/io/packet as the daemon and
 * a worker use them. Prints round trips a second, one by one and with a window of jobs under way.
 *
 *   wire [SECONDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/packet.h"
#include "wire/scan_codec.h"

struct end {
	int socket;
	struct wire_arena *arena;
	unsigned char packet[LIMIT_PACKET_BYTES];
};

static void die(const char *what, int error)
{
	fprintf(stderr, "wire: %s: %s\n", what, strerror(error));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Receives one packet into `end`; its length, 0 at end-of-file. The descriptor, if any, is closed as a worker would. */
static size_t take(struct end *end, bool wants_fd)
{
	struct packet_meta meta;
	ssize_t len = packet_receive(end->socket, end->packet, sizeof(end->packet), 0, &meta);

	if (len < 0)
		die("receive", (int)-len);
	if (len > 0 && (meta.fd >= 0) != wants_fd)
		die("descriptor", EPROTO);
	if (meta.fd >= 0)
		(void)close(meta.fd); /* was never written to */
	return (size_t)len;
}

static void give(struct end *end, ssize_t len, int fd)
{
	int r = len < 0 ? (int)len : packet_send(end->socket, end->packet, (size_t)len, fd, 0);

	if (r < 0)
		die("send", -r);
}

/* The worker's half: every job is CLEAN at once. */
static void answer_all(struct end *end)
{
	struct from_worker message = {
		.kind = FROM_WORKER_RESULT,
		.incarnation = 1,
		.worker = 1,
		.result = {.verdict = VERDICT_CLEAN, .detail = "", .bytes = 1000, .scan_us = 1},
	};
	struct scan_job job;
	const char *why;
	size_t len;

	while ((len = take(end, true)) > 0) {
		if (scan_job_decode(end->arena, end->packet, len, &job, &why) < 0)
			die(why, EBADMSG);
		message.result.job = job.job;
		give(end, from_worker_encode(&message, end->packet, sizeof(end->packet)), -1);
	}
}

static void ask_one(struct end *end, uint64_t number, int file)
{
	struct scan_job job = {.job = number};

	give(end, scan_job_encode(&job, end->packet, sizeof(end->packet)), file);
}

static void check_answer(struct end *end, uint64_t expected)
{
	struct from_worker message;
	const char *why;
	size_t len = take(end, false);

	if (len == 0)
		die("the other process ended", ECONNRESET);
	if (from_worker_decode(end->arena, end->packet, len, &message, &why) < 0)
		die(why, EBADMSG);
	if (message.kind != FROM_WORKER_RESULT || message.result.job != expected)
		die("an answer to nothing that was asked", EPROTO);
}

static void measure(struct end *end, int file, unsigned window, double seconds)
{
	uint64_t sent = 0, answered = 0;
	double start = now(), took;

	while (sent < window)
		ask_one(end, ++sent, file);
	do {
		check_answer(end, ++answered);
		ask_one(end, ++sent, file);
		took = now() - start;
	} while (took < seconds);
	while (answered < sent)
		check_answer(end, ++answered);
	printf("{\"window\": %u, \"round_trips_per_second\": %.0f, \"us\": %.2f}\n", window,
	       (double)answered / took, 1e6 * took / (double)answered);
}

static struct end *end_of(int socket)
{
	struct end *end = calloc(1, sizeof(*end));

	if (!end || !(end->arena = wire_arena_new()))
		die("memory", ENOMEM);
	end->socket = socket;
	return end;
}

int main(int argc, char **argv)
{
	static const unsigned windows[] = {1, 2, 8, 32};
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;
	int pair[2], file = open("/dev/null", O_RDONLY | O_CLOEXEC), status = 0;
	int r = packet_pair(pair);
	pid_t pid;

	if (r < 0 || file < 0)
		die("set-up", r < 0 ? -r : errno);
	pid = fork();
	if (pid < 0)
		die("fork", errno);
	if (pid == 0) {
		(void)close(pair[0]); /* so that end-of-file can come */
		answer_all(end_of(pair[1]));
		_exit(0);
	}
	(void)close(pair[1]); /* the child's */
	for (unsigned i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		measure(end_of(pair[0]), file, windows[i], seconds);
	(void)close(pair[0]); /* the child's end-of-file */
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die("the other process failed", ECHILD);
	return 0;
}
