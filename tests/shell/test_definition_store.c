/* SPDX-License-Identifier: GPL-2.0-only */
/* The definition store with real directories: what becomes of a set, of the links, of damage, and of what the administrator puts there. */
#include "ampdaemon/definition_store.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampdaemon/definition_custom.h"
#include "ampdaemon/definition_link.h"
#include "tests/support/definition_lab.h"
#include "tests/support/own_fds.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define N(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))
/* SHA-256 of "abc" (FIPS 180-4), and of the empty text. */
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct lab lab;
static const struct lab_file two[] = {{.name = "main.cvd", .text = "abc"},
				      {.name = "own.ndb", .is_custom = true, .text = ""}};

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_mode;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_ino;
}

static void be_silent(void *context, const char *text)
{
	(void)context;
	(void)text;
}

static int try_to_open(const char *root)
{
	struct definition_store *store = NULL;
	char why[LIMIT_REASON_BYTES] = "";
	int r = definition_store_open(root, be_silent, NULL, &store, why);

	CU_ASSERT_EQUAL(r != 0, why[0] != '\0');
	CU_ASSERT_EQUAL(r != 0, store == NULL);
	CU_ASSERT_PTR_NULL(definition_store_close(store));
	return r;
}

static void missing_directories_are_made(void)
{
	mode_t umask_before = umask(077);

	lab_open(&lab, "fresh");
	(void)umask(umask_before);
	CU_ASSERT_EQUAL(mode_of(lab.root), (S_IFDIR | 0755));
	CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "generations")), (S_IFDIR | 0755));
	CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "custom")), (S_IFDIR | 0755));
	CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "staging")), (S_IFDIR | 0700));
	CU_ASSERT_STRING_EQUAL(lab.told, "");
	CU_ASSERT_EQUAL(chmod(lab_path(&lab, "staging"), 0755), 0);
	lab_reopen(&lab);
	CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "staging")), (S_IFDIR | 0700));
	CU_ASSERT_STRING_EQUAL(lab.told, "");
	lab_close(&lab);
}

static void a_directory_that_others_may_write_is_refused(void)
{
	static const char *const places[] = {"", "generations", "staging"};

	lab_open(&lab, "writable");
	for (unsigned i = 0; i < N(places); i++) {
		const char *path = lab_path(&lab, "%s", places[i]);

		CU_ASSERT_EQUAL(chmod(path, 0775), 0);
		CU_ASSERT_EQUAL(try_to_open(lab.root), -EPERM);
		CU_ASSERT_EQUAL(chmod(path, 0757), 0);
		CU_ASSERT_EQUAL(try_to_open(lab.root), -EPERM);
		CU_ASSERT_EQUAL(chmod(path, 0755), 0);
		CU_ASSERT_EQUAL_FATAL(chown(path, 1, 0), 0);
		CU_ASSERT_EQUAL(try_to_open(lab.root), -EPERM);
		CU_ASSERT_EQUAL(chown(path, 0, 0), 0);
		CU_ASSERT_EQUAL(try_to_open(lab.root), 0);
	}
	lab_close(&lab);
}

static void what_is_no_directory_is_refused(void)
{
	lab_open(&lab, "odd");
	CU_ASSERT_EQUAL(rmdir(lab_path(&lab, "staging")), 0);
	CU_ASSERT_EQUAL(symlink("/tmp", lab_path(&lab, "staging")), 0);
	CU_ASSERT_EQUAL(try_to_open(lab.root), -ENOTDIR);
	CU_ASSERT_EQUAL(unlink(lab_path(&lab, "staging")), 0);
	lab_write(lab_path(&lab, "staging"), "a file");
	CU_ASSERT_EQUAL(try_to_open(lab.root), -ENOTDIR);
	CU_ASSERT_EQUAL(unlink(lab_path(&lab, "staging")), 0);
	CU_ASSERT_EQUAL(symlink(lab.root, test_path("odd-link")), 0);
	CU_ASSERT_EQUAL(try_to_open(test_path("odd-link")), -ENOTDIR);
	CU_ASSERT_EQUAL(try_to_open(test_path("none/below")), -ENOENT);
	lab_close(&lab);
}

