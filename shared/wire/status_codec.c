/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/status_codec.h"

#include <errno.h>
#include <stdlib.h>

#include "base/definition_age.h"
#include "wire/fault_fields.h"
#include "wire/fields.h"

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
	uint64_t failures[FAILURE_CLASS_COUNT];
	struct fault_out faults[LIMIT_FAULTS];
	Amp__Pb__FaultState *fault_list[LIMIT_FAULTS];
};

static void status_faults_out(const struct status_report *status, struct status_out *out)
{
	Amp__Pb__StatusReply *m = &out->reply;

	for (; m->n_faults < status->n_faults; m->n_faults++) {
		fault_state_out(&status->faults[m->n_faults], &out->faults[m->n_faults],
				LIMIT_REASON_BYTES);
		out->fault_list[m->n_faults] = &out->faults[m->n_faults].state;
	}
	m->faults = out->fault_list;
	memcpy(out->failures, status->failures, sizeof(out->failures));
	m->n_failures = FAILURE_CLASS_COUNT;
	m->failures = out->failures;
	m->failures_window = status->failures_window;
	m->connector_restarts = status->connector_restarts;
	m->service_replacements = status->service_replacements;
	m->standby_wanted = status->standby_wanted;
	m->standby_pid = status->standby_pid;
	m->standby_ready = status->standby_ready;
	m->unscannable = status->unscannable;
	m->age_state = status->age_state;
	m->age_limit_s = status->age_limit_s;
}

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

ssize_t status_encode(const struct status_report *status, Amp__Pb__Reply *outer, void *packet,
		      size_t size)
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
	status_faults_out(status, out);
	outer->body_case = AMP__PB__REPLY__BODY_STATUS;
	outer->status = m;
	len = fields_pack(&outer->base, packet, size);
	free(out);
	return len;
}

static int status_faults_in(const Amp__Pb__StatusReply *m, struct status_report *ret_status,
			    const char **ret_why)
{
	if (m->n_faults > LIMIT_FAULTS || m->n_failures != FAILURE_CLASS_COUNT)
		return fields_refuse(ret_why, "a list of the status is too long");
	for (size_t i = 0; i < m->n_faults; i++) {
		if (!fault_state_in(m->faults[i], &ret_status->faults[i], LIMIT_REASON_BYTES))
			return fields_refuse(ret_why, "fault of the status");
	}
	ret_status->n_faults = (unsigned)m->n_faults;
	memcpy(ret_status->failures, m->failures, sizeof(ret_status->failures));
	return 0;
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
	return status_faults_in(m, ret_status, ret_why);
}

int status_decode(const Amp__Pb__StatusReply *m, struct status_report *ret_status,
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
		.failures_window = m->failures_window,
		.connector_restarts = m->connector_restarts,
		.service_replacements = m->service_replacements,
		.standby_wanted = m->standby_wanted,
		.standby_pid = m->standby_pid,
		.standby_ready = m->standby_ready,
		.unscannable = m->unscannable,
		.age_state = m->age_state,
		.age_limit_s = m->age_limit_s,
	};
	if (!fields_text_ok(m->version, LIMIT_NAME_BYTES) ||
	    !fields_text_ok(m->service_user, LIMIT_NAME_BYTES) ||
	    !fields_text_ok(m->engine, LIMIT_NAME_BYTES) ||
	    !fields_text_ok(m->service_reason, LIMIT_REASON_BYTES) ||
	    !fields_text_ok(m->journal_error, LIMIT_REASON_BYTES))
		return fields_refuse(ret_why, "text of the status");
	if (m->age_state >= DEFINITION_AGE_COUNT)
		return fields_refuse(ret_why, "age of the definitions");
	if (m->service_state >= SERVICE_STATE_COUNT)
		return fields_refuse(ret_why, "state of the service");
	return status_lists_in(m, ret_status, ret_why);
}
