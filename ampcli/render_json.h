/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * render_json: the structs of our commands as JSON, one object per line; docs/json.md is the schema. Pure but for the stream
 * it writes to. The only file that knows jansson.
 *
 * With a field (`--field`), the value of that member is written instead, as plain text: a dotted path, arrays one element
 * per line. Each function returns whether there was something to write, that is, whether the field exists.
 */
#ifndef AMP_AMPCLI_RENDER_JSON_H
#define AMP_AMPCLI_RENDER_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "ampcli/about_view.h"
#include "ampcli/bundle_view.h"
#include "ampcli/scan_tally.h"
#include "wire/control_codec.h"

struct json_target {
	FILE *stream;      /* NULL: write nothing, only say whether the field exists */
	const char *field; /* NULL: the whole object */
};

bool render_json_scan_line(const struct json_target *target, const struct scan_line *line);
bool render_json_scan_summary(const struct json_target *target, const struct scan_tally *tally);
bool render_json_status(const struct json_target *target, const struct status_report *status,
			uint64_t now_utc_ms);
bool render_json_event(const struct json_target *target, const struct event *event);
/* Could any object of the command have this field? Asked before the work begins. */
bool render_json_knows_scan_field(const char *field);
bool render_json_knows_event_field(const char *field);

bool render_json_faults(const struct json_target *target, const struct fault_state *faults,
			unsigned n);
bool render_json_unscannable(const struct json_target *target,
			     const struct unscannable_report *file);
bool render_json_knows_unscannable_field(const char *field);

/* The file `index` of the definitions; its age at `now_utc_ms`. False: it has no such field. */
bool render_json_definition(const struct json_target *target, const struct status_report *status,
			    unsigned index, uint64_t now_utc_ms);
bool render_json_knows_definition_field(const char *field);

/* One object: the verdict, and in it a list of the files. */
bool render_json_check(const struct json_target *target, const struct check_verdict *verdict);
bool render_json_knows_check_field(const char *field);

bool render_json_generations(const struct json_target *target,
			     const struct generations_report *report, uint64_t now_utc_ms);
bool render_json_knows_generations_field(const char *field);
bool render_json_bundle(const struct json_target *target, const struct bundle_view *view);
bool render_json_knows_bundle_field(const char *field);
bool render_json_update(const struct json_target *target, const struct update_verdict *verdict);
bool render_json_knows_update_field(const char *field);

/* What was done, and after how long the daemon answered again; `ms` < 0: it did not go away. */
bool render_json_done(const struct json_target *target, const char *text, int64_t ms);

bool render_json_about(const struct json_target *target, const struct about_view *about);

#endif
