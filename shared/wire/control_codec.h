/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control_codec: packets of proto/control.proto <-> plain structs. Contract of decoders and encoders: wire/scan_codec.h.
 * Paths and labels are bytes, not text: whoever shows them escapes them (base/text.h).
 */
#ifndef AMP_SHARED_WIRE_CONTROL_CODEC_H
#define AMP_SHARED_WIRE_CONTROL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"
#include "base/lives.h"
#include "base/span.h"
#include "base/verdict.h"
#include "wire/arena.h"
#include "wire/event_codec.h"
#include "wire/scan_codec.h"

#define CONTROL_PROTOCOL_VERSION 1

#define REFUSAL_LIST(X)                                                                            \
	X(REFUSAL_NONE, "none")                                                                    \
	X(REFUSAL_PROTOCOL, "protocol version")                                                    \
	X(REFUSAL_NOT_PERMITTED, "not permitted")                                                  \
	X(REFUSAL_TOO_MANY, "too many sessions")                                                   \
	X(REFUSAL_STATE, "not possible now")                                                       \
	X(REFUSAL_UNAVAILABLE, "not available")

enum refusal_code { REFUSAL_LIST(NAME_TABLE_MEMBER) REFUSAL_COUNT };

const char *refusal_name(unsigned code);

enum request_kind {
	REQUEST_HELLO = 1,
	REQUEST_STATUS = 2,
	REQUEST_SCAN_BEGIN = 3,
	REQUEST_SCAN_FILE = 4,
	REQUEST_SCAN_END = 5,
	REQUEST_HISTORY = 6,
	REQUEST_FAULTS = 7,
	REQUEST_RESTART = 8,
	REQUEST_RECHECK = 9,
	REQUEST_UNSCANNABLE = 10,
	REQUEST_CHECK_BEGIN = 11,
	REQUEST_CHECK_FILE = 12,
	REQUEST_CHECK_END = 13,
	REQUEST_GENERATIONS = 14,
	REQUEST_ROLLBACK = 15,
	REQUEST_UPDATE = 16,
};

struct history_request {
	uint64_t before; /* sequence; 0: from the newest */
	uint32_t limit;  /* 1 to LIMIT_HISTORY_ROWS */
	uint32_t type;   /* 0: all */
	uint64_t since_ms;
};

struct request {
	enum request_kind kind;
	union {
		struct {
			uint32_t protocol;
		} hello;
		struct {
			struct span label;
			uint64_t continues; /* 0: a new scan */
		} scan_begin;
		struct {
			uint64_t file;
			struct span path;
		} scan_file;
		struct {
			uint64_t not_scanned;
			bool stopped;
		} scan_end;
		struct history_request history;
		struct {
			uint32_t id; /* 0: all active ones */
		} faults;
		struct {
			uint32_t from, limit; /* limit 1 to LIMIT_HISTORY_ROWS */
		} unscannable;
		struct {
			bool is_import, is_forced;
		} check_begin;
		struct {
			const char *name;
			bool custom;
		} check_file;
		struct {
			uint64_t generation; /* 0: the one before */
		} rollback;
	};
};

enum reply_kind {
	REPLY_HELLO = 1,
	REPLY_STATUS = 2,
	REPLY_SCAN_BEGUN = 3,
	REPLY_FILE_RESULT = 4,
	REPLY_SCAN_SUMMARY = 5,
	REPLY_HISTORY = 6,
	REPLY_REFUSAL = 7,
	REPLY_FAULTS = 8,
	REPLY_DONE = 9,
	REPLY_UNSCANNABLE = 10,
	REPLY_RECONNECT = 11,
	REPLY_CHECK_VERDICT = 12,
	REPLY_GENERATIONS = 13,
	REPLY_UPDATE_VERDICT = 14,
	REPLY_PROGRESS = 15,
};

struct worker_report {
	uint64_t worker;
	uint32_t pid;
	uint32_t state; /* enum worker_state */
	uint64_t jobs;
	uint64_t private_kb;
};

/* One fault, active or not. `id` is in the list of base/fault.h. */
struct fault_state {
	uint32_t id;
	bool active;
	uint32_t severity; /* enum fault_severity */
	uint64_t raised_ms, seen_ms, cleared_ms, count;
	const char *detail, *remedy, *reason;
};

struct unscannable_report {
	struct span path;   /* at most LIMIT_SHOWN_PATH_BYTES */
	struct span digest; /* LIMIT_DIGEST_BYTES or none */
	uint64_t device, inode, bytes, since_ms, generation, spared;
	uint32_t cause; /* enum death_cause */
};

