/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/message_equal.h"

#include <string.h>

#define SAME(field) (a->field == b->field)
#define SAME_TEXT(field) (!strcmp(a->field, b->field))
#define SAME_SPAN(field) same_span(a->field, b->field)

static bool same_span(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.data, b.data, a.len));
}

static bool same_texts(const char *const *a, unsigned n_a, const char *const *b, unsigned n_b)
{
	if (n_a != n_b)
		return false;
	for (unsigned i = 0; i < n_a; i++) {
		if (strcmp(a[i], b[i]) != 0)
			return false;
	}
	return true;
}

static bool same_walls(const struct wall_report *a, unsigned n_a, const struct wall_report *b,
		       unsigned n_b)
{
	if (n_a != n_b)
		return false;
	for (; n_a--; a++, b++) {
		if (!SAME(id) || !SAME(state) || !SAME_TEXT(detail))
			return false;
	}
	return true;
}

static bool same_file(const struct definition_file *a, const struct definition_file *b)
{
	return SAME_TEXT(name) && SAME(accepted) && SAME_TEXT(reason) && SAME(version) &&
	       SAME(signatures) && SAME(built) && SAME(origin) && SAME_TEXT(database) &&
	       SAME(promised) && SAME(signing);
}

static bool same_start(const struct service_start *a, const struct service_start *b)
{
	return SAME(protocol) && SAME(incarnation) && SAME(generation) && SAME(uid) && SAME(gid) &&
	       SAME(temp_bytes) && SAME(temp_inodes) && SAME(memory_bytes) &&
	       SAME(max_file_bytes) && SAME(max_scan_bytes) && SAME(max_files) &&
	       SAME(max_recursion) && SAME(max_scan_ms) && SAME(canary_every) &&
	       SAME(has_definitions) && SAME(is_generation) && SAME(is_trial) &&
	       SAME_SPAN(trust_anchors);
}

bool to_service_equal(const struct to_service *a, const struct to_service *b)
{
	if (!SAME(kind))
		return false;
	switch (a->kind) {
	case TO_SERVICE_START:
		return same_start(&a->start, &b->start);
	case TO_SERVICE_SPAWN:
		return SAME(spawn_worker);
	case TO_SERVICE_PING:
		return SAME(ping);
	}
	return false;
}

static bool same_hello(const struct service_hello *a, const struct service_hello *b)
{
	return SAME(protocol) && SAME_TEXT(engine) && SAME(uid) && SAME(gid) &&
	       same_walls(a->walls, a->n_walls, b->walls, b->n_walls);
}

static bool same_ready(const struct service_ready *a, const struct service_ready *b)
{
	return SAME(signatures) && SAME(load_ms) && SAME(memory_bytes) && SAME(huge_bytes) &&
	       SAME(built) && SAME(slots);
}

bool from_service_equal(const struct from_service *a, const struct from_service *b)
{
	if (!SAME(kind) || !SAME(incarnation))
		return false;
	switch (a->kind) {
	case FROM_SERVICE_HELLO:
		return same_hello(&a->hello, &b->hello);
	case FROM_SERVICE_PROGRESS:
		return SAME(progress.phase) && SAME(progress.done) && SAME(progress.total);
	case FROM_SERVICE_FILE:
		return same_file(&a->file, &b->file);
	case FROM_SERVICE_READY:
		return same_ready(&a->ready, &b->ready);
	case FROM_SERVICE_FAILED:
		return SAME(failed.code) && SAME_TEXT(failed.reason);
	case FROM_SERVICE_SPAWNED:
		return SAME(spawned.worker) && SAME(spawned.error) && SAME_TEXT(spawned.reason);
	case FROM_SERVICE_EXITED:
		return SAME(exited.worker) && SAME(exited.status);
	case FROM_SERVICE_LOG:
		return SAME(log.level) && SAME_TEXT(log.text);
	case FROM_SERVICE_PONG:
		return SAME(pong);
	}
	return false;
}

static bool same_result(const struct scan_result *a, const struct scan_result *b)
{
	return SAME(job) && SAME(verdict) && SAME(reason) && SAME_TEXT(detail) && SAME(bytes) &&
	       SAME(scan_us) && same_texts(a->threats, a->n_threats, b->threats, b->n_threats);
}

bool from_worker_equal(const struct from_worker *a, const struct from_worker *b)
{
	if (!SAME(kind) || !SAME(incarnation) || !SAME(worker))
		return false;
	switch (a->kind) {
	case FROM_WORKER_HELLO:
		return SAME(hello.canaries) && SAME(hello.canary_us) &&
		       same_walls(a->hello.walls, a->hello.n_walls, b->hello.walls,
				  b->hello.n_walls);
	case FROM_WORKER_RESULT:
		return same_result(&a->result, &b->result);
	case FROM_WORKER_NOTICE:
		return SAME(notice.reason) && SAME_TEXT(notice.detail);
	}
	return false;
}

