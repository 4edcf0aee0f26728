/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service_driver: plays the daemon for one scan service. Starts it as base/birth_contract.h says and obeys lines of
 * standard input, one answer after the other:
 *
 *   start KEY=VALUE...     uid, gid, temp_bytes, temp_inodes, memory_bytes, max_file_bytes, canary_every, max_recursion,
 *                          is_generation, is_trial; anchors=FILE of certificates
 *   spawn                  a worker; its number is printed
 *   scan WORKER PATH       one job
 *   spray WORKER N PATH    the same file N times, one after the other; prints the sum
 *   ping
 *   kill WORKER SIGNAL     and waits for its end
 *   words WORKER           what its page of last words says
 *   sh COMMAND             with $SERVICE (pid) and $W0, $W1... (pids) set
 *
 * Everything that the service says is printed, a line each.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/last_words_page.h"
#include "base/birth_contract.h"
#include "base/exit_code.h"
#include "io/clock.h"
#include "io/packet.h"
#include "wire/scan_codec.h"

#define WORKERS 64
#define WAIT_MS 120000

struct driver {
	pid_t service;
	int channel;
	int last_words;
	int jobs[WORKERS];
	pid_t pids[WORKERS];
	unsigned n_workers;
	bool has_definitions, is_quiet;
	uint64_t next_job;
	struct wire_arena *arena;
	struct scan_result last;
	uint8_t packet[LIMIT_PACKET_BYTES];
};

_Noreturn static void die(const char *what)
{
	printf("driver: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(99);
}

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	return fd;
}

static void place(int fd, int number)
{
	if (dup2(fd, number) < 0)
		_exit(98);
}

/* Everything goes up high first, so that no number is overwritten before it is moved. */
static void be_born(const char *program, int channel, int builtin, int definitions, int last_words)
{
	char *const arguments[] = {(char *)"ampscansvc", NULL};
	char *const nothing[] = {NULL};
	int null = open("/dev/null", O_RDWR);
	int fds[] = {fcntl(channel, F_DUPFD, 100), fcntl(builtin, F_DUPFD, 100),
		     fcntl(definitions >= 0 ? definitions : null, F_DUPFD, 100),
		     fcntl(last_words >= 0 ? last_words : null, F_DUPFD, 100)};

	if (!getenv("DRIVER_STDERR"))
		place(null, STDERR_FILENO);
	place(null, STDIN_FILENO);
	place(null, STDOUT_FILENO);
	for (int i = 0; i < 4; i++)
		place(fds[i], BIRTH_FD_CHANNEL + i);
	if (close_range(BIRTH_FD_LAST_WORDS + 1, ~0u, 0) < 0)
		_exit(98);
	execve(program, arguments, nothing);
	_exit(97);
}

static void start_process(struct driver *driver, const char *program, const char *builtin,
			  const char *definitions)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD, .flags = CLONE_NEWPID};
	int pair[2], builtin_fd = open_directory(builtin);
	int definitions_fd = definitions ? open_directory(definitions) : -1;

	if (packet_pair(pair) < 0)
		die("socketpair");
	driver->last_words = getenv("DRIVER_NO_WORDS") ? -1 : last_words_page_make();
	driver->service = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (driver->service == 0)
		be_born(program, pair[1], builtin_fd, definitions_fd, driver->last_words);
	if (driver->service < 0)
		die("clone");
	close(pair[1]);
	close(builtin_fd);
	driver->channel = pair[0];
	driver->has_definitions = definitions != NULL;
}

static void print_walls(const char *who, unsigned n, const struct wall_report *walls)
{
	for (unsigned i = 0; i < n; i++)
		printf("%s wall %s %s %s\n", who, wall_name(walls[i].id),
		       wall_state_name(walls[i].state), walls[i].detail);
}

static void print_ready(const struct service_ready *ready)
{
	printf("ready signatures=%llu load_ms=%u memory=%llu huge=%llu slots=%u built=%llu\n",
	       (unsigned long long)ready->signatures, ready->load_ms,
	       (unsigned long long)ready->memory_bytes, (unsigned long long)ready->huge_bytes,
	       ready->slots, (unsigned long long)ready->built);
}

