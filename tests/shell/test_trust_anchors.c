/* SPDX-License-Identifier: GPL-2.0-only */
/* Which files of the directory of certificates are handed on, in which order, and that no kind of file holds or misleads the daemon. */
#include "ampdaemon/trust_anchors.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/log.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

static struct trust_anchors anchors;
static char log_text[16384], big[LIMIT_TRUST_ANCHOR_BYTES + 2];

static void put(const char *name, const char *text)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "certs/%s", name);
	CU_ASSERT_EQUAL_FATAL(chmod(test_file(path, text), 0644), 0);
}

static const char *path_of(const char *name)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "certs/%s", name);
	return test_path(path);
}

static void begin(void)
{
	char command[600];

	(void)snprintf(command, sizeof(command), "rm -rf '%s' '%s' && mkdir -m 0755 '%s'",
		       test_path("certs"), test_path("log"), test_path("certs"));
	CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

/* What was read must be `text`. */
static void expect(int r, const char *text)
{
	const struct log_settings settings = {.path = test_path("log"), .level = LOG_LEVEL_INFO};
	ssize_t n;
	int fd;

	(void)unlink(test_path("log")); /* not there yet is fine */
	CU_ASSERT_EQUAL_FATAL(log_open(&settings), 0);
	memset(&anchors, 0xee, sizeof(anchors));
	CU_ASSERT_EQUAL(trust_anchors_read(test_path("certs"), &anchors), r);
	log_close();
	CU_ASSERT_EQUAL(anchors.len, strlen(text));
	CU_ASSERT_FATAL(anchors.len <= sizeof(anchors.bytes));
	CU_ASSERT_EQUAL(memcmp(anchors.bytes, text, strlen(text)), 0);
	fd = open(test_path("log"), O_RDONLY | O_CLOEXEC);
	CU_ASSERT_FATAL(fd >= 0);
	n = read(fd, log_text, sizeof(log_text) - 1);
	log_text[n > 0 ? n : 0] = '\0';
	close(fd);
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *p = log_text; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static void expect_left_out(const char *text, const char *name, const char *why)
{
	char sentence[400];

	expect(0, text);
	(void)snprintf(sentence, sizeof(sentence), "/certs/%s is left out: %s", name, why);
	CU_ASSERT_PTR_NOT_NULL(strstr(log_text, sentence));
	CU_ASSERT_EQUAL(lines(), 1);
}

static void none_is_no_news(void)
{
	begin();
	expect(0, "");
	CU_ASSERT_EQUAL(rmdir(test_path("certs")), 0);
	expect(0, "");
	CU_ASSERT_STRING_EQUAL(log_text, "");
	anchors.len = 7;
	CU_ASSERT_EQUAL(trust_anchors_read(NULL, &anchors), 0);
	CU_ASSERT_EQUAL(anchors.len, 0);
}

static void they_are_joined_by_name_each_on_lines_of_its_own(void)
{
	begin();
	put("b.pem", "two");
	put("c.crt", "three\n");
	put("a.crt", "one\n");
	put("README", "no");
	put(".pem", "no");
	put("a.pem.bak", "no");
	expect(0, "one\ntwo\nthree\n");
	CU_ASSERT_STRING_EQUAL(log_text, "");
	CU_ASSERT_EQUAL(unlink(path_of("b.pem")), 0);
	expect(0, "one\nthree\n");
}

static void others_files_are_left_out(void)
{
	begin();
	put("a.pem", "one\n");
	put("b.pem", "two\n");
	CU_ASSERT_EQUAL(chmod(path_of("b.pem"), 0664), 0);
	expect_left_out("one\n", "b.pem", "it must be a file of root's");
	CU_ASSERT_EQUAL(chmod(path_of("b.pem"), 0646), 0);
	expect_left_out("one\n", "b.pem", "it must be a file of root's");
	CU_ASSERT_EQUAL(chmod(path_of("b.pem"), 0600), 0);
	expect(0, "one\ntwo\n");
	CU_ASSERT_EQUAL(chown(path_of("b.pem"), 65534, 0), 0);
	expect_left_out("one\n", "b.pem", "it must be a file of root's");
}

static void what_is_no_file_is_left_out(void)
{
	begin();
	put("z.pem", "one\n");
	CU_ASSERT_EQUAL(symlink("z.pem", path_of("a.pem")), 0);
	expect_left_out("one\n", "a.pem", "it is a link");
	CU_ASSERT_EQUAL(unlink(path_of("a.pem")), 0);
	CU_ASSERT_EQUAL(mkfifo(path_of("b.pem"), 0600), 0);
	expect_left_out("one\n", "b.pem", "it is no regular file");
	CU_ASSERT_EQUAL(unlink(path_of("b.pem")), 0);
	CU_ASSERT_EQUAL(mkdir(path_of("c.crt"), 0700), 0);
	expect_left_out("one\n", "c.crt", "it is no regular file");
	CU_ASSERT_EQUAL(rmdir(path_of("c.crt")), 0);
	put("d.pem", "");
	expect_left_out("one\n", "d.pem", "it is empty");
}

static void a_name_is_shown_escaped(void)
{
	begin();
	put("a\033[2J\n.pem", "");
	expect_left_out("", "a\\x1b[2J\\n.pem", "it is empty");
}

static void all_together_are_bounded(void)
{
	begin();
	memset(big, 'x', LIMIT_TRUST_ANCHOR_BYTES);
	put("b.pem", big);
	put("a.pem", "one\n");
	put("c.pem", "two\n");
	expect_left_out("one\ntwo\n", "b.pem", "all certificates together");
	CU_ASSERT_EQUAL(unlink(path_of("a.pem")), 0);
	CU_ASSERT_EQUAL(unlink(path_of("c.pem")), 0);
	big[LIMIT_TRUST_ANCHOR_BYTES - 1] = '\0';
	put("b.pem", big);
	(void)strcat(big, "\n");
	expect(0, big);
	put("c.pem", "two\n");
	expect_left_out(big, "c.pem", "all certificates together");
}

static void of_too_many_the_first_by_name_are_taken(void)
{
	char name[20], all[4 * TRUST_ANCHOR_FILES + 1] = "";

	begin();
	for (int i = TRUST_ANCHOR_FILES + 9; i >= 0; i--) {
		(void)snprintf(name, sizeof(name), "%03d.pem", i);
		put(name, (const char[]){(char)('0' + i / 10), (char)('0' + i % 10), '\n', '\0'});
	}
	for (int i = 0; i < TRUST_ANCHOR_FILES; i++)
		(void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%02d\n", i);
	expect(0, all);
	CU_ASSERT_EQUAL(lines(), 10);
	for (int i = TRUST_ANCHOR_FILES; i < TRUST_ANCHOR_FILES + 10; i++) {
		(void)snprintf(name, sizeof(name), "/%03d.pem is left", i);
		CU_ASSERT_PTR_NOT_NULL(strstr(log_text, name));
	}
}

static void a_directory_that_others_may_write_is_not_used(void)
{
	begin();
	put("a.pem", "one\n");
	CU_ASSERT_EQUAL(chmod(test_path("certs"), 0775), 0);
	expect(-EPERM, "");
	CU_ASSERT_PTR_NOT_NULL(strstr(log_text, "nothing of "));
	CU_ASSERT_EQUAL(lines(), 1);
	CU_ASSERT_EQUAL(chmod(test_path("certs"), 0755), 0);
	CU_ASSERT_EQUAL(chown(test_path("certs"), 65534, 0), 0);
	expect(-EPERM, "");
	CU_ASSERT_EQUAL(chown(test_path("certs"), 0, 0), 0);
	expect(0, "one\n");
	CU_ASSERT_EQUAL(rename(test_path("certs"), test_path("certs.real")), 0);
	CU_ASSERT_EQUAL(symlink("certs.real", test_path("certs")), 0);
	expect(-ENOTDIR, "");
	CU_ASSERT_EQUAL(unlink(test_path("certs")), 0);
	CU_ASSERT_EQUAL(rename(test_path("certs.real"), test_path("certs")), 0);
}

static const struct unit_test tests[] = {
	{"none is no news", none_is_no_news},
	{"they are joined by name, each on lines of its own",
	 they_are_joined_by_name_each_on_lines_of_its_own},
	{"others' files are left out", others_files_are_left_out},
	{"what is no file is left out", what_is_no_file_is_left_out},
	{"a name is shown escaped", a_name_is_shown_escaped},
	{"all together are bounded", all_together_are_bounded},
	{"of too many the first by name are taken", of_too_many_the_first_by_name_are_taken},
	{"a directory that others may write is not used",
	 a_directory_that_others_may_write_is_not_used},
};

UNIT_MAIN("trust_anchors", tests)
