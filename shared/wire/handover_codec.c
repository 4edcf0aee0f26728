/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/handover_codec.h"

#include <errno.h>
#include <limits.h>

#include "wire/event_fields.h"
#include "wire/fields.h"

#include "handover.pb-c.h"

#define OWED_MOST 65536
#define PHASE_MOST 15

/* ---- descriptors ---- */

static uint32_t fd_out(int fd)
{
	return fd < 0 ? 0 : (uint32_t)fd;
}

static int fd_in(uint32_t number)
{
	return number ? (int)number : -1;
}

static bool is_fd(uint32_t number)
{
	return number >= HANDOVER_FIRST_FD && number <= HANDOVER_LAST_FD;
}

static bool is_fd_or_none(uint32_t number)
{
	return !number || is_fd(number);
}

/* ---- out ---- */

static void counters_out(struct job_counters *in, Amp__Pb__HandoverCounters *m)
{
	amp__pb__handover_counters__init(m);
	m->submitted = in->submitted;
	m->finished = in->finished;
	m->cancelled = in->cancelled;
	m->dispatched = in->dispatched;
	m->retried = in->retried;
	m->requeued = in->requeued;
	m->late_answers = in->late_answers;
	m->n_verdicts = VERDICT_COUNT;
	m->verdicts = in->verdicts;
	m->n_deaths = DEATH_CAUSE_COUNT;
	m->deaths = in->deaths;
}

static ssize_t encode_head(const struct handover_head *head, void *packet, size_t size)
{
	Amp__Pb__HandoverRecord outer = AMP__PB__HANDOVER_RECORD__INIT;
	Amp__Pb__HandoverHead m = AMP__PB__HANDOVER_HEAD__INIT;
	Amp__Pb__HandoverCounters counters;
	struct job_counters copy = head->counters; /* protobuf-c takes lists that it could write */
	char program[LIMIT_NAME_BYTES + 1], reason[LIMIT_REASON_BYTES + 1];

	counters_out(&copy, &counters);
	m.version = HANDOVER_VERSION;
	m.program = fields_fit(head->program, program, sizeof(program));
	m.reason = fields_fit(head->reason, reason, sizeof(reason));
	m.run_dir = event_bytes_out(head->run_dir, HANDOVER_RUN_DIR_BYTES);
	m.listening = fd_out(head->listening);
	m.pid_lock = fd_out(head->pid_lock);
	m.incarnation = head->incarnation;
	m.first_worker = head->first_worker;
	m.first_serial = head->first_serial;
	m.last_scan = head->last_scan;
	m.started_ms = head->started;
	m.violations = head->violations;
	m.last_scan_utc_ms = head->last_scan_utc_ms;
	m.counters = &counters;
	outer.body_case = AMP__PB__HANDOVER_RECORD__BODY_HEAD;
	outer.head = &m;
	return fields_pack(&outer.base, packet, size);
}

struct service_out {
	Amp__Pb__HandoverService m;
	struct walls_out walls;
	struct definition_out files[LIMIT_DEFINITION_FILES];
	Amp__Pb__DefinitionFile *list[LIMIT_DEFINITION_FILES];
	char engine[LIMIT_NAME_BYTES + 1];
};

static void service_said_out(const struct handover_service *service, struct service_out *out)
{
	Amp__Pb__HandoverService *m = &out->m;
	unsigned n = service->n_files < LIMIT_DEFINITION_FILES ? service->n_files
							       : LIMIT_DEFINITION_FILES;

	m->engine = fields_fit(service->engine, out->engine, sizeof(out->engine));
	m->n_walls = fields_walls_out(&out->walls, service->walls, service->n_walls);
	m->walls = out->walls.list;
	for (unsigned i = 0; i < n; i++) {
		fields_definition_out(&out->files[i], &service->files[i]);
		out->list[i] = &out->files[i].file;
	}
	m->n_files = n;
	m->files = out->list;
	m->signatures = service->ready.signatures;
	m->load_ms = service->ready.load_ms;
	m->memory_bytes = service->ready.memory_bytes;
	m->huge_bytes = service->ready.huge_bytes;
	m->built = service->ready.built;
	m->slots = service->ready.slots;
}

