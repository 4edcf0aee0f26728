/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/sample_messages.h"

#include "base/definition_age.h"
#include "base/fault.h"
#include "base/update_outcome.h"

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))
#define BYTES(text)                                                                                \
	{                                                                                          \
		.data = (const uint8_t *)(text), .len = sizeof(text) - 1                           \
	}

static unsigned fill_walls(struct wall_report *walls)
{
	for (unsigned i = 0; i < WALL_COUNT; i++)
		walls[i] = (struct wall_report){.id = i,
						.state = 1 + i % (WALL_STATE_COUNT - 1),
						.detail = i % 3 ? "" : "tried from inside"};
	return WALL_COUNT;
}

const struct to_service *sample_to_service(unsigned *ret_n)
{
	static const struct to_service samples[] = {
		{.kind = TO_SERVICE_START,
		 .start = {.protocol = 1,
			   .incarnation = UINT64_MAX,
			   .generation = 7,
			   .uid = 996,
			   .gid = 995,
			   .temp_bytes = 1u << 29,
			   .temp_inodes = 20000,
			   .memory_bytes = UINT64_C(3) << 30,
			   .max_file_bytes = 100u << 20,
			   .max_scan_bytes = 400u << 20,
			   .max_files = 10000,
			   .max_recursion = 17,
			   .max_scan_ms = 110000,
			   .canary_every = 200,
			   .has_definitions = true,
			   .is_generation = true,
			   .is_trial = true,
			   .trust_anchors = BYTES("-----BEGIN CERTIFICATE-----\n")}},
		{.kind = TO_SERVICE_START},
		{.kind = TO_SERVICE_SPAWN, .spawn_worker = 7},
		{.kind = TO_SERVICE_PING, .ping = UINT64_MAX},
	};

	*ret_n = COUNT(samples);
	return samples;
}

const struct from_service *sample_from_service(unsigned *ret_n)
{
	static struct from_service samples[] = {
		{.kind = FROM_SERVICE_HELLO,
		 .incarnation = 3,
		 .hello = {.protocol = 1,
			   .engine = "ClamAV 1.4.6 (flevel 216)",
			   .uid = 996,
			   .gid = 995}},
		{.kind = FROM_SERVICE_PROGRESS,
		 .incarnation = 3,
		 .progress = {.phase = LOAD_PHASE_PROVE, .done = 5, .total = 9}},
		{.kind = FROM_SERVICE_FILE,
		 .incarnation = 3,
		 .file = {.name = "daily.cvd",
			  .accepted = true,
			  .reason = "",
			  .version = 27000,
			  .signatures = 2000000,
			  .built = 1700000000,
			  .origin = DEFINITION_ORIGIN_OFFICIAL,
			  .database = "daily",
			  .promised = 2000001,
			  .signing = DEFINITION_SIGNING_DETACHED}},
		{.kind = FROM_SERVICE_FILE,
		 .file = {.name = "bad.cvd",
			  .reason = "the signature does not fit",
			  .database = ""}},
		{.kind = FROM_SERVICE_READY,
		 .incarnation = 3,
		 .ready = {.signatures = 4000000,
			   .load_ms = 21000,
			   .memory_bytes = UINT64_C(1) << 30,
			   .huge_bytes = UINT64_C(1) << 29,
			   .built = 1700000000,
			   .slots = 24}},
		{.kind = FROM_SERVICE_FAILED,
		 .failed = {.code = 67, .reason = "nothing could be loaded"}},
		{.kind = FROM_SERVICE_SPAWNED,
		 .incarnation = 3,
		 .spawned = {.worker = 9, .error = 11, .reason = "fork: try again"}},
		{.kind = FROM_SERVICE_EXITED,
		 .incarnation = 3,
		 .exited = {.worker = 9, .status = 139}},
		{.kind = FROM_SERVICE_LOG,
		 .incarnation = 3,
		 .log = {.level = 2, .text = "LibClamAV Warning: old engine"}},
		{.kind = FROM_SERVICE_PONG, .incarnation = 3, .pong = 12},
	};

	samples[0].hello.n_walls = fill_walls(samples[0].hello.walls);
	*ret_n = COUNT(samples);
	return samples;
}

