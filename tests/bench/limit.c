/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limit: what libclamav itself gives on this machine, with nothing around it. Loads the definitions, forks N processes, and
 * for each line "LIST [VERDICTS]" on stdin scans the files of LIST with them and prints one line of JSON. The processes stay,
 * so that runs can be interleaved with those of other programs.
 *
 *   limit --definitions DIR [--processes 2] [--temp DIR] [--memory plain|malloc+collapse|...]
 *
 * Owns the loop. Must not own the scan options: those are scan_options.h, the same for all programs measured.
 */
#include <clamav.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine_memory.h"
#include "file_list.h"
#include "scan_options.h"

#define PROCESSES_MAX 16

struct options {
	const char *definitions;
	const char *temp;
	unsigned processes;
	unsigned memory;
};

struct order {
	char list[4096]; /* "" ends the process */
	struct run_tally *tally;
};

/* A scanning process: an order goes down, a byte comes back when the list is read, a byte goes down to start, CPU seconds
 * come back. */
struct process {
	int down[2], up[2];
};

static double now(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* cannot fail with the clocks used here */
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what, int error)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(error));
	exit(1);
}

static void whole(ssize_t n, size_t len, const char *what)
{
	if (n != (ssize_t)len)
		die(what, n < 0 ? errno : EPIPE);
}

static struct cl_engine *load(const struct options *options)
{
	struct cl_engine *engine;
	unsigned signatures = 0;
	double start = now(CLOCK_MONOTONIC);
	int r = cl_init(CL_INIT_DEFAULT);

	engine = r == CL_SUCCESS ? cl_engine_new() : NULL;
	if (!engine)
		die("libclamav", ENOMEM);
	bench_engine_limits(engine);
	r = cl_load(options->definitions, engine, &signatures, CL_DB_STDOPT);
	if (r == CL_SUCCESS)
		r = cl_engine_compile(engine);
	if (r != CL_SUCCESS) {
		fprintf(stderr, "limit: definitions: %s\n", cl_strerror(r));
		exit(1);
	}
	fprintf(stderr, "limit: %u signatures in %.1f s\n", signatures,
		now(CLOCK_MONOTONIC) - start);
	return engine;
}

static enum verdict scan(int fd, struct cl_engine *engine, struct cl_scan_options *options)
{
	const char *name = NULL;
	unsigned long scanned = 0;
	int r = cl_scandesc_callback(fd, NULL, &name, &scanned, engine, options, NULL);

	if (r == CL_VIRUS)
		return bench_verdict_of_name(name);
	return r == CL_CLEAN ? VERDICT_CLEAN : VERDICT_ERROR;
}

static void scan_list(struct cl_engine *engine, const struct file_list *list,
		      struct run_tally *tally)
{
	struct cl_scan_options options = bench_scan_options();
	uint32_t index;
	int fd;

	while ((fd = run_tally_next(tally, list, &index)) >= 0) {
		run_tally_set(tally, index, scan(fd, engine, &options));
		(void)close(fd); /* was only read */
	}
}

static void obey(struct process *process, struct cl_engine *engine)
{
	struct order order;

	while (read(process->down[0], &order, sizeof(order)) == (ssize_t)sizeof(order)) {
		struct file_list list;
		int r = file_list_load(&list, order.list);
		double cpu;
		char go = 0;

		if (r < 0)
			die(order.list, -r);
		whole(write(process->up[1], "r", 1), 1, "ready");
		whole(read(process->down[0], &go, 1), 1, "go");
		cpu = now(CLOCK_PROCESS_CPUTIME_ID);
		scan_list(engine, &list, order.tally);
		cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		whole(write(process->up[1], &cpu, sizeof(cpu)), sizeof(cpu), "answer");
		file_list_free(&list);
	}
	_exit(0);
}

/* Each process has temporary storage of its own: they share libclamav's idea of a random name. */
static void own_temp(const struct options *options, struct cl_engine *engine, unsigned number)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/limit-%ld-%u", options->temp, (long)getppid(), number);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		die(path, errno);
	if (cl_engine_set_str(engine, CL_ENGINE_TMPDIR, path) != CL_SUCCESS)
		die("temporary directory", EINVAL);
	srand(number + 1);
}