static void a_set_becomes_a_generation(void)
{
	struct stored_generation all[DEFINITION_STORE_LISTED];
	int directory;

	lab_open(&lab, "set");
	(void)umask(077); /* the modes are ours */
	CU_ASSERT_EQUAL_FATAL(lab_stage(&lab, 10, two, N(two)), 0);
	(void)umask(022);
	CU_ASSERT_EQUAL(definition_store_list(lab.store, all), 0);
	directory = definition_store_open_staged(lab.store, 10);
	CU_ASSERT(directory >= 0);
	CU_ASSERT_EQUAL(faccessat(directory, "custom/own.ndb", R_OK, 0), 0);
	close(directory);
	CU_ASSERT_EQUAL(definition_store_publish(lab.store, 10, lab.why), 0);
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "generations/10/main.cvd"), "abc"));
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "generations/10/custom/own.ndb"), ""));
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "generations/10/manifest"),
			       OF_NOTHING " 0 custom/own.ndb\n" OF_ABC " 3 main.cvd\n"));
	CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "generations/10")), (S_IFDIR | 0755));
	CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "generations/10/custom")), (S_IFDIR | 0755));
	CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "generations/10/main.cvd")), (S_IFREG | 0644));
	CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "generations/10/manifest")), (S_IFREG | 0644));
	CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "staging")), 0);
	CU_ASSERT_EQUAL_FATAL(definition_store_list(lab.store, all), 1);
	CU_ASSERT_EQUAL(all[0].number, 10);
	CU_ASSERT_EQUAL(all[0].bytes, 3);
	CU_ASSERT_EQUAL(all[0].n_files, 2);
	CU_ASSERT_EQUAL(memcmp(all[0].digest, lab.result.digest, LIMIT_DIGEST_BYTES), 0);
	CU_ASSERT_EQUAL(definition_store_publish(lab.store, 10, lab.why), -ENOENT);
	lab_close(&lab);
}

static void generations_are_listed_newest_first(void)
{
	static const uint64_t numbers[] = {9, 11, 100, 20000000000};
	struct stored_generation all[DEFINITION_STORE_LISTED];

	lab_open(&lab, "list");
	for (unsigned i = 0; i < N(numbers); i++)
		lab_make(&lab, numbers[i], two, 1);
	CU_ASSERT_EQUAL_FATAL(definition_store_list(lab.store, all), 4);
	for (unsigned i = 0; i < N(numbers); i++)
		CU_ASSERT_EQUAL(all[i].number, numbers[3 - i]);
	CU_ASSERT_EQUAL(memcmp(all[0].digest, all[3].digest, LIMIT_DIGEST_BYTES), 0);
	lab_close(&lab);
}

static void what_is_not_whole_is_not_published(void)
{
	lab_open(&lab, "unpublished");
	lab_make(&lab, 10, two, N(two));
	CU_ASSERT_EQUAL_FATAL(lab_stage(&lab, 11, two, N(two)), 0);
	CU_ASSERT_EQUAL(truncate(lab_path(&lab, "staging/11/main.cvd"), 2), 0);
	CU_ASSERT_EQUAL(definition_store_publish(lab.store, 11, lab.why), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(lab.why, "main.cvd has 2 bytes in place of 3");
	CU_ASSERT_EQUAL(definition_store_discard(lab.store, 11), 0);
	CU_ASSERT_EQUAL(definition_store_discard(lab.store, 11), 0);
	CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "staging")), 0);
	/* One that is there is not replaced. */
	CU_ASSERT_EQUAL_FATAL(lab_stage(&lab, 12, two, 1), 0);
	CU_ASSERT_EQUAL(mkdir(lab_path(&lab, "generations/12"), 0755), 0);
	lab_write(lab_path(&lab, "generations/12/mine"), "");
	CU_ASSERT_EQUAL(definition_store_publish(lab.store, 12, lab.why), -EEXIST);
	CU_ASSERT(lab.why[0] != '\0');
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "staging/12/main.cvd"), "abc"));
	lab_close(&lab);
}

