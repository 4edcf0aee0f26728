/* SPDX-License-Identifier: GPL-2.0-only */
/* definition_age: how old what serves is, as a health figure. Owns the list: the wire carries the numbers. */
#ifndef AMP_SHARED_BASE_DEFINITION_AGE_H
#define AMP_SHARED_BASE_DEFINITION_AGE_H

#include "base/name_table.h"

#define DEFINITION_AGE_LIST(X)                                                                     \
	X(DEFINITION_AGE_UNKNOWN, "unknown") /* no file of the set says when it was built */       \
	X(DEFINITION_AGE_OK, "ok")                                                                 \
	X(DEFINITION_AGE_OLD, "old")

enum definition_age { DEFINITION_AGE_LIST(NAME_TABLE_MEMBER) DEFINITION_AGE_COUNT };

const char *definition_age_name(unsigned age);

#endif
