/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_link: the two links of the store, active and last-good. Each is switched in one step: made under a temporary name, renamed, and the
 * directory synced. Must not own which generation they are to lead to. Waits for the disk.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_LINK_H
#define AMP_AMPDAEMON_DEFINITION_LINK_H

#include <stdbool.h>
#include <stdint.h>

struct definition_store;

enum definition_link { DEFINITION_LINK_ACTIVE, DEFINITION_LINK_GOOD, DEFINITION_LINK_COUNT };

const char *definition_link_name(enum definition_link link);

/* The generation that it leads to; 0: none, or none that is there. */
uint64_t definition_link_target(const struct definition_store *store, enum definition_link link);

/* It is there and leads to nothing. False when its generation only cannot be opened now. */
bool definition_link_is_dead(const struct definition_store *store, enum definition_link link);

/* `number` 0: the link goes. 0; -ENOENT: no such generation, the link is as it was; -errno. */
int definition_link_point(const struct definition_store *store, enum definition_link link,
			  uint64_t number);

/* A temporary that a killed process left. */
void definition_link_clean(const struct definition_store *store, enum definition_link link);

#endif
