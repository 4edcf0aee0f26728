/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/event_codec.h"

#include <errno.h>

#include "base/fault.h"
#include "base/lives.h"
#include "wire/definition_fields.h"
#include "wire/event_fields.h"
#include "wire/fields.h"

static void fill_scan(const struct scan_counts *counts, Amp__Pb__ScanEvent *m)
{
	m->scan = counts->scan;
	m->uid = counts->uid;
	m->pid = counts->pid;
	m->label = event_bytes_out(counts->label, LIMIT_LABEL_BYTES);
	m->files = counts->files;
	m->clean = counts->clean;
	m->infected = counts->infected;
	m->incomplete = counts->incomplete;
	m->error = counts->error;
	m->failed = counts->failed;
	m->not_scanned = counts->not_scanned;
	m->bytes = counts->bytes;
	m->ms = counts->ms;
}

void event_scan_out(const struct scan_counts *counts, Amp__Pb__ScanEvent *ret_message)
{
	amp__pb__scan_event__init(ret_message);
	fill_scan(counts, ret_message);
}

/* protobuf-c takes bytes by a pointer that is not const and does not write there when it packs. */
ProtobufCBinaryData event_bytes_out(struct span bytes, size_t limit)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} data = {.in = bytes.data};

	return (ProtobufCBinaryData){.data = data.out,
				     .len = bytes.len < limit ? bytes.len : limit};
}

static void out_connector(const struct event *event, struct event_out *out)
{
	Amp__Pb__ConnectorEvent *m = &out->connector;

	amp__pb__connector_event__init(m);
	m->version = fields_fit(event->connector.version, out->text[0], LIMIT_NAME_BYTES + 1);
	m->pid = event->connector.pid;
	m->reason = fields_fit(event->connector.reason, out->text[1], LIMIT_REASON_BYTES + 1);
	out->outer.body_case = AMP__PB__EVENT__BODY_CONNECTOR;
	out->outer.connector = m;
}

static void out_threat(const struct event *event, struct event_out *out)
{
	Amp__Pb__ThreatEvent *m = &out->threat;

	amp__pb__threat_event__init(m);
	m->scan = event->threat.scan;
	m->path = event_bytes_out(event->threat.path, LIMIT_PATH_BYTES);
	m->n_threats =
		fields_threats_out(&out->threats, event->threat.threats, event->threat.n_threats);
	m->threats = out->threats.list;
	m->generation = event->threat.generation;
	m->bytes = event->threat.bytes;
	out->outer.body_case = AMP__PB__EVENT__BODY_THREAT;
	out->outer.threat = m;
}

static void out_worker(const struct event *event, struct event_out *out)
{
	Amp__Pb__WorkerEvent *m = &out->worker;

	amp__pb__worker_event__init(m);
	m->worker = event->worker.worker;
	m->pid = event->worker.pid;
	m->cause = event->worker.cause;
	m->status = event->worker.status;
	m->path = event_bytes_out(event->worker.path, LIMIT_PATH_BYTES);
	m->attempt = event->worker.attempt;
	m->handover_us = event->worker.handover_us;
	m->detail = fields_fit(event->worker.detail, out->text[0], LIMIT_REASON_BYTES + 1);
	m->job = event->worker.job;
	m->phase = event->worker.phase;
	m->digest = event_bytes_out(event->worker.digest, LIMIT_DIGEST_BYTES);
	out->outer.body_case = AMP__PB__EVENT__BODY_WORKER;
	out->outer.worker = m;
}

static void out_service(const struct event *event, struct event_out *out)
{
	Amp__Pb__ServiceEvent *m = &out->service;

	amp__pb__service_event__init(m);
	m->incarnation = event->service.incarnation;
	m->pid = event->service.pid;
	m->status = event->service.status;
	m->reason = fields_fit(event->service.reason, out->text[0], LIMIT_REASON_BYTES + 1);
	m->signatures = event->service.signatures;
	out->outer.body_case = AMP__PB__EVENT__BODY_SERVICE;
	out->outer.service = m;
}

static void out_fault(const struct event *event, struct event_out *out)
{
	Amp__Pb__FaultEvent *m = &out->fault;

	amp__pb__fault_event__init(m);
	m->id = event->fault.id;
	m->severity = event->fault.severity;
	m->detail = fields_fit(event->fault.detail, out->detail, sizeof(out->detail));
	m->remedy = fields_fit(event->fault.remedy, out->text[0], LIMIT_REASON_BYTES + 1);
	m->reason = fields_fit(event->fault.reason, out->text[1], LIMIT_REASON_BYTES + 1);
	m->count = event->fault.count;
	out->outer.body_case = AMP__PB__EVENT__BODY_FAULT;
	out->outer.fault = m;
}

