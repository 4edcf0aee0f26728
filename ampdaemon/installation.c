/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/installation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampdaemon/path_chain.h"
#include "ampdaemon/trusted_program.h"
#include "base/text.h"

#define AS_INSTALLED 0755
#define SENTENCE_BYTES (PATH_MAX + 100)

struct part {
	bool wanted;
	struct path_chain chain;
	int pin; /* the directory when every step down to it was trusted; -1 */
};

struct installation {
	struct part parts[INSTALLATION_PARTS];
};

/* One walk down a chain. */
struct walk {
	const struct path_chain *chain;
	int fd;              /* the directory; -1 when a step could not be taken */
	int failure;         /* 0, or -errno of that step */
	bool part_reached;   /* the last step was looked at or failed: all above are directories */
	bool above_trusted;  /* every ancestor is root's, and root alone may write it */
	bool part_trusted;   /* so is the directory itself */
	unsigned deviations; /* steps that are not as installed */
	char why[SENTENCE_BYTES]; /* the first step that cannot be trusted or taken */
	char *detail;             /* all deviations; NULL: not asked for */
	size_t detail_size;
};

struct installation *installation_new(const char *root, const char *const parts[INSTALLATION_PARTS])
{
	struct installation *installation = calloc(1, sizeof(*installation));

	if (!installation)
		return NULL;
	for (unsigned i = 0; i < INSTALLATION_PARTS; i++) {
		struct part *part = &installation->parts[i];

		part->pin = -1;
		part->wanted = parts[i] != NULL;
		if (part->wanted)
			path_chain_make(&part->chain, root, parts[i]);
	}
	return installation;
}

struct installation *installation_free(struct installation *installation)
{
	for (unsigned i = 0; installation && i < INSTALLATION_PARTS; i++) {
		if (installation->parts[i].pin >= 0)
			close(installation->parts[i].pin);
	}
	free(installation);
	return NULL;
}

static bool is_trusted(const struct stat *st)
{
	return st->st_uid == 0 && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Chains share their upper steps: each sentence once. */
static void note(struct walk *walk, const char *sentence)
{
	size_t at;

	walk->deviations++;
	if (!walk->detail || strstr(walk->detail, sentence))
		return;
	at = strlen(walk->detail);
	text_append(walk->detail, walk->detail_size, &at, "%s%s", at ? "; " : "", sentence);
}

static void distrust(struct walk *walk, bool is_part, const char *sentence)
{
	if (is_part)
		walk->part_trusted = false;
	else
		walk->above_trusted = false;
	if (!walk->why[0])
		(void)snprintf(walk->why, sizeof(walk->why), "%s", sentence);
}

static void describe(const struct walk *walk, const char *path, const struct stat *st,
		     char sentence[SENTENCE_BYTES])
{
	size_t at = 0;

	sentence[0] = '\0';
	text_append(sentence, SENTENCE_BYTES, &at, "%s", path);
	if (st->st_uid != 0 || st->st_gid != 0)
		text_append(sentence, SENTENCE_BYTES, &at,
			    " belongs to uid %u and gid %u, expected root:root (0 and 0)",
			    st->st_uid, st->st_gid);
	if (walk->chain->below_root && (st->st_mode & 07777) != AS_INSTALLED)
		text_append(sentence, SENTENCE_BYTES, &at, "%s has mode %04o, expected %04o",
			    st->st_uid || st->st_gid ? " and" : "", st->st_mode & 07777u,
			    AS_INSTALLED);
	else if (!walk->chain->below_root)
		text_append(sentence, SENTENCE_BYTES, &at,
			    "%s has mode %04o, expected a directory that only root may write",
			    st->st_uid || st->st_gid ? " and" : "", st->st_mode & 07777u);
}

static void judge(struct walk *walk, unsigned step, const char *path, const struct stat *st)
{
	bool installed = walk->chain->below_root ? (st->st_mode & 07777) == AS_INSTALLED &&
							   st->st_uid == 0 && st->st_gid == 0
						 : is_trusted(st);
	char sentence[SENTENCE_BYTES];

	if (installed)
		return;
	describe(walk, path, st, sentence);
	note(walk, sentence);
	if (!is_trusted(st))
		distrust(walk, step == walk->chain->n - 1, sentence);
}

static void fail(struct walk *walk, const char *path, int error)
{
	char sentence[SENTENCE_BYTES];

	walk->failure = -error;
	if (error == ENOTDIR || error == ELOOP)
		(void)snprintf(sentence, sizeof(sentence),
			       "%s is no directory or a link to one, expected a directory", path);
	else if (error == ENOENT)
		(void)snprintf(sentence, sizeof(sentence),
			       "%s cannot be opened: %s (expected a "
			       "directory)",
			       path, strerror(error));
	else
		(void)snprintf(sentence, sizeof(sentence), "%s cannot be opened: %s", path,
			       strerror(error));
	note(walk, sentence);
	if (!walk->why[0])
		(void)snprintf(walk->why, sizeof(walk->why), "%s", sentence);
}

/* The first step by its whole path, each other one in the directory above it. */
static int open_step(const struct walk *walk, unsigned step, const char *path)
{
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	const char *name = step ? strrchr(path, '/') + 1 : path;

	if (walk->chain->below_root)
		flags |= O_NOFOLLOW;
	return openat(step ? walk->fd : AT_FDCWD, name, flags);
}

static bool take_step(struct walk *walk, unsigned step)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	path_chain_step(walk->chain, step, path);
	walk->part_reached = step == walk->chain->n - 1;
	fd = open_step(walk, step, path);
	if (fd < 0 || fstat(fd, &st)) {
		fail(walk, path, errno);
		if (fd >= 0)
			close(fd);
		return false;
	}
	judge(walk, step, path, &st);
	if (walk->fd >= 0)
		close(walk->fd);
	walk->fd = fd;
	return true;
}

