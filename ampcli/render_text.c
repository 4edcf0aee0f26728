/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/render_text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ampcli/amounts.h"
#include "ampcli/render_definition_event.h"
#include "base/definition_age.h"
#include "base/fault.h"
#include "base/lives.h"
#include "base/text.h"

#define RED "\033[1;31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

static void write_bytes(FILE *stream, struct span bytes)
{
	size_t size = 4 * bytes.len + 8; /* \xHH for each byte, and the NUL */
	char *text = malloc(size);

	(void)fputs(text ? text_escape(bytes, text, size) : "(no memory to show the name)", stream);
	free(text);
}

static void write_text(FILE *stream, const char *text)
{
	write_bytes(stream, span_of_text(text));
}

static const char *colour_of(enum verdict verdict)
{
	if (verdict == VERDICT_INFECTED)
		return RED;
	return verdict == VERDICT_CLEAN ? "" : YELLOW;
}

static void write_cause(FILE *stream, const struct scan_line *line)
{
	if (line->verdict == VERDICT_CLEAN)
		return;
	(void)fputs("  (", stream);
	for (unsigned i = 0; i < line->n_threats; i++) {
		(void)fputs(i ? ", " : "", stream);
		write_text(stream, line->threats[i]);
	}
	(void)fputs(scan_reason_text(line->reason), stream);
	if (line->detail && *line->detail) {
		(void)fputs(": ", stream);
		write_text(stream, line->detail);
	}
	(void)fputc(')', stream);
}

void render_text_scan_line(const struct text_target *target, const struct scan_line *line)
{
	const char *colour = target->colour ? colour_of(line->verdict) : "";

	(void)fprintf(target->stream, "%s%-11s%s  ", colour, verdict_name(line->verdict),
		      *colour ? PLAIN : "");
	write_bytes(target->stream, line->path);
	write_cause(target->stream, line);
	(void)fputc('\n', target->stream);
}

static void write_skips(FILE *stream, const struct scan_tally *tally)
{
	if (tally->symlinks + tally->special + tally->mounts == 0)
		return;
	(void)fprintf(
		stream,
		"Left out: %llu symbolic links, %llu special files, %llu directories of other file systems%s\n",
		(unsigned long long)tally->symlinks, (unsigned long long)tally->special,
		(unsigned long long)tally->mounts, tally->mounts ? " (--cross scans them)" : "");
}

void render_text_scan_summary(const struct text_target *target, const struct scan_tally *tally)
{
	uint64_t ms = tally->ms ? tally->ms : 1;
	char size[AMOUNT_TEXT], rate[AMOUNT_TEXT], time[AMOUNT_TEXT];

	(void)fprintf(
		target->stream,
		"%s%llu files: %llu clean, %llu infected, %llu incomplete, %llu error, %llu failed, %llu not scanned\n",
		tally->stopped ? "Stopped. " : "", (unsigned long long)tally->files,
		(unsigned long long)tally->verdicts[VERDICT_CLEAN],
		(unsigned long long)tally->verdicts[VERDICT_INFECTED],
		(unsigned long long)tally->verdicts[VERDICT_INCOMPLETE],
		(unsigned long long)tally->verdicts[VERDICT_ERROR],
		(unsigned long long)tally->verdicts[VERDICT_FAILED],
		(unsigned long long)tally->verdicts[VERDICT_NOT_SCANNED]);
	(void)fprintf(target->stream, "%s in %s, %s/s, %.0f files/s\n",
		      amount_of_bytes(tally->bytes, size), amount_of_time(tally->ms, time),
		      amount_of_bytes((uint64_t)((double)tally->bytes * 1000.0 / (double)ms), rate),
		      (double)tally->files * 1000.0 / (double)ms);
	write_skips(target->stream, tally);
}

/* The fields of the status, in the order of the spec; each is a line of its own. */
struct status_lines {
	const struct status_report *status;
	uint64_t now;
	bool is_loud;
	void (*give)(const struct status_lines *lines, const char *label, const char *value);
	void *context;
};