static void links_lead_to_generations_that_are_there(void)
{
	char target[64] = "";

	lab_open(&lab, "links");
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 0);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 10), -ENOENT);
	lab_make(&lab, 10, two, 1);
	lab_make(&lab, 11, two, 1);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 10), 0);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_GOOD, 10), 0);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 11), 0);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 12), -ENOENT);
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 11);
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_GOOD), 10);
	CU_ASSERT_EQUAL(readlink(lab_path(&lab, "active"), target, sizeof(target)), 14);
	CU_ASSERT_STRING_EQUAL(target, "generations/11");
	lab_reopen(&lab);
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 11);
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_GOOD), 10);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 0), 0);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 0), 0);
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 0);
	CU_ASSERT_EQUAL(lab_count(lab.root), 4); /* three directories and last-good */
	lab_close(&lab);
}

static void links_to_elsewhere_are_put_away(void)
{
	static const char *const targets[] = {"generations/12", "generations/../generations/10",
					      "/etc",           "generations/010",
					      "generations/",   "generations/10/"};

	lab_open(&lab, "elsewhere");
	lab_make(&lab, 10, two, 1);
	for (unsigned i = 0; i < N(targets); i++) {
		CU_ASSERT_EQUAL(symlink(targets[i], lab_path(&lab, "active")), 0);
		CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 0);
		lab_reopen(&lab);
		CU_ASSERT_STRING_EQUAL(lab.told,
				       "the link active leads to no generation: it is put away\n");
		CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "active")), 0);
	}
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "generations/10/main.cvd"), "abc"));
	lab_close(&lab);
}

static void what_a_link_leads_to_is_not_dropped(void)
{
	static const struct lab_file kept[] = {{.name = "main.cvd", .generation = 10}};

	lab_open(&lab, "drop");
	lab_make(&lab, 10, two, N(two));
	lab_make(&lab, 11, kept, 1);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 11), 0);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_GOOD, 10), 0);
	CU_ASSERT_EQUAL(definition_store_drop(lab.store, 10), -EBUSY);
	CU_ASSERT_EQUAL(definition_store_drop(lab.store, 11), -EBUSY);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_GOOD, 11), 0);
	CU_ASSERT_EQUAL(definition_store_drop(lab.store, 10), 0);
	CU_ASSERT_EQUAL(definition_store_drop(lab.store, 10), 0);
	CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "generations")), 1);
	CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "staging")), 0);
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "generations/11/main.cvd"), "abc"));
	lab_reopen(&lab);
	CU_ASSERT_STRING_EQUAL(lab.told, "");
	lab_close(&lab);
}

static void bytes_are_those_on_the_disk(void)
{
	static char text[100001];
	const struct lab_file big = {.name = "main.cvd", .text = text};
	const struct lab_file kept[] = {{.name = "main.cvd", .generation = 10}, two[1]};
	uint64_t empty, one, both;

	memset(text, 'x', sizeof(text) - 1);
	lab_open(&lab, "bytes");
	empty = definition_store_bytes(lab.store);
	lab_make(&lab, 10, &big, 1);
	one = definition_store_bytes(lab.store);
	lab_make(&lab, 11, kept, N(kept));
	both = definition_store_bytes(lab.store);
	CU_ASSERT(one >= empty + 100000 && one < empty + 130000);
	CU_ASSERT(both > one && both < one + 50000); /* not the linked file again */
	CU_ASSERT_EQUAL(inode_of(lab_path(&lab, "generations/10/main.cvd")),
			inode_of(lab_path(&lab, "generations/11/main.cvd")));
	CU_ASSERT_EQUAL(definition_store_drop(lab.store, 10), 0);
	CU_ASSERT(definition_store_bytes(lab.store) > empty + 100000);
	CU_ASSERT_EQUAL(definition_store_drop(lab.store, 11), 0);
	CU_ASSERT_EQUAL(definition_store_bytes(lab.store), empty);
	lab_close(&lab);
}

/* ---- the start ---- */

