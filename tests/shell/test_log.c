/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/log.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/atomic_file.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

static char text[65536];

static void open_at(const char *name, enum log_level level)
{
	const struct log_settings settings = {.path = test_path(name), .level = level};

	CU_ASSERT_EQUAL_FATAL(log_open(&settings), 0);
}

/* The text of the file NAME, "" when there is none. */
static const char *text_of(const char *name)
{
	text[0] = '\0';
	(void)atomic_file_read(test_path(name), text, sizeof(text)); /* then it stays "" */
	return text;
}

static long long bytes_of(const char *name)
{
	struct stat st;

	return stat(test_path(name), &st) ? -1 : (long long)st.st_size;
}

/* Digits stand for 0, everything else for itself. */
static void blank_digits(char *line)
{
	for (; *line; line++) {
		if (*line >= '0' && *line <= '9')
			*line = '0';
	}
}

static void a_line_has_its_time_its_level_and_its_text(void)
{
	open_at("line.log", LOG_LEVEL_INFO);
	log_warning("%s-%d", "words", 7);
	log_close();
	(void)text_of("line.log"); /* leaves it in `text` */
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "words-7\n"));
	blank_digits(text);
	CU_ASSERT_STRING_EQUAL(text, "0000-00-00T00:00:00.000Z warning  words-0\n");
}

static void less_urgent_lines_than_the_level_are_not_written(void)
{
	open_at("level.log", LOG_LEVEL_WARNING);
	for (unsigned level = 0; level < LOG_LEVEL_COUNT; level++)
		log_line(level, "%s", log_level_name(level));
	log_close();
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of("level.log"), "error"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "security"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "warning"));
	CU_ASSERT_PTR_NULL(strstr(text, "notice"));
	CU_ASSERT_PTR_NULL(strstr(text, "debug"));
	CU_ASSERT_EQUAL(log_dropped(), 0);
}

static void control_bytes_cannot_forge_a_line(void)
{
	open_at("control.log", LOG_LEVEL_INFO);
	log_notice("a\nb\rc\td\x1b[2Je\x7f-\xc3\xa4");
	log_close();
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of("control.log"), " a?b?c?d?[2Je?-\xc3\xa4\n"));
	CU_ASSERT_PTR_EQUAL(strchr(text, '\n'), text + strlen(text) - 1);
}

static void a_line_that_is_too_long_is_cut_and_says_so(void)
{
	static char big[LOG_LINE_BYTES * 2];

	memset(big, 'x', sizeof(big) - 1);
	open_at("long.log", LOG_LEVEL_INFO);
	log_notice("%s", big);
	log_close();
	CU_ASSERT_EQUAL(strlen(text_of("long.log")), LOG_LINE_BYTES);
	CU_ASSERT_STRING_EQUAL(text + LOG_LINE_BYTES - 5, "x...\n");
}

static void a_log_never_takes_more_than_twice_its_ceiling(void)
{
	static char big[1900];
	size_t lines = (size_t)3 * LOG_FILE_BYTES / sizeof(big);

	memset(big, 'x', sizeof(big) - 1);
	open_at("rotate.log", LOG_LEVEL_INFO);
	for (size_t i = 0; i < lines; i++) {
		log_notice("%s", big);
		if (i % 512)
			continue;
		CU_ASSERT(bytes_of("rotate.log") <= LOG_FILE_BYTES);
		CU_ASSERT(bytes_of("rotate.log.1") <= LOG_FILE_BYTES);
	}
	log_close();
	CU_ASSERT(bytes_of("rotate.log") > 0 && bytes_of("rotate.log") <= LOG_FILE_BYTES);
	CU_ASSERT(bytes_of("rotate.log.1") > LOG_FILE_BYTES - LOG_LINE_BYTES);
	CU_ASSERT(bytes_of("rotate.log.1") <= LOG_FILE_BYTES);
	CU_ASSERT_EQUAL(log_dropped(), 0);
}

static void a_log_that_was_full_before_is_rotated_at_its_first_line(void)
{
	CU_ASSERT_EQUAL(truncate(test_file("old.log", ""), LOG_FILE_BYTES), 0);
	open_at("old.log", LOG_LEVEL_INFO);
	log_notice("first");
	log_close();
	CU_ASSERT_EQUAL(bytes_of("old.log.1"), LOG_FILE_BYTES);
	CU_ASSERT(bytes_of("old.log") > 0 && bytes_of("old.log") < LOG_LINE_BYTES);
}

