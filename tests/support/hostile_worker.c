/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile_worker: a worker of hostile_scansvc. A file that begins with INFECTED is INFECTED, any other CLEAN; SLOW costs
 * 100 ms. The plan's "w-*" happens at its birth, "t-*" at a file that begins with TRIGGER.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/walls.h"
#include "hostile_peer.h"
#include "io/packet.h"
#include "wire/scan_codec.h"

#define SLOW_MS 100

enum { HELLO = 3, RESULT, NOTICE }; /* FromWorker */

static void wrap(unsigned kind)
{
	outer.len = 0;
	raw_number(&outer, 1, self.incarnation);
	raw_number(&outer, 2, self.worker);
	raw_message(&outer, kind, &inner);
}

static void say(unsigned kind)
{
	wrap(kind);
	hostile_send(0);
}

static void hello(void)
{
	inner.len = 0;
	raw_number(&inner, 2, 5);
	raw_number(&inner, 3, 100);
	say(HELLO);
}

static void fill_result(uint64_t job, unsigned verdict)
{
	inner.len = 0;
	raw_number(&inner, 1, job);
	raw_number(&inner, 2, verdict);
	if (verdict == VERDICT_INFECTED)
		raw_text(&inner, 5, "Stand-in.Test");
}

static void result(uint64_t job, unsigned verdict)
{
	fill_result(job, verdict);
	say(RESULT);
}

static void notice(void)
{
	inner.len = 0;
	raw_number(&inner, 1, WORKER_REASON_TEMP);
	raw_text(&inner, 2, "so it is said");
	say(NOTICE);
}

/* ---- at birth ---- */

static void w_early_result(void)
{
	result(1, VERDICT_CLEAN);
	hello();
}

static void w_job_0(void)
{
	hello();
	result(0, VERDICT_CLEAN);
	hostile_rest();
}

static void w_hello_twice(void)
{
	hello();
	hello();
	hostile_rest();
}

static void w_notice_first(void)
{
	notice();
	hostile_rest();
}

static void w_notice_idle(void)
{
	hello();
	notice();
	hostile_rest();
}

static void w_notice_twice(void)
{
	notice();
	notice();
	hostile_rest();
}

static void w_wall_breached(void)
{
	static struct raw wall;

	inner.len = 0;
	wall.len = 0;
	raw_number(&wall, 1, WALL_SECCOMP);
	raw_number(&wall, 2, WALL_STATE_BREACHED);
	raw_message(&inner, 1, &wall);
	say(HELLO);
	hostile_rest();
}

static void w_close(void)
{
	_exit(0);
}

/* The one that greeted is dead; a child of it serves on. */
static void w_heir(void)
{
	hello();
	if (fork() != 0)
		_exit(0);
}

/* The greeting is a child's, which ends at once; who serves is not who the kernel named. */
static void w_messenger(void)
{
	if (fork() == 0) {
		hello();
		_exit(0);
	}
	hostile_sleep_ms(50);
}

