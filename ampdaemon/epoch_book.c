/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/epoch_book.h"

#include <stddef.h>

static struct epoch_note *find(struct epoch_book *book, uint64_t epoch)
{
	for (unsigned i = 0; epoch != 0 && i < EPOCH_NOTES; i++) {
		if (book->notes[i].epoch == epoch)
			return &book->notes[i];
	}
	return NULL;
}

/* Epochs only grow: the smallest is the oldest, and 0 is a free place. */
static struct epoch_note *oldest(struct epoch_book *book)
{
	struct epoch_note *note = NULL;

	for (unsigned i = 0; i < EPOCH_NOTES; i++) {
		if (!book->notes[i].lives && (!note || book->notes[i].epoch < note->epoch))
			note = &book->notes[i];
	}
	return note ? note : &book->notes[0]; /* more never live */
}

static struct epoch_note *note_of(struct epoch_book *book, uint64_t epoch, uint64_t generation)
{
	struct epoch_note *note = find(book, epoch);

	if (!note) {
		note = oldest(book);
		*note = (struct epoch_note){.epoch = epoch};
	}
	note->generation = generation;
	note->lives = true;
	return note;
}

void epoch_book_stand_by(struct epoch_book *book, uint64_t epoch, uint64_t generation)
{
	(void)note_of(book, epoch, generation); /* that it is noted is all */
}

bool epoch_book_serve(struct epoch_book *book, uint64_t epoch, uint64_t generation)
{
	struct epoch_note *before = find(book, book->current);
	bool is_new = generation != book->generation;

	if (before)
		before->outgoing = true;
	note_of(book, epoch, generation)->outgoing = false;
	book->current = epoch;
	book->generation = generation;
	return is_new;
}

void epoch_book_lose(struct epoch_book *book, uint64_t epoch)
{
	struct epoch_note *note = find(book, epoch);

	if (note)
		note->lives = false;
	if (book->current == epoch)
		book->current = 0;
}

uint64_t epoch_book_generation(const struct epoch_book *book, uint64_t epoch)
{
	const struct epoch_note *note = find((struct epoch_book *)book, epoch);

	return note ? note->generation : book->generation;
}

void epoch_book_born(struct epoch_book *book, uint64_t epoch)
{
	struct epoch_note *note = find(book, epoch);

	if (note)
		note->hung_births = note->failed_births = 0;
}

static bool is_reached(unsigned *count, unsigned limit)
{
	if (++*count < limit)
		return false;
	*count = 0;
	return true;
}

bool epoch_book_hung(struct epoch_book *book, uint64_t epoch)
{
	struct epoch_note *note = find(book, epoch);

	return note && is_reached(&note->hung_births, HUNG_BIRTH_LIMIT);
}

bool epoch_book_failed(struct epoch_book *book, uint64_t epoch)
{
	struct epoch_note *note = find(book, epoch);

	return note && is_reached(&note->failed_births, FAILED_BIRTH_LIMIT);
}
