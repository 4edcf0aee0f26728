/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/definition.h"

NAME_TABLE_DEFINE(definition_origin, DEFINITION_ORIGIN_LIST)
NAME_TABLE_DEFINE(definition_signing, DEFINITION_SIGNING_LIST)
