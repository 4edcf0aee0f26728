/* SPDX-License-Identifier: GPL-2.0-only */
/* The walk with two directories held open: every level below is closed and found again, also when the tree moves. */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampcli/walk.h"
#include "base/limits.h"
#include "tests/support/unit_main.h"

#define LEVELS 8

struct seen {
	unsigned files, troubles;
	enum scan_reason reason;
};

static char root[PATH_MAX];

static void make_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
}

/* root/d/d/.../d, two files in each; we are in root afterwards. */
static void make_tree(void)
{
	const char *dir = getenv("TMPDIR");

	(void)snprintf(root, sizeof(root), "%s/amp-walk-XXXXXX", dir ? dir : "/tmp");
	CU_ASSERT_FATAL(mkdtemp(root) != NULL && chdir(root) == 0);
	for (unsigned i = 0; i < LEVELS; i++) {
		make_file("one");
		make_file("two");
		CU_ASSERT_FATAL(mkdir("d", 0700) == 0 && chdir("d") == 0);
	}
	make_file("bottom");
	CU_ASSERT_FATAL(chdir(root) == 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where; /* nftw's own signature */
	return remove(path);
}

static void remove_tree(void)
{
	CU_ASSERT_FATAL(chdir("/") == 0);
	CU_ASSERT_EQUAL(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Calls `meddle` when the file at the bottom is met. */
static struct seen walk_all(void (*meddle)(void))
{
	const struct walk_options options = {.max_open = 2};
	struct walk *walk = walk_new(&options);
	struct seen seen = {0};
	struct walk_item item;
	bool has_meddled = false;

	CU_ASSERT_FATAL(walk != NULL && walk_start(walk, root) == 0);
	while (walk_next(walk, &item)) {
		if (item.kind == WALK_TROUBLE) {
			seen.troubles++;
			seen.reason = item.reason;
			continue;
		}
		seen.files++;
		CU_ASSERT_TRUE(fcntl(item.fd, F_GETFD) & FD_CLOEXEC);
		close(item.fd);
		CU_ASSERT_EQUAL(strlen((const char *)item.path.data), item.path.len);
		/* What comes after the tree was meddled with may have another path by now. */
		CU_ASSERT(has_meddled || access((const char *)item.path.data, F_OK) == 0);
		if (meddle && strstr((const char *)item.path.data, "/bottom")) {
			meddle();
			has_meddled = true;
		}
	}
	(void)walk_free(walk);
	return seen;
}

static void every_file_is_met_once(void)
{
	struct seen seen;

	make_tree();
	seen = walk_all(NULL);
	CU_ASSERT_EQUAL(seen.files, 2 * LEVELS + 1);
	CU_ASSERT_EQUAL(seen.troubles, 0);
	remove_tree();
}

static void move_branch(void)
{
	CU_ASSERT_EQUAL(rename("d/d/d", "moved"), 0);
}

/* ".." then leads elsewhere; the way is found again by name, and both changed directories may have lost entries. */
static void a_branch_that_moves_is_told(void)
{
	struct seen seen;

	make_tree();
	seen = walk_all(move_branch);
	CU_ASSERT_EQUAL(seen.reason, SCAN_REASON_DIRECTORY);
	CU_ASSERT_TRUE(seen.troubles >= 2);
	remove_tree();
}

static void replace_branch(void)
{
	CU_ASSERT_EQUAL(rename("d/d/d/d/d/d", "moved"), 0);
	CU_ASSERT_EQUAL(rename("d/d", "away"), 0);
	CU_ASSERT_EQUAL(mkdir("d/d", 0700), 0);
	CU_ASSERT_EQUAL(mkdir("d/d/d", 0700), 0);
}

/* Another directory under the same name is not taken for the one that was left. */
static void a_directory_that_was_replaced_is_not_scanned(void)
{
	struct seen seen;

	make_tree();
	seen = walk_all(replace_branch);
	CU_ASSERT_EQUAL(seen.reason, SCAN_REASON_DIRECTORY);
	CU_ASSERT_TRUE(seen.troubles >= 3);
	remove_tree();
}

static void no_descriptor_is_left(void)
{
	int before, after;

	make_tree();
	before = dup(STDIN_FILENO);
	(void)walk_all(move_branch);
	after = dup(STDIN_FILENO);
	CU_ASSERT_EQUAL(after, before + 1);
	close(before);
	close(after);
	remove_tree();
}

static void a_path_beyond_the_ceiling_is_refused(void)
{
	const struct walk_options options = {0};
	struct walk *walk = walk_new(&options);
	static char path[LIMIT_PATH_BYTES + 2];

	memset(path, '/', sizeof(path) - 1);
	CU_ASSERT_EQUAL(walk_start(walk, path), -ENAMETOOLONG);
	(void)walk_free(walk);
}

static const struct unit_test tests[] = {
	{"every file is met once", every_file_is_met_once},
	{"a branch that moves is told", a_branch_that_moves_is_told},
	{"a directory that was replaced is not scanned",
	 a_directory_that_was_replaced_is_not_scanned},
	{"no descriptor is left", no_descriptor_is_left},
	{"a path beyond the ceiling is refused", a_path_beyond_the_ceiling_is_refused},
};

UNIT_MAIN("walk", tests)
