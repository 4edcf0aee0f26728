/* SPDX-License-Identifier: GPL-2.0-only */
/* The keep with real files and the real digest desk; the journal is a stand-in that remembers what it was given. */
#include "ampdaemon/unscannable_keep.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ampdaemon/core/unscannable_code.h"
#include "tests/support/unit_main.h"

#define GENERATION 3
#define VALUES_MAX 16

static const uint8_t digest_of_abc[LIMIT_DIGEST_BYTES] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf,
							  0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae,
							  0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96,
							  0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61,
							  0xf2, 0x00, 0x15, 0xad};

/* ---- the journal's stand-in ---- */

static struct kept {
	char key[64];
	uint8_t data[UNSCANNABLE_CODE_BYTES];
	size_t len;
} kept[VALUES_MAX];
static unsigned n_kept;

static struct {
	unsigned events;
	bool had_digest;
	uint32_t attempts, cause;
	uint64_t generation, bytes;
	size_t path_len;
} told;

static void keep_value(const char *key, const void *data, size_t len)
{
	struct kept *value = &kept[n_kept];

	for (unsigned i = 0; i < n_kept; i++)
		value = strcmp(kept[i].key, key) == 0 ? &kept[i] : value;
	if (value == &kept[n_kept] && ++n_kept > VALUES_MAX)
		abort();
	(void)snprintf(value->key, sizeof(value->key), "%s", key);
	memcpy(value->data, data, len);
	value->len = len;
}

void journal_record_with(struct journal *journal, const struct event *event,
			 const struct journal_value *values, unsigned n)
{
	CU_ASSERT_PTR_NULL(journal);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(event->type, EVENT_FILE_UNSCANNABLE);
	CU_ASSERT_EQUAL(event->body, EVENT_BODY_UNSCANNABLE);
	told.events++;
	told.had_digest =
		event->unscannable.digest.len == LIMIT_DIGEST_BYTES &&
		memcmp(event->unscannable.digest.data, digest_of_abc, LIMIT_DIGEST_BYTES) == 0;
	told.attempts = event->unscannable.attempts;
	told.cause = event->unscannable.cause;
	told.generation = event->unscannable.generation;
	told.bytes = event->unscannable.bytes;
	told.path_len = event->unscannable.path.len;
	keep_value(values->key, values->data, values->len);
}

int journal_recall(struct journal *journal, const char *prefix, journal_recall_fn *each,
		   void *context)
{
	(void)journal;
	CU_ASSERT_STRING_EQUAL(prefix, "unscannable/");
	for (unsigned i = 0; i < n_kept; i++)
		each(context, kept[i].key, kept[i].data, kept[i].len);
	return 0;
}

/* ---- the tests ---- */

static uv_loop_t loop;
static struct digest_desk *digests;
static struct unscannable_keep *keep;

static void start(void)
{
	memset(&told, 0, sizeof(told));
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&loop), 0);
	digests = digest_desk_new(&loop, 1000);
	keep = unscannable_keep_new(NULL, digests);
	CU_ASSERT_FATAL(digests && keep);
}

static void stop(void)
{
	digests = digest_desk_free(digests);
	keep = unscannable_keep_free(keep);
	CU_ASSERT_EQUAL(uv_run(&loop, UV_RUN_DEFAULT), 0);
	CU_ASSERT_EQUAL(uv_loop_close(&loop), 0);
}

