/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that executes itself with a state, as the daemon does. Each case is a child: TEST_CASE says what it leaves, AMP_HANDOVER that it
 * is the next image. The next image tells on standard error what it does not find, and with its exit status.
 */
#include "ampdaemon/handover.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/low_fds.h"
#include "ampdaemon/pid_file.h"
#include "io/fd_kind.h"
#include "io/late_close.h"
#include "io/packet.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define RUN_DIR "/run/amp-test"
#define CARELESS 300 /* a descriptor that nobody wants and that is not close-on-exec */
#define REFUSED 9    /* exit status: handover_exec() or handover_prepare() came back */

#define PID_FILE getenv("TEST_PID_FILE")

static unsigned held; /* what late_close says here: the linker wraps it */

unsigned __wrap_late_close_held(void);

unsigned __wrap_late_close_held(void)
{
	return held;
}

static struct handover handover;
static char error[4600];

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "# line %d: %s (%s)\n", __LINE__, #condition, error);      \
			_exit(EXIT_FAILURE);                                                       \
		}                                                                                  \
	} while (0)

/* ---- the image that leaves ---- */

static int listen_somewhere(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	EXPECT(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)));
	EXPECT(!listen(fd, 4));
	return fd;
}

/* A child that ends when its channel does, or when the test is over. */
static int64_t start_child(int *ret_pidfd, int *ret_channel)
{
	int ends[2];
	uint8_t byte;
	pid_t pid;

	EXPECT(!packet_pair(ends));
	pid = fork();
	EXPECT(pid >= 0);
	if (!pid) {
		alarm(20);
		(void)dup2(ends[1], 3);
		(void)syscall(SYS_close_range, 4, ~0u, 0);
		_exit(read(3, &byte, 1) == 0 ? 0 : 1);
	}
	close(ends[1]);
	*ret_channel = ends[0];
	*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	EXPECT(*ret_pidfd >= 0);
	return pid;
}

static void fill(void)
{
	static const char label[] = "/data/\xff of a user";
	struct service_handover *service = &handover.service;
	struct worker_handover *worker = &handover.workers[0];

	handover.head = (struct handover_head){
		.reason = "a test",
		.run_dir = span_of_text(RUN_DIR),
		.listening = listen_somewhere(),
		.pid_lock = pid_file_take(PID_FILE),
		.incarnation = 7,
		.first_worker = 70,
		.last_scan = 700,
		.started = 1,
	};
	handover.head.counters.verdicts[VERDICT_CLEAN] = 12;
	handover.has_service = true;
	service->incarnation = 7;
	service->pid = start_child(&service->pidfd, &service->channel);
	service->last_words = memfd_create("last words", MFD_CLOEXEC);
	service->source = SOURCE_CONFIGURED;
	(void)snprintf(service->report.engine, sizeof(service->report.engine), "engine 1");
	handover.n_workers = 1;
	worker->worker = 69;
	worker->incarnation = 7;
	worker->owed = 3;
	worker->pid = start_child(&worker->pidfd, &worker->channel);
	handover.n_scans = 1;
	handover.scans[0].counts.scan = 700;
	handover.scans[0].counts.uid = 1000;
	handover.scans[0].counts.files = 44;
	handover.scans[0].counts.label = span_of(label, sizeof(label) - 1);
}

static int leave(const char *what)
{
	struct handover_image image;
	int r;

	fill();
	EXPECT(dup2(STDERR_FILENO, CARELESS) == CARELESS);
	if (!strcmp(what, "elsewhere"))
		handover.head.run_dir = span_of_text("/run/other");
	if (!strcmp(what, "wrong pid"))
		handover.workers[0].pid++;
	if (!strcmp(what, "twice"))
		handover.workers[0].pidfd = handover.service.pidfd;
	r = handover_prepare(&image, "/etc/hostname", error, sizeof(error));
	if (r) {
		fprintf(stderr, "# %s\n", error);
		return REFUSED;
	}
	held = !strcmp(what, "hangs");
	r = handover_exec(&image, &handover, error, sizeof(error));
	EXPECT(r == -EBUSY && held);
	EXPECT(fcntl(handover.head.listening, F_GETFD) == FD_CLOEXEC);
	held = 0; /* it goes on, and can try again */
	return handover_exec(&image, &handover, error, sizeof(error));
}

