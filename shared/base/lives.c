/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/lives.h"

#define CAUSE_ROW(member, name, failure, charges) [member] = {failure, charges},

NAME_TABLE_DEFINE(service_state, SERVICE_STATE_LIST)
NAME_TABLE_DEFINE(worker_state, WORKER_STATE_LIST)
NAME_TABLE_DEFINE(death_cause, DEATH_CAUSE_LIST)

static const struct {
	bool failure, charges;
} causes[] = {DEATH_CAUSE_LIST(CAUSE_ROW)};

NAME_TABLE_DEFINE(failure_class, FAILURE_CLASS_LIST)
NAME_TABLE_DEFINE(scan_phase, SCAN_PHASE_LIST)

enum failure_class failure_class_of(unsigned cause, bool has_job)
{
	if (!death_cause_is_failure(cause))
		return FAILURE_NONE;
	if (cause == DEATH_NOT_READY)
		return FAILURE_BEFORE_READY;
	return has_job && death_cause_charges(cause) ? FAILURE_BY_INPUT : FAILURE_UNEXPLAINED;
}

bool death_cause_is_failure(unsigned cause)
{
	return cause < DEATH_CAUSE_COUNT && causes[cause].failure;
}

bool death_cause_charges(unsigned cause)
{
	return cause < DEATH_CAUSE_COUNT && causes[cause].charges;
}
