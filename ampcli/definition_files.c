/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/definition_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"

#define SHOWN 1000

static const char *shown(const char *path)
{
	static char text[SHOWN];

	return text_escape(span_of_text(path), text, sizeof(text));
}

bool definition_files_is_official(const char *name)
{
	static const char *const endings[] = {".cvd", ".cld", ".sign"};
	const char *ending = strrchr(name, '.');

	for (unsigned i = 0; ending && i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (strcasecmp(ending, endings[i]) == 0)
			return true;
	}
	return false;
}

/* ---- the list ---- */

static int append(struct definition_files *files, const char *name, const char *path, int fd,
		  struct failure *ret_failure)
{
	struct definition_file_in *file = &files->all[files->n];

	if (strlen(name) > LIMIT_NAME_BYTES || !*name)
		return failure_set(ret_failure, CLI_EXIT_USAGE, "%s: a name has 1 to %d characters",
				   shown(path ? path : name), LIMIT_NAME_BYTES);
	if (files->n == LIMIT_DEFINITION_FILES)
		return failure_set(ret_failure, CLI_EXIT_USAGE, "a set has at most %d files",
				   LIMIT_DEFINITION_FILES);
	file->name = strdup(name);
	file->path = path ? strdup(path) : NULL;
	file->fd = fd;
	if (!file->name || (path && !file->path)) {
		free(file->name);
		free(file->path);
		return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	}
	files->n++;
	return 0;
}

int definition_files_add(struct definition_files *files, const char *path,
			 struct failure *ret_failure)
{
	const char *slash = strrchr(path, '/');

	return append(files, slash ? slash + 1 : path, path, -1, ret_failure);
}

int definition_files_add_open(struct definition_files *files, const char *name, int fd,
			      struct failure *ret_failure)
{
	int r = append(files, name, NULL, fd, ret_failure);

	if (r)
		(void)close(fd);
	return r;
}

void definition_files_free(struct definition_files *files)
{
	for (unsigned i = 0; i < files->n; i++) {
		free(files->all[i].name);
		free(files->all[i].path);
		if (files->all[i].fd >= 0)
			(void)close(files->all[i].fd);
	}
	files->n = 0;
}

/* ---- a directory ---- */

static int add_entry(struct definition_files *files, const char *directory, const char *name,
		     struct failure *ret_failure)
{
	char *path;
	int r;

	if (name[0] == '.')
		return 0;
	if (!definition_files_is_official(name)) {
		(void)fprintf(stderr,
			      "ampcli: %s is passed over: it is not a signed kind of file\n",
			      shown(name));
		return 0;
	}
	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "out of memory");
	r = definition_files_add(files, path, ret_failure);
	free(path);
	return r;
}

int definition_files_add_directory(struct definition_files *files, const char *path,
				   struct failure *ret_failure)
{
	struct dirent **entries;
	int r = 0, n = scandir(path, &entries, NULL, alphasort);

	if (n < 0)
		return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "%s cannot be read: %s",
				   shown(path), strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!r)
			r = add_entry(files, path, entries[i]->d_name, ret_failure);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* ---- content ---- */

int definition_files_open(const struct definition_file_in *file, struct failure *ret_failure)
{
	int fd;

	if (!file->path)
		return file->fd;
	fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "%s cannot be read: %s",
				   shown(file->path), strerror(errno));
	return fd;
}

void definition_files_close(const struct definition_file_in *file, int fd)
{
	if (file->path && fd >= 0)
		(void)close(fd);
}
