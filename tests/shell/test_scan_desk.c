/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The desk's way with unscannable files, with real files and digests; supervisor and journal are stand-ins, and no worker ever
 * becomes ready: who is answered was not scanned.
 */
#include "ampdaemon/scan_desk.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ampdaemon/core/unscannable_code.h"
#include "ampdaemon/unscannable_keep.h"
#include "tests/support/own_fds.h"
#include "tests/support/unit_main.h"

#define GENERATION 5
#define FILES_MAX 8

static const uint8_t digest_of_abc[LIMIT_DIGEST_BYTES] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf,
							  0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae,
							  0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96,
							  0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61,
							  0xf2, 0x00, 0x15, 0xad};

static struct {
	uv_loop_t loop;
	struct scan_desk *desk;
	struct unscannable_entry known; /* what the journal keeps */
	unsigned orders, kills, answers, scanned, drained;
	uint64_t ordered_of, drained_epoch;
	enum verdict verdicts[FILES_MAX];
	enum scan_reason reasons[FILES_MAX];
} t;

/* ---- stand-ins ---- */

void journal_record_with(struct journal *journal, const struct event *event,
			 const struct journal_value *values, unsigned n)
{
	(void)journal;
	(void)event;
	(void)values;
	(void)n;
	abort(); /* nothing fails here */
}

int journal_recall(struct journal *journal, const char *prefix, journal_recall_fn *each,
		   void *context)
{
	uint8_t bytes[UNSCANNABLE_CODE_BYTES];

	(void)journal;
	(void)prefix;
	each(context, "unscannable/0007", bytes, unscannable_encode(&t.known, bytes));
	return 0;
}

int supervisor_spawn_worker(struct supervisor *supervisor, uint64_t incarnation, uint64_t worker,
			    int channel)
{
	(void)supervisor;
	(void)worker;
	CU_ASSERT(fcntl(channel, F_GETFD) >= 0);
	t.orders++;
	t.ordered_of = incarnation;
	return -EAGAIN; /* no worker will come */
}

struct supervised supervisor_look(const struct supervisor *supervisor, uint64_t incarnation)
{
	(void)supervisor;
	(void)incarnation;
	return (struct supervised){.last_words = -1};
}

void supervisor_kill(struct supervisor *supervisor, uint64_t incarnation, const char *reason)
{
	(void)supervisor;
	(void)incarnation;
	(void)reason;
	t.kills++;
}

/* ---- what the desk says ---- */

static void on_result(void *context, uint64_t client, struct span path,
		      const struct file_result *result)
{
	CU_ASSERT_PTR_EQUAL(context, &t);
	CU_ASSERT_EQUAL(client, 1);
	CU_ASSERT_EQUAL(path.len, 5);
	CU_ASSERT_FATAL(result->file < FILES_MAX);
	CU_ASSERT_EQUAL(t.verdicts[result->file], VERDICT_NONE);
	t.answers++;
	t.verdicts[result->file] = result->verdict;
	t.reasons[result->file] = result->reason;
}

static void on_nothing(void *context)
{
	(void)context;
}

static void on_drained(void *context, uint64_t incarnation)
{
	(void)context;
	t.drained++;
	t.drained_epoch = incarnation;
}

static void on_certificate(void *context, const struct death_certificate *certificate)
{
	(void)context;
	CU_ASSERT_EQUAL(certificate->job, 0); /* births that fail have none in hand */
}

static void on_scanned(void *context, bool succeeded)
{
	(void)context;
	CU_ASSERT_FALSE(succeeded);
	t.scanned++;
}

static const struct desk_callbacks callbacks = {.on_result = on_result,
						.on_room = on_nothing,
						.on_idle = on_nothing,
						.on_drained = on_drained,
						.on_certificate = on_certificate,
						.on_scanned = on_scanned};

/* ---- the tests ---- */

static int file_of(const char *text)
{
	int fd = memfd_create("desk", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	return fd;
}

/* The journal knows `poison` with its digest. */
static void start(int poison)
{
	struct configuration configuration = {.scan_workers = 1,
					      .recycle_jobs = 100,
					      .scan_timeout_ms = 1000,
					      .max_scan_file_size = 1000};
	struct desk_origin origin = {.configuration = &configuration, .first_worker = 1};

	memset(&t, 0, sizeof(t));
	t.known.generation = GENERATION;
	t.known.cause = DEATH_CRASH;
	t.known.has_digest = true;
	memcpy(t.known.digest, digest_of_abc, sizeof(digest_of_abc));
	CU_ASSERT_EQUAL_FATAL(unscannable_identify(poison, 0, &t.known.identity), 0);
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&t.loop), 0);
	t.desk = desk_new(&t.loop, &origin, &callbacks, &t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.desk);
}

static void stop(void)
{
	t.desk = desk_free(t.desk);
	CU_ASSERT_EQUAL(uv_run(&t.loop, UV_RUN_DEFAULT), 0);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
}

static void submit(uint64_t number, int fd)
{
	struct desk_file file = {.client = 1,
				 .file = number,
				 .priority = PRIORITY_WRITE,
				 .path = span_of_text("/file"),
				 .fd = dup(fd)};
	unsigned before = t.answers;

	CU_ASSERT_EQUAL(desk_submit(t.desk, &file), 0);
	CU_ASSERT_EQUAL(t.answers, before); /* never from within */
}

