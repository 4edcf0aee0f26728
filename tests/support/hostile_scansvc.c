/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile_scansvc: stands in for ampscansvc under the real ampdaemon (configuration key scan_service) and lies as told. Honest,
 * it serves base/birth_contract.h without walls or engine; hostile_worker.c has the workers.
 *
 * What to do is the one word in the file hostile.plan beside the executable (environment and arguments are fixed by the
 * contract). "birth-*" happens on the way up; "up-*" once the service serves; "w-*" when a worker is born; "t-*" when a
 * worker is given a TRIGGER file; "trial-*" when it is told to try a set, of one test.cvd; anything else is honest.
 * Must not own: whether the daemon did right; tests/system/hostile_service.sh looks at that.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/birth_contract.h"
#include "base/definition.h"
#include "hostile_peer.h"
#include "io/packet.h"
#include "wire/scan_codec.h"

#define PLAN_POLL_MS 20

enum {
	HELLO = 2,
	PROGRESS,
	FILE_REPORT,
	READY,
	FAILED,
	SPAWNED,
	EXITED,
	LOG,
	PONG
};                 /* FromService */
#define W_RESULT 4 /* of FromWorker */

/* ---- saying ---- */

static void wrap_service(unsigned kind)
{
	outer.len = 0;
	raw_number(&outer, 1, self.incarnation);
	raw_message(&outer, kind, &inner);
}

static void say(unsigned kind)
{
	wrap_service(kind);
	hostile_send(0);
}

static void fill_hello(uint32_t protocol, uint32_t uid, const char *engine)
{
	inner.len = 0;
	raw_number(&inner, 1, protocol);
	raw_text(&inner, 2, engine);
	raw_number(&inner, 3, uid);
	raw_number(&inner, 4, self.gid);
}

static void fill_honest_hello(void)
{
	fill_hello(self.protocol, self.uid, "Stand-in 1.0");
}

static void hello(void)
{
	fill_honest_hello();
	say(HELLO);
}

static void fill_ready(void)
{
	inner.len = 0;
	raw_number(&inner, 1, 1);
	raw_number(&inner, 6, BIRTH_WORKER_SLOTS);
}

static void ready(void)
{
	fill_ready();
	say(READY);
}

static void fill_number(uint64_t number)
{
	inner.len = 0;
	raw_number(&inner, 1, number);
}

static void pong(uint64_t number)
{
	fill_number(number);
	say(PONG);
}

static void fill_text(const char *text)
{
	inner.len = 0;
	raw_number(&inner, 1, 2);
	raw_text(&inner, 2, text);
}

static void log_text(const char *text)
{
	fill_text(text);
	say(LOG);
}

/* ---- lies of the service on the way up ---- */

static void birth_hello_twice(void)
{
	hello();
	hello();
}

static void birth_wrong_incarnation(void)
{
	self.incarnation++;
	hello();
}

static void birth_protocol(void)
{
	fill_hello(self.protocol + 1, self.uid, "Stand-in");
	say(HELLO);
}

static void birth_uid(void)
{
	fill_hello(self.protocol, self.uid + 1, "Stand-in");
	say(HELLO);
}

static void birth_escape(void)
{
	fill_hello(self.protocol, self.uid, "\033[2J\033]0;pwned\007");
	say(HELLO);
}

static void birth_non_ascii(void)
{
	fill_hello(self.protocol, self.uid, "ClamAV \xff\xfe\xc3");
	say(HELLO);
}

static void birth_long_text(void)
{
	static char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	fill_hello(self.protocol, self.uid, text);
	say(HELLO);
}

static void fill_wall(struct raw *wall, unsigned id)
{
	wall->len = 0;
	raw_number(wall, 1, id);
	raw_number(wall, 2, WALL_STATE_UP);
}

static void birth_wall_twice(void)
{
	static struct raw wall;

	fill_honest_hello();
	fill_wall(&wall, 1);
	raw_message(&inner, 5, &wall);
	raw_message(&inner, 5, &wall);
	say(HELLO);
}

static void birth_wall_unknown(void)
{
	static struct raw wall;

	fill_honest_hello();
	fill_wall(&wall, 99);
	raw_message(&inner, 5, &wall);
	say(HELLO);
}

static void birth_pong(void)
{
	pong(1);
}

static void birth_spawned(void)
{
	hello();
	fill_number(1);
	say(SPAWNED);
}

static void birth_progress(void)
{
	inner.len = 0;
	say(PROGRESS);
}

static void birth_worker_kind(void)
{
	fill_number(1);
	outer.len = 0;
	raw_number(&outer, 1, self.incarnation);
	raw_number(&outer, 2, 1);
	raw_message(&outer, W_RESULT, &inner);
	hostile_send(0);
}

static void birth_failed_more(void)
{
	fill_text("it is said that all is lost");
	say(FAILED);
	hello();
}

