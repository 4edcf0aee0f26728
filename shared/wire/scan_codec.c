/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/scan_codec.h"

#include <errno.h>

#include "wire/fields.h"

#include "scan.pb-c.h"

/* ---- daemon -> service ---- */

static ssize_t encode_start(const struct service_start *start, Amp__Pb__ToService *outer,
			    void *packet, size_t size)
{
	Amp__Pb__ServiceStart m = AMP__PB__SERVICE_START__INIT;

	m.protocol = start->protocol;
	m.incarnation = start->incarnation;
	m.generation = start->generation;
	m.uid = start->uid;
	m.gid = start->gid;
	m.temp_bytes = start->temp_bytes;
	m.temp_inodes = start->temp_inodes;
	m.memory_bytes = start->memory_bytes;
	m.max_file_bytes = start->max_file_bytes;
	m.max_scan_bytes = start->max_scan_bytes;
	m.max_files = start->max_files;
	m.max_recursion = start->max_recursion;
	m.max_scan_ms = start->max_scan_ms;
	m.canary_every = start->canary_every;
	m.has_definitions = start->has_definitions;
	m.is_generation = start->is_generation;
	m.trial = start->is_trial;
	m.trust_anchors.data = (uint8_t *)start->trust_anchors.data; /* packing does not write */
	m.trust_anchors.len = start->trust_anchors.len;
	if (m.trust_anchors.len > LIMIT_TRUST_ANCHOR_BYTES)
		return -EMSGSIZE;
	outer->body_case = AMP__PB__TO_SERVICE__BODY_START;
	outer->start = &m;
	return fields_pack(&outer->base, packet, size);
}

ssize_t to_service_encode(const struct to_service *message, void *packet, size_t size)
{
	Amp__Pb__ToService outer = AMP__PB__TO_SERVICE__INIT;
	Amp__Pb__SpawnWorker spawn = AMP__PB__SPAWN_WORKER__INIT;
	Amp__Pb__Ping ping = AMP__PB__PING__INIT;

	switch (message->kind) {
	case TO_SERVICE_START:
		return encode_start(&message->start, &outer, packet, size);
	case TO_SERVICE_SPAWN:
		spawn.worker = message->spawn_worker;
		outer.body_case = AMP__PB__TO_SERVICE__BODY_SPAWN;
		outer.spawn = &spawn;
		break;
	case TO_SERVICE_PING:
		ping.number = message->ping;
		outer.body_case = AMP__PB__TO_SERVICE__BODY_PING;
		outer.ping = &ping;
		break;
	}
	return fields_pack(&outer.base, packet, size);
}

static int decode_start(const Amp__Pb__ServiceStart *m, struct service_start *ret_start,
			const char **ret_why)
{
	*ret_start = (struct service_start){
		.protocol = m->protocol,
		.incarnation = m->incarnation,
		.generation = m->generation,
		.uid = m->uid,
		.gid = m->gid,
		.temp_bytes = m->temp_bytes,
		.temp_inodes = m->temp_inodes,
		.memory_bytes = m->memory_bytes,
		.max_file_bytes = m->max_file_bytes,
		.max_scan_bytes = m->max_scan_bytes,
		.max_files = m->max_files,
		.max_recursion = m->max_recursion,
		.max_scan_ms = m->max_scan_ms,
		.canary_every = m->canary_every,
		.has_definitions = m->has_definitions,
		.is_generation = m->is_generation,
		.is_trial = m->trial,
		.trust_anchors = span_of(m->trust_anchors.data, m->trust_anchors.len),
	};
	if (m->trust_anchors.len > LIMIT_TRUST_ANCHOR_BYTES)
		return fields_refuse(ret_why, "certificates");
	if ((m->trial || m->is_generation) && !m->has_definitions)
		return fields_refuse(ret_why, "a trial or generation without definitions");
	return 0;
}

int to_service_decode(struct wire_arena *arena, const void *packet, size_t len,
		      struct to_service *ret_message, const char **ret_why)
{
	const Amp__Pb__ToService *m =
		fields_unpack(&amp__pb__to_service__descriptor, arena, packet, len, ret_why);

