/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "ampcli/amounts.h"
#include "ampcli/render_text.h"
#include "base/definition_age.h"
#include "base/text.h"
#include "base/update_outcome.h"

#define LINE_BYTES 4096
#define DIGEST_TEXT (2 * LIMIT_DIGEST_BYTES + 1)

/* Strangers' bytes: the path of the store is the administrator's. */
static void write_escaped(FILE *stream, struct span bytes)
{
	char text[4 * LIMIT_ROOT_BYTES + 8];

	(void)fputs(text_escape(bytes, text, sizeof(text)), stream);
}

static const char *state_of(const struct generation_report *g)
{
	if (g->is_bad)
		return "put aside";
	if (g->is_active)
		return g->is_good ? "active, last-good" : "active";
	return g->is_good ? "last-good" : "kept";
}

static const char *digest_text(struct span digest, char out[DIGEST_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < digest.len && i < LIMIT_DIGEST_BYTES; i++) {
		out[2 * i] = digits[digest.data[i] >> 4];
		out[2 * i + 1] = digits[digest.data[i] & 15];
	}
	out[2 * digest.len] = '\0';
	return out;
}

static void write_databases(FILE *stream, const struct generation_report *g)
{
	for (unsigned i = 0; i < g->n_databases; i++)
		(void)fprintf(stream, "%s%s %u", i ? ", " : "", g->databases[i].name,
			      g->databases[i].version); /* printable: the decoder saw to it */
	if (!g->n_databases)
		(void)fputs("not known yet", stream);
}

static void write_built(FILE *stream, const struct generation_report *g, uint64_t now)
{
	char text[AMOUNT_TEXT];

	(void)fprintf(stream, ", built %.10s",
		      g->built ? amount_of_utc(g->built * 1000, text) : "unknown");
	if (g->built && g->built * 1000 <= now)
		(void)fprintf(stream, " (%s old)", amount_of_time(now - g->built * 1000, text));
}

static void write_generation(FILE *stream, const struct generation_report *g, uint64_t now)
{
	char size[AMOUNT_TEXT], digest[DIGEST_TEXT];

	(void)fprintf(stream, "  %-6" PRIu64 " %-18s ", g->number, state_of(g));
	write_databases(stream, g);
	(void)fprintf(stream, "; %" PRIu64 " signatures, %s", g->signatures,
		      amount_of_bytes(g->bytes, size));
	write_built(stream, g, now);
	(void)fprintf(stream, ", sha256 %.16s\n", digest_text(g->digest, digest));
}

static void write_rejected(FILE *stream, const struct rejected_report *rejected)
{
	char digest[DIGEST_TEXT], time[AMOUNT_TEXT];

	(void)fprintf(stream, "  %.16s  %.16s UTC  ", digest_text(rejected->digest, digest),
		      amount_of_utc(rejected->utc_ms, time));
	write_escaped(stream, span_of_text(rejected->reason));
	(void)fputc('\n', stream);
}

static void write_updates(FILE *stream, const struct generations_report *report)
{
	char time[AMOUNT_TEXT];

	if (!report->updates_on) {
		(void)fputs("Updates: off\n", stream);
		return;
	}
	(void)fprintf(stream, "Updates: last check %s", amount_of_utc(report->last_check_ms, time));
	if (report->last_check_ms) {
		(void)fprintf(stream, " (%s", update_outcome_name(report->last_outcome));
		(void)fputs(report->last_reason[0] ? ": " : "", stream);
		write_escaped(stream, span_of_text(report->last_reason));
		(void)fputc(')', stream);
	}
	if (report->next_check_ms)
		(void)fprintf(stream, ", next %s", amount_of_utc(report->next_check_ms, time));
	(void)fputc('\n', stream);
}

static void write_present(FILE *stream, const struct generations_report *report)
{
	char time[AMOUNT_TEXT];

	if (report->probation_left_ms)
		(void)fprintf(stream, "Probation: %s left\n",
			      amount_of_time(report->probation_left_ms, time));
	if (report->candidate[0])
		(void)fprintf(stream, "Under way: %s\n", report->candidate);
}

void render_text_generations(const struct text_target *target,
			     const struct generations_report *report, uint64_t now_utc_ms)
{
	FILE *stream = target->stream;
	char size[AMOUNT_TEXT];

	if (!report->root.len) {
		(void)fputs("Store: none (definitions_root of the configuration)\n", stream);
		return;
	}
	(void)fputs("Store: ", stream);
	write_escaped(stream, report->root);
	(void)fprintf(stream, ", %s%s\n", amount_of_bytes(report->store_bytes, size),
		      report->in_charge ? ""
					: "; not in charge: definitions_dir is what is loaded");
	for (unsigned i = 0; i < report->n_generations; i++)
		write_generation(stream, &report->generations[i], now_utc_ms);
	write_present(stream, report);
	if (report->n_rejected)
		(void)fputs("Rejected:\n", stream);
	for (unsigned i = 0; i < report->n_rejected; i++)
		write_rejected(stream, &report->rejected[i]);
	write_updates(stream, report);
}

void render_text_update(const struct text_target *target, const struct update_verdict *verdict)
{
	char size[AMOUNT_TEXT];

	write_escaped(target->stream, span_of_text(verdict->reason));
	if (verdict->bytes)
		(void)fprintf(target->stream, " (%s downloaded)",
			      amount_of_bytes(verdict->bytes, size));
	if (verdict->generation)
		(void)fprintf(target->stream, "; generation %" PRIu64 " serves",
			      verdict->generation);
	(void)fputc('\n', target->stream);
}
