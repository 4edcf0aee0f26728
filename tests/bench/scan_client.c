/* SPDX-License-Identifier: GPL-2.0-only */
#include "scan_client.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file_list.h"

struct options {
	const char *socket, *list, *verdicts;
	unsigned sessions, depth;
};

/* What all threads of a run share. */
struct run {
	const struct scan_protocol *protocol;
	const struct file_list *list;
	struct run_tally *tally;
	unsigned depth;
	pthread_barrier_t start;
};

struct lane {
	struct run *run;
	void *session;
	pthread_t thread;
	uint64_t sent, answered;
	uint32_t index_of[SCAN_CLIENT_DEPTH_MAX];  /* of the file with serial s, at s % depth */
	uint64_t serial_of[SCAN_CLIENT_DEPTH_MAX]; /* 0: the place is free */
};

static double now(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* cannot fail with the clocks used here */
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const struct run *run, const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s\n", run->protocol->name, what, strerror(error));
	exit(1);
}

/* Sends the next file; its place is kept until it is answered. False when there is no file left, or no place. */
static bool submit_next(struct lane *lane)
{
	struct run *run = lane->run;
	uint64_t serial = lane->sent + 1;
	unsigned place = (unsigned)(serial % run->depth);
	uint32_t index;
	int fd, r;

	if (lane->serial_of[place])
		return false;
	fd = run_tally_next(run->tally, run->list, &index);
	if (fd < 0)
		return false;
	r = run->protocol->submit(lane->session, serial, fd, run->list->paths[index]);
	if (r < 0)
		die(run, "cannot send a file", -r);
	(void)close(fd); /* was only passed on */
	lane->serial_of[place] = serial;
	lane->index_of[place] = index;
	lane->sent = serial;
	return true;
}

static void take_answer(struct lane *lane)
{
	struct run *run = lane->run;
	enum verdict verdict = VERDICT_NONE;
	uint64_t serial = 0;
	unsigned place;
	int r = run->protocol->answer(lane->session, &serial, &verdict);

	if (r < 0)
		die(run, "cannot receive an answer", -r);
	place = (unsigned)(serial % run->depth);
	if (serial == 0 || lane->serial_of[place] != serial)
		die(run, "an answer to nothing that was asked", EPROTO);
	run_tally_set(run->tally, lane->index_of[place], verdict);
	lane->serial_of[place] = 0;
	lane->answered++;
}

static void *work(void *argument)
{
	struct lane *lane = argument;

	(void)pthread_barrier_wait(
		&lane->run->start); /* cannot fail: initialised for this many threads */
	for (;;) {
		while (submit_next(lane))
			;
		if (lane->answered == lane->sent)
			return NULL;
		take_answer(lane);
	}
}

static void measure(struct run *run, const struct options *options)
{
	struct lane *lanes = calloc(options->sessions, sizeof(*lanes));
	double seconds, cpu;

	if (!lanes || pthread_barrier_init(&run->start, NULL, options->sessions + 1))
		die(run, "memory", ENOMEM);
	for (unsigned i = 0; i < options->sessions; i++) {
		lanes[i].run = run;
		lanes[i].session = run->protocol->open(options->socket);
		if (!lanes[i].session)
			die(run, options->socket, errno);
		if (pthread_create(&lanes[i].thread, NULL, work, &lanes[i]))
			die(run, "thread", EAGAIN);
	}
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	seconds = now(CLOCK_MONOTONIC);
	(void)pthread_barrier_wait(&run->start); /* as above */
	for (unsigned i = 0; i < options->sessions; i++)
		(void)pthread_join(lanes[i].thread,
				   NULL); /* cannot fail: a thread of ours, joined once */
	seconds = now(CLOCK_MONOTONIC) - seconds;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	for (unsigned i = 0; i < options->sessions; i++)
		run->protocol->close(lanes[i].session);
	run_tally_print(run->tally, run->list->count, seconds, cpu);
	free(lanes);
}

static void usage(const struct scan_protocol *protocol)
{
	fprintf(stderr,
		"usage: %s --socket PATH --list FILE [--sessions N] [--depth N] [--verdicts FILE]\n",
		protocol->name);
	exit(64);
}

static struct options parse(const struct scan_protocol *protocol, int argc, char **argv)
{
	static const struct option known[] = {
		{"socket", required_argument, NULL, 's'},   {"list", required_argument, NULL, 'l'},
		{"sessions", required_argument, NULL, 'n'}, {"depth", required_argument, NULL, 'd'},
		{"verdicts", required_argument, NULL, 'v'}, {0}};
	struct options options = {.sessions = 1, .depth = 1};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (c) {
		case 's':
			options.socket = optarg;
			break;
		case 'l':
			options.list = optarg;
			break;
		case 'v':
			options.verdicts = optarg;
			break;
		case 'n':
			options.sessions = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'd':
			options.depth = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			usage(protocol);
		}
	}
	if (!options.socket || !options.list || options.sessions < 1 ||
	    options.sessions > SCAN_CLIENT_SESSIONS_MAX || options.depth < 1 ||
	    options.depth > SCAN_CLIENT_DEPTH_MAX)
		usage(protocol);
	return options;
}

int scan_client_main(const struct scan_protocol *protocol, int argc, char **argv)
{
	struct options options = parse(protocol, argc, argv);
	struct run run = {.protocol = protocol, .depth = options.depth};
	struct file_list list;
	int r = file_list_load(&list, options.list);

	if (r < 0)
		die(&run, options.list, -r);
	run.list = &list;
	run.tally = run_tally_new(list.count);
	if (!run.tally)
		die(&run, "memory", ENOMEM);
	measure(&run, &options);
	if (options.verdicts && (r = run_tally_write(run.tally, &list, options.verdicts)) < 0)
		die(&run, options.verdicts, -r);
	run_tally_free(run.tally, list.count);
	file_list_free(&list);
	return 0;
}
