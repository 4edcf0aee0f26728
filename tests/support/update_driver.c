/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * update_driver: plays the daemon for one ampupdater. Starts it as base/update_birth.h says, by ampdaemon/spawn.c, and prints all that it
 * reports, a line each; the last line is how it ended.
 *
 *   update_driver PROGRAM INCOMING WORD...
 *
 *   database=NAME  mirror=URL  private=URL (a private mirror)  dns=NAME  proxy=URL:PORT  user=NAME  password=TEXT  whole
 *   refused=NAME:VERSION   of the mirror before it
 *   uid= gid= max_file_bytes= memory_bytes= connect_timeout_s= request_timeout_s= deadline_ms= protocol=
 *   kill_ms=N      SIGKILL that long after the start
 *   hang_up_ms=N   the channel is closed that long after the start; how long the updater took to end is printed
 *   hello=COMMAND  is run with $UPDATER (pid) when the updater has said hello
 *   env=NAME=VALUE is in its environment, which must be empty
 *   raw=TEXT       is sent in place of UpdateStart
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/low_fds.h"
#include "ampdaemon/spawn.h"
#include "base/update_birth.h"
#include "io/clock.h"
#include "io/packet.h"
#include "wire/update_report.h"

#define WAIT_MS 60000

struct driver {
	struct update_start start;
	struct spawned updater;
	int channel;
	mono_ms kill_ms, hang_up_ms; /* MONO_NEVER: not at all */
	const char *hello, *raw;
	char *environment[2];
	struct wire_arena *arena;
	struct update_report report;
	mono_ms born;
	uint8_t packet[LIMIT_PACKET_BYTES];
};

