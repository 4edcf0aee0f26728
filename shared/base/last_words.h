/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * last_words: the page that a scan worker leaves behind: where it was, with which job, and what signal it saw. The daemon makes one
 * memfd of BIRTH_WORKER_SLOTS pages per service (BIRTH_FD_LAST_WORDS); each worker has only its own page mapped. Whatever stands there
 * is hearsay of a process that may have been taken over: the daemon reads it once, after the death, copies, checks ranges,
 * and uses it for words only - never for a decision.
 */
#ifndef AMP_SHARED_BASE_LAST_WORDS_H
#define AMP_SHARED_BASE_LAST_WORDS_H

#include <stdint.h>

#define LAST_WORDS_PAGE_BYTES 4096
#define LAST_WORDS_MODULE_BYTES 32
#define LAST_WORDS_TYPE_BYTES 32

/* Fixed layout, native byte order: both sides are of the same build. All zero: nothing was said. */
struct last_words {
	uint64_t worker;  /* who writes; another number: the words of an earlier worker */
	uint64_t job;     /* in hand; 0: none */
	uint32_t phase;   /* enum scan_phase */
	uint32_t signal;  /* that its handler saw; 0: none */
	uint32_t code;    /* si_code */
	uint32_t depth;   /* of nesting in the file in hand; 0: the file itself */
	uint64_t address; /* si_addr */
	uint64_t stack;   /* stack pointer: a fault beside it means that the stack ran out */
	uint64_t offset;  /* of the program counter in `module`; the counter itself without one */
	/* Texts need not end. The base name of the mapped file, and what the engine takes the innermost content for. */
	char module[LAST_WORDS_MODULE_BYTES];
	char type[LAST_WORDS_TYPE_BYTES];
};

_Static_assert(sizeof(struct last_words) <= LAST_WORDS_PAGE_BYTES, "one page per worker");

#endif
