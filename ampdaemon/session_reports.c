/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/session_reports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/log.h"
#include "wire/control_codec.h"

/* Fewer at a time, by a quarter, until what is left fits. */
static unsigned fewer(unsigned n)
{
	return n - (n + 3) / 4;
}

/* ---- history ---- */

/* Rows of our own database: one that does not decode is left out and logged, not a reason to hide the others. */
static unsigned decode_rows(struct wire_arena *arena, const struct journal_row *rows, int n,
			    struct event *events)
{
	unsigned good = 0;
	const char *why;

	for (int i = 0; i < n; i++) {
		if (event_decode_more(arena, rows[i].body, rows[i].len, &events[good], &why)) {
			log_warning("journal row %llu cannot be shown: %s",
				    (unsigned long long)rows[i].sequence, why);
			continue;
		}
		events[good++].sequence = rows[i].sequence;
	}
	return good;
}

static ssize_t fit_history(struct event *events, unsigned n, bool more, uint8_t *packet,
			   size_t size)
{
	struct reply message = {.kind = REPLY_HISTORY, .history = {.events = events}};
	ssize_t len = -EMSGSIZE;

	for (unsigned fit = n; len == -EMSGSIZE; fit = fewer(fit)) {
		message.history.n_events = fit;
		message.history.more = more || fit < n;
		len = reply_encode(&message, packet, size);
		if (!fit)
			break;
	}
	return len;
}

ssize_t session_report_history(const struct journal_row *rows, int n, uint8_t *packet, size_t size)
{
	struct event *events = calloc(n > 0 ? (size_t)n : 1, sizeof(*events));
	struct wire_arena *arena = wire_arena_new();
	ssize_t len = n < 0 ? n : -ENOMEM;

	if (n >= 0 && events && arena)
		len = fit_history(events, decode_rows(arena, rows, n, events),
				  n > 0 && rows[n - 1].sequence > 1, packet, size);
	free(events);
	wire_arena_free(arena);
	return len;
}

/* ---- faults ---- */

ssize_t session_report_faults(const struct fault_desk *faults, uint32_t id, uint8_t *packet,
			      size_t size)
{
	struct reply *message = calloc(1, sizeof(*message));
	ssize_t len = message ? 0 : -ENOMEM;

	if (message) {
		message->kind = REPLY_FAULTS;
		message->faults.n_faults = 1;
		if (id)
			len = fault_desk_state(faults, id, &message->faults.faults[0]);
		else
			message->faults.n_faults =
				fault_desk_active(faults, message->faults.faults, LIMIT_FAULTS);
	}
	if (!len)
		len = reply_encode(message, packet, size); /* cuts what does not fit */
	free(message);
	return len;
}

/* ---- files that are not scanned ---- */

static unsigned describe(const struct unscannable *table, uint32_t from, uint32_t limit,
			 struct unscannable_report *files)
{
	const struct unscannable_entry *entry;
	unsigned n = 0;

	for (; n < limit && (entry = unscannable_at(table, from + n)); n++) {
		files[n] = (struct unscannable_report){
			.path = span_of(entry->path, entry->path_len),
			.device = entry->identity.device,
			.inode = entry->identity.inode,
			.bytes = entry->identity.bytes,
			.since_ms = entry->since_ms,
			.generation = entry->generation,
			.spared = entry->spared,
			.cause = entry->cause,
		};
		if (entry->has_digest)
			files[n].digest = span_of(entry->digest, sizeof(entry->digest));
	}
	return n;
}

ssize_t session_report_unscannable(const struct unscannable *table, uint32_t from, uint32_t limit,
				   uint8_t *packet, size_t size)
{
	struct unscannable_report *files = calloc(limit + 1, sizeof(*files));
	struct reply *message = calloc(1, sizeof(*message));
	ssize_t len = files && message ? -EMSGSIZE : -ENOMEM;
	unsigned n = len == -EMSGSIZE && from < LIMIT_UNSCANNABLE
			     ? describe(table, from, limit, files)
			     : 0;

	for (unsigned fit = n; len == -EMSGSIZE; fit = fewer(fit)) {
		message->kind = REPLY_UNSCANNABLE;
		message->unscannable.files = files;
		message->unscannable.n_files = fit;
		message->unscannable.total = unscannable_count(table);
		message->unscannable.more = from + (uint64_t)fit < unscannable_count(table);
		len = reply_encode(message, packet, size);
		if (!fit)
			break;
	}
	free(files);
	free(message);
	return len;
}