static void go(struct walk *walk)
{
	walk->fd = -1;
	walk->above_trusted = walk->part_trusted = true;
	for (unsigned step = 0; step < walk->chain->n; step++) {
		if (take_step(walk, step))
			continue;
		if (walk->fd >= 0)
			close(walk->fd);
		walk->fd = -1;
		return;
	}
}

/* Remembers a directory that nobody but root could have put there. */
static void pin(struct part *part, const struct walk *walk)
{
	int fd;

	if (walk->fd < 0 || !walk->above_trusted || !walk->part_trusted)
		return;
	fd = fcntl(walk->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return; /* the older pin is as good as before */
	if (part->pin >= 0)
		close(part->pin);
	part->pin = fd;
}

bool installation_look(struct installation *installation, char *detail, size_t size)
{
	unsigned deviations = 0;

	detail[0] = '\0';
	for (unsigned i = 0; i < INSTALLATION_PARTS; i++) {
		struct part *part = &installation->parts[i];
		struct walk walk = {.chain = &part->chain, .detail = detail, .detail_size = size};

		if (!part->wanted)
			continue;
		go(&walk);
		pin(part, &walk);
		deviations += walk.deviations;
		if (walk.fd >= 0)
			close(walk.fd);
	}
	return deviations == 0;
}

/* Something above the directory was changed: the directory that was there before, when it still is one that only root may write. */
static int bridge(const struct part *part, const struct walk *walk, char *error, size_t size)
{
	struct stat st;
	int fd;

	if (part->pin < 0 || fstat(part->pin, &st) || !is_trusted(&st)) {
		(void)snprintf(error, size, "%s; nothing is executed or loaded from %s", walk->why,
			       part->chain.path);
		return walk->failure ? walk->failure : -EPERM;
	}
	fd = fcntl(part->pin, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		return fd;
	(void)snprintf(error, size, "no descriptor for %s: %s", part->chain.path, strerror(errno));
	return -EMFILE;
}

int installation_open(struct installation *installation, enum installation_part part, char *error,
		      size_t size)
{
	struct part *wanted = &installation->parts[part];
	struct walk walk = {.chain = &wanted->chain};
	int fd = -1;

	if (!wanted->wanted) {
		(void)snprintf(error, size, "no such directory is configured");
		return -ENOENT;
	}
	go(&walk);
	pin(wanted, &walk);
	if (!walk.above_trusted || (walk.failure && !walk.part_reached)) {
		fd = bridge(wanted, &walk, error, size);
	} else if (walk.failure) {
		(void)snprintf(error, size, "%s", walk.why);
		fd = walk.failure;
	} else if (!walk.part_trusted) {
		(void)snprintf(error, size, "%s; nothing is executed or loaded from it", walk.why);
		fd = -EPERM;
	} else {
		return walk.fd;
	}
	if (walk.fd >= 0)
		close(walk.fd);
	return fd;
}

int installation_open_program(struct installation *installation, const char *base_name, char *error,
			      size_t size)
{
	char shown[PATH_MAX + 256];
	int fd, directory = installation_open(installation, INSTALLATION_PROGRAM, error, size);

	if (directory < 0)
		return directory;
	(void)snprintf(shown, sizeof(shown), "%s/%s",
		       installation->parts[INSTALLATION_PROGRAM].chain.path, base_name);
	fd = trusted_program_open(directory, base_name, shown, error, size);
	close(directory);
	return fd;
}
