/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The making of sets, with real files and threads: sources that are not what they should be, that change or hang. Nothing of a refused set is
 * left. (Disks that fail: test_definition_disk.)
 */
#include "ampdaemon/definition_stage.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/definition_lab.h"
#include "tests/support/disk_fault.h"
#include "tests/support/own_fds.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define N(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))
#define SHORT_LIMIT_MS 100
#define SPARE_TURNS 10000 /* of a millisecond, for a machine that has other work */

static struct lab lab;
static const struct lab_file one = {.name = "main.cvd", .text = "one"};

static int staged(void)
{
	return lab_count(lab_path(&lab, "staging"));
}

/* What is swept is swept on a thread. */
static bool is_swept(void)
{
	for (unsigned i = 0; staged() && i < SPARE_TURNS; i++)
		(void)usleep(1000);
	return staged() == 0;
}

/* A set of this one descriptor, which is taken. */
static int stage_fd(uint64_t number, int fd)
{
	unsigned answers = lab.answers;
	int r = definition_stage_begin(lab.stage, number, lab.why);

	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT_EQUAL_FATAL(definition_stage_add(lab.stage, "a.cvd", false, fd, lab.why), 0);
	CU_ASSERT_EQUAL_FATAL(definition_stage_start(lab.stage, lab_answer, &lab, lab.why), 0);
	CU_ASSERT_TRUE_FATAL(lab_wait(&lab, answers + 1));
	CU_ASSERT_TRUE(lab_rest(&lab));
	return lab.result.error;
}

static int file_of(size_t bytes)
{
	int fd = memfd_create("source", MFD_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
	return fd;
}

/* ---- sources ---- */

static void what_is_no_regular_file_is_refused(void)
{
	int before, ends[2], pipe_of[2];

	lab_open(&lab, "kinds");
	before = own_fds();
	CU_ASSERT_FATAL(!pipe2(pipe_of, O_CLOEXEC) &&
			!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	CU_ASSERT_EQUAL(stage_fd(1, pipe_of[0]), -EINVAL);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "a.cvd is a pipe, no regular file");
	CU_ASSERT_EQUAL(stage_fd(2, ends[0]), -EINVAL);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "a.cvd is a socket, no regular file");
	CU_ASSERT_EQUAL(stage_fd(3, open("/dev/zero", O_RDONLY | O_CLOEXEC)), -EINVAL);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "a.cvd is a device, no regular file");
	CU_ASSERT_EQUAL(stage_fd(4, open(lab.root, O_RDONLY | O_CLOEXEC)), -EINVAL);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "a.cvd is a directory, no regular file");
	CU_ASSERT_EQUAL(staged(), 0);
	close(pipe_of[1]);
	close(ends[1]);
	CU_ASSERT_EQUAL(own_fds(), before);
	lab_close(&lab);
}

static void what_cannot_be_read_is_refused(void)
{
	lab_open(&lab, "unreadable");
	CU_ASSERT_EQUAL(stage_fd(2, open(test_file("x", "x"), O_WRONLY | O_CLOEXEC)), -EBADF);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "a.cvd cannot be read: Bad file descriptor");
	CU_ASSERT_EQUAL(stage_fd(3, open(test_path("x"), O_PATH | O_CLOEXEC)), -EBADF);
	disk_fault_refuse_reads(EIO);
	CU_ASSERT_EQUAL(stage_fd(4, file_of(10)), -EIO);
	disk_fault_refuse_reads(0);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "a.cvd cannot be read: Input/output error");
	CU_ASSERT_EQUAL(staged(), 0);
	lab_close(&lab);
}

