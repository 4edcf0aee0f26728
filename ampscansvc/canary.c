/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/canary.h"

#include <errno.h>
#include <string.h>

#include "ampscansvc/exhaustion.h"
#include "base/text.h"

void canary_unmask(void)
{
	for (unsigned i = 0; i < canary_n_files; i++)
		for (size_t at = 0; at < canary_files[i].len; at++)
			canary_files[i].bytes[at] ^= canary_mask;
}

unsigned canary_count(void)
{
	return canary_n_files;
}

/* Signatures of unsigned files get this ending from libclamav. */
static int is_named(const char *found, const char *wanted)
{
	size_t len = strlen(wanted);

	return strncmp(found, wanted, len) == 0 &&
	       (found[len] == '\0' || strcmp(found + len, ".UNOFFICIAL") == 0);
}

int canary_check(struct engine *engine, unsigned number, char why[LIMIT_DETAIL_BYTES])
{
	const struct canary_file *file = &canary_files[number % canary_n_files];
	struct engine_answer answer;
	struct exhaustion_note note;
	size_t at = 0;

	exhaustion_watch(-1, 0);
	engine_scan_memory(engine, file->bytes, file->len, &answer);
	note = exhaustion_seen();
	if (answer.answer == SCAN_ANSWER_FOUND && is_named(answer.name, file->name))
		return 0;
	text_append(why, LIMIT_DETAIL_BYTES, &at, "%s was not found", file->name);
	if (answer.name[0])
		text_append(why, LIMIT_DETAIL_BYTES, &at, ", but %s", answer.name);
	if (note.call)
		text_append(why, LIMIT_DETAIL_BYTES, &at, "; refused: %s (%s)", note.call,
			    strerror(note.error));
	return -ENOENT;
}

int canary_check_all(struct engine *engine, char why[LIMIT_DETAIL_BYTES])
{
	for (unsigned i = 0; i < canary_n_files; i++) {
		int result = canary_check(engine, i, why);

		if (result < 0)
			return result;
	}
	return 0;
}