static ssize_t encode_service(const struct handover_service *service, void *packet, size_t size)
{
	Amp__Pb__HandoverRecord outer = AMP__PB__HANDOVER_RECORD__INIT;
	struct service_out out;
	Amp__Pb__HandoverService *m = &out.m;

	amp__pb__handover_service__init(m);
	m->incarnation = service->incarnation;
	m->pings = service->pings;
	m->pid = (uint32_t)service->pid;
	m->pidfd = fd_out(service->pidfd);
	m->channel = fd_out(service->channel);
	m->last_words = fd_out(service->last_words);
	m->uid = service->uid;
	m->gid = service->gid;
	m->as_root = service->as_root;
	m->source = service->source;
	m->generation = service->generation;
	m->starts = service->starts;
	m->up_since_ms = service->up_since;
	m->phase = service->phase;
	m->seen = service->seen;
	service_said_out(service, &out);
	outer.body_case = AMP__PB__HANDOVER_RECORD__BODY_SERVICE;
	outer.service = m;
	return fields_pack(&outer.base, packet, size);
}

static ssize_t encode_worker(const struct worker_handover *worker, void *packet, size_t size)
{
	Amp__Pb__HandoverRecord outer = AMP__PB__HANDOVER_RECORD__INIT;
	Amp__Pb__HandoverWorker m = AMP__PB__HANDOVER_WORKER__INIT;

	m.worker = worker->worker;
	m.incarnation = worker->incarnation;
	m.answered = worker->answered;
	m.pid = (uint32_t)worker->pid;
	m.pidfd = fd_out(worker->pidfd);
	m.channel = fd_out(worker->channel);
	m.canary_us = worker->canary_us;
	m.owed = worker->owed;
	m.phase = worker->phase;
	m.seen = worker->seen;
	outer.body_case = AMP__PB__HANDOVER_RECORD__BODY_WORKER;
	outer.worker = &m;
	return fields_pack(&outer.base, packet, size);
}

static ssize_t encode_scan(const struct scan_handover *scan, void *packet, size_t size)
{
	Amp__Pb__HandoverRecord outer = AMP__PB__HANDOVER_RECORD__INIT;
	Amp__Pb__HandoverScan m = AMP__PB__HANDOVER_SCAN__INIT;
	Amp__Pb__ScanEvent counts;

	event_scan_out(&scan->counts, &counts);
	m.counts = &counts;
	m.began_ms = scan->began;
	outer.body_case = AMP__PB__HANDOVER_RECORD__BODY_SCAN;
	outer.scan = &m;
	return fields_pack(&outer.base, packet, size);
}

ssize_t handover_record_encode(const struct handover_record *record, void *packet, size_t size)
{
	Amp__Pb__HandoverRecord outer = AMP__PB__HANDOVER_RECORD__INIT;
	Amp__Pb__HandoverEnd end = AMP__PB__HANDOVER_END__INIT;

	switch (record->kind) {
	case HANDOVER_HEAD:
		return encode_head(&record->head, packet, size);
	case HANDOVER_SERVICE:
		return encode_service(&record->service, packet, size);
	case HANDOVER_WORKER:
		return encode_worker(&record->worker, packet, size);
	case HANDOVER_SCAN:
		return encode_scan(&record->scan, packet, size);
	case HANDOVER_END:
		end.workers = record->end.workers;
		end.scans = record->end.scans;
		outer.body_case = AMP__PB__HANDOVER_RECORD__BODY_END;
		outer.end = &end;
		break;
	case HANDOVER_OTHER:
		break; /* a record that says nothing */
	}
	return fields_pack(&outer.base, packet, size);
}

/* ---- in ---- */

/* A list may be shorter (of an older writer) or longer (of a newer one): what is not there is 0, what we do not know is lost. */
static void numbers_in(const uint64_t *list, size_t n, uint64_t *ret_numbers, size_t most)
{
	for (size_t i = 0; i < n && i < most; i++)
		ret_numbers[i] = list[i];
}

