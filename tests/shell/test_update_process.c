/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The updater is this program itself, born as the real one is: under the name ampupdater it does what the file "mode" in its incoming directory says.
 */
#include "ampdaemon/update_process.h"

#include <CUnit/CUnit.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/low_fds.h"
#include "base/exit_code.h"
#include "io/clock.h"
#include "io/packet.h"
#include "tests/support/own_fds.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

/* ---- the updater ---- */

static uint8_t buffer[LIMIT_PACKET_BYTES];
static struct update_start told;

static void send_with(const struct from_updater *message, int fd)
{
	ssize_t len = from_updater_encode(message, buffer, sizeof(buffer));

	if (len < 0 || packet_send(UPDATE_FD_CHANNEL, buffer, (size_t)len, fd, 0))
		_exit(98);
}

static void greet(void)
{
	const struct from_updater hello = {.kind = FROM_UPDATER_HELLO,
					   .hello = {.protocol = UPDATE_PROTOCOL_VERSION,
						     .library = "test",
						     .uid = told.uid,
						     .gid = told.gid}};

	send_with(&hello, -1);
}

static void progress(void)
{
	const struct from_updater message = {.kind = FROM_UPDATER_PROGRESS,
					     .progress = {.mirror = 1, .bytes = 7}};

	send_with(&message, -1);
}

static void attempt(uint32_t mirror, enum update_outcome outcome)
{
	const struct from_updater message = {
		.kind = FROM_UPDATER_ATTEMPT,
		.attempt = {
			.mirror = mirror, .outcome = outcome, .file = "", .detail = "so it is"}};

	send_with(&message, -1);
}

static void finish(enum update_outcome outcome)
{
	const struct from_updater message = {.kind = FROM_UPDATER_FINISHED,
					     .finished = {.outcome = outcome}};

	send_with(&message, -1);
}

static void fail(const char *reason)
{
	const struct from_updater message = {.kind = FROM_UPDATER_FAILED,
					     .failed = {.code = EXIT_CODE_WALLS, .reason = reason}};

	send_with(&message, -1);
	_exit(EXIT_CODE_WALLS);
}

/* What it has been born with, in a word. */
static const char *look_around(void)
{
	static const int wanted = 5;
	struct stat null, own;
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	if (n != wanted)
		return "other descriptors";
	if (stat("/dev/null", &null))
		return "no null device";
	for (int fd = 0; fd < 3; fd++) {
		if (fstat(fd, &own) || own.st_rdev != null.st_rdev)
			return "standard descriptors";
	}
	if (environ && environ[0])
		return "an environment";
	return getpid() == 1 ? "all is well" : "other processes";
}

static void read_order(void)
{
	struct wire_arena *arena = wire_arena_new();
	struct packet_meta meta;
	const char *why;
	ssize_t len = packet_receive(UPDATE_FD_CHANNEL, buffer, sizeof(buffer), 0, &meta);

	if (len <= 0 || update_start_decode(arena, buffer, (size_t)len, &told, &why))
		_exit(97);
}

static void await_end_of_channel(void)
{
	struct packet_meta meta;

	while (packet_receive(UPDATE_FD_CHANNEL, buffer, sizeof(buffer), 0, &meta) > 0)
		;
}

static void be_busy(void)
{
	for (;;) {
		progress();
		(void)usleep(1000000);
	}
}

static int updater(void)
{
	char mode[20] = "";
	int fd = openat(UPDATE_FD_INCOMING, "mode", O_RDONLY);

	if (fd < 0 || read(fd, mode, sizeof(mode) - 1) <= 0)
		return 96;
	close(fd);
	read_order();
	if (!strcmp(mode, "silent"))
		await_end_of_channel();
	if (!strcmp(mode, "look"))
		fail(look_around());
	if (!strcmp(mode, "garbage"))
		(void)packet_send(UPDATE_FD_CHANNEL, "\xff\xff", 2, -1, 0);
	greet();
	if (!strcmp(mode, "busy"))
		be_busy();
	if (!strcmp(mode, "descriptor")) {
		const struct from_updater message = {.kind = FROM_UPDATER_PROGRESS};

		send_with(&message, UPDATE_FD_INCOMING);
	}
	if (!strcmp(mode, "stranger"))
		attempt(2, UPDATE_UNREACHABLE);
	if (!strcmp(mode, "dies")) {
		progress();
		(void)raise(SIGSEGV);
		(void)kill(getpid(), SIGKILL);
		abort();
	}
	if (!strcmp(mode, "waits"))
		await_end_of_channel();
	if (!strcmp(mode, "child") && fork() == 0)
		(void)sleep(100); /* and holds the channel */
	progress();
	attempt(0, UPDATE_UNREACHABLE);
	attempt(1, UPDATE_NOTHING_NEW);
	finish(UPDATE_NOTHING_NEW);
	return strcmp(mode, "contradicts") ? update_outcome_exit(UPDATE_NOTHING_NEW) : 0;
}

