/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kill_driver: keeps a pipelined scan of infected and clean files going and kills busy workers meanwhile, at random
 * moments. usage: kill_driver SOCKET SCANS KILLS SEED INFECTED-DIR CLEAN-DIR
 *
 * Then it reads the journal and compares. Prints NAME=VALUE lines; what must hold is said by tests/system/kills.sh.
 * Owns: the load, the kills, the clock. Exit 1 when the session or the system failed it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/lives.h"
#include "io/clock.h"
#include "io/packet.h"
#include "wire/control_codec.h"

#define MAX_FILES 64
#define MAX_SCANS 200000
#define MAX_KILLS 20000
#define WINDOW 32
#define STALL_MS 60000 /* no answer for so long: something hangs */

struct killed {
	uint64_t worker;
	uint32_t pid;
	int signal, pidfd;
	uint64_t at_us;
	unsigned events; /* in the journal */
};

struct shot { /* one file sent */
	bool infected, answered;
	uint64_t done_us;
};

struct driver {
	int scan, ask; /* two sessions */
	struct wire_arena *arena;
	int files[MAX_FILES];
	bool infected[MAX_FILES];
	unsigned n_files, n_infected;
	struct shot shots[MAX_SCANS + 1];
	uint64_t sent, answered, twice, unknown, false_clean, verdicts[VERDICT_COUNT];
	struct killed kills[MAX_KILLS];
	unsigned n_kills, lost_kills;
	uint64_t first_sequence;
	uint32_t failures_before;
	uint8_t packet[LIMIT_PACKET_BYTES];
};

static struct driver driver;

_Noreturn static void die(const char *what)
{
	printf("driver_failed=%s (%s)\n", what, strerror(errno));
	exit(1);
}

/* ---- sessions ---- */

static void send_request(int socket, const struct request *request, int fd)
{
	ssize_t len = request_encode(request, driver.packet, sizeof(driver.packet));

	if (len < 0 || packet_send(socket, driver.packet, (size_t)len, fd, 0))
		die("send");
}

static int receive(int socket, struct reply *ret_reply, int flags)
{
	struct packet_meta meta;
	const char *why = "";
	ssize_t len = packet_receive(socket, driver.packet, sizeof(driver.packet), flags, &meta);

	if (len == -EAGAIN)
		return 0;
	if (len <= 0 || reply_decode(driver.arena, driver.packet, (size_t)len, ret_reply, &why))
		die(len <= 0 ? "the session ended" : why);
	return 1;
}

static void ask(int socket, const struct request *request, struct reply *ret_reply)
{
	send_request(socket, request, -1);
	if (!receive(socket, ret_reply, 0))
		die("no answer on a socket that blocks");
}

static int open_session(const char *path)
{
	struct request hello = {.kind = REQUEST_HELLO};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct reply reply = {.kind = REPLY_REFUSAL};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path); /* cut: refused */
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	hello.hello.protocol = CONTROL_PROTOCOL_VERSION;
	ask(fd, &hello, &reply);
	if (reply.kind != REPLY_HELLO)
		die("hello");
	return fd;
}

static void open_files(const char *path, bool infected)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory)
		die(path);
	while ((entry = readdir(directory)) && driver.n_files < MAX_FILES) {
		int fd = openat(dirfd(directory), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || entry->d_type != DT_REG) {
			if (fd >= 0)
				close(fd);
			continue;
		}
		driver.infected[driver.n_files] = infected;
		driver.files[driver.n_files++] = fd;
	}
	closedir(directory);
}

/* ---- kills ---- */

static struct status_report status(void)
{
	struct request request = {.kind = REQUEST_STATUS};
	struct reply reply = {.kind = REPLY_REFUSAL};

	ask(driver.ask, &request, &reply);
	if (reply.kind != REPLY_STATUS)
		die("status");
	return reply.status;
}

static bool was_killed(uint64_t worker)
{
	for (unsigned i = 0; i < driver.n_kills; i++) {
		if (driver.kills[i].worker == worker)
			return true;
	}
	return false;
}

/* Four of ten SIGSEGV, three SIGKILL, two SIGSYS, one SIGSTOP: each of those costs a whole deadline. */
static int any_signal(void)
{
	static const int signals[] = {SIGSEGV, SIGSEGV, SIGSEGV, SIGSEGV, SIGKILL,
				      SIGKILL, SIGKILL, SIGSYS,  SIGSYS,  SIGSTOP};

	return signals[rand() % 10];
}

