/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/worker_memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/atomic_file.h"
#include "io/clock.h"

struct measured {
	uint32_t pid;
	uint64_t private_kb;
};

struct worker_memory {
	uv_loop_t *loop;
	uv_work_t work;
	void (*on_fresh)(void *context);
	void *context;
	bool working;
	mono_ms measured_at;
	struct measured now[LIMIT_WORKERS];  /* what the status shows */
	struct measured next[LIMIT_WORKERS]; /* the pool thread's while working */
	unsigned n_now, n_next;
};

static uint64_t field(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

static void measure(struct measured *m)
{
	char path[48], text[4096];

	(void)snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", m->pid);
	m->private_kb = 0;
	if (atomic_file_read(path, text, sizeof(text)) > 0)
		m->private_kb = field(text, "\nPrivate_Clean:") + field(text, "\nPrivate_Dirty:");
}

static void do_work(uv_work_t *work)
{
	struct worker_memory *memory = work->data;

	for (unsigned i = 0; i < memory->n_next; i++)
		measure(&memory->next[i]);
}

static void after_work(uv_work_t *work, int status)
{
	struct worker_memory *memory = work->data;

	(void)status; /* never cancelled */
	memory->working = false;
	memcpy(memory->now, memory->next, sizeof(memory->now));
	memory->n_now = memory->n_next;
	memory->measured_at = clock_mono_ms();
	memory->on_fresh(memory->context);
}

struct worker_memory *worker_memory_new(uv_loop_t *loop, void (*on_fresh)(void *context),
					void *context)
{
	struct worker_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	memory->loop = loop;
	memory->work.data = memory;
	memory->on_fresh = on_fresh;
	memory->context = context;
	memory->measured_at = -WORKER_MEMORY_FRESH_MS - 1;
	return memory;
}

bool worker_memory_is_idle(const struct worker_memory *memory)
{
	return !memory->working;
}

struct worker_memory *worker_memory_free(struct worker_memory *memory)
{
	free(memory);
	return NULL;
}

void worker_memory_refresh(struct worker_memory *memory, const uint32_t *pids, unsigned n)
{
	if (memory->working)
		return; /* whoever asks now is told when that is done */
	if (clock_mono_ms() - memory->measured_at <= WORKER_MEMORY_FRESH_MS) {
		memory->on_fresh(memory->context);
		return;
	}
	memory->n_next = n < LIMIT_WORKERS ? n : LIMIT_WORKERS;
	for (unsigned i = 0; i < memory->n_next; i++)
		memory->next[i] = (struct measured){.pid = pids[i]};
	memory->working = uv_queue_work(memory->loop, &memory->work, do_work, after_work) == 0;
	if (!memory->working)
		memory->on_fresh(memory->context);
}

uint64_t worker_memory_private_kb(const struct worker_memory *memory, uint32_t pid)
{
	for (unsigned i = 0; i < memory->n_now; i++) {
		if (memory->now[i].pid == pid)
			return memory->now[i].private_kb;
	}
	return 0;
}