static void out_unscannable(const struct event *event, struct event_out *out)
{
	Amp__Pb__UnscannableEvent *m = &out->unscannable;

	amp__pb__unscannable_event__init(m);
	m->path = event_bytes_out(event->unscannable.path, LIMIT_PATH_BYTES);
	m->digest = event_bytes_out(event->unscannable.digest, LIMIT_DIGEST_BYTES);
	m->bytes = event->unscannable.bytes;
	m->attempts = event->unscannable.attempts;
	m->cause = event->unscannable.cause;
	m->generation = event->unscannable.generation;
	out->outer.body_case = AMP__PB__EVENT__BODY_UNSCANNABLE;
	out->outer.unscannable = m;
}

void event_out_fill(const struct event *event, struct event_out *out)
{
	amp__pb__event__init(&out->outer);
	out->outer.sequence = event->sequence;
	out->outer.utc_ms = event->utc_ms;
	out->outer.type = event->type;
	switch (event->body) {
	case EVENT_BODY_CONNECTOR:
		out_connector(event, out);
		break;
	case EVENT_BODY_SCAN:
		event_scan_out(&event->scan, &out->scan);
		out->outer.body_case = AMP__PB__EVENT__BODY_SCAN;
		out->outer.scan = &out->scan;
		break;
	case EVENT_BODY_THREAT:
		out_threat(event, out);
		break;
	case EVENT_BODY_WORKER:
		out_worker(event, out);
		break;
	case EVENT_BODY_SERVICE:
		out_service(event, out);
		break;
	case EVENT_BODY_FAULT:
		out_fault(event, out);
		break;
	case EVENT_BODY_UNSCANNABLE:
		out_unscannable(event, out);
		break;
	case EVENT_BODY_DEFINITIONS:
		definition_fields_out(event, out);
		break;
	case EVENT_BODY_LOST:
		amp__pb__lost_event__init(&out->lost);
		out->lost.events = event->lost.events;
		out->lost.reason =
			fields_fit(event->lost.reason, out->text[0], LIMIT_REASON_BYTES + 1);
		out->outer.body_case = AMP__PB__EVENT__BODY_LOST;
		out->outer.lost = &out->lost;
		break;
	}
}

ssize_t event_encode(const struct event *event, void *bytes, size_t size)
{
	struct event_out out;

	event_out_fill(event, &out);
	return fields_pack(&out.outer.base, bytes, size);
}

int event_scan_in(const Amp__Pb__ScanEvent *m, struct scan_counts *ret_counts, const char **ret_why)
{
	*ret_counts = (struct scan_counts){
		.scan = m->scan,
		.uid = m->uid,
		.pid = m->pid,
		.label = span_of(m->label.data, m->label.len),
		.files = m->files,
		.clean = m->clean,
		.infected = m->infected,
		.incomplete = m->incomplete,
		.error = m->error,
		.failed = m->failed,
		.not_scanned = m->not_scanned,
		.bytes = m->bytes,
		.ms = m->ms,
	};
	if (m->label.len > LIMIT_LABEL_BYTES)
		return fields_refuse(ret_why, "label of a scan");
	return 0;
}

static int in_threat(const Amp__Pb__ThreatEvent *m, struct event *ret_event, const char **ret_why)
{
	ret_event->body = EVENT_BODY_THREAT;
	ret_event->threat.scan = m->scan;
	ret_event->threat.path = span_of(m->path.data, m->path.len);
	ret_event->threat.generation = m->generation;
	ret_event->threat.bytes = m->bytes;
	if (m->path.len > LIMIT_PATH_BYTES)
		return fields_refuse(ret_why, "path of an event");
	if (!fields_threats_in(m->threats, m->n_threats, ret_event->threat.threats,
			       &ret_event->threat.n_threats))
		return fields_refuse(ret_why, "threats of an event");
	return 0;
}

static bool is_digest(const ProtobufCBinaryData *bytes)
{
	return !bytes->len || bytes->len == LIMIT_DIGEST_BYTES;
}

static int in_fault(const Amp__Pb__FaultEvent *m, struct event *ret_event, const char **ret_why)
{
	ret_event->body = EVENT_BODY_FAULT;
	ret_event->fault.id = m->id;
	ret_event->fault.severity = m->severity;
	ret_event->fault.detail = m->detail;
	ret_event->fault.remedy = m->remedy;
	ret_event->fault.reason = m->reason;
	ret_event->fault.count = m->count;
	if ((m->id && !fault_of(m->id)) || m->severity >= FAULT_SEVERITY_COUNT ||
	    !fields_text_ok(m->detail, LIMIT_FAULT_DETAIL_BYTES) ||
	    !fields_text_ok(m->remedy, LIMIT_REASON_BYTES) ||
	    !fields_text_ok(m->reason, LIMIT_REASON_BYTES))
		return fields_refuse(ret_why, "fault of an event");
	return 0;
}

static int in_unscannable(const Amp__Pb__UnscannableEvent *m, struct event *ret_event,
			  const char **ret_why)
{
	ret_event->body = EVENT_BODY_UNSCANNABLE;
	ret_event->unscannable.path = span_of(m->path.data, m->path.len);
	ret_event->unscannable.digest = span_of(m->digest.data, m->digest.len);
	ret_event->unscannable.bytes = m->bytes;
	ret_event->unscannable.attempts = m->attempts;
	ret_event->unscannable.cause = m->cause;
	ret_event->unscannable.generation = m->generation;
	if (m->path.len > LIMIT_PATH_BYTES || !is_digest(&m->digest) ||
	    m->cause >= DEATH_CAUSE_COUNT)
		return fields_refuse(ret_why, "unscannable file of an event");
	return 0;
}