static void there_is_a_ceiling_for_a_file_and_for_the_set(void)
{
	static const struct {
		size_t first, second;
		int error;
	} rows[] = {
		{LAB_FILE_BYTES, LAB_SET_BYTES - LAB_FILE_BYTES, 0},
		{LAB_FILE_BYTES, LAB_SET_BYTES - LAB_FILE_BYTES + 1, -EFBIG},
		{LAB_FILE_BYTES + 1, 0, -EFBIG},
		{1, LAB_FILE_BYTES + 1, -EFBIG},
		{0, (size_t)1 << 50, -EFBIG},
	};

	lab_open(&lab, "ceilings");
	for (unsigned i = 0; i < N(rows); i++) {
		CU_ASSERT_EQUAL(definition_stage_begin(lab.stage, i + 1, lab.why), 0);
		CU_ASSERT_EQUAL(definition_stage_add(lab.stage, "a", false, file_of(rows[i].first),
						     lab.why),
				0);
		CU_ASSERT_EQUAL(definition_stage_add(lab.stage, "b", true, file_of(rows[i].second),
						     lab.why),
				0);
		CU_ASSERT_EQUAL(definition_stage_start(lab.stage, lab_answer, &lab, lab.why), 0);
		CU_ASSERT_TRUE_FATAL(lab_wait(&lab, i + 1));
		CU_ASSERT_EQUAL(lab.result.error, rows[i].error);
		CU_ASSERT_EQUAL(staged(), rows[i].error ? 0 : 1);
		CU_ASSERT_EQUAL(definition_store_discard(lab.store, i + 1), 0);
	}
	lab_close(&lab);
}

static int changing; /* the file that is changed while it is read */

static void grow(void)
{
	CU_ASSERT_EQUAL(ftruncate(changing, 600001), 0);
}

static void shrink(void)
{
	CU_ASSERT_EQUAL(ftruncate(changing, 599999), 0);
}

static void rewrite(void)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};

	CU_ASSERT_EQUAL(futimens(changing, times), 0);
}

static void a_file_that_changes_meanwhile_is_refused(void)
{
	static void (*const changes[])(void) = {grow, shrink, rewrite};

	lab_open(&lab, "changes");
	for (unsigned i = 0; i < N(changes); i++) {
		changing = file_of(600000);
		disk_fault_meanwhile(changes[i]);
		CU_ASSERT_EQUAL(stage_fd(i + 1, changing), -ESTALE);
		CU_ASSERT_STRING_EQUAL(lab.result.why, "a.cvd changed while it was copied");
		CU_ASSERT_EQUAL(staged(), 0);
	}
	/* Says that it has nothing, and has something. */
	CU_ASSERT_EQUAL(stage_fd(9, open("/proc/self/maps", O_RDONLY | O_CLOEXEC)), -ESTALE);
	CU_ASSERT_EQUAL(staged(), 0);
	lab_close(&lab);
}

static void short_and_interrupted_reads_are_no_fault(void)
{
	static const struct lab_file same = {.name = "a.cvd", .text = "The same, in one piece."};
	uint8_t digest[LIMIT_DIGEST_BYTES];

	lab_open(&lab, "short");
	CU_ASSERT_EQUAL(lab_stage(&lab, 1, &same, 1), 0);
	memcpy(digest, lab.result.digest, sizeof(digest));
	disk_fault_shorten(5);
	CU_ASSERT_EQUAL(stage_fd(2, lab_source(same.text, strlen(same.text))), 0);
	disk_fault_shorten(0);
	CU_ASSERT_EQUAL(memcmp(digest, lab.result.digest, sizeof(digest)), 0);
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "staging/2/a.cvd"), same.text));
	CU_ASSERT_EQUAL(lab.result.n_files, 1);
	CU_ASSERT_EQUAL(lab.result.bytes, strlen(same.text));
	lab_close(&lab);
}

/* ---- asking ---- */