/* The credentials of the parent, which a process with rights in its pid namespace may claim. */
static void w_other_pid(void)
{
	struct ucred claimed = {.pid = getppid()};
	union {
		char bytes[CMSG_SPACE(sizeof(claimed))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov;
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_CREDENTIALS;
	header->cmsg_len = CMSG_LEN(sizeof(claimed));
	memcpy(CMSG_DATA(header), &claimed, sizeof(claimed));
	inner.len = 0;
	raw_number(&inner, 2, 5);
	wrap(HELLO);
	iov = (struct iovec){.iov_base = outer.bytes, .iov_len = outer.len};
	if (sendmsg(self.channel, &message, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static const struct entry at_birth[] = {
	{"w-early-result", w_early_result},
	{"w-job-0", w_job_0},
	{"w-hello-twice", w_hello_twice},
	{"w-notice-first", w_notice_first},
	{"w-notice-idle", w_notice_idle},
	{"w-notice-twice", w_notice_twice},
	{"w-wall-breached", w_wall_breached},
	{"w-close", w_close},
	{"w-heir", w_heir},
	{"w-messenger", w_messenger},
	{"w-other-pid", w_other_pid},
	{NULL, NULL},
};

/* ---- at a TRIGGER file ---- */

static void t_wrong_job(void)
{
	result(self.job + (UINT64_C(1) << 32), VERDICT_CLEAN);
	hostile_rest();
}

static void t_job_0(void)
{
	result(0, VERDICT_CLEAN);
	hostile_rest();
}

static void t_next_job(void)
{
	result(self.job + 1, VERDICT_CLEAN);
	hostile_rest();
}

/* Answers what it was given behind the one in hand: out of order. */
static void t_out_of_order(void)
{
	static uint8_t packet[256];
	static struct scan_job job;
	struct packet_meta meta;
	const char *why;
	ssize_t len = packet_receive(self.channel, packet, sizeof(packet), 0, &meta);

	if (len <= 0 || scan_job_decode(wire_arena_new(), packet, (size_t)len, &job, &why))
		_exit(0);
	result(job.job, VERDICT_CLEAN);
	hostile_rest();
}

static void t_twice(void)
{
	result(self.job, VERDICT_INFECTED);
	result(self.job, VERDICT_CLEAN);
	hostile_rest();
}

static void t_other_worker(void)
{
	self.worker++;
	result(self.job, VERDICT_CLEAN);
	hostile_rest();
}

static void t_incarnation(void)
{
	self.incarnation++;
	result(self.job, VERDICT_CLEAN);
	hostile_rest();
}

static void t_hello(void)
{
	hello();
	hostile_rest();
}

static void t_clean_threat(void)
{
	fill_result(self.job, VERDICT_CLEAN);
	raw_text(&inner, 5, "Clean.But.Not");
	say(RESULT);
	hostile_rest();
}

static void t_clean_reason(void)
{
	fill_result(self.job, VERDICT_CLEAN);
	raw_number(&inner, 3, SCAN_REASON_LIMIT_TIME);
	say(RESULT);
	hostile_rest();
}

static void t_infected_none(void)
{
	inner.len = 0;
	raw_number(&inner, 1, self.job);
	raw_number(&inner, 2, VERDICT_INFECTED);
	say(RESULT);
	hostile_rest();
}

static void t_verdict_none(void)
{
	result(self.job, VERDICT_NONE);
	hostile_rest();
}

static void t_verdict_99(void)
{
	result(self.job, 99);
	hostile_rest();
}

static void t_verdict_failed(void)
{
	fill_result(self.job, VERDICT_FAILED);
	raw_number(&inner, 3, SCAN_REASON_DIED);
	say(RESULT);
	hostile_rest();
}

static void threat(const char *text, size_t len, unsigned times)
{
	inner.len = 0;
	raw_number(&inner, 1, self.job);
	raw_number(&inner, 2, VERDICT_INFECTED);
	while (times--)
		raw_bytes(&inner, 5, text, len);
	say(RESULT);
	hostile_rest();
}

static void t_escape(void)
{
	threat("\033[2JOK\r\n", 8, 1);
}

static void t_non_ascii(void)
{
	threat("W\xc3\xb6rm", 5, 1);
}

static void t_nul(void)
{
	threat("Worm\0\033[2J", 9, 1);
}

static void t_long_threat(void)
{
	static char text[LIMIT_THREAT_BYTES + 1];

	memset(text, 'W', sizeof(text));
	threat(text, sizeof(text), 1);
}

static void t_many_threats(void)
{
	threat("Worm", 4, LIMIT_THREATS + 1);
}

static void t_more_threats(void)
{
	threat("W", 1, 20000);
}

static void t_stop(void)
{
	(void)raise(SIGSTOP);
	hostile_rest();
}

static void t_notice_stay(void)
{
	notice();
	hostile_rest();
}

static void t_notice_more(void)
{
	notice();
	result(self.job, VERDICT_CLEAN);
	hostile_rest();
}

static void t_flood(void)
{
	for (;;)
		result(self.job, VERDICT_INFECTED);
}

static void t_notice_flood(void)
{
	for (;;)
		notice();
}

static void t_service_kind(void)
{
	inner.len = 0;
	raw_number(&inner, 1, 1);
	outer.len = 0;
	raw_number(&outer, 1, self.incarnation);
	raw_message(&outer, 10, &inner); /* Pong */
	hostile_send(0);
	hostile_rest();
}

static const struct entry at_trigger[] = {
	{"t-wrong-job", t_wrong_job},
	{"t-job-0", t_job_0},
	{"t-next-job", t_next_job},
	{"t-out-of-order", t_out_of_order},
	{"t-twice", t_twice},
	{"t-other-worker", t_other_worker},
	{"t-incarnation", t_incarnation},
	{"t-hello", t_hello},
	{"t-clean-threat", t_clean_threat},
	{"t-clean-reason", t_clean_reason},
	{"t-infected-none", t_infected_none},
	{"t-verdict-none", t_verdict_none},
	{"t-verdict-99", t_verdict_99},
	{"t-verdict-failed", t_verdict_failed},
	{"t-escape", t_escape},
	{"t-non-ascii", t_non_ascii},
	{"t-nul", t_nul},
	{"t-long-threat", t_long_threat},
	{"t-many-threats", t_many_threats},
	{"t-more-threats", t_more_threats},
	{"t-stop", t_stop},
	{"t-notice-stay", t_notice_stay},
	{"t-notice-more", t_notice_more},
	{"t-flood", t_flood},
	{"t-notice-flood", t_notice_flood},
	{"t-service-kind", t_service_kind},
	{NULL, NULL},
};

/* ---- honest ---- */

static bool begins(const char *head, const char *marker)
{
	return strncmp(head, marker, strlen(marker)) == 0;
}

static void scan(int fd)
{
	char head[16] = "";
	ssize_t len = pread(fd, head, sizeof(head) - 1, 0);

	close(fd);
	if (len > 0 && begins(head, "SLOW"))
		hostile_sleep_ms(SLOW_MS);
	if (len > 0 && begins(head, "TRIGGER")) {
		fill_result(self.job, VERDICT_CLEAN);
		wrap(RESULT);
		if (hostile_act(at_trigger))
			return;
		if (hostile_act_on_packet("t-"))
			hostile_rest();
	}
	result(self.job, len > 0 && begins(head, "INFECTED") ? VERDICT_INFECTED : VERDICT_CLEAN);
}

_Noreturn void hostile_worker_run(void)
{
	static uint8_t packet[256];
	struct wire_arena *arena = wire_arena_new();
	struct packet_meta meta;
	struct scan_job job;
	const char *why;

	inner.len = 0;
	wrap(HELLO);
	if (hostile_act_on_packet("w-"))
		hostile_rest();
	if (!hostile_act(at_birth))
		hello();
	for (;;) {
		ssize_t len = packet_receive(self.channel, packet, sizeof(packet), 0, &meta);

		if (len <= 0 || scan_job_decode(arena, packet, (size_t)len, &job, &why))
			_exit(0);
		self.job = job.job;
		scan(meta.fd);
	}
}
