/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_clean: what a start puts away in the store: all that is staged, generations that are not whole for certain, links that lead to
 * none. What cannot be looked at, or belongs to somebody else, is let be and told: nothing is lost for a fault that may pass.
 *
 * Must not own what is active afterwards (definition_machine). Diagnostics: a sentence for each thing; a disk that cannot be written is told,
 * and is no failure.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_CLEAN_H
#define AMP_AMPDAEMON_DEFINITION_CLEAN_H

#include "ampdaemon/definition_store.h"

/* Whoever points to it. Out of its place in one step; 0, also when there is none, or -errno. */
int definition_put_away(const struct definition_store *store, uint64_t number);

void definition_clean(const struct definition_store *store, definition_tell_fn *tell,
		      void *context);

#endif
