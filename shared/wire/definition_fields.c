/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/definition_fields.h"

void definition_fields_out(const struct event *event, struct event_out *out)
{
	Amp__Pb__DefinitionEvent *m = &out->definitions;

	amp__pb__definition_event__init(m);
	m->generation = event->definitions.generation;
	m->former = event->definitions.former;
	m->origin = fields_fit(event->definitions.origin, out->text[0], LIMIT_ORIGIN_BYTES + 1);
	m->reason = fields_fit(event->definitions.reason, out->text[1], LIMIT_REASON_BYTES + 1);
	m->digest = event_bytes_out(event->definitions.digest, LIMIT_DIGEST_BYTES);
	m->signatures = event->definitions.signatures;
	m->built = event->definitions.built;
	out->outer.body_case = AMP__PB__EVENT__BODY_DEFINITIONS;
	out->outer.definitions = m;
}

int definition_fields_in(const Amp__Pb__DefinitionEvent *m, struct event *ret_event,
			 const char **ret_why)
{
	ret_event->body = EVENT_BODY_DEFINITIONS;
	ret_event->definitions.generation = m->generation;
	ret_event->definitions.former = m->former;
	ret_event->definitions.origin = m->origin;
	ret_event->definitions.reason = m->reason;
	ret_event->definitions.digest = span_of(m->digest.data, m->digest.len);
	ret_event->definitions.signatures = m->signatures;
	ret_event->definitions.built = m->built;
	if (!fields_text_ok(m->origin, LIMIT_ORIGIN_BYTES) ||
	    !fields_text_ok(m->reason, LIMIT_REASON_BYTES) ||
	    (m->digest.len && m->digest.len != LIMIT_DIGEST_BYTES))
		return fields_refuse(ret_why, "definitions of an event");
	return 0;
}
