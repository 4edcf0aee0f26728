/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets on a disk that is full, that is read-only, or that fails at any one call: what was there serves on, nothing of a set that could not be
 * made is left, and the next one can be made.
 */
#include "ampdaemon/definition_store.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/definition_link.h"
#include "tests/support/definition_lab.h"
#include "tests/support/disk_fault.h"
#include "tests/support/test_directory.h"
#include "tests/support/tiny_disk.h"
#include "tests/support/unit_main.h"

#define N(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

static struct lab lab;
static const struct lab_file one = {.name = "main.cvd", .text = "one"};

static int staged(void)
{
	return lab_count(lab_path(&lab, "staging"));
}

static int check(uint64_t number)
{
	unsigned answers = lab.answers;
	int r = definition_stage_check(lab.stage, number, lab_answer, &lab, lab.why);

	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT_TRUE_FATAL(lab_wait(&lab, answers + 1));
	CU_ASSERT_EQUAL(lab.number, number);
	return lab.result.error;
}

static void a_full_disk_refuses_the_set_and_heals(void)
{
	const char *disk = test_path("disk");
	char text[60001];
	const struct lab_file big = {.name = "big.cvd", .text = text};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CU_ASSERT_EQUAL_FATAL(mkdir(disk, 0700), 0);
	if (!tiny_disk_mount(disk, 1 << 20)) {
		CU_FAIL("needs the right to mount");
		return;
	}
	lab_open(&lab, "disk/store");
	lab_make(&lab, 1, &one, 1);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 1), 0);
	CU_ASSERT_TRUE_FATAL(tiny_disk_fill(disk));
	CU_ASSERT_EQUAL(lab_stage(&lab, 2, &big, 1), -ENOSPC);
	CU_ASSERT_STRING_EQUAL(lab.result.why, "big.cvd cannot be written to the directory of the "
					       "definitions: No space left on device");
	CU_ASSERT_EQUAL(staged(), 0);
	lab_reopen(&lab);
	CU_ASSERT_STRING_EQUAL(lab.told, "");
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 1);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 0), 0);
	CU_ASSERT_EQUAL(definition_store_drop(lab.store, 1), 0); /* makes room */
	CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "generations")), 0);
	CU_ASSERT_TRUE(tiny_disk_empty(disk));
	CU_ASSERT_EQUAL(lab_stage(&lab, 3, &big, 1), 0);
	lab_close(&lab);
	tiny_disk_unmount(disk);
}

static void a_read_only_disk_serves_what_is_there(void)
{
	struct stored_generation all[DEFINITION_STORE_LISTED];
	const char *disk = test_path("read-only");
	int directory;

	CU_ASSERT_EQUAL_FATAL(mkdir(disk, 0700), 0);
	if (!tiny_disk_mount(disk, 1 << 20)) {
		CU_FAIL("needs the right to mount");
		return;
	}
	lab_open(&lab, "read-only/store");
	lab_make(&lab, 1, &one, 1);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 1), 0);
	CU_ASSERT_EQUAL_FATAL(lab_stage(&lab, 2, &one, 1), 0); /* cannot be put away then */
	CU_ASSERT_EQUAL(rmdir(lab_path(&lab, "custom")), 0);
	/* Descriptors of directories do not stand in the way. */
	CU_ASSERT_EQUAL_FATAL(mount(NULL, disk, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	lab_reopen(&lab);
	CU_ASSERT_STRING_EQUAL(
		lab.told, "what was left in staging cannot be put away: Read-only file system\n");
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 1);
	CU_ASSERT_EQUAL(definition_store_list(lab.store, all), 1);
	directory = definition_store_open_generation(lab.store, 1);
	CU_ASSERT(directory >= 0);
	close(directory);
	CU_ASSERT_EQUAL(lab_stage(&lab, 3, &one, 1), -EROFS);
	CU_ASSERT_PTR_NOT_NULL(strstr(lab.result.why, "Read-only file system"));
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_GOOD, 1), -EROFS);
	CU_ASSERT_EQUAL(check(1), 0);
	lab_close(&lab);
	tiny_disk_unmount(disk);
}