static void give(const struct status_lines *lines, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void give(const struct status_lines *lines, const char *label, const char *format, ...)
{
	char value[1024]; /* longer than any text of the daemon */
	va_list args;

	va_start(args, format);
	(void)vsnprintf(value, sizeof(value), format, args); /* the codec has bounded each part */
	va_end(args);
	lines->give(lines, label, value);
}

static unsigned walls_in(const struct status_report *status, enum wall_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < status->n_walls; i++)
		n += status->walls[i].state == state;
	return n;
}

static void give_scan(const struct status_lines *lines)
{
	const struct status_report *status = lines->status;

	if (status->service_state != SERVICE_UP)
		give(lines, "Scan", "not possible now: the scan service is %s",
		     service_state_name(status->service_state));
	else if (status->scans == 0)
		give(lines, "Scan", "ready");
	else
		give(lines, "Scan", "%u under way (%u files in workers, %u waiting)", status->scans,
		     status->in_flight, status->queued);
}

static void give_age(const struct status_lines *lines)
{
	const struct status_report *status = lines->status;
	uint64_t built = status->definitions_built * 1000;
	bool is_old = status->age_state == DEFINITION_AGE_OLD;
	char age[AMOUNT_TEXT] = "unknown", day[AMOUNT_TEXT], limit[AMOUNT_TEXT];
	struct status_lines loud = *lines;

	loud.is_loud = is_old;
	if (built && built <= lines->now)
		(void)amount_of_time(lines->now - built, age);
	if (is_old)
		give(&loud, "Definitions Age", "%s (built %s): OUT OF DATE, the limit is %s", age,
		     amount_of_utc(built, day), amount_of_time(status->age_limit_s * 1000, limit));
	else if (built)
		give(lines, "Definitions Age", "%s (built %s)", age, amount_of_utc(built, day));
}

static void give_definitions(const struct status_lines *lines)
{
	const struct status_report *status = lines->status;

	give(lines, "Definitions", "generation %llu%s, %llu signatures",
	     (unsigned long long)status->generation, status->builtin ? " (built-in)" : "",
	     (unsigned long long)status->signatures);
	give_age(lines);
	for (unsigned i = 0; i < status->n_files; i++) {
		const struct definition_file *file = &status->files[i];

		if (file->accepted)
			give(lines, "Definition File", "%s, %u signatures", file->name,
			     file->signatures);
		else
			give(lines, "Definition File", "%s REJECTED: %s", file->name, file->reason);
	}
}

static void give_service(const struct status_lines *lines)
{
	const struct status_report *status = lines->status;
	const char *reason = status->service_reason;

	if (status->service_pid == 0)
		give(lines, "Scan Service", "%s%s%s, started %u times, %u worker failures",
		     service_state_name(status->service_state), *reason ? ": " : "", reason,
		     status->service_starts, status->worker_failures);
	else
		give(lines, "Scan Service",
		     "%s, user %s (%u), pid %u, started %u times, %u worker failures",
		     service_state_name(status->service_state), status->service_user,
		     status->service_uid, status->service_pid, status->service_starts,
		     status->worker_failures);
	give(lines, "Failures",
	     "%u in the window; %llu before ready, %llu by input, %llu unexplained in all",
	     status->failures_window, (unsigned long long)status->failures[FAILURE_BEFORE_READY],
	     (unsigned long long)status->failures[FAILURE_BY_INPUT],
	     (unsigned long long)status->failures[FAILURE_UNEXPLAINED]);
	give(lines, "Restarts", "connector %u in place, scan service %u replaced",
	     status->connector_restarts, status->service_replacements);
	if (status->standby_wanted)
		give(lines, "Standby", "%s, pid %u", status->standby_ready ? "ready" : "not ready",
		     status->standby_pid);
	give(lines, "Unscannable", "%u files (ampcli unscannable)", status->unscannable);
	give(lines, "Engine", "%s", *status->engine ? status->engine : "not loaded");
	for (unsigned i = 0; i < status->n_workers; i++) {
		const struct worker_report *worker = &status->workers[i];

		give(lines, "Worker", "%llu, pid %u, %s, %llu jobs, %llu KiB of its own",
		     (unsigned long long)worker->worker, worker->pid,
		     worker_state_name(worker->state), (unsigned long long)worker->jobs,
		     (unsigned long long)worker->private_kb);
	}
}

