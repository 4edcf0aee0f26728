/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/control_codec.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/check_fields.h"
#include "wire/event_fields.h"
#include "wire/fault_fields.h"
#include "wire/fields.h"
#include "wire/generation_fields.h"
#include "wire/status_codec.h"

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
		begin.continues = request->scan_begin.continues;
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

static ssize_t encode_supervision_request(const struct request *request, Amp__Pb__Request *outer,
					  void *packet, size_t size)
{
	Amp__Pb__FaultsRequest faults = AMP__PB__FAULTS_REQUEST__INIT;
	Amp__Pb__RestartRequest restart = AMP__PB__RESTART_REQUEST__INIT;
	Amp__Pb__RecheckRequest recheck = AMP__PB__RECHECK_REQUEST__INIT;
	Amp__Pb__UnscannableRequest unscannable = AMP__PB__UNSCANNABLE_REQUEST__INIT;

	if (request->kind == REQUEST_FAULTS) {
		faults.id = request->faults.id;
		outer->body_case = AMP__PB__REQUEST__BODY_FAULTS;
		outer->faults = &faults;
	} else if (request->kind == REQUEST_RESTART) {
		outer->body_case = AMP__PB__REQUEST__BODY_RESTART;
		outer->restart = &restart;
	} else if (request->kind == REQUEST_RECHECK) {
		outer->body_case = AMP__PB__REQUEST__BODY_RECHECK;
		outer->recheck = &recheck;
	} else {
		unscannable.from = request->unscannable.from;
		unscannable.limit = request->unscannable.limit;
		outer->body_case = AMP__PB__REQUEST__BODY_UNSCANNABLE;
		outer->unscannable = &unscannable;
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
	case REQUEST_FAULTS:
	case REQUEST_RESTART:
	case REQUEST_RECHECK:
	case REQUEST_UNSCANNABLE:
		return encode_supervision_request(request, &outer, packet, size);
	case REQUEST_CHECK_BEGIN:
	case REQUEST_CHECK_FILE:
	case REQUEST_CHECK_END:
		return check_request_encode(request, &outer, packet, size);
	case REQUEST_GENERATIONS:
	case REQUEST_ROLLBACK:
	case REQUEST_UPDATE:
		return generation_request_encode(request, &outer, packet, size);
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
		ret_request->scan_begin.continues = m->scan_begin->continues;
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

static int decode_supervision_request(const Amp__Pb__Request *m, struct request *ret_request,
				      const char **ret_why)
{
	if (m->body_case == AMP__PB__REQUEST__BODY_RESTART) {
		ret_request->kind = REQUEST_RESTART;
		return 0;
	}
	if (m->body_case == AMP__PB__REQUEST__BODY_RECHECK) {
		ret_request->kind = REQUEST_RECHECK;
		return 0;
	}
	if (m->body_case == AMP__PB__REQUEST__BODY_FAULTS) {
		ret_request->kind = REQUEST_FAULTS;
		ret_request->faults.id = m->faults->id;
		return 0; /* a number that is not in the catalogue is refused with a sentence */
	}
	ret_request->kind = REQUEST_UNSCANNABLE;
	ret_request->unscannable.from = m->unscannable->from;
	ret_request->unscannable.limit = m->unscannable->limit;
	if (m->unscannable->limit < 1 || m->unscannable->limit > LIMIT_HISTORY_ROWS)
		return fields_refuse(ret_why, "limit of a request for unscannable files");
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
	case AMP__PB__REQUEST__BODY_FAULTS:
	case AMP__PB__REQUEST__BODY_RESTART:
	case AMP__PB__REQUEST__BODY_RECHECK:
	case AMP__PB__REQUEST__BODY_UNSCANNABLE:
		return decode_supervision_request(m, ret_request, ret_why);
	case AMP__PB__REQUEST__BODY_CHECK_BEGIN:
	case AMP__PB__REQUEST__BODY_CHECK_FILE:
	case AMP__PB__REQUEST__BODY_CHECK_END:
		return check_request_decode(m, ret_request, ret_why);
	case AMP__PB__REQUEST__BODY_GENERATIONS:
	case AMP__PB__REQUEST__BODY_ROLLBACK:
	case AMP__PB__REQUEST__BODY_UPDATE:
		return generation_request_decode(m, ret_request, ret_why);
	case AMP__PB__REQUEST__BODY__NOT_SET:
	default:
		return fields_refuse(ret_why, "no request in it");
	}
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

static ssize_t encode_done(const struct reply *reply, Amp__Pb__Reply *outer, void *packet,
			   size_t size)
{
	Amp__Pb__Done done = AMP__PB__DONE__INIT;
	Amp__Pb__Reconnect reconnect = AMP__PB__RECONNECT__INIT;
	char text[LIMIT_REASON_BYTES + 1];

	if (reply->kind == REPLY_DONE) {
		done.text = fields_fit(reply->done.text, text, sizeof(text));
		outer->body_case = AMP__PB__REPLY__BODY_DONE;
		outer->done = &done;
	} else {
		reconnect.reason = fields_fit(reply->reconnect.reason, text, sizeof(text));
		outer->body_case = AMP__PB__REPLY__BODY_RECONNECT;
		outer->reconnect = &reconnect;
	}
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
		return status_encode(&reply->status, &outer, packet, size);
	case REPLY_FILE_RESULT:
		return encode_file_result(&reply->file_result, &outer, packet, size);
	case REPLY_HISTORY:
		return encode_history(&reply->history, &outer, packet, size);
	case REPLY_REFUSAL:
		return encode_refusal(reply, &outer, packet, size);
	case REPLY_FAULTS:
		return fault_page_encode(reply, &outer, packet, size);
	case REPLY_UNSCANNABLE:
		return unscannable_page_encode(reply, &outer, packet, size);
	case REPLY_CHECK_VERDICT:
		return check_verdict_encode(&reply->check_verdict, &outer, packet, size);
	case REPLY_GENERATIONS:
	case REPLY_UPDATE_VERDICT:
	case REPLY_PROGRESS:
		return generation_reply_encode(reply, &outer, packet, size);
	case REPLY_DONE:
	case REPLY_RECONNECT:
		return encode_done(reply, &outer, packet, size);
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

static int decode_done(const Amp__Pb__Reply *m, struct reply *ret_reply, const char **ret_why)
{
	const char *text;

	if (m->body_case == AMP__PB__REPLY__BODY_DONE) {
		ret_reply->kind = REPLY_DONE;
		text = ret_reply->done.text = m->done->text;
	} else {
		ret_reply->kind = REPLY_RECONNECT;
		text = ret_reply->reconnect.reason = m->reconnect->reason;
	}
	return fields_text_ok(text, LIMIT_REASON_BYTES) ? 0
							: fields_refuse(ret_why, "text of a reply");
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
		return status_decode(m->status, &ret_reply->status, ret_why);
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
	case AMP__PB__REPLY__BODY_FAULTS:
		return fault_page_decode(m->faults, ret_reply, ret_why);
	case AMP__PB__REPLY__BODY_UNSCANNABLE:
		return unscannable_page_decode(arena, m->unscannable, ret_reply, ret_why);
	case AMP__PB__REPLY__BODY_CHECK_VERDICT:
		ret_reply->kind = REPLY_CHECK_VERDICT;
		return check_verdict_decode(m->check_verdict, &ret_reply->check_verdict, ret_why);
	case AMP__PB__REPLY__BODY_GENERATIONS:
	case AMP__PB__REPLY__BODY_UPDATE_VERDICT:
	case AMP__PB__REPLY__BODY_PROGRESS:
		return generation_reply_decode(m, ret_reply, ret_why);
	case AMP__PB__REPLY__BODY_DONE:
	case AMP__PB__REPLY__BODY_RECONNECT:
		return decode_done(m, ret_reply, ret_why);
	case AMP__PB__REPLY__BODY__NOT_SET:
	default:
		return fields_refuse(ret_why, "no reply in it");
	}
}