/* ---- the image that arrives ---- */

static bool is_alive(int64_t pid)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

static void check_descriptors(void)
{
	const struct service_handover *service = &handover.service;
	int all[] = {handover.head.listening,
		     handover.head.pid_lock,
		     service->pidfd,
		     service->channel,
		     service->last_words,
		     handover.workers[0].pidfd,
		     handover.workers[0].channel,
		     handover_heartbeat()};
	unsigned n = sizeof(all) / sizeof(all[0]);

	for (unsigned i = 0; i < n; i++) {
		EXPECT(all[i] >= LOW_FDS);
		EXPECT(fcntl(all[i], F_GETFD) == FD_CLOEXEC);
	}
	EXPECT(fcntl(CARELESS, F_GETFD) < 0);
	EXPECT(pid_file_adopt(PID_FILE, handover.head.pid_lock) == handover.head.pid_lock);
	EXPECT(pid_file_take(PID_FILE) == -EWOULDBLOCK);
}

static void check_words(void)
{
	EXPECT(!strcmp(handover.head.reason, "a test"));
	EXPECT(handover.head.version == HANDOVER_VERSION && handover.head.last_scan == 700);
	EXPECT(handover.head.counters.verdicts[VERDICT_CLEAN] == 12);
	EXPECT(handover.has_service && handover.service.incarnation == 7);
	EXPECT(handover.service.source == SOURCE_CONFIGURED);
	EXPECT(!strcmp(handover.service.report.engine, "engine 1"));
	EXPECT(handover.n_workers == 1 && handover.workers[0].owed == 3);
	EXPECT(handover.n_scans == 1 && handover.scans[0].counts.files == 44);
	EXPECT(handover.scans[0].counts.label.len == 17);
	EXPECT(!memcmp(handover.scans[0].counts.label.data, "/data/\xff of", 10));
}

static volatile sig_atomic_t hangups;

static void on_hangup(int signal)
{
	(void)signal;
	hangups++;
}

static void check_signals(void)
{
	EXPECT(!kill(getpid(), SIGHUP)); /* not caught yet: would end us */
	EXPECT(signal(SIGHUP, on_hangup) != SIG_ERR);
	EXPECT(!hangups);
	handover_is_done();
	EXPECT(hangups == 1);
}

static void await_reaped(int64_t but)
{
	for (int i = 0; i < 500 && !handover_reap(but); i++)
		usleep(10000);
	EXPECT(handover_reap(but));
}