static void give_walls(const struct status_lines *lines)
{
	const struct status_report *status = lines->status;

	give(lines, "Walls", "%u up, %u missing in this kernel or set-up, %u breached, %u unknown",
	     walls_in(status, WALL_STATE_UP), walls_in(status, WALL_STATE_MISSING),
	     walls_in(status, WALL_STATE_BREACHED), walls_in(status, WALL_STATE_UNKNOWN));
	for (unsigned i = 0; i < status->n_walls; i++) {
		const struct wall_report *wall = &status->walls[i];

		give(lines, "Wall", "%-16s %s%s%s", wall_name(wall->id),
		     wall_state_name(wall->state), *wall->detail ? ": " : "", wall->detail);
	}
}

static void give_troubles(const struct status_lines *lines)
{
	const struct status_report *status = lines->status;

	if (*status->journal_error)
		give(lines, "Journal", "cannot be written: %s; %u events wait, %llu are lost",
		     status->journal_error, status->journal_waiting,
		     (unsigned long long)status->journal_lost);
	else
		give(lines, "Journal", "%llu events, %llu lost",
		     (unsigned long long)status->journal_sequence,
		     (unsigned long long)status->journal_lost);
	for (unsigned i = 0; i < status->n_notices; i++)
		give(lines, "Notice", "%s", status->notices[i]);
}

/* In the order of the spec: counts, numbers, then a sentence each. */
static void give_faults(const struct status_lines *lines)
{
	const struct status_report *status = lines->status;
	unsigned counts[FAULT_SEVERITY_COUNT] = {0};
	char ids[16 * LIMIT_FAULTS] = "none";
	size_t at = 0;

	for (unsigned i = 0; i < status->n_faults; i++) {
		counts[status->faults[i].severity]++;
		at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%s%u", i ? ", " : "",
				       status->faults[i].id); /* ten digits and a comma each fit */
	}
	give(lines, "Faults", "%u critical, %u major, %u minor", counts[FAULT_CRITICAL],
	     counts[FAULT_MAJOR], counts[FAULT_MINOR]);
	give(lines, "Fault IDs", "%s", ids);
	for (unsigned i = 0; i < status->n_faults; i++) {
		const struct fault_state *fault = &status->faults[i];
		const char *severity = fault_severity_name(fault->severity);

		give(lines, "Fault", "ID %u - %c%s: %s. %s", fault->id, severity[0] - 'a' + 'A',
		     severity + 1, fault->detail, fault->remedy);
	}
}

static void give_status(const struct status_lines *lines)
{
	const struct status_report *status = lines->status;
	char text[AMOUNT_TEXT];

	give(lines, "Status", "connected to ampdaemon %s, pid %u, up for %s", status->version,
	     status->pid, amount_of_time(status->uptime_ms, text));
	give(lines, "Mode", "%s", status->n_faults ? "Degraded" : "Normal");
	give_scan(lines);
	give(lines, "Last Scan", "%s", amount_of_utc(status->last_scan_ms, text));
	give(lines, "Policy", "built-in defaults");
	give(lines, "Command-line", "enabled");
	give_definitions(lines);
	give_service(lines);
	give(lines, "Monitors", "not in this build");
	give_faults(lines);
	give_walls(lines);
	give_troubles(lines);
}

static void print_line(const struct text_target *target, const char *label, const char *value)
{
	(void)fprintf(target->stream, "%s:%*s ", label, (int)(16 - strlen(label)), "");
	write_text(target->stream, value);
	(void)fputc('\n', target->stream);
}

static void print_status_line(const struct status_lines *lines, const char *label,
			      const char *value)
{
	const struct text_target *target = lines->context;
	bool is_red = lines->is_loud && target->colour;

	(void)fputs(is_red ? RED : "", target->stream);
	print_line(target, label, value);
	(void)fputs(is_red ? PLAIN : "", target->stream);
}

void render_text_status(const struct text_target *target, const struct status_report *status,
			uint64_t now_utc_ms)
{
	struct text_target copy = *target;

	give_status(&(struct status_lines){
		.status = status, .now = now_utc_ms, .give = print_status_line, .context = &copy});
}

struct wanted_field {
	FILE *stream;
	const char *label;
	bool found;
};

static void print_wanted(const struct status_lines *lines, const char *label, const char *value)
{
	struct wanted_field *wanted = lines->context;

	if (strcasecmp(label, wanted->label) != 0)
		return;
	wanted->found = true;
	write_text(wanted->stream, value);
	(void)fputc('\n', wanted->stream);
}

