/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/generation_book.h"

#include <string.h>

#include "ampdaemon/core/definition_machine.h"

#define KEY "definitions/numbers"
#define FAR (UINT64_C(1) << 48) /* away from the numbers of the store, DEFINITIONS_FIRST up */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t mix(uint64_t print, const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		print = (print ^ bytes[i]) * FNV_PRIME;
	return print;
}

static uint64_t mix_number(uint64_t print, uint64_t number)
{
	return mix(print, &number, sizeof(number));
}

static uint64_t print_of_file(const struct definition_file *file)
{
	uint64_t print = mix(FNV_BASIS, file->name, strlen(file->name) + 1);

	print = mix_number(print, file->accepted);
	print = mix_number(print, file->version);
	print = mix_number(print, file->signatures);
	return mix_number(print, file->built);
}

/* A sum: the order in which a directory gives its files means nothing. Not a secret: whoever could choose definitions to collide
 * could choose them to find nothing. */
static uint64_t print_of(const struct service_report *report)
{
	uint64_t print = mix_number(FNV_BASIS, report->ready.signatures);

	for (unsigned i = 0; i < report->n_files; i++)
		print += print_of_file(&report->files[i]);
	return print;
}

static void recall(void *context, const char *key, const void *data, size_t len)
{
	struct generation_book *book = context;

	if (strcmp(key, KEY) == 0 && len == sizeof(*book))
		memcpy(book, data, len);
}

void generation_book_recall(struct generation_book *book, struct journal *journal)
{
	*book = (struct generation_book){.last = DEFINITION_SOURCE_COUNT};
	(void)journal_recall(journal, KEY, recall, book); /* else numbered from the start */
}

static uint64_t next_number(struct generation_book *book)
{
	if (++book->last == DEFINITIONS_FIRST)
		book->last = FAR;
	return book->last;
}

uint64_t generation_book_number(struct generation_book *book, struct journal *journal,
				enum definition_source source, const struct service_report *report)
{
	struct journal_value value = {.key = KEY, .data = book, .len = sizeof(*book)};
	uint64_t print = print_of(report);

	if (book->sets[source].number && book->sets[source].print == print)
		return book->sets[source].number;
	book->sets[source].number =
		book->sets[source].number ? next_number(book) : (uint64_t)source + 1;
	book->sets[source].print = print;
	journal_record_with(journal, NULL, &value, 1);
	return book->sets[source].number;
}