static bool kill_one(void)
{
	struct status_report report = status();
	unsigned first = (unsigned)rand();

	for (unsigned i = 0; i < report.n_workers; i++) {
		const struct worker_report *w = &report.workers[(first + i) % report.n_workers];
		struct killed *k = &driver.kills[driver.n_kills];

		if (w->state != WORKER_BUSY || !w->pid || was_killed(w->worker))
			continue;
		*k = (struct killed){.worker = w->worker, .pid = w->pid, .signal = any_signal()};
		k->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
		if (k->pidfd < 0)
			continue;
		usleep((useconds_t)(rand() % 2000));
		k->at_us = clock_mono_us();
		if (syscall(SYS_pidfd_send_signal, k->pidfd, k->signal, NULL, 0)) {
			close(k->pidfd);
			driver.lost_kills++;
			continue;
		}
		driver.n_kills++;
		return true;
	}
	return false;
}

static unsigned still_alive(void)
{
	unsigned alive = 0;

	for (unsigned i = 0; i < driver.n_kills; i++) {
		struct pollfd end = {.fd = driver.kills[i].pidfd, .events = POLLIN};

		alive += poll(&end, 1, 0) == 0;
	}
	return alive;
}

/* ---- load ---- */

static void send_file(void)
{
	struct request request = {.kind = REQUEST_SCAN_FILE};
	unsigned which = (unsigned)rand() % driver.n_files;
	char path[32];

	request.scan_file.file = ++driver.sent;
	(void)snprintf(path, sizeof(path), "/shot/%llu",
		       (unsigned long long)driver.sent); /* fits */
	request.scan_file.path = span_of(path, strlen(path));
	driver.shots[driver.sent].infected = driver.infected[which];
	send_request(driver.scan, &request, driver.files[which]);
}

static void take(const struct file_result *result)
{
	struct shot *shot = &driver.shots[result->file];

	if (!result->file || result->file > driver.sent) {
		driver.unknown++;
		return;
	}
	driver.twice += shot->answered;
	driver.answered += !shot->answered;
	shot->answered = true;
	shot->done_us = clock_mono_us();
	driver.verdicts[result->verdict]++;
	driver.false_clean += shot->infected && result->verdict == VERDICT_CLEAN;
}

static void take_some(void)
{
	struct pollfd wait = {.fd = driver.scan, .events = POLLIN};
	struct reply reply = {.kind = REPLY_REFUSAL};

	if (poll(&wait, 1, STALL_MS) <= 0)
		die("no answer for a minute");
	while (receive(driver.scan, &reply, MSG_DONTWAIT) > 0) {
		if (reply.kind != REPLY_FILE_RESULT)
			die("not a result");
		take(&reply.file_result);
	}
}

/* Kills are spread over the run; at its end files are sent until every worker that was hit is gone. */
static void run(uint64_t scans, unsigned kills)
{
	uint64_t next = kills ? scans / (kills + 1) : scans;
	uint64_t step = next ? next : 1;

	while (driver.answered < scans || driver.answered < driver.sent || driver.n_kills < kills ||
	       still_alive()) {
		bool more = driver.sent < scans || driver.n_kills < kills || still_alive();

		while (more && driver.sent - driver.answered < WINDOW && driver.sent < MAX_SCANS)
			send_file();
		if (driver.sent == driver.answered)
			break;
		take_some();
		if (driver.n_kills < kills && driver.answered >= next && kill_one())
			next = driver.answered + (uint64_t)rand() % (2 * step) + 1;
	}
}

/* ---- the journal ---- */