static int in_worker(const Amp__Pb__WorkerEvent *m, struct event *ret_event, const char **ret_why)
{
	ret_event->body = EVENT_BODY_WORKER;
	ret_event->worker.worker = m->worker;
	ret_event->worker.pid = m->pid;
	ret_event->worker.cause = m->cause;
	ret_event->worker.status = m->status;
	ret_event->worker.path = span_of(m->path.data, m->path.len);
	ret_event->worker.attempt = m->attempt;
	ret_event->worker.handover_us = m->handover_us;
	ret_event->worker.detail = m->detail;
	ret_event->worker.job = m->job;
	ret_event->worker.phase = m->phase;
	ret_event->worker.digest = span_of(m->digest.data, m->digest.len);
	if (m->path.len > LIMIT_PATH_BYTES || !fields_text_ok(m->detail, LIMIT_REASON_BYTES) ||
	    m->cause >= DEATH_CAUSE_COUNT || m->phase >= SCAN_PHASE_COUNT || !is_digest(&m->digest))
		return fields_refuse(ret_why, "worker of an event");
	return 0;
}

static int in_service(const Amp__Pb__ServiceEvent *m, struct event *ret_event, const char **ret_why)
{
	ret_event->body = EVENT_BODY_SERVICE;
	ret_event->service.incarnation = m->incarnation;
	ret_event->service.pid = m->pid;
	ret_event->service.status = m->status;
	ret_event->service.reason = m->reason;
	ret_event->service.signatures = m->signatures;
	return fields_text_ok(m->reason, LIMIT_REASON_BYTES)
		       ? 0
		       : fields_refuse(ret_why, "reason of an event");
}

static int in_connector(const Amp__Pb__ConnectorEvent *m, struct event *ret_event,
			const char **ret_why)
{
	ret_event->body = EVENT_BODY_CONNECTOR;
	ret_event->connector.version = m->version;
	ret_event->connector.pid = m->pid;
	ret_event->connector.reason = m->reason;
	return fields_text_ok(m->version, LIMIT_NAME_BYTES) &&
			       fields_text_ok(m->reason, LIMIT_REASON_BYTES)
		       ? 0
		       : fields_refuse(ret_why, "connector of an event");
}

int event_in(const Amp__Pb__Event *m, struct event *ret_event, const char **ret_why)
{
	ret_event->sequence = m->sequence;
	ret_event->utc_ms = m->utc_ms;
	ret_event->type = m->type;
	switch (m->body_case) {
	case AMP__PB__EVENT__BODY_CONNECTOR:
		return in_connector(m->connector, ret_event, ret_why);
	case AMP__PB__EVENT__BODY_SCAN:
		ret_event->body = EVENT_BODY_SCAN;
		return event_scan_in(m->scan, &ret_event->scan, ret_why);
	case AMP__PB__EVENT__BODY_THREAT:
		return in_threat(m->threat, ret_event, ret_why);
	case AMP__PB__EVENT__BODY_WORKER:
		return in_worker(m->worker, ret_event, ret_why);
	case AMP__PB__EVENT__BODY_SERVICE:
		return in_service(m->service, ret_event, ret_why);
	case AMP__PB__EVENT__BODY_FAULT:
		return in_fault(m->fault, ret_event, ret_why);
	case AMP__PB__EVENT__BODY_UNSCANNABLE:
		return in_unscannable(m->unscannable, ret_event, ret_why);
	case AMP__PB__EVENT__BODY_DEFINITIONS:
		return definition_fields_in(m->definitions, ret_event, ret_why);
	case AMP__PB__EVENT__BODY_LOST:
		ret_event->body = EVENT_BODY_LOST;
		ret_event->lost.events = m->lost->events;
		ret_event->lost.reason = m->lost->reason;
		return fields_text_ok(m->lost->reason, LIMIT_REASON_BYTES)
			       ? 0
			       : fields_refuse(ret_why, "reason of an event");
	case AMP__PB__EVENT__BODY__NOT_SET:
	default:
		return fields_refuse(ret_why, "no body in an event");
	}
}

int event_decode(struct wire_arena *arena, const void *bytes, size_t len, struct event *ret_event,
		 const char **ret_why)
{
	const Amp__Pb__Event *m =
		fields_unpack(&amp__pb__event__descriptor, arena, bytes, len, ret_why);

	return m ? event_in(m, ret_event, ret_why) : -EBADMSG;
}

int event_decode_more(struct wire_arena *arena, const void *bytes, size_t len,
		      struct event *ret_event, const char **ret_why)
{
	const Amp__Pb__Event *m =
		fields_unpack_more(&amp__pb__event__descriptor, arena, bytes, len, ret_why);

	return m ? event_in(m, ret_event, ret_why) : -EBADMSG;
}
