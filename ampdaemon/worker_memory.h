/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker_memory: how much memory of its own each worker has, as the kernel says (smaps_rollup). With a large engine that
 * costs the kernel a walk over its page tables, and every local user may ask for the status: so it is measured on a
 * pool thread, and at most every WORKER_MEMORY_FRESH_MS.
 */
#ifndef AMP_AMPDAEMON_WORKER_MEMORY_H
#define AMP_AMPDAEMON_WORKER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/limits.h"

#define WORKER_MEMORY_FRESH_MS 2000

struct worker_memory;

struct worker_memory *worker_memory_new(uv_loop_t *loop, void (*on_fresh)(void *context),
					void *context);

/* True when no pool thread measures: only then may it be freed. */
bool worker_memory_is_idle(const struct worker_memory *memory);

/* To be called when the loop has ended. */
struct worker_memory *worker_memory_free(struct worker_memory *memory);

/* Measures `pids` unless that was done a moment ago; on_fresh follows in either case, from the loop or at once. */
void worker_memory_refresh(struct worker_memory *memory, const uint32_t *pids, unsigned n);

/* Private memory in KiB of the last measurement; 0 when that process was not there. */
uint64_t worker_memory_private_kb(const struct worker_memory *memory, uint32_t pid);

#endif