static void what_was_staged_is_gone_after_a_start(void)
{
	lab_open(&lab, "staged");
	lab_make(&lab, 10, two, 1);
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 10), 0);
	CU_ASSERT_EQUAL_FATAL(lab_stage(&lab, 11, two, N(two)), 0);
	CU_ASSERT_EQUAL(mkdir(lab_path(&lab, "staging/12"), 0700), 0);
	lab_write(lab_path(&lab, "staging/12/half"), "half");
	lab_write(lab_path(&lab, "staging/.file"), "");
	CU_ASSERT_EQUAL(symlink("/etc/passwd", lab_path(&lab, "staging/link")), 0);
	CU_ASSERT_EQUAL(mkfifo(lab_path(&lab, "staging/pipe"), 0600), 0);
	CU_ASSERT_EQUAL(symlink("generations/11", lab_path(&lab, ".active.new")), 0);
	lab_reopen(&lab);
	CU_ASSERT_STRING_EQUAL(lab.told, "");
	CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "staging")), 0);
	CU_ASSERT_EQUAL(lab_count(lab.root), 4); /* three directories and active */
	CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 10);
	lab_close(&lab);
}

static void lose(void)
{
	CU_ASSERT_EQUAL(unlink(lab_path(&lab, "generations/11/main.cvd")), 0);
}

static void cut(void)
{
	CU_ASSERT_EQUAL(truncate(lab_path(&lab, "generations/11/main.cvd"), 2), 0);
}

static void lose_manifest(void)
{
	CU_ASSERT_EQUAL(unlink(lab_path(&lab, "generations/11/manifest")), 0);
}

static void damage_manifest(void)
{
	lab_write(lab_path(&lab, "generations/11/manifest"), "x");
}

static void swell_manifest(void)
{
	CU_ASSERT_EQUAL(truncate(lab_path(&lab, "generations/11/manifest"), 1 << 20), 0);
}

static void add_file(void)
{
	lab_write(lab_path(&lab, "generations/11/more.ndb"), "");
}

static void add_custom(void)
{
	lab_write(lab_path(&lab, "generations/11/custom/more.ndb"), "");
}

static void add_directory(void)
{
	CU_ASSERT_EQUAL(mkdir(lab_path(&lab, "generations/11/custom/more"), 0755), 0);
}

static void lose_custom(void)
{
	CU_ASSERT_EQUAL(unlink(lab_path(&lab, "generations/11/custom/own.ndb")), 0);
	CU_ASSERT_EQUAL(rmdir(lab_path(&lab, "generations/11/custom")), 0);
}

static void put_link(void)
{
	lose();
	CU_ASSERT_EQUAL(symlink("custom/own.ndb", lab_path(&lab, "generations/11/main.cvd")), 0);
}

static void put_pipe(void)
{
	lose();
	CU_ASSERT_EQUAL(mkfifo(lab_path(&lab, "generations/11/main.cvd"), 0644), 0);
}

static const struct {
	void (*damage)(void);
	const char *told;
} damages[] = {
	{lose, "main.cvd is missing"},
	{cut, "main.cvd has 2 bytes in place of 3"},
	{lose_manifest, "manifest is missing"},
	{damage_manifest, "its manifest is damaged"},
	{swell_manifest, "manifest is longer than one can be"},
	{add_file, "more.ndb does not belong to it"},
	{add_custom, "custom/more.ndb does not belong to it"},
	{add_directory, "custom/more does not belong to it"},
	{lose_custom, "custom is missing"},
	{put_link, "main.cvd is something else than it was"},
	{put_pipe, "main.cvd is something else than it was"},
};

static void a_generation_that_is_not_whole_is_put_away(void)
{
	struct stored_generation all[DEFINITION_STORE_LISTED];
	char told[300];

	lab_open(&lab, "damage");
	lab_make(&lab, 10, two, N(two));
	for (unsigned i = 0; i < N(damages); i++) {
		lab_make(&lab, 11, two, N(two));
		CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 11), 0);
		damages[i].damage();
		CU_ASSERT_EQUAL(definition_store_list(lab.store, all), 1);
		lab_reopen(&lab);
		(void)snprintf(told, sizeof(told),
			       "generation 11 is put away: %s\n"
			       "the link active leads to no generation: it is put away\n",
			       damages[i].told);
		CU_ASSERT_STRING_EQUAL(lab.told, told);
		CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "generations")), 1);
		CU_ASSERT_EQUAL(lab_count(lab_path(&lab, "staging")), 0);
		CU_ASSERT_EQUAL(definition_store_list(lab.store, all), 1);
	}
	CU_ASSERT_EQUAL(all[0].number, 10);
	lab_close(&lab);
}