const struct from_worker *sample_from_worker(unsigned *ret_n)
{
	static struct from_worker samples[] = {
		{.kind = FROM_WORKER_HELLO,
		 .incarnation = 3,
		 .worker = 7,
		 .hello = {.canaries = 12, .canary_us = 4000}},
		{.kind = FROM_WORKER_RESULT,
		 .incarnation = 3,
		 .worker = 7,
		 .result = {.job = 1,
			    .verdict = VERDICT_INFECTED,
			    .detail = "member 3",
			    .n_threats = 2,
			    .threats = {"Eicar-Signature", "Win.Test.A-1"},
			    .bytes = 68,
			    .scan_us = 900}},
		{.kind = FROM_WORKER_RESULT,
		 .incarnation = 3,
		 .worker = 7,
		 .result = {.job = UINT64_MAX, .verdict = VERDICT_CLEAN, .detail = ""}},
		{.kind = FROM_WORKER_RESULT,
		 .result = {.job = 4,
			    .verdict = VERDICT_INCOMPLETE,
			    .reason = SCAN_REASON_LIMIT_RECURSION,
			    .detail = "17 levels"}},
		{.kind = FROM_WORKER_RESULT,
		 .result = {.job = 5,
			    .verdict = VERDICT_ERROR,
			    .reason = SCAN_REASON_TEMP,
			    .detail = "no space"}},
		{.kind = FROM_WORKER_NOTICE,
		 .incarnation = 3,
		 .worker = 7,
		 .notice = {.reason = WORKER_REASON_RESOURCE, .detail = "ENOMEM"}},
	};

	samples[0].hello.n_walls = fill_walls(samples[0].hello.walls);
	*ret_n = COUNT(samples);
	return samples;
}

const struct request *sample_requests(unsigned *ret_n)
{
	static const struct request samples[] = {
		{.kind = REQUEST_HELLO, .hello = {.protocol = 1}},
		{.kind = REQUEST_STATUS},
		{.kind = REQUEST_SCAN_BEGIN,
		 .scan_begin = {.label = BYTES("/data/\xff\n"), .continues = UINT64_MAX}},
		{.kind = REQUEST_SCAN_FILE,
		 .scan_file = {.file = 1, .path = BYTES("/data/a\x1b[31m")}},
		{.kind = REQUEST_SCAN_END, .scan_end = {.not_scanned = 3, .stopped = true}},
		{.kind = REQUEST_HISTORY,
		 .history = {.before = 900,
			     .limit = LIMIT_HISTORY_ROWS,
			     .type = EVENT_THREAT_DETECTED,
			     .since_ms = 1700000000000}},
		{.kind = REQUEST_FAULTS},
		{.kind = REQUEST_FAULTS, .faults = {.id = FAULT_SERVICE_RESTARTING}},
		{.kind = REQUEST_RESTART},
		{.kind = REQUEST_RECHECK},
		{.kind = REQUEST_UNSCANNABLE,
		 .unscannable = {.from = LIMIT_UNSCANNABLE, .limit = LIMIT_HISTORY_ROWS}},
		{.kind = REQUEST_CHECK_BEGIN},
		{.kind = REQUEST_CHECK_FILE, .check_file = {.name = "daily.cld", .custom = true}},
		{.kind = REQUEST_CHECK_END},
		{.kind = REQUEST_CHECK_BEGIN,
		 .check_begin = {.is_import = true, .is_forced = true}},
		{.kind = REQUEST_GENERATIONS},
		{.kind = REQUEST_ROLLBACK, .rollback = {.generation = UINT64_MAX}},
		{.kind = REQUEST_UPDATE},
	};

	*ret_n = COUNT(samples);
	return samples;
}

#define SAMPLE_DIGEST                                                                              \
	BYTES("0123456789abcdef\x00\x01\x02\x03\x04\x05\x06\x07\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff")

#define SCAN_COUNTS                                                                                \
	{                                                                                          \
		.scan = 4, .uid = 1000, .pid = 77, .label = BYTES("/srv"), .files = 21,            \
		.clean = 15, .infected = 1, .incomplete = 2, .error = 3, .failed = 4,              \
		.not_scanned = 5, .bytes = 1u << 30, .ms = 60000                                   \
	}

