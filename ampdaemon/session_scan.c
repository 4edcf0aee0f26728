/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/session_scan.h"

#include <string.h>

#include "base/text.h"
#include "io/clock.h"
#include "io/log.h"

static void record(const struct scan_counts *counts, uint32_t type, struct journal *journal)
{
	struct event event = {.type = type, .body = EVENT_BODY_SCAN, .scan = *counts};

	journal_record(journal, &event);
}

static void keep_label(struct session_scan *scan, struct span label)
{
	size_t len = label.len < sizeof(scan->label) ? label.len : sizeof(scan->label);

	if (len)
		memcpy(scan->label, label.data, len);
	scan->counts.label = span_of(scan->label, len);
}

void session_scan_begin(struct session_scan *scan, uint64_t number, const struct peer *peer,
			struct span label, struct journal *journal)
{
	scan->counts =
		(struct scan_counts){.scan = number, .uid = peer->uid, .pid = (uint32_t)peer->pid};
	keep_label(scan, label);
	scan->began = clock_mono_ms();
	scan->last_file = 0;
	scan->end_asked = scan->end_stopped = false;
	record(&scan->counts, EVENT_SCAN_STARTED, journal);
}

void session_scan_continue(struct session_scan *scan, const struct scan_handover *from,
			   const struct peer *peer)
{
	scan->counts = from->counts;
	scan->counts.pid = (uint32_t)peer->pid;
	keep_label(scan, from->counts.label);
	scan->began = from->began;
	scan->last_file = 0;
	scan->end_asked = scan->end_stopped = false;
}

void session_scan_ask_end(struct session_scan *scan, uint64_t not_scanned, bool stopped)
{
	scan->end_asked = true;
	scan->end_stopped = stopped;
	scan->end_not_scanned = not_scanned;
}

static uint32_t type_of_end(const struct scan_counts *c, bool whole)
{
	if (c->infected)
		return EVENT_SCAN_COMPLETED_DETECTIONS;
	if (!whole)
		return EVENT_SCAN_FAILED;
	if (c->incomplete || c->error || c->failed || c->not_scanned)
		return EVENT_SCAN_INCOMPLETE;
	return EVENT_SCAN_COMPLETED_CLEAN;
}

void session_scan_end(struct session_scan *scan, bool whole, struct journal *journal)
{
	uint64_t not_scanned = scan->end_asked ? scan->end_not_scanned : 0;

	scan->counts.not_scanned += not_scanned;
	scan->counts.files += not_scanned;
	scan->counts.ms = (uint64_t)(clock_mono_ms() - scan->began);
	record(&scan->counts, type_of_end(&scan->counts, whole), journal);
	scan->end_asked = false;
}

void scan_handover_fail(const struct scan_handover *scan, struct journal *journal)
{
	struct scan_counts counts = scan->counts;

	counts.ms = (uint64_t)(clock_mono_ms() - scan->began);
	record(&counts, type_of_end(&counts, false), journal);
}

static void add(struct scan_counts *counts, const struct file_result *result)
{
	counts->files++;
	counts->bytes += result->bytes;
	switch (result->verdict) {
	case VERDICT_CLEAN:
		counts->clean++;
		break;
	case VERDICT_INFECTED:
		counts->infected++;
		break;
	case VERDICT_INCOMPLETE:
		counts->incomplete++;
		break;
	case VERDICT_FAILED:
		counts->failed++;
		break;
	case VERDICT_NOT_SCANNED:
		counts->not_scanned++;
		break;
	case VERDICT_ERROR:
	case VERDICT_NONE:
	case VERDICT_COUNT:
		counts->error++;
		break;
	}
}

static void record_threat(const struct scan_counts *counts, struct span path,
			  const struct file_result *result, struct journal *journal)
{
	struct event event = {.type = EVENT_THREAT_DETECTED, .body = EVENT_BODY_THREAT};
	char shown[1024];

	event.threat.scan = counts->scan;
	event.threat.path = path;
	event.threat.n_threats = result->n_threats;
	memcpy(event.threat.threats, result->threats, sizeof(result->threats));
	event.threat.generation = result->generation;
	event.threat.bytes = result->bytes;
	journal_record(journal, &event);
	log_warning("threat %s found in %s (scan %llu of user %u)", result->threats[0],
		    text_escape(path, shown, sizeof(shown)), (unsigned long long)counts->scan,
		    counts->uid);
}

void session_scan_count(struct session_scan *scan, struct span path,
			const struct file_result *result, struct journal *journal)
{
	scan->under_way--;
	add(&scan->counts, result);
	if (result->verdict == VERDICT_INFECTED)
		record_threat(&scan->counts, path, result, journal);
}
