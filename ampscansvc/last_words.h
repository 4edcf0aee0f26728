/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * last_words: what a worker leaves behind for its death certificate (base/last_words.h). The parent has the memory of all slots
 * mapped and lends a child the page of its slot: no other page is in the child's memory, so that a worker that was taken over
 * cannot forge another's words. The worker notes where it is, by plain stores, and its signal handler notes what ended it.
 *
 * Owns: the mapping, the handlers of the signals that mean a fault, the table of modules. Must not own any decision; without the memory all
 * this does nothing.
 */
#ifndef AMP_AMPSCANSVC_LAST_WORDS_H
#define AMP_AMPSCANSVC_LAST_WORDS_H

#include <stdint.h>

#include "base/lives.h"

/* ---- in the parent ---- */

/* Takes `fd`, if it is open. Before the walls, after the last module was loaded. */
void last_words_prepare(int fd);

/* Around a fork: the child finds the slot's page in its memory, and it is empty. */
void last_words_lend(unsigned slot);
void last_words_take_back(void);

/* ---- in the worker ---- */

/* Right after the fork: what was lent is this worker's, and its faults are noted from here on. */
void last_words_begin(uint64_t worker);

void last_words_enter(enum scan_phase phase);
void last_words_take_job(uint64_t job); /* 0: none */

/* The content that the engine looks into now. `type` may be anything that ends; depth 0 is the file itself. */
void last_words_note_content(const char *type, unsigned depth);

#endif
