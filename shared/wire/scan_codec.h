/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_codec: packets of proto/scan.proto <-> plain structs. What a decoder accepts is whole and within every ceiling of
 * base/limits.h; text is printable ASCII with a NUL behind it.
 *
 * Decoders: 0, or -EBADMSG with a reason in *ret_why (static text). Pointers in the result point into `arena` (valid
 * until its next use) or into static memory. An unknown field, a missing body, a text with a control byte, a list that is
 * too long, an enum outside its range, a verdict that its reason contradicts: all are -EBADMSG.
 * Encoders: the length, or -EMSGSIZE. Texts are cut to their ceiling, bytes outside printable ASCII become '?'.
 */
#ifndef AMP_SHARED_WIRE_SCAN_CODEC_H
#define AMP_SHARED_WIRE_SCAN_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/birth_contract.h"
#include "base/definition.h"
#include "base/limits.h"
#include "base/span.h"
#include "base/verdict.h"
#include "base/walls.h"
#include "wire/arena.h"

struct wall_report {
	enum wall_id id;
	enum wall_state state;
	const char *detail;
};

struct definition_file {
	const char *name;
	bool accepted;
	const char *reason;
	uint32_t version;
	uint32_t signatures;
	uint64_t built; /* seconds since 1970, 0 unknown */
	enum definition_origin origin;
	const char *database; /* "" for a plain file */
	uint32_t promised;
	enum definition_signing signing;
};

/* Message numbers are the field numbers of the oneof in proto/scan.proto: session_rules speaks of them too. */
enum to_service_kind { TO_SERVICE_START = 1, TO_SERVICE_SPAWN = 2, TO_SERVICE_PING = 3 };

struct service_start {
	uint32_t protocol;
	uint64_t incarnation;
	uint64_t generation;
	uint32_t uid, gid;
	uint64_t temp_bytes, temp_inodes, memory_bytes;
	uint64_t max_file_bytes, max_scan_bytes;
	uint32_t max_files, max_recursion, max_scan_ms;
	uint32_t canary_every;
	bool has_definitions;
	bool is_generation, is_trial;
	struct span trust_anchors; /* PEM; checked for its length only */
};

struct to_service {
	enum to_service_kind kind;
	union {
		struct service_start start;
		uint64_t spawn_worker;
		uint64_t ping;
	};
};

enum from_service_kind {
	FROM_SERVICE_HELLO = 2,
	FROM_SERVICE_PROGRESS = 3,
	FROM_SERVICE_FILE = 4,
	FROM_SERVICE_READY = 5,
	FROM_SERVICE_FAILED = 6,
	FROM_SERVICE_SPAWNED = 7,
	FROM_SERVICE_EXITED = 8,
	FROM_SERVICE_LOG = 9,
	FROM_SERVICE_PONG = 10,
};

struct service_hello {
	uint32_t protocol;
	const char *engine;
	uint32_t uid, gid;
	unsigned n_walls; /* at most WALL_COUNT, each id at most once */
	struct wall_report walls[WALL_COUNT];
};

struct service_ready {
	uint64_t signatures;
	uint32_t load_ms;
	uint64_t memory_bytes, huge_bytes, built;
	uint32_t slots;
};

struct from_service {
	enum from_service_kind kind;
	uint64_t incarnation;
	union {
		struct service_hello hello;
		struct {
			enum load_phase phase;
			uint64_t done, total;
		} progress;
		struct definition_file file;
		struct service_ready ready;
		struct {
			uint32_t code;
			const char *reason;
		} failed;
		struct {
			uint64_t worker;
			uint32_t error;
			const char *reason;
		} spawned;
		struct {
			uint64_t worker;
			uint32_t status;
		} exited;
		struct {
			uint32_t level;   /* enum log_level */
			const char *text; /* printable ASCII */
		} log;
		uint64_t pong;
	};
};

struct scan_job {
	uint64_t job;
};

enum from_worker_kind { FROM_WORKER_HELLO = 3, FROM_WORKER_RESULT = 4, FROM_WORKER_NOTICE = 5 };

struct scan_result {
	uint64_t job;
	enum verdict verdict; /* plausible with reason and n_threats, see base/verdict.h */
	enum scan_reason reason;
	const char *detail;
	unsigned n_threats;
	const char *threats[LIMIT_THREATS];
	uint64_t bytes;
	uint32_t scan_us;
};

struct from_worker {
	enum from_worker_kind kind;
	uint64_t incarnation;
	uint64_t worker;
	union {
		struct {
			unsigned n_walls;
			struct wall_report walls[WALL_COUNT];
			uint32_t canaries, canary_us;
		} hello;
		struct scan_result result;
		struct {
			enum worker_reason reason;
			const char *detail;
		} notice;
	};
};

ssize_t to_service_encode(const struct to_service *message, void *packet, size_t size);
int to_service_decode(struct wire_arena *arena, const void *packet, size_t len,
		      struct to_service *ret_message, const char **ret_why);

ssize_t from_service_encode(const struct from_service *message, void *packet, size_t size);
int from_service_decode(struct wire_arena *arena, const void *packet, size_t len,
			struct from_service *ret_message, const char **ret_why);

ssize_t scan_job_encode(const struct scan_job *job, void *packet, size_t size);
int scan_job_decode(struct wire_arena *arena, const void *packet, size_t len,
		    struct scan_job *ret_job, const char **ret_why);

ssize_t from_worker_encode(const struct from_worker *message, void *packet, size_t size);
int from_worker_decode(struct wire_arena *arena, const void *packet, size_t len,
		       struct from_worker *ret_message, const char **ret_why);

#endif
