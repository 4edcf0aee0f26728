/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_fields: the part of event_codec that tells of definitions: a struct event <-> DefinitionEvent of
 * proto/event.proto. Private to shared/wire. Must not own what there is to tell (ampdaemon).
 */
#ifndef AMP_SHARED_WIRE_DEFINITION_FIELDS_H
#define AMP_SHARED_WIRE_DEFINITION_FIELDS_H

#include "wire/event_fields.h"

void definition_fields_out(const struct event *event, struct event_out *out);
int definition_fields_in(const Amp__Pb__DefinitionEvent *message, struct event *ret_event,
			 const char **ret_why);

#endif
