/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/last_words_page.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/birth_contract.h"
#include "base/text.h"
#include "tests/support/unit_main.h"

#define RANDOM_PAGES 200000

static const struct last_words honest = {
	.worker = 17,
	.job = 4711,
	.phase = SCAN_PHASE_SCAN,
	.signal = SIGSEGV,
	.code = SEGV_MAPERR,
	.depth = 2,
	.address = 0x10,
	.stack = 0x7ffc00001000,
	.offset = 0x9d2f1,
	.module = "libclamav.so.12",
	.type = "CL_TYPE_ZIP",
};

static void put(int fd, unsigned slot, const struct last_words *page)
{
	CU_ASSERT_EQUAL(pwrite(fd, page, sizeof(*page), (off_t)slot * LAST_WORDS_PAGE_BYTES),
			(ssize_t)sizeof(*page));
}

static const char *text_of(const struct last_words *page)
{
	static char text[300];
	struct last_words_report report;

	text[0] = '\0';
	if (last_words_page_parse(page, page->worker, &report))
		(void)last_words_page_text(&report, text, sizeof(text));
	return text;
}

static void the_memory_has_a_page_for_each_slot_and_cannot_change_its_size(void)
{
	const off_t bytes = (off_t)BIRTH_WORKER_SLOTS * LAST_WORDS_PAGE_BYTES;
	struct last_words_report report;
	int fd = last_words_page_make();

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_END), bytes);
	CU_ASSERT_NOT_EQUAL(ftruncate(fd, 0), 0);
	CU_ASSERT_NOT_EQUAL(ftruncate(fd, bytes * 2), 0);
	CU_ASSERT_NOT_EQUAL(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	for (uint64_t worker = 0; worker < 100; worker++)
		CU_ASSERT_FALSE(last_words_page_read(fd, worker, &report));
	close(fd);
}

static void the_words_of_a_worker_are_found_in_whatever_slot(void)
{
	struct last_words_report report;

	for (unsigned slot = 0; slot < BIRTH_WORKER_SLOTS; slot++) {
		struct last_words other = honest;
		int fd = last_words_page_make();

		other.worker = 18;
		put(fd, slot, &honest);
		put(fd, (slot + 1) % BIRTH_WORKER_SLOTS, &other);
		CU_ASSERT_TRUE(last_words_page_read(fd, 17, &report));
		CU_ASSERT_EQUAL(report.phase, SCAN_PHASE_SCAN);
		CU_ASSERT_EQUAL(report.job, 4711);
		CU_ASSERT_EQUAL(report.signal, SIGSEGV);
		CU_ASSERT_EQUAL(report.offset, 0x9d2f1);
		CU_ASSERT_STRING_EQUAL(report.module, "libclamav.so.12");
		CU_ASSERT_FALSE(last_words_page_read(fd, 19, &report));
		close(fd);
	}
	CU_ASSERT_FALSE(last_words_page_read(-1, 17, &report));
}

static void two_that_claim_one_number_are_both_not_believed(void)
{
	struct last_words_report report;
	int fd = last_words_page_make();

	put(fd, 3, &honest);
	put(fd, 20, &honest);
	CU_ASSERT_FALSE(last_words_page_read(fd, 17, &report));
	CU_ASSERT_EQUAL(report.phase, SCAN_PHASE_UNKNOWN);
	close(fd);
}

static void a_phase_out_of_range_makes_the_page_nobody_s(void)
{
	static const uint32_t phases[] = {0, SCAN_PHASE_COUNT, SCAN_PHASE_COUNT + 1, 0x80000000,
					  UINT32_MAX};
	struct last_words_report report;

	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		struct last_words page = honest;

		page.phase = phases[i];
		CU_ASSERT_FALSE(last_words_page_parse(&page, 17, &report));
	}
}

static void what_is_out_of_range_is_left_out(void)
{
	struct last_words page = honest;

	page.signal = SIGKILL;
	CU_ASSERT_STRING_EQUAL(text_of(&page),
			       "by its own words it was scanning CL_TYPE_ZIP at depth 2");
	page.depth = LAST_WORDS_MAX_DEPTH + 1;
	CU_ASSERT_STRING_EQUAL(text_of(&page), "by its own words it was scanning CL_TYPE_ZIP");
	page.type[3] = '\x1b';
	CU_ASSERT_STRING_EQUAL(text_of(&page), "by its own words it was scanning");
	page = honest;
	page.module[0] = '/';
	CU_ASSERT_STRING_EQUAL(
		text_of(&page),
		"by its own words it was scanning CL_TYPE_ZIP at depth 2, and saw SIGSEGV "
		"(no memory there) at address 0x10 at 0x9d2f1 in no module");
}

