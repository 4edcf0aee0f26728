/* SPDX-License-Identifier: GPL-2.0-only */
/* render_definition_event: what the journal tells of definitions, for people and as JSON. For those two. */
#ifndef AMP_AMPCLI_RENDER_DEFINITION_EVENT_H
#define AMP_AMPCLI_RENDER_DEFINITION_EVENT_H

#include <stdio.h>

#include "wire/event_codec.h"

struct json_t; /* of jansson */

void text_definition_event(FILE *stream, const struct event *event);
struct json_t *json_definition_event(const struct event *event);

#endif
