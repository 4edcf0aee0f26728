/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_desk: jobs with their files. Takes an open file from whoever wants it scanned, gives it to the worker that the
 * dispatcher names, and gives the answer back, once.
 *
 * Owns: each file from desk_submit() to its answer (descriptor and path), the dispatcher, the link to the workers and the
 * timer of their deadlines. Must not own sessions or scans: a client of the desk is a `desk_client` with a number.
 * Hand-over: desk_submit() takes the descriptor whatever it returns.
 */
#ifndef AMP_AMPDAEMON_SCAN_DESK_H
#define AMP_AMPDAEMON_SCAN_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/core/unscannable.h"
#include "ampdaemon/scan_link.h"
#include "base/span.h"
#include "wire/control_codec.h"

#define DESK_JOBS                                                                                  \
	4096 /* files in the book: their descriptors, with DESK_PATH_BYTES, are the bound */
#define DESK_PATH_BYTES (16u << 20) /* of all paths in the book */
#define DESK_QUEUE_MS 3600000       /* longest wait of a job in the queue */
#define DESK_OUTAGE_MS 30000        /* how long jobs wait for a scan service that is away */

struct scan_desk;

struct desk_callbacks {
	/* The answer to file `result->file` of `client`. `path` is valid during the call. */
	void (*on_result)(void *context, uint64_t client, struct span path,
			  const struct file_result *result);
	/* There may be room again for those who were told there is none. */
	void (*on_room)(void *context);
	/* The book is empty; called after desk_drain() only. */
	void (*on_idle)(void *context);
	/* An outgoing service has no workers any more. */
	void (*on_drained)(void *context, uint64_t incarnation);
	void (*on_certificate)(void *context, const struct death_certificate *certificate);
	/* A job ended with an answer or without one: does that count as a scan that succeeded? Not called for jobs that were cancelled
	 * or refused. */
	void (*on_scanned)(void *context, bool succeeded);
};

struct desk_file {
	uint64_t client;
	uint64_t file; /* the client's number of it */
	uint32_t uid;
	enum priority priority;
	uint64_t bytes;
	struct span path; /* copied */
	int fd;           /* taken */
};

/* What a desk is made with; the parts stay the caller's. */
struct desk_origin {
	const struct configuration *configuration;
	struct supervisor *supervisor;
	struct journal *journal;
	uint32_t first_serial; /* core/dispatcher.h; 0 and 1 but after a restart in place */
	uint64_t first_worker;
};

struct scan_desk *desk_new(uv_loop_t *loop, const struct desk_origin *origin,
			   const struct desk_callbacks *callbacks, void *context);
struct scan_desk *desk_free(struct scan_desk *desk);

/* May `uid` submit another file now? */
bool desk_has_room(const struct scan_desk *desk, uint32_t uid);

/* 0: on_result comes, once (not from within this call), unless desk_cancel() comes first. -EAGAIN: no room; -ENOMEM. */
int desk_submit(struct scan_desk *desk, const struct desk_file *file);

/* No answers for `client` any more. */
void desk_cancel(struct scan_desk *desk, uint64_t client);

/* Stops taking files; what runs may finish until `deadline`, then everything is answered. on_idle follows. */
void desk_drain(struct scan_desk *desk, mono_ms deadline);

/* From the supervisor. */
void desk_service_up(struct scan_desk *desk, uint64_t incarnation, uint64_t generation);
void desk_service_standby(struct scan_desk *desk, uint64_t incarnation, uint64_t generation);
void desk_service_lost(struct scan_desk *desk, uint64_t incarnation);
void desk_worker_exited(struct scan_desk *desk, uint64_t worker, uint32_t status);

/* Files that are not scanned, see core/unscannable.h. The desk keeps them in the journal under "unscannable/NNNN". */
const struct unscannable *desk_unscannable(const struct scan_desk *desk);

/* Restart in place, first step: all clients were cancelled; their files are given to late_close, workers go on. It may still be called off. */
void desk_let_go(struct scan_desk *desk);

/* Strangers' files with threads of ours (digest_desk.h), and how many of them hang. */
unsigned desk_files_read(const struct scan_desk *desk, unsigned *ret_stuck);

/* Restart in place, last step. Hand over: all workers of `incarnation`; what clients wait for is forgotten without an answer (they were told to
 * reconnect), their files are given to late_close; certificates and unscannable files that wait for more are filed as they are, in the
 * journal. After it only exec or desk_free() may follow. Adopt: before desk_service_up(); takes the descriptors whatever it returns. */
unsigned desk_hand_over(struct scan_desk *desk, uint64_t incarnation,
			struct worker_handover *workers, unsigned max);
int desk_adopt(struct scan_desk *desk, const struct worker_handover *worker);
void desk_adopt_counters(struct scan_desk *desk, const struct job_counters *counters);

const struct dispatcher *desk_dispatcher(const struct scan_desk *desk);
const struct scan_link *desk_link(const struct scan_desk *desk);

#endif
