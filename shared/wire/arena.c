/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "wire/arena_internal.h"

struct wire_arena {
	ProtobufCAllocator allocator;
	size_t used;
	_Alignas(16) uint8_t memory[LIMIT_UNPACK_BYTES];
};

static void *take(void *context, size_t size)
{
	return wire_arena_take(context, size);
}

/* Memory of a decode goes back as a whole, when the next one begins. */
static void keep(void *context, void *pointer)
{
	(void)context;
	(void)pointer;
}

struct wire_arena *wire_arena_new(void)
{
	struct wire_arena *arena = malloc(sizeof(*arena));

	if (!arena)
		return NULL;
	arena->allocator =
		(ProtobufCAllocator){.alloc = take, .free = keep, .allocator_data = arena};
	arena->used = 0;
	return arena;
}

struct wire_arena *wire_arena_free(struct wire_arena *arena)
{
	free(arena);
	return NULL;
}

ProtobufCAllocator *wire_arena_allocator(struct wire_arena *arena)
{
	return &arena->allocator;
}

void wire_arena_reset(struct wire_arena *arena)
{
	arena->used = 0;
}

void *wire_arena_take(struct wire_arena *arena, size_t size)
{
	void *memory = arena->memory + arena->used;

	if (size > sizeof(arena->memory) - arena->used)
		return NULL;
	size = (size + 15) & ~(size_t)15;
	arena->used = size < sizeof(arena->memory) - arena->used ? arena->used + size
								 : sizeof(arena->memory);
	return memory;
}