/* Where the old file cannot be put aside, the present one is emptied: bounded comes first. */
static void a_log_that_cannot_be_rotated_is_emptied(void)
{
	CU_ASSERT_EQUAL(truncate(test_file("stuck.log", ""), LOG_FILE_BYTES), 0);
	CU_ASSERT_EQUAL(mkdir(test_path("stuck.log.1"), 0700), 0);
	open_at("stuck.log", LOG_LEVEL_INFO);
	log_notice("first");
	log_close();
	CU_ASSERT(bytes_of("stuck.log") > 0 && bytes_of("stuck.log") < LOG_LINE_BYTES);
}

/* Runs `write_lines` with standard error on `fd`. */
static void with_stderr(int fd, void (*write_lines)(void))
{
	const struct log_settings settings = {.to_stderr = true, .level = LOG_LEVEL_INFO};
	int saved = dup(STDERR_FILENO);

	CU_ASSERT_FATAL(saved >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	CU_ASSERT_EQUAL(log_open(&settings), 0);
	write_lines();
	CU_ASSERT_EQUAL(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	log_close();
}

static void write_a_thousand(void)
{
	for (int i = 0; i < 1000; i++)
		log_notice("%01000d", i);
}

static void a_pipe_that_nobody_reads_costs_lines_and_never_waits(void)
{
	unsigned arrived = 0;
	int pipes[2];
	FILE *reader;

	CU_ASSERT_EQUAL_FATAL(pipe2(pipes, O_CLOEXEC), 0);
	with_stderr(pipes[1], write_a_thousand);
	close(pipes[1]);
	reader = fdopen(pipes[0], "r");
	while (fgets(text, sizeof(text), reader))
		arrived++;
	fclose(reader);
	CU_ASSERT(arrived > 0 && arrived < 1000);
	CU_ASSERT_EQUAL(log_dropped(), 1000 - arrived);
}

static void write_one(void)
{
	log_notice("to standard error alone");
}

static void without_a_file_the_one_of_before_is_left_alone(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	long long before;

	open_at("before.log", LOG_LEVEL_INFO);
	log_notice("here");
	before = bytes_of("before.log");
	with_stderr(fd, write_one);
	close(fd);
	CU_ASSERT(before > 0);
	CU_ASSERT_EQUAL(bytes_of("before.log"), before);
	CU_ASSERT_EQUAL(log_dropped(), 0);
}

static void a_file_that_cannot_be_opened_counts_lines_until_it_can(void)
{
	const struct log_settings settings = {.path = test_path("later/x.log"),
					      .level = LOG_LEVEL_INFO};

	CU_ASSERT_EQUAL(log_open(&settings), -ENOENT);
	log_notice("lost");
	log_notice("lost");
	CU_ASSERT_EQUAL(log_dropped(), 2);
	CU_ASSERT_EQUAL(mkdir(test_path("later"), 0700), 0);
	log_notice("found");
	CU_ASSERT_EQUAL(log_dropped(), 2);
	log_close();
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of("later/x.log"), "found"));
}

static void a_link_or_a_pipe_is_no_log_file(void)
{
	struct log_settings settings = {.path = test_path("link.log"), .level = LOG_LEVEL_INFO};

	CU_ASSERT_EQUAL(symlink("/dev/null", settings.path), 0);
	CU_ASSERT_EQUAL(log_open(&settings), -ELOOP);
	settings.path = "/dev/null";
	CU_ASSERT_EQUAL(log_open(&settings), -EINVAL);
	log_close();
}

static const struct unit_test tests[] = {
	{"a line has its time, its level and its text", a_line_has_its_time_its_level_and_its_text},
	{"less urgent lines than the level are not written",
	 less_urgent_lines_than_the_level_are_not_written},
	{"control bytes cannot forge a line", control_bytes_cannot_forge_a_line},
	{"a line that is too long is cut and says so", a_line_that_is_too_long_is_cut_and_says_so},
	{"a log never takes more than twice its ceiling",
	 a_log_never_takes_more_than_twice_its_ceiling},
	{"a log that was full before is rotated at its first line",
	 a_log_that_was_full_before_is_rotated_at_its_first_line},
	{"a log that cannot be rotated is emptied", a_log_that_cannot_be_rotated_is_emptied},
	{"a pipe that nobody reads costs lines and never waits",
	 a_pipe_that_nobody_reads_costs_lines_and_never_waits},
	{"without a file the one of before is left alone",
	 without_a_file_the_one_of_before_is_left_alone},
	{"a file that cannot be opened counts lines until it can",
	 a_file_that_cannot_be_opened_counts_lines_until_it_can},
	{"a link or a pipe is no log file", a_link_or_a_pipe_is_no_log_file},
};

UNIT_MAIN("log", tests)