/* The whole way of a set: 0, or the first error. */
static int live(uint64_t number, uint64_t before, int source)
{
	int r = definition_stage_begin(lab.stage, number, lab.why);

	if (r) {
		close(source);
		return r;
	}
	r = definition_stage_add(lab.stage, "new.cvd", true, source, lab.why);
	if (!r && before)
		r = definition_stage_keep(lab.stage, "main.cvd", false, before, lab.why);
	if (!r)
		r = definition_stage_start(lab.stage, lab_answer, &lab, lab.why);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	CU_ASSERT_TRUE_FATAL(lab_wait(&lab, 1));
	if (lab.result.error) {
		CU_ASSERT_EQUAL(staged(), 0);
		return lab.result.error;
	}
	r = definition_store_publish(lab.store, number, lab.why);
	if (r) {
		CU_ASSERT(lab.why[0] != '\0');
		CU_ASSERT_EQUAL(staged(), 1);
		CU_ASSERT_EQUAL(definition_store_discard(lab.store, number), 0);
		CU_ASSERT_EQUAL(staged(), 0);
		return r;
	}
	r = definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, number);
	return r ? r : definition_store_drop(lab.store, before);
}

static void check_disk(uint64_t active)
{
	struct stored_generation all[DEFINITION_STORE_LISTED];
	int n = definition_store_list(lab.store, all);

	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), active);
	CU_ASSERT_EQUAL(n, lab_count(lab_path(&lab, "generations")));
	CU_ASSERT(n >= 1 && n <= 2);
	CU_ASSERT_EQUAL(staged(), 0);
	CU_ASSERT_EQUAL(lab_count(lab.root), 4); /* three directories and active */
	CU_ASSERT_EQUAL(check(active), 0);
}

/* A store in which generation 1 is active. */
static void begin(const char *name)
{
	lab_open(&lab, name);
	lab_make(&lab, 1, &one, 1);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 1), 0);
}

/* After a start: one of the two is active, and the disk is as it must be; the other goes. Returns the active one. */
static uint64_t settle(uint64_t before, uint64_t number)
{
	uint64_t active = definition_link_target(lab.store, DEFINITION_LINK_ACTIVE);

	CU_ASSERT_FATAL(active == before || active == number);
	check_disk(active);
	CU_ASSERT_EQUAL(definition_store_drop(lab.store, active == before ? number : before), 0);
	return active;
}

static struct {
	uint64_t number, active;
	unsigned failed;
} story;

/* One life in which the n-th call fails. False: it had fewer. `is_fatal`: no such call may be passed over. */
static bool live_with(void (*arm)(unsigned n, int error), unsigned n, int error, bool is_fatal)
{
	bool was_hit;
	int r, source;

	lab_reopen(&lab);
	source = lab_source("new", 3);
	arm(n, error);
	r = live(++story.number, story.active, source);
	was_hit = disk_fault_disarm();
	story.failed += r != 0;
	CU_ASSERT(was_hit || !r);
	CU_ASSERT(r || !is_fatal || !was_hit);
	CU_ASSERT(r || definition_link_target(lab.store, DEFINITION_LINK_ACTIVE) == story.number);
	lab_reopen(&lab);
	story.active = settle(story.active, story.number);
	return was_hit;
}

/* Each call that changes the disk or opens something fails once, with each of the errors. */
static void whichever_call_fails_the_old_set_or_the_new_one_is_there(void)
{
	static const int errors[] = {ENOSPC, EIO, EMFILE};
	unsigned n;

	begin("any-call");
	memset(&story, 0, sizeof(story));
	story.number = story.active = 1;
	for (unsigned i = 0; i < N(errors); i++) {
		for (n = 1; live_with(disk_fault_arm, n, errors[i], false); n++)
			;
		CU_ASSERT(n > 30);
	}
	printf("# %u lives, %u failed\n", (unsigned)story.number, story.failed);
	CU_ASSERT(story.failed > story.number / 2);
	for (n = 1; live_with(disk_fault_arm_syncs, n, EIO, true); n++)
		; /* what is not on the disk for certain is told */
	CU_ASSERT(n > 8);
	lab_close(&lab);
}

/* Begins a life in a process of its own. True: it was killed in place of its n-th call; else it came to its end. */
static bool die_at(unsigned n, void (*life)(unsigned n))
{
	pid_t child;
	int status;

	(void)fflush(stdout); /* else the child has it too */
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		alarm(60); /* it hangs */
		life(n);
		_exit(EXIT_SUCCESS);
	}
	CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		CU_ASSERT_EQUAL_FATAL(WTERMSIG(status), SIGKILL);
		return true;
	}
	CU_ASSERT_EQUAL_FATAL(WEXITSTATUS(status), EXIT_SUCCESS);
	return false;
}

