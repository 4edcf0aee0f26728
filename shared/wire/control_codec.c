/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/control_codec.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/event_fields.h"
#include "wire/fields.h"

#include "control.pb-c.h"

NAME_TABLE_DEFINE(refusal, REFUSAL_LIST)

/* ---- requests ---- */

static ssize_t encode_scan_request(const struct request *request, Amp__Pb__Request *outer,
				   void *packet, size_t size)
{
	Amp__Pb__ScanBegin begin = AMP__PB__SCAN_BEGIN__INIT;
	Amp__Pb__ScanFile file = AMP__PB__SCAN_FILE__INIT;
	Amp__Pb__ScanEnd end = AMP__PB__SCAN_END__INIT;

	if (request->kind == REQUEST_SCAN_BEGIN) {
		begin.label = event_bytes_out(request->scan_begin.label, LIMIT_LABEL_BYTES);
		outer->body_case = AMP__PB__REQUEST__BODY_SCAN_BEGIN;
		outer->scan_begin = &begin;
	} else if (request->kind == REQUEST_SCAN_FILE) {
		file.file = request->scan_file.file;
		file.path = event_bytes_out(request->scan_file.path, LIMIT_PATH_BYTES);
		outer->body_case = AMP__PB__REQUEST__BODY_SCAN_FILE;
		outer->scan_file = &file;
	} else {
		end.not_scanned = request->scan_end.not_scanned;
		end.stopped = request->scan_end.stopped;
		outer->body_case = AMP__PB__REQUEST__BODY_SCAN_END;
		outer->scan_end = &end;
	}
	return fields_pack(&outer->base, packet, size);
}

ssize_t request_encode(const struct request *request, void *packet, size_t size)
{
	Amp__Pb__Request outer = AMP__PB__REQUEST__INIT;
	Amp__Pb__Hello hello = AMP__PB__HELLO__INIT;
	Amp__Pb__StatusRequest status = AMP__PB__STATUS_REQUEST__INIT;
	Amp__Pb__HistoryRequest history = AMP__PB__HISTORY_REQUEST__INIT;

	switch (request->kind) {
	case REQUEST_HELLO:
		hello.protocol = request->hello.protocol;
		outer.body_case = AMP__PB__REQUEST__BODY_HELLO;
		outer.hello = &hello;
		break;
	case REQUEST_STATUS:
		outer.body_case = AMP__PB__REQUEST__BODY_STATUS;
		outer.status = &status;
		break;
	case REQUEST_HISTORY:
		history.before = request->history.before;
		history.limit = request->history.limit;
		history.type = request->history.type;
		history.since_ms = request->history.since_ms;
		outer.body_case = AMP__PB__REQUEST__BODY_HISTORY;
		outer.history = &history;
		break;
	case REQUEST_SCAN_BEGIN:
	case REQUEST_SCAN_FILE:
	case REQUEST_SCAN_END:
		return encode_scan_request(request, &outer, packet, size);
	}
	return fields_pack(&outer.base, packet, size);
}

static int decode_scan_request(const Amp__Pb__Request *m, struct request *ret_request,
			       const char **ret_why)
{
	if (m->body_case == AMP__PB__REQUEST__BODY_SCAN_BEGIN) {
		ret_request->kind = REQUEST_SCAN_BEGIN;
		ret_request->scan_begin.label =
			span_of(m->scan_begin->label.data, m->scan_begin->label.len);
		if (m->scan_begin->label.len > LIMIT_LABEL_BYTES)
			return fields_refuse(ret_why, "label too long");
		return 0;
	}
	if (m->body_case == AMP__PB__REQUEST__BODY_SCAN_FILE) {
		ret_request->kind = REQUEST_SCAN_FILE;
		ret_request->scan_file.file = m->scan_file->file;
		ret_request->scan_file.path =
			span_of(m->scan_file->path.data, m->scan_file->path.len);
		if (!m->scan_file->file || !m->scan_file->path.len ||
		    m->scan_file->path.len > LIMIT_PATH_BYTES)
			return fields_refuse(ret_why, "file number or path");
		return 0;
	}
	ret_request->kind = REQUEST_SCAN_END;
	ret_request->scan_end.not_scanned = m->scan_end->not_scanned;
	ret_request->scan_end.stopped = m->scan_end->stopped;
	return 0;
}