static void counters_in(const Amp__Pb__HandoverCounters *m, struct job_counters *ret)
{
	*ret = (struct job_counters){0};
	if (!m)
		return;
	ret->submitted = m->submitted;
	ret->finished = m->finished;
	ret->cancelled = m->cancelled;
	ret->dispatched = m->dispatched;
	ret->retried = m->retried;
	ret->requeued = m->requeued;
	ret->late_answers = m->late_answers;
	numbers_in(m->verdicts, m->n_verdicts, ret->verdicts, VERDICT_COUNT);
	numbers_in(m->deaths, m->n_deaths, ret->deaths, DEATH_CAUSE_COUNT);
}

static int head_in(const Amp__Pb__HandoverHead *m, struct handover_head *ret_head,
		   const char **ret_why)
{
	if (m->version > HANDOVER_VERSION) {
		*ret_why = "state of a newer version";
		return -EPROTONOSUPPORT;
	}
	if (!m->version || !fields_text_ok(m->program, LIMIT_NAME_BYTES) ||
	    !fields_text_ok(m->reason, LIMIT_REASON_BYTES))
		return fields_refuse(ret_why, "version or words of a state");
	if (!m->run_dir.len || m->run_dir.len > HANDOVER_RUN_DIR_BYTES)
		return fields_refuse(ret_why, "directory of a state");
	if (!is_fd_or_none(m->listening) || !is_fd_or_none(m->pid_lock) || m->started_ms < 0)
		return fields_refuse(ret_why, "descriptor or time of a state");
	*ret_head = (struct handover_head){
		.version = m->version,
		.program = m->program,
		.reason = m->reason,
		.run_dir = span_of(m->run_dir.data, m->run_dir.len),
		.listening = fd_in(m->listening),
		.pid_lock = fd_in(m->pid_lock),
		.incarnation = m->incarnation,
		.first_worker = m->first_worker,
		.first_serial = m->first_serial,
		.last_scan = m->last_scan,
		.started = m->started_ms,
		.violations = m->violations,
		.last_scan_utc_ms = m->last_scan_utc_ms,
	};
	counters_in(m->counters, &ret_head->counters);
	return 0;
}

static int service_said_in(const Amp__Pb__HandoverService *m, struct handover_service *ret_service,
			   const char **ret_why)
{
	if (!fields_text_ok(m->engine, LIMIT_NAME_BYTES) || m->n_files > LIMIT_DEFINITION_FILES ||
	    !fields_walls_in(m->walls, m->n_walls, ret_service->walls, &ret_service->n_walls))
		return fields_refuse(ret_why, "engine, files or walls of a service");
	for (size_t i = 0; i < m->n_files; i++) {
		if (!fields_definition_in(m->files[i], &ret_service->files[i]))
			return fields_refuse(ret_why, "definition file of a service");
	}
	ret_service->engine = m->engine;
	ret_service->n_files = (unsigned)m->n_files;
	ret_service->ready = (struct service_ready){
		.signatures = m->signatures,
		.load_ms = m->load_ms,
		.memory_bytes = m->memory_bytes,
		.huge_bytes = m->huge_bytes,
		.built = m->built,
		.slots = m->slots,
	};
	return 0;
}

static bool is_process(uint64_t number, uint32_t pid, uint32_t pidfd, uint32_t channel)
{
	return number && pid && pid <= INT_MAX && is_fd(pidfd) && is_fd(channel) &&
	       pidfd != channel;
}

static int service_in(const Amp__Pb__HandoverService *m, struct handover_service *ret_service,
		      const char **ret_why)
{
	if (!is_process(m->incarnation, m->pid, m->pidfd, m->channel) ||
	    !is_fd_or_none(m->last_words) || m->phase > PHASE_MOST || m->up_since_ms < 0)
		return fields_refuse(ret_why, "process of a service");
	*ret_service = (struct handover_service){
		.incarnation = m->incarnation,
		.pings = m->pings,
		.pid = m->pid,
		.pidfd = fd_in(m->pidfd),
		.channel = fd_in(m->channel),
		.last_words = fd_in(m->last_words),
		.uid = m->uid,
		.gid = m->gid,
		.as_root = m->as_root,
		.source = m->source,
		.generation = m->generation,
		.starts = m->starts,
		.up_since = m->up_since_ms,
		.phase = (uint8_t)m->phase,
		.seen = m->seen,
	};
	return service_said_in(m, ret_service, ret_why);
}