static void what_cannot_be_in_a_set_is_said_at_once(void)
{
	static const char *const names[] = {"", ".x", "a/b", "manifest", "custom", "\033[31mred"};
	char name[16];
	int before;

	lab_open(&lab, "asking");
	before = own_fds();
	CU_ASSERT_EQUAL(definition_stage_add(lab.stage, "a", false, file_of(0), lab.why), -EINVAL);
	CU_ASSERT_EQUAL(definition_stage_start(lab.stage, lab_answer, &lab, lab.why), -EINVAL);
	CU_ASSERT_EQUAL(definition_stage_begin(lab.stage, 7, lab.why), 0);
	for (unsigned i = 0; i < N(names); i++) {
		CU_ASSERT_EQUAL(definition_stage_add(lab.stage, names[i], false, file_of(0),
						     lab.why),
				-EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(lab.why, "cannot be the name of a file"));
		CU_ASSERT_PTR_NULL(strchr(lab.why, '\033'));
	}
	CU_ASSERT_EQUAL(definition_stage_add(lab.stage, "a", false, -1, lab.why), -EBADF);
	CU_ASSERT_EQUAL(definition_stage_add(lab.stage, "a", false, file_of(0), lab.why), 0);
	CU_ASSERT_EQUAL(definition_stage_add(lab.stage, "a", true, file_of(0), lab.why), 0);
	CU_ASSERT_EQUAL(definition_stage_add(lab.stage, "a", true, file_of(0), lab.why), -EEXIST);
	CU_ASSERT_EQUAL(definition_stage_keep(lab.stage, "a", false, 1, lab.why), -EEXIST);
	for (unsigned i = 2; i < LIMIT_DEFINITION_FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		CU_ASSERT_EQUAL(definition_stage_add(lab.stage, name, false, file_of(0), lab.why),
				0);
	}
	CU_ASSERT_EQUAL(definition_stage_add(lab.stage, "b", false, file_of(0), lab.why), -E2BIG);
	definition_stage_cancel(lab.stage);
	CU_ASSERT_EQUAL(own_fds(), before);
	CU_ASSERT_EQUAL(staged(), 0);
	lab_close(&lab);
}

static void one_set_at_a_time_and_no_number_twice(void)
{
	lab_open(&lab, "numbers");
	CU_ASSERT_EQUAL(definition_stage_begin(lab.stage, 7, lab.why), 0);
	CU_ASSERT_TRUE(definition_stage_is_busy(lab.stage));
	CU_ASSERT_EQUAL(definition_stage_begin(lab.stage, 8, lab.why), -EBUSY);
	CU_ASSERT_STRING_EQUAL(lab.why, "another set is being copied");
	CU_ASSERT_EQUAL(definition_stage_start(lab.stage, lab_answer, &lab, lab.why), 0);
	CU_ASSERT_TRUE(definition_stage_is_busy(lab.stage));
	CU_ASSERT_EQUAL(definition_stage_begin(lab.stage, 8, lab.why), -EBUSY);
	CU_ASSERT_TRUE(lab_wait(&lab, 1));
	CU_ASSERT_EQUAL(lab.result.error, -EINVAL);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "the set has no file");
	CU_ASSERT_FALSE(definition_stage_is_busy(lab.stage));
	CU_ASSERT_EQUAL(definition_stage_begin(lab.stage, 7, lab.why), -EINVAL);
	CU_ASSERT_EQUAL(lab_stage(&lab, 8, &one, 1), 0);
	CU_ASSERT_EQUAL(staged(), 1);
	lab_close(&lab);
}

/* ---- from a generation ---- */

static void a_kept_file_is_the_same_file(void)
{
	static const struct lab_file kept[] = {{.name = "main.cvd", .generation = 1},
					       {.name = "own.ndb", .is_custom = true, .text = "2"}};
	static const struct lab_file again[] = {
		{.name = "main.cvd", .generation = 2},
		{.name = "own.ndb", .is_custom = true, .generation = 2}};
	struct stat first, third;

	lab_open(&lab, "kept");
	lab_make(&lab, 1, &one, 1);
	lab_make(&lab, 2, kept, N(kept));
	lab_make(&lab, 3, again, N(again));
	CU_ASSERT_EQUAL(stat(lab_path(&lab, "generations/1/main.cvd"), &first), 0);
	CU_ASSERT_EQUAL(stat(lab_path(&lab, "generations/3/main.cvd"), &third), 0);
	CU_ASSERT_EQUAL(first.st_ino, third.st_ino);
	CU_ASSERT_EQUAL(first.st_nlink, 3);
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "generations/3/custom/own.ndb"), "2"));
	lab_close(&lab);
}

static int keep(uint64_t number, const char *name, uint64_t generation)
{
	const struct lab_file kept = {.name = name, .generation = generation};

	return lab_stage(&lab, number, &kept, 1);
}

