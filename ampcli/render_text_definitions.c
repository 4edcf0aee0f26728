/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "ampcli/amounts.h"
#include "ampcli/render_text.h"
#include "base/definition_age.h"
#include "base/text.h"

#define RED "\033[1;31m"
#define PLAIN "\033[0m"
#define COLUMNS 6
#define CELL_BYTES (4 * LIMIT_NAME_BYTES + 8) /* a name, escaped */

struct row {
	char cells[COLUMNS][CELL_BYTES];
};

static const struct row head = {{"DATABASE", "VERSION", "SIGNATURES", "BUILT", "AGE", "STATE"}};

static void name_cell(const char *file, char out[CELL_BYTES])
{
	const char *dot = strrchr(file, '.');
	size_t len = dot && dot != file ? (size_t)(dot - file) : strlen(file);

	(void)text_escape(span_of(file, len), out, CELL_BYTES);
}

static void time_cells(uint64_t built, uint64_t now_ms, struct row *row)
{
	char text[AMOUNT_TEXT];

	if (!built) { /* plain files carry no time */
		(void)snprintf(row->cells[3], CELL_BYTES, "-");
		(void)snprintf(row->cells[4], CELL_BYTES, "-");
		return;
	}
	(void)snprintf(row->cells[3], CELL_BYTES, "%.16s UTC", amount_of_utc(built * 1000, text));
	(void)snprintf(row->cells[4], CELL_BYTES, "%s",
		       built * 1000 <= now_ms ? amount_of_time(now_ms - built * 1000, text)
					      : "in the future");
}

static void fill(const struct definition_file *file, uint64_t now_ms, struct row *row)
{
	name_cell(file->name, row->cells[0]);
	if (file->version)
		(void)snprintf(row->cells[1], CELL_BYTES, "%u", file->version);
	else
		(void)snprintf(row->cells[1], CELL_BYTES, "-");
	(void)snprintf(row->cells[2], CELL_BYTES, "%u", file->signatures);
	time_cells(file->built, now_ms, row);
	(void)snprintf(row->cells[5], CELL_BYTES, "%s", file->accepted ? "active" : "refused: ");
}

static void widen(const struct row *row, int widths[COLUMNS])
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		int len = (int)strlen(row->cells[i]);

		if (len > widths[i])
			widths[i] = len;
	}
}

static void write_row(FILE *stream, const struct row *row, const int widths[COLUMNS])
{
	for (unsigned i = 0; i + 1 < COLUMNS; i++)
		(void)fprintf(stream, "%-*s  ", widths[i], row->cells[i]);
	(void)fputs(row->cells[COLUMNS - 1], stream);
}

static void write_reason(FILE *stream, const char *reason)
{
	char text[4 * LIMIT_REASON_BYTES + 8];

	(void)fputs(text_escape(span_of_text(reason), text, sizeof(text)), stream);
}

static void write_set(const struct text_target *target, const struct status_report *status)
{
	bool is_old = status->age_state == DEFINITION_AGE_OLD;
	bool is_red = is_old && target->colour;
	char limit[AMOUNT_TEXT];

	(void)fprintf(target->stream, "Generation %llu%s, %llu signatures in all",
		      (unsigned long long)status->generation, status->builtin ? " (built-in)" : "",
		      (unsigned long long)status->signatures);
	if (is_old)
		(void)fprintf(target->stream, ", %sold (the limit is %s)%s", is_red ? RED : "",
			      amount_of_time(status->age_limit_s * 1000, limit),
			      is_red ? PLAIN : "");
	(void)fputc('\n', target->stream);
}

void render_text_definitions(const struct text_target *target, const struct status_report *status,
			     uint64_t now_utc_ms)
{
	int widths[COLUMNS] = {0};
	struct row row;

	write_set(target, status);
	widen(&head, widths);
	for (unsigned i = 0; i < status->n_files; i++) {
		fill(&status->files[i], now_utc_ms, &row);
		widen(&row, widths);
	}
	write_row(target->stream, &head, widths);
	(void)fputc('\n', target->stream);
	for (unsigned i = 0; i < status->n_files; i++) {
		fill(&status->files[i], now_utc_ms, &row);
		write_row(target->stream, &row, widths);
		if (!status->files[i].accepted)
			write_reason(target->stream, status->files[i].reason);
		(void)fputc('\n', target->stream);
	}
}

static const struct row check_head = {
	{"FILE", "VERSION", "PROMISED", "LOADED", "SIGNATURE", "RESULT"}};

static void number_cell(uint32_t number, char out[CELL_BYTES])
{
	if (number)
		(void)snprintf(out, CELL_BYTES, "%u", number);
	else
		(void)snprintf(out, CELL_BYTES, "-");
}

static void fill_tried(const struct definition_file *file, struct row *row)
{
	(void)text_escape(span_of_text(file->name), row->cells[0], CELL_BYTES);
	number_cell(file->version, row->cells[1]);
	number_cell(file->promised, row->cells[2]);
	number_cell(file->signatures, row->cells[3]);
	(void)snprintf(row->cells[4], CELL_BYTES, "%s", definition_signing_name(file->signing));
	(void)snprintf(row->cells[5], CELL_BYTES, "%s", file->accepted ? "passed" : "refused: ");
}

static void write_verdict(FILE *stream, const struct check_verdict *verdict)
{
	char size[AMOUNT_TEXT], time[AMOUNT_TEXT];

	if (verdict->passed && verdict->signatures) {
		(void)fprintf(stream, "Passed: %llu signatures, %s, loaded in %s\n",
			      (unsigned long long)verdict->signatures,
			      amount_of_bytes(verdict->engine_bytes, size),
			      amount_of_time(verdict->load_ms, time));
	}
	if (verdict->generation)
		(void)fprintf(stream, "Generation %llu serves.\n",
			      (unsigned long long)verdict->generation);
	if (verdict->passed)
		return;
	(void)fputs("Refused: ", stream);
	write_reason(stream, verdict->reason);
	(void)fputc('\n', stream);
}

void render_text_check(const struct text_target *target, const struct check_verdict *verdict)
{
	int widths[COLUMNS] = {0};
	struct row row;

	widen(&check_head, widths);
	for (unsigned i = 0; i < verdict->n_files; i++) {
		fill_tried(&verdict->files[i], &row);
		widen(&row, widths);
	}
	if (verdict->n_files) {
		write_row(target->stream, &check_head, widths);
		(void)fputc('\n', target->stream);
	}
	for (unsigned i = 0; i < verdict->n_files; i++) {
		fill_tried(&verdict->files[i], &row);
		write_row(target->stream, &row, widths);
		if (!verdict->files[i].accepted)
			write_reason(target->stream, verdict->files[i].reason);
		(void)fputc('\n', target->stream);
	}
	write_verdict(target->stream, verdict);
}