static void on_time(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void wait_for(unsigned answers, unsigned ms)
{
	bool over = false;
	uv_timer_t timer;

	(void)uv_timer_init(&t.loop, &timer);
	timer.data = &over;
	(void)uv_timer_start(&timer, on_time, ms, 0);
	while (t.answers < answers && !over)
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT); /* the timer is on this stack */
}

static void check_refused(uint64_t number)
{
	CU_ASSERT_EQUAL(t.verdicts[number], VERDICT_FAILED);
	CU_ASSERT_EQUAL(t.reasons[number], SCAN_REASON_UNSCANNABLE);
}

static void a_known_file_and_its_copy_are_refused(void)
{
	int poison = file_of("abc"), copy = file_of("abc"), other = file_of("abd");
	int before;

	start(poison);
	stop(); /* the first loop opens what stays open */
	before = own_fds();
	start(poison);
	desk_service_up(t.desk, 3, GENERATION);
	CU_ASSERT_EQUAL(t.ordered_of, 3);
	submit(0, poison);
	submit(1, copy);
	submit(2, other);
	wait_for(2, 10000);
	CU_ASSERT_EQUAL(t.answers, 2);
	check_refused(0);
	check_refused(1);
	wait_for(3, 200);
	CU_ASSERT_EQUAL(t.answers, 2); /* the other one waits for a worker */
	CU_ASSERT_EQUAL(dispatcher_queued(desk_dispatcher(t.desk)), 1);
	CU_ASSERT_EQUAL(t.scanned, 0);
	CU_ASSERT_EQUAL(unscannable_at(desk_unscannable(t.desk), 0)->spared, 2);
	submit(3, copy); /* now it needs no digest */
	wait_for(3, 10000);
	check_refused(3);
	stop();
	for (unsigned tries = 0; own_fds() > before && tries < 1000; tries++)
		(void)usleep(1000); /* the last thread closes what it had */
	CU_ASSERT(own_fds() <= before);
	close(poison);
	close(copy);
	close(other);
}

static void other_definitions_scan_it(void)
{
	int poison = file_of("abc");

	start(poison);
	desk_service_up(t.desk, 3, GENERATION + 1);
	submit(0, poison);
	wait_for(1, 200);
	CU_ASSERT_EQUAL(t.answers, 0);
	CU_ASSERT_EQUAL(dispatcher_queued(desk_dispatcher(t.desk)), 1);
	stop();
	close(poison);
}

/* At the start of the daemon files come before there are definitions. */
static void who_waits_is_judged_when_the_definitions_are_known(void)
{
	int poison = file_of("abc"), copy = file_of("abc"), other = file_of("abd");

	start(poison);
	submit(0, poison);
	submit(1, copy);
	submit(2, other);
	wait_for(1, 100);
	CU_ASSERT_EQUAL(t.answers, 0);
	desk_service_up(t.desk, 3, GENERATION);
	wait_for(2, 10000);
	check_refused(0);
	check_refused(1);
	wait_for(3, 200);
	CU_ASSERT_EQUAL(t.answers, 2);
	stop();
	close(poison);
	close(copy);
	close(other);
}

static void an_outgoing_service_without_workers_is_told(void)
{
	int poison = file_of("abc");

	start(poison);
	desk_service_up(t.desk, 3, GENERATION);
	CU_ASSERT_EQUAL(t.drained, 0);
	desk_service_standby(t.desk, 4, GENERATION);
	CU_ASSERT_EQUAL(t.drained, 0);
	desk_service_up(t.desk, 4, GENERATION);
	CU_ASSERT_EQUAL(t.drained, 1);
	CU_ASSERT_EQUAL(t.drained_epoch, 3);
	desk_service_lost(t.desk, 3);
	desk_service_lost(t.desk, 4);
	CU_ASSERT_EQUAL(t.drained, 1);
	stop();
	close(poison);
}

static void births_that_fail_end_the_service(void)
{
	int poison = file_of("abc");

	start(poison);
	desk_service_up(t.desk, 3, GENERATION);
	wait_for(1, 3000); /* eight orders, ever slower */
	while (t.kills == 0 && t.orders < 30)
		wait_for(1, 1000);
	CU_ASSERT_EQUAL(t.kills, 1);
	CU_ASSERT_EQUAL(t.orders, 8);
	stop();
	close(poison);
}

static void a_hand_over_answers_nobody(void)
{
	struct worker_handover workers[LIMIT_WORKERS];
	int poison = file_of("abc"), other = file_of("xyz");

	start(poison);
	submit(0, poison);
	submit(1, other);
	CU_ASSERT_EQUAL(desk_hand_over(t.desk, 3, workers, LIMIT_WORKERS), 0);
	wait_for(1, 100);
	CU_ASSERT_EQUAL(t.answers, 0);
	CU_ASSERT_EQUAL(t.scanned, 0);
	stop();
	CU_ASSERT_EQUAL(t.answers, 0);
	close(poison);
	close(other);
}

static const struct unit_test tests[] = {
	{"a known file and its copy are refused", a_known_file_and_its_copy_are_refused},
	{"other definitions scan it", other_definitions_scan_it},
	{"who waits is judged when the definitions are known",
	 who_waits_is_judged_when_the_definitions_are_known},
	{"an outgoing service without workers is told",
	 an_outgoing_service_without_workers_is_told},
	{"births that fail end the service", births_that_fail_end_the_service},
	{"a hand-over answers nobody", a_hand_over_answers_nobody},
};

UNIT_MAIN("scan desk", tests)
