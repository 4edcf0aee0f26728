/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/trust_anchors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "io/log.h"

#define SHOWN_BYTES (4 * NAME_MAX + 8) /* a name, escaped */

struct name_list {
	unsigned n;
	char names[TRUST_ANCHOR_FILES][NAME_MAX + 1]; /* sorted */
};

static bool is_roots_alone(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static void leave_out(const char *dir, const char *name, const char *why)
{
	char shown[SHOWN_BYTES];

	log_warning("trusted certificates: %s/%s is left out: %s", dir,
		    text_escape(span_of_text(name), shown, sizeof(shown)), why);
}

static bool is_wanted(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && (!strcmp(name + len - 4, ".pem") || !strcmp(name + len - 4, ".crt"));
}

/* Keeps the first by name, whatever the order that the directory tells them in. */
static void insert(struct name_list *list, const char *dir, const char *name)
{
	unsigned at = list->n;

	while (at && strcmp(name, list->names[at - 1]) < 0)
		at--;
	if (list->n == TRUST_ANCHOR_FILES)
		leave_out(dir, at < list->n ? list->names[list->n - 1] : name,
			  "there are too many files");
	if (at == TRUST_ANCHOR_FILES)
		return;
	if (list->n < TRUST_ANCHOR_FILES)
		list->n++;
	memmove(list->names[at + 1], list->names[at], (list->n - 1 - at) * sizeof(list->names[0]));
	(void)snprintf(list->names[at], sizeof(list->names[at]), "%s", name);
}

static int list_names(DIR *stream, const char *dir, struct name_list *ret_list)
{
	const struct dirent *entry;

	ret_list->n = 0;
	for (errno = 0; (entry = readdir(stream)); errno = 0) {
		if (is_wanted(entry->d_name))
			insert(ret_list, dir, entry->d_name);
	}
	return -errno;
}

/* NULL when it may be read, else why not. */
static const char *objection(const struct stat *st, size_t room)
{
	if (!S_ISREG(st->st_mode))
		return "it is no regular file";
	if (!is_roots_alone(st))
		return "it must be a file of root's that root alone may write";
	if (st->st_size == 0)
		return "it is empty";
	if ((uint64_t)st->st_size > room)
		return "all certificates together may have 16 KiB";
	return NULL;
}

/* Into the room that is left, up to `size`; the length or -errno. */
static ssize_t fill(int fd, uint8_t *bytes, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, bytes + len, size - len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)len;
}

/* A byte is kept free for the end of a last line that has none: the next file begins with a line of its own. */
static const char *append(int fd, struct trust_anchors *anchors)
{
	size_t room = sizeof(anchors->bytes) - anchors->len;
	struct stat st;
	const char *why;
	ssize_t len;

	if (fstat(fd, &st))
		return strerror(errno);
	why = objection(&st, room ? room - 1 : 0);
	if (why)
		return why;
	len = fill(fd, anchors->bytes + anchors->len, (size_t)st.st_size);
	if (len < 0)
		return strerror((int)-len);
	anchors->len += (size_t)len;
	if (len && anchors->bytes[anchors->len - 1] != '\n')
		anchors->bytes[anchors->len++] = '\n';
	return NULL;
}

static void take(int directory, const char *dir, const char *name, struct trust_anchors *anchors)
{
	/* A pipe of that name must not hold the daemon. */
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	const char *why;

	if (fd < 0) {
		leave_out(dir, name, errno == ELOOP ? "it is a link" : strerror(errno));
		return;
	}
	why = append(fd, anchors);
	if (why)
		leave_out(dir, name, why);
	close(fd);
}

static int read_all(DIR *stream, const char *dir, struct trust_anchors *anchors)
{
	struct name_list list;
	struct stat st;
	int r;

	if (fstat(dirfd(stream), &st))
		return -errno;
	if (!is_roots_alone(&st))
		return -EPERM;
	r = list_names(stream, dir, &list);
	for (unsigned i = 0; !r && i < list.n; i++)
		take(dirfd(stream), dir, list.names[i], anchors);
	return r;
}

static int open_and_read(const char *dir, struct trust_anchors *anchors)
{
	int r, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *stream;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	stream = fdopendir(fd);
	if (!stream) {
		r = -errno;
		close(fd);
		return r;
	}
	r = read_all(stream, dir, anchors);
	closedir(stream);
	return r;
}

int trust_anchors_read(const char *dir, struct trust_anchors *ret)
{
	int r;

	ret->len = 0;
	r = dir ? open_and_read(dir, ret) : 0;
	if (r)
		log_warning("trusted certificates: nothing of %s is taken: %s", dir,
			    r == -EPERM
				    ? "it must be a directory of root's that root alone may write"
				    : strerror(-r));
	return r;
}