static int decode_history_request(const Amp__Pb__HistoryRequest *m, struct request *ret_request,
				  const char **ret_why)
{
	ret_request->kind = REQUEST_HISTORY;
	ret_request->history.before = m->before;
	ret_request->history.limit = m->limit;
	ret_request->history.type = m->type;
	ret_request->history.since_ms = m->since_ms;
	if (m->limit < 1 || m->limit > LIMIT_HISTORY_ROWS)
		return fields_refuse(ret_why, "limit of a history request");
	return 0;
}

int request_decode(struct wire_arena *arena, const void *packet, size_t len,
		   struct request *ret_request, const char **ret_why)
{
	const Amp__Pb__Request *m =
		fields_unpack(&amp__pb__request__descriptor, arena, packet, len, ret_why);

	if (!m)
		return -EBADMSG;
	switch (m->body_case) {
	case AMP__PB__REQUEST__BODY_HELLO:
		ret_request->kind = REQUEST_HELLO;
		ret_request->hello.protocol = m->hello->protocol;
		return 0;
	case AMP__PB__REQUEST__BODY_STATUS:
		ret_request->kind = REQUEST_STATUS;
		return 0;
	case AMP__PB__REQUEST__BODY_SCAN_BEGIN:
	case AMP__PB__REQUEST__BODY_SCAN_FILE:
	case AMP__PB__REQUEST__BODY_SCAN_END:
		return decode_scan_request(m, ret_request, ret_why);
	case AMP__PB__REQUEST__BODY_HISTORY:
		return decode_history_request(m->history, ret_request, ret_why);
	case AMP__PB__REQUEST__BODY__NOT_SET:
	default:
		return fields_refuse(ret_why, "no request in it");
	}
}

/* ---- status ---- */

struct status_out {
	Amp__Pb__StatusReply reply;
	Amp__Pb__WorkerStatus workers[LIMIT_WORKERS];
	Amp__Pb__WorkerStatus *worker_list[LIMIT_WORKERS];
	struct walls_out walls;
	struct definition_out files[LIMIT_DEFINITION_FILES];
	Amp__Pb__DefinitionFile *file_list[LIMIT_DEFINITION_FILES];
	char version[LIMIT_NAME_BYTES + 1], user[LIMIT_NAME_BYTES + 1],
		engine[LIMIT_NAME_BYTES + 1];
	char service_reason[LIMIT_REASON_BYTES + 1], journal_error[LIMIT_REASON_BYTES + 1];
	char notices[LIMIT_NOTICES][LIMIT_REASON_BYTES + 1];
	char *notice_list[LIMIT_NOTICES];
	uint64_t verdicts[VERDICT_COUNT];
};

static void status_lists_out(const struct status_report *status, struct status_out *out)
{
	Amp__Pb__StatusReply *m = &out->reply;

	for (; m->n_workers < status->n_workers; m->n_workers++) {
		const struct worker_report *worker = &status->workers[m->n_workers];
		Amp__Pb__WorkerStatus *w = &out->workers[m->n_workers];

		amp__pb__worker_status__init(w);
		w->worker = worker->worker;
		w->pid = worker->pid;
		w->state = worker->state;
		w->jobs = worker->jobs;
		w->private_kb = worker->private_kb;
		out->worker_list[m->n_workers] = w;
	}
	m->workers = out->worker_list;
	m->n_walls = fields_walls_out(&out->walls, status->walls, status->n_walls);
	m->walls = out->walls.list;
	for (; m->n_files < status->n_files; m->n_files++) {
		fields_definition_out(&out->files[m->n_files], &status->files[m->n_files]);
		out->file_list[m->n_files] = &out->files[m->n_files].file;
	}
	m->files = out->file_list;
	for (; m->n_notices < status->n_notices; m->n_notices++)
		out->notice_list[m->n_notices] =
			fields_fit(status->notices[m->n_notices], out->notices[m->n_notices],
				   sizeof(out->notices[0]));
	m->notices = out->notice_list;
	memcpy(out->verdicts, status->verdicts, sizeof(out->verdicts));
	m->n_verdicts = VERDICT_COUNT;
	m->verdicts = out->verdicts;
}