bool render_text_status_field(const struct text_target *target, const struct status_report *status,
			      uint64_t now_utc_ms, const char *label)
{
	struct wanted_field wanted = {.stream = target->stream, .label = label};

	give_status(&(struct status_lines){
		.status = status, .now = now_utc_ms, .give = print_wanted, .context = &wanted});
	return wanted.found;
}

static void write_scan_event(FILE *stream, const struct event *event)
{
	const struct scan_counts *scan = &event->scan;

	(void)fprintf(stream, "scan %llu of user %u: ", (unsigned long long)scan->scan, scan->uid);
	write_bytes(stream, scan->label);
	if (event->type == EVENT_SCAN_STARTED)
		return;
	(void)fprintf(stream, "; %llu files, %llu infected, %llu not clean for other reasons",
		      (unsigned long long)scan->files, (unsigned long long)scan->infected,
		      (unsigned long long)(scan->incomplete + scan->error + scan->failed +
					   scan->not_scanned));
}

static void write_threat_event(FILE *stream, const struct event *event)
{
	for (unsigned i = 0; i < event->threat.n_threats; i++) {
		(void)fputs(i ? ", " : "", stream);
		write_text(stream, event->threat.threats[i]);
	}
	(void)fputs(" in ", stream);
	write_bytes(stream, event->threat.path);
}

static void write_digest(FILE *stream, struct span digest)
{
	if (!digest.len)
		return;
	(void)fputs(" (sha256 ", stream);
	for (size_t i = 0; i < digest.len; i++)
		(void)fprintf(stream, "%02x", digest.data[i]);
	(void)fputc(')', stream);
}

static void write_worker_event(FILE *stream, const struct event *event)
{
	(void)fprintf(stream, "worker %llu, pid %u, %s", (unsigned long long)event->worker.worker,
		      event->worker.pid, death_cause_name(event->worker.cause));
	if (*event->worker.detail)
		(void)fputs(": ", stream);
	write_text(stream, event->worker.detail);
	if (event->worker.path.len == 0)
		return;
	(void)fputs("; scanned ", stream);
	write_bytes(stream, event->worker.path);
	write_digest(stream, event->worker.digest);
	(void)fprintf(stream, ", job %llu, %s", (unsigned long long)event->worker.job,
		      scan_phase_name(event->worker.phase));
}

static void write_fault_event(FILE *stream, const struct event *event)
{
	const struct fault_entry *entry = fault_of(event->fault.id);
	bool is_cleared = event->type == EVENT_FAULT_CLEARED;

	if (!entry)
		return; /* all are cleared: the name of the event says it */
	(void)fprintf(stream, "%u %s (%s): ", event->fault.id, entry->name,
		      fault_severity_name(event->fault.severity));
	write_text(stream, is_cleared ? event->fault.reason : event->fault.detail);
}

static void write_unscannable_event(FILE *stream, const struct event *event)
{
	write_bytes(stream, event->unscannable.path);
	write_digest(stream, event->unscannable.digest);
	(void)fprintf(stream, ", the last of %u workers %s", event->unscannable.attempts,
		      death_cause_name(event->unscannable.cause));
}

static void write_service_event(FILE *stream, const struct event *event)
{
	(void)fprintf(stream, "start %llu, pid %u", (unsigned long long)event->service.incarnation,
		      event->service.pid);
	if (event->service.signatures)
		(void)fprintf(stream, ", %llu signatures",
			      (unsigned long long)event->service.signatures);
	if (*event->service.reason)
		(void)fputs(": ", stream);
	write_text(stream, event->service.reason);
}

