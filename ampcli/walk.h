/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk: the files of a tree, one after the other, found and opened by descriptors with the rights of who runs us.
 *
 * Owns the open directories (at most `max_open`; deeper levels are closed and found again, their identity checked) and the
 * path of the current entry. Names are streamed, never collected: memory grows with the depth only. Must not know the
 * daemon, and must not print.
 *
 * Inside a tree symbolic links, special files and (unless `cross`) directories of other file systems are left out and
 * counted in walk_skips. What should have been scanned and cannot be is an item of kind WALK_TROUBLE: nothing is lost in
 * silence. A path named by the user is followed when it is a symbolic link.
 */
#ifndef AMP_AMPCLI_WALK_H
#define AMP_AMPCLI_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "base/verdict.h"

struct walk_options {
	bool cross;        /* into other file systems too */
	bool count_only;   /* say sizes, open no file */
	unsigned max_open; /* directories held open at once; 0: what the descriptor limit allows */
};

enum walk_kind { WALK_FILE, WALK_TROUBLE };

struct walk_item {
	enum walk_kind kind;
	struct span path; /* valid until the next call; a NUL follows */
	int fd;         /* WALK_FILE: open for reading, the caller's to close; -1 with count_only */
	uint64_t bytes; /* WALK_FILE */
	enum scan_reason reason; /* WALK_TROUBLE */
	int error;               /* WALK_TROUBLE: the errno behind it, 0 when there is none */
};

struct walk_skips {
	uint64_t symlinks, special, mounts;
};

struct walk;

/* NULL when there is no memory. */
struct walk *walk_new(const struct walk_options *options);
struct walk *walk_free(struct walk *walk);

/* Begins with what `path` names; an unfinished walk is given up. 0, or -ENAMETOOLONG beyond LIMIT_PATH_BYTES. */
int walk_start(struct walk *walk, const char *path);

/* 1 and an item, or 0 at the end. */
int walk_next(struct walk *walk, struct walk_item *ret_item);

const struct walk_skips *walk_skipped(const struct walk *walk);

#endif