static void status_service_out(const struct status_report *status, struct status_out *out)
{
	Amp__Pb__StatusReply *m = &out->reply;

	m->service_state = status->service_state;
	m->service_pid = status->service_pid;
	m->service_uid = status->service_uid;
	m->service_user = fields_fit(status->service_user, out->user, sizeof(out->user));
	m->service_starts = status->service_starts;
	m->worker_failures = status->worker_failures;
	m->service_reason = fields_fit(status->service_reason, out->service_reason,
				       sizeof(out->service_reason));
	m->engine = fields_fit(status->engine, out->engine, sizeof(out->engine));
	m->incarnation = status->incarnation;
	m->generation = status->generation;
	m->builtin = status->builtin;
	m->signatures = status->signatures;
	m->definitions_built = status->definitions_built;
	m->load_ms = status->load_ms;
	m->engine_bytes = status->engine_bytes;
	m->engine_huge_bytes = status->engine_huge_bytes;
}

static ssize_t encode_status(const struct status_report *status, Amp__Pb__Reply *outer,
			     void *packet, size_t size)
{
	struct status_out *out = calloc(1, sizeof(*out));
	Amp__Pb__StatusReply *m;
	ssize_t len;

	if (!out)
		return -ENOMEM;
	m = &out->reply;
	amp__pb__status_reply__init(m);
	m->version = fields_fit(status->version, out->version, sizeof(out->version));
	m->pid = status->pid;
	m->uptime_ms = status->uptime_ms;
	m->queued = status->queued;
	m->in_flight = status->in_flight;
	m->scans = status->scans;
	m->sessions = status->sessions;
	m->last_scan_ms = status->last_scan_ms;
	m->journal_sequence = status->journal_sequence;
	m->journal_waiting = status->journal_waiting;
	m->journal_lost = status->journal_lost;
	m->journal_error =
		fields_fit(status->journal_error, out->journal_error, sizeof(out->journal_error));
	m->log_dropped = status->log_dropped;
	m->violations = status->violations;
	status_service_out(status, out);
	status_lists_out(status, out);
	outer->body_case = AMP__PB__REPLY__BODY_STATUS;
	outer->status = m;
	len = fields_pack(&outer->base, packet, size);
	free(out);
	return len;
}

static int status_lists_in(const Amp__Pb__StatusReply *m, struct status_report *ret_status,
			   const char **ret_why)
{
	if (m->n_workers > LIMIT_WORKERS || m->n_files > LIMIT_DEFINITION_FILES ||
	    m->n_notices > LIMIT_NOTICES || m->n_verdicts != VERDICT_COUNT)
		return fields_refuse(ret_why, "a list of the status is too long");
	for (size_t i = 0; i < m->n_workers; i++) {
		if (m->workers[i]->state >= WORKER_STATE_COUNT)
			return fields_refuse(ret_why, "state of a worker");
		ret_status->workers[i] = (struct worker_report){
			.worker = m->workers[i]->worker,
			.pid = m->workers[i]->pid,
			.state = m->workers[i]->state,
			.jobs = m->workers[i]->jobs,
			.private_kb = m->workers[i]->private_kb,
		};
	}
	ret_status->n_workers = (unsigned)m->n_workers;
	for (size_t i = 0; i < m->n_files; i++) {
		if (!fields_definition_in(m->files[i], &ret_status->files[i]))
			return fields_refuse(ret_why, "definition file of the status");
	}
	ret_status->n_files = (unsigned)m->n_files;
	for (size_t i = 0; i < m->n_notices; i++) {
		if (!fields_text_ok(m->notices[i], LIMIT_REASON_BYTES))
			return fields_refuse(ret_why, "notice of the status");
		ret_status->notices[i] = m->notices[i];
	}
	ret_status->n_notices = (unsigned)m->n_notices;
	memcpy(ret_status->verdicts, m->verdicts, sizeof(ret_status->verdicts));
	if (!fields_walls_in(m->walls, m->n_walls, ret_status->walls, &ret_status->n_walls))
		return fields_refuse(ret_why, "walls of the status");
	return 0;
}