struct status_report {
	const char *version;
	uint32_t pid;
	uint64_t uptime_ms;
	uint32_t service_state; /* enum service_state */
	uint32_t service_pid, service_uid;
	const char *service_user;
	uint32_t service_starts, worker_failures;
	const char *service_reason;
	const char *engine;
	uint64_t incarnation;
	unsigned n_workers;
	struct worker_report workers[LIMIT_WORKERS];
	unsigned n_walls;
	struct wall_report walls[WALL_COUNT];
	uint64_t generation;
	bool builtin;
	uint64_t signatures, definitions_built;
	uint32_t load_ms;
	uint64_t engine_bytes, engine_huge_bytes;
	unsigned n_files;
	struct definition_file files[LIMIT_DEFINITION_FILES];
	uint32_t queued, in_flight, scans, sessions;
	uint64_t verdicts[VERDICT_COUNT];
	uint64_t last_scan_ms;
	uint64_t journal_sequence;
	uint32_t journal_waiting;
	uint64_t journal_lost;
	const char *journal_error;
	uint64_t log_dropped;
	unsigned n_notices;
	const char *notices[LIMIT_NOTICES];
	uint64_t violations;
	unsigned n_faults;
	struct fault_state faults
		[LIMIT_FAULTS]; /* active; the codec cuts their details to LIMIT_REASON_BYTES */
	uint32_t failures_window;
	uint64_t failures[FAILURE_CLASS_COUNT];
	uint32_t connector_restarts, service_replacements;
	bool standby_wanted, standby_ready;
	uint32_t standby_pid;
	uint32_t unscannable;
	uint32_t age_state; /* enum definition_age */
	uint64_t age_limit_s;
};

struct file_result {
	uint64_t file;
	enum verdict verdict;
	enum scan_reason reason;
	const char *detail;
	unsigned n_threats;
	const char *threats[LIMIT_THREATS];
	uint64_t generation, bytes;
	uint32_t us;
};

struct history_page {
	unsigned n_events;
	struct event *events; /* in the arena; or the caller's, when encoding */
	bool more;
};

/* Of definitions that were tried. */
struct check_verdict {
	bool passed;
	const char *reason;
	uint64_t signatures, engine_bytes;
	uint32_t load_ms;
	unsigned n_files;
	struct definition_file files[LIMIT_DEFINITION_FILES];
	uint64_t generation; /* that serves now because of it; 0: none */
};

struct generation_database {
	const char *name;
	uint32_t version;
};

struct generation_report {
	uint64_t number;
	bool is_active, is_good, is_bad;
	struct span digest;         /* LIMIT_DIGEST_BYTES, of its manifest */
	uint64_t signatures, built; /* 0: not known */
	uint64_t bytes;
	unsigned n_databases;
	struct generation_database databases[LIMIT_DEFINITION_FILES];
};

struct rejected_report {
	struct span digest; /* LIMIT_DIGEST_BYTES */
	uint64_t utc_ms;
	const char *reason;
};

/* What there is of definitions beside those that serve. */
struct generations_report {
	struct span root; /* of the store, a path; empty: there is none */
	bool in_charge;   /* false: the configuration says what is loaded */
	uint64_t active, last_good;
	uint64_t probation_left_ms; /* 0: there is none */
	const char *candidate;      /* what is under way; "" */
	uint64_t store_bytes;
	unsigned n_generations;
	struct generation_report generations[LIMIT_GENERATIONS];
	unsigned n_rejected;
	struct rejected_report rejected[LIMIT_REJECTED_SHOWN];
	uint32_t age_state; /* enum definition_age */
	uint64_t age_limit_s;
	bool updates_on;
	uint64_t last_check_ms, next_check_ms; /* UTC; 0: none */
	uint32_t last_outcome;                 /* enum update_outcome */
	const char *last_reason;
};

struct update_verdict {
	uint32_t outcome; /* enum update_outcome */
	bool is_rejected; /* what was downloaded did not pass */
	const char *reason;
	uint64_t generation; /* that serves now because of it; 0: none */
	uint64_t bytes;
};

struct reply {
	enum reply_kind kind;
	union {
		struct {
			uint32_t protocol;
			const char *version;
			uint32_t window;
		} hello;
		struct status_report status;
		struct {
			uint64_t scan;
		} scan_begun;
		struct file_result file_result;
		struct scan_counts scan_summary;
		struct history_page history;
		struct {
			enum refusal_code code;
			const char *reason;
		} refusal;
		struct {
			unsigned n_faults;
			struct fault_state faults[LIMIT_FAULTS];
		} faults;
		struct {
			const char *text;
		} done;
		struct {
			unsigned n_files;
			struct unscannable_report
				*files; /* in the arena; or the caller's, when encoding */
			uint32_t total;
			bool more;
		} unscannable;
		struct {
			const char *reason;
		} reconnect;
		struct check_verdict check_verdict;
		struct generations_report generations;
		struct update_verdict update_verdict;
		struct {
			const char *text;
			uint64_t done, total; /* bytes; total 0: not known */
		} progress;
	};
};

ssize_t request_encode(const struct request *request, void *packet, size_t size);
int request_decode(struct wire_arena *arena, const void *packet, size_t len,
		   struct request *ret_request, const char **ret_why);

ssize_t reply_encode(const struct reply *reply, void *packet, size_t size);
int reply_decode(struct wire_arena *arena, const void *packet, size_t len, struct reply *ret_reply,
		 const char **ret_why);

#endif
