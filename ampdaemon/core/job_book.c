/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/job_book.h"

#include <assert.h>
#include <stdlib.h>

static uint32_t age_head(const struct job_book *book)
{
	return book->capacity;
}

static uint32_t free_head(const struct job_book *book)
{
	return book->capacity + 1;
}

static uint32_t owner_head(const struct job_book *book, uint64_t owner)
{
	return book->capacity + number_bucket(owner, book->buckets);
}

bool job_book_init(struct job_book *book, uint32_t capacity, uint32_t first_serial)
{
	*book = (struct job_book){.capacity = capacity, .buckets = bucket_count(capacity)};
	book->jobs = calloc(capacity, sizeof(*book->jobs));
	book->ages = index_list_new(capacity + 2);
	book->owners = index_list_new(capacity + book->buckets);
	if (!user_tally_init(&book->users, capacity) || !book->jobs || !book->ages || !book->owners)
		return false;
	for (uint32_t i = 0; i < capacity; i++) {
		book->jobs[i].serial = first_serial == 0 ? 0 : first_serial - 1;
		index_list_insert_before(book->ages, free_head(book), i);
	}
	book->counts[JOB_FREE] = capacity;
	return true;
}

void job_book_done(struct job_book *book)
{
	user_tally_done(&book->users);
	free(book->jobs);
	free(book->ages);
	free(book->owners);
	*book = (struct job_book){0};
}

uint32_t job_book_add(struct job_book *book, const struct job_request *request, mono_ms now)
{
	uint32_t index = book->ages[free_head(book)].next;
	uint32_t serial;

	assert(index < book->capacity);
	serial = book->jobs[index].serial + 1;
	book->jobs[index] = (struct job){
		.request = *request,
		.submitted = now,
		.serial = serial == 0 ? 1 : serial,
		.user = user_tally_add(&book->users, request->uid),
	};
	index_list_remove(book->ages, index);
	index_list_insert_before(book->ages, age_head(book), index);
	index_list_insert_before(book->owners, owner_head(book, request->owner), index);
	job_book_move(book, index, request->held ? JOB_HELD : JOB_QUEUED);
	return index;
}

void job_book_move(struct job_book *book, uint32_t index, enum job_state state)
{
	struct job *job = &book->jobs[index];

	assert(job->state != JOB_ENDED || state == JOB_FREE);
	book->counts[job->state]--;
	book->counts[state]++;
	job->state = state;
	if (state == JOB_ENDED) {
		index_list_remove(book->ages, index);
		index_list_remove(book->owners, index);
	}
}

void job_book_drop(struct job_book *book, uint32_t index)
{
	assert(book->jobs[index].state == JOB_ENDED);
	user_tally_drop(&book->users, book->jobs[index].user);
	job_book_move(book, index, JOB_FREE);
	index_list_insert_after(book->ages, free_head(book), index);
}

job_id job_book_id(const struct job_book *book, uint32_t index)
{
	return (job_id)book->jobs[index].serial << 32 | index;
}

uint32_t job_book_find(const struct job_book *book, job_id id)
{
	uint32_t index = job_index(id);

	if (index >= book->capacity || book->jobs[index].state == JOB_FREE)
		return INDEX_NONE;
	return job_book_id(book, index) == id ? index : INDEX_NONE;
}

uint32_t job_book_oldest_queued(const struct job_book *book)
{
	uint32_t index = book->ages[age_head(book)].next;

	if (book->counts[JOB_QUEUED] == 0)
		return INDEX_NONE;
	while (book->jobs[index].state != JOB_QUEUED)
		index = book->ages[index].next;
	return index;
}

uint32_t job_book_oldest_waiting(const struct job_book *book)
{
	uint32_t index = book->ages[age_head(book)].next;

	if (book->counts[JOB_QUEUED] + book->counts[JOB_HELD] == 0)
		return INDEX_NONE;
	while (book->jobs[index].state != JOB_QUEUED && book->jobs[index].state != JOB_HELD)
		index = book->ages[index].next;
	return index;
}

uint32_t job_book_next_serial(const struct job_book *book)
{
	uint32_t newest = 0;

	for (uint32_t i = 0; i < book->capacity; i++) {
		if (book->jobs[i].serial > newest)
			newest = book->jobs[i].serial;
	}
	return newest + 1; /* 0 after 2^32 uses of an index: that is "whatever" */
}

uint32_t job_book_next_of_owner(const struct job_book *book, uint64_t owner, uint32_t index)
{
	uint32_t head = owner_head(book, owner);

	index = book->owners[index == INDEX_NONE ? head : index].next;
	while (index != head && book->jobs[index].request.owner != owner)
		index = book->owners[index].next;
	return index == head ? INDEX_NONE : index;
}

uint32_t job_book_len(const struct job_book *book)
{
	return book->capacity - book->counts[JOB_FREE];
}