static void what_cannot_be_kept_is_refused(void)
{
	lab_open(&lab, "not-kept");
	lab_make(&lab, 1, &one, 1);
	CU_ASSERT_EQUAL(keep(2, "daily.cvd", 1), -ENOENT);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "daily.cvd cannot be kept: there is none");
	CU_ASSERT_EQUAL(keep(3, "main.cvd", 9), -ENOENT);
	lab_write(lab_path(&lab, "generations/1/main.cvd"), "0ne");
	CU_ASSERT_EQUAL(keep(4, "main.cvd", 1), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(lab.result.why,
			       "main.cvd cannot be kept: it has other content than it had");
	lab_write(lab_path(&lab, "generations/1/main.cvd"), "longer");
	CU_ASSERT_EQUAL(keep(5, "main.cvd", 1), -EBADMSG);
	CU_ASSERT_EQUAL(staged(), 0);
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "generations/1/main.cvd"), "longer"));
	lab_close(&lab);
}

static int check(uint64_t number)
{
	unsigned answers = lab.answers;
	int r = definition_stage_check(lab.stage, number, lab_answer, &lab, lab.why);

	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT_EQUAL(definition_stage_check(lab.stage, number, lab_answer, &lab, lab.why),
			-EBUSY);
	CU_ASSERT_TRUE_FATAL(lab_wait(&lab, answers + 1));
	CU_ASSERT_EQUAL(lab.number, number);
	return lab.result.error;
}

static void a_generation_is_read_against_its_manifest(void)
{
	lab_open(&lab, "reading");
	lab_make(&lab, 1, &one, 1);
	CU_ASSERT_EQUAL(check(1), 0);
	CU_ASSERT_EQUAL(check(2), -ENOENT);
	lab_write(lab_path(&lab, "generations/1/main.cvd"), "0ne");
	CU_ASSERT_EQUAL(check(1), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "main.cvd has other content than it had");
	lab_close(&lab);
}

/* ---- storages that hang ---- */

static void wait_until_held(unsigned n)
{
	for (unsigned i = 0; disk_fault_held() != n && i < SPARE_TURNS; i++)
		(void)usleep(1000);
	CU_ASSERT_EQUAL_FATAL(disk_fault_held(), n);
}

static void start_held(uint64_t number)
{
	int fd = file_of(100);

	CU_ASSERT_EQUAL_FATAL(definition_stage_begin(lab.stage, number, lab.why), 0);
	disk_fault_hold(fd);
	CU_ASSERT_EQUAL_FATAL(definition_stage_add(lab.stage, "a", false, fd, lab.why), 0);
	CU_ASSERT_EQUAL_FATAL(definition_stage_start(lab.stage, lab_answer, &lab, lab.why), 0);
	wait_until_held(1);
}

static void open_impatient(const char *name)
{
	lab_open(&lab, name);
	lab.bounds.limit_ms = SHORT_LIMIT_MS;
	lab_reopen(&lab);
}

static void a_source_that_hangs_is_given_up_and_nothing_is_left(void)
{
	unsigned stuck;

	open_impatient("hangs");
	start_held(1);
	CU_ASSERT_EQUAL(staged(), 1);
	CU_ASSERT_TRUE(lab_wait(&lab, 1));
	CU_ASSERT_EQUAL(lab.result.error, -ETIMEDOUT);
	CU_ASSERT_EQUAL(lab.number, 1);
	CU_ASSERT_TRUE(is_swept());
	CU_ASSERT_FALSE(definition_stage_is_busy(lab.stage));
	(void)definition_stage_under_way(lab.stage, &stuck);
	CU_ASSERT_EQUAL(stuck, 1);
	CU_ASSERT_EQUAL(disk_fault_held(), 1);
	CU_ASSERT_EQUAL(lab_stage(&lab, 2, &one, 1), 0); /* the next one does not wait for it */
	disk_fault_hold(DISK_FAULT_NONE);
	CU_ASSERT_TRUE(lab_rest(&lab));
	CU_ASSERT_EQUAL(lab.answers, 2);
	CU_ASSERT_EQUAL(staged(), 1);
	CU_ASSERT_EQUAL(definition_store_publish(lab.store, 2, lab.why), 0);
	lab_close(&lab);
}

