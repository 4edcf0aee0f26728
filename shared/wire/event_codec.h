/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event_codec: one journal event <-> bytes of proto/event.proto. The journal stores these bytes, the control socket
 * carries them. Contract of decoders and encoders: wire/scan_codec.h.
 */
#ifndef AMP_SHARED_WIRE_EVENT_CODEC_H
#define AMP_SHARED_WIRE_EVENT_CODEC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/event_type.h"
#include "base/limits.h"
#include "base/span.h"
#include "wire/arena.h"

enum event_body {
	EVENT_BODY_CONNECTOR = 4,
	EVENT_BODY_SCAN = 5,
	EVENT_BODY_THREAT = 6,
	EVENT_BODY_WORKER = 7,
	EVENT_BODY_SERVICE = 8,
	EVENT_BODY_LOST = 9,
	EVENT_BODY_FAULT = 10,
	EVENT_BODY_UNSCANNABLE = 11,
	EVENT_BODY_DEFINITIONS = 12,
};

struct scan_counts {
	uint64_t scan;
	uint32_t uid, pid;
	struct span label;
	uint64_t files, clean, infected, incomplete, error, failed, not_scanned, bytes, ms;
};

struct event {
	uint64_t sequence; /* 0: not in the journal yet */
	uint64_t utc_ms;
	uint32_t type; /* enum event_type */
	enum event_body body;
	union {
		struct {
			const char *version;
			uint32_t pid;
			const char *reason;
		} connector;
		struct scan_counts scan;
		struct {
			uint64_t scan;
			struct span path;
			unsigned n_threats;
			const char *threats[LIMIT_THREATS];
			uint64_t generation, bytes;
		} threat;
		struct {
			uint64_t worker;
			uint32_t pid;
			uint32_t cause; /* enum death_cause */
			uint32_t status;
			struct span path;
			uint32_t attempt;
			const char *detail;
			uint64_t handover_us; /* 0: nothing was handed over yet */
			uint64_t job;
			uint32_t phase;     /* enum scan_phase */
			struct span digest; /* LIMIT_DIGEST_BYTES or none */
		} worker;
		struct {
			uint64_t incarnation;
			uint32_t pid, status;
			const char *reason;
			uint64_t signatures;
		} service;
		struct {
			uint64_t events;
			const char *reason;
		} lost;
		struct {
			uint32_t id;       /* enum fault_id; 0: all are cleared */
			uint32_t severity; /* enum fault_severity */
			const char *detail, *remedy, *reason;
			uint64_t count;
		} fault;
		struct {
			struct span path;
			struct span digest; /* LIMIT_DIGEST_BYTES or none */
			uint64_t bytes;
			uint32_t attempts;
			uint32_t cause; /* enum death_cause */
			uint64_t generation;
		} unscannable;
		struct {
			uint64_t generation, former;
			const char *origin, *reason;
			struct span digest; /* LIMIT_DIGEST_BYTES or none */
			uint64_t signatures, built;
		} definitions;
	};
};

ssize_t event_encode(const struct event *event, void *bytes, size_t size);
int event_decode(struct wire_arena *arena, const void *bytes, size_t len, struct event *ret_event,
		 const char **ret_why);

/* The same, keeping what the arena already holds: for a page of events. An arena that is full refuses. */
int event_decode_more(struct wire_arena *arena, const void *bytes, size_t len,
		      struct event *ret_event, const char **ret_why);

#endif
