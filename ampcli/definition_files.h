/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_files: the files of definitions that a command is to give to the daemon: those that were named, those of a directory, those of a
 * bundle. Owns the list and what it has open. Reads no content.
 */
#ifndef AMP_AMPCLI_DEFINITION_FILES_H
#define AMP_AMPCLI_DEFINITION_FILES_H

#include <stdbool.h>

#include "ampcli/failure.h"
#include "base/limits.h"

struct definition_file_in {
	char *name; /* as the daemon is to call it */
	char *path; /* NULL: fd */
	int fd;
};

struct definition_files {
	unsigned n;
	struct definition_file_in all[LIMIT_DEFINITION_FILES];
};

/* What libclamav's makers sign; all other kinds are the administrator's own. */
bool definition_files_is_official(const char *name);

/* A file under its own name. 0, or -1 with the reason. */
int definition_files_add(struct definition_files *files, const char *path,
			 struct failure *ret_failure);

/* The official ones in it; others are said to be passed over on standard error. */
int definition_files_add_directory(struct definition_files *files, const char *path,
				   struct failure *ret_failure);

/* Takes `fd`. */
int definition_files_add_open(struct definition_files *files, const char *name, int fd,
			      struct failure *ret_failure);

void definition_files_free(struct definition_files *files);

/* For reading; -1 with the reason. To be closed by the other. */
int definition_files_open(const struct definition_file_in *file, struct failure *ret_failure);
void definition_files_close(const struct definition_file_in *file, int fd);

#endif