static void start(struct process *process, const struct options *options, struct cl_engine *engine,
		  unsigned number)
{
	pid_t parent = getpid(), pid;

	if (pipe(process->down) < 0 || pipe(process->up) < 0)
		die("pipe", errno);
	pid = fork();
	if (pid < 0)
		die("fork", errno);
	if (pid > 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* else: end-of-file ends it */
	if (getppid() != parent)
		_exit(1);
	(void)close(process->down[1]); /* so that end-of-file can come */
	own_temp(options, engine, number);
	obey(process, engine);
}

static void run(struct process *processes, unsigned n, const struct file_list *list,
		const struct order *order)
{
	double seconds, cpu = 0, one;
	char ready;

	for (unsigned i = 0; i < n; i++)
		whole(write(processes[i].down[1], order, sizeof(*order)), sizeof(*order), "order");
	for (unsigned i = 0; i < n; i++)
		whole(read(processes[i].up[0], &ready, 1), 1, "a scanning process died");
	seconds = now(CLOCK_MONOTONIC);
	for (unsigned i = 0; i < n; i++)
		whole(write(processes[i].down[1], "g", 1), 1, "go");
	for (unsigned i = 0; i < n; i++) {
		whole(read(processes[i].up[0], &one, sizeof(one)), sizeof(one),
		      "a scanning process died");
		cpu += one;
	}
	seconds = now(CLOCK_MONOTONIC) - seconds;
	run_tally_print(order->tally, list->count, seconds, cpu);
}

/* The tally of a run must exist before the fork, so there is one for the largest list. */
#define FILES_MAX (1u << 20)

static void serve(struct process *processes, const struct options *options, struct run_tally *tally)
{
	struct order order = {.tally = tally};
	char line[8192], verdicts[4096];

	while (fgets(line, sizeof(line), stdin)) {
		struct file_list list;
		int fields = sscanf(line, "%4095s %4095s", order.list, verdicts);
		int r = fields >= 1 ? file_list_load(&list, order.list) : -EINVAL;

		if (r == 0 && list.count > FILES_MAX)
			r = -E2BIG;
		if (r < 0)
			die(line, -r);
		memset(tally, 0, sizeof(*tally) + list.count);
		run(processes, options->processes, &list, &order);
		if (fields == 2 && (r = run_tally_write(tally, &list, verdicts)) < 0)
			die(verdicts, -r);
		file_list_free(&list);
	}
}

static void usage(void)
{
	fputs("usage: limit --definitions DIR [--processes N] [--temp DIR] [--memory HOW]\n",
	      stderr);
	exit(64);
}

static struct options parse(int argc, char **argv)
{
	static const struct option known[] = {{"definitions", required_argument, NULL, 'd'},
					      {"processes", required_argument, NULL, 'p'},
					      {"temp", required_argument, NULL, 't'},
					      {"memory", required_argument, NULL, 'm'},
					      {0}};
	struct options options = {.temp = "/tmp", .processes = 2};
	int c, how;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (c == 'd')
			options.definitions = optarg;
		else if (c == 'p')
			options.processes = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 't')
			options.temp = optarg;
		else if (c == 'm' && (how = engine_memory_parse(optarg)) >= 0)
			options.memory = (unsigned)how;
		else
			usage();
	}
	if (!options.definitions || options.processes < 1 || options.processes > PROCESSES_MAX)
		usage();
	return options;
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	struct process processes[PROCESSES_MAX];
	struct run_tally *tally = run_tally_new(FILES_MAX);
	struct cl_engine *engine;

	if (!tally)
		die("memory", ENOMEM);
	engine_memory_before_load(options.memory);
	engine = load(&options);
	engine_memory_after_load(options.memory);
	for (unsigned i = 0; i < options.processes; i++)
		start(&processes[i], &options, engine, i);
	printf("ready\n");
	fflush(stdout);
	serve(processes, &options, tally);
	return 0;
}