_Noreturn static void die(const char *what)
{
	printf("driver: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(99);
}

/* ---- words of the command line ---- */

/* The database must be named before. */
static bool refuse(struct update_start *start, char *value)
{
	char *version = strrchr(value, ':');

	if (!version || start->n_mirrors == 0)
		return false;
	*version++ = '\0';
	for (unsigned i = 0; i < start->n_databases; i++) {
		if (strcmp(start->databases[i], value) != 0)
			continue;
		start->mirrors[start->n_mirrors - 1].refused[i] =
			(uint32_t)strtoul(version, NULL, 10);
		return true;
	}
	return false;
}

static bool take_text(struct driver *driver, const char *key, char *value)
{
	struct update_start *start = &driver->start;
	bool is_private = strcmp(key, "private") == 0;
	char *port;

	if (strcmp(key, "database") == 0 && start->n_databases < LIMIT_DATABASES)
		start->databases[start->n_databases++] = value;
	else if ((is_private || strcmp(key, "mirror") == 0) && start->n_mirrors < LIMIT_MIRRORS)
		start->mirrors[start->n_mirrors++] =
			(struct update_mirror){.url = value, .is_private = is_private};
	else if (strcmp(key, "dns") == 0)
		start->dns = value;
	else if (strcmp(key, "user") == 0)
		start->proxy.user = value;
	else if (strcmp(key, "password") == 0)
		start->proxy.password = value;
	else if (strcmp(key, "hello") == 0)
		driver->hello = value;
	else if (strcmp(key, "env") == 0)
		driver->environment[0] = value;
	else if (strcmp(key, "raw") == 0)
		driver->raw = value;
	else if (strcmp(key, "refused") == 0)
		return refuse(start, value);
	else if (strcmp(key, "proxy") == 0 && (port = strrchr(value, ':'))) {
		*port = '\0';
		start->proxy.url = value;
		start->proxy.port = (uint16_t)strtoul(port + 1, NULL, 10);
	} else {
		return false;
	}
	return true;
}

static bool take_number(struct driver *driver, const char *key, uint64_t value)
{
	struct update_start *start = &driver->start;
	const struct {
		const char *key;
		uint32_t *place;
	} places[] = {
		{"uid", &start->uid},
		{"gid", &start->gid},
		{"connect_timeout_s", &start->connect_timeout_s},
		{"request_timeout_s", &start->request_timeout_s},
		{"deadline_ms", &start->deadline_ms},
		{"protocol", &start->protocol},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (strcmp(key, places[i].key) != 0)
			continue;
		*places[i].place = (uint32_t)value;
		return true;
	}
	if (strcmp(key, "max_file_bytes") == 0)
		start->max_file_bytes = value;
	else if (strcmp(key, "memory_bytes") == 0)
		start->memory_bytes = value;
	else if (strcmp(key, "kill_ms") == 0)
		driver->kill_ms = (mono_ms)value;
	else if (strcmp(key, "hang_up_ms") == 0)
		driver->hang_up_ms = (mono_ms)value;
	else
		return false;
	return true;
}

static void take_word(struct driver *driver, char *word)
{
	char *value = strchr(word, '=');

	if (strcmp(word, "whole") == 0) {
		driver->start.scripted = false;
		return;
	}
	if (!value) {
		errno = EINVAL;
		die(word);
	}
	*value++ = '\0';
	if (take_text(driver, word, value) || take_number(driver, word, strtoull(value, NULL, 10)))
		return;
	errno = EINVAL;
	die(word);
}

/* ---- birth ---- */

static void give_birth(struct driver *driver, const char *program, const char *incoming)
{
	char name[] = "ampupdater", error[400];
	char *const arguments[] = {name, NULL};
	struct spawn_program order = {.path = program,
				      .arguments = arguments,
				      .environment = driver->environment,
				      .fds = {-1, -1, -1},
				      .n_fds = UPDATE_FD_INCOMING + 1,
				      .own_pids = true,
				      .dies_with_us = true};
	int pair[2];

	if (packet_pair(pair) < 0)
		die("socketpair");
	order.program = open(program, O_PATH | O_CLOEXEC);
	order.fds[UPDATE_FD_CHANNEL] = pair[1];
	order.fds[UPDATE_FD_INCOMING] = open(incoming, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (order.program < 0 || order.fds[UPDATE_FD_INCOMING] < 0)
		die(incoming);
	errno = -spawn_program(&order, &driver->updater, error, sizeof(error));
	if (errno)
		die(error);
	close(pair[1]);
	close(order.program);
	close(order.fds[UPDATE_FD_INCOMING]);
	driver->channel = pair[0];
}

static void send_start(struct driver *driver)
{
	ssize_t len = update_start_encode(&driver->start, driver->packet, sizeof(driver->packet));
	int result;

	if (driver->raw) {
		len = (ssize_t)strlen(driver->raw);
		memcpy(driver->packet, driver->raw, (size_t)len);
	}
	errno = (int)-len;
	if (len < 0)
		die("this order cannot be sent");
	result = packet_send(driver->channel, driver->packet, (size_t)len, -1, 0);
	errno = -result;
	if (result < 0 && result != -EPIPE)
		die("send");
}

/* ---- reports ---- */

static void greet(const struct driver *driver, const struct update_hello *hello)
{
	char pid[20];

	printf("hello %s uid=%u gid=%u\n", hello->library, hello->uid, hello->gid);
	for (unsigned i = 0; i < hello->n_walls; i++)
		printf("wall %s %s %s\n", wall_name(hello->walls[i].id),
		       wall_state_name(hello->walls[i].state), hello->walls[i].detail);
	fflush(stdout);
	(void)snprintf(pid, sizeof(pid), "%d", (int)driver->updater.pid);
	if (driver->hello && (setenv("UPDATER", pid, 1) < 0 || system(driver->hello) != 0))
		printf("driver: the command failed\n");
}

static void print(const struct driver *driver, const struct from_updater *message)
{
	const struct update_attempt *attempt = &message->attempt;

	switch (message->kind) {
	case FROM_UPDATER_HELLO:
		greet(driver, &message->hello);
		break;
	case FROM_UPDATER_PROGRESS:
		printf("progress database=%u mirror=%u bytes=%llu\n", message->progress.database,
		       message->progress.mirror, (unsigned long long)message->progress.bytes);
		break;
	case FROM_UPDATER_ATTEMPT:
		printf("attempt %s mirror=%u %s wait=%u file=%s version=%u bytes=%llu detail=%s\n",
		       attempt->database < driver->start.n_databases
			       ? driver->start.databases[attempt->database]
			       : "?",
		       attempt->mirror, update_outcome_name(attempt->outcome), attempt->wait_s,
		       attempt->file, attempt->version, (unsigned long long)attempt->bytes,
		       attempt->detail);
		break;
	case FROM_UPDATER_FINISHED:
		printf("finished %s updated=%u\n", update_outcome_name(message->finished.outcome),
		       message->finished.updated);
		break;
	case FROM_UPDATER_FAILED:
		printf("failed %u %s\n", message->failed.code, message->failed.reason);
		break;
	}
}

/* False at the end of the channel. */
static bool hear(struct driver *driver)
{
	struct from_updater message;
	struct packet_meta meta;
	const char *why;
	ssize_t len =
		packet_receive(driver->channel, driver->packet, sizeof(driver->packet), 0, &meta);

	if (len <= 0)
		return false;
	if (from_updater_decode(driver->arena, driver->packet, (size_t)len, &message, &why) < 0 ||
	    update_report_take(&driver->report, &message, meta.fd >= 0,
			       (uint64_t)(clock_mono_ms() - driver->born), &why) < 0) {
		printf("driver: bad message: %s\n", why);
		return false;
	}
	print(driver, &message);
	return true;
}

static void obey_clock(struct driver *driver, mono_ms began)
{
	mono_ms passed = clock_mono_ms() - began;

	if (passed >= driver->kill_ms) {
		(void)syscall(SYS_pidfd_send_signal, driver->updater.pidfd, SIGKILL, NULL, 0);
		driver->kill_ms = MONO_NEVER;
	}
	if (passed >= driver->hang_up_ms)
		close(driver->channel);
}

static int next_look(const struct driver *driver, mono_ms began)
{
	mono_ms next = mono_min(driver->kill_ms, driver->hang_up_ms);
	mono_ms passed = clock_mono_ms() - began;

	if (next == MONO_NEVER || next - passed > WAIT_MS)
		return WAIT_MS;
	return next > passed ? (int)(next - passed) : 0;
}

static void listen_to(struct driver *driver)
{
	mono_ms began = clock_mono_ms();

	for (;;) {
		struct pollfd wait = {.fd = driver->channel, .events = POLLIN};
		int n = poll(&wait, 1, next_look(driver, began));

		if (n < 0)
			die("poll");
		if (n > 0 && !hear(driver))
			return;
		if (n == 0 && clock_mono_ms() - began >= WAIT_MS)
			die("nothing came");
		obey_clock(driver, began);
		if (clock_mono_ms() - began >= driver->hang_up_ms)
			return;
	}
}

static void await_end(const struct driver *driver)
{
	struct pollfd end = {.fd = driver->updater.pidfd, .events = POLLIN};
	mono_ms began = clock_mono_ms();
	siginfo_t info = {0};

	if (poll(&end, 1, WAIT_MS) <= 0 ||
	    waitid(P_PIDFD, (id_t)driver->updater.pidfd, &info, WEXITED) < 0)
		die("it does not end");
	printf("took ms=%lld\n", (long long)(clock_mono_ms() - began));
	if (info.si_code == CLD_EXITED)
		printf("end status=%d %s%s\n", info.si_status, update_exit_text(info.si_status),
		       update_report_agrees(&driver->report, info.si_status) ? " (agreed)" : "");
	else
		printf("end signal=%d\n", info.si_status);
}

int main(int argc, char **argv)
{
	static struct driver driver = {
		.start = {.protocol = UPDATE_PROTOCOL_VERSION,
			  .uid = 65534,
			  .gid = 65534,
			  .max_file_bytes = 64 << 20,
			  .memory_bytes = 512 << 20,
			  .connect_timeout_s = 3,
			  .request_timeout_s = 3,
			  .deadline_ms = 30000,
			  .scripted = true,
			  .dns = "",
			  .proxy = {.url = "", .user = "", .password = ""}},
		.kill_ms = MONO_NEVER,
		.hang_up_ms = MONO_NEVER,
	};

	if (argc < 3)
		return 2;
	for (int i = 3; i < argc; i++)
		take_word(&driver, argv[i]);
	driver.arena = wire_arena_new();
	update_report_init(&driver.report, &driver.start);
	driver.born = clock_mono_ms();
	if (!driver.arena || low_fds_reserve() < 0)
		die("start");
	give_birth(&driver, argv[1], argv[2]);
	send_start(&driver);
	listen_to(&driver);
	await_end(&driver);
	return 0;
}