static int decode_status(const Amp__Pb__StatusReply *m, struct status_report *ret_status,
			 const char **ret_why)
{
	*ret_status = (struct status_report){
		.version = m->version,
		.pid = m->pid,
		.uptime_ms = m->uptime_ms,
		.service_state = m->service_state,
		.service_pid = m->service_pid,
		.service_uid = m->service_uid,
		.service_user = m->service_user,
		.service_starts = m->service_starts,
		.worker_failures = m->worker_failures,
		.service_reason = m->service_reason,
		.engine = m->engine,
		.incarnation = m->incarnation,
		.generation = m->generation,
		.builtin = m->builtin,
		.signatures = m->signatures,
		.definitions_built = m->definitions_built,
		.load_ms = m->load_ms,
		.engine_bytes = m->engine_bytes,
		.engine_huge_bytes = m->engine_huge_bytes,
		.queued = m->queued,
		.in_flight = m->in_flight,
		.scans = m->scans,
		.sessions = m->sessions,
		.last_scan_ms = m->last_scan_ms,
		.journal_sequence = m->journal_sequence,
		.journal_waiting = m->journal_waiting,
		.journal_lost = m->journal_lost,
		.journal_error = m->journal_error,
		.log_dropped = m->log_dropped,
		.violations = m->violations,
	};
	if (!fields_text_ok(m->version, LIMIT_NAME_BYTES) ||
	    !fields_text_ok(m->service_user, LIMIT_NAME_BYTES) ||
	    !fields_text_ok(m->engine, LIMIT_NAME_BYTES) ||
	    !fields_text_ok(m->service_reason, LIMIT_REASON_BYTES) ||
	    !fields_text_ok(m->journal_error, LIMIT_REASON_BYTES))
		return fields_refuse(ret_why, "text of the status");
	if (m->service_state >= SERVICE_STATE_COUNT)
		return fields_refuse(ret_why, "state of the service");
	return status_lists_in(m, ret_status, ret_why);
}

/* ---- other replies ---- */

static ssize_t encode_file_result(const struct file_result *result, Amp__Pb__Reply *outer,
				  void *packet, size_t size)
{
	Amp__Pb__FileResult m = AMP__PB__FILE_RESULT__INIT;
	struct threats_out threats;
	char detail[LIMIT_DETAIL_BYTES + 1];

	m.file = result->file;
	m.verdict = (Amp__Pb__Verdict)result->verdict;
	m.reason = result->reason;
	m.detail = fields_fit(result->detail, detail, sizeof(detail));
	m.n_threats = fields_threats_out(&threats, result->threats, result->n_threats);
	m.threats = threats.list;
	m.generation = result->generation;
	m.bytes = result->bytes;
	m.us = result->us;
	outer->body_case = AMP__PB__REPLY__BODY_FILE_RESULT;
	outer->file_result = &m;
	return fields_pack(&outer->base, packet, size);
}

/* The daemon gives verdicts of its own beside those of a worker, but a good word or a threat means the same from both. */
static bool is_consistent(const struct file_result *result)
{
	if (result->verdict == VERDICT_CLEAN || result->verdict == VERDICT_INFECTED)
		return verdict_is_plausible(result->verdict, result->reason, result->n_threats);
	return result->n_threats == 0;
}

