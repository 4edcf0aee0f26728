/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * name_table: from one list, an enum and the names of its members.
 *
 * A list is a macro LIST(X) with one X(MEMBER, "name", ...) per line; further columns are the list's own. Numbers are
 * given by order and start at 0; lists whose numbers are part of a protocol only ever grow at the end.
 */
#ifndef AMP_SHARED_BASE_NAME_TABLE_H
#define AMP_SHARED_BASE_NAME_TABLE_H

#define NAME_TABLE_MEMBER(member, ...) member,
#define NAME_TABLE_NAME(member, name, ...) [member] = name,

/* Defines `const char *prefix_name(unsigned)`: the name, or "unknown" outside the list. */
#define NAME_TABLE_DEFINE(prefix, LIST)                                                            \
	const char *prefix##_name(unsigned value)                                                  \
	{                                                                                          \
		static const char *const names[] = {LIST(NAME_TABLE_NAME)};                        \
		return value < sizeof(names) / sizeof(names[0]) && names[value] ? names[value]     \
										: "unknown";       \
	}

#endif
