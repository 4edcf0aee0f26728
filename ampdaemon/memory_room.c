/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/memory_room.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/atomic_file.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define TEXT_BYTES 16384 /* memory.stat and meminfo are about 2 KiB */

/* The number behind `name`; "max" and a missing file are UINT64_MAX. */
static uint64_t number_in(const char *path, const char *name)
{
	char text[TEXT_BYTES];
	const char *at = text;
	char *end;
	uint64_t value;

	if (atomic_file_read(path, text, sizeof(text)) < 0)
		return UINT64_MAX;
	if (name)
		at = strstr(text, name);
	if (!at)
		return UINT64_MAX;
	at += name ? strlen(name) : 0;
	value = strtoull(at, &end, 10);
	return end == at ? UINT64_MAX : value;
}

static uint64_t number_of(const char *group, const char *file, const char *name)
{
	char path[PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", group, file);
	return number_in(path, name);
}

/* Page cache that nobody has used for a while gives way. */
static uint64_t left_in(const char *group)
{
	uint64_t limit = number_of(group, "memory.max", NULL);
	uint64_t used = number_of(group, "memory.current", NULL);
	uint64_t cache = number_of(group, "memory.stat", "\ninactive_file ");

	if (limit == UINT64_MAX || used == UINT64_MAX)
		return UINT64_MAX;
	if (cache != UINT64_MAX)
		used = used > cache ? used - cache : 0;
	return limit > used ? limit - used : 0;
}

/* The line of cgroup v2 is "0::/path". False without one. */
static bool own_group(char *out, size_t size)
{
	char text[TEXT_BYTES];
	const char *line;
	size_t len;

	if (atomic_file_read("/proc/self/cgroup", text, sizeof(text)) < 0)
		return false;
	line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
	if (!line)
		return false;
	line = strchr(line, '/');
	len = strcspn(line, "\n");
	return (size_t)snprintf(out, size, CGROUP_ROOT "%.*s", (int)len, line) < size;
}

static uint64_t left_in_groups(void)
{
	char group[PATH_MAX];
	uint64_t least = UINT64_MAX;

	if (!own_group(group, sizeof(group)))
		return least;
	while (strlen(group) > strlen(CGROUP_ROOT)) {
		uint64_t left = left_in(group);

		if (left < least)
			least = left;
		*strrchr(group, '/') = '\0';
	}
	return least;
}

uint64_t memory_room_available(void)
{
	uint64_t kib = number_in("/proc/meminfo", "\nMemAvailable:");
	uint64_t groups = left_in_groups();
	uint64_t machine = kib == UINT64_MAX ? kib : kib << 10;

	return machine < groups ? machine : groups;
}