/* ---- the daemon ---- */

struct trace {
	unsigned progresses, attempts, ends;
	struct update_attempt last;
	char detail[LIMIT_DETAIL_BYTES + 1];
	struct update_end end;
	mono_ms ended_at;
	struct update_process *process;
};

static uv_loop_t loop;
static char error[LIMIT_REASON_BYTES + 1];
static const struct update_start order = {
	.protocol = UPDATE_PROTOCOL_VERSION,
	.uid = 65534,
	.gid = 65534,
	.max_file_bytes = 1000,
	.connect_timeout_s = 1,
	.request_timeout_s = 1,
	.deadline_ms = 1,
	.dns = "",
	.n_databases = 1,
	.databases = {"test"},
	.n_mirrors = 2,
	.mirrors = {{.url = "http://a"}, {.url = "http://b"}},
	.proxy = {.url = "", .user = "", .password = ""},
};

static void on_progress(void *context, unsigned database, unsigned mirror, uint64_t bytes)
{
	struct trace *trace = context;

	CU_ASSERT_TRUE(database == 0 && mirror == 1 && bytes == 7);
	trace->progresses++;
}

static void on_attempt(void *context, const struct update_attempt *said)
{
	struct trace *trace = context;

	trace->attempts++;
	trace->last = *said;
	(void)snprintf(trace->detail, sizeof(trace->detail), "%s", said->detail);
}

static void on_end(void *context, const struct update_end *end)
{
	struct trace *trace = context;

	trace->ends++;
	trace->end = *end;
	trace->ended_at = clock_mono_ms();
	trace->process = update_process_free(trace->process);
}

