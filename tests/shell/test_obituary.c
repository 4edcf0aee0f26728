/* SPDX-License-Identifier: GPL-2.0-only */
/* The obituaries, with a digest desk of this file that answers when the test says so. */
#include "ampdaemon/obituary.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/last_words_page.h"
#include "base/limits.h"
#include "io/clock.h"
#include "tests/support/unit_main.h"

#define STORM 500

struct digest_desk {
	unsigned n_asked;
	uint64_t token;
	digest_fn *done;
	void *context;
};

int digest_desk_ask(struct digest_desk *desk, int fd, uint64_t token, digest_fn *done,
		    void *context)
{
	CU_ASSERT(fd > STDERR_FILENO); /* a copy: the job may have ended by now */
	desk->n_asked++;
	desk->token = token;
	desk->done = done;
	desk->context = context;
	return 0;
}

static struct {
	uv_loop_t loop;
	struct digest_desk desk;
	struct obituaries *obituaries;
	unsigned n_told;
	uint64_t sum;
	struct death_certificate last;
	char path[64], detail[LIMIT_REASON_BYTES];
	uint8_t digest[LIMIT_DIGEST_BYTES];
	size_t digest_len;
	bool kills_back; /* who hears of a death causes another one */
} t;

static struct obituary_notice notice_of(uint64_t worker, uint64_t job)
{
	return (struct obituary_notice){.worker = worker,
					.incarnation = 5,
					.pid = 1234,
					.cause = DEATH_CRASH,
					.detail = "",
					.job = job,
					.attempt = job ? 1 : 0,
					.path = span_of("/data/evil.zip", job ? 14 : 0),
					.file = job ? STDIN_FILENO : -1,
					.last_words = -1};
}

static void hear(void *context, const struct death_certificate *certificate)
{
	struct obituary_notice next = notice_of(99, 0);

	CU_ASSERT_PTR_EQUAL(context, &t);
	t.n_told++;
	t.sum += certificate->worker;
	t.last = *certificate;
	(void)snprintf(t.path, sizeof(t.path), "%.*s", (int)certificate->path.len,
		       (const char *)certificate->path.data);
	(void)snprintf(t.detail, sizeof(t.detail), "%s", certificate->detail);
	t.digest_len = certificate->digest.len;
	if (t.digest_len)
		memcpy(t.digest, certificate->digest.data, t.digest_len);
	if (!t.kills_back)
		return;
	t.kills_back = false;
	obituaries_open(t.obituaries, &next);
}

static void begin(void)
{
	memset(&t, 0, sizeof(t));
	CU_ASSERT_FATAL(uv_loop_init(&t.loop) == 0);
	t.obituaries = obituaries_new(&t.loop, &t.desk, hear, &t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.obituaries);
}