static void print_file(const struct definition_file *file)
{
	printf("file %s %s signatures=%u version=%u promised=%u database=%s origin=%s (%s) %s\n",
	       file->name, file->accepted ? "accepted" : "rejected", file->signatures,
	       file->version, file->promised, file->database, definition_origin_name(file->origin),
	       definition_signing_name(file->signing), file->reason);
}

static void print_service(const struct from_service *message)
{
	switch (message->kind) {
	case FROM_SERVICE_HELLO:
		printf("hello %s uid=%u gid=%u\n", message->hello.engine, message->hello.uid,
		       message->hello.gid);
		print_walls("service", message->hello.n_walls, message->hello.walls);
		break;
	case FROM_SERVICE_PROGRESS:
		printf("progress %s %llu/%llu\n", load_phase_name(message->progress.phase),
		       (unsigned long long)message->progress.done,
		       (unsigned long long)message->progress.total);
		break;
	case FROM_SERVICE_FILE:
		print_file(&message->file);
		break;
	case FROM_SERVICE_READY:
		print_ready(&message->ready);
		break;
	case FROM_SERVICE_FAILED:
		printf("failed %u %s\n", message->failed.code, message->failed.reason);
		break;
	case FROM_SERVICE_SPAWNED:
		printf("spawned %llu error=%u %s\n", (unsigned long long)message->spawned.worker,
		       message->spawned.error, message->spawned.reason);
		break;
	case FROM_SERVICE_EXITED:
		printf("exited %llu signal=%d status=%d\n",
		       (unsigned long long)message->exited.worker,
		       WIFSIGNALED((int)message->exited.status)
			       ? WTERMSIG((int)message->exited.status)
			       : 0,
		       WIFEXITED((int)message->exited.status)
			       ? WEXITSTATUS((int)message->exited.status)
			       : -1);
		break;
	case FROM_SERVICE_LOG:
		printf("log %u %s\n", message->log.level, message->log.text);
		break;
	case FROM_SERVICE_PONG:
		printf("pong %llu\n", (unsigned long long)message->pong);
		break;
	}
}

static ssize_t take(struct driver *driver, int fd, struct packet_meta *ret_meta)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	fflush(stdout);
	if (poll(&wait, 1, WAIT_MS) <= 0)
		die("nothing came");
	return packet_receive(fd, driver->packet, sizeof(driver->packet), 0, ret_meta);
}

/* Prints until a message of `kind` came. False when the service ended before. */
static bool hear_service(struct driver *driver, enum from_service_kind kind)
{
	struct from_service message;
	struct packet_meta meta;
	const char *why;

	do {
		ssize_t len = take(driver, driver->channel, &meta);
		int status = 0;

		if (len <= 0) {
			waitpid(driver->service, &status, 0);
			printf("service ended signal=%d status=%d\n",
			       WIFSIGNALED(status) ? WTERMSIG(status) : 0,
			       WIFEXITED(status) ? WEXITSTATUS(status) : -1);
			return false;
		}
		if (from_service_decode(driver->arena, driver->packet, (size_t)len, &message,
					&why) < 0) {
			printf("driver: bad message: %s\n", why);
			return false;
		}
		print_service(&message);
	} while (message.kind != kind);
	return true;
}

static void print_result(struct driver *driver, const struct scan_result *result)
{
	driver->last = *result;
	if (driver->is_quiet)
		return;
	printf("result %s %s %s%s%s bytes=%llu us=%u\n", verdict_name(result->verdict),
	       scan_reason_name(result->reason), result->n_threats ? result->threats[0] : "-",
	       result->detail[0] ? " detail: " : "", result->detail,
	       (unsigned long long)result->bytes, result->scan_us);
}

/* False at the end of the worker. */
static bool hear_worker(struct driver *driver, unsigned worker)
{
	struct from_worker message;
	struct packet_meta meta;
	const char *why;
	ssize_t len = take(driver, driver->jobs[worker], &meta);

	if (len <= 0) {
		printf("worker %u gone\n", worker);
		return false;
	}
	if (from_worker_decode(driver->arena, driver->packet, (size_t)len, &message, &why) < 0) {
		printf("driver: bad message of a worker: %s\n", why);
		return false;
	}
	driver->pids[worker] = (pid_t)meta.pid;
	if (message.kind == FROM_WORKER_RESULT) {
		print_result(driver, &message.result);
		return true;
	}
	if (message.kind == FROM_WORKER_NOTICE) {
		printf("notice %s: %s\n", worker_reason_name(message.notice.reason),
		       message.notice.detail);
		return false;
	}
	printf("worker %u canaries=%u canary_us=%u\n", worker, message.hello.canaries,
	       message.hello.canary_us);
	print_walls("worker", message.hello.n_walls, message.hello.walls);
	return true;
}