static int decode_file_result(const Amp__Pb__FileResult *m, struct file_result *ret_result,
			      const char **ret_why)
{
	*ret_result = (struct file_result){
		.file = m->file,
		.verdict = (enum verdict)m->verdict,
		.reason = m->reason,
		.detail = m->detail,
		.generation = m->generation,
		.bytes = m->bytes,
		.us = m->us,
	};
	if (m->verdict <= 0 || (unsigned)m->verdict >= VERDICT_COUNT ||
	    m->reason >= SCAN_REASON_COUNT)
		return fields_refuse(ret_why, "verdict or reason");
	if (!fields_text_ok(m->detail, LIMIT_DETAIL_BYTES))
		return fields_refuse(ret_why, "detail of a result");
	if (!fields_threats_in(m->threats, m->n_threats, ret_result->threats,
			       &ret_result->n_threats))
		return fields_refuse(ret_why, "list of threats");
	if (!is_consistent(ret_result))
		return fields_refuse(ret_why, "verdict, reason and threats contradict each other");
	return 0;
}

static ssize_t encode_history(const struct history_page *page, Amp__Pb__Reply *outer, void *packet,
			      size_t size)
{
	Amp__Pb__HistoryPage m = AMP__PB__HISTORY_PAGE__INIT;
	struct event_out *events = calloc(page->n_events + 1, sizeof(*events));
	Amp__Pb__Event **list = calloc(page->n_events + 1, sizeof(*list));
	ssize_t len = -ENOMEM;

	if (events && list) {
		for (unsigned i = 0; i < page->n_events; i++) {
			event_out_fill(&page->events[i], &events[i]);
			list[i] = &events[i].outer;
		}
		m.n_events = page->n_events;
		m.events = list;
		m.more = page->more;
		outer->body_case = AMP__PB__REPLY__BODY_HISTORY;
		outer->history = &m;
		len = fields_pack(&outer->base, packet, size);
	}
	free(events);
	free(list);
	return len;
}

static int decode_history(struct wire_arena *arena, const Amp__Pb__HistoryPage *m,
			  struct history_page *ret_page, const char **ret_why)
{
	if (m->n_events > LIMIT_HISTORY_ROWS)
		return fields_refuse(ret_why, "too many events");
	ret_page->events = wire_arena_take(arena, m->n_events * sizeof(struct event) + 1);
	if (!ret_page->events)
		return fields_refuse(ret_why, "history page unfolds too far");
	for (size_t i = 0; i < m->n_events; i++) {
		int r = event_in(m->events[i], &ret_page->events[i], ret_why);

		if (r)
			return r;
	}
	ret_page->n_events = (unsigned)m->n_events;
	ret_page->more = m->more;
	return 0;
}

static ssize_t encode_refusal(const struct reply *reply, Amp__Pb__Reply *outer, void *packet,
			      size_t size)
{
	Amp__Pb__Refusal m = AMP__PB__REFUSAL__INIT;
	char reason[LIMIT_REASON_BYTES + 1];

	m.code = reply->refusal.code;
	m.reason = fields_fit(reply->refusal.reason, reason, sizeof(reason));
	outer->body_case = AMP__PB__REPLY__BODY_REFUSAL;
	outer->refusal = &m;
	return fields_pack(&outer->base, packet, size);
}

