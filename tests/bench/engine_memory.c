/* SPDX-License-Identifier: GPL-2.0-only */
#include "engine_memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_BYTES ((size_t)2 << 20)
#define ARENA_BYTES                                                                                \
	((size_t)6 << 30) /* address space only: several times the largest engine known */

static const char *const names[] = {"malloc", "collapse", "arena"};

/* The arena: a bump allocator, for the load only. What is unmapped in it is given back to the kernel, not reused. */
static uint8_t *arena, *arena_next;

static int parse_one(const char *name, size_t len)
{
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return 1 << i;
	return -1;
}

int engine_memory_parse(const char *text)
{
	int how = 0;

	if (strcmp(text, "plain") == 0)
		return 0;
	for (;;) {
		size_t len = strcspn(text, "+");
		int one = parse_one(text, len);

		if (one < 0)
			return -1;
		how |= one;
		if (text[len] == '\0')
			return how;
		text += len + 1;
	}
}

static void *raw_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

/* Stands in for libc's: libclamav's memory pool maps its pieces through it. */
__attribute__((visibility("default"))) void *mmap64(void *addr, size_t len, int prot, int flags,
						    int fd, off_t offset)
{
	size_t size = (len + 4095) & ~(size_t)4095;
	bool ours = arena && !addr && fd < 0 && (flags & MAP_ANONYMOUS) && (flags & MAP_PRIVATE) &&
		    prot == (PROT_READ | PROT_WRITE);

	if (!ours || size > (size_t)(arena + ARENA_BYTES - arena_next))
		return raw_mmap(addr, len, prot, flags, fd, offset);
	arena_next += size;
	return arena_next - size;
}

static void open_arena(void)
{
	uint8_t *raw = raw_mmap(NULL, ARENA_BYTES + HUGE_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t start = ((uintptr_t)raw + HUGE_BYTES - 1) & ~(uintptr_t)(HUGE_BYTES - 1);

	if (raw == MAP_FAILED)
		return;
	if (madvise((void *)start, ARENA_BYTES, MADV_HUGEPAGE) < 0)
		perror("engine_memory: MADV_HUGEPAGE");
	arena_next = (uint8_t *)start;
	arena = arena_next;
}

void engine_memory_before_load(unsigned how)
{
	if (how & ENGINE_MEMORY_MALLOC) {
		(void)mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the largest that malloc accepts */
		(void)mallopt(M_TRIM_THRESHOLD, INT32_MAX);
		(void)mallopt(M_TOP_PAD, 16 << 20);
	}
	if (how & ENGINE_MEMORY_ARENA)
		open_arena();
}

static void collapse_range(uintptr_t start, uintptr_t end)
{
	static unsigned refused;

	start = (start + HUGE_BYTES - 1) & ~(uintptr_t)(HUGE_BYTES - 1);
	for (; start + HUGE_BYTES <= end; start += HUGE_BYTES)
		if (madvise((void *)start, HUGE_BYTES, MADV_COLLAPSE) < 0 && refused++ == 0)
			perror("engine_memory: first refused MADV_COLLAPSE");
}

/* The private anonymous writable regions: "BEGIN-END rw-p 00000000 00:00 0 [heap]", or with no name at all. */
static bool is_memory(const char *line, uintptr_t *ret_start, uintptr_t *ret_end)
{
	char *at;

	*ret_start = strtoul(line, &at, 16);
	*ret_end = strtoul(at + 1, &at, 16);
	return strncmp(at, " rw-p 00000000 00:00 0 ", 23) == 0 && !strstr(at, "[stack]");
}

static void collapse_all(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	static uintptr_t
		ranges[4096]
		      [2]; /* collected first: collapsing changes the list that is being read */
	size_t n = 0;
	char line[4352];

	while (maps && n < 4096 && fgets(line, sizeof(line), maps))
		if (is_memory(line, &ranges[n][0], &ranges[n][1]))
			n++;
	if (maps)
		(void)fclose(maps); /* was only read */
	for (size_t i = 0; i < n; i++)
		collapse_range(ranges[i][0], ranges[i][1]);
}

static void report(double seconds)
{
	FILE *rollup = fopen("/proc/self/smaps_rollup", "re");
	char line[256];

	fprintf(stderr, "engine_memory: %.3f s;", seconds);
	while (rollup && fgets(line, sizeof(line), rollup))
		if (strncmp(line, "Rss:", 4) == 0 || strncmp(line, "AnonHugePages:", 14) == 0)
			fprintf(stderr, " %.*s %lu MB", (int)strcspn(line, ":"), line,
				strtoul(line + strcspn(line, ":") + 1, NULL, 10) / 1024);
	fprintf(stderr, "; arena %zu MB\n", (size_t)(arena_next - arena) >> 20);
	if (rollup)
		(void)fclose(rollup); /* was only read */
}

void engine_memory_after_load(unsigned how)
{
	struct timespec a, b;

	(void)clock_gettime(CLOCK_MONOTONIC, &a); /* cannot fail with this clock */
	if (how & ENGINE_MEMORY_COLLAPSE)
		collapse_all();
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	report((double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec));
	arena = NULL; /* from here on: mappings of scans, which come and go */
	arena_next = NULL;
}
