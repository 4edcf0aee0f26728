/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/file_book.h"

#include <stdlib.h>
#include <string.h>

#include "io/late_close.h"

bool file_book_init(struct file_book *book, uint32_t capacity)
{
	*book = (struct file_book){.capacity = capacity};
	book->files = calloc(capacity, sizeof(*book->files));
	return book->files;
}

void file_book_done(struct file_book *book)
{
	if (book->files)
		file_book_clear(book);
	free(book->files);
	*book = (struct file_book){0};
}

struct filed filed_of(uint64_t client, uint64_t file, struct span path, int fd)
{
	struct filed filed = {.client = client, .file = file, .path_len = path.len, .fd = fd};

	filed.path = malloc(path.len + 1);
	if (filed.path && path.len)
		memcpy(filed.path, path.data, path.len);
	return filed;
}

struct filed *file_book_put(struct file_book *book, const struct filed *filed)
{
	struct filed *place = &book->files[job_index(filed->job)];

	*place = *filed;
	book->path_bytes += filed->path_len;
	return place;
}

struct filed *file_book_find(struct file_book *book, job_id job)
{
	struct filed *filed = job_index(job) < book->capacity ? &book->files[job_index(job)] : NULL;

	return job && filed && filed->path && filed->job == job ? filed : NULL;
}

void file_book_drop(struct file_book *book, struct filed *filed)
{
	book->path_bytes -= filed->path_len;
	free(filed->path);
	late_close(filed->fd);
	*filed = (struct filed){.fd = -1};
}

void file_book_let_go(struct file_book *book)
{
	for (uint32_t i = 0; i < book->capacity; i++) {
		if (!book->files[i].path)
			continue;
		late_close(book->files[i].fd);
		book->files[i].fd = -1;
	}
}

void file_book_clear(struct file_book *book)
{
	for (uint32_t i = 0; i < book->capacity; i++) {
		if (book->files[i].path)
			file_book_drop(book, &book->files[i]);
	}
}