static void switch_over(unsigned n)
{
	int source;

	lab_open(&lab, "killed");
	source = lab_source("new", 3);
	disk_fault_arm_kill(n);
	if (live(story.number, story.active, source))
		_exit(EXIT_FAILURE);
	(void)disk_fault_disarm();
}

static void wherever_it_is_killed_the_old_set_or_the_new_one_is_there(void)
{
	bool was_killed = true;
	unsigned n;

	begin("killed");
	lab_close(&lab);
	memset(&story, 0, sizeof(story));
	story.number = story.active = 1;
	for (n = 1; was_killed; n++) {
		story.number++;
		was_killed = die_at(n, switch_over);
		lab_open(&lab, "killed");
		CU_ASSERT_STRING_EQUAL(lab.told, ""); /* it is no damage */
		story.active = settle(story.active, story.number);
		lab_close(&lab);
	}
	printf("# killed at %u calls\n", n - 2);
	CU_ASSERT(n > 40);
	CU_ASSERT_EQUAL(story.active, story.number);
}

static void start(unsigned n)
{
	disk_fault_arm_kill(n);
	lab_open(&lab, "dirty");
	(void)disk_fault_disarm();
}

/* What a start puts away, it puts away in the next one when it is killed meanwhile. */
static void a_start_that_is_killed_is_made_good_by_the_next(void)
{
	bool was_killed = true;
	unsigned n;

	begin("dirty");
	for (n = 1; was_killed; n++) {
		lab_make(&lab, 2, &one, 1);
		CU_ASSERT_EQUAL_FATAL(lab_stage(&lab, 3, &one, 1), 0);
		CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_GOOD, 2), 0);
		CU_ASSERT_EQUAL(truncate(lab_path(&lab, "generations/2/main.cvd"), 0), 0);
		CU_ASSERT_EQUAL(symlink("generations/2", lab_path(&lab, ".active.new")), 0);
		lab_close(&lab);
		was_killed = die_at(n, start);
		lab_open(&lab, "dirty");
		check_disk(1);
	}
	printf("# killed at %u calls\n", n - 2);
	CU_ASSERT(n > 20);
	lab_close(&lab);
}

static void where_there_are_no_links_a_kept_file_is_copied(void)
{
	static const struct lab_file kept[] = {{.name = "main.cvd", .generation = 1}};
	unsigned copied = 0;
	struct stat st;

	lab_open(&lab, "no-links");
	lab_make(&lab, 1, &one, 1);
	for (unsigned i = 1; i < 30; i++) { /* one of the calls is the link */
		disk_fault_arm(i, EMLINK);
		if (!lab_stage(&lab, 1 + i, kept, 1) && disk_fault_disarm()) {
			CU_ASSERT_EQUAL(stat(lab_path(&lab, "staging/%u/main.cvd", 1 + i), &st), 0);
			CU_ASSERT_EQUAL(st.st_nlink, 1);
			CU_ASSERT_EQUAL(st.st_mode, (S_IFREG | 0644));
			CU_ASSERT_TRUE(
				lab_has(lab_path(&lab, "staging/%u/main.cvd", 1 + i), "one"));
			copied++;
		}
		(void)disk_fault_disarm();
		CU_ASSERT_EQUAL(definition_store_discard(lab.store, 1 + i), 0);
		CU_ASSERT_EQUAL(staged(), 0);
	}
	CU_ASSERT_EQUAL(copied, 1);
	lab_close(&lab);
}

static const struct unit_test tests[] = {
	{"where there are no links a kept file is copied",
	 where_there_are_no_links_a_kept_file_is_copied},
	{"a full disk refuses the set and heals", a_full_disk_refuses_the_set_and_heals},
	{"a read-only disk serves what is there", a_read_only_disk_serves_what_is_there},
	{"whichever call fails, the old set or the new one is there",
	 whichever_call_fails_the_old_set_or_the_new_one_is_there},
	{"wherever it is killed, the old set or the new one is there",
	 wherever_it_is_killed_the_old_set_or_the_new_one_is_there},
	{"a start that is killed is made good by the next",
	 a_start_that_is_killed_is_made_good_by_the_next},
};

UNIT_MAIN("definition_disk", tests)
