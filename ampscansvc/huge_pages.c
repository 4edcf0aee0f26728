/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/huge_pages.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 6.1; an older kernel refuses, khugepaged then comes by on its own time. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGE ((size_t)2 << 20)
#define PAGE ((size_t)4096)
#define ARENA_BYTES ((size_t)8 << 30) /* address space only: five times the largest set known */
#define MMAP_BYTES (32 << 20)         /* the most that glibc takes */
#define PAD_BYTES (16 << 20)

static struct {
	uint8_t *begin, *next, *end; /* next NULL: closed */
} arena;
static int rollup = -1, statm = -1;

void huge_pages_tune_malloc(void)
{
	/* A refusal leaves the default, which is right but slower. */
	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	(void)mallopt(M_TOP_PAD, PAD_BYTES);
	/* One thread, one arena. */
	(void)mallopt(M_ARENA_MAX, 1);
}

/* The system call itself: exhaustion.c has libc's. */
static void *map(size_t len, int protection)
{
	return (void *)syscall(SYS_mmap, NULL, len, protection,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void open_arena(void)
{
	uint8_t *raw = map(ARENA_BYTES + HUGE_PAGE, PROT_READ | PROT_WRITE);

	if (raw == MAP_FAILED)
		return; /* strict overcommit, or a limit: the pieces come from elsewhere */
	arena.begin = raw + (-(uintptr_t)raw & (HUGE_PAGE - 1));
	arena.end = raw + ARENA_BYTES + HUGE_PAGE;
	arena.next = arena.begin;
	(void)madvise(arena.begin, ARENA_BYTES,
		      MADV_HUGEPAGE); /* a kernel without: settle() tries */
}

void huge_pages_prepare(void)
{
	rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (!AMP_SANITIZED) /* its shadow memory would be backed by huge pages too */
		open_arena();
}

void *huge_pages_take(size_t len)
{
	uint8_t *piece = arena.next;
	size_t size = (len + PAGE - 1) & ~(PAGE - 1);

	if (!piece || !len || size < len || size > (size_t)(arena.end - piece))
		return NULL;
	arena.next += size;
	return piece;
}

static size_t read_text(int fd, char *text, size_t size)
{
	ssize_t len = fd < 0 ? -1 : pread(fd, text, size - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

static uint64_t huge_now(void)
{
	char text[4096];
	const char *line;

	(void)read_text(rollup, text, sizeof(text)); /* "" when unknown */
	line = strstr(text, "\nAnonHugePages:");
	return line ? strtoull(line + strlen("\nAnonHugePages:"), NULL, 10) << 10 : 0;
}

struct memory_figures huge_pages_memory(void)
{
	struct memory_figures figures = {.huge = huge_now()};
	char text[128], *rest;

	if (!read_text(statm, text, sizeof(text)))
		return figures;
	figures.address_space = strtoull(text, &rest, 10) * PAGE;
	figures.resident = strtoull(rest, NULL, 10) * PAGE;
	return figures;
}

void huge_pages_settle(void (*beat)(void *context, uint64_t done, uint64_t total), void *context)
{
	uint8_t *end =
		arena.begin + (((size_t)(arena.next - arena.begin) + HUGE_PAGE - 1) & -HUGE_PAGE);

	if (!arena.next)
		return;
	(void)munmap(end, (size_t)(arena.end - end)); /* cannot fail: a part of our own mapping */
	arena.next = NULL;
	if (huge_now() >= (uint64_t)(end - arena.begin) / 10 * 9)
		return;
	for (uint8_t *at = arena.begin; at < end; at += HUGE_PAGE) {
		(void)madvise(at, HUGE_PAGE, MADV_COLLAPSE); /* refused: it stays as it is */
		beat(context, (uint64_t)(at - arena.begin), (uint64_t)(end - arena.begin));
	}
}

void huge_pages_done(void)
{
	if (rollup >= 0)
		close(rollup);
	if (statm >= 0)
		close(statm);
	rollup = statm = -1;
}
