/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/render_definition_event.h"

#include <jansson.h>

#include "ampcli/render_json_fault.h"
#include "ampcli/render_json_parts.h"
#include "base/text.h"

static void write_set(FILE *stream, uint64_t generation)
{
	if (generation)
		(void)fprintf(stream, "generation %llu", (unsigned long long)generation);
	else
		(void)fputs("the built-in set", stream);
}

/* Elsewhere 0 is what has no number yet. */
static bool is_switch(const struct event *event)
{
	return event->type == EVENT_DEFINITIONS_ACTIVATED ||
	       event->type == EVENT_DEFINITIONS_ROLLED_BACK ||
	       event->type == EVENT_DEFINITIONS_PROVED;
}

static void write_words(FILE *stream, const char *before, const char *text)
{
	char line[4 * LIMIT_REASON_BYTES + 8]; /* \xHH for each byte, and the NUL */

	if (*text)
		(void)fprintf(stream, "%s%s", before,
			      text_escape(span_of_text(text), line, sizeof(line)));
}

void text_definition_event(FILE *stream, const struct event *event)
{
	uint64_t generation = event->definitions.generation, former = event->definitions.former;
	bool has_subject = generation || is_switch(event);

	if (has_subject)
		write_set(stream, generation);
	if (former || (is_switch(event) && event->type != EVENT_DEFINITIONS_PROVED)) {
		(void)fputs(has_subject ? ", before: " : "before: ", stream);
		write_set(stream, former);
		has_subject = true;
	}
	write_words(stream, has_subject ? ", by " : "by ", event->definitions.origin);
	has_subject = has_subject || *event->definitions.origin;
	if (event->definitions.signatures)
		(void)fprintf(stream, "%s%llu signatures", has_subject ? ", " : "",
			      (unsigned long long)event->definitions.signatures);
	write_words(stream, has_subject || event->definitions.signatures ? ": " : "",
		    event->definitions.reason);
}

json_t *json_definition_event(const struct event *event)
{
	json_t *object = json_object();

	json_set_number(object, "generation", event->definitions.generation);
	json_set_number(object, "former", event->definitions.former);
	json_set_text(object, "origin", event->definitions.origin);
	json_set_text(object, "reason", event->definitions.reason);
	json_set(object, "sha256", json_digest(event->definitions.digest));
	json_set_number(object, "signatures", event->definitions.signatures);
	json_set(object, "built", json_time(event->definitions.built * 1000));
	return object;
}
