/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/fault.h"

#include <stddef.h>

#define ENTRY(member, number, name, severity, gate, raised, meanwhile, cleared, remedy)            \
	{member, name, severity, gate, raised, meanwhile, cleared, remedy},

NAME_TABLE_DEFINE(fault_severity, FAULT_SEVERITY_LIST)

static const struct fault_entry catalogue[] = {FAULT_LIST(ENTRY)};

const struct fault_entry *fault_at(unsigned place)
{
	return &catalogue[place];
}

int fault_place(uint32_t id)
{
	for (int place = 0; place < FAULT_COUNT; place++) {
		if ((uint32_t)catalogue[place].id == id)
			return place;
	}
	return -1;
}

const struct fault_entry *fault_of(uint32_t id)
{
	int place = fault_place(id);

	return place < 0 ? NULL : &catalogue[place];
}
