/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handover_codec: records of proto/handover.proto <-> plain structs, and their framing: what one image of the daemon leaves to the next.
 *
 * Owns the format and its version. Must not own descriptors (they are numbers here), files, the order of what is taken over.
 * Contract of decoders and encoders: wire/scan_codec.h, but for one thing: unknown fields are skipped, and an unknown record is
 * HANDOVER_OTHER. Writer and reader are two builds of one program; a field that an older reader does not know may be lost on it, and what
 * it must not misunderstand raises HANDOVER_VERSION. A head of a newer version is refused (-EPROTONOSUPPORT), of an older one read; what it
 * lacks has its default. All ceilings hold all the same: the state decides which descriptors and processes are taken for ours.
 */
#ifndef AMP_SHARED_WIRE_HANDOVER_CODEC_H
#define AMP_SHARED_WIRE_HANDOVER_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/job_counters.h"
#include "base/limits.h"
#include "base/lives.h"
#include "base/mono.h"
#include "base/span.h"
#include "base/verdict.h"
#include "wire/arena.h"
#include "wire/event_codec.h"
#include "wire/scan_codec.h"

#define HANDOVER_VERSION 1
#define HANDOVER_SCANS 2048  /* CONTROL_SESSIONS */
#define HANDOVER_FIRST_FD 64 /* LOW_FDS: no number below is handed over */
#define HANDOVER_LAST_FD (1 << 20)
#define HANDOVER_RUN_DIR_BYTES 4096
#define HANDOVER_FRAME_BYTES 4 /* before each record */

enum handover_kind {
	HANDOVER_OTHER = 0, /* of a later minor version: to be skipped */
	HANDOVER_HEAD = 1,
	HANDOVER_SERVICE = 2,
	HANDOVER_WORKER = 3,
	HANDOVER_SCAN = 4,
	HANDOVER_END = 5,
};

struct handover_head {
	uint32_t version; /* of the writer; the encoder writes its own */
	const char *program, *reason;
	struct span run_dir;
	int listening, pid_lock; /* -1: none */
	uint64_t incarnation, first_worker, last_scan;
	uint32_t first_serial;
	mono_ms started;
	uint64_t violations, last_scan_utc_ms;
	struct job_counters counters;
};

struct handover_service {
	uint64_t incarnation, pings;
	int64_t pid;
	int pidfd, channel;
	int last_words; /* -1: none */
	uint32_t uid, gid;
	bool as_root;
	uint32_t source; /* enum definition_source: the reader checks it */
	uint64_t generation;
	uint32_t starts;
	mono_ms up_since;
	uint8_t phase; /* of the session rules */
	uint32_t seen;
	const char *engine;
	unsigned n_walls;
	struct wall_report walls[WALL_COUNT];
	unsigned n_files;
	struct definition_file files[LIMIT_DEFINITION_FILES];
	struct service_ready ready;
};

struct worker_handover {
	uint64_t worker, incarnation, answered;
	int64_t pid;
	int pidfd, channel;
	uint32_t canary_us, owed;
	uint8_t phase;
	uint32_t seen;
};

struct scan_handover {
	struct scan_counts counts; /* label: points into the state */
	mono_ms began;
};

struct handover_record {
	enum handover_kind kind;
	union {
		struct handover_head head;
		struct handover_service service;
		struct worker_handover worker;
		struct scan_handover scan;
		struct {
			uint32_t workers, scans;
		} end;
	};
};

ssize_t handover_record_encode(const struct handover_record *record, void *packet, size_t size);
int handover_record_decode(struct wire_arena *arena, const void *packet, size_t len,
			   struct handover_record *ret_record, const char **ret_why);

/* Writes the length of a record of `len` bytes. */
void handover_frame_put(uint8_t frame[HANDOVER_FRAME_BYTES], size_t len);

/* The record at *offset of a state; *offset moves behind it. 0, -ENODATA at its end, -EBADMSG when it is cut or too long. */
int handover_frame_next(struct span state, size_t *offset, struct span *ret_record);

#endif
