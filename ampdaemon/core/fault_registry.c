/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/fault_registry.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void copy(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

static struct fault_record *record_of(struct fault_registry *registry, uint32_t id)
{
	int place = fault_place(id);

	assert(place >= 0);
	return &registry->records[place];
}

void fault_registry_init(struct fault_registry *registry)
{
	memset(registry, 0, sizeof(*registry));
}

static void write_words(struct fault_record *record, uint32_t id, const char *detail,
			const char *remedy)
{
	copy(record->detail, sizeof(record->detail), detail);
	copy(record->remedy, sizeof(record->remedy), remedy ? remedy : fault_of(id)->remedy);
}

unsigned fault_registry_raise(struct fault_registry *registry, uint32_t id,
			      enum fault_severity severity, const char *detail, const char *remedy,
			      uint64_t utc_ms)
{
	struct fault_record *record = record_of(registry, id);
	bool is_news = !record->active || record->severity != severity;

	if (!record->active) {
		record->active = true;
		record->raised_ms = utc_ms;
		record->count = 0;
		record->reason[0] = '\0';
		registry->n_active++;
	}
	record->severity = severity;
	record->seen_ms = utc_ms;
	record->count++;
	write_words(record, id, detail, remedy);
	return is_news ? FAULT_ANNOUNCE_RAISED : 0;
}

unsigned fault_registry_clear(struct fault_registry *registry, uint32_t id, const char *reason,
			      uint64_t utc_ms)
{
	struct fault_record *record = record_of(registry, id);

	if (!record->active)
		return 0;
	record->active = false;
	record->cleared_ms = utc_ms;
	copy(record->reason, sizeof(record->reason), reason);
	registry->n_active--;
	return FAULT_ANNOUNCE_CLEARED | (registry->n_active ? 0 : FAULT_ANNOUNCE_ALL_CLEARED);
}

int fault_registry_restore(struct fault_registry *registry, uint32_t id,
			   const struct fault_record *record)
{
	int place = fault_place(id);

	if (place < 0 || record->severity >= FAULT_SEVERITY_COUNT ||
	    !memchr(record->detail, '\0', sizeof(record->detail)) ||
	    !memchr(record->remedy, '\0', sizeof(record->remedy)) ||
	    !memchr(record->reason, '\0', sizeof(record->reason)))
		return -EINVAL;
	registry->n_active += record->active;
	registry->n_active -= registry->records[place].active;
	registry->records[place] = *record;
	return 0;
}

const struct fault_record *fault_registry_get(const struct fault_registry *registry, uint32_t id)
{
	int place = fault_place(id);

	return place < 0 ? NULL : &registry->records[place];
}

bool fault_registry_is_active(const struct fault_registry *registry, uint32_t id)
{
	const struct fault_record *record = fault_registry_get(registry, id);

	return record && record->active;
}