bool request_equal(const struct request *a, const struct request *b)
{
	if (!SAME(kind))
		return false;
	switch (a->kind) {
	case REQUEST_HELLO:
		return SAME(hello.protocol);
	case REQUEST_STATUS:
		return true;
	case REQUEST_SCAN_BEGIN:
		return SAME_SPAN(scan_begin.label) && SAME(scan_begin.continues);
	case REQUEST_SCAN_FILE:
		return SAME(scan_file.file) && SAME_SPAN(scan_file.path);
	case REQUEST_SCAN_END:
		return SAME(scan_end.not_scanned) && SAME(scan_end.stopped);
	case REQUEST_HISTORY:
		return SAME(history.before) && SAME(history.limit) && SAME(history.type) &&
		       SAME(history.since_ms);
	case REQUEST_FAULTS:
		return SAME(faults.id);
	case REQUEST_RESTART:
	case REQUEST_RECHECK:
		return true;
	case REQUEST_UNSCANNABLE:
		return SAME(unscannable.from) && SAME(unscannable.limit);
	case REQUEST_CHECK_END:
	case REQUEST_GENERATIONS:
	case REQUEST_UPDATE:
		return true;
	case REQUEST_CHECK_BEGIN:
		return SAME(check_begin.is_import) && SAME(check_begin.is_forced);
	case REQUEST_ROLLBACK:
		return SAME(rollback.generation);
	case REQUEST_CHECK_FILE:
		return SAME_TEXT(check_file.name) && SAME(check_file.custom);
	}
	return false;
}

static bool same_workers(const struct status_report *a, const struct status_report *b)
{
	if (!SAME(n_workers))
		return false;
	for (unsigned i = 0; i < a->n_workers; i++) {
		if (!SAME(workers[i].worker) || !SAME(workers[i].pid) || !SAME(workers[i].state) ||
		    !SAME(workers[i].jobs) || !SAME(workers[i].private_kb))
			return false;
	}
	return true;
}

static bool same_files(const struct status_report *a, const struct status_report *b)
{
	if (!SAME(n_files))
		return false;
	for (unsigned i = 0; i < a->n_files; i++) {
		if (!same_file(&a->files[i], &b->files[i]))
			return false;
	}
	return true;
}

static bool same_service(const struct status_report *a, const struct status_report *b)
{
	return SAME(service_state) && SAME(service_pid) && SAME(service_uid) &&
	       SAME_TEXT(service_user) && SAME(service_starts) && SAME(worker_failures) &&
	       SAME_TEXT(service_reason) && SAME_TEXT(engine) && SAME(incarnation) &&
	       SAME(generation) && SAME(builtin) && SAME(signatures) && SAME(definitions_built) &&
	       SAME(load_ms) && SAME(engine_bytes) && SAME(engine_huge_bytes);
}

static bool same_fault(const struct fault_state *a, const struct fault_state *b)
{
	return SAME(id) && SAME(active) && SAME(severity) && SAME(raised_ms) && SAME(seen_ms) &&
	       SAME(cleared_ms) && SAME(count) && SAME_TEXT(detail) && SAME_TEXT(remedy) &&
	       SAME_TEXT(reason);
}

static bool same_faults(const struct fault_state *a, unsigned n_a, const struct fault_state *b,
			unsigned n_b)
{
	if (n_a != n_b)
		return false;
	for (; n_a--; a++, b++) {
		if (!same_fault(a, b))
			return false;
	}
	return true;
}

static bool same_supervision(const struct status_report *a, const struct status_report *b)
{
	return same_faults(a->faults, a->n_faults, b->faults, b->n_faults) &&
	       SAME(failures_window) && !memcmp(a->failures, b->failures, sizeof(a->failures)) &&
	       SAME(connector_restarts) && SAME(service_replacements) && SAME(standby_wanted) &&
	       SAME(standby_ready) && SAME(standby_pid) && SAME(unscannable) && SAME(age_state) &&
	       SAME(age_limit_s);
}