static int arrive_whole(void)
{
	int64_t service = handover.service.pid, worker = handover.workers[0].pid;

	check_descriptors();
	check_words();
	check_signals();
	EXPECT(is_alive(service) && is_alive(worker));
	EXPECT(!handover_reap(service)); /* the worker is a child of the test, too, and lives */
	handover_close_service(&handover);
	handover_drop(&handover);
	await_reaped(service);
	EXPECT(waitpid((pid_t)service, NULL, 0) == service); /* nobody took its end away */
	EXPECT(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
	return EXIT_SUCCESS;
}

static int arrive_clean(void)
{
	EXPECT(*error && !handover.has_service && !handover.n_scans);
	EXPECT(handover.head.listening < 0 && handover.head.pid_lock < 0);
	EXPECT(handover_heartbeat() >= 0);
	for (int fd = LOW_FDS; fd < 1024; fd++)
		EXPECT(fd == handover_heartbeat() || fcntl(fd, F_GETFD) < 0);
	await_reaped(0); /* all ended by end-of-file */
	EXPECT(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
	return EXIT_SUCCESS;
}

static int arrive(const char *what)
{
	int r;

	EXPECT(!low_fds_reserve());
	r = handover_receive(RUN_DIR, &handover, error, sizeof(error));
	EXPECT(!getenv("AMP_HANDOVER"));
	if (!strcmp(what, "whole") || !strcmp(what, "hangs")) {
		EXPECT(r == 1);
		return arrive_whole();
	}
	EXPECT(r == (!strcmp(what, "elsewhere") ? -EXDEV
		     : !strcmp(what, "twice")   ? -EBADMSG
						: -EBADF));
	return arrive_clean();
}

/* ---- cases ---- */

static int run(const char *program, const char *what)
{
	char *const arguments[] = {(char *)(uintptr_t)program, NULL};
	int status, heartbeat[2];
	char number[16];
	pid_t pid;

	(void)setenv("TEST_PID_FILE", test_path("pid"), 1);
	CU_ASSERT_EQUAL_FATAL(packet_pair(heartbeat), 0);
	pid = fork();
	if (!pid) {
		(void)snprintf(number, sizeof(number), "%d", fcntl(heartbeat[1], F_DUPFD, 100));
		alarm(30);
		(void)setenv("AMP_HEARTBEAT", number, 1);
		(void)setenv("TEST_CASE", what, 1);
		execv(program, arguments);
		_exit(127);
	}
	close(heartbeat[0]);
	close(heartbeat[1]);
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void a_state_arrives_with_its_descriptors(void)
{
	CU_ASSERT_EQUAL(run("/proc/self/exe", "whole"), EXIT_SUCCESS);
}

static void a_close_that_hangs_puts_the_exec_off(void)
{
	CU_ASSERT_EQUAL(run("/proc/self/exe", "hangs"), EXIT_SUCCESS);
}

static void a_state_that_is_not_ours_is_a_clean_start(void)
{
	CU_ASSERT_EQUAL(run("/proc/self/exe", "elsewhere"), EXIT_SUCCESS);
	CU_ASSERT_EQUAL(run("/proc/self/exe", "wrong pid"), EXIT_SUCCESS);
	CU_ASSERT_EQUAL(run("/proc/self/exe", "twice"), EXIT_SUCCESS);
}

static void copy_program(const char *from, const char *to)
{
	char command[9000];

	(void)snprintf(command, sizeof(command), "cp -L %s '%s.new' && mv '%s.new' '%s'", from, to,
		       to, to);
	CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

/* What stands on the disk when the daemon wants to go on. */
static void another_build_is_asked_first(void)
{
	char program[2000], own[64];

	(void)snprintf(program, sizeof(program), "%s", test_path("program"));
	(void)snprintf(own, sizeof(own), "/proc/%d/exe", getpid());
	copy_program(own, program);
	(void)setenv("TEST_REPLACE", "/bin/false", 1);
	CU_ASSERT_EQUAL(run(program, "replaced"), REFUSED);
	copy_program(own, program);
	(void)setenv("TEST_REPLACE", "/bin/true", 1); /* says yes, and is executed */
	CU_ASSERT_EQUAL(run(program, "replaced"), EXIT_SUCCESS);
	copy_program(own, program);
	(void)setenv("TEST_REPLACE", "", 1); /* it is gone: what runs goes on */
	CU_ASSERT_EQUAL(run(program, "whole"), EXIT_SUCCESS);
	copy_program(own, program);
	(void)setenv("TEST_REPLACE", "/bin/false", 1); /* anybody could have put it there */
	*strrchr(program, '/') = '\0';
	CU_ASSERT_EQUAL_FATAL(chmod(program, 0777), 0);
	program[strlen(program)] = '/';
	CU_ASSERT_EQUAL(run(program, "whole"), EXIT_SUCCESS);
	(void)unsetenv("TEST_REPLACE");
}

static void replace(const char *by)
{
	char path[2048], command[9000];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	EXPECT(len > 0);
	path[len] = '\0';
	if (*by)
		(void)snprintf(command, sizeof(command), "cp -L %s '%s.new' && mv '%s.new' '%s'",
			       by, path, path, path);
	else
		(void)snprintf(command, sizeof(command), "rm '%s'", path);
	EXPECT(system(command) == 0);
}

static const struct unit_test tests[] = {
	{"a state arrives with its descriptors", a_state_arrives_with_its_descriptors},
	{"a close that hangs puts the exec off", a_close_that_hangs_puts_the_exec_off},
	{"a state that is not ours is a clean start", a_state_that_is_not_ours_is_a_clean_start},
	{"another build is asked first", another_build_is_asked_first},
};

int main(int argc, char **argv)
{
	const char *what = getenv("TEST_CASE");

	(void)argc;
	handover_remember(argv);
	if (!what)
		return unit_main("handover", tests, sizeof(tests) / sizeof(tests[0]));
	if (getenv("AMP_HANDOVER"))
		return arrive(what);
	EXPECT(!low_fds_reserve());
	if (getenv("TEST_REPLACE"))
		replace(getenv("TEST_REPLACE"));
	return leave(what);
}
