/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The digest desk with real files and threads. A storage that hangs is stood in for by a file of 64 GiB of nothing, which takes
 * far longer to read than the desk waits.
 */
#include "ampdaemon/digest_desk.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/clock.h"
#include "tests/support/own_fds.h"
#include "tests/support/unit_main.h"

#define MAX_BYTES 2000000u
#define ENDLESS (UINT64_C(64) << 30)
#define ASKED_MAX (DIGEST_QUEUE + 8)
#define SPARE_MS 10000 /* for a machine that has other work */

static struct {
	uv_loop_t loop;
	struct digest_desk *desk;
	unsigned answers;
	unsigned told[ASKED_MAX]; /* how often, by token */
	int errors[ASKED_MAX];
	uint8_t digest[LIMIT_DIGEST_BYTES]; /* the last good one */
	bool free_on_answer;
	bool out_of_time;
} t;

static void on_digest(void *context, uint64_t token, int error,
		      const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	CU_ASSERT_PTR_EQUAL(context, &t);
	CU_ASSERT_FATAL(token < ASKED_MAX);
	t.answers++;
	t.told[token]++;
	t.errors[token] = error;
	if (!error)
		memcpy(t.digest, digest, sizeof(t.digest));
	if (t.free_on_answer)
		t.desk = digest_desk_free(t.desk);
}

static void start(uint64_t max_bytes)
{
	memset(&t, 0, sizeof(t));
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&t.loop), 0);
	t.desk = digest_desk_new(&t.loop, max_bytes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.desk);
}

static void stop(void)
{
	t.desk = digest_desk_free(t.desk);
	CU_ASSERT_EQUAL(uv_run(&t.loop, UV_RUN_DEFAULT), 0);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
}

static int ask(int fd, uint64_t token)
{
	return digest_desk_ask(t.desk, fd, token, on_digest, &t);
}

static void on_out_of_time(uv_timer_t *timer)
{
	(void)timer;
	t.out_of_time = true;
}

/* Turns the loop until there are so many answers, or `ms` are over. */
static void wait_for(unsigned answers, unsigned ms)
{
	uv_timer_t timer;

	t.out_of_time = false;
	(void)uv_timer_init(&t.loop, &timer);
	(void)uv_timer_start(&timer, on_out_of_time, ms, 0);
	while (t.answers < answers && !t.out_of_time)
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT); /* the timer is on this stack */
}

static int file_of(const char *text, size_t times)
{
	int fd = memfd_create("digest", MFD_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0);
	for (size_t i = 0; i < times; i++) {
		if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
			abort();
	}
	return fd;
}