static int by_size(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static void print_spread(const char *name, uint64_t *values, unsigned n)
{
	qsort(values, n, sizeof(*values), by_size);
	printf("%s_n=%u\n", name, n);
	if (n)
		printf("%s_p50=%llu\n%s_p99=%llu\n%s_max=%llu\n", name,
		       (unsigned long long)values[n / 2], name,
		       (unsigned long long)values[(uint64_t)n * 99 / 100], name,
		       (unsigned long long)values[n - 1]);
}

struct findings {
	uint64_t handover[MAX_KILLS], retried[MAX_KILLS];
	unsigned n_handover, n_retried, strangers, wrong_signal, in_hand;
};

static struct findings findings;

static struct killed *find_kill(uint64_t worker)
{
	for (unsigned i = 0; i < driver.n_kills; i++) {
		if (driver.kills[i].worker == worker)
			return &driver.kills[i];
	}
	return NULL;
}

/* A stopped worker is killed by the daemon. */
static bool is_right_signal(const struct killed *k, const struct event *event)
{
	int status = (int)event->worker.status;

	if (k->signal == SIGSTOP)
		return event->worker.cause == DEATH_DEADLINE;
	return WIFSIGNALED(status) && WTERMSIG(status) == k->signal;
}

static void compare(const struct event *event)
{
	struct killed *k = find_kill(event->worker.worker);
	unsigned long long number = 0;
	char path[32] = "";

	if (!k) {
		findings.strangers++;
		printf("stranger=%u %s\n", event->worker.pid, event->worker.detail);
		return;
	}
	k->events++;
	if (!is_right_signal(k, event)) {
		findings.wrong_signal++;
		printf("wrong_signal_was=%d %s\n", k->signal, event->worker.detail);
	}
	if (event->worker.path.len == 0 || event->worker.path.len >= sizeof(path))
		return;
	findings.in_hand++;
	memcpy(path, event->worker.path.data, event->worker.path.len);
	if (event->worker.handover_us)
		findings.handover[findings.n_handover++] = event->worker.handover_us;
	number = strncmp(path, "/shot/", 6) == 0 ? strtoull(path + 6, NULL, 10) : 0;
	if (k->signal != SIGSTOP && number && number <= driver.sent)
		findings.retried[findings.n_retried++] = driver.shots[number].done_us - k->at_us;
}

static void read_journal(void)
{
	struct request request = {.kind = REQUEST_HISTORY};
	bool more = true;

	request.history =
		(struct history_request){.limit = LIMIT_HISTORY_ROWS, .type = EVENT_WORKER_FAILED};
	while (more) {
		struct reply reply = {.kind = REPLY_REFUSAL};

		ask(driver.ask, &request, &reply);
		if (reply.kind != REPLY_HISTORY)
			die("history");
		more = reply.history.more;
		for (unsigned i = 0; i < reply.history.n_events; i++) {
			const struct event *event = &reply.history.events[i];

			request.history.before = event->sequence;
			if (event->sequence <= driver.first_sequence)
				return;
			compare(event);
		}
	}
}

static void report(void)
{
	unsigned exactly = 0;

	for (unsigned i = 0; i < driver.n_kills; i++)
		exactly += driver.kills[i].events == 1;
	printf("sent=%llu\nanswered=%llu\ntwice=%llu\nunknown=%llu\nfalse_clean=%llu\n",
	       (unsigned long long)driver.sent, (unsigned long long)driver.answered,
	       (unsigned long long)driver.twice, (unsigned long long)driver.unknown,
	       (unsigned long long)driver.false_clean);
	printf("clean=%llu\ninfected=%llu\nfailed=%llu\nerror=%llu\nincomplete=%llu\n",
	       (unsigned long long)driver.verdicts[VERDICT_CLEAN],
	       (unsigned long long)driver.verdicts[VERDICT_INFECTED],
	       (unsigned long long)driver.verdicts[VERDICT_FAILED],
	       (unsigned long long)driver.verdicts[VERDICT_ERROR],
	       (unsigned long long)driver.verdicts[VERDICT_INCOMPLETE]);
	printf("kills=%u\nlost_kills=%u\nevents_exactly_one=%u\nstrangers=%u\nwrong_signal=%u\nin_hand=%u\n",
	       driver.n_kills, driver.lost_kills, exactly, findings.strangers,
	       findings.wrong_signal, findings.in_hand);
	printf("counted=%u\n", status().worker_failures - driver.failures_before);
	print_spread("handover_us", findings.handover, findings.n_handover);
	print_spread("kill_to_answer_us", findings.retried, findings.n_retried);
}

static void begin(char **arguments)
{
	struct request request = {.kind = REQUEST_SCAN_BEGIN};
	struct status_report before;
	struct reply reply = {.kind = REPLY_REFUSAL};

	driver.arena = wire_arena_new();
	if (!driver.arena)
		die("memory");
	open_files(arguments[5], true);
	driver.n_infected = driver.n_files;
	open_files(arguments[6], false);
	if (!driver.n_infected || driver.n_infected == driver.n_files)
		die("files of both kinds are needed");
	driver.scan = open_session(arguments[1]);
	driver.ask = open_session(arguments[1]);
	before = status();
	driver.failures_before = before.worker_failures;
	driver.first_sequence = before.journal_sequence;
	request.scan_begin.label = span_of_text("kill_driver");
	ask(driver.scan, &request, &reply);
	if (reply.kind != REPLY_SCAN_BEGUN)
		die("begin");
}

int main(int argc, char **argv)
{
	uint64_t scans, begun;
	unsigned kills;

	if (argc != 7)
		return 64;
	scans = strtoull(argv[2], NULL, 10);
	kills = (unsigned)strtoul(argv[3], NULL, 10);
	if (scans > MAX_SCANS / 2 || kills > MAX_KILLS)
		return 64;
	srand((unsigned)strtoul(argv[4], NULL, 10));
	begin(argv);
	begun = clock_mono_us();
	run(scans, kills);
	printf("ms=%llu\n", (unsigned long long)(clock_mono_us() - begun) / 1000);
	sleep(1); /* obituaries wait half a second for the parent's word */
	read_journal();
	report();
	return 0;
}