static int begin(const char *mode, struct trace *trace)
{
	static const struct update_process_callbacks callbacks = {
		.on_progress = on_progress, .on_attempt = on_attempt, .on_end = on_end};
	struct update_birth birth = {.path = "this test", .start = &order};
	char name[40];
	int fd, r;

	(void)snprintf(name, sizeof(name), "incoming.%s", mode);
	(void)mkdir(test_path(name), 0700); /* there from the last time */
	birth.incoming = open(test_path(name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(birth.incoming, "mode", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CU_ASSERT_EQUAL(write(fd, mode, strlen(mode)), (ssize_t)strlen(mode));
	close(fd);
	birth.program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	memset(trace, 0, sizeof(*trace));
	r = update_process_start(&loop, &birth, &callbacks, trace, &trace->process, error);
	close(birth.program);
	close(birth.incoming);
	return r;
}

static void stop_waiting(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* At most so long. */
static void turn(const struct trace *until, uint64_t ms)
{
	bool is_over = false;
	uv_timer_t limit;

	(void)uv_timer_init(&loop, &limit);
	limit.data = &is_over;
	(void)uv_timer_start(&limit, stop_waiting, ms, 0);
	while (!until->ends && !is_over)
		(void)uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&limit, NULL);
	for (int i = 0; i < 3; i++)
		(void)uv_run(&loop, UV_RUN_NOWAIT); /* nothing more may come */
}

static void live(const char *mode, struct trace *trace)
{
	CU_ASSERT_EQUAL_FATAL(begin(mode, trace), 0);
	turn(trace, 8000);
	CU_ASSERT_EQUAL(trace->ends, 1);
	CU_ASSERT_PTR_NULL(trace->process);
}

static void what_it_says_is_told_and_agrees_with_its_end(void)
{
	struct trace trace;

	live("well", &trace);
	CU_ASSERT_TRUE(trace.end.agrees);
	CU_ASSERT_EQUAL(trace.end.outcome, UPDATE_NOTHING_NEW);
	CU_ASSERT_EQUAL(trace.attempts, 2);
	CU_ASSERT_EQUAL(trace.progresses, 1);
	CU_ASSERT_EQUAL(trace.last.mirror, 1);
	CU_ASSERT_EQUAL(trace.last.outcome, UPDATE_NOTHING_NEW);
	CU_ASSERT_STRING_EQUAL(trace.detail, "so it is");
	CU_ASSERT_FALSE(trace.end.has_place);
}

static void it_has_its_descriptors_and_nothing_else(void)
{
	struct trace trace;

	live("look", &trace);
	CU_ASSERT_FALSE(trace.end.agrees);
	CU_ASSERT_STRING_EQUAL(trace.end.reason, "the updater: all is well");
}

static void an_end_that_contradicts_its_words_is_no_success(void)
{
	struct trace trace;

	live("contradicts", &trace);
	CU_ASSERT_FALSE(trace.end.agrees);
	CU_ASSERT_EQUAL(trace.end.outcome, UPDATE_DIED);
	CU_ASSERT_NOT_EQUAL(trace.end.reason[0], '\0');
}

static void a_lie_ends_it(void)
{
	static const char *const modes[] = {"garbage", "descriptor", "stranger"};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct trace trace;

		live(modes[i], &trace);
		CU_ASSERT_FALSE(trace.end.agrees);
		CU_ASSERT_EQUAL(trace.end.outcome, UPDATE_DIED);
		CU_ASSERT_PTR_NOT_NULL(strstr(trace.end.reason, "broke the protocol"));
		CU_ASSERT_EQUAL(trace.attempts, 0);
	}
}

static void one_that_dies_is_told_with_its_mirror(void)
{
	struct trace trace;

	live("dies", &trace);
	CU_ASSERT_FALSE(trace.end.agrees);
	CU_ASSERT_TRUE(trace.end.has_place);
	CU_ASSERT_EQUAL(trace.end.mirror, 1);
	CU_ASSERT_EQUAL(trace.end.outcome, UPDATE_DIED);
}

static void a_child_that_is_left_ends_with_it(void)
{
	struct trace trace;

	live("child", &trace);
	CU_ASSERT_TRUE(trace.end.agrees);
}

static void one_that_is_called_off_agrees_to_nothing(void)
{
	struct trace trace;

	CU_ASSERT_EQUAL_FATAL(begin("waits", &trace), 0);
	turn(&trace, 300);
	CU_ASSERT_EQUAL(trace.ends, 0);
	update_process_cancel(trace.process);
	turn(&trace, 8000);
	CU_ASSERT_EQUAL(trace.ends, 1);
	CU_ASSERT_FALSE(trace.end.agrees);
	CU_ASSERT_STRING_EQUAL(trace.end.reason, "it was called off");
}

static void one_that_is_freed_tells_nothing_more(void)
{
	struct trace trace;
	int before = own_fds();

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(begin(i ? "busy" : "waits", &trace), 0);
		turn(&trace, i * 100);
		trace.process = update_process_free(trace.process);
		turn(&trace, 100);
		CU_ASSERT_EQUAL(trace.ends, 0);
	}
	CU_ASSERT_EQUAL(own_fds(), before);
}

static void a_program_that_cannot_be_started_is_told_at_once(void)
{
	struct update_birth birth = {.path = "nothing", .start = &order};
	static const struct update_process_callbacks none;
	struct update_process *process = NULL;
	int before = own_fds();

	birth.program = open("/dev/null", O_PATH | O_CLOEXEC);
	birth.incoming = open("/", O_PATH | O_CLOEXEC);
	CU_ASSERT_NOT_EQUAL(update_process_start(&loop, &birth, &none, NULL, &process, error), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "nothing cannot be started"));
	CU_ASSERT_PTR_NULL(process);
	close(birth.program);
	close(birth.incoming);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	CU_ASSERT_EQUAL(own_fds(), before);
}

