/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/handover_image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ampdaemon/spawn.h"
#include "ampdaemon/trusted_program.h"
#include "io/log.h"
#include "wire/handover_codec.h"

#define OWN_IMAGE "/proc/self/exe"
#define REPLACED                                                                                   \
	" (deleted)" /* what the kernel puts behind the name of a file that an upgrade took away */

static int find_path(char path[PATH_MAX])
{
	ssize_t len = readlink(OWN_IMAGE, path, PATH_MAX - 1);
	size_t tail = sizeof(REPLACED) - 1;

	if (len < 0)
		return -errno;
	path[len] = '\0';
	if ((size_t)len > tail && !strcmp(path + len - tail, REPLACED))
		path[(size_t)len - tail] = '\0';
	return 0;
}

int handover_image_open_own(struct handover_image *image)
{
	image->is_other = false;
	image->program = open(OWN_IMAGE, O_PATH | O_CLOEXEC);
	return image->program < 0 ? -errno : 0;
}

void handover_image_close(struct handover_image *image)
{
	if (image->program >= 0)
		close(image->program);
	image->program = -1;
}

/* A file that runs cannot be written: the same inode is the same program. */
static int compare(struct handover_image *image)
{
	struct stat own, next;

	if (stat(OWN_IMAGE, &own) || fstat(image->program, &next))
		return -errno;
	image->is_other = own.st_dev != next.st_dev || own.st_ino != next.st_ino;
	return 0;
}

/* ---- the one on disk ---- */

/* Whoever may put another file of root's in its place chooses what is executed. In a sticky directory he may not. */
static bool is_trusted(const struct stat *st)
{
	return S_ISDIR(st->st_mode) && st->st_uid == 0 &&
	       (!(st->st_mode & (S_IWGRP | S_IWOTH)) || st->st_mode & S_ISVTX);
}

/* `path` is the kernel's: no link, no dots. */
static int check_directories(const char *path, char *error, size_t size)
{
	char directory[PATH_MAX];
	struct stat st;

	for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
		(void)snprintf(directory, sizeof(directory), "%.*s",
			       slash == path ? 1 : (int)(slash - path), path);
		if (!lstat(directory, &st) && is_trusted(&st))
			continue;
		(void)snprintf(error, size, "%s is not executed: others than root may change %s",
			       path, directory);
		return -EPERM;
	}
	return 0;
}

static int open_trusted(const char *path, char *error, size_t size)
{
	int r = check_directories(path, error, size);

	return r ? r : trusted_program_open(AT_FDCWD, path, path, error, size);
}

/* ---- another one is asked first ---- */

static int await_answer(struct spawned *spawned)
{
	struct pollfd end = {.fd = spawned->pidfd, .events = POLLIN};
	siginfo_t info = {0};
	int n = poll(&end, 1, HANDOVER_CHECK_MS);

	if (n <= 0) {
		(void)spawn_end(spawned->pidfd); /* what it leaves ends by itself */
		return -ETIMEDOUT;
	}
	if (waitid(P_PIDFD, (id_t)spawned->pidfd, &info, WEXITED))
		info.si_code = CLD_KILLED;
	close(spawned->pidfd);
	return info.si_code == CLD_EXITED && info.si_status == EXIT_SUCCESS ? 0 : -ENOEXEC;
}

static int ask(const struct handover_image *image, const char *path, const char *config,
	       char *error, size_t size)
{
	char name[] = "ampdaemon", check[] = "--check", file[] = "--config";
	char version[40], config_path[PATH_MAX];
	char *const arguments[] = {name, check, version, file, config_path, NULL};
	char *const environment[] = {NULL};
	struct spawn_program order = {.program = image->program,
				      .path = path,
				      .arguments = arguments,
				      .environment = environment,
				      .fds = {-1, -1, -1},
				      .n_fds = 3};
	struct spawned spawned;
	int r;

	(void)snprintf(version, sizeof(version), "--handover-version=%d", HANDOVER_VERSION);
	(void)snprintf(config_path, sizeof(config_path), "%s", config);
	r = spawn_program(&order, &spawned, error, size);
	if (r)
		return r;
	r = await_answer(&spawned);
	if (r == -ETIMEDOUT)
		(void)snprintf(error, size, "%s did not answer within %d ms", path,
			       HANDOVER_CHECK_MS);
	else if (r)
		(void)snprintf(error, size,
			       "%s is another build, and cannot read %s or go on with our state",
			       path, config);
	return r;
}

int handover_image_open(struct handover_image *image, const char *config, char *error, size_t size)
{
	char path[PATH_MAX];
	int r = find_path(path);

	image->program = -1;
	if (!r)
		image->program = open_trusted(path, error, size);
	if (!r && image->program < 0) {
		log_warning("%s; the restart goes on with the program that runs", error);
		r = handover_image_open_own(image);
	}
	if (!r)
		r = compare(image);
	if (r)
		(void)snprintf(error, size, "the program to go on with cannot be found: %s",
			       strerror(-r));
	else if (image->is_other)
		r = ask(image, path, config, error, size);
	if (r)
		handover_image_close(image);
	return r;
}
