/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/definition_age.h"

NAME_TABLE_DEFINE(definition_age, DEFINITION_AGE_LIST)
