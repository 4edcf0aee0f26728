/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_last_words: the page of a worker that was taken over. The input is one page, cut or padded with zeros; the first two bytes are
 * the room for the sentence. The worker's number is the page's own, and another one.
 */
#include <string.h>

#include "ampdaemon/last_words_page.h"
#include "base/text.h"
#include "tests/fuzz/fuzz_check.h"

static void check_text(const char *field, size_t size)
{
	size_t len = strnlen(field, size);

	FUZZ_CHECK(len < size);
	FUZZ_CHECK(text_is_printable(field, len));
	FUZZ_CHECK(!strpbrk(field, " /\\\"'%<>;"));
}

static void check_report(const struct last_words_report *report, char *text, size_t room)
{
	FUZZ_CHECK(report->phase > SCAN_PHASE_UNKNOWN && report->phase < SCAN_PHASE_COUNT);
	FUZZ_CHECK(report->depth <= LAST_WORDS_MAX_DEPTH);
	FUZZ_CHECK(report->signal < 32);
	FUZZ_CHECK(report->signal || !report->stack_ran_out);
	check_text(report->module, sizeof(report->module));
	check_text(report->type, sizeof(report->type));
	FUZZ_CHECK(last_words_page_text(report, text, room) == text);
	FUZZ_CHECK(strnlen(text, room) < room);
	FUZZ_CHECK(text_is_printable(text, strlen(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct last_words page = {0};
	struct last_words_report report;
	size_t room;
	char *text;

	if (size < 2)
		return 0;
	room = 1 + (data[0] | (size_t)data[1] << 8) % 512;
	memcpy(&page, data + 2, size - 2 < sizeof(page) ? size - 2 : sizeof(page));
	text = malloc(room);
	FUZZ_CHECK(text);
	FUZZ_CHECK(!last_words_page_parse(&page, page.worker + 1, &report));
	FUZZ_CHECK(report.phase == SCAN_PHASE_UNKNOWN && !report.signal && !report.module[0]);
	if (last_words_page_parse(&page, page.worker, &report))
		check_report(&report, text, room);
	free(text);
	return 0;
}
