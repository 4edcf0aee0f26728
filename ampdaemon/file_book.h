/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file_book: the files of the jobs, each at its job's index: whose it is, what it is called, what it was when it came, and its
 * descriptor.
 *
 * Owns descriptors (closed by late_close) and paths, and knows the sum of their lengths. Must not own jobs or judge files.
 */
#ifndef AMP_AMPDAEMON_FILE_BOOK_H
#define AMP_AMPDAEMON_FILE_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/core/unscannable.h"
#include "base/span.h"

struct filed {
	job_id job;
	uint64_t client, file;
	uint8_t *path; /* NULL: there is none at this index */
	size_t path_len;
	int fd;
	bool has_identity, awaits_digest;
	struct file_identity identity;
};

struct file_book {
	uint32_t capacity;
	size_t path_bytes;
	struct filed *files;
};

/* False when there is no memory; file_book_done() is permitted then, too. */
bool file_book_init(struct file_book *book, uint32_t capacity);
void file_book_done(struct file_book *book);

/* The path is copied: it is NULL when there is no memory. */
struct filed filed_of(uint64_t client, uint64_t file, struct span path, int fd);

/* Takes what filed_of() made, at the index of `filed->job`. */
struct filed *file_book_put(struct file_book *book, const struct filed *filed);

/* NULL when that job has no file (any more). */
struct filed *file_book_find(struct file_book *book, job_id job);

void file_book_drop(struct file_book *book, struct filed *filed);
void file_book_clear(struct file_book *book);

/* All descriptors; the rest stays, of jobs that nobody waits for any more. */
void file_book_let_go(struct file_book *book);

static inline struct span filed_path(const struct filed *filed)
{
	return span_of(filed->path, filed->path_len);
}

#endif