static void texts_that_do_not_end_stay_in_their_fields(void)
{
	struct last_words page = honest;
	struct last_words_report report;

	memset(page.module, 'm', sizeof(page.module));
	memset(page.type, 'T', sizeof(page.type));
	CU_ASSERT_TRUE(last_words_page_parse(&page, 17, &report));
	CU_ASSERT_EQUAL(strlen(report.module), LAST_WORDS_MODULE_BYTES);
	CU_ASSERT_EQUAL(strlen(report.type), LAST_WORDS_TYPE_BYTES);
	CU_ASSERT_EQUAL(strspn(report.module, "m"), LAST_WORDS_MODULE_BYTES);
	CU_ASSERT_EQUAL(strspn(report.type, "T"), LAST_WORDS_TYPE_BYTES);
}

static void the_words_for_each_kind_of_fault(void)
{
	struct last_words page = honest;

	CU_ASSERT_STRING_EQUAL(
		text_of(&page),
		"by its own words it was scanning CL_TYPE_ZIP at depth 2, and saw SIGSEGV "
		"(no memory there) at address 0x10 in libclamav.so.12+0x9d2f1");
	page.address = page.stack - 8;
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&page), "SIGSEGV (its stack ran out) at address"));
	page.code = (uint32_t)SI_USER;
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&page), "SIGSEGV (sent by a process) in libclamav"));
	page.signal = SIGABRT;
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&page), "and saw SIGABRT in libclamav"));
	page.signal = SIGBUS;
	page.code = BUS_ADRERR;
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&page), "SIGBUS (no storage behind the memory)"));
	page.signal = SIGILL;
	page.code = 77;
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&page), "SIGILL (code 77)"));
	page.phase = SCAN_PHASE_IDLE;
	page.signal = 0;
	CU_ASSERT_STRING_EQUAL(text_of(&page), "by its own words it was waiting for work");
}

/* Every byte is the attacker's; only number and phase are put right at times, or hardly a page would get any further. */
static void pages_of_chance_give_nothing_but_fit_words(void)
{
	struct last_words_report report;
	struct last_words page;
	unsigned n_taken = 0, n_faults = 0;
	char text[64];

	srandom(3);
	for (unsigned i = 0; i < RANDOM_PAGES; i++) {
		for (size_t at = 0; at < sizeof(page); at++)
			((uint8_t *)&page)[at] = (uint8_t)random();
		if (i % 2)
			page.phase %= SCAN_PHASE_COUNT;
		if (i % 4 == 3)
			page.signal %= 65;
		if (!last_words_page_parse(&page, page.worker, &report))
			continue;
		n_taken++;
		n_faults += report.signal != 0;
		CU_ASSERT_FATAL(report.phase > 0 && report.phase < SCAN_PHASE_COUNT);
		CU_ASSERT_FATAL(report.depth <= LAST_WORDS_MAX_DEPTH);
		(void)last_words_page_text(&report, text, sizeof(text));
		CU_ASSERT_FATAL(text_is_printable(text, strnlen(text, sizeof(text))));
	}
	CU_ASSERT_TRUE(n_taken > RANDOM_PAGES / 4 && n_faults > 100);
}

static const struct unit_test tests[] = {
	{"the memory has a page for each slot and cannot change its size",
	 the_memory_has_a_page_for_each_slot_and_cannot_change_its_size},
	{"the words of a worker are found in whatever slot",
	 the_words_of_a_worker_are_found_in_whatever_slot},
	{"two that claim one number are both not believed",
	 two_that_claim_one_number_are_both_not_believed},
	{"a phase out of range makes the page nobody's",
	 a_phase_out_of_range_makes_the_page_nobody_s},
	{"what is out of range is left out", what_is_out_of_range_is_left_out},
	{"texts that do not end stay in their fields", texts_that_do_not_end_stay_in_their_fields},
	{"the words for each kind of fault", the_words_for_each_kind_of_fault},
	{"pages of chance give nothing but fit words", pages_of_chance_give_nothing_but_fit_words},
};

UNIT_MAIN("last_words", tests)