static int worker_in(const Amp__Pb__HandoverWorker *m, struct worker_handover *ret_worker,
		     const char **ret_why)
{
	if (!is_process(m->worker, m->pid, m->pidfd, m->channel) || !m->incarnation ||
	    m->owed > OWED_MOST || m->phase > PHASE_MOST)
		return fields_refuse(ret_why, "process of a worker");
	*ret_worker = (struct worker_handover){
		.worker = m->worker,
		.incarnation = m->incarnation,
		.answered = m->answered,
		.pid = m->pid,
		.pidfd = fd_in(m->pidfd),
		.channel = fd_in(m->channel),
		.canary_us = m->canary_us,
		.owed = m->owed,
		.phase = (uint8_t)m->phase,
		.seen = m->seen,
	};
	return 0;
}

static int scan_in(const Amp__Pb__HandoverScan *m, struct scan_handover *ret_scan,
		   const char **ret_why)
{
	int r = m->counts ? event_scan_in(m->counts, &ret_scan->counts, ret_why)
			  : fields_refuse(ret_why, "a scan without counts");

	if (!r && (!ret_scan->counts.scan || m->began_ms < 0))
		r = fields_refuse(ret_why, "number or time of a scan");
	ret_scan->began = m->began_ms;
	return r;
}

int handover_record_decode(struct wire_arena *arena, const void *packet, size_t len,
			   struct handover_record *ret_record, const char **ret_why)
{
	const Amp__Pb__HandoverRecord *m;

	if (len > LIMIT_PACKET_BYTES)
		return fields_refuse(ret_why, "record too long");
	wire_arena_reset(arena);
	m = (const Amp__Pb__HandoverRecord *)protobuf_c_message_unpack(
		&amp__pb__handover_record__descriptor, wire_arena_allocator(arena), len, packet);
	if (!m)
		return fields_refuse(ret_why, "not a record, or one that unfolds too far");
	ret_record->kind = (enum handover_kind)m->body_case;
	switch (m->body_case) {
	case AMP__PB__HANDOVER_RECORD__BODY_HEAD:
		return head_in(m->head, &ret_record->head, ret_why);
	case AMP__PB__HANDOVER_RECORD__BODY_SERVICE:
		return service_in(m->service, &ret_record->service, ret_why);
	case AMP__PB__HANDOVER_RECORD__BODY_WORKER:
		return worker_in(m->worker, &ret_record->worker, ret_why);
	case AMP__PB__HANDOVER_RECORD__BODY_SCAN:
		return scan_in(m->scan, &ret_record->scan, ret_why);
	case AMP__PB__HANDOVER_RECORD__BODY_END:
		ret_record->end.workers = m->end->workers;
		ret_record->end.scans = m->end->scans;
		return 0;
	case AMP__PB__HANDOVER_RECORD__BODY__NOT_SET:
	default:
		ret_record->kind = HANDOVER_OTHER;
		return 0;
	}
}

/* ---- frames ---- */

void handover_frame_put(uint8_t frame[HANDOVER_FRAME_BYTES], size_t len)
{
	for (unsigned i = 0; i < HANDOVER_FRAME_BYTES; i++)
		frame[i] = (uint8_t)(len >> (8 * i));
}

int handover_frame_next(struct span state, size_t *offset, struct span *ret_record)
{
	size_t len = 0, left = state.len - *offset;

	if (!left)
		return -ENODATA;
	if (left < HANDOVER_FRAME_BYTES)
		return -EBADMSG;
	for (unsigned i = 0; i < HANDOVER_FRAME_BYTES; i++)
		len |= (size_t)state.data[*offset + i] << (8 * i);
	if (len > LIMIT_PACKET_BYTES || len > left - HANDOVER_FRAME_BYTES)
		return -EBADMSG;
	*ret_record = span_of(state.data + *offset + HANDOVER_FRAME_BYTES, len);
	*offset += HANDOVER_FRAME_BYTES + len;
	return 0;
}
