/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * render_text: the structs of our commands for a person. Pure but for the stream it writes to. Owns the rule that bytes of
 * strangers reach a terminal escaped only (base/text.h).
 */
#ifndef AMP_AMPCLI_RENDER_TEXT_H
#define AMP_AMPCLI_RENDER_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "ampcli/about_view.h"
#include "ampcli/scan_tally.h"
#include "wire/control_codec.h"

struct text_target {
	FILE *stream;
	bool colour;
};

void render_text_scan_line(const struct text_target *target, const struct scan_line *line);
void render_text_scan_summary(const struct text_target *target, const struct scan_tally *tally);
void render_text_status(const struct text_target *target, const struct status_report *status,
			uint64_t now_utc_ms);

/* The one value of a status with the given label ("Scan Service", in any case); false when there is none. */
bool render_text_status_field(const struct text_target *target, const struct status_report *status,
			      uint64_t now_utc_ms, const char *label);

void render_text_event(const struct text_target *target, const struct event *event);
/* `is_whole`: with what the catalogue says of it. */
void render_text_fault(const struct text_target *target, const struct fault_state *fault,
		       bool is_whole);
void render_text_unscannable(const struct text_target *target,
			     const struct unscannable_report *file);
/* One line per file, under a head; ages at `now_utc_ms`. */
void render_text_definitions(const struct text_target *target, const struct status_report *status,
			     uint64_t now_utc_ms);
void render_text_check(const struct text_target *target, const struct check_verdict *verdict);
/* What is kept, rejected, under way; when updates come; ages at `now_utc_ms`. */
void render_text_generations(const struct text_target *target,
			     const struct generations_report *report, uint64_t now_utc_ms);
void render_text_update(const struct text_target *target, const struct update_verdict *verdict);
void render_text_about(const struct text_target *target, const struct about_view *about);

#endif