ssize_t reply_encode(const struct reply *reply, void *packet, size_t size)
{
	Amp__Pb__Reply outer = AMP__PB__REPLY__INIT;
	Amp__Pb__HelloReply hello = AMP__PB__HELLO_REPLY__INIT;
	Amp__Pb__ScanBegun begun = AMP__PB__SCAN_BEGUN__INIT;
	Amp__Pb__ScanSummary summary = AMP__PB__SCAN_SUMMARY__INIT;
	Amp__Pb__ScanEvent counts;
	char version[LIMIT_NAME_BYTES + 1];

	switch (reply->kind) {
	case REPLY_HELLO:
		hello.protocol = reply->hello.protocol;
		hello.version = fields_fit(reply->hello.version, version, sizeof(version));
		hello.window = reply->hello.window;
		outer.body_case = AMP__PB__REPLY__BODY_HELLO;
		outer.hello = &hello;
		break;
	case REPLY_SCAN_BEGUN:
		begun.scan = reply->scan_begun.scan;
		outer.body_case = AMP__PB__REPLY__BODY_SCAN_BEGUN;
		outer.scan_begun = &begun;
		break;
	case REPLY_SCAN_SUMMARY:
		event_scan_out(&reply->scan_summary, &counts);
		summary.counts = &counts;
		outer.body_case = AMP__PB__REPLY__BODY_SCAN_SUMMARY;
		outer.scan_summary = &summary;
		break;
	case REPLY_STATUS:
		return encode_status(&reply->status, &outer, packet, size);
	case REPLY_FILE_RESULT:
		return encode_file_result(&reply->file_result, &outer, packet, size);
	case REPLY_HISTORY:
		return encode_history(&reply->history, &outer, packet, size);
	case REPLY_REFUSAL:
		return encode_refusal(reply, &outer, packet, size);
	}
	return fields_pack(&outer.base, packet, size);
}

static int decode_hello(const Amp__Pb__HelloReply *m, struct reply *ret_reply, const char **ret_why)
{
	ret_reply->kind = REPLY_HELLO;
	ret_reply->hello.protocol = m->protocol;
	ret_reply->hello.version = m->version;
	ret_reply->hello.window = m->window;
	return fields_text_ok(m->version, LIMIT_NAME_BYTES)
		       ? 0
		       : fields_refuse(ret_why, "version text");
}

static int decode_refusal(const Amp__Pb__Refusal *m, struct reply *ret_reply, const char **ret_why)
{
	ret_reply->kind = REPLY_REFUSAL;
	ret_reply->refusal.code = m->code;
	ret_reply->refusal.reason = m->reason;
	return m->code < REFUSAL_COUNT && fields_text_ok(m->reason, LIMIT_REASON_BYTES)
		       ? 0
		       : fields_refuse(ret_why, "refusal");
}

int reply_decode(struct wire_arena *arena, const void *packet, size_t len, struct reply *ret_reply,
		 const char **ret_why)
{
	const Amp__Pb__Reply *m =
		fields_unpack(&amp__pb__reply__descriptor, arena, packet, len, ret_why);

	if (!m)
		return -EBADMSG;
	switch (m->body_case) {
	case AMP__PB__REPLY__BODY_HELLO:
		return decode_hello(m->hello, ret_reply, ret_why);
	case AMP__PB__REPLY__BODY_STATUS:
		ret_reply->kind = REPLY_STATUS;
		return decode_status(m->status, &ret_reply->status, ret_why);
	case AMP__PB__REPLY__BODY_SCAN_BEGUN:
		ret_reply->kind = REPLY_SCAN_BEGUN;
		ret_reply->scan_begun.scan = m->scan_begun->scan;
		return 0;
	case AMP__PB__REPLY__BODY_FILE_RESULT:
		ret_reply->kind = REPLY_FILE_RESULT;
		return decode_file_result(m->file_result, &ret_reply->file_result, ret_why);
	case AMP__PB__REPLY__BODY_SCAN_SUMMARY:
		ret_reply->kind = REPLY_SCAN_SUMMARY;
		if (!m->scan_summary->counts)
			return fields_refuse(ret_why, "summary without counts");
		return event_scan_in(m->scan_summary->counts, &ret_reply->scan_summary, ret_why);
	case AMP__PB__REPLY__BODY_HISTORY:
		ret_reply->kind = REPLY_HISTORY;
		return decode_history(arena, m->history, &ret_reply->history, ret_why);
	case AMP__PB__REPLY__BODY_REFUSAL:
		return decode_refusal(m->refusal, ret_reply, ret_why);
	case AMP__PB__REPLY__BODY__NOT_SET:
	default:
		return fields_refuse(ret_why, "no reply in it");
	}
}