static void birth_failed_stay(void)
{
	fill_text("it is said that all is lost");
	say(FAILED);
	hostile_rest();
}

static void birth_progress_stop(void)
{
	hello();
	hostile_rest();
}

static void birth_file_flood(void)
{
	hello();
	inner.len = 0;
	raw_text(&inner, 1, "flood.cvd");
	raw_text(&inner, 3, "one of very many");
	for (;;)
		say(FILE_REPORT);
}

static void birth_progress_flood(void)
{
	hello();
	for (;;)
		birth_progress();
}

/* The heir of the channel is in the same pid namespace and must go with its first process. */
static void birth_heir(void)
{
	if (fork() != 0)
		_exit(0);
	hostile_rest();
}

static const struct entry on_the_way_up[] = {
	{"birth-hello-twice", birth_hello_twice},
	{"birth-ready-first", ready},
	{"birth-wrong-incarnation", birth_wrong_incarnation},
	{"birth-protocol", birth_protocol},
	{"birth-uid", birth_uid},
	{"birth-escape", birth_escape},
	{"birth-non-ascii", birth_non_ascii},
	{"birth-long-text", birth_long_text},
	{"birth-wall-twice", birth_wall_twice},
	{"birth-wall-unknown", birth_wall_unknown},
	{"birth-pong", birth_pong},
	{"birth-spawned", birth_spawned},
	{"birth-progress-first", birth_progress},
	{"birth-worker-kind", birth_worker_kind},
	{"birth-failed-more", birth_failed_more},
	{"birth-failed-stay", birth_failed_stay},
	{"birth-progress-stop", birth_progress_stop},
	{"birth-file-flood", birth_file_flood},
	{"birth-progress-flood", birth_progress_flood},
	{"birth-heir", birth_heir},
	{NULL, NULL},
};

/* ---- lies of the service that serves ---- */

static void up_pong_unasked(void)
{
	pong(self.last_ping);
}

static void up_pong_other(void)
{
	pong(self.last_ping + 77);
}

static void up_pong_flood(void)
{
	for (uint64_t i = 1000000;; i++)
		pong(i);
}

static void up_wrong_incarnation(void)
{
	self.incarnation--;
	log_text("from the life before");
}

static void up_failed_more(void)
{
	fill_text("it is said that all is lost");
	say(FAILED);
	pong(self.last_ping);
}

static void up_log_flood(void)
{
	for (;;)
		log_text("the same line, over and over");
}

static void up_log_escape(void)
{
	log_text("\033[31mroot: all is well\033[0m\nforged line");
}

static void up_log_level(void)
{
	inner.len = 0;
	raw_number(&inner, 1, 4000000000u);
	raw_text(&inner, 2, "of a level that is none");
	say(LOG);
	pong(self.last_ping);
}

static void up_spawned_flood(void)
{
	for (;;) {
		fill_number(424242);
		raw_number(&inner, 2, EAGAIN);
		raw_text(&inner, 3, "no");
		say(SPAWNED);
	}
}

static void up_exited_flood(void)
{
	for (uint64_t worker = 0;; worker++) {
		fill_number(worker);
		raw_number(&inner, 2, 9);
		say(EXITED);
	}
}

static void up_file(void)
{
	inner.len = 0;
	raw_text(&inner, 1, "late.cvd");
	say(FILE_REPORT);
}

static const struct entry when_up[] = {
	{"up-pong-unasked", up_pong_unasked},
	{"up-pong-other", up_pong_other},
	{"up-pong-flood", up_pong_flood},
	{"up-hello", hello},
	{"up-ready", ready},
	{"up-progress", birth_progress},
	{"up-file", up_file},
	{"up-wrong-incarnation", up_wrong_incarnation},
	{"up-failed-more", up_failed_more},
	{"up-log-flood", up_log_flood},
	{"up-log-escape", up_log_escape},
	{"up-log-level", up_log_level},
	{"up-spawned-flood", up_spawned_flood},
	{"up-exited-flood", up_exited_flood},
	{"up-worker-kind", birth_worker_kind},
	{NULL, NULL},
};

/* ---- lies of a trial ---- */

static void report_file(const char *name, enum definition_origin origin, const char *database)
{
	inner.len = 0;
	raw_text(&inner, 1, name);
	raw_number(&inner, 2, 1);
	raw_number(&inner, 5, 10);
	raw_number(&inner, 7, origin);
	raw_text(&inner, 8, database);
	say(FILE_REPORT);
}

_Noreturn static void end_trial(uint64_t signatures)
{
	fill_number(signatures);
	raw_number(&inner, 6, BIRTH_WORKER_SLOTS);
	say(READY);
	_exit(0);
}

static void trial_canary(void)
{
	report_file("canary.ndb", DEFINITION_ORIGIN_BUILTIN, "");
	end_trial(10);
}