static const struct event event_samples[] = {
	{.sequence = 1,
	 .utc_ms = 1700000000000,
	 .type = EVENT_CONNECTOR_STARTED,
	 .body = EVENT_BODY_CONNECTOR,
	 .connector = {.version = "0.1.0", .pid = 4711, .reason = "started"}},
	{.sequence = 2,
	 .utc_ms = 1700000000001,
	 .type = EVENT_SCAN_COMPLETED_DETECTIONS,
	 .body = EVENT_BODY_SCAN,
	 .scan = SCAN_COUNTS},
	{.sequence = 3,
	 .utc_ms = 1700000000002,
	 .type = EVENT_THREAT_DETECTED,
	 .body = EVENT_BODY_THREAT,
	 .threat = {.scan = 4,
		    .path = BYTES("/srv/\xc3\x28"),
		    .n_threats = 1,
		    .threats = {"Eicar-Signature"},
		    .generation = 7,
		    .bytes = 68}},
	{.sequence = 4,
	 .utc_ms = 1700000000003,
	 .type = EVENT_WORKER_FAILED,
	 .body = EVENT_BODY_WORKER,
	 .worker = {.worker = 7,
		    .pid = 4712,
		    .cause = DEATH_DEADLINE,
		    .status = 9,
		    .path = BYTES("/srv/bomb"),
		    .attempt = 2,
		    .handover_us = 1500,
		    .detail = "killed after 120 s",
		    .job = UINT64_MAX,
		    .phase = SCAN_PHASE_SCAN,
		    .digest = SAMPLE_DIGEST}},
	{.sequence = 5,
	 .type = EVENT_SERVICE_ENDED,
	 .body = EVENT_BODY_SERVICE,
	 .service = {.incarnation = 3,
		     .pid = 4713,
		     .status = 11,
		     .reason = "died",
		     .signatures = 4000000}},
	{.sequence = UINT64_MAX,
	 .type = EVENT_EVENTS_LOST,
	 .body = EVENT_BODY_LOST,
	 .lost = {.events = 12, .reason = "the disk was full"}},
	{.sequence = 7,
	 .type = EVENT_FAULT_RAISED_CRITICAL,
	 .body = EVENT_BODY_FAULT,
	 .fault = {.id = FAULT_SERVICE_START,
		   .severity = FAULT_CRITICAL,
		   .detail = "the executable is missing",
		   .remedy = "put it back",
		   .reason = "",
		   .count = 3}},
	{.sequence = 8,
	 .type = EVENT_FAULT_CLEARED,
	 .body = EVENT_BODY_FAULT,
	 .fault = {.id = FAULT_SERVICE_USER,
		   .severity = FAULT_MAJOR,
		   .detail = "",
		   .remedy = "",
		   .reason = "the account is back"}},
	{.sequence = 9,
	 .type = EVENT_FAULTS_ALL_CLEARED,
	 .body = EVENT_BODY_FAULT,
	 .fault = {.detail = "", .remedy = "", .reason = ""}},
	{.sequence = 10,
	 .type = EVENT_FILE_UNSCANNABLE,
	 .body = EVENT_BODY_UNSCANNABLE,
	 .unscannable = {.path = BYTES("/srv/poison\xff"),
			 .digest = SAMPLE_DIGEST,
			 .bytes = 1u << 20,
			 .attempts = 2,
			 .cause = DEATH_CRASH,
			 .generation = 7}},
	{.sequence = 11, .type = EVENT_FILE_UNSCANNABLE, .body = EVENT_BODY_UNSCANNABLE},
	{.sequence = 12,
	 .type = EVENT_DEFINITIONS_ROLLED_BACK,
	 .body = EVENT_BODY_DEFINITIONS,
	 .definitions = {.generation = 7,
			 .former = UINT64_MAX,
			 .origin = "a rollback",
			 .reason = "workers failed in its probation",
			 .digest = SAMPLE_DIGEST,
			 .signatures = 4000000,
			 .built = 1700000000}},
	{.sequence = 13,
	 .type = EVENT_DEFINITIONS_UPDATE_FAILED,
	 .body = EVENT_BODY_DEFINITIONS,
	 .definitions = {.origin = "", .reason = ""}},
};

const struct event *sample_events(unsigned *ret_n)
{
	*ret_n = COUNT(event_samples);
	return event_samples;
}

static const struct fault_state sample_fault = {.id = FAULT_SERVICE_RESTARTING,
						.active = true,
						.severity = FAULT_CRITICAL,
						.raised_ms = 1700000000000,
						.seen_ms = 1700000000001,
						.cleared_ms = 1600000000000,
						.count = 12,
						.detail = "5 failures in 10 minutes",
						.remedy = "look at the files",
						.reason = "calm for 10 minutes"};

