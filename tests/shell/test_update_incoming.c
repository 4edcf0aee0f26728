/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_incoming.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampdaemon/update_errand.h"
#include "io/clock.h"
#include "tests/support/own_fds.h"
#include "tests/support/test_directory.h"
#include "tests/support/tiny_disk.h"
#include "tests/support/unit_main.h"

#define OWNER 61111

static const char *const databases[] = {"main", "daily", "big", "none"};
static char root[300], why[LIMIT_REASON_BYTES];

static const char *in_root(const char *name)
{
	static char paths[4][500];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, 500, "%s/%s", root, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(in_root(name), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	if (!file)
		return;
	(void)fputs(text, file);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static const char *text_in(const char *name)
{
	static char text[100];
	FILE *file = fopen(in_root(name), "r");

	if (!file)
		return "(none)";
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	return text;
}

static bool is_there(const char *name)
{
	struct stat st;

	return lstat(in_root(name), &st) == 0;
}

/* A store with a generation, for each test a new one. */
static void make_store(const char *name)
{
	(void)snprintf(root, sizeof(root), "%s", test_path(name));
	CU_ASSERT_EQUAL_FATAL(mkdir(root, 0755), 0);
	CU_ASSERT_EQUAL_FATAL(mkdir(in_root("generation"), 0755), 0);
	put("generation/main.cvd", "the main one");
	put("generation/daily.cld", "the daily one");
	put("generation/other.cvd", "nobody asked for it");
	put("generation/big.cvd", "larger than is permitted, whatever it is");
}

static struct incoming_order order_of(void)
{
	return (struct incoming_order){.root = root,
				       .generation = open(in_root("generation"),
							  O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				       .uid = OWNER,
				       .gid = OWNER + 1,
				       .max_file_bytes = 20,
				       .n_databases = 4,
				       .databases = databases};
}

static int prepare(void)
{
	struct incoming_order order = order_of();
	int directory;

	why[0] = '\0';
	directory = update_incoming_prepare(&order, why);
	close(order.generation);
	return directory;
}

static void it_is_its_owners_and_has_copies(void)
{
	struct stat st, source;
	int directory;

	make_store("copies");
	directory = prepare();
	CU_ASSERT_TRUE_FATAL(directory >= 0);
	CU_ASSERT_EQUAL(fstat(directory, &st), 0);
	CU_ASSERT_TRUE(st.st_uid == OWNER && st.st_gid == OWNER + 1);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0700);
	CU_ASSERT_STRING_EQUAL(text_in("incoming/main.cvd"), "the main one");
	CU_ASSERT_STRING_EQUAL(text_in("incoming/daily.cld"), "the daily one");
	CU_ASSERT_FALSE(is_there("incoming/other.cvd"));
	CU_ASSERT_FALSE(is_there("incoming/big.cvd"));
	CU_ASSERT_EQUAL(stat(in_root("incoming/main.cvd"), &st), 0);
	CU_ASSERT_EQUAL(stat(in_root("generation/main.cvd"), &source), 0);
	CU_ASSERT_TRUE(st.st_uid == OWNER && st.st_gid == OWNER + 1 && st.st_nlink == 1);
	CU_ASSERT_NOT_EQUAL(st.st_ino, source.st_ino);
	CU_ASSERT_EQUAL(source.st_uid, 0);
	close(directory);
}

static void without_a_generation_it_is_empty(void)
{
	struct incoming_order order;
	int directory;

	make_store("empty");
	order = order_of();
	close(order.generation);
	order.generation = -1;
	directory = update_incoming_prepare(&order, why);
	CU_ASSERT_TRUE_FATAL(directory >= 0);
	CU_ASSERT_FALSE(is_there("incoming/main.cvd"));
	close(directory);
}

/* What an updater that was taken over may leave. */
static void litter(void)
{
	CU_ASSERT_EQUAL(mkdir(in_root("incoming/tmp"), 0), 0);
	CU_ASSERT_EQUAL(mkdir(in_root("incoming/tmp/deeper"), 0), 0);
	CU_ASSERT_EQUAL(mkfifo(in_root("incoming/tmp/deeper/pipe"), 0), 0);
	CU_ASSERT_EQUAL(symlink("/", in_root("incoming/tmp/link")), 0);
	CU_ASSERT_EQUAL(symlink(in_root("precious"), in_root("incoming/main.cvd")), 0);
	CU_ASSERT_EQUAL(link(in_root("precious"), in_root("incoming/daily.cvd")), 0);
	CU_ASSERT_EQUAL(mkdir(in_root("incoming/daily.cld"), 0700), 0);
	put("incoming/daily.cld/file", "x");
	put("incoming/strange", "x");
}

static void what_is_foreign_goes_and_what_it_leads_to_stays(void)
{
	struct stat st;
	int directory;

	make_store("litter");
	put("precious", "precious");
	CU_ASSERT_EQUAL(mkdir(in_root("incoming"), 0700), 0);
	litter();
	put("incoming/" UPDATE_INCOMING_MEMORY, "memory");
	CU_ASSERT_EQUAL(chown(in_root("incoming/" UPDATE_INCOMING_MEMORY), OWNER, OWNER), 0);
	directory = prepare();
	CU_ASSERT_TRUE_FATAL(directory >= 0);
	CU_ASSERT_FALSE(is_there("incoming/tmp") || is_there("incoming/strange"));
	CU_ASSERT_FALSE(is_there("incoming/daily.cvd"));
	CU_ASSERT_STRING_EQUAL(text_in("incoming/main.cvd"), "the main one");
	CU_ASSERT_STRING_EQUAL(text_in("incoming/daily.cld"), "the daily one");
	CU_ASSERT_STRING_EQUAL(text_in("incoming/" UPDATE_INCOMING_MEMORY), "memory");
	CU_ASSERT_STRING_EQUAL(text_in("precious"), "precious");
	CU_ASSERT_EQUAL(stat(in_root("precious"), &st), 0);
	CU_ASSERT_TRUE(st.st_uid == 0 && st.st_nlink == 1);
	close(directory);
}

static void a_memory_that_is_none_goes(void)
{
	int directory;

	make_store("memory");
	put("precious", "precious");
	CU_ASSERT_EQUAL(mkdir(in_root("incoming"), 0700), 0);
	CU_ASSERT_EQUAL(symlink(in_root("precious"), in_root("incoming/" UPDATE_INCOMING_MEMORY)),
			0);
	directory = prepare();
	CU_ASSERT_TRUE_FATAL(directory >= 0);
	close(directory);
	CU_ASSERT_FALSE(is_there("incoming/" UPDATE_INCOMING_MEMORY));
	put("incoming/" UPDATE_INCOMING_MEMORY, "another user's");
	directory = prepare();
	CU_ASSERT_TRUE_FATAL(directory >= 0);
	close(directory);
	CU_ASSERT_FALSE(is_there("incoming/" UPDATE_INCOMING_MEMORY));
	CU_ASSERT_STRING_EQUAL(text_in("precious"), "precious");
}

static void a_sweep_leaves_the_memory_alone(void)
{
	make_store("sweep");
	CU_ASSERT_EQUAL(update_incoming_sweep(root, why), 0); /* there is none */
	CU_ASSERT_FALSE(is_there("incoming"));
	put("precious", "precious");
	CU_ASSERT_EQUAL(mkdir(in_root("incoming"), 0700), 0);
	litter();
	put("incoming/" UPDATE_INCOMING_MEMORY, "memory");
	CU_ASSERT_EQUAL(update_incoming_sweep(root, why), 0);
	CU_ASSERT_FALSE(is_there("incoming/tmp") || is_there("incoming/daily.cld") ||
			is_there("incoming/main.cvd") || is_there("incoming/strange"));
	CU_ASSERT_STRING_EQUAL(text_in("incoming/" UPDATE_INCOMING_MEMORY), "memory");
	CU_ASSERT_STRING_EQUAL(text_in("precious"), "precious");
	(void)snprintf(root, sizeof(root), "%s", test_path("no-such-store"));
	CU_ASSERT_EQUAL(update_incoming_sweep(root, why), 0);
}

static void a_full_disk_is_told(void)
{
	int directory, before;

	make_store("full");
	CU_ASSERT_EQUAL(mkdir(in_root("incoming"), 0700), 0);
	if (!tiny_disk_mount(in_root("incoming"), 65536)) {
		printf("# SKIP no mounts here\n");
		return;
	}
	CU_ASSERT_TRUE(tiny_disk_fill(in_root("incoming")));
	CU_ASSERT_EQUAL(rename(in_root("incoming/ballast"),
			       in_root("incoming/" UPDATE_INCOMING_MEMORY)),
			0); /* it is too large for one, and goes */
	directory = prepare();
	CU_ASSERT_TRUE(directory >= 0);
	close(directory);
	CU_ASSERT_STRING_EQUAL(text_in("incoming/main.cvd"), "the main one");
	tiny_disk_unmount(in_root("incoming"));
	CU_ASSERT_TRUE(tiny_disk_mount(in_root("incoming"), 4096)); /* of one page, for one file */
	before = own_fds();
	CU_ASSERT_EQUAL(prepare(), -ENOSPC);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "cannot be copied into incoming: No space"));
	CU_ASSERT_EQUAL(own_fds(), before);
	CU_ASSERT_FALSE(is_there("incoming/daily.cld"));
	tiny_disk_unmount(in_root("incoming"));
}

