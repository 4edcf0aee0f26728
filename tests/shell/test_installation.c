/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/installation.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/own_fds.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define STRANGER 12345

static char detail[4000];
static char tree[64]; /* each test's own, below test_directory() */

static const char *in_tree(const char *name)
{
	char relative[128];

	(void)snprintf(relative, sizeof(relative), "%s%s%s", tree, *name ? "/" : "", name);
	return test_path(relative);
}

static void make_directory(const char *name)
{
	if (mkdir(in_tree(name), 0755) || chmod(in_tree(name), 0755)) {
		perror(name);
		exit(EXIT_FAILURE);
	}
}

static void put_program(const char *name, mode_t mode)
{
	char relative[128];

	(void)snprintf(relative, sizeof(relative), "%s/%s", tree, name);
	(void)test_file(relative, "#!/bin/sh\n");
	CU_ASSERT_EQUAL(chmod(in_tree(name), mode), 0);
}

/* TREE/amp/bin with a program, TREE/amp/builtin; TREE stands for /opt/cisco. */
static struct installation *set_up(void)
{
	static unsigned n;
	const char *parts[INSTALLATION_PARTS] = {NULL};

	(void)snprintf(tree, sizeof(tree), "tree%u", n++);
	make_directory("");
	make_directory("amp");
	make_directory("amp/bin");
	make_directory("amp/builtin");
	put_program("amp/bin/service", 0755);
	parts[INSTALLATION_PROGRAM] = in_tree("amp//bin/");
	parts[INSTALLATION_BUILTIN] = in_tree("./amp/builtin");
	return installation_new(in_tree(""), parts);
}

static bool look(struct installation *installation)
{
	memset(detail, 'x', sizeof(detail));
	return installation_look(installation, detail, sizeof(detail));
}

/* 0 when the program can be opened; else what was returned, with the sentence in `detail`. */
static int open_program(struct installation *installation)
{
	int fd;

	detail[0] = '\0';
	fd = installation_open_program(installation, "service", detail, sizeof(detail));
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static bool says(const char *words, const char *path)
{
	char expected[PATH_MAX + 200];

	(void)snprintf(expected, sizeof(expected), "%s%s", path, words);
	if (strstr(detail, expected))
		return true;
	printf("# %s\n# expected: %s\n", detail, expected);
	return false;
}

static void what_is_as_installed_is_opened(void)
{
	int before = own_fds();
	struct installation *installation = set_up();

	CU_ASSERT_TRUE(look(installation));
	CU_ASSERT_STRING_EQUAL(detail, "");
	CU_ASSERT_EQUAL(open_program(installation), 0);
	CU_ASSERT_EQUAL(installation_open(installation, INSTALLATION_DEFINITIONS, detail,
					  sizeof(detail)),
			-ENOENT);
	CU_ASSERT_PTR_NULL(installation_free(installation));
	CU_ASSERT_PTR_NULL(installation_free(NULL));
	CU_ASSERT_EQUAL(own_fds(), before);
}

static void a_changed_ancestor_is_told_and_bridged(void)
{
	struct installation *installation = set_up();

	CU_ASSERT_TRUE(look(installation));
	CU_ASSERT_EQUAL(chmod(in_tree(""), 0777), 0);
	CU_ASSERT_FALSE(look(installation));
	CU_ASSERT(says(" has mode 0777, expected 0755", in_tree("")));
	CU_ASSERT_PTR_NULL(strchr(detail, ';')); /* two chains have it, it is told once */
	CU_ASSERT_EQUAL(open_program(installation), 0);
	CU_ASSERT_EQUAL(chmod(in_tree(""), 0755), 0);
	CU_ASSERT_TRUE(look(installation));
	CU_ASSERT_STRING_EQUAL(detail, "");
	(void)installation_free(installation); /* NULL always */
}

/* What a stranger puts in its place while the directory above is open to all is never executed. */
static void the_bridge_leads_to_the_directory_of_before(void)
{
	struct installation *installation = set_up();
	struct stat st, found;
	int fd;

	CU_ASSERT_TRUE(look(installation));
	CU_ASSERT_EQUAL(stat(in_tree("amp/bin/service"), &st), 0);
	CU_ASSERT_EQUAL(chmod(in_tree(""), 0777), 0);
	CU_ASSERT_EQUAL(rename(in_tree("amp"), in_tree("amp.away")), 0);
	make_directory("amp");
	make_directory("amp/bin");
	put_program("amp/bin/service", 0755);
	fd = installation_open_program(installation, "service", detail, sizeof(detail));
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fstat(fd, &found), 0);
	CU_ASSERT_EQUAL(found.st_ino, st.st_ino);
	close(fd);
	CU_ASSERT_EQUAL(chmod(in_tree(""), 0755), 0); /* root has put a new tree there */
	fd = installation_open_program(installation, "service", detail, sizeof(detail));
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(fstat(fd, &found), 0);
	CU_ASSERT_NOT_EQUAL(found.st_ino, st.st_ino);
	close(fd);
	(void)installation_free(installation); /* NULL always */
}