static void fill_supervision(struct status_report *status)
{
	status->n_faults = 2;
	status->faults[0] = sample_fault;
	status->faults[1] = sample_fault;
	status->faults[1].id = FAULT_SERVICE_START;
	status->failures_window = 5;
	for (unsigned i = 0; i < FAILURE_CLASS_COUNT; i++)
		status->failures[i] = 10 + i;
	status->connector_restarts = 14;
	status->service_replacements = 15;
	status->standby_wanted = status->standby_ready = true;
	status->standby_pid = 4714;
	status->unscannable = 16;
	status->age_state = DEFINITION_AGE_OK;
	status->age_limit_s = 259200;
}

static void fill_status(struct status_report *status)
{
	*status = (struct status_report){.version = "0.1.0",
					 .pid = 4711,
					 .uptime_ms = 3600000,
					 .service_state = SERVICE_UP,
					 .service_pid = 4713,
					 .service_uid = 996,
					 .service_user = "cisco-amp-scan-svc",
					 .service_starts = 2,
					 .worker_failures = 1,
					 .service_reason = "died",
					 .engine = "ClamAV 1.4.6",
					 .incarnation = 3,
					 .n_workers = LIMIT_WORKERS,
					 .generation = 7,
					 .builtin = true,
					 .signatures = 4000000,
					 .definitions_built = 1700000000,
					 .load_ms = 21000,
					 .engine_bytes = 1u << 30,
					 .engine_huge_bytes = 1u << 29,
					 .n_files = 1,
					 .queued = 8,
					 .in_flight = 2,
					 .scans = 3,
					 .sessions = 4,
					 .last_scan_ms = 1700000000000,
					 .journal_sequence = 900,
					 .journal_waiting = 5,
					 .journal_lost = 6,
					 .journal_error = "disk full",
					 .log_dropped = 7,
					 .n_notices = 2,
					 .violations = 9};
	fill_supervision(status);
	status->files[0] = (struct definition_file){.name = "eicar.ndb",
						    .accepted = true,
						    .reason = "",
						    .signatures = 1,
						    .database = ""};
	status->notices[0] = "the account is missing";
	status->notices[1] = "the journal cannot be written";
	status->n_walls = fill_walls(status->walls);
	for (unsigned i = 0; i < VERDICT_COUNT; i++)
		status->verdicts[i] = 100 + i;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		status->workers[i] = (struct worker_report){.worker = i + 1,
							    .pid = 5000 + i,
							    .state = i % WORKER_STATE_COUNT,
							    .jobs = 1000 + i,
							    .private_kb = 11000};
}

static struct unscannable_report unscannable_samples[] = {
	{.path = BYTES("/srv/poison\n"),
	 .digest = SAMPLE_DIGEST,
	 .device = UINT64_MAX,
	 .inode = 12,
	 .bytes = 1u << 20,
	 .since_ms = 1700000000000,
	 .generation = 7,
	 .spared = 3,
	 .cause = DEATH_DEADLINE},
	{.path = BYTES("/srv/unread"), .cause = DEATH_CRASH},
};

#define REFUSED_SET                                                                                \
	{                                                                                          \
		.reason = "the trial refused it: daily.cld: cut", .signatures = 1u << 22,          \
		.generation = 7, .engine_bytes = 1u << 30, .load_ms = 9000, .n_files = 1,          \
		.files = {{.name = "daily.cld",                                                    \
			   .reason = "cut",                                                        \
			   .version = 27000,                                                       \
			   .signatures = 3,                                                        \
			   .built = 1700000000,                                                    \
			   .origin = DEFINITION_ORIGIN_OFFICIAL,                                   \
			   .database = "daily",                                                    \
			   .promised = 2000000,                                                    \
			   .signing = DEFINITION_SIGNING_HEADER}},                                 \
	}

