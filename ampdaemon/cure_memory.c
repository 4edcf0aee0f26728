/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/cure_memory.h"

#include <string.h>

#include "io/atomic_file.h"
#include "io/clock.h"

#define NEED_KEY "engine/need"
#define RESTART_KEY "cure/restart"
#define BOOT_BYTES 64

/* Fixed layout, native byte order: it never leaves the machine. */
struct saved_restart {
	int64_t at;
	char boot[BOOT_BYTES];
};

static void name_boot(char boot[BOOT_BYTES])
{
	memset(boot, 0, BOOT_BYTES);
	if (atomic_file_read("/proc/sys/kernel/random/boot_id", boot, BOOT_BYTES) < 0)
		boot[0] = '\0';
}

static void recall_needs(void *context, const char *key, const void *data, size_t len)
{
	struct cure_memory *memory = context;

	if (strcmp(key, NEED_KEY) == 0 && len == sizeof(memory->needs))
		memcpy(memory->needs, data, len);
}

static void recall_restart(void *context, const char *key, const void *data, size_t len)
{
	struct cure_memory *memory = context;
	struct saved_restart saved;
	char boot[BOOT_BYTES];

	if (strcmp(key, RESTART_KEY) != 0 || len != sizeof(saved))
		return;
	memcpy(&saved, data, len);
	name_boot(boot);
	if (boot[0] && memcmp(boot, saved.boot, BOOT_BYTES) == 0 && saved.at >= 0 &&
	    saved.at <= clock_mono_ms())
		memory->restarted_at = saved.at;
}

/* A journal that cannot be read costs a measurement and at most one restart too many. */
void cure_memory_recall(struct cure_memory *memory, struct journal *journal)
{
	*memory = (struct cure_memory){.restarted_at = MONO_NEVER};
	(void)journal_recall(journal, NEED_KEY, recall_needs, memory);
	(void)journal_recall(journal, RESTART_KEY, recall_restart, memory);
}

void cure_memory_loaded(struct cure_memory *memory, struct journal *journal,
			const struct event *event, enum definition_source source, uint64_t bytes)
{
	struct journal_value value = {
		.key = NEED_KEY, .data = memory->needs, .len = sizeof(memory->needs)};
	bool changed = memory->needs[source] != bytes;

	memory->needs[source] = bytes;
	journal_record_with(journal, event, &value, changed ? 1 : 0);
}

void cure_memory_restarts(struct cure_memory *memory, struct journal *journal,
			  const struct event *event, mono_ms now)
{
	struct saved_restart saved = {.at = now};
	struct journal_value value = {.key = RESTART_KEY, .data = &saved, .len = sizeof(saved)};

	memory->restarted_at = now;
	name_boot(saved.boot);
	journal_record_with(journal, event, &value, 1);
}