	if (!m)
		return -EBADMSG;
	switch (m->body_case) {
	case AMP__PB__TO_SERVICE__BODY_START:
		ret_message->kind = TO_SERVICE_START;
		return decode_start(m->start, &ret_message->start, ret_why);
	case AMP__PB__TO_SERVICE__BODY_SPAWN:
		ret_message->kind = TO_SERVICE_SPAWN;
		ret_message->spawn_worker = m->spawn->worker;
		return 0;
	case AMP__PB__TO_SERVICE__BODY_PING:
		ret_message->kind = TO_SERVICE_PING;
		ret_message->ping = m->ping->number;
		return 0;
	case AMP__PB__TO_SERVICE__BODY__NOT_SET:
	default:
		return fields_refuse(ret_why, "no message in it");
	}
}

/* ---- service -> daemon ---- */

static ssize_t encode_hello(const struct service_hello *hello, Amp__Pb__FromService *outer,
			    void *packet, size_t size)
{
	Amp__Pb__ServiceHello m = AMP__PB__SERVICE_HELLO__INIT;
	struct walls_out walls;
	char engine[LIMIT_NAME_BYTES + 1];

	m.protocol = hello->protocol;
	m.engine = fields_fit(hello->engine, engine, sizeof(engine));
	m.uid = hello->uid;
	m.gid = hello->gid;
	m.n_walls = fields_walls_out(&walls, hello->walls, hello->n_walls);
	m.walls = walls.list;
	outer->body_case = AMP__PB__FROM_SERVICE__BODY_HELLO;
	outer->hello = &m;
	return fields_pack(&outer->base, packet, size);
}

static ssize_t encode_ready(const struct service_ready *ready, Amp__Pb__FromService *outer,
			    void *packet, size_t size)
{
	Amp__Pb__ServiceReady m = AMP__PB__SERVICE_READY__INIT;

	m.signatures = ready->signatures;
	m.load_ms = ready->load_ms;
	m.memory_bytes = ready->memory_bytes;
	m.huge_bytes = ready->huge_bytes;
	m.built = ready->built;
	m.slots = ready->slots;
	outer->body_case = AMP__PB__FROM_SERVICE__BODY_READY;
	outer->ready = &m;
	return fields_pack(&outer->base, packet, size);
}

static ssize_t encode_spawned(const struct from_service *message, Amp__Pb__FromService *outer,
			      void *packet, size_t size)
{
	Amp__Pb__WorkerSpawned m = AMP__PB__WORKER_SPAWNED__INIT;
	char reason[LIMIT_DETAIL_BYTES + 1];

	m.worker = message->spawned.worker;
	m.error = message->spawned.error;
	m.reason = fields_fit(message->spawned.reason, reason, sizeof(reason));
	outer->body_case = AMP__PB__FROM_SERVICE__BODY_SPAWNED;
	outer->spawned = &m;
	return fields_pack(&outer->base, packet, size);
}

static ssize_t encode_failed(const struct from_service *message, Amp__Pb__FromService *outer,
			     void *packet, size_t size)
{
	Amp__Pb__ServiceFailed m = AMP__PB__SERVICE_FAILED__INIT;
	char reason[LIMIT_REASON_BYTES + 1];

	m.code = message->failed.code;
	m.reason = fields_fit(message->failed.reason, reason, sizeof(reason));
	outer->body_case = AMP__PB__FROM_SERVICE__BODY_FAILED;
	outer->failed = &m;
	return fields_pack(&outer->base, packet, size);
}

static ssize_t encode_log(const struct from_service *message, Amp__Pb__FromService *outer,
			  void *packet, size_t size)
{
	Amp__Pb__ServiceLog m = AMP__PB__SERVICE_LOG__INIT;
	char text[LIMIT_LOG_TEXT_BYTES + 1];

	m.level = message->log.level;
	m.text = fields_fit(message->log.text, text, sizeof(text));
	outer->body_case = AMP__PB__FROM_SERVICE__BODY_LOG;
	outer->log = &m;
	return fields_pack(&outer->base, packet, size);
}

/* Messages of plain numbers, which need no storage of their own. */
static ssize_t encode_numbers(const struct from_service *message, Amp__Pb__FromService *outer,
			      void *packet, size_t size)
{
	Amp__Pb__LoadProgress progress = AMP__PB__LOAD_PROGRESS__INIT;
	Amp__Pb__WorkerExited exited = AMP__PB__WORKER_EXITED__INIT;
	Amp__Pb__Pong pong = AMP__PB__PONG__INIT;

	if (message->kind == FROM_SERVICE_PROGRESS) {
		progress.phase = message->progress.phase;
		progress.done = message->progress.done;
		progress.total = message->progress.total;
		outer->body_case = AMP__PB__FROM_SERVICE__BODY_PROGRESS;
		outer->progress = &progress;
	} else if (message->kind == FROM_SERVICE_EXITED) {
		exited.worker = message->exited.worker;
		exited.status = message->exited.status;
		outer->body_case = AMP__PB__FROM_SERVICE__BODY_EXITED;
		outer->exited = &exited;
	} else {
		pong.number = message->pong;
		outer->body_case = AMP__PB__FROM_SERVICE__BODY_PONG;
		outer->pong = &pong;
	}
	return fields_pack(&outer->base, packet, size);
}