/* Its deadline is a millisecond, and then the limit of an end; the other one says nothing at all. */
static void time_limits_end_it(void)
{
	struct trace silent, busy;
	mono_ms born = clock_mono_ms();

	CU_ASSERT_EQUAL_FATAL(begin("silent", &silent), 0);
	CU_ASSERT_EQUAL_FATAL(begin("busy", &busy), 0);
	turn(&busy, UPDATE_END_LIMIT_MS + 3000);
	turn(&silent, 3000);
	CU_ASSERT_EQUAL(busy.ends, 1);
	CU_ASSERT_EQUAL(silent.ends, 1);
	CU_ASSERT_TRUE(busy.ended_at - born >= UPDATE_END_LIMIT_MS);
	CU_ASSERT_TRUE(busy.ended_at - born < UPDATE_END_LIMIT_MS + 3000);
	CU_ASSERT_STRING_EQUAL(busy.end.reason, "the updater did not end in time and was ended");
	CU_ASSERT_FALSE(silent.end.agrees);
	CU_ASSERT_TRUE(busy.progresses >= 8);
}

/* Who is traced stops at its exit until it is let go, SIGKILL or not: as one does whose storage hangs. In a child, which is not its parent. */
static pid_t hold_back(pid_t held)
{
	int ready[2], r = pipe2(ready, O_CLOEXEC);
	pid_t tracer = r ? -1 : fork();
	char word = 0;

	CU_ASSERT_FATAL(tracer >= 0);
	if (tracer == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* or it would outlive a test that fails */
		word = ptrace(PTRACE_SEIZE, held, NULL, PTRACE_O_TRACEEXIT) ? 'n' : 'y';
		(void)!write(ready[1], &word, 1); /* else the reader sees an end */
		for (;;)
			(void)pause();
	}
	close(ready[1]);
	CU_ASSERT_EQUAL(read(ready[0], &word, 1), 1);
	close(ready[0]);
	CU_ASSERT_EQUAL(word, 'y');
	return tracer;
}

static pid_t only_child(void)
{
	char path[64];
	long child = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fscanf(file, "%ld", &child), 1);
	fclose(file);
	return (pid_t)child;
}

static void one_that_cannot_be_ended_is_told_all_the_same(void)
{
	struct trace trace;
	mono_ms born = clock_mono_ms();
	pid_t updater_pid, tracer;

	CU_ASSERT_EQUAL_FATAL(begin("busy", &trace), 0);
	turn(&trace, 300);
	updater_pid = only_child();
	tracer = hold_back(updater_pid);
	turn(&trace, 2 * UPDATE_END_LIMIT_MS + 5000);
	CU_ASSERT_EQUAL(trace.ends, 1);
	CU_ASSERT_FALSE(trace.end.agrees);
	CU_ASSERT_EQUAL(trace.end.outcome, UPDATE_DIED);
	CU_ASSERT_STRING_EQUAL(trace.end.reason, "the updater did not end in time and was ended");
	CU_ASSERT_TRUE(trace.ended_at - born >= 2 * UPDATE_END_LIMIT_MS);
	CU_ASSERT_EQUAL(kill(updater_pid, 0), 0); /* it was held indeed */
	CU_ASSERT_EQUAL(kill(tracer, SIGKILL), 0);
	CU_ASSERT_EQUAL(waitpid(tracer, NULL, 0), tracer);
	CU_ASSERT_EQUAL(waitpid(updater_pid, NULL, 0), updater_pid);
}

static const struct unit_test tests[] = {
	{"what it says is told, and agrees with its end",
	 what_it_says_is_told_and_agrees_with_its_end},
	{"it has its descriptors and nothing else", it_has_its_descriptors_and_nothing_else},
	{"an end that contradicts its words is no success",
	 an_end_that_contradicts_its_words_is_no_success},
	{"a lie ends it", a_lie_ends_it},
	{"one that dies is told with its mirror", one_that_dies_is_told_with_its_mirror},
	{"a child that is left ends with it", a_child_that_is_left_ends_with_it},
	{"one that is called off agrees to nothing", one_that_is_called_off_agrees_to_nothing},
	{"one that is freed tells nothing more", one_that_is_freed_tells_nothing_more},
	{"a program that cannot be started is told at once",
	 a_program_that_cannot_be_started_is_told_at_once},
	{"time limits end it", time_limits_end_it},
	{"one that cannot be ended is told all the same",
	 one_that_cannot_be_ended_is_told_all_the_same},
};

int main(int argc, char **argv)
{
	int status;

	if (argc > 0 && strcmp(argv[0], "ampupdater") == 0)
		return updater();
	if (low_fds_reserve() < 0 || uv_loop_init(&loop))
		return 1;
	status = unit_main("update_process", tests, sizeof(tests) / sizeof(tests[0]));
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) ? 1 : status;
}