static void trial_honest(void)
{
	report_file("test.cvd", DEFINITION_ORIGIN_OFFICIAL, "test");
	report_file("canary.ndb", DEFINITION_ORIGIN_BUILTIN, "");
	end_trial(20);
}

static void trial_silent(void)
{
	end_trial(1000000);
}

static void trial_custom(void)
{
	report_file("test.cvd", DEFINITION_ORIGIN_CUSTOM, "test");
	trial_canary();
}

static void trial_twice(void)
{
	report_file("test.cvd", DEFINITION_ORIGIN_OFFICIAL, "test");
	trial_honest();
}

static void trial_stranger(void)
{
	report_file("daily.cvd", DEFINITION_ORIGIN_OFFICIAL, "daily");
	trial_honest();
}

static void trial_database(void)
{
	report_file("test.cvd", DEFINITION_ORIGIN_OFFICIAL, "daily");
	trial_canary();
}

static void trial_sum(void)
{
	report_file("test.cvd", DEFINITION_ORIGIN_OFFICIAL, "test");
	trial_canary();
}

/* So many that the one that matters has no place left. */
static void trial_flood(void)
{
	for (int i = 0; i < LIMIT_DEFINITION_FILES; i++)
		report_file("canary.ndb", DEFINITION_ORIGIN_BUILTIN, "");
	trial_honest();
}

static const struct entry in_trial[] = {
	{"trial-canary", trial_canary},
	{"trial-silent", trial_silent},
	{"trial-custom", trial_custom},
	{"trial-twice", trial_twice},
	{"trial-stranger", trial_stranger},
	{"trial-database", trial_database},
	{"trial-sum", trial_sum},
	{"trial-flood", trial_flood},
	{NULL, NULL},
};

static void try_set(void)
{
	hello();
	if (!hostile_act(in_trial))
		trial_honest();
}

/* Says that it is who it was told to be, and is not. */
static void birth_stay_root(void)
{
	hello();
	hostile_rest();
}

static const struct entry as_root[] = {
	{"birth-stay-root", birth_stay_root},
	{NULL, NULL},
};

static void maybe_lie(void)
{
	char plan[64];

	hostile_plan(plan);
	if (strncmp(plan, "birth-", 6) == 0)
		_exit(0); /* the next life is the one that was asked for */
	if (hostile_act(when_up))
		return;
	fill_text("an ordinary line");
	wrap_service(LOG);
	(void)hostile_act_on_packet("up-");
}

/* ---- the honest service ---- */

static bool is_trial;

static void spawn_worker(uint64_t worker, int channel)
{
	pid_t child = fork();

	if (child == 0) {
		close(self.channel);
		self.channel = channel;
		self.worker = worker;
		hostile_worker_run();
	}
	close(channel);
	fill_number(worker);
	say(SPAWNED);
}

static void obey(struct wire_arena *arena)
{
	static uint8_t packet[LIMIT_PACKET_BYTES];
	struct packet_meta meta;
	struct to_service order;
	const char *why;
	ssize_t len = packet_receive(self.channel, packet, sizeof(packet), 0, &meta);

	if (len <= 0 || to_service_decode(arena, packet, (size_t)len, &order, &why))
		_exit(0);
	switch (order.kind) {
	case TO_SERVICE_START:
		self.incarnation = order.start.incarnation;
		self.uid = order.start.uid;
		self.gid = order.start.gid;
		self.protocol = order.start.protocol;
		is_trial = order.start.is_trial;
		break;
	case TO_SERVICE_SPAWN:
		spawn_worker(order.spawn_worker, meta.fd);
		break;
	case TO_SERVICE_PING:
		self.last_ping = order.ping;
		pong(order.ping);
		break;
	}
}

static int own_directory(void)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return -1;
	*slash = '\0';
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int main(void)
{
	struct wire_arena *arena = wire_arena_new();
	struct pollfd poller = {.fd = BIRTH_FD_CHANNEL, .events = POLLIN};

	self.channel = BIRTH_FD_CHANNEL;
	self.directory = own_directory();
	if (!arena || self.directory < 0 || signal(SIGCHLD, SIG_IGN) == SIG_ERR)
		return 1;
	obey(arena);
	(void)hostile_act(as_root);
	if (self.uid &&
	    (setresgid(self.gid, self.gid, self.gid) || setresuid(self.uid, self.uid, self.uid)))
		return 1;
	if (is_trial)
		try_set();
	fill_honest_hello();
	wrap_service(HELLO);
	if (hostile_act(on_the_way_up) || hostile_act_on_packet("birth-"))
		hostile_rest();
	hello();
	ready();
	for (;;) {
		if (poll(&poller, 1, PLAN_POLL_MS) > 0)
			obey(arena);
		maybe_lie();
	}
}
