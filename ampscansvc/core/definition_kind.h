/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_kind: what a file of definitions is by the end of its name, and which of them we take. Pure. libclamav goes by the name too,
 * and does not look at the case.
 *
 * Owns the list. Must not own where a kind may lie (definition_set.c).
 */
#ifndef AMP_AMPSCANSVC_CORE_DEFINITION_KIND_H
#define AMP_AMPSCANSVC_CORE_DEFINITION_KIND_H

#include <stdbool.h>

enum definition_kind {
	DEFINITION_KIND_NONE, /* no file of definitions */
	DEFINITION_KIND_CVD,  /* a container as the vendor signed it */
	DEFINITION_KIND_CLD, /* one that was brought up to date here: its list of members is signed */
	DEFINITION_KIND_CUD,  /* an unsigned container */
	DEFINITION_KIND_TEXT, /* signatures in plain text */
	DEFINITION_KIND_UNWANTED, /* of such, but for potentially unwanted programs: libclamav passes over it */
	DEFINITION_KIND_CONTAINER, /* others that libclamav would open as containers */
	DEFINITION_KIND_REFUSED /* weakens the engine, runs code, or cannot be told whole from cut */
};

enum definition_kind definition_kind_of(const char *name);

static inline bool definition_kind_is_official(enum definition_kind kind)
{
	return kind == DEFINITION_KIND_CVD || kind == DEFINITION_KIND_CLD;
}

#endif
