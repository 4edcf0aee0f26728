/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * progress: the line on a terminal that says how far a scan is. Owns that line and a thread that walks the same trees ahead
 * and counts, so that the time left can be told; until that walk is done it is not told. Never opens a file.
 */
#ifndef AMP_AMPCLI_PROGRESS_H
#define AMP_AMPCLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "ampcli/scan_tally.h"
#include "ampcli/walk.h"

struct progress;

struct progress_view {
	uint64_t files, bytes, ms;
	bool has_total;
	uint64_t total_files, total_bytes;
};

/* Pure: the line, without colour or control characters, at most `size` - 1 bytes. Returns `out`. */
char *progress_format(const struct progress_view *view, char *out, size_t size);

/* On the terminal `fd`; NULL when it is none, or without memory: every function below takes NULL. Borrows `paths`. */
struct progress *progress_new(int fd, const char *const *paths, unsigned n_paths,
			      const struct walk_options *options);
struct progress *progress_free(struct progress *progress); /* takes the line away */

/* Draws at most ten times a second. */
void progress_draw(struct progress *progress, const struct scan_tally *tally);

/* Takes the line away, so that another can be printed; the next draw brings it back. */
void progress_clear(struct progress *progress);

#endif
