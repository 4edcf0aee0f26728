/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The job channels and what the end of one means, with real sockets and a child of the test as the worker; the supervisor is a stand-in that
 * says what the test wants.
 */
#include "ampdaemon/scan_link.h"

#include <CUnit/CUnit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/obituary.h"
#include "io/packet.h"
#include "tests/support/unit_main.h"

#define WORKER 3
#define INCARNATION 5
#define JOB 7
#define PATIENCE_MS 5000

static struct {
	uv_loop_t loop;
	struct scan_link *link;
	pid_t worker;
	int orders; /* a byte each, to the worker */
	bool hung_up;
	unsigned n_ready, n_results, n_gone, n_certificates;
	enum death_cause cause;
	struct death_certificate last;
} t;

/* ---- stand-ins ---- */

static void say(int channel, const struct from_worker *message)
{
	uint8_t packet[LIMIT_PACKET_BYTES];
	ssize_t len = from_worker_encode(message, packet, sizeof(packet));

	if (len <= 0 || packet_send(channel, packet, (size_t)len, -1, 0))
		_exit(1);
}

/* 'h' greets, 'a' answers the first job, 'c' hangs up and stays, 'x' ends. */
static void work(int channel, int orders)
{
	static const struct from_worker hello = {.kind = FROM_WORKER_HELLO,
						 .incarnation = INCARNATION,
						 .worker = WORKER,
						 .hello = {.canaries = 1}};
	static const struct from_worker result = {
		.kind = FROM_WORKER_RESULT,
		.incarnation = INCARNATION,
		.worker = WORKER,
		.result = {.job = JOB - 1, .verdict = VERDICT_CLEAN, .detail = ""}};
	char order;

	while (read(orders, &order, 1) == 1 && order != 'x') {
		if (order == 'c')
			(void)close(channel);
		else
			say(channel, order == 'h' ? &hello : &result);
	}
	_exit(0);
}

int supervisor_spawn_worker(struct supervisor *supervisor, uint64_t incarnation, uint64_t worker,
			    int channel)
{
	int ends[2];

	(void)supervisor;
	CU_ASSERT_EQUAL(incarnation, INCARNATION);
	CU_ASSERT_EQUAL(worker, WORKER);
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	t.worker = fork();
	if (t.worker == 0) {
		for (int fd = 3; fd < 64; fd++) {
			if (fd != channel && fd != ends[0])
				(void)close(fd); /* the daemon's end of the channel above all */
		}
		work(channel, ends[0]);
	}
	CU_ASSERT_FATAL(t.worker > 0);
	(void)close(ends[0]);
	t.orders = ends[1];
	return 0;
}

struct supervised supervisor_look(const struct supervisor *supervisor, uint64_t incarnation)
{
	(void)supervisor;
	CU_ASSERT_EQUAL(incarnation, INCARNATION);
	return (struct supervised){
		.pid = getpid(), .last_words = -1, .has_hung_up = t.hung_up}; /* we forked it */
}

int digest_desk_ask(struct digest_desk *desk, int fd, uint64_t token, digest_fn *done,
		    void *context)
{
	(void)desk;
	(void)fd;
	(void)token;
	(void)done;
	(void)context;
	CU_FAIL("nothing is there to hash");
	return 0;
}

/* ---- what the link tells ---- */

static void on_ready(void *context, uint64_t worker)
{
	(void)context;
	(void)worker;
	t.n_ready++;
}

static int on_result(void *context, uint64_t worker, const struct scan_result *result)
{
	(void)context;
	(void)worker;
	(void)result;
	t.n_results++;
	return 0;
}

static void on_gone(void *context, uint64_t worker, enum death_cause cause)
{
	(void)context;
	CU_ASSERT_EQUAL(worker, WORKER);
	t.n_gone++;
	t.cause = cause;
}

static struct span in_hand(void *context, uint64_t worker, job_id *ret_job, uint32_t *ret_attempt,
			   int *ret_file)
{
	(void)context;
	(void)worker;
	*ret_job = JOB;
	*ret_attempt = 1;
	*ret_file = -1;
	return span_of_text("/data/file");
}

static void on_certificate(void *context, const struct death_certificate *certificate)
{
	(void)context;
	t.n_certificates++;
	t.last = *certificate;
}

/* ---- the worker ---- */

/* Turns of the loop until the count is there. */
static bool comes(const unsigned *count, unsigned wanted)
{
	for (int i = 0; i < PATIENCE_MS && *count < wanted; i++) {
		(void)uv_run(&t.loop, UV_RUN_NOWAIT);
		(void)usleep(1000);
	}
	return *count == wanted;
}