static void write_body(FILE *stream, const struct event *event)
{
	switch (event->body) {
	case EVENT_BODY_CONNECTOR:
		(void)fprintf(stream, "version %s, pid %u%s", event->connector.version,
			      event->connector.pid, *event->connector.reason ? ": " : "");
		write_text(stream, event->connector.reason);
		break;
	case EVENT_BODY_SCAN:
		write_scan_event(stream, event);
		break;
	case EVENT_BODY_THREAT:
		write_threat_event(stream, event);
		break;
	case EVENT_BODY_WORKER:
		write_worker_event(stream, event);
		break;
	case EVENT_BODY_SERVICE:
		write_service_event(stream, event);
		break;
	case EVENT_BODY_FAULT:
		write_fault_event(stream, event);
		break;
	case EVENT_BODY_UNSCANNABLE:
		write_unscannable_event(stream, event);
		break;
	case EVENT_BODY_DEFINITIONS:
		text_definition_event(stream, event);
		break;
	case EVENT_BODY_LOST:
		(void)fprintf(stream, "%llu events: ", (unsigned long long)event->lost.events);
		write_text(stream, event->lost.reason);
		break;
	default:
		break;
	}
}

void render_text_event(const struct text_target *target, const struct event *event)
{
	enum event_severity severity = event_type_severity(event->type);
	const char *colour = severity == EVENT_SERIOUS   ? RED
			     : severity == EVENT_WARNING ? YELLOW
							 : "";
	char time[AMOUNT_TEXT];

	if (!target->colour)
		colour = "";
	(void)fprintf(target->stream, "%8llu  %s  %s%-11s%s  %-30s  ",
		      (unsigned long long)event->sequence, amount_of_utc(event->utc_ms, time),
		      colour, event_severity_name(severity), *colour ? PLAIN : "",
		      event_type_name(event->type));
	write_body(target->stream, event);
	(void)fputc('\n', target->stream);
}

static void print_paragraph(const struct text_target *target, const char *label, const char *text)
{
	(void)fprintf(target->stream, "    %-10s ", label);
	write_text(target->stream, *text ? text : "-");
	(void)fputc('\n', target->stream);
}

void render_text_fault(const struct text_target *target, const struct fault_state *fault,
		       bool is_whole)
{
	const struct fault_entry *entry = fault_of(fault->id);
	const char *colour = !target->colour || !fault->active   ? ""
			     : fault->severity == FAULT_CRITICAL ? RED
								 : YELLOW;
	char time[AMOUNT_TEXT];

	(void)fprintf(target->stream, "%s%-3u %-9s%s %s\n", colour, fault->id,
		      fault->active ? fault_severity_name(fault->severity) : "inactive",
		      *colour ? PLAIN : "", entry ? entry->name : "");
	if (fault->raised_ms)
		(void)fprintf(target->stream, "    raised     %s, seen %llu times\n",
			      amount_of_utc(fault->raised_ms, time),
			      (unsigned long long)fault->count);
	if (fault->active || fault->raised_ms)
		print_paragraph(target, "detail", fault->detail);
	print_paragraph(target, "what to do", fault->remedy);
	if (!fault->active && fault->cleared_ms) {
		print_paragraph(target, "cleared", amount_of_utc(fault->cleared_ms, time));
		print_paragraph(target, "because", fault->reason);
	}
	if (!is_whole || !entry)
		return;
	print_paragraph(target, "raised by", entry->raised);
	print_paragraph(target, "meanwhile", entry->meanwhile);
	print_paragraph(target, "cleared by", entry->cleared);
}

void render_text_unscannable(const struct text_target *target,
			     const struct unscannable_report *file)
{
	char time[AMOUNT_TEXT], size[AMOUNT_TEXT];

	(void)fprintf(target->stream, "%s  %10s  %-25s  ", amount_of_utc(file->since_ms, time),
		      amount_of_bytes(file->bytes, size), death_cause_name(file->cause));
	write_bytes(target->stream, file->path);
	write_digest(target->stream, file->digest);
	if (file->spared)
		(void)fprintf(target->stream, ", spared %llu times",
			      (unsigned long long)file->spared);
	(void)fputc('\n', target->stream);
}

void render_text_about(const struct text_target *target, const struct about_view *about)
{
	char text[AMOUNT_TEXT];

	print_line(target, "ampcli", about->client_version);
	print_line(target, "Socket", about->socket);
	if (*about->trouble) {
		print_line(target, "ampdaemon", about->trouble);
		return;
	}
	print_line(target, "ampdaemon", about->daemon_version);
	print_line(target, "Engine", *about->engine ? about->engine : "not loaded");
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)about->generation);
	print_line(target, "Definitions", text);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)about->signatures);
	print_line(target, "Signatures", text);
	print_line(target, "Licence", "GPL-2.0-only, without any warranty");
}