static bool same_status(const struct status_report *a, const struct status_report *b)
{
	return SAME_TEXT(version) && SAME(pid) && SAME(uptime_ms) && same_service(a, b) &&
	       same_workers(a, b) && same_files(a, b) &&
	       same_walls(a->walls, a->n_walls, b->walls, b->n_walls) && SAME(queued) &&
	       SAME(in_flight) && SAME(scans) && SAME(sessions) &&
	       !memcmp(a->verdicts, b->verdicts, sizeof(a->verdicts)) && SAME(last_scan_ms) &&
	       SAME(journal_sequence) && SAME(journal_waiting) && SAME(journal_lost) &&
	       SAME_TEXT(journal_error) && SAME(log_dropped) &&
	       same_texts(a->notices, a->n_notices, b->notices, b->n_notices) && SAME(violations) &&
	       same_supervision(a, b);
}

static bool same_file_result(const struct file_result *a, const struct file_result *b)
{
	return SAME(file) && SAME(verdict) && SAME(reason) && SAME_TEXT(detail) &&
	       SAME(generation) && SAME(bytes) && SAME(us) &&
	       same_texts(a->threats, a->n_threats, b->threats, b->n_threats);
}

static bool same_counts(const struct scan_counts *a, const struct scan_counts *b)
{
	return SAME(scan) && SAME(uid) && SAME(pid) && SAME_SPAN(label) && SAME(files) &&
	       SAME(clean) && SAME(infected) && SAME(incomplete) && SAME(error) && SAME(failed) &&
	       SAME(not_scanned) && SAME(bytes) && SAME(ms);
}

static bool same_page(const struct history_page *a, const struct history_page *b)
{
	if (!SAME(n_events) || !SAME(more))
		return false;
	for (unsigned i = 0; i < a->n_events; i++) {
		if (!event_equal(&a->events[i], &b->events[i]))
			return false;
	}
	return true;
}

static bool same_unscannable(const struct reply *a, const struct reply *b)
{
	if (!SAME(unscannable.n_files) || !SAME(unscannable.total) || !SAME(unscannable.more))
		return false;
	for (unsigned i = 0; i < a->unscannable.n_files; i++) {
		const struct unscannable_report *f = &a->unscannable.files[i];
		const struct unscannable_report *g = &b->unscannable.files[i];

		if (!same_span(f->path, g->path) || !same_span(f->digest, g->digest) ||
		    f->device != g->device || f->inode != g->inode || f->bytes != g->bytes ||
		    f->since_ms != g->since_ms || f->generation != g->generation ||
		    f->spared != g->spared || f->cause != g->cause)
			return false;
	}
	return true;
}

static bool same_verdict(const struct check_verdict *a, const struct check_verdict *b)
{
	if (!SAME(passed) || !SAME_TEXT(reason) || !SAME(signatures) || !SAME(engine_bytes) ||
	    !SAME(load_ms) || !SAME(n_files) || !SAME(generation))
		return false;
	for (unsigned i = 0; i < a->n_files; i++) {
		if (!same_file(&a->files[i], &b->files[i]))
			return false;
	}
	return true;
}

static bool same_generation(const struct generation_report *a, const struct generation_report *b)
{
	if (!SAME(number) || !SAME(is_active) || !SAME(is_good) || !SAME(is_bad) ||
	    !SAME_SPAN(digest) || !SAME(signatures) || !SAME(built) || !SAME(bytes) ||
	    !SAME(n_databases))
		return false;
	for (unsigned i = 0; i < a->n_databases; i++) {
		if (!SAME_TEXT(databases[i].name) || !SAME(databases[i].version))
			return false;
	}
	return true;
}

static bool same_lists(const struct generations_report *a, const struct generations_report *b)
{
	if (!SAME(n_generations) || !SAME(n_rejected))
		return false;
	for (unsigned i = 0; i < a->n_generations; i++) {
		if (!same_generation(&a->generations[i], &b->generations[i]))
			return false;
	}
	for (unsigned i = 0; i < a->n_rejected; i++) {
		if (!SAME_SPAN(rejected[i].digest) || !SAME(rejected[i].utc_ms) ||
		    !SAME_TEXT(rejected[i].reason))
			return false;
	}
	return true;
}

static bool same_generations(const struct generations_report *a, const struct generations_report *b)
{
	return SAME_SPAN(root) && SAME(in_charge) && SAME(active) && SAME(last_good) &&
	       SAME(probation_left_ms) && SAME_TEXT(candidate) && SAME(store_bytes) &&
	       SAME(age_state) && SAME(age_limit_s) && SAME(updates_on) && SAME(last_check_ms) &&
	       SAME(next_check_ms) && SAME(last_outcome) && SAME_TEXT(last_reason) &&
	       same_lists(a, b);
}

static bool same_update(const struct update_verdict *a, const struct update_verdict *b)
{
	return SAME(outcome) && SAME(is_rejected) && SAME_TEXT(reason) && SAME(generation) &&
	       SAME(bytes);
}