static void end(void)
{
	t.obituaries = obituaries_free(t.obituaries);
	(void)uv_run(&t.loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
}

static void turn(void)
{
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
}

static void open_one(uint64_t worker, uint64_t job)
{
	const struct obituary_notice notice = notice_of(worker, job);

	obituaries_open(t.obituaries, &notice);
}

static void a_certificate_waits_for_status_next_worker_and_digest(void)
{
	uint8_t digest[LIMIT_DIGEST_BYTES] = {1, 2, 3};

	begin();
	open_one(17, 4711);
	CU_ASSERT_EQUAL(t.desk.n_asked, 0); /* first the job goes to another worker, in this turn */
	turn();
	CU_ASSERT_EQUAL(t.desk.n_asked, 1);
	obituaries_note_exit(t.obituaries, 17, SIGSEGV);
	turn();
	obituaries_note_handover(t.obituaries, 4711);
	turn();
	CU_ASSERT_EQUAL(t.n_told, 0);
	t.desk.done(t.desk.context, t.desk.token, 0, digest);
	CU_ASSERT_EQUAL(t.n_told, 0); /* not before the loop's own turn */
	turn();
	CU_ASSERT_EQUAL(t.n_told, 1);
	CU_ASSERT_EQUAL(t.last.worker, 17);
	CU_ASSERT_EQUAL(t.last.failure, FAILURE_BY_INPUT);
	CU_ASSERT_EQUAL(t.last.job, 4711);
	CU_ASSERT_TRUE(t.last.handover_us > 0);
	CU_ASSERT_STRING_EQUAL(t.path, "/data/evil.zip");
	CU_ASSERT_EQUAL(t.digest_len, LIMIT_DIGEST_BYTES);
	CU_ASSERT_EQUAL(memcmp(t.digest, digest, sizeof(digest)), 0);
	CU_ASSERT_STRING_EQUAL(t.detail, "signal 11 (Segmentation fault)");
	end();
	CU_ASSERT_EQUAL(t.n_told, 1);
}

static void without_a_job_the_status_is_enough(void)
{
	begin();
	open_one(3, 0);
	turn();
	CU_ASSERT_EQUAL(t.n_told, 0);
	obituaries_note_exit(t.obituaries, 4, SIGKILL); /* another's */
	turn();
	CU_ASSERT_EQUAL(t.n_told, 0);
	obituaries_note_exit(t.obituaries, 3, SIGSYS);
	turn();
	CU_ASSERT_EQUAL(t.n_told, 1);
	CU_ASSERT_EQUAL(t.desk.n_asked, 0);
	CU_ASSERT_EQUAL(t.last.failure, FAILURE_UNEXPLAINED);
	CU_ASSERT_STRING_EQUAL(t.detail, "killed by the seccomp wall (signal 31, SIGSYS)");
	end();
}

static void after_two_seconds_it_is_handed_on_as_it_is(void)
{
	mono_ms since = clock_mono_ms();
	uint8_t late[LIMIT_DIGEST_BYTES] = {0};

	begin();
	open_one(8, 1);
	while (!t.n_told && clock_mono_ms() - since < 2 * OBITUARY_WAIT_MS)
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	CU_ASSERT_TRUE(clock_mono_ms() - since >= OBITUARY_WAIT_MS);
	CU_ASSERT_EQUAL(t.n_told, 1);
	CU_ASSERT_FALSE(t.last.has_status);
	CU_ASSERT_EQUAL(t.last.handover_us, 0);
	CU_ASSERT_EQUAL(t.digest_len, 0);
	CU_ASSERT_STRING_EQUAL(t.detail, "how it ended is not known");
	t.desk.done(t.desk.context, t.desk.token, 0, late);
	obituaries_note_exit(t.obituaries, 8, SIGSEGV);
	turn();
	end();
	CU_ASSERT_EQUAL(t.n_told, 1);
}

static void a_digest_that_fails_is_no_digest(void)
{
	begin();
	open_one(8, 1);
	obituaries_note_exit(t.obituaries, 8, SIGABRT);
	obituaries_note_handover(t.obituaries, 1);
	turn();
	t.desk.done(t.desk.context, t.desk.token, -EIO, NULL);
	turn();
	CU_ASSERT_EQUAL(t.n_told, 1);
	CU_ASSERT_EQUAL(t.digest_len, 0);
	end();
}

static void last_words_stand_in_the_certificate(void)
{
	const struct last_words page = {.worker = 6,
					.phase = SCAN_PHASE_SCAN,
					.signal = SIGBUS,
					.code = BUS_ADRERR,
					.module = "libx.so",
					.offset = 0x77};
	struct obituary_notice notice = notice_of(6, 0);

	begin();
	notice.last_words = last_words_page_make();
	notice.detail = "it said more";
	CU_ASSERT_EQUAL(pwrite(notice.last_words, &page, sizeof(page), 2 * LAST_WORDS_PAGE_BYTES),
			(ssize_t)sizeof(page));
	obituaries_open(t.obituaries, &notice);
	close(notice.last_words);
	obituaries_note_exit(t.obituaries, 6, SIGBUS);
	turn();
	CU_ASSERT_EQUAL(t.last.phase, SCAN_PHASE_SCAN);
	CU_ASSERT_STRING_EQUAL(
		t.detail,
		"signal 7 (Bus error); by its own words it was scanning, and saw SIGBUS "
		"(no storage behind the memory) at address 0 in libx.so+0x77; it said more");
	end();
}

static void in_a_storm_no_death_is_lost(void)
{
	uint64_t sum = 0;

	begin();
	for (uint64_t worker = 1; worker <= STORM; worker++) {
		open_one(worker, worker);
		sum += worker;
		if (worker % 40 == 0)
			turn();
	}
	end();
	CU_ASSERT_EQUAL(t.n_told, STORM);
	CU_ASSERT_EQUAL(t.sum, sum);
}

static void who_hears_of_a_death_may_cause_the_next(void)
{
	begin();
	t.kills_back = true;
	open_one(1, 1);
	obituaries_note_exit(t.obituaries, 1, SIGSEGV);
	obituaries_note_handover(t.obituaries, 1);
	turn();
	t.desk.done(t.desk.context, t.desk.token, -EIO, NULL);
	turn();
	CU_ASSERT_EQUAL(t.n_told, 1);
	obituaries_note_exit(t.obituaries, 99, 0);
	turn();
	CU_ASSERT_EQUAL(t.n_told, 2);
	CU_ASSERT_EQUAL(t.sum, 100);
	end();
}

static const struct unit_test tests[] = {
	{"a certificate waits for status next worker and digest",
	 a_certificate_waits_for_status_next_worker_and_digest},
	{"without a job the status is enough", without_a_job_the_status_is_enough},
	{"after two seconds it is handed on as it is", after_two_seconds_it_is_handed_on_as_it_is},
	{"a digest that fails is no digest", a_digest_that_fails_is_no_digest},
	{"last words stand in the certificate", last_words_stand_in_the_certificate},
	{"in a storm no death is lost", in_a_storm_no_death_is_lost},
	{"who hears of a death may cause the next", who_hears_of_a_death_may_cause_the_next},
};

UNIT_MAIN("obituary", tests)