static int empty_file_of(uint64_t bytes)
{
	int fd = memfd_create("digest", MFD_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
	return fd;
}

static const char *shown(void)
{
	static char text[2 * LIMIT_DIGEST_BYTES + 1];

	for (unsigned i = 0; i < LIMIT_DIGEST_BYTES; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", t.digest[i]);
	return text;
}

/* The examples of FIPS 180-4. */
static void the_digests_are_right(void)
{
	static const struct {
		const char *text;
		size_t times;
		const char *digest;
	} examples[] = {
		{"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"aaaaaaaaaa", 100000,
		 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	};

	start(MAX_BYTES);
	for (unsigned i = 0; i < 3; i++) {
		int fd = file_of(examples[i].text, examples[i].times);
		off_t at = lseek(fd, 0, SEEK_CUR);

		CU_ASSERT_EQUAL(ask(fd, i), 0);
		wait_for(i + 1, SPARE_MS);
		CU_ASSERT_EQUAL(t.errors[i], 0);
		CU_ASSERT_STRING_EQUAL(shown(), examples[i].digest);
		CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_CUR), at); /* its owner reads on where it was */
		close(fd);
	}
	CU_ASSERT_EQUAL(t.answers, 3);
	stop();
}

static void what_is_too_large_is_not_hashed(void)
{
	int largest = empty_file_of(MAX_BYTES), larger = empty_file_of(MAX_BYTES + 1);

	start(MAX_BYTES);
	CU_ASSERT_EQUAL(ask(largest, 0), 0);
	CU_ASSERT_EQUAL(ask(larger, 1), 0);
	wait_for(2, SPARE_MS);
	CU_ASSERT_EQUAL(t.errors[0], 0);
	CU_ASSERT_EQUAL(t.errors[1], -EFBIG);
	stop();
	close(largest);
	close(larger);
}

static void what_cannot_be_read_is_an_error(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), pair[2];
	int closed = fcntl(null, F_DUPFD_CLOEXEC, 500); /* nobody takes that number meanwhile */
	int blind = empty_file_of(1), writer;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", blind);
	writer = open(path, O_WRONLY | O_CLOEXEC);
	close(closed);
	CU_ASSERT_FATAL(writer >= 0 && pipe2(pair, O_CLOEXEC) == 0);
	start(MAX_BYTES);
	CU_ASSERT_EQUAL(ask(-1, 0), -EBADF);
	CU_ASSERT_EQUAL(ask(closed, 0), -EBADF);
	CU_ASSERT_EQUAL(ask(writer, 1), 0);
	CU_ASSERT_EQUAL(ask(pair[0], 2), 0); /* would never end */
	CU_ASSERT_EQUAL(ask(null, 3), 0);
	wait_for(3, SPARE_MS);
	CU_ASSERT_EQUAL(t.answers, 3);
	CU_ASSERT_EQUAL(t.told[0], 0);
	CU_ASSERT_EQUAL(t.errors[1], -EBADF);
	CU_ASSERT_EQUAL(t.errors[2], -EINVAL);
	CU_ASSERT_EQUAL(t.errors[3], -EINVAL);
	stop();
	close(null);
	close(blind);
	close(writer);
	close(pair[0]);
	close(pair[1]);
}

static void a_file_that_takes_too_long_is_given_up(void)
{
	int endless = empty_file_of(ENDLESS), small = file_of("abc", 1);
	mono_ms before = clock_mono_ms(), took;
	unsigned stuck = 0;

	start(ENDLESS);
	CU_ASSERT_EQUAL(ask(endless, 0), 0);
	wait_for(1, DIGEST_LIMIT_MS + SPARE_MS);
	took = clock_mono_ms() - before;
	CU_ASSERT_EQUAL(t.errors[0], -ETIMEDOUT);
	CU_ASSERT(took >= DIGEST_LIMIT_MS && took < DIGEST_LIMIT_MS + SPARE_MS);
	/* This storage answers the thread once more, after which it sees that nobody waits. */
	while (digest_desk_under_way(t.desk, &stuck) &&
	       clock_mono_ms() - before < DIGEST_LIMIT_MS + SPARE_MS)
		(void)usleep(1000);
	CU_ASSERT_EQUAL(stuck, 0);
	CU_ASSERT_EQUAL(digest_desk_under_way(t.desk, &stuck), 0);
	CU_ASSERT_EQUAL(ask(small, 1), 0);
	wait_for(2, SPARE_MS);
	CU_ASSERT_EQUAL(t.errors[1], 0);
	CU_ASSERT_EQUAL(t.told[0], 1);
	stop();
	close(endless);
	close(small);
}

