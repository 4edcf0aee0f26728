/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handover: what one image of the daemon leaves to the next across exec (restart in place, upgrade): descriptors by number and a state
 * in a sealed memfd (wire/handover_codec). An image that cannot read it starts clean: the old service ends by end-of-file, clients
 * reconnect.
 *
 * Owns the exec itself: which image, which descriptors stay, that nothing can hang on the way. Must not own what the parts hand over:
 * each fills and takes its own.
 * What is handed over: the listening socket, the lock of the pid file, the heartbeat to the overseer, the serving scan service with its
 * channel, its workers with theirs and how many answers each owes, counters and numbers, the scans under way (by number and user, so that
 * a client that comes back goes on with its scan). Not handed over: sessions and jobs: clients are told to reconnect and send again
 * what was not answered.
 *
 * Leaving:  handover_prepare(): is it possible? (cheap when the same file runs on; blocks up to HANDOVER_CHECK_MS for another one)
 *           then, from the caller: control_server_hand_over(), supervisor_hand_over(), desk_hand_over(), the journal has ended
 *           handover_exec(): does not come back but with -errno. -EBUSY: a file of a stranger hangs in its close; nothing has changed, the
 *           caller may try again later (the scan service works on meanwhile). Anything else: the process cannot go on and should end.
 * Arriving: low_fds_reserve(), handover_receive(), then the log and the rest; handover_reap() on a timer; handover_is_done() once signals
 *           are caught.
 */
#ifndef AMP_AMPDAEMON_HANDOVER_H
#define AMP_AMPDAEMON_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ampdaemon/core/cure_plan.h"
#include "ampdaemon/handover_image.h"
#include "ampdaemon/service_report.h"
#include "wire/handover_codec.h"

#define HANDOVER_CLOSE_MS 1000 /* what late_close still holds may take so long */
#define HANDOVER_ASK_MS                                                                            \
	200 /* the same, before anything is given up: closes that do not hang are done by then */

struct service_handover {
	uint64_t incarnation, pings;
	int64_t pid;
	int pidfd, channel;
	int last_words; /* memfd, or -1 */
	uint32_t uid, gid;
	bool as_root;
	enum definition_source source;
	uint64_t generation;
	uint32_t starts;
	mono_ms up_since;
	uint8_t phase; /* of the session rules */
	uint32_t seen;
	struct service_report report;
};

/* Large: not for the stack. When leaving, descriptors may have any number. */
struct handover {
	struct handover_head head; /* version and program are filled in by handover_exec() */
	bool has_service;
	struct service_handover service;
	unsigned n_workers;
	struct worker_handover workers[LIMIT_WORKERS];
	unsigned n_scans;
	struct scan_handover
		scans[HANDOVER_SCANS]; /* arriving: labels are the state's, see handover_drop() */

	/* Arriving: storage of the head's texts. */
	char program[LIMIT_NAME_BYTES + 1], reason[LIMIT_REASON_BYTES + 1];
	char run_dir[HANDOVER_RUN_DIR_BYTES + 1];
};

/* In main(), first: remembers how the program was started, so that the next image is started the same way. */
void handover_remember(char **arguments);

/* ---- leaving ---- */

/* Opens and judges the image to go on with: the file this process was started from as it is now on disk, or, when that is gone or not
 * trusted, the one that runs. One that is another file must first say that it can read `config` (a path) and our state. 0, or -errno with
 * a sentence in `ret_error`; -EBUSY: closes hang. After it handover_exec() or handover_abandon(). */
int handover_prepare(struct handover_image *image, const char *config, char *ret_error,
		     size_t size);
void handover_abandon(struct handover_image *image);

/* Everything of clients has been let go. Only what `handover` names stays open, and the heartbeat. */
int handover_exec(struct handover_image *image, struct handover *handover, char *ret_error,
		  size_t size);

/* ---- arriving ---- */

/* After low_fds_reserve(), before anything else is opened: whatever is open above and not wanted is closed. 1: `ret_handover` is filled, its
 * descriptors are close-on-exec and of the kind they should be; 0: an ordinary start; -errno with a sentence in `ret_error`: there was
 * a state and it cannot be used (newer, damaged, of another `run_dir`): an ordinary start too. Then only the heartbeat stays open. */
int handover_receive(const char *run_dir, struct handover *ret_handover, char *ret_error,
		     size_t size);

/* Closes a service and its workers that nobody took (all of them), forgets the labels of scans. */
void handover_close_service(struct handover *handover);
void handover_drop(struct handover *handover);

/* Ends the wait of the children that the image before this one left, other than `service_pid`, as far as they have ended. True when
 * none is left: no need to call it again. */
bool handover_reap(int64_t service_pid);

/* Signals that came meanwhile are delivered: after the handlers stand. Harmless at an ordinary start. */
void handover_is_done(void);

/* The pipe or socket to the overseer that this process was given in its environment, -1 when there is none. */
int handover_heartbeat(void);

#endif
