/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition: what can be said of one file of definitions beside its name and numbers. Owns the two lists, nothing else.
 */
#ifndef AMP_SHARED_BASE_DEFINITION_H
#define AMP_SHARED_BASE_DEFINITION_H

#include "base/name_table.h"

/* Whose word it is: in a generation the place says it, in a flat directory the kind of the file. */
#define DEFINITION_ORIGIN_LIST(X)                                                                  \
	X(DEFINITION_ORIGIN_BUILTIN, "built-in")                                                   \
	X(DEFINITION_ORIGIN_OFFICIAL, "official")                                                  \
	X(DEFINITION_ORIGIN_CUSTOM, "custom")

/* What holds it against its maker. "header" is the RSA signature inside the container (.cvd: of the header, .cld: of the list of members). */
#define DEFINITION_SIGNING_LIST(X)                                                                 \
	X(DEFINITION_SIGNING_NONE, "unsigned")                                                     \
	X(DEFINITION_SIGNING_HEADER, "signed")                                                     \
	X(DEFINITION_SIGNING_DETACHED, "signed twice")          /* and by NAME.sign */             \
	X(DEFINITION_SIGNING_UNHELD, "signed, .sign not held")  /* no certificates were given */   \
	X(DEFINITION_SIGNING_EXPIRED, "signed, .sign too late") /* its certificate has expired */

enum definition_origin { DEFINITION_ORIGIN_LIST(NAME_TABLE_MEMBER) DEFINITION_ORIGIN_COUNT };
enum definition_signing { DEFINITION_SIGNING_LIST(NAME_TABLE_MEMBER) DEFINITION_SIGNING_COUNT };

const char *definition_origin_name(unsigned origin);
const char *definition_signing_name(unsigned signing);

#endif