static void a_set_that_is_cancelled_leaves_nothing_and_says_nothing(void)
{
	int before;

	lab_open(&lab, "cancelled");
	before = own_fds();
	start_held(1);
	definition_stage_cancel(lab.stage);
	CU_ASSERT_FALSE(definition_stage_is_busy(lab.stage));
	CU_ASSERT_TRUE(is_swept());
	disk_fault_hold(DISK_FAULT_NONE);
	CU_ASSERT_TRUE(lab_rest(&lab));
	CU_ASSERT_EQUAL(lab_start(&lab, 2, &one, 1), 0);
	CU_ASSERT_TRUE(lab_rest(&lab)); /* it is made, and the loop has not turned */
	CU_ASSERT_EQUAL(staged(), 1);
	definition_stage_cancel(lab.stage);
	CU_ASSERT_TRUE(is_swept());
	CU_ASSERT_TRUE(lab_rest(&lab));
	for (uint64_t number = 3; number < 200; number++) { /* at any moment of it */
		CU_ASSERT_EQUAL_FATAL(lab_start(&lab, number, &one, 1), 0);
		(void)usleep((useconds_t)(number * 7 % 1000));
		definition_stage_cancel(lab.stage);
		CU_ASSERT_TRUE_FATAL(lab_rest(&lab));
	}
	(void)uv_run(&lab.loop, UV_RUN_NOWAIT); /* whatever came */
	CU_ASSERT_EQUAL(lab.answers, 0);
	CU_ASSERT_EQUAL(staged(), 0);
	CU_ASSERT_EQUAL(own_fds(), before);
	lab_close(&lab);
}

static void no_more_than_some_threads_hang(void)
{
	lab_open(&lab, "crowd");
	disk_fault_hold(DISK_FAULT_ALL);
	for (unsigned i = 0; i < DEFINITION_STAGE_STUCK; i++) {
		CU_ASSERT_EQUAL_FATAL(lab_start(&lab, i + 1, &one, 1), 0);
		wait_until_held(i + 1);
		definition_stage_cancel(lab.stage);
	}
	CU_ASSERT_EQUAL(lab_start(&lab, 9, &one, 1), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(lab.why, "still hang"));
	CU_ASSERT_TRUE(is_swept());
	disk_fault_hold(DISK_FAULT_NONE);
	CU_ASSERT_TRUE(lab_rest(&lab));
	CU_ASSERT_EQUAL(lab_stage(&lab, 10, &one, 1), 0);
	lab_close(&lab);
}

static void who_hangs_outlives_the_stage(void)
{
	unsigned turns = 0;
	int before;

	lab_open(&lab, "outlives");
	lab_close(&lab);
	before = own_fds();
	lab_open(&lab, "outlives");
	start_held(1);
	lab_close(&lab);
	CU_ASSERT_EQUAL(lab.answers, 0);
	CU_ASSERT_EQUAL(disk_fault_held(), 1);
	disk_fault_hold(DISK_FAULT_NONE);
	while (own_fds() != before && turns++ < SPARE_TURNS)
		(void)usleep(1000);
	CU_ASSERT_EQUAL(own_fds(), before);
	CU_ASSERT_EQUAL(lab_count(test_path("outlives/staging")), 0);
}

static const struct unit_test tests[] = {
	{"what is no regular file is refused", what_is_no_regular_file_is_refused},
	{"what cannot be read is refused", what_cannot_be_read_is_refused},
	{"there is a ceiling for a file and for the set",
	 there_is_a_ceiling_for_a_file_and_for_the_set},
	{"a file that changes meanwhile is refused", a_file_that_changes_meanwhile_is_refused},
	{"short and interrupted reads are no fault", short_and_interrupted_reads_are_no_fault},
	{"what cannot be in a set is said at once", what_cannot_be_in_a_set_is_said_at_once},
	{"one set at a time and no number twice", one_set_at_a_time_and_no_number_twice},
	{"a kept file is the same file", a_kept_file_is_the_same_file},
	{"what cannot be kept is refused", what_cannot_be_kept_is_refused},
	{"a generation is read against its manifest", a_generation_is_read_against_its_manifest},
	{"a source that hangs is given up and nothing is left",
	 a_source_that_hangs_is_given_up_and_nothing_is_left},
	{"a set that is cancelled leaves nothing and says nothing",
	 a_set_that_is_cancelled_leaves_nothing_and_says_nothing},
	{"no more than some threads hang", no_more_than_some_threads_hang},
	{"who hangs outlives the stage", who_hangs_outlives_the_stage},
};

UNIT_MAIN("definition_stage", tests)
