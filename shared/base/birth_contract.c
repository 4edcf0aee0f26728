/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/birth_contract.h"

NAME_TABLE_DEFINE(load_phase, LOAD_PHASE_LIST)
NAME_TABLE_DEFINE(worker_reason, WORKER_REASON_LIST)
