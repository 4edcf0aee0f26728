/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lives: the states that the scan service and its workers go through, and how workers end. Owns the
 * lists: the daemon's cores decide with them, the status and the journal carry their numbers, ampcli
 * shows their names. Append only.
 */
#ifndef AMP_SHARED_BASE_LIVES_H
#define AMP_SHARED_BASE_LIVES_H

#include <stdbool.h>

#include "base/name_table.h"

#define SERVICE_STATE_LIST(X)                                                                      \
	X(SERVICE_DOWN, "down")         /* not wanted, not there */                                \
	X(SERVICE_STARTING, "starting") /* spawned; hello is awaited */                            \
	X(SERVICE_LOADING, "loading")   /* walls stand; heartbeats, then ready */                  \
	X(SERVICE_UP, "up")                                                                        \
	X(SERVICE_KILLED, "killed")     /* its end is awaited; then a new start */                 \
	X(SERVICE_WAITING, "waiting")   /* back-off before the next start */                       \
	X(SERVICE_STOPPING, "stopping") /* channel closed; its end is awaited; then DOWN */

enum service_state { SERVICE_STATE_LIST(NAME_TABLE_MEMBER) SERVICE_STATE_COUNT };

#define WORKER_STATE_LIST(X)                                                                       \
	X(WORKER_ABSENT, "absent")     /* the place is free */                                     \
	X(WORKER_ORDERED, "ordered")   /* asked for; must be ready within a limit */               \
	X(WORKER_SPARE, "spare")       /* ready, holds nothing */                                  \
	X(WORKER_BUSY, "busy")         /* holds jobs */                                            \
	X(WORKER_RETIRING, "retiring") /* gets no more jobs; ends when it is empty */              \
	X(WORKER_KILLED, "killed")     /* its end is awaited */

enum worker_state { WORKER_STATE_LIST(NAME_TABLE_MEMBER) WORKER_STATE_COUNT };

/* How a worker ended: member, name, is something wrong, does it charge the job in hand. */
#define DEATH_CAUSE_LIST(X)                                                                        \
	X(DEATH_REQUESTED, "was told to end", false, false)                                        \
	X(DEATH_NOTICE, "ended itself", true, false) /* canary, temporary storage */               \
	X(DEATH_NOT_READY, "did not become ready", true, false)                                    \
	X(DEATH_SERVICE, "ended with the scan service", false, false)                              \
	X(DEATH_CRASH, "died", true, true) /* end-of-file without a word */                        \
	X(DEATH_DEADLINE, "missed its deadline", true, true)                                       \
	X(DEATH_VIOLATION, "broke the protocol", true, true)

enum death_cause { DEATH_CAUSE_LIST(NAME_TABLE_MEMBER) DEATH_CAUSE_COUNT };

/* What a failure says about its cause; decides who pays for it (ampdaemon/core/restart_ledger.h). */
#define FAILURE_CLASS_LIST(X)                                                                      \
	X(FAILURE_NONE, "requested")            /* told to end, or ended with its service */       \
	X(FAILURE_BEFORE_READY, "before ready") /* never worked */                                 \
	X(FAILURE_BY_INPUT, "by input")         /* a job was in hand */                            \
	X(FAILURE_UNEXPLAINED, "unexplained")   /* worked, had no job in hand */

enum failure_class { FAILURE_CLASS_LIST(NAME_TABLE_MEMBER) FAILURE_CLASS_COUNT };

/* Where a worker was, by its own last words (base/last_words.h): hearsay, for people. */
#define SCAN_PHASE_LIST(X)                                                                         \
	X(SCAN_PHASE_UNKNOWN, "not known")                                                         \
	X(SCAN_PHASE_BIRTH, "building its walls")                                                  \
	X(SCAN_PHASE_CANARY, "scanning its canaries")                                              \
	X(SCAN_PHASE_IDLE, "waiting for work")                                                     \
	X(SCAN_PHASE_PREPARE, "preparing a scan")                                                  \
	X(SCAN_PHASE_SCAN, "scanning")                                                             \
	X(SCAN_PHASE_CHECK, "checking after a scan")                                               \
	X(SCAN_PHASE_ANSWER, "answering")

enum scan_phase { SCAN_PHASE_LIST(NAME_TABLE_MEMBER) SCAN_PHASE_COUNT };

const char *failure_class_name(unsigned failure);
const char *scan_phase_name(unsigned phase);

/* The class of a worker's end by its cause and by whether a job was in hand. */
enum failure_class failure_class_of(unsigned cause, bool has_job);

const char *service_state_name(unsigned state);
const char *worker_state_name(unsigned state);
const char *death_cause_name(unsigned cause);

bool death_cause_is_failure(unsigned cause);
bool death_cause_charges(unsigned cause);

#endif
