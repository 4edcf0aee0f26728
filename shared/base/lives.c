/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/lives.h"

#define CAUSE_ROW(member, name, failure, charges) [member] = {failure, charges},

NAME_TABLE_DEFINE(service_state, SERVICE_STATE_LIST)
NAME_TABLE_DEFINE(worker_state, WORKER_STATE_LIST)
NAME_TABLE_DEFINE(death_cause, DEATH_CAUSE_LIST)

static const struct {
	bool failure, charges;
} causes[] = {DEATH_CAUSE_LIST(CAUSE_ROW)};

bool death_cause_is_failure(unsigned cause)
{
	return cause < DEATH_CAUSE_COUNT && causes[cause].failure;
}

bool death_cause_charges(unsigned cause)
{
	return cause < DEATH_CAUSE_COUNT && causes[cause].charges;
}
