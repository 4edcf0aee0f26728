/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/last_words_page.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/birth_contract.h"
#include "base/text.h"

#define STACK_REACH (64u << 10) /* a fault that near to the stack pointer is the stack's own */

int last_words_page_make(void)
{
	int fd = memfd_create("last-words", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)BIRTH_WORKER_SLOTS * LAST_WORDS_PAGE_BYTES) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* ---- checks ---- */

static bool is_harmless(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.' || c == '+';
}

/* All of it, or nothing. `out` has a byte more than the field. */
static void copy_text(const char *field, size_t size, char *out)
{
	size_t len = strnlen(field, size);

	for (size_t i = 0; i < len; i++) {
		if (!is_harmless(field[i]))
			len = 0;
	}
	memcpy(out, field, len);
	out[len] = '\0';
}

static const struct {
	unsigned signal;
	const char *name;
} faults[] = {
	{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGILL, "SIGILL"},
	{SIGFPE, "SIGFPE"},   {SIGABRT, "SIGABRT"},
};

/* NULL: not one that means a fault. */
static const char *name_of_fault(uint32_t number)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (faults[i].signal == number)
			return faults[i].name;
	}
	return NULL;
}

static bool is_near(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) < STACK_REACH;
}

static void copy_fault(const struct last_words *page, struct last_words_report *report)
{
	report->signal = page->signal;
	report->code = (int)(int32_t)page->code;
	report->address = page->address;
	report->offset = page->offset;
	copy_text(page->module, sizeof(page->module), report->module);
	report->stack_ran_out = page->signal == SIGSEGV && report->code > 0 && page->address &&
				is_near(page->address, page->stack);
}

bool last_words_page_parse(const struct last_words *page, uint64_t worker,
			   struct last_words_report *ret_report)
{
	*ret_report = (struct last_words_report){0};
	/* A page that nobody wrote is of no worker, whatever number is asked for. */
	if (page->worker != worker || page->phase == SCAN_PHASE_UNKNOWN ||
	    page->phase >= SCAN_PHASE_COUNT)
		return false;
	ret_report->phase = (enum scan_phase)page->phase;
	ret_report->job = page->job;
	if (page->depth <= LAST_WORDS_MAX_DEPTH)
		ret_report->depth = page->depth;
	copy_text(page->type, sizeof(page->type), ret_report->type);
	if (name_of_fault(page->signal))
		copy_fault(page, ret_report);
	return true;
}

bool last_words_page_read(int fd, uint64_t worker, struct last_words_report *ret_report)
{
	struct last_words_report report;
	struct last_words page;
	unsigned n = 0;

	*ret_report = (struct last_words_report){0};
	for (unsigned i = 0; fd >= 0 && i < BIRTH_WORKER_SLOTS; i++) {
		ssize_t len = pread(fd, &page, sizeof(page), (off_t)i * LAST_WORDS_PAGE_BYTES);

		if (len != sizeof(page) || !last_words_page_parse(&page, worker, &report))
			continue;
		*ret_report = report;
		n++;
	}
	/* One of two was forged by another worker: neither is believed. */
	if (n > 1)
		*ret_report = (struct last_words_report){0};
	return n == 1;
}

/* ---- words ---- */

static const struct {
	unsigned signal;
	int code;
	const char *text;
} codes[] = {
	{SIGSEGV, SEGV_MAPERR, "no memory there"},
	{SIGSEGV, SEGV_ACCERR, "not allowed there"},
	{SIGSEGV, SI_KERNEL, "an impossible address"},
	{SIGBUS, BUS_ADRALN, "not aligned"},
	{SIGBUS, BUS_ADRERR, "no storage behind the memory"},
	{SIGBUS, BUS_MCEERR_AR, "broken memory"},
	{SIGBUS, BUS_MCEERR_AO, "broken memory"},
	{SIGFPE, FPE_INTDIV, "division by zero"},
};

static void append_code(const struct last_words_report *report, char *out, size_t size, size_t *at)
{
	if (report->code <= 0) {
		text_append(out, size, at, "%s",
			    report->signal == SIGABRT ? "" : " (sent by a process)");
		return;
	}
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].signal != report->signal || codes[i].code != report->code)
			continue;
		text_append(out, size, at, " (%s)", codes[i].text);
		return;
	}
	text_append(out, size, at, " (code %d)", report->code);
}

static void append_fault(const struct last_words_report *report, char *out, size_t size, size_t *at)
{
	text_append(out, size, at, ", and saw %s", name_of_fault(report->signal));
	if (report->stack_ran_out)
		text_append(out, size, at, " (its stack ran out)");
	else
		append_code(report, out, size, at);
	if (report->code > 0)
		text_append(out, size, at, " at address %#" PRIx64, report->address);
	if (report->module[0])
		text_append(out, size, at, " in %s+%#" PRIx64, report->module, report->offset);
	else if (report->offset)
		text_append(out, size, at, " at %#" PRIx64 " in no module", report->offset);
}

char *last_words_page_text(const struct last_words_report *report, char *out, size_t size)
{
	size_t at = 0;

	if (size)
		out[0] = '\0';
	text_append(out, size, &at, "by its own words it was %s", scan_phase_name(report->phase));
	if (report->phase == SCAN_PHASE_SCAN && report->type[0]) {
		text_append(out, size, &at, " %s", report->type);
		if (report->depth)
			text_append(out, size, &at, " at depth %u", report->depth);
	}
	if (report->signal)
		append_fault(report, out, size, &at);
	return out;
}
