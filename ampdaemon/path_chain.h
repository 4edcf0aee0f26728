/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path_chain: the directories from a root down to one of the connector's, as steps of one text. Text only: nothing is opened here
 * (installation walks them, site_watch watches them).
 */
#ifndef AMP_AMPDAEMON_PATH_CHAIN_H
#define AMP_AMPDAEMON_PATH_CHAIN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define PATH_CHAIN_STEPS 32 /* deeper directories count as outside the root */

struct path_chain {
	char path[PATH_MAX];
	size_t ends[PATH_CHAIN_STEPS]; /* step i is path[0] to path[ends[i] - 1] */
	unsigned n;                    /* at least 1 after path_chain_make() */
	bool below_root; /* the first step is the root; else the only step is the directory */
};

/* `root` may be NULL. Doubled and closing slashes and "." are left out; a path with ".." is outside. */
void path_chain_make(struct path_chain *chain, const char *root, const char *directory);

/* Path of step i into `out`. */
void path_chain_step(const struct path_chain *chain, unsigned i, char out[PATH_MAX]);

#endif