/* A mistake with chmod must not cost the definitions; they are not used either. */
static void what_others_may_write_is_let_be_and_not_used(void)
{
	struct stored_generation all[DEFINITION_STORE_LISTED];
	static const char *const paths[] = {"", "/main.cvd", "/manifest", "/custom",
					    "/custom/own.ndb"};

	lab_open(&lab, "let-be");
	lab_make(&lab, 10, two, N(two));
	CU_ASSERT_EQUAL(definition_link_point(lab.store, DEFINITION_LINK_ACTIVE, 10), 0);
	for (unsigned i = 0; i < N(paths); i++) {
		const char *path = lab_path(&lab, "generations/10%s", paths[i]);
		mode_t mode = mode_of(path) & 07777;

		CU_ASSERT_EQUAL(chmod(path, mode | 020), 0);
		CU_ASSERT_EQUAL(definition_store_list(lab.store, all), 0);
		lab_reopen(&lab);
		CU_ASSERT_PTR_NOT_NULL(strstr(lab.told, "generation 10 is not used: "));
		CU_ASSERT_PTR_NOT_NULL(strstr(lab.told, "can be written by others than root"));
		CU_ASSERT_EQUAL(chmod(lab_path(&lab, "generations/10%s", paths[i]), mode), 0);
		CU_ASSERT_EQUAL(definition_store_list(lab.store, all), 1);
		CU_ASSERT_EQUAL(definition_link_target(lab.store, DEFINITION_LINK_ACTIVE), 10);
	}
	lab_close(&lab);
}

static void what_is_not_ours_is_let_be(void)
{
	struct stored_generation all[DEFINITION_STORE_LISTED];

	lab_open(&lab, "foreign");
	CU_ASSERT_EQUAL(mkdir(lab_path(&lab, "generations/old.bak"), 0755), 0);
	CU_ASSERT_EQUAL(mkdir(lab_path(&lab, "incoming"), 0755), 0);
	lab_write(lab_path(&lab, "incoming/part"), "part");
	lab_write(lab_path(&lab, "custom/own.ndb"), "own");
	lab_reopen(&lab);
	CU_ASSERT_STRING_EQUAL(lab.told, "generations/old.bak is no generation: it is let be\n");
	CU_ASSERT_EQUAL(definition_store_list(lab.store, all), 0);
	CU_ASSERT_EQUAL(mode_of(lab_path(&lab, "generations/old.bak")), (S_IFDIR | 0755));
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "incoming/part"), "part"));
	CU_ASSERT_TRUE(lab_has(lab_path(&lab, "custom/own.ndb"), "own"));
	lab_close(&lab);
}

/* ---- the administrator's files ---- */

static struct {
	unsigned taken, refused;
	char text[4096]; /* "NAME: why" a line each */
} seen;

static void see(void *context, const char *name, int fd, const char *why)
{
	size_t at = strlen(seen.text);

	CU_ASSERT_PTR_EQUAL(context, &seen);
	CU_ASSERT_EQUAL(fd < 0, why != NULL);
	seen.taken += fd >= 0;
	seen.refused += fd < 0;
	(void)snprintf(seen.text + at, sizeof(seen.text) - at, "%s: %s\n", name, why ? why : "");
	if (fd >= 0)
		close(fd);
}

static int look(void)
{
	memset(&seen, 0, sizeof(seen));
	lab.why[0] = '\0';
	return definition_custom_each(lab.store, see, &seen, lab.why);
}

