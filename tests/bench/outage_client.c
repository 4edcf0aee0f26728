/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outage_client: how long nothing protects after a death. Kills a worker or the scan service, or has the connector restarted, and measures
 * until the verdict that follows. usage: outage_client SOCKET worker|service|restart FILE ROUNDS
 *
 * worker   FILE is being scanned when its worker is killed. Sample: from kill(2) to the answer, less the engine's time for the
 *          scan that was answered. So it is what the death cost, the daemon's and the client's part included; the worker's
 *          birth, its fork and its canaries are in it only where no spare was ready. Beside it its pid, by which the journal has
 *          the daemon's own figure.
 * service  FILE is sent when the service that was killed is gone with all its workers. Sample: from kill(2) to the answer.
 * restart  Sample: from the request to the answer for FILE, with reconnecting in between. Root only.
 *
 * Prints one JSON object: samples in microseconds, and for workers their pids in the same order. Owns clock and kills. Exit 1 with one line on stderr when a round fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/packet.h"
#include "wire/control_codec.h"

#define PATIENCE_US 180000000 /* a load of a big set, and then some */
#define QUIET_MS 50           /* between rounds, when all is whole again */

#define ROUNDS_MAX 10000

struct probe {
	const char *socket_path, *file;
	int lost; /* the pid of the worker that was killed in the round */
	int socket;
	struct wire_arena *arena;
	uint64_t serial;
	struct reply reply; /* large: not for the stack of every call */
	unsigned char packet[LIMIT_PACKET_BYTES];
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "outage_client: %s\n", what);
	exit(1);
}

static void rest(unsigned ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)nanosleep(&pause, NULL); /* cut short: the loop comes again */
}

static int send_request(struct probe *p, const struct request *request, int fd)
{
	ssize_t len = request_encode(request, p->packet, sizeof(p->packet));

	return len < 0 ? (int)len : packet_send(p->socket, p->packet, (size_t)len, fd, 0);
}

static int receive(struct probe *p)
{
	struct packet_meta meta;
	const char *why;
	ssize_t len = packet_receive(p->socket, p->packet, sizeof(p->packet), 0, &meta);

	if (len <= 0)
		return len < 0 ? (int)len : -ECONNRESET;
	return reply_decode(p->arena, p->packet, (size_t)len, &p->reply, &why);
}

static int ask(struct probe *p, const struct request *request, enum reply_kind kind)
{
	int r = send_request(p, request, -1);

	if (!r)
		r = receive(p);
	return r ? r : p->reply.kind == kind ? 0 : -EPROTO;
}

