/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fields: what the codecs of this folder have in common: checks of single fields on the way in, shaping of texts on the way
 * out. Private to shared/wire.
 */
#ifndef AMP_SHARED_WIRE_FIELDS_H
#define AMP_SHARED_WIRE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/span.h"
#include "wire/arena_internal.h"
#include "wire/scan_codec.h"

#include "common.pb-c.h"

/* Unpacks; NULL with *ret_why when the bytes are no such message, too costly, or hold a field that we do not know at the
 * top level (the oneof inside is checked by has_strangers()). */
void *fields_unpack(const ProtobufCMessageDescriptor *type, struct wire_arena *arena,
		    const void *packet, size_t len, const char **ret_why);

/* The same without forgetting what the arena holds already. */
void *fields_unpack_more(const ProtobufCMessageDescriptor *type, struct wire_arena *arena,
			 const void *packet, size_t len, const char **ret_why);

/* True when `message` or a message below it has unknown fields. Message types do not nest in themselves, so the depth is
 * bounded by proto/. */
bool fields_have_strangers(const ProtobufCMessage *message);

/* A text of at most `limit` bytes, printable. protobuf-c gives strings a NUL, and an embedded one ends it early: the
 * rest is not looked at by anybody. */
bool fields_text_ok(const char *text, size_t limit);

/* A copy of `text` in `buffer`, cut to size - 1, other than printable ASCII as '?'. NULL counts as "". */
char *fields_fit(const char *text, char *buffer, size_t size);

/* Packs when it fits: the length or -EMSGSIZE. */
ssize_t fields_pack(const ProtobufCMessage *message, void *packet, size_t size);

bool fields_walls_in(Amp__Pb__Wall *const *walls, size_t n, struct wall_report *ret_walls,
		     unsigned *ret_n);
bool fields_threats_in(char *const *threats, size_t n, const char **ret_threats, unsigned *ret_n);
bool fields_definition_in(const Amp__Pb__DefinitionFile *file, struct definition_file *ret_file);

/* Outgoing lists: storage for the generated structs, and the pointer array that protobuf-c wants. */
struct walls_out {
	Amp__Pb__Wall walls[WALL_COUNT];
	Amp__Pb__Wall *list[WALL_COUNT];
	char details[WALL_COUNT][LIMIT_WALL_DETAIL_BYTES + 1];
};
size_t fields_walls_out(struct walls_out *out, const struct wall_report *walls, unsigned n);

struct threats_out {
	char *list[LIMIT_THREATS];
	char texts[LIMIT_THREATS][LIMIT_THREAT_BYTES + 1];
};
size_t fields_threats_out(struct threats_out *out, const char *const *threats, unsigned n);

struct definition_out {
	Amp__Pb__DefinitionFile file;
	char name[LIMIT_NAME_BYTES + 1];
	char reason[LIMIT_DETAIL_BYTES + 1];
	char database[LIMIT_DATABASE_BYTES + 1];
};
void fields_definition_out(struct definition_out *out, const struct definition_file *file);

/* For decoders: `return fields_refuse(ret_why, "...")`. */
int fields_refuse(const char **ret_why, const char *why);

#endif
