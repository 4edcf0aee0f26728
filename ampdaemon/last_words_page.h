/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * last_words_page: the daemon's side of base/last_words.h: makes the memory that a scan service's workers write their last words into,
 * and reads what one of them left there. The writer may have been taken over while it wrote: the memory is never mapped here but read once
 * by pread(2), its size is sealed, and what does not look like the words of our own worker is left out.
 *
 * Owns: the check of each field, the words for people. Must not own the descriptor, nor any decision: this is hearsay.
 */
#ifndef AMP_AMPDAEMON_LAST_WORDS_PAGE_H
#define AMP_AMPDAEMON_LAST_WORDS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/last_words.h"
#include "base/lives.h"

#define LAST_WORDS_MAX_DEPTH 100

/* Checked: numbers are in range, texts are short, of harmless letters, and end. */
struct last_words_report {
	enum scan_phase phase;
	uint64_t job;    /* 0: none in hand */
	unsigned signal; /* one of those that mean a fault; 0: none was seen */
	int code;
	uint64_t address, offset;
	bool stack_ran_out;
	unsigned depth;
	char module[LAST_WORDS_MODULE_BYTES + 1]; /* "": not known */
	char type[LAST_WORDS_TYPE_BYTES + 1];     /* "": not known */
};

/* Memory of BIRTH_WORKER_SLOTS empty pages whose size nobody can change: a descriptor, or -errno. */
int last_words_page_make(void);

/* The words of `worker`. False: it left none, or two pages claim to be its own. -1 as `fd` has none. */
bool last_words_page_read(int fd, uint64_t worker, struct last_words_report *ret_report);

/* One page, already copied. False: it is not that worker's, or not a page that our worker writes. */
bool last_words_page_parse(const struct last_words *page, uint64_t worker,
			   struct last_words_report *ret_report);

/* "by its own words it was scanning CL_TYPE_ZIP at depth 1, and saw SIGSEGV (no memory there) at address 0x0 in
 * libclamav.so.12+0x9d2f1". Returns `out`; cut when it does not fit. */
char *last_words_page_text(const struct last_words_report *report, char *out, size_t size);

#endif