static int open_session(struct probe *p)
{
	struct request hello = {.kind = REQUEST_HELLO,
				.hello = {.protocol = CONTROL_PROTOCOL_VERSION}};
	struct request scan = {.kind = REQUEST_SCAN_BEGIN,
			       .scan_begin = {.label = span_of_text("outage")}};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	if (p->socket >= 0)
		(void)close(p->socket); /* of the connection before */
	p->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (p->socket < 0 || strlen(p->socket_path) >= sizeof(address.sun_path))
		fail("no socket, or its path is too long");
	memcpy(address.sun_path, p->socket_path, strlen(p->socket_path) + 1);
	p->serial = 0;
	if (connect(p->socket, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	r = ask(p, &hello, REPLY_HELLO);
	return r ? r : ask(p, &scan, REPLY_SCAN_BEGUN);
}

static void status(struct probe *p)
{
	struct request request = {.kind = REQUEST_STATUS};

	if (ask(p, &request, REPLY_STATUS))
		fail("no status");
}

static int submit(struct probe *p)
{
	struct request request = {.kind = REQUEST_SCAN_FILE,
				  .scan_file = {.file = ++p->serial,
						.path = span_of_text(p->file)}};
	int fd = open(p->file, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		fail("the file cannot be opened");
	r = send_request(p, &request, fd);
	(void)close(fd); /* a copy is on its way */
	return r;
}

/* 0 when the file was scanned; 1 when it was answered otherwise (the service is not there yet). */
static int verdict(struct probe *p)
{
	int r = receive(p);

	if (r || p->reply.kind != REPLY_FILE_RESULT)
		return r ? r : -EPROTO;
	return p->reply.file_result.verdict != VERDICT_CLEAN &&
	       p->reply.file_result.verdict != VERDICT_INFECTED;
}

static unsigned count_workers(const struct probe *p, unsigned state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->reply.status.n_workers; i++)
		n += p->reply.status.workers[i].state == state;
	return n;
}

/* All workers there, none at work; and the standby, when one is kept. */
static void wait_until_whole(struct probe *p)
{
	uint64_t limit = clock_mono_us() + PATIENCE_US;

	do {
		rest(QUIET_MS);
		status(p);
		if (p->reply.status.service_state == SERVICE_UP &&
		    count_workers(p, WORKER_SPARE) == p->reply.status.n_workers &&
		    p->reply.status.n_workers >= 2 &&
		    p->reply.status.standby_wanted == p->reply.status.standby_ready)
			return;
	} while (clock_mono_us() < limit);
	fail("the workers do not come to rest");
}

static int busy_worker(struct probe *p)
{
	status(p);
	for (unsigned i = 0; i < p->reply.status.n_workers; i++) {
		if (p->reply.status.workers[i].state == WORKER_BUSY)
			return (int)p->reply.status.workers[i].pid;
	}
	return 0;
}

/* ---- the three measurements: a sample, or -1 when the round was void ---- */

static int64_t lose_worker(struct probe *p)
{
	uint64_t killed;
	int pid;

	if (submit(p))
		fail("the file cannot be sent");
	pid = busy_worker(p); /* the reply to the status comes first: the scan takes longer */
	if (!pid) {           /* it was quicker than the question */
		if (verdict(p) < 0)
			fail("no answer");
		return -1;
	}
	killed = clock_mono_us();
	if (kill(pid, SIGKILL))
		fail("the worker cannot be killed");
	p->lost = pid;
	if (verdict(p))
		fail("the file was not scanned after its worker died");
	return (int64_t)(clock_mono_us() - killed) - p->reply.file_result.us;
}

/* A worker that outlives its service by a millisecond would answer still. */
static void kill_whole(pid_t pid)
{
	struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	if (end.fd < 0 || kill(pid, SIGKILL))
		fail("the scan service cannot be killed");
	while (poll(&end, 1, -1) < 0) {
		if (errno != EINTR)
			fail("the end of the scan service cannot be waited for");
	}
	(void)close(end.fd);
}

static int64_t lose_service(struct probe *p)
{
	uint64_t killed;
	int r;

	status(p);
	killed = clock_mono_us();
	kill_whole((pid_t)p->reply.status.service_pid);
	do {
		r = submit(p);
		if (!r)
			r = verdict(p);
		if (r < 0 || clock_mono_us() - killed > PATIENCE_US)
			fail("no verdict after the scan service died");
	} while (r);
	return (int64_t)(clock_mono_us() - killed);
}

static int64_t restart(struct probe *p)
{
	struct request request = {.kind = REQUEST_RESTART};
	uint64_t asked = clock_mono_us();
	int r = send_request(p, &request, -1);

	while (!r)
		r = receive(p); /* until the old image has hung up */
	do {
		r = open_session(p);
		if (!r)
			r = submit(p);
		if (!r)
			r = verdict(p);
		if (clock_mono_us() - asked > PATIENCE_US)
			fail("no verdict after the restart");
		if (r)
			rest(1);
	} while (r);
	return (int64_t)(clock_mono_us() - asked);
}

static int64_t (*measurement(const char *name))(struct probe *)
{
	if (!strcmp(name, "worker"))
		return lose_worker;
	if (!strcmp(name, "service"))
		return lose_service;
	if (!strcmp(name, "restart"))
		return restart;
	fail("what to measure: worker, service or restart");
}

static void print_pids(const int *pids, unsigned n)
{
	(void)printf("],\"pids\":[");
	for (unsigned i = 0; i < n; i++)
		(void)printf("%s%d", i ? "," : "", pids[i]);
}

int main(int argc, char **argv)
{
	static struct probe probe = {.socket = -1};
	static int lost[ROUNDS_MAX];
	int64_t (*measure)(struct probe *), sample;
	unsigned rounds, done = 0;

	if (argc != 5)
		fail("usage: outage_client SOCKET worker|service|restart FILE ROUNDS");
	probe.socket_path = argv[1];
	measure = measurement(argv[2]);
	probe.file = argv[3];
	rounds = (unsigned)strtoul(argv[4], NULL, 10);
	if (rounds > ROUNDS_MAX)
		fail("too many rounds");
	probe.arena = wire_arena_new();
	if (!probe.arena || open_session(&probe))
		fail("no session");
	(void)printf("{\"samples_us\":[");
	while (done < rounds) {
		wait_until_whole(&probe);
		sample = measure(&probe);
		if (sample < 0)
			continue; /* it was quicker than the kill */
		lost[done] = probe.lost;
		(void)printf("%s%lld", done++ ? "," : "", (long long)sample);
	}
	if (measure == lose_worker)
		print_pids(lost, done);
	(void)printf("]}\n");
	return 0;
}