static void send_order(struct driver *driver, const struct to_service *order, int fd)
{
	ssize_t len = to_service_encode(order, driver->packet, sizeof(driver->packet));

	if (len < 0 || packet_send(driver->channel, driver->packet, (size_t)len, fd, 0) < 0)
		die("send");
}

static const struct {
	const char *key;
	size_t at;
	size_t size;
} keys[] = {
#define KEY(name)                                                                                  \
	{                                                                                          \
#name "=", offsetof(struct service_start, name),                                   \
			sizeof(((struct service_start *)0)->name)                                  \
	}
	KEY(uid),          KEY(gid),           KEY(temp_bytes),
	KEY(temp_inodes),  KEY(memory_bytes),  KEY(max_file_bytes),
	KEY(canary_every), KEY(max_recursion), KEY(max_scan_bytes),
	KEY(max_files),    KEY(max_scan_ms),   KEY(protocol),
	KEY(is_trial),     KEY(is_generation),
};

static void read_anchors(struct service_start *start, const char *path)
{
	static uint8_t bytes[LIMIT_TRUST_ANCHOR_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	if (len < 0)
		die(path);
	close(fd);
	start->trust_anchors = span_of(bytes, (size_t)len);
}

static void set_key(struct service_start *start, const char *word)
{
	if (strncmp(word, "anchors=", 8) == 0)
		read_anchors(start, word + 8);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t len = strlen(keys[i].key);
		uint64_t value;

		if (strncmp(word, keys[i].key, len) != 0)
			continue;
		value = strtoull(word + len, NULL, 10);
		/* Little-endian machines only: this is a tool for tests. */
		memcpy((char *)start + keys[i].at, &value, keys[i].size);
	}
}

static bool start(struct driver *driver, char *words)
{
	struct to_service order = {
		.kind = TO_SERVICE_START,
		.start = {.protocol = AMP_PROTOCOL_VERSION,
			  .incarnation = 7,
			  .generation = 1,
			  .uid = 65534,
			  .gid = 65534,
			  .temp_bytes = 256 << 20,
			  .temp_inodes = 4096,
			  .max_file_bytes = 100 << 20,
			  .max_scan_bytes = 400 << 20,
			  .max_files = 10000,
			  .max_recursion = 17,
			  .max_scan_ms = 120000,
			  .canary_every = 1000,
			  .has_definitions = driver->has_definitions},
	};

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		set_key(&order.start, word);
	send_order(driver, &order, -1);
	return hear_service(driver, FROM_SERVICE_READY);
}