static void put_custom_files(void)
{
	lab_write(lab_path(&lab, "custom/good.ndb"), "good");
	lab_write(lab_path(&lab, "custom/group.ndb"), "");
	CU_ASSERT_EQUAL(chmod(lab_path(&lab, "custom/group.ndb"), 0664), 0);
	lab_write(lab_path(&lab, "custom/other.ndb"), "");
	CU_ASSERT_EQUAL(chown(lab_path(&lab, "custom/other.ndb"), 1, 0), 0);
	CU_ASSERT_EQUAL(symlink("good.ndb", lab_path(&lab, "custom/link.ndb")), 0);
	CU_ASSERT_EQUAL(mkdir(lab_path(&lab, "custom/more.ndb"), 0755), 0);
	CU_ASSERT_EQUAL(mkfifo(lab_path(&lab, "custom/pipe.ndb"), 0644), 0);
	lab_write(lab_path(&lab, "custom/.hidden.ndb"), "");
	lab_write(lab_path(&lab, "custom/new\nline.ndb"), "");
	lab_write(lab_path(&lab, "custom/manifest"), "");
}

static void only_files_of_root_are_taken_from_custom(void)
{
	int before;

	lab_open(&lab, "custom");
	CU_ASSERT_EQUAL(look(), 0);
	CU_ASSERT_EQUAL(seen.taken + seen.refused, 0);
	put_custom_files();
	before = own_fds();
	CU_ASSERT_EQUAL(look(), 0);
	CU_ASSERT_EQUAL(own_fds(), before);
	CU_ASSERT_EQUAL(seen.taken, 1);
	CU_ASSERT_EQUAL(seen.refused, 8);
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "good.ndb: \n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "group.ndb: it must belong to root"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "other.ndb: it must belong to root"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "link.ndb: it is no regular file"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "more.ndb: it is no regular file"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "pipe.ndb: it is no regular file"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, ".hidden.ndb: its name"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "new\\nline.ndb: its name"));
	CU_ASSERT_PTR_NOT_NULL(strstr(seen.text, "manifest: its name"));
	lab_close(&lab);
}

static void a_custom_directory_that_others_may_write_is_refused_whole(void)
{
	char name[32];

	lab_open(&lab, "custom-all");
	lab_write(lab_path(&lab, "custom/good.ndb"), "good");
	CU_ASSERT_EQUAL(chmod(lab_path(&lab, "custom"), 0775), 0);
	lab_reopen(&lab); /* the rest of the store goes on */
	CU_ASSERT_EQUAL(look(), -EPERM);
	CU_ASSERT_EQUAL(seen.taken, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(lab.why, "custom"));
	CU_ASSERT_EQUAL(chmod(lab_path(&lab, "custom"), 0755), 0);
	CU_ASSERT_EQUAL(look(), 0);
	CU_ASSERT_EQUAL(seen.taken, 1);
	for (unsigned i = 0; i < DEFINITION_CUSTOM_NAMES; i++) {
		(void)snprintf(name, sizeof(name), "custom/%u", i);
		lab_write(lab_path(&lab, "%s", name), "");
	}
	CU_ASSERT_EQUAL(look(), -E2BIG);
	CU_ASSERT(lab.why[0] != '\0');
	lab_close(&lab);
}

static const struct unit_test tests[] = {
	{"missing directories are made", missing_directories_are_made},
	{"a directory that others may write is refused",
	 a_directory_that_others_may_write_is_refused},
	{"what is no directory is refused", what_is_no_directory_is_refused},
	{"a set becomes a generation", a_set_becomes_a_generation},
	{"generations are listed newest first", generations_are_listed_newest_first},
	{"what is not whole is not published", what_is_not_whole_is_not_published},
	{"links lead to generations that are there", links_lead_to_generations_that_are_there},
	{"links to elsewhere are put away", links_to_elsewhere_are_put_away},
	{"what a link leads to is not dropped", what_a_link_leads_to_is_not_dropped},
	{"bytes are those on the disk", bytes_are_those_on_the_disk},
	{"what was staged is gone after a start", what_was_staged_is_gone_after_a_start},
	{"a generation that is not whole is put away", a_generation_that_is_not_whole_is_put_away},
	{"what others may write is let be and not used",
	 what_others_may_write_is_let_be_and_not_used},
	{"what is not ours is let be", what_is_not_ours_is_let_be},
	{"only files of root are taken from custom", only_files_of_root_are_taken_from_custom},
	{"a custom directory that others may write is refused whole",
	 a_custom_directory_that_others_may_write_is_refused_whole},
};

UNIT_MAIN("definition_store", tests)
