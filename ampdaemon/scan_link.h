/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_link: the job channels, one per worker. Makes them, checks everything a worker says against rules, incarnation and
 * worker number, kills by pidfd, and writes the obituary of each worker that failed.
 *
 * Owns: job channels, pidfds, what workers reported of themselves. Must not own jobs or decide anything: the dispatcher does,
 * the desk carries it out through this.
 */
#ifndef AMP_AMPDAEMON_SCAN_LINK_H
#define AMP_AMPDAEMON_SCAN_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/certificate.h"
#include "ampdaemon/core/dispatcher.h"
#include "ampdaemon/digest_desk.h"
#include "ampdaemon/handover.h"
#include "ampdaemon/supervisor.h"
#include "base/span.h"
#include "wire/scan_codec.h"

struct scan_link;

struct scan_link_callbacks {
	void (*on_ready)(void *context, uint64_t worker);
	/* Non-zero: the worker does not hold that job as its oldest; the link then ends the worker. */
	int (*on_result)(void *context, uint64_t worker, const struct scan_result *result);
	void (*on_gone)(void *context, uint64_t worker, enum death_cause cause);
	/* For the certificate, before on_gone: job and path in hand (valid until the next turn), the attempt it was, and its file
	 * (stays the desk's; -1: none). */
	struct span (*in_hand)(void *context, uint64_t worker, job_id *ret_job,
			       uint32_t *ret_attempt, int *ret_file);
	/* A worker that failed, once everything is known of it, 2 seconds after its end at the latest. */
	void (*on_certificate)(void *context, const struct death_certificate *certificate);
};

struct worker_facts {
	uint64_t worker;
	uint32_t pid;
	uint32_t canary_us;
	bool lacks_wall; /* a wall is not as the service reported it */
};

struct scan_link *scan_link_new(uv_loop_t *loop, struct supervisor *supervisor,
				struct digest_desk *digests,
				const struct scan_link_callbacks *callbacks, void *context);
struct scan_link *scan_link_free(struct scan_link *link);

/* Makes a channel and asks the service for the worker at its other end. When that fails, on_gone(NOT_READY) follows. */
void scan_link_order(struct scan_link *link, uint64_t worker, uint64_t incarnation);

/* 0; or -errno: the channel refused, on_gone follows. */
int scan_link_send(struct scan_link *link, uint64_t worker, job_id job, int fd);

/* The job has ended without an answer: certificates of those that died of it need not wait for its next worker. */
void scan_link_settled(struct scan_link *link, job_id job);

void scan_link_kill(struct scan_link *link, uint64_t worker, enum death_cause cause);

/* Ends a worker that holds no job. on_gone(DEATH_REQUESTED) follows. */
void scan_link_retire(struct scan_link *link, uint64_t worker);

/* The service is gone and all its workers with it. No on_gone comes for them. */
void scan_link_forget(struct scan_link *link, uint64_t incarnation);
void scan_link_forget_all(struct scan_link *link);

/* Restart in place: workers of `incarnation` that said hello, are not being ended and have read all that was sent; `owed` and
 * `answered` are the desk's to fill. Their descriptors are the caller's now; all other workers are killed and let go, certificates that
 * wait for more are handed on as they are. After this only exec or scan_link_free() may follow. */
unsigned scan_link_hand_over(struct scan_link *link, uint64_t incarnation,
			     struct worker_handover *workers, unsigned max);

/* Takes both descriptors whatever it returns. */
int scan_link_adopt(struct scan_link *link, const struct worker_handover *worker);

/* From the supervisor: hearsay about a worker's end, for the obituary. */
void scan_link_note_exit(struct scan_link *link, uint64_t worker, uint32_t status);

unsigned scan_link_facts(const struct scan_link *link, struct worker_facts *facts, unsigned max);
uint64_t scan_link_violations(const struct scan_link *link);

#endif
