/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"

NAME_TABLE_DEFINE(log_level, LOG_LEVEL_LIST)

static struct {
	int fd;
	bool to_stderr;
	enum log_level level;
	uint64_t bytes; /* of the file */
	uint64_t dropped;
	char path[PATH_MAX];
} sink = {.fd = -1, .to_stderr = true, .level = LOG_LEVEL_NOTICE};

static int open_file(void)
{
	struct stat st;
	int fd = open(sink.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
		      0640);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	sink.fd = fd;
	sink.bytes = (uint64_t)st.st_size;
	return 0;
}

int log_open(const struct log_settings *settings)
{
	log_close();
	sink.to_stderr = settings->to_stderr;
	sink.level = settings->level;
	sink.dropped = 0;
	sink.path[0] = '\0';
	if (!settings->path)
		return 0;
	if (strlen(settings->path) >= sizeof(sink.path) - 2) /* room for ".1" */
		return -ENAMETOOLONG;
	memcpy(sink.path, settings->path, strlen(settings->path) + 1);
	return open_file();
}

void log_close(void)
{
	if (sink.fd >= 0)
		close(sink.fd);
	sink.fd = -1;
}

/* The file is full: it becomes the old one. When that fails the present file is emptied: bounded comes first. */
static void rotate(void)
{
	char old[PATH_MAX + 2];

	(void)snprintf(old, sizeof(old), "%s.1", sink.path);
	if (rename(sink.path, old)) {
		if (ftruncate(sink.fd, 0) == 0)
			sink.bytes = 0;
		return;
	}
	log_close();
	(void)open_file(); /* fails: lines are counted as dropped, and each line tries again */
}

static bool write_file(const char *line, size_t len)
{
	ssize_t written;

	if (!sink.path[0])
		return true;
	if (sink.fd < 0 && open_file())
		return false;
	if (sink.bytes + len > LOG_FILE_BYTES)
		rotate();
	if (sink.fd < 0)
		return false;
	written = write(sink.fd, line, len);
	if (written > 0)
		sink.bytes += (uint64_t)written;
	return written == (ssize_t)len;
}

/* Standard error may be a pipe that nobody reads: look before writing, a daemon does not wait for its log. */
static bool write_stderr(const char *line, size_t len)
{
	struct pollfd poller = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&poller, 1, 0) != 1 || !(poller.revents & POLLOUT))
		return false;
	return write(STDERR_FILENO, line, len) == (ssize_t)len;
}

static size_t write_head(char *line, enum log_level level)
{
	uint64_t now = clock_utc_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm tm;
	int n;

	gmtime_r(&seconds, &tm);
	n = snprintf(line, LOG_LINE_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ %-8s ",
		     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		     (unsigned)(now % 1000), log_level_name(level));
	return n > 0 ? (size_t)n : 0;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_BYTES + 1];
	size_t head, len;
	va_list arguments;
	int n;

	if (level > sink.level)
		return;
	head = write_head(line, level);
	va_start(arguments, format);
	n = vsnprintf(line + head, LOG_LINE_BYTES - head, format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	len = head + (size_t)n;
	if (len >= LOG_LINE_BYTES) {
		len = LOG_LINE_BYTES - 1;
		memcpy(line + len - 3, "...", 3);
	}
	for (size_t i = head; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	if (!write_file(line, len) || (sink.to_stderr && !write_stderr(line, len)))
		sink.dropped++;
}

uint64_t log_dropped(void)
{
	return sink.dropped;
}