/* A full queue says so; each that was taken is answered once: those behind four that hang as late as these, or right after. */
static void a_full_queue_is_busy(void)
{
	int endless = empty_file_of(ENDLESS), small = file_of("abc", 1);
	unsigned stuck;

	start(ENDLESS);
	for (unsigned i = 0; i < DIGEST_QUEUE; i++)
		CU_ASSERT_EQUAL(ask(i < DIGEST_THREADS ? endless : small, i), 0);
	CU_ASSERT_EQUAL(ask(small, DIGEST_QUEUE), -EBUSY);
	CU_ASSERT(digest_desk_under_way(t.desk, &stuck) >= DIGEST_QUEUE - DIGEST_THREADS);
	wait_for(DIGEST_QUEUE, DIGEST_LIMIT_MS + SPARE_MS);
	CU_ASSERT_EQUAL(t.answers, DIGEST_QUEUE);
	for (unsigned i = 0; i < DIGEST_QUEUE; i++) {
		CU_ASSERT_EQUAL(t.told[i], 1);
		CU_ASSERT(t.errors[i] == -ETIMEDOUT || (i >= DIGEST_THREADS && t.errors[i] == 0));
	}
	CU_ASSERT_EQUAL(t.told[DIGEST_QUEUE], 0);
	stop();
	close(endless);
	close(small);
}

static void nobody_is_called_after_the_end(void)
{
	int small = file_of("abc", 1), endless = empty_file_of(ENDLESS);

	start(ENDLESS);
	CU_ASSERT_EQUAL(ask(endless, 0), 0);
	for (unsigned i = 1; i < 50; i++)
		CU_ASSERT_EQUAL(ask(small, i), 0);
	stop();
	CU_ASSERT_EQUAL(t.answers, 0);
	start(ENDLESS);
	t.free_on_answer = true;
	for (unsigned i = 1; i < 50; i++)
		CU_ASSERT_EQUAL(ask(small, i), 0);
	wait_for(1, SPARE_MS);
	CU_ASSERT_EQUAL(t.answers, 1);
	CU_ASSERT_PTR_NULL(t.desk);
	stop();
	CU_ASSERT_EQUAL(t.answers, 1);
	close(small);
	close(endless);
}

/* Threads close what they had a little after the answer. */
static void no_descriptor_stays_open(void)
{
	int small = file_of("abc", 1), before, after = 0;

	start(MAX_BYTES);
	before = own_fds();
	for (unsigned i = 0; i < 200; i++)
		CU_ASSERT_EQUAL(ask(small, i), 0);
	wait_for(200, SPARE_MS);
	CU_ASSERT_EQUAL(t.answers, 200);
	for (unsigned tries = 0; tries < 1000; tries++) {
		after = own_fds();
		if (after <= before)
			break;
		(void)usleep(1000);
	}
	CU_ASSERT(after <=
		  before); /* what the test before this one left to its threads may go, too */
	stop();
	close(small);
}

/* A signal for the process is the loop's: it is pending there, no thread takes it. */
static void its_threads_take_no_signals(void)
{
	int small = file_of("abc", 1);
	sigset_t usr1, pending;

	start(MAX_BYTES);
	CU_ASSERT_EQUAL(ask(small, 0), 0);
	wait_for(1, SPARE_MS); /* there is a thread now, and it waits for more */
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CU_ASSERT_EQUAL(pthread_sigmask(SIG_BLOCK, &usr1, NULL), 0);
	CU_ASSERT_EQUAL(kill(getpid(), SIGUSR1), 0); /* would end the program in the thread */
	(void)usleep(20000);
	CU_ASSERT_EQUAL(sigpending(&pending), 0);
	CU_ASSERT_EQUAL(sigismember(&pending, SIGUSR1), 1);
	CU_ASSERT_EQUAL(sigtimedwait(&usr1, NULL, &(struct timespec){0}), SIGUSR1);
	CU_ASSERT_EQUAL(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL), 0);
	stop();
	close(small);
}

static const struct unit_test tests[] = {
	{"the digests are right", the_digests_are_right},
	{"what is too large is not hashed", what_is_too_large_is_not_hashed},
	{"what cannot be read is an error", what_cannot_be_read_is_an_error},
	{"a file that takes too long is given up", a_file_that_takes_too_long_is_given_up},
	{"a full queue is busy", a_full_queue_is_busy},
	{"nobody is called after the end", nobody_is_called_after_the_end},
	{"no descriptor stays open", no_descriptor_stays_open},
	{"its threads take no signals", its_threads_take_no_signals},
};

UNIT_MAIN("digest desk", tests)