static int file_of(const char *text)
{
	int fd = memfd_create("keep", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	return fd;
}

static struct file_identity identity_of(int fd)
{
	struct file_identity identity = {0};

	CU_ASSERT_EQUAL(unscannable_identify(fd, 0, &identity), 0);
	return identity;
}

static void fail(int fd, const char *path)
{
	struct unscannable_failure failure = {
		.identity = identity_of(fd),
		.generation = GENERATION,
		.cause = DEATH_DEADLINE,
		.attempts = 2,
		.path = span_of_text(path),
		.fd = fd,
	};

	unscannable_keep_add(keep, &failure);
}

static void wait_for_event(void)
{
	while (told.events == 0 && uv_run(&loop, UV_RUN_ONCE))
		;
}

static enum unscannable_answer answer_for(int fd)
{
	struct file_identity identity = identity_of(fd);

	return unscannable_ask(unscannable_keep_table(keep), &identity, GENERATION);
}

static void the_identity_is_that_of_the_file(void)
{
	int a = file_of("abc"), b = file_of("abc");
	struct file_identity before = identity_of(a), after, other = identity_of(b);

	CU_ASSERT_EQUAL(before.bytes, 3);
	CU_ASSERT_FALSE(file_identity_equals(&before, &other));
	after = identity_of(a);
	CU_ASSERT_TRUE(file_identity_equals(&before, &after));
	CU_ASSERT_EQUAL(write(a, "d", 1), 1);
	after = identity_of(a);
	CU_ASSERT_FALSE(file_identity_equals(&before, &after));
	close(a);
	CU_ASSERT(unscannable_identify(a, 0, &after) < 0);
	close(b);
}

static void a_failure_is_known_at_once_and_told_with_its_digest(void)
{
	int file = file_of("abc"), copy = file_of("abc"), other = file_of("abd");
	struct file_identity identity = identity_of(copy);

	start();
	CU_ASSERT_EQUAL(answer_for(file), UNSCANNABLE_NO);
	fail(file, "/poison");
	CU_ASSERT_EQUAL(told.events, 0);
	CU_ASSERT_EQUAL(answer_for(file), UNSCANNABLE_YES);
	CU_ASSERT_EQUAL(answer_for(copy), UNSCANNABLE_NO);
	wait_for_event();
	CU_ASSERT_EQUAL(told.events, 1);
	CU_ASSERT_TRUE(told.had_digest);
	CU_ASSERT_EQUAL(told.attempts, 2);
	CU_ASSERT_EQUAL(told.cause, DEATH_DEADLINE);
	CU_ASSERT_EQUAL(told.generation, GENERATION);
	CU_ASSERT_EQUAL(told.bytes, 3);
	CU_ASSERT_EQUAL(told.path_len, 7);
	CU_ASSERT_EQUAL(answer_for(copy), UNSCANNABLE_ASK_HASH);
	CU_ASSERT_EQUAL(answer_for(other), UNSCANNABLE_ASK_HASH);
	CU_ASSERT_TRUE(unscannable_ask_digest(unscannable_keep_table(keep), &identity,
					      digest_of_abc, GENERATION));
	CU_ASSERT_EQUAL(unscannable_count(unscannable_keep_table(keep)), 1);
	stop();
	CU_ASSERT_EQUAL(told.events, 1);
	close(file);
	close(copy);
	close(other);
}

/* What follows on the test before: another run reads what that one kept. Damaged values are left out. */
static void what_was_kept_is_known_after_a_restart(void)
{
	const struct unscannable_entry *entry;

	CU_ASSERT_EQUAL_FATAL(n_kept, 1);
	CU_ASSERT_STRING_EQUAL(kept[0].key, "unscannable/0000");
	keep_value("unscannable/0001", "", 0);
	keep_value("unscannable/1", kept[0].data, kept[0].len);
	keep_value("unscannable/0002x", kept[0].data, kept[0].len);
	keep_value("unscannable/9999", kept[0].data, kept[0].len);
	keep_value("unscannable/-001", kept[0].data, kept[0].len);
	keep_value("unscannable/0003", kept[0].data, kept[0].len - 1);
	start();
	CU_ASSERT_EQUAL(unscannable_count(unscannable_keep_table(keep)), 1);
	entry = unscannable_at(unscannable_keep_table(keep), 0);
	CU_ASSERT_TRUE(entry->has_digest);
	CU_ASSERT_EQUAL(memcmp(entry->digest, digest_of_abc, sizeof(digest_of_abc)), 0);
	CU_ASSERT_EQUAL(entry->path_len, 7);
	CU_ASSERT_EQUAL(memcmp(entry->path, "/poison", 7), 0);
	CU_ASSERT(entry->since_ms > 0);
	stop();
}

static void what_became_another_file_lends_no_digest(void)
{
	int file = file_of("abd");
	struct file_identity before = identity_of(file), after;

	n_kept = 0;
	start();
	fail(file, "/changing");
	do { /* now it is somebody else's content; the clock of files is coarse */
		CU_ASSERT_EQUAL(pwrite(file, "abc", 3, 0), 3);
		after = identity_of(file);
	} while (file_identity_equals(&before, &after));
	wait_for_event();
	CU_ASSERT_FALSE(told.had_digest);
	CU_ASSERT_FALSE(unscannable_at(unscannable_keep_table(keep), 0)->has_digest);
	stop();
	close(file);
}

static void who_cannot_be_hashed_is_told_without_a_digest(void)
{
	int file = file_of("abc");

	CU_ASSERT_EQUAL(ftruncate(file, 2000), 0); /* too large for this desk */
	n_kept = 0;
	start();
	fail(file, "/large");
	wait_for_event();
	CU_ASSERT_EQUAL(told.events, 1);
	CU_ASSERT_FALSE(told.had_digest);
	CU_ASSERT_EQUAL(answer_for(file), UNSCANNABLE_YES);
	stop();
	close(file);
}

static void what_is_awaited_at_the_end_is_told(void)
{
	int file = file_of("abc");

	n_kept = 0;
	start();
	fail(file, "/late");
	CU_ASSERT_EQUAL(told.events, 0);
	stop();
	CU_ASSERT_EQUAL(told.events, 1);
	CU_ASSERT_EQUAL(n_kept, 1);
	close(file);
}

static void only_two_failures_by_the_file_count(void)
{
	struct job_end end = {.verdict = VERDICT_FAILED, .reason = SCAN_REASON_DIED, .attempts = 2};
	enum death_cause cause = DEATH_REQUESTED;

	CU_ASSERT_TRUE(unscannable_is_failure(&end, &cause));
	CU_ASSERT_EQUAL(cause, DEATH_CRASH);
	end.reason = SCAN_REASON_TIMED_OUT;
	CU_ASSERT_TRUE(unscannable_is_failure(&end, &cause));
	CU_ASSERT_EQUAL(cause, DEATH_DEADLINE);
	end.reason = SCAN_REASON_VIOLATION;
	CU_ASSERT_TRUE(unscannable_is_failure(&end, &cause));
	CU_ASSERT_EQUAL(cause, DEATH_VIOLATION);
	end.reason = SCAN_REASON_UNSCANNABLE;
	CU_ASSERT_FALSE(unscannable_is_failure(&end, &cause));
	end = (struct job_end){
		.verdict = VERDICT_FAILED, .reason = SCAN_REASON_DIED, .attempts = 1};
	CU_ASSERT_FALSE(unscannable_is_failure(&end, &cause));
	end = (struct job_end){.verdict = VERDICT_NONE, .reason = SCAN_REASON_DIED, .attempts = 2};
	CU_ASSERT_FALSE(unscannable_is_failure(&end, &cause));
	end = (struct job_end){.answered = true,
			       .verdict = VERDICT_FAILED,
			       .reason = SCAN_REASON_DIED,
			       .attempts = 2};
	CU_ASSERT_FALSE(unscannable_is_failure(&end, &cause));
}

static const struct unit_test tests[] = {
	{"the identity is that of the file", the_identity_is_that_of_the_file},
	{"a failure is known at once and told with its digest",
	 a_failure_is_known_at_once_and_told_with_its_digest},
	{"what was kept is known after a restart", what_was_kept_is_known_after_a_restart},
	{"what became another file lends no digest", what_became_another_file_lends_no_digest},
	{"who cannot be hashed is told without a digest",
	 who_cannot_be_hashed_is_told_without_a_digest},
	{"what is awaited at the end is told", what_is_awaited_at_the_end_is_told},
	{"only two failures by the file count", only_two_failures_by_the_file_count},
};

UNIT_MAIN("unscannable keep", tests)
