/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arena: the memory that unpacking one message may take. A bump allocator with a ceiling behind protobuf-c's allocator
 * interface: a message that asks for more does not unpack. Everything a decoder returns points into its arena and is
 * valid until the next decode with that arena.
 */
#ifndef AMP_SHARED_WIRE_ARENA_H
#define AMP_SHARED_WIRE_ARENA_H

#include <stddef.h>

struct wire_arena;

/* An arena of LIMIT_UNPACK_BYTES. NULL when there is no memory. */
struct wire_arena *wire_arena_new(void);
struct wire_arena *wire_arena_free(struct wire_arena *arena);

#endif
