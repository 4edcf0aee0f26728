/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/huge_pages.h"

#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE                                                                              \
	25 /* Linux 6.1; an older kernel refuses, khugepaged then comes by on its own time */
#endif

#define HUGE_PAGE ((uintptr_t)2 << 20)
#define MAPS_BYTES (1 << 20) /* 10,000 regions; libclamav's loaded engine has some hundred */
#define KEEP_BYTES (256 << 20)
#define MMAP_BYTES (32 << 20) /* the most that glibc takes */
#define PAD_BYTES (16 << 20)

static int maps = -1;
static int statm = -1;

void huge_pages_tune_malloc(void)
{
	/* A refusal leaves the default, which is right but slower. */
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	(void)mallopt(M_TOP_PAD, PAD_BYTES);
	/* One thread, one arena. */
	(void)mallopt(M_ARENA_MAX, 1);
}

void huge_pages_prepare(void)
{
	maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

void huge_pages_done(void)
{
	if (maps >= 0)
		close(maps);
	if (statm >= 0)
		close(statm);
	maps = statm = -1;
}

uint64_t huge_pages_memory(uint64_t *ret_vm_bytes)
{
	unsigned long long vm_pages, pages;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char text[128];
	ssize_t len = statm < 0 ? -1 : pread(statm, text, sizeof(text) - 1, 0);

	*ret_vm_bytes = 0;
	text[len > 0 ? len : 0] = '\0';
	if (sscanf(text, "%llu %llu", &vm_pages, &pages) != 2)
		return 0;
	*ret_vm_bytes = vm_pages * page;
	return pages * page;
}

static char *read_maps(void)
{
	char *text = malloc(MAPS_BYTES);
	size_t len = 0;
	ssize_t got = 1;

	if (!text || maps < 0 || lseek(maps, 0, SEEK_SET) < 0) {
		free(text);
		return NULL;
	}
	while (got > 0 && len < MAPS_BYTES - 1) {
		got = read(maps, text + len, MAPS_BYTES - 1 - len);
		if (got > 0)
			len += (size_t)got;
	}
	text[len] = '\0';
	return text;
}

/* The part of a private anonymous writable region that huge pages can hold; 0 when there is none. */
static int is_candidate(const char *line, uintptr_t *ret_begin, uintptr_t *ret_end)
{
	unsigned long begin, end, inode;
	char rights[5], name[16] = "";

	if (sscanf(line, "%lx-%lx %4s %*x %*s %lu %15s", &begin, &end, rights, &inode, name) < 4)
		return 0;
	/* The sanitizers' shadow is terabytes of nothing. */
	if (AMP_SANITIZED || strcmp(rights, "rw-p") != 0 || inode != 0 ||
	    strncmp(name, "[stack", 6) == 0)
		return 0;
	*ret_begin = (begin + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	*ret_end = end & ~(HUGE_PAGE - 1);
	return *ret_begin < *ret_end;
}

static uint64_t collapse(uintptr_t begin, uintptr_t end)
{
	uint64_t done = 0;

	/* Refused (THP off): the collapse below may still work, it does not look at the switch. */
	(void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
	for (uintptr_t at = begin; at < end; at += HUGE_PAGE)
		if (madvise((void *)at, HUGE_PAGE, MADV_COLLAPSE) == 0)
			done += HUGE_PAGE;
	return done;
}

uint64_t huge_pages_settle(void (*beat)(void *context, uint64_t done, uint64_t total),
			   void *context)
{
	char *text = read_maps();
	char *save = NULL;
	uint64_t done = 0, seen = 0;

	if (!text)
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uintptr_t begin, end;

		if (!is_candidate(line, &begin, &end))
			continue;
		done += collapse(begin, end);
		seen += end - begin;
		beat(context, done, seen);
	}
	free(text);
	return done;
}