ssize_t from_service_encode(const struct from_service *message, void *packet, size_t size)
{
	Amp__Pb__FromService outer = AMP__PB__FROM_SERVICE__INIT;
	struct definition_out definition;

	outer.incarnation = message->incarnation;
	switch (message->kind) {
	case FROM_SERVICE_HELLO:
		return encode_hello(&message->hello, &outer, packet, size);
	case FROM_SERVICE_READY:
		return encode_ready(&message->ready, &outer, packet, size);
	case FROM_SERVICE_FILE:
		fields_definition_out(&definition, &message->file);
		outer.body_case = AMP__PB__FROM_SERVICE__BODY_FILE;
		outer.file = &definition.file;
		return fields_pack(&outer.base, packet, size);
	case FROM_SERVICE_FAILED:
		return encode_failed(message, &outer, packet, size);
	case FROM_SERVICE_SPAWNED:
		return encode_spawned(message, &outer, packet, size);
	case FROM_SERVICE_LOG:
		return encode_log(message, &outer, packet, size);
	case FROM_SERVICE_PROGRESS:
	case FROM_SERVICE_EXITED:
	case FROM_SERVICE_PONG:
		break;
	}
	return encode_numbers(message, &outer, packet, size);
}

static int decode_hello(const Amp__Pb__ServiceHello *m, struct service_hello *ret_hello,
			const char **ret_why)
{
	ret_hello->protocol = m->protocol;
	ret_hello->engine = m->engine;
	ret_hello->uid = m->uid;
	ret_hello->gid = m->gid;
	if (!fields_text_ok(m->engine, LIMIT_NAME_BYTES))
		return fields_refuse(ret_why, "engine name");
	if (!fields_walls_in(m->walls, m->n_walls, ret_hello->walls, &ret_hello->n_walls))
		return fields_refuse(ret_why, "list of walls");
	return 0;
}

static void decode_ready(const Amp__Pb__ServiceReady *m, struct service_ready *ret_ready)
{
	*ret_ready = (struct service_ready){
		.signatures = m->signatures,
		.load_ms = m->load_ms,
		.memory_bytes = m->memory_bytes,
		.huge_bytes = m->huge_bytes,
		.built = m->built,
		.slots = m->slots,
	};
}

static int decode_about_worker(const Amp__Pb__FromService *m, struct from_service *ret_message,
			       const char **ret_why)
{
	if (m->body_case == AMP__PB__FROM_SERVICE__BODY_EXITED) {
		ret_message->kind = FROM_SERVICE_EXITED;
		ret_message->exited.worker = m->exited->worker;
		ret_message->exited.status = m->exited->status;
		return 0;
	}
	ret_message->kind = FROM_SERVICE_SPAWNED;
	ret_message->spawned.worker = m->spawned->worker;
	ret_message->spawned.error = m->spawned->error;
	ret_message->spawned.reason = m->spawned->reason;
	if (!fields_text_ok(m->spawned->reason, LIMIT_DETAIL_BYTES))
		return fields_refuse(ret_why, "reason of a worker");
	return 0;
}

static int decode_words(const Amp__Pb__FromService *m, struct from_service *ret_message,
			const char **ret_why)
{
	if (m->body_case == AMP__PB__FROM_SERVICE__BODY_LOG) {
		ret_message->kind = FROM_SERVICE_LOG;
		ret_message->log.level = m->log->level;
		ret_message->log.text = m->log->text;
		if (!fields_text_ok(m->log->text, LIMIT_LOG_TEXT_BYTES))
			return fields_refuse(ret_why, "log text");
		return 0;
	}
	ret_message->kind = FROM_SERVICE_FAILED;
	ret_message->failed.code = m->failed->code;
	ret_message->failed.reason = m->failed->reason;
	if (!fields_text_ok(m->failed->reason, LIMIT_REASON_BYTES))
		return fields_refuse(ret_why, "reason of the failure");
	return 0;
}

