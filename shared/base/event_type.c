/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/event_type.h"

#include <stddef.h>

#define ROW(member, number, name) {number, name},

static const struct {
	uint32_t number;
	const char *name;
} event_types[] = {EVENT_TYPE_LIST(ROW)};

static const char *find(uint32_t type)
{
	for (size_t i = 0; i < sizeof(event_types) / sizeof(event_types[0]); i++) {
		if (event_types[i].number == type)
			return event_types[i].name;
	}
	return NULL;
}

const char *event_type_name(uint32_t type)
{
	const char *name = find(type);

	return name ? name : "Unknown Event";
}

int event_type_is_known(uint32_t type)
{
	return find(type) != NULL;
}

enum event_severity event_type_severity(uint32_t type)
{
	switch (type >> 24) {
	case 0x21:
		return EVENT_INFORMATION;
	case 0x81:
		return EVENT_SERIOUS;
	default:
		return EVENT_WARNING;
	}
}

const char *event_severity_name(enum event_severity severity)
{
	switch (severity) {
	case EVENT_INFORMATION:
		return "information";
	case EVENT_SERIOUS:
		return "serious";
	case EVENT_WARNING:
	default:
		return "warning";
	}
}
