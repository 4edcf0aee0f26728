/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine_memory: ways to lay out the engine's memory, to be measured against each other by limit.c. The product's own choice
 * is ampscansvc/huge_pages.c; this file exists to show what it is worth.
 *
 * Owns malloc's settings and madvise(2) of the process. Must not own libclamav.
 */
#ifndef AMP_TESTS_BENCH_ENGINE_MEMORY_H
#define AMP_TESTS_BENCH_ENGINE_MEMORY_H

enum engine_memory {
	ENGINE_MEMORY_PLAIN = 0,
	ENGINE_MEMORY_MALLOC = 1 << 0,   /* no trimming, no small mappings */
	ENGINE_MEMORY_COLLAPSE = 1 << 1, /* MADV_COLLAPSE after the load */
	ENGINE_MEMORY_ARENA = 1 << 2,    /* libclamav's pool from a MADV_HUGEPAGE arena */
};

/* "plain", or names joined by '+': "malloc+collapse". -1 when not understood. */
int engine_memory_parse(const char *text);

void engine_memory_before_load(unsigned how);

/* After cl_engine_compile, before the first fork. Says on stderr what it reached. */
void engine_memory_after_load(unsigned how);

#endif
