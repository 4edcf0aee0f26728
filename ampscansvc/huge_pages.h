/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * huge_pages: puts the engine on huge pages while it is loaded. Matching walks a gigabyte at random,
 * so the reach of the TLB decides the speed; and a fork copies few page tables. libclamav takes the
 * engine's memory in pieces of 256 KiB by mmap: these are served from one arena that the kernel was
 * asked to back with huge pages. Where it refuses, nothing changes but the speed.
 *
 * Owns: the arena, the malloc tuning, the look at this process's memory (opened before the root goes
 * away, closed after use, so that no worker inherits it). Must not own what is loaded.
 */
#ifndef AMP_AMPSCANSVC_HUGE_PAGES_H
#define AMP_AMPSCANSVC_HUGE_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* Tells malloc to keep memory (no trimming, few mmaps). Before the first large allocation. */
void huge_pages_tune_malloc(void);

/* Opens the arena, and what huge_pages_memory() reads. */
void huge_pages_prepare(void);

/* A piece of the arena for a private anonymous mapping of `len` bytes, read and write; NULL while it
 * is closed or when it is used up. May be unmapped like any mapping; the place is not used again. */
void *huge_pages_take(size_t len);

/* The load is over: closes the arena, gives back what is unused, and asks again for what the kernel
 * did not put on huge pages by itself. Calls `beat` between two. */
void huge_pages_settle(void (*beat)(void *context, uint64_t done, uint64_t total), void *context);

struct memory_figures {
	uint64_t resident, huge, address_space; /* bytes; 0: unknown */
};
struct memory_figures huge_pages_memory(void);

/* Closes what prepare opened. */
void huge_pages_done(void);

#endif
