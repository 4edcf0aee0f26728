/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * huge_pages: moves the loaded engine to huge pages. Matching walks a gigabyte at random, so the reach of the TLB decides
 * the speed; and a fork copies few page tables. Where the kernel refuses, nothing changes.
 *
 * Owns the look at /proc/self/maps: opened before the root goes away, closed after use, so that no worker inherits it.
 */
#ifndef AMP_AMPSCANSVC_HUGE_PAGES_H
#define AMP_AMPSCANSVC_HUGE_PAGES_H

#include <stdint.h>

/* Tells malloc to keep memory (no trimming, few mmaps). Before the first large allocation. */
void huge_pages_tune_malloc(void);

/* Opens what huge_pages_settle() needs. Failure shows there as 0 bytes. */
void huge_pages_prepare(void);

/* Collapses the large private anonymous regions. Returns the bytes that are on huge pages now. Calls `beat` between two. */
uint64_t huge_pages_settle(void (*beat)(void *context, uint64_t done, uint64_t total),
			   void *context);

/* Resident memory of this process, and its address space, in bytes; both 0 when unknown. */
uint64_t huge_pages_memory(uint64_t *ret_vm_bytes);

/* Closes what prepare opened. */
void huge_pages_done(void);

#endif