bool reply_equal(const struct reply *a, const struct reply *b)
{
	if (!SAME(kind))
		return false;
	switch (a->kind) {
	case REPLY_HELLO:
		return SAME(hello.protocol) && SAME_TEXT(hello.version) && SAME(hello.window);
	case REPLY_STATUS:
		return same_status(&a->status, &b->status);
	case REPLY_SCAN_BEGUN:
		return SAME(scan_begun.scan);
	case REPLY_FILE_RESULT:
		return same_file_result(&a->file_result, &b->file_result);
	case REPLY_SCAN_SUMMARY:
		return same_counts(&a->scan_summary, &b->scan_summary);
	case REPLY_HISTORY:
		return same_page(&a->history, &b->history);
	case REPLY_REFUSAL:
		return SAME(refusal.code) && SAME_TEXT(refusal.reason);
	case REPLY_FAULTS:
		return same_faults(a->faults.faults, a->faults.n_faults, b->faults.faults,
				   b->faults.n_faults);
	case REPLY_DONE:
		return SAME_TEXT(done.text);
	case REPLY_UNSCANNABLE:
		return same_unscannable(a, b);
	case REPLY_RECONNECT:
		return SAME_TEXT(reconnect.reason);
	case REPLY_CHECK_VERDICT:
		return same_verdict(&a->check_verdict, &b->check_verdict);
	case REPLY_GENERATIONS:
		return same_generations(&a->generations, &b->generations);
	case REPLY_UPDATE_VERDICT:
		return same_update(&a->update_verdict, &b->update_verdict);
	case REPLY_PROGRESS:
		return SAME_TEXT(progress.text) && SAME(progress.done) && SAME(progress.total);
	}
	return false;
}

static bool same_worker_event(const struct event *a, const struct event *b)
{
	return SAME(worker.worker) && SAME(worker.pid) && SAME(worker.cause) &&
	       SAME(worker.status) && SAME_SPAN(worker.path) && SAME(worker.attempt) &&
	       SAME(worker.handover_us) && SAME_TEXT(worker.detail) && SAME(worker.job) &&
	       SAME(worker.phase) && SAME_SPAN(worker.digest);
}

static bool same_fault_event(const struct event *a, const struct event *b)
{
	return SAME(fault.id) && SAME(fault.severity) && SAME_TEXT(fault.detail) &&
	       SAME_TEXT(fault.remedy) && SAME_TEXT(fault.reason) && SAME(fault.count);
}

static bool same_unscannable_event(const struct event *a, const struct event *b)
{
	return SAME_SPAN(unscannable.path) && SAME_SPAN(unscannable.digest) &&
	       SAME(unscannable.bytes) && SAME(unscannable.attempts) && SAME(unscannable.cause) &&
	       SAME(unscannable.generation);
}

static bool same_definition_event(const struct event *a, const struct event *b)
{
	return SAME(definitions.generation) && SAME(definitions.former) &&
	       SAME_TEXT(definitions.origin) && SAME_TEXT(definitions.reason) &&
	       SAME_SPAN(definitions.digest) && SAME(definitions.signatures) &&
	       SAME(definitions.built);
}

bool event_equal(const struct event *a, const struct event *b)
{
	if (!SAME(sequence) || !SAME(utc_ms) || !SAME(type) || !SAME(body))
		return false;
	switch (a->body) {
	case EVENT_BODY_CONNECTOR:
		return SAME_TEXT(connector.version) && SAME(connector.pid) &&
		       SAME_TEXT(connector.reason);
	case EVENT_BODY_SCAN:
		return same_counts(&a->scan, &b->scan);
	case EVENT_BODY_THREAT:
		return SAME(threat.scan) && SAME_SPAN(threat.path) && SAME(threat.generation) &&
		       SAME(threat.bytes) &&
		       same_texts(a->threat.threats, a->threat.n_threats, b->threat.threats,
				  b->threat.n_threats);
	case EVENT_BODY_WORKER:
		return same_worker_event(a, b);
	case EVENT_BODY_SERVICE:
		return SAME(service.incarnation) && SAME(service.pid) && SAME(service.status) &&
		       SAME_TEXT(service.reason) && SAME(service.signatures);
	case EVENT_BODY_LOST:
		return SAME(lost.events) && SAME_TEXT(lost.reason);
	case EVENT_BODY_FAULT:
		return same_fault_event(a, b);
	case EVENT_BODY_UNSCANNABLE:
		return same_unscannable_event(a, b);
	case EVENT_BODY_DEFINITIONS:
		return same_definition_event(a, b);
	}
	return false;
}