static bool spawn(struct driver *driver)
{
	struct to_service order = {.kind = TO_SERVICE_SPAWN, .spawn_worker = driver->n_workers};
	uint64_t begin = clock_mono_us();
	int pair[2], on = 1;

	if (driver->n_workers == WORKERS || packet_pair(pair) < 0 ||
	    setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		die("job channel");
	send_order(driver, &order, pair[1]);
	close(pair[1]);
	driver->jobs[driver->n_workers] = pair[0];
	if (!hear_service(driver, FROM_SERVICE_SPAWNED))
		return false;
	(void)hear_worker(driver, driver->n_workers++); /* prints why */
	printf("spawn took us=%llu\n", (unsigned long long)(clock_mono_us() - begin));
	return true;
}

static bool scan(struct driver *driver, unsigned worker, const char *path)
{
	const struct scan_job job = {.job = ++driver->next_job};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = scan_job_encode(&job, driver->packet, sizeof(driver->packet));
	int result;

	if (fd < 0 || worker >= driver->n_workers)
		die(path);
	if (!driver->is_quiet)
		printf("%s: ", path);
	result = packet_send(driver->jobs[worker], driver->packet, (size_t)len, fd, 0);
	close(fd);
	if (result < 0) {
		printf("worker %u cannot be sent to: %s\n", worker, strerror(-result));
		return true;
	}
	if (hear_worker(driver, worker) && driver->last.reason != SCAN_REASON_CANARY &&
	    driver->last.reason != SCAN_REASON_TEMP)
		return true;
	return true;
}

static bool spray(struct driver *driver, unsigned worker, unsigned n, const char *path)
{
	uint64_t begin = clock_mono_us();
	unsigned counts[VERDICT_COUNT] = {0};

	driver->is_quiet = true;
	for (unsigned i = 0; i < n; i++) {
		(void)scan(driver, worker, path); /* its verdict is counted */
		counts[driver->last.verdict]++;
	}
	driver->is_quiet = false;
	printf("spray n=%u us=%llu clean=%u infected=%u\n", n,
	       (unsigned long long)(clock_mono_us() - begin), counts[VERDICT_CLEAN],
	       counts[VERDICT_INFECTED]);
	return true;
}

static bool end_worker(struct driver *driver, unsigned worker, int number)
{
	if (worker >= driver->n_workers || driver->pids[worker] <= 1 ||
	    kill(driver->pids[worker], number) < 0)
		die("kill");
	return hear_service(driver, FROM_SERVICE_EXITED);
}

static bool print_words(struct driver *driver, unsigned worker)
{
	struct last_words_report report;
	char text[300];

	if (last_words_page_read(driver->last_words, worker, &report))
		printf("words %u job=%llu %s\n", worker, (unsigned long long)report.job,
		       last_words_page_text(&report, text, sizeof(text)));
	else
		printf("words %u none\n", worker);
	return true;
}

static bool shell(struct driver *driver, const char *command)
{
	char name[16], value[16];

	(void)snprintf(value, sizeof(value), "%d", driver->service);
	setenv("SERVICE", value, 1);
	for (unsigned i = 0; i < driver->n_workers; i++) {
		(void)snprintf(name, sizeof(name), "W%u", i);
		(void)snprintf(value, sizeof(value), "%d", driver->pids[i]);
		setenv(name, value, 1);
	}
	fflush(stdout);
	printf("sh status=%d\n", system(command));
	return true;
}

static bool ping(struct driver *driver)
{
	const struct to_service order = {.kind = TO_SERVICE_PING, .ping = 42};

	send_order(driver, &order, -1);
	return hear_service(driver, FROM_SERVICE_PONG);
}

/* The `n` numbers behind `word`; what follows them, or NULL when the line is another one. */
static char *take_numbers(char *line, const char *word, unsigned *ret_numbers, int n)
{
	char *at = line + strlen(word), *end;

	if (strncmp(line, word, strlen(word)) != 0)
		return NULL;
	for (int i = 0; i < n; i++) {
		ret_numbers[i] = (unsigned)strtoul(at, &end, 10);
		if (end == at)
			return NULL;
		at = end + strspn(end, " ");
	}
	return at;
}

static bool obey(struct driver *driver, char *line)
{
	unsigned numbers[2];
	char *rest;

	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "start", 5) == 0)
		return start(driver, line + 5);
	if (strcmp(line, "spawn") == 0)
		return spawn(driver);
	if (strcmp(line, "ping") == 0)
		return ping(driver);
	if (strcmp(line, "reports") == 0)
		return hear_service(driver, FROM_SERVICE_EXITED);
	if (strncmp(line, "sh ", 3) == 0)
		return shell(driver, line + 3);
	if ((rest = take_numbers(line, "scan ", numbers, 1)))
		return scan(driver, numbers[0], rest);
	if ((rest = take_numbers(line, "spray ", numbers, 2)))
		return spray(driver, numbers[0], numbers[1], rest);
	if (take_numbers(line, "words ", numbers, 1))
		return print_words(driver, numbers[0]);
	if (take_numbers(line, "kill ", numbers, 2))
		return end_worker(driver, numbers[0], (int)numbers[1]);
	printf("driver: cannot understand: %s\n", line);
	return false;
}

int main(int argc, char **argv)
{
	static struct driver driver;
	static char line[70000];
	int status = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: service_driver SERVICE BUILTIN [DEFINITIONS] < orders\n");
		return 64;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies takes us along */
	driver.arena = wire_arena_new();
	start_process(&driver, argv[1], argv[2], argc > 3 ? argv[3] : NULL);
	while (fgets(line, sizeof(line), stdin) && obey(&driver, line))
		;
	close(driver.channel);
	if (waitpid(driver.service, &status, 0) == driver.service)
		printf("end signal=%d status=%d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		       WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}
