/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ampcli/amounts.h"
#include "ampcli/terminal.h"
#include "base/text.h"
#include "io/clock.h"

#define REDRAW_MS 100
#define LINE_BYTES 200
#define FILE_COST                                                                                  \
	16384 /* what a file costs beside its bytes, in bytes scanned: measured on small files */

struct progress {
	int fd;
	bool is_drawn;
	mono_ms next_draw;
	const char *const *paths;
	unsigned n_paths;
	struct walk *walk;
	pthread_t counter;
	bool has_counter;
	atomic_bool leave, counted;
	atomic_uint_fast64_t total_files, total_bytes;
};

static double work_of(uint64_t files, uint64_t bytes)
{
	return (double)bytes + (double)files * FILE_COST;
}

static void append_time_left(const struct progress_view *view, char *out, size_t size, size_t *at)
{
	double done = work_of(view->files, view->bytes);
	double all = work_of(view->total_files, view->total_bytes);
	char text[AMOUNT_TEXT];

	/* Files that grow or appear make more work than was counted: then nothing is known. */
	if (!view->has_total || done <= 0 || all < done) {
		text_append(out, size, at, ", time left unknown");
		return;
	}
	(void)amount_of_time((uint64_t)((all - done) * (double)view->ms / done), text);
	text_append(out, size, at, ", %s left (%.0f %%)", text, 100.0 * done / all);
}

char *progress_format(const struct progress_view *view, char *out, size_t size)
{
	uint64_t ms = view->ms ? view->ms : 1;
	char bytes[AMOUNT_TEXT], rate[AMOUNT_TEXT];
	size_t at = 0;

	text_append(out, size, &at, "%llu files, %s, %.0f files/s, %s/s",
		    (unsigned long long)view->files, amount_of_bytes(view->bytes, bytes),
		    (double)view->files * 1000.0 / (double)ms,
		    amount_of_bytes((uint64_t)((double)view->bytes * 1000.0 / (double)ms), rate));
	append_time_left(view, out, size, &at);
	return out;
}

static bool count_path(struct progress *progress, const char *path)
{
	struct walk_item item;

	if (walk_start(progress->walk, path) < 0)
		return true; /* the scan itself says so */
	while (!atomic_load(&progress->leave) && walk_next(progress->walk, &item)) {
		if (item.kind != WALK_FILE)
			continue;
		atomic_fetch_add(&progress->total_files, 1);
		atomic_fetch_add(&progress->total_bytes, item.bytes);
	}
	return !atomic_load(&progress->leave);
}

static void *count(void *context)
{
	struct progress *progress = context;

	for (unsigned i = 0; i < progress->n_paths; i++) {
		if (!count_path(progress, progress->paths[i]))
			return NULL;
	}
	atomic_store(&progress->counted, true);
	return NULL;
}

/* Signals are for the thread that scans. */
static int start_counter(struct progress *progress)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&progress->counter, NULL, count, progress);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

struct progress *progress_new(int fd, const char *const *paths, unsigned n_paths,
			      const struct walk_options *options)
{
	struct walk_options count_options = *options;
	struct progress *progress = isatty(fd) ? calloc(1, sizeof(*progress)) : NULL;

	if (!progress)
		return NULL;
	count_options.count_only = true;
	progress->fd = fd;
	progress->paths = paths;
	progress->n_paths = n_paths;
	progress->walk = walk_new(&count_options);
	/* Without a counter the time left stays unknown: nothing else is lost. */
	progress->has_counter = progress->walk && start_counter(progress) == 0;
	return progress;
}

struct progress *progress_free(struct progress *progress)
{
	if (!progress)
		return NULL;
	atomic_store(&progress->leave, true);
	if (progress->has_counter)
		pthread_join(progress->counter, NULL);
	progress_clear(progress);
	(void)walk_free(progress->walk);
	free(progress);
	return NULL;
}

static void put(const struct progress *progress, const char *text)
{
	if (write(progress->fd, text, strlen(text)) < 0)
		return; /* the terminal is gone; the scan does not depend on it */
}

void progress_draw(struct progress *progress, const struct scan_tally *tally)
{
	char line[LINE_BYTES], text[LINE_BYTES + 16];
	struct progress_view view;
	mono_ms now;

	if (!progress || (now = clock_mono_ms()) < progress->next_draw)
		return;
	progress->next_draw = now + REDRAW_MS;
	view = (struct progress_view){.files = tally->files,
				      .bytes = tally->bytes,
				      .ms = tally->ms,
				      .has_total = atomic_load(&progress->counted),
				      .total_files = atomic_load(&progress->total_files),
				      .total_bytes = atomic_load(&progress->total_bytes)};
	(void)progress_format(&view, line, sizeof(line));
	(void)snprintf(text, sizeof(text), TERMINAL_CLEAR_LINE "%.*s",
		       (int)terminal_columns(progress->fd) - 1, line);
	put(progress, text);
	progress->is_drawn = true;
}

void progress_clear(struct progress *progress)
{
	if (!progress || !progress->is_drawn)
		return;
	put(progress, TERMINAL_CLEAR_LINE);
	progress->is_drawn = false;
}
