/* SPDX-License-Identifier: GPL-2.0-only */
/* arena_internal: the side of the arena that only the codecs of this folder see. */
#ifndef AMP_SHARED_WIRE_ARENA_INTERNAL_H
#define AMP_SHARED_WIRE_ARENA_INTERNAL_H

#include <protobuf-c/protobuf-c.h>

#include "wire/arena.h"

ProtobufCAllocator *wire_arena_allocator(struct wire_arena *arena);

/* Forgets what the last decode left. */
void wire_arena_reset(struct wire_arena *arena);

/* Aligned memory of the present decode; NULL when the ceiling is reached. */
void *wire_arena_take(struct wire_arena *arena, size_t size);

#endif