#define KEPT_GENERATIONS                                                                           \
	{                                                                                          \
		.root = BYTES("/srv/\xffstore"), .in_charge = true, .active = 12, .last_good = 11, \
		.probation_left_ms = 899999, .candidate = "an import: trial",                      \
		.store_bytes = 1ull << 33, .n_generations = 2,                                     \
		.generations = {{.number = 12,                                                     \
				 .is_active = true,                                                \
				 .digest = SAMPLE_DIGEST,                                          \
				 .signatures = 9000000,                                            \
				 .built = 1700000000,                                              \
				 .bytes = 1u << 28,                                                \
				 .n_databases = 2,                                                 \
				 .databases = {{"daily", 27000}, {"main", 62}}},                   \
				{.number = 11,                                                     \
				 .is_good = true,                                                  \
				 .is_bad = true,                                                   \
				 .digest = SAMPLE_DIGEST}},                                        \
		.n_rejected = 1,                                                                   \
		.rejected = {{.digest = SAMPLE_DIGEST,                                             \
			      .utc_ms = 1700000000123,                                             \
			      .reason = "the trial died of it"}},                                  \
		.age_state = DEFINITION_AGE_OLD, .age_limit_s = 259200, .updates_on = true,        \
		.last_check_ms = 1, .next_check_ms = 2, .last_outcome = UPDATE_STALLED,            \
		.last_reason = "the mirror stopped answering"                                      \
	}

#define REJECTED_UPDATE                                                                            \
	{                                                                                          \
		.outcome = UPDATE_UPDATED, .is_rejected = true,                                    \
		.reason = "a database is older than the one before", .generation = 9,              \
		.bytes = 1u << 30                                                                  \
	}

const struct reply *sample_replies(unsigned *ret_n)
{
	static struct event events[16];
	static struct reply samples[] = {
		{.kind = REPLY_HELLO, .hello = {.protocol = 1, .version = "0.1.0", .window = 64}},
		{.kind = REPLY_STATUS},
		{.kind = REPLY_SCAN_BEGUN, .scan_begun = {.scan = 4}},
		{.kind = REPLY_FILE_RESULT,
		 .file_result = {.file = 1,
				 .verdict = VERDICT_INFECTED,
				 .detail = "",
				 .n_threats = 1,
				 .threats = {"Eicar-Signature"},
				 .generation = 7,
				 .bytes = 68,
				 .us = 900}},
		{.kind = REPLY_FILE_RESULT,
		 .file_result = {.file = 2,
				 .verdict = VERDICT_FAILED,
				 .reason = SCAN_REASON_DIED,
				 .detail = "signal 11"}},
		{.kind = REPLY_FILE_RESULT,
		 .file_result = {.file = 3, .verdict = VERDICT_CLEAN, .detail = ""}},
		{.kind = REPLY_SCAN_SUMMARY, .scan_summary = SCAN_COUNTS},
		{.kind = REPLY_HISTORY, .history = {.events = events, .more = true}},
		{.kind = REPLY_HISTORY, .history = {.events = events}},
		{.kind = REPLY_REFUSAL,
		 .refusal = {.code = REFUSAL_TOO_MANY, .reason = "64 sessions already"}},
		{.kind = REPLY_FAULTS},
		{.kind = REPLY_FAULTS, .faults = {.n_faults = 2}},
		{.kind = REPLY_DONE, .done = {.text = "the daemon restarts in place"}},
		{.kind = REPLY_UNSCANNABLE,
		 .unscannable = {.n_files = COUNT(unscannable_samples),
				 .files = unscannable_samples,
				 .total = 7,
				 .more = true}},
		{.kind = REPLY_UNSCANNABLE},
		{.kind = REPLY_RECONNECT, .reconnect = {.reason = "fault 6"}},
		{.kind = REPLY_CHECK_VERDICT, .check_verdict = {.passed = true, .reason = ""}},
		{.kind = REPLY_CHECK_VERDICT, .check_verdict = REFUSED_SET},
		{.kind = REPLY_GENERATIONS, .generations = {.candidate = "", .last_reason = ""}},
		{.kind = REPLY_GENERATIONS, .generations = KEPT_GENERATIONS},
		{.kind = REPLY_UPDATE_VERDICT, .update_verdict = REJECTED_UPDATE},
		{.kind = REPLY_PROGRESS,
		 .progress = {.text = "daily from https://m.example", .done = 5, .total = 7}},
	};
	const struct event *all = sample_events(&samples[7].history.n_events);

	for (unsigned i = 0; i < samples[7].history.n_events; i++)
		events[i] = all[i];
	fill_status(&samples[1].status);
	samples[11].faults.faults[0] = sample_fault;
	samples[11].faults.faults[1] = (struct fault_state){
		.id = FAULT_SELINUX, .detail = "", .remedy = "", .reason = "not enforcing"};
	*ret_n = COUNT(samples);
	return samples;
}