int from_service_decode(struct wire_arena *arena, const void *packet, size_t len,
			struct from_service *ret_message, const char **ret_why)
{
	const Amp__Pb__FromService *m =
		fields_unpack(&amp__pb__from_service__descriptor, arena, packet, len, ret_why);

	if (!m)
		return -EBADMSG;
	ret_message->incarnation = m->incarnation;
	switch (m->body_case) {
	case AMP__PB__FROM_SERVICE__BODY_HELLO:
		ret_message->kind = FROM_SERVICE_HELLO;
		return decode_hello(m->hello, &ret_message->hello, ret_why);
	case AMP__PB__FROM_SERVICE__BODY_PROGRESS:
		ret_message->kind = FROM_SERVICE_PROGRESS;
		ret_message->progress.phase = m->progress->phase;
		ret_message->progress.done = m->progress->done;
		ret_message->progress.total = m->progress->total;
		return m->progress->phase < LOAD_PHASE_COUNT ? 0 : fields_refuse(ret_why, "phase");
	case AMP__PB__FROM_SERVICE__BODY_FILE:
		ret_message->kind = FROM_SERVICE_FILE;
		if (!fields_definition_in(m->file, &ret_message->file))
			return fields_refuse(ret_why, "definition file");
		return 0;
	case AMP__PB__FROM_SERVICE__BODY_READY:
		ret_message->kind = FROM_SERVICE_READY;
		decode_ready(m->ready, &ret_message->ready);
		return 0;
	case AMP__PB__FROM_SERVICE__BODY_FAILED:
	case AMP__PB__FROM_SERVICE__BODY_LOG:
		return decode_words(m, ret_message, ret_why);
	case AMP__PB__FROM_SERVICE__BODY_SPAWNED:
	case AMP__PB__FROM_SERVICE__BODY_EXITED:
		return decode_about_worker(m, ret_message, ret_why);
	case AMP__PB__FROM_SERVICE__BODY_PONG:
		ret_message->kind = FROM_SERVICE_PONG;
		ret_message->pong = m->pong->number;
		return 0;
	case AMP__PB__FROM_SERVICE__BODY__NOT_SET:
	default:
		return fields_refuse(ret_why, "no message in it");
	}
}

/* ---- daemon -> worker ---- */

ssize_t scan_job_encode(const struct scan_job *job, void *packet, size_t size)
{
	Amp__Pb__ToWorker outer = AMP__PB__TO_WORKER__INIT;
	Amp__Pb__ScanJob m = AMP__PB__SCAN_JOB__INIT;

	m.job = job->job;
	outer.body_case = AMP__PB__TO_WORKER__BODY_JOB;
	outer.job = &m;
	return fields_pack(&outer.base, packet, size);
}

int scan_job_decode(struct wire_arena *arena, const void *packet, size_t len,
		    struct scan_job *ret_job, const char **ret_why)
{
	const Amp__Pb__ToWorker *m =
		fields_unpack(&amp__pb__to_worker__descriptor, arena, packet, len, ret_why);

	if (!m)
		return -EBADMSG;
	if (m->body_case != AMP__PB__TO_WORKER__BODY_JOB || !m->job->job)
		return fields_refuse(ret_why, "no job in it");
	ret_job->job = m->job->job;
	return 0;
}

/* ---- worker -> daemon ---- */

static ssize_t encode_result(const struct scan_result *result, Amp__Pb__FromWorker *outer,
			     void *packet, size_t size)
{
	Amp__Pb__ScanResult m = AMP__PB__SCAN_RESULT__INIT;
	struct threats_out threats;
	char detail[LIMIT_DETAIL_BYTES + 1];

	m.job = result->job;
	m.verdict = (Amp__Pb__Verdict)result->verdict;
	m.reason = result->reason;
	m.detail = fields_fit(result->detail, detail, sizeof(detail));
	m.n_threats = fields_threats_out(&threats, result->threats, result->n_threats);
	m.threats = threats.list;
	m.bytes = result->bytes;
	m.scan_us = result->scan_us;
	outer->body_case = AMP__PB__FROM_WORKER__BODY_RESULT;
	outer->result = &m;
	return fields_pack(&outer->base, packet, size);
}