/* In a namespace of its own: nothing is left of it. */
static void a_mount_is_not_gone_into(void)
{
	make_store("mount");
	CU_ASSERT_EQUAL(mkdir(in_root("elsewhere"), 0700), 0);
	put("elsewhere/precious", "precious");
	CU_ASSERT_EQUAL(mkdir(in_root("incoming"), 0700), 0);
	CU_ASSERT_EQUAL(mkdir(in_root("incoming/mounted"), 0700), 0);
	if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		printf("# SKIP no mount namespaces here\n");
		return;
	}
	CU_ASSERT_EQUAL(
		mount(in_root("elsewhere"), in_root("incoming/mounted"), NULL, MS_BIND, NULL), 0);
	CU_ASSERT_EQUAL(update_incoming_sweep(root, why), 0);
	CU_ASSERT_STRING_EQUAL(text_in("elsewhere/precious"), "precious");
	CU_ASSERT_EQUAL(umount(in_root("incoming/mounted")), 0);
	CU_ASSERT_EQUAL(update_incoming_sweep(root, why), 0);
	CU_ASSERT_FALSE(is_there("incoming/mounted"));
}

static void a_place_that_is_taken_is_told(void)
{
	int before = own_fds();

	make_store("taken");
	CU_ASSERT_EQUAL(symlink("/tmp", in_root("incoming")), 0);
	CU_ASSERT_TRUE(prepare() < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "incoming of the definition store"));
	CU_ASSERT_EQUAL(unlink(in_root("incoming")), 0);
	CU_ASSERT_EQUAL(chmod(root, 0777), 0);
	CU_ASSERT_EQUAL(prepare(), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "not root's alone"));
	CU_ASSERT_EQUAL(own_fds(), before);
}

