/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The job channels and what the end of one means, with real sockets: this process is the worker, and the supervisor is a stand-in that says
 * what the test wants.
 */
#include "ampdaemon/scan_link.h"

#include <CUnit/CUnit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/obituary.h"
#include "io/packet.h"
#include "tests/support/unit_main.h"

#define WORKER 3
#define INCARNATION 5
#define JOB 7
#define TURNS 20

static struct {
	uv_loop_t loop;
	struct scan_link *link;
	int theirs; /* the worker's end */
	bool hung_up;
	unsigned n_ready, n_results, n_gone, n_certificates;
	enum death_cause cause;
	struct death_certificate last;
} t;

/* ---- stand-ins ---- */

int supervisor_spawn_worker(struct supervisor *supervisor, uint64_t incarnation, uint64_t worker,
			    int channel)
{
	(void)supervisor;
	CU_ASSERT_EQUAL(incarnation, INCARNATION);
	CU_ASSERT_EQUAL(worker, WORKER);
	t.theirs = dup(channel);
	return 0;
}

int64_t supervisor_pid(const struct supervisor *supervisor, uint64_t incarnation)
{
	(void)supervisor;
	(void)incarnation;
	return getppid(); /* the worker is this process */
}

bool supervisor_has_hung_up(const struct supervisor *supervisor, uint64_t incarnation)
{
	(void)supervisor;
	CU_ASSERT_EQUAL(incarnation, INCARNATION);
	return t.hung_up;
}

int supervisor_last_words(const struct supervisor *supervisor, uint64_t incarnation)
{
	(void)supervisor;
	(void)incarnation;
	return -1;
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

static void turn(void)
{
	for (int i = 0; i < TURNS; i++)
		(void)uv_run(&t.loop, UV_RUN_NOWAIT);
}

static void say(const struct from_worker *message)
{
	uint8_t packet[LIMIT_PACKET_BYTES];
	ssize_t len = from_worker_encode(message, packet, sizeof(packet));

	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL(packet_send(t.theirs, packet, (size_t)len, -1, 0), 0);
}

static void greet(void)
{
	static const struct from_worker hello = {.kind = FROM_WORKER_HELLO,
						 .incarnation = INCARNATION,
						 .worker = WORKER,
						 .hello = {.canaries = 1}};

	say(&hello);
	turn();
	CU_ASSERT_EQUAL_FATAL(t.n_ready, 1);
	CU_ASSERT_EQUAL(scan_link_send(t.link, WORKER, JOB - 1, STDIN_FILENO), 0);
	CU_ASSERT_EQUAL(scan_link_send(t.link, WORKER, JOB, STDIN_FILENO), 0);
}

static void answer(void)
{
	static const struct from_worker result = {
		.kind = FROM_WORKER_RESULT,
		.incarnation = INCARNATION,
		.worker = WORKER,
		.result = {.job = JOB - 1, .verdict = VERDICT_CLEAN, .detail = ""}};

	say(&result);
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
	CU_ASSERT_FATAL(t.theirs > 0);
}

static void end(void)
{
	t.link = scan_link_free(t.link);
	(void)uv_run(&t.loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
}

static void vanish(void)
{
	CU_ASSERT_EQUAL(close(t.theirs), 0);
	turn();
	CU_ASSERT_EQUAL(t.n_gone, 1);
}

/* ---- tests ---- */

static void who_dies_with_a_job_failed_by_it(void)
{
	begin();
	greet();
	answer();
	vanish();
	CU_ASSERT_EQUAL(t.n_results, 1);
	CU_ASSERT_EQUAL(t.cause, DEATH_CRASH);
	scan_link_note_exit(t.link, WORKER, SIGSEGV);
	scan_link_settled(t.link, JOB);
	turn();
	CU_ASSERT_EQUAL(t.n_certificates, 1);
	CU_ASSERT_EQUAL(t.last.failure, FAILURE_BY_INPUT);
	CU_ASSERT_EQUAL(t.last.status, SIGSEGV);
	end();
	CU_ASSERT_EQUAL(t.n_certificates, 1);
}

/* Its answer made the loop look at it before it looked at the service's line. */
static void who_ends_with_its_service_failed_nobody(void)
{
	begin();
	greet();
	answer();
	t.hung_up = true;
	vanish();
	CU_ASSERT_EQUAL(t.n_results, 1);
	CU_ASSERT_EQUAL(t.cause, DEATH_SERVICE);
	end();
	CU_ASSERT_EQUAL(t.n_certificates, 0);
}

static void a_newborn_that_ends_with_its_service_failed_nobody(void)
{
	begin();
	t.hung_up = true;
	vanish();
	CU_ASSERT_EQUAL(t.cause, DEATH_SERVICE);
	end();
	CU_ASSERT_EQUAL(t.n_certificates, 0);
}

static void who_had_crashed_before_its_service_ended_did_fail(void)
{
	begin();
	greet();
	scan_link_note_exit(t.link, WORKER, SIGABRT);
	t.hung_up = true;
	vanish();
	CU_ASSERT_EQUAL(t.cause, DEATH_CRASH);
	end();
	CU_ASSERT_EQUAL(t.n_certificates, 1);
	CU_ASSERT_EQUAL(t.last.status, SIGABRT);
}

static const struct unit_test tests[] = {
	{"who dies with a job failed by it", who_dies_with_a_job_failed_by_it},
	{"who ends with its service failed nobody", who_ends_with_its_service_failed_nobody},
	{"a newborn that ends with its service failed nobody",
	 a_newborn_that_ends_with_its_service_failed_nobody},
	{"who had crashed before its service ended did fail",
	 who_had_crashed_before_its_service_ended_did_fail},
};

UNIT_MAIN("scan_link", tests)