static void without_a_pin_an_open_ancestor_is_refused(void)
{
	struct installation *installation = set_up();

	CU_ASSERT_EQUAL(chmod(in_tree("amp"), 0775), 0);
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	CU_ASSERT(says(" has mode 0775, expected 0755; nothing is executed or loaded from ",
		       in_tree("amp")));
	CU_ASSERT_EQUAL(chmod(in_tree("amp"), 0755), 0);
	CU_ASSERT_EQUAL(open_program(installation), 0);
	(void)installation_free(installation); /* NULL always */
}

static void a_harmless_change_is_told_and_nothing_is_refused(void)
{
	struct installation *installation = set_up();

	CU_ASSERT_EQUAL(chmod(in_tree("amp"), 0700), 0);
	CU_ASSERT_FALSE(look(installation));
	CU_ASSERT(says(" has mode 0700, expected 0755", in_tree("amp")));
	CU_ASSERT_EQUAL(open_program(installation), 0);
	(void)installation_free(installation); /* NULL always */
}

static void a_foreign_owner_is_told_with_the_expected_one(void)
{
	struct installation *installation = set_up();

	CU_ASSERT_EQUAL(chown(in_tree("amp"), STRANGER, 0), 0);
	CU_ASSERT_FALSE(look(installation));
	CU_ASSERT(says(" belongs to uid 12345 and gid 0, expected root:root (0 and 0)",
		       in_tree("amp")));
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	CU_ASSERT_EQUAL(chmod(in_tree("amp"), 0777), 0);
	CU_ASSERT_FALSE(look(installation));
	CU_ASSERT(says(" belongs to uid 12345 and gid 0, expected root:root (0 and 0) and has mode "
		       "0777, expected 0755",
		       in_tree("amp")));
	CU_ASSERT_EQUAL(chown(in_tree("amp"), 0, STRANGER), 0);
	CU_ASSERT_EQUAL(chmod(in_tree("amp"), 0755), 0);
	CU_ASSERT_FALSE(look(installation));
	CU_ASSERT(says(" belongs to uid 0 and gid 12345, expected", in_tree("amp")));
	CU_ASSERT_EQUAL(open_program(installation), 0);
	(void)installation_free(installation); /* NULL always */
}

/* The part's own directory is never bridged: what is wrong with it is wrong with the pin. */
static void a_directory_that_others_may_write_is_not_executed_from(void)
{
	struct installation *installation = set_up();

	CU_ASSERT_TRUE(look(installation));
	CU_ASSERT_EQUAL(chmod(in_tree("amp/bin"), 0757), 0);
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	CU_ASSERT(says(" has mode 0757, expected 0755; nothing is executed or loaded from it",
		       in_tree("amp/bin")));
	CU_ASSERT_EQUAL(chmod(in_tree(""), 0777), 0);
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	CU_ASSERT_EQUAL(chmod(in_tree(""), 0755), 0);
	CU_ASSERT_EQUAL(chmod(in_tree("amp/bin"), 0755), 0);
	CU_ASSERT_EQUAL(chown(in_tree("amp/bin"), STRANGER, 0), 0);
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	CU_ASSERT(says(" belongs to uid 12345", in_tree("amp/bin")));
	CU_ASSERT_EQUAL(chown(in_tree("amp/bin"), 0, 0), 0);
	CU_ASSERT_EQUAL(open_program(installation), 0);
	(void)installation_free(installation); /* NULL always */
}

static void a_link_in_the_chain_is_not_followed(void)
{
	struct installation *installation = set_up();

	CU_ASSERT_EQUAL(rename(in_tree("amp"), in_tree("real")), 0);
	CU_ASSERT_EQUAL(symlink("real", in_tree("amp")), 0);
	CU_ASSERT_FALSE(look(installation));
	CU_ASSERT(says(" is no directory or a link to one, expected a directory", in_tree("amp")));
	CU_ASSERT_EQUAL(open_program(installation), -ENOTDIR);
	CU_ASSERT_EQUAL(unlink(in_tree("amp")), 0);
	CU_ASSERT_EQUAL(rename(in_tree("real"), in_tree("amp")), 0);
	CU_ASSERT_TRUE(look(installation)); /* and pins */
	CU_ASSERT_EQUAL(rename(in_tree("amp"), in_tree("real")), 0);
	CU_ASSERT_EQUAL(symlink("real", in_tree("amp")), 0);
	CU_ASSERT_EQUAL(open_program(installation), 0);
	(void)installation_free(installation); /* NULL always */
}

