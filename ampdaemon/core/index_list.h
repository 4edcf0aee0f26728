/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * index_list: circular doubly linked lists over the indices of an array. The heads of the lists are
 * indices of the same array above those of the members, so that no operation has a special case and
 * none allocates.
 *
 * Owns the arithmetic of the links. Must not own the members or the meaning of a list. Pure; every
 * operation is O(1).
 */
#ifndef AMP_AMPDAEMON_CORE_INDEX_LIST_H
#define AMP_AMPDAEMON_CORE_INDEX_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define INDEX_NONE UINT32_MAX

struct index_link {
	uint32_t prev, next;
};

/* A head without members, or a member of no list. */
static inline bool index_list_is_alone(const struct index_link *links, uint32_t at)
{
	return links[at].next == at;
}

/* `count` links, each alone; returns owned (free it with free()), NULL when there is no memory. */
static inline struct index_link *index_list_new(uint32_t count)
{
	struct index_link *links = calloc(count, sizeof(*links));

	for (uint32_t i = 0; links && i < count; i++)
		links[i].prev = links[i].next = i;
	return links;
}

static inline void index_list_insert_after(struct index_link *links, uint32_t at, uint32_t member)
{
	links[member].prev = at;
	links[member].next = links[at].next;
	links[links[at].next].prev = member;
	links[at].next = member;
}

/* With the head as `at`: appends to the list. */
static inline void index_list_insert_before(struct index_link *links, uint32_t at, uint32_t member)
{
	index_list_insert_after(links, links[at].prev, member);
}

/* Harmless for a member of no list. */
static inline void index_list_remove(struct index_link *links, uint32_t member)
{
	links[links[member].prev].next = links[member].next;
	links[links[member].next].prev = links[member].prev;
	links[member].prev = links[member].next = member;
}

#endif
