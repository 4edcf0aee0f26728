/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/fields.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

int fields_refuse(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EBADMSG;
}

static const ProtobufCMessage *member(const ProtobufCMessage *message,
				      const ProtobufCFieldDescriptor *field, size_t i)
{
	const void *at = (const uint8_t *)message + field->offset;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return (*(ProtobufCMessage *const *const *)at)[i];
	return *(const ProtobufCMessage *const *)at;
}

/* How many messages `field` of `message` holds. */
static size_t count_members(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const uint8_t *base = (const uint8_t *)message;

	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return 0;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(base + field->quantifier_offset);
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
	    *(const uint32_t *)(base + field->quantifier_offset) != field->id)
		return 0;
	return *(const ProtobufCMessage *const *)(base + field->offset) != NULL;
}

bool fields_have_strangers(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;

	if (message->n_unknown_fields)
		return true;
	for (unsigned f = 0; f < type->n_fields; f++) {
		size_t n = count_members(message, &type->fields[f]);

		for (size_t i = 0; i < n; i++) {
			if (fields_have_strangers(member(message, &type->fields[f], i)))
				return true;
		}
	}
	return false;
}

void *fields_unpack(const ProtobufCMessageDescriptor *type, struct wire_arena *arena,
		    const void *packet, size_t len, const char **ret_why)
{
	wire_arena_reset(arena);
	return fields_unpack_more(type, arena, packet, len, ret_why);
}

void *fields_unpack_more(const ProtobufCMessageDescriptor *type, struct wire_arena *arena,
			 const void *packet, size_t len, const char **ret_why)
{
	ProtobufCMessage *message;

	if (len > LIMIT_PACKET_BYTES) {
		*ret_why = "packet too long";
		return NULL;
	}
	message = protobuf_c_message_unpack(type, wire_arena_allocator(arena), len, packet);
	if (!message) {
		*ret_why = "not a message of this channel, or one that unfolds too far";
		return NULL;
	}
	if (fields_have_strangers(message)) {
		*ret_why = "unknown field";
		return NULL;
	}
	return message;
}

bool fields_text_ok(const char *text, size_t limit)
{
	size_t len = strnlen(text, limit + 1);

	return len <= limit && text_is_printable(text, len);
}

char *fields_fit(const char *text, char *buffer, size_t size)
{
	size_t i = 0;

	for (; text && text[i] && i + 1 < size; i++)
		buffer[i] = text_is_printable(text + i, 1) ? text[i] : '?';
	buffer[i] = '\0';
	return buffer;
}

ssize_t fields_pack(const ProtobufCMessage *message, void *packet, size_t size)
{
	if (protobuf_c_message_get_packed_size(message) > size)
		return -EMSGSIZE;
	return (ssize_t)protobuf_c_message_pack(message, packet);
}

bool fields_walls_in(Amp__Pb__Wall *const *walls, size_t n, struct wall_report *ret_walls,
		     unsigned *ret_n)
{
	uint32_t seen = 0;

	if (n > WALL_COUNT)
		return false;
	for (size_t i = 0; i < n; i++) {
		const Amp__Pb__Wall *wall = walls[i];

		if (wall->id >= WALL_COUNT || wall->state >= WALL_STATE_COUNT ||
		    seen & 1u << wall->id || !fields_text_ok(wall->detail, LIMIT_WALL_DETAIL_BYTES))
			return false;
		seen |= 1u << wall->id;
		ret_walls[i] = (struct wall_report){
			.id = wall->id, .state = wall->state, .detail = wall->detail};
	}
	*ret_n = (unsigned)n;
	return true;
}

bool fields_threats_in(char *const *threats, size_t n, const char **ret_threats, unsigned *ret_n)
{
	if (n > LIMIT_THREATS)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!threats[i][0] || !fields_text_ok(threats[i], LIMIT_THREAT_BYTES))
			return false;
		ret_threats[i] = threats[i];
	}
	*ret_n = (unsigned)n;
	return true;
}

bool fields_definition_in(const Amp__Pb__DefinitionFile *file, struct definition_file *ret_file)
{
	if (!file->name[0] || !fields_text_ok(file->name, LIMIT_NAME_BYTES) ||
	    !fields_text_ok(file->reason, LIMIT_DETAIL_BYTES) ||
	    !fields_text_ok(file->database, LIMIT_DATABASE_BYTES) ||
	    file->origin >= DEFINITION_ORIGIN_COUNT || file->signing >= DEFINITION_SIGNING_COUNT)
		return false;
	*ret_file = (struct definition_file){
		.name = file->name,
		.accepted = file->accepted,
		.reason = file->reason,
		.version = file->version,
		.signatures = file->signatures,
		.built = file->built,
		.origin = file->origin,
		.database = file->database,
		.promised = file->promised,
		.signing = file->signing,
	};
	return true;
}

size_t fields_walls_out(struct walls_out *out, const struct wall_report *walls, unsigned n)
{
	if (n > WALL_COUNT)
		n = WALL_COUNT;
	for (unsigned i = 0; i < n; i++) {
		amp__pb__wall__init(&out->walls[i]);
		out->walls[i].id = walls[i].id;
		out->walls[i].state = walls[i].state;
		out->walls[i].detail =
			fields_fit(walls[i].detail, out->details[i], sizeof(out->details[i]));
		out->list[i] = &out->walls[i];
	}
	return n;
}

size_t fields_threats_out(struct threats_out *out, const char *const *threats, unsigned n)
{
	if (n > LIMIT_THREATS)
		n = LIMIT_THREATS;
	for (unsigned i = 0; i < n; i++)
		out->list[i] = fields_fit(threats[i], out->texts[i], sizeof(out->texts[i]));
	return n;
}

void fields_definition_out(struct definition_out *out, const struct definition_file *file)
{
	amp__pb__definition_file__init(&out->file);
	out->file.name = fields_fit(file->name, out->name, sizeof(out->name));
	out->file.accepted = file->accepted;
	out->file.reason = fields_fit(file->reason, out->reason, sizeof(out->reason));
	out->file.version = file->version;
	out->file.signatures = file->signatures;
	out->file.built = file->built;
	out->file.origin = file->origin;
	out->file.database = fields_fit(file->database, out->database, sizeof(out->database));
	out->file.promised = file->promised;
	out->file.signing = file->signing;
}