static int open_left(int directory, const char *name)
{
	int fd = update_incoming_open(directory, name, OWNER, 20, why);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void only_a_plain_file_of_its_own_is_taken(void)
{
	int directory;

	make_store("left");
	directory = prepare();
	CU_ASSERT_TRUE_FATAL(directory >= 0);
	CU_ASSERT_EQUAL(open_left(directory, "main.cvd"), 0);
	CU_ASSERT_EQUAL(open_left(directory, "gone.cvd"), -ENOENT);
	CU_ASSERT_EQUAL(symlink("main.cvd", in_root("incoming/a.cvd")), 0);
	CU_ASSERT_EQUAL(open_left(directory, "a.cvd"), -ELOOP);
	CU_ASSERT_EQUAL(mkfifo(in_root("incoming/b.cvd"), 0600), 0);
	CU_ASSERT_EQUAL(chown(in_root("incoming/b.cvd"), OWNER, OWNER), 0);
	CU_ASSERT_EQUAL(open_left(directory, "b.cvd"), -EPERM);
	CU_ASSERT_EQUAL(mkdir(in_root("incoming/c.cvd"), 0700), 0);
	CU_ASSERT_EQUAL(open_left(directory, "c.cvd"), -EPERM);
	put("incoming/d.cvd", "root's");
	CU_ASSERT_EQUAL(open_left(directory, "d.cvd"), -EPERM);
	put("incoming/e.cvd", "larger than is permitted");
	CU_ASSERT_EQUAL(chown(in_root("incoming/e.cvd"), OWNER, OWNER), 0);
	CU_ASSERT_EQUAL(open_left(directory, "e.cvd"), -EPERM);
	put("incoming/f.cvd", "");
	CU_ASSERT_EQUAL(chown(in_root("incoming/f.cvd"), OWNER, OWNER), 0);
	CU_ASSERT_EQUAL(open_left(directory, "f.cvd"), -EPERM);
	CU_ASSERT_EQUAL(link(in_root("incoming/main.cvd"), in_root("incoming/g.cvd")), 0);
	CU_ASSERT_EQUAL(open_left(directory, "main.cvd"), -EPERM);
	close(directory);
}

/* ---- on a thread ---- */

static unsigned told;
static int told_directory;

static void on_done(void *context, int directory, const char *sentence)
{
	(void)context;
	(void)sentence;
	told++;
	told_directory = directory;
}

static void turn(uv_loop_t *loop, const struct update_errand *errand, unsigned until)
{
	mono_ms limit = clock_mono_ms() + 5000;

	while ((told < until || update_errand_is_busy(errand)) && clock_mono_ms() < limit) {
		(void)uv_run(loop, UV_RUN_NOWAIT);
		(void)usleep(1000);
	}
}

static void errands_follow_each_other(void)
{
	struct incoming_order order;
	struct update_errand *errand;
	uv_loop_t loop;
	int before;

	make_store("errand");
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&loop), 0);
	before = own_fds();
	errand = update_errand_new(&loop, root, on_done, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(errand);
	told = 0;
	update_errand_sweep(errand);
	order = order_of();
	CU_ASSERT_EQUAL(update_errand_prepare(errand, &order, why), 0);
	update_errand_sweep(errand); /* for nothing: the one before does it */
	turn(&loop, errand, 1);
	CU_ASSERT_EQUAL(told, 1);
	CU_ASSERT_TRUE(told_directory >= 0);
	CU_ASSERT_STRING_EQUAL(text_in("incoming/main.cvd"), "the main one");
	close(told_directory);
	order = order_of();
	CU_ASSERT_EQUAL(update_errand_prepare(errand, &order, why), 0);
	update_errand_forget(errand);
	turn(&loop, errand, 1);
	CU_ASSERT_EQUAL(told, 1);
	order = order_of();
	CU_ASSERT_EQUAL(update_errand_prepare(errand, &order, why), 0);
	CU_ASSERT_PTR_NULL(update_errand_free(errand));
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	for (int i = 0; own_fds() != before && i < 2000; i++)
		(void)usleep(1000); /* its thread ends by itself */
	CU_ASSERT_EQUAL(own_fds(), before);
	CU_ASSERT_EQUAL(uv_loop_close(&loop), 0);
	CU_ASSERT_EQUAL(told, 1);
}

static const struct unit_test tests[] = {
	{"it is its owner's, and has copies", it_is_its_owners_and_has_copies},
	{"without a generation it is empty", without_a_generation_it_is_empty},
	{"what is foreign goes, and what it leads to stays",
	 what_is_foreign_goes_and_what_it_leads_to_stays},
	{"a memory that is none goes", a_memory_that_is_none_goes},
	{"a sweep leaves the memory alone", a_sweep_leaves_the_memory_alone},
	{"a place that is taken is told", a_place_that_is_taken_is_told},
	{"only a plain file of its own is taken", only_a_plain_file_of_its_own_is_taken},
	{"errands follow each other", errands_follow_each_other},
	{"a full disk is told", a_full_disk_is_told}, /* from here on it is in other namespaces */
	{"a mount is not gone into", a_mount_is_not_gone_into},
};

int main(void)
{
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root: files are given away\n");
		return 0;
	}
	return unit_main("update_incoming", tests, sizeof(tests) / sizeof(tests[0]));
}