static void what_is_not_there_is_told(void)
{
	struct installation *installation = set_up();

	CU_ASSERT_EQUAL(unlink(in_tree("amp/bin/service")), 0);
	CU_ASSERT_TRUE(look(installation)); /* the directories are all right */
	CU_ASSERT_EQUAL(open_program(installation), -ENOENT);
	CU_ASSERT(says(" cannot be opened: No such file or directory", in_tree("amp/bin/service")));
	CU_ASSERT_EQUAL(rmdir(in_tree("amp/bin")), 0);
	CU_ASSERT_FALSE(look(installation));
	CU_ASSERT(says(" cannot be opened: No such file or directory", in_tree("amp/bin")));
	CU_ASSERT_EQUAL(open_program(installation), -ENOENT);
	(void)installation_free(installation); /* NULL always */
}

static void a_program_that_is_not_root_s_alone_is_refused(void)
{
	struct installation *installation = set_up();

	CU_ASSERT_EQUAL(chmod(in_tree("amp/bin/service"), 0775), 0);
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "service is not trusted (mode 0775, owner 0): it "
					      "must be an executable that only root may write"));
	put_program("amp/bin/service", 0644);
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	put_program("amp/bin/service", 0755);
	CU_ASSERT_EQUAL(open_program(installation), 0);
	CU_ASSERT_EQUAL(chown(in_tree("amp/bin/service"), STRANGER, 0), 0);
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "owner 12345"));
	CU_ASSERT_EQUAL(unlink(in_tree("amp/bin/service")), 0);
	CU_ASSERT_EQUAL(symlink("/bin/true", in_tree("amp/bin/service")), 0);
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(detail, "no regular file"));
	(void)installation_free(installation); /* NULL always */
}

static void outside_a_root_only_the_own_directory_counts(void)
{
	struct installation *installation = set_up();
	const char *const parts[INSTALLATION_PARTS] = {in_tree("amp/bin"), NULL, NULL};

	(void)installation_free(installation); /* NULL always */
	CU_ASSERT_EQUAL(chmod(in_tree(""), 0777), 0);
	CU_ASSERT_EQUAL(chmod(in_tree("amp/bin"), 0750), 0);
	installation = installation_new(NULL, parts);
	CU_ASSERT_TRUE(look(installation));
	CU_ASSERT_EQUAL(open_program(installation), 0);
	CU_ASSERT_EQUAL(chmod(in_tree("amp/bin"), 0770), 0);
	CU_ASSERT_FALSE(look(installation));
	CU_ASSERT(says(" has mode 0770, expected a directory that only root may write",
		       in_tree("amp/bin")));
	CU_ASSERT_EQUAL(open_program(installation), -EPERM);
	(void)installation_free(installation); /* NULL always */
	installation = installation_new("/no/such/root", parts);
	CU_ASSERT_FALSE(look(installation));
	CU_ASSERT(says(" has mode 0770", in_tree("amp/bin")));
	(void)installation_free(installation); /* NULL always */
}

static void looking_leaks_no_descriptor(void)
{
	struct installation *installation = set_up();
	int before;

	(void)look(installation);
	before = own_fds();
	for (int i = 0; i < 50; i++) {
		CU_ASSERT_EQUAL(chmod(in_tree("amp"), i % 2 ? 0777 : 0755), 0);
		(void)look(installation);
		CU_ASSERT_EQUAL(open_program(installation), 0);
	}
	CU_ASSERT_EQUAL(own_fds(), before);
	(void)installation_free(installation); /* NULL always */
}

static const struct unit_test tests[] = {
	{"what is as installed is opened", what_is_as_installed_is_opened},
	{"a changed ancestor is told and bridged", a_changed_ancestor_is_told_and_bridged},
	{"the bridge leads to the directory of before",
	 the_bridge_leads_to_the_directory_of_before},
	{"without a pin an open ancestor is refused", without_a_pin_an_open_ancestor_is_refused},
	{"a harmless change is told and nothing is refused",
	 a_harmless_change_is_told_and_nothing_is_refused},
	{"a foreign owner is told with the expected one",
	 a_foreign_owner_is_told_with_the_expected_one},
	{"a directory that others may write is not executed from",
	 a_directory_that_others_may_write_is_not_executed_from},
	{"a link in the chain is not followed", a_link_in_the_chain_is_not_followed},
	{"what is not there is told", what_is_not_there_is_told},
	{"a program that is not root's alone is refused",
	 a_program_that_is_not_root_s_alone_is_refused},
	{"outside a root only the own directory counts",
	 outside_a_root_only_the_own_directory_counts},
	{"looking leaks no descriptor", looking_leaks_no_descriptor},
};

int main(void)
{
	if (geteuid() != 0) {
		printf("1..0 # SKIP trees of root's need root\n");
		return 0;
	}
	return unit_main("installation", tests, sizeof(tests) / sizeof(tests[0]));
}