static void order(char what)
{
	CU_ASSERT_EQUAL(write(t.orders, &what, 1), 1);
}

/* It has its two jobs and has answered the first, which nobody has read yet. */
static void greet_and_answer(void)
{
	order('h');
	CU_ASSERT_TRUE_FATAL(comes(&t.n_ready, 1));
	CU_ASSERT_EQUAL(scan_link_send(t.link, WORKER, JOB - 1, STDIN_FILENO), 0);
	CU_ASSERT_EQUAL(scan_link_send(t.link, WORKER, JOB, STDIN_FILENO), 0);
	order('a');
}

static void begin(void)
{
	static const struct scan_link_callbacks callbacks = {on_ready, on_result, on_gone, in_hand,
							     on_certificate};

	memset(&t, 0, sizeof(t));
	CU_ASSERT_FATAL(uv_loop_init(&t.loop) == 0);
	t.link = scan_link_new(&t.loop, NULL, NULL, &callbacks, &t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.link);
	scan_link_order(t.link, WORKER, INCARNATION);
	CU_ASSERT_FATAL(t.worker > 0);
}

static void end(void)
{
	(void)close(t.orders);
	t.link = scan_link_free(t.link);
	(void)uv_run(&t.loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
}

/* The wait status of the worker, once the link has seen its end. */
static int vanish(char how)
{
	int status = -1;

	order(how);
	CU_ASSERT_TRUE(comes(&t.n_gone, 1));
	CU_ASSERT_EQUAL(waitpid(t.worker, &status, 0), t.worker);
	return status;
}

/* ---- tests ---- */

static void who_dies_with_a_job_failed_by_it(void)
{
	begin();
	greet_and_answer();
	(void)vanish('x');
	CU_ASSERT_EQUAL(t.n_results, 1);
	CU_ASSERT_EQUAL(t.cause, DEATH_CRASH);
	scan_link_note_exit(t.link, WORKER, SIGSEGV);
	scan_link_settled(t.link, JOB);
	CU_ASSERT_TRUE(comes(&t.n_certificates, 1));
	CU_ASSERT_EQUAL(t.last.failure, FAILURE_BY_INPUT);
	CU_ASSERT_EQUAL(t.last.status, SIGSEGV);
	end();
	CU_ASSERT_EQUAL(t.n_certificates, 1);
}

static void who_only_hangs_up_is_ended(void)
{
	int status;

	begin();
	greet_and_answer();
	status = vanish('c');
	CU_ASSERT_TRUE(WIFSIGNALED(status));
	CU_ASSERT_EQUAL(WTERMSIG(status), SIGKILL);
	CU_ASSERT_EQUAL(t.cause, DEATH_CRASH);
	end();
}

/* Its answer made the loop look at it before it looked at the service's line. */
static void who_ends_with_its_service_failed_nobody(void)
{
	begin();
	greet_and_answer();
	t.hung_up = true;
	(void)vanish('x');
	CU_ASSERT_EQUAL(t.n_results, 1);
	CU_ASSERT_EQUAL(t.cause, DEATH_SERVICE);
	end();
	CU_ASSERT_EQUAL(t.n_certificates, 0);
}

static void a_newborn_that_ends_with_its_service_failed_nobody(void)
{
	begin();
	t.hung_up = true;
	(void)vanish('x');
	CU_ASSERT_EQUAL(t.cause, DEATH_SERVICE);
	end();
	CU_ASSERT_EQUAL(t.n_certificates, 0);
}

static void who_had_crashed_before_its_service_ended_did_fail(void)
{
	begin();
	greet_and_answer();
	scan_link_note_exit(t.link, WORKER, SIGABRT);
	t.hung_up = true;
	(void)vanish('x');
	CU_ASSERT_EQUAL(t.cause, DEATH_CRASH);
	end();
	CU_ASSERT_EQUAL(t.n_certificates, 1);
	CU_ASSERT_EQUAL(t.last.status, SIGABRT);
}

static const struct unit_test tests[] = {
	{"who dies with a job failed by it", who_dies_with_a_job_failed_by_it},
	{"who only hangs up is ended", who_only_hangs_up_is_ended},
	{"who ends with its service failed nobody", who_ends_with_its_service_failed_nobody},
	{"a newborn that ends with its service failed nobody",
	 a_newborn_that_ends_with_its_service_failed_nobody},
	{"who had crashed before its service ended did fail",
	 who_had_crashed_before_its_service_ended_did_fail},
};

UNIT_MAIN("scan_link", tests)
