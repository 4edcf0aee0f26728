/* SPDX-License-Identifier: GPL-2.0-only */
/* definition_store_internal: the side of the store that only its own files see. */
#ifndef AMP_AMPDAEMON_DEFINITION_STORE_INTERNAL_H
#define AMP_AMPDAEMON_DEFINITION_STORE_INTERNAL_H

#include "ampdaemon/definition_store.h"

#define DEFINITION_GENERATIONS "generations"

/* -1: it is not there and cannot be made. */
struct definition_store {
	int root, generations, staging;
};

/* 0: it is no name of a generation. A number has one form. */
uint64_t definition_number_of(const char *name);

/* The set in directory `number` of `place`: 0, or as definition_generation_read(). */
int definition_store_read_set(int place, uint64_t number, struct stored_generation *ret_set,
			      char why[LIMIT_REASON_BYTES]);

#endif