static ssize_t encode_worker_hello(const struct from_worker *message, Amp__Pb__FromWorker *outer,
				   void *packet, size_t size)
{
	Amp__Pb__WorkerHello m = AMP__PB__WORKER_HELLO__INIT;
	struct walls_out walls;

	m.n_walls = fields_walls_out(&walls, message->hello.walls, message->hello.n_walls);
	m.walls = walls.list;
	m.canaries = message->hello.canaries;
	m.canary_us = message->hello.canary_us;
	outer->body_case = AMP__PB__FROM_WORKER__BODY_HELLO;
	outer->hello = &m;
	return fields_pack(&outer->base, packet, size);
}

ssize_t from_worker_encode(const struct from_worker *message, void *packet, size_t size)
{
	Amp__Pb__FromWorker outer = AMP__PB__FROM_WORKER__INIT;
	Amp__Pb__WorkerNotice notice = AMP__PB__WORKER_NOTICE__INIT;
	char detail[LIMIT_DETAIL_BYTES + 1];

	outer.incarnation = message->incarnation;
	outer.worker = message->worker;
	switch (message->kind) {
	case FROM_WORKER_HELLO:
		return encode_worker_hello(message, &outer, packet, size);
	case FROM_WORKER_RESULT:
		return encode_result(&message->result, &outer, packet, size);
	case FROM_WORKER_NOTICE:
		break;
	}
	notice.reason = message->notice.reason;
	notice.detail = fields_fit(message->notice.detail, detail, sizeof(detail));
	outer.body_case = AMP__PB__FROM_WORKER__BODY_NOTICE;
	outer.notice = &notice;
	return fields_pack(&outer.base, packet, size);
}

static int decode_result(const Amp__Pb__ScanResult *m, struct scan_result *ret_result,
			 const char **ret_why)
{
	*ret_result = (struct scan_result){
		.job = m->job,
		.verdict = (enum verdict)m->verdict,
		.reason = m->reason,
		.detail = m->detail,
		.bytes = m->bytes,
		.scan_us = m->scan_us,
	};
	if (!m->job)
		return fields_refuse(ret_why, "job number 0");
	if (!fields_text_ok(m->detail, LIMIT_DETAIL_BYTES))
		return fields_refuse(ret_why, "detail of a result");
	if (!fields_threats_in(m->threats, m->n_threats, ret_result->threats,
			       &ret_result->n_threats))
		return fields_refuse(ret_why, "list of threats");
	if (!verdict_is_plausible((unsigned)m->verdict, m->reason, ret_result->n_threats))
		return fields_refuse(ret_why, "verdict, reason and threats contradict each other");
	return 0;
}

static int decode_notice(const Amp__Pb__WorkerNotice *m, struct from_worker *ret_message,
			 const char **ret_why)
{
	ret_message->notice.reason = m->reason;
	ret_message->notice.detail = m->detail;
	if (m->reason == WORKER_REASON_NONE || m->reason >= WORKER_REASON_COUNT)
		return fields_refuse(ret_why, "reason of a notice");
	if (!fields_text_ok(m->detail, LIMIT_DETAIL_BYTES))
		return fields_refuse(ret_why, "detail of a notice");
	return 0;
}

int from_worker_decode(struct wire_arena *arena, const void *packet, size_t len,
		       struct from_worker *ret_message, const char **ret_why)
{
	const Amp__Pb__FromWorker *m =
		fields_unpack(&amp__pb__from_worker__descriptor, arena, packet, len, ret_why);

	if (!m)
		return -EBADMSG;
	ret_message->incarnation = m->incarnation;
	ret_message->worker = m->worker;
	switch (m->body_case) {
	case AMP__PB__FROM_WORKER__BODY_HELLO:
		ret_message->kind = FROM_WORKER_HELLO;
		ret_message->hello.canaries = m->hello->canaries;
		ret_message->hello.canary_us = m->hello->canary_us;
		if (!fields_walls_in(m->hello->walls, m->hello->n_walls, ret_message->hello.walls,
				     &ret_message->hello.n_walls))
			return fields_refuse(ret_why, "list of walls");
		return 0;
	case AMP__PB__FROM_WORKER__BODY_RESULT:
		ret_message->kind = FROM_WORKER_RESULT;
		return decode_result(m->result, &ret_message->result, ret_why);
	case AMP__PB__FROM_WORKER__BODY_NOTICE:
		ret_message->kind = FROM_WORKER_NOTICE;
		return decode_notice(m->notice, ret_message, ret_why);
	case AMP__PB__FROM_WORKER__BODY__NOT_SET:
	default:
		return fields_refuse(ret_why, "no message in it");
	}
}
