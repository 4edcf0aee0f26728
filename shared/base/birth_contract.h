/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * birth_contract: what a newborn scan service is given, and by when it must speak. Owns the numbers that both sides of
 * the exec must agree on; ampdaemon/spawn.c gives, ampscansvc/main.c takes.
 *
 * A scan service is born as root with the daemon's capabilities in a pid namespace of its own (where the kernel has
 * them), with an empty environment, descriptors 0 to 2 on /dev/null and exactly those below. It must build its walls
 * before it reads anything but ServiceStart. It ends itself at end-of-file on the service channel.
 */
#ifndef AMP_SHARED_BASE_BIRTH_CONTRACT_H
#define AMP_SHARED_BASE_BIRTH_CONTRACT_H

#define AMP_PROTOCOL_VERSION 1

enum birth_fd {
	BIRTH_FD_CHANNEL = 3, /* SOCK_SEQPACKET, the service channel */
	BIRTH_FD_BUILTIN =
		4, /* directory of the built-in definitions: canary.ndb is always loaded */
	BIRTH_FD_DEFINITIONS =
		5, /* directory to load; /dev/null when ServiceStart.has_definitions is false */
	BIRTH_FD_LAST_WORDS =
		6, /* memory of BIRTH_WORKER_SLOTS pages (base/last_words.h), or /dev/null */
};

#define BIRTH_HELLO_LIMIT_MS 15000 /* from the spawn to ServiceHello */
#define BIRTH_PROGRESS_LIMIT_MS                                                                    \
	60000 /* between two heartbeats of the load: one huge file compiles for seconds */
#define BIRTH_LOAD_LIMIT_MS 600000  /* from ServiceHello to ServiceReady */
#define BIRTH_WORKER_LIMIT_MS 30000 /* from SpawnWorker to WorkerHello: fork, walls, canaries */

/* Workers that can live at once, the retiring ones included: each has a temporary storage mounted before the rights
 * to mount are given away. */
#define BIRTH_WORKER_SLOTS 24

#define LOAD_PHASE_LIST(X)                                                                         \
	X(LOAD_PHASE_VERIFY, "verify")                                                             \
	X(LOAD_PHASE_LOAD, "load")                                                                 \
	X(LOAD_PHASE_COMPILE, "compile")                                                           \
	X(LOAD_PHASE_SETTLE, "settle") /* huge pages */                                            \
	X(LOAD_PHASE_PROVE, "prove")   /* canary, in a child */

/* Why a worker ends itself (WorkerNotice.reason). */
#define WORKER_REASON_LIST(X)                                                                      \
	X(WORKER_REASON_NONE, "none")                                                              \
	X(WORKER_REASON_CANARY, "canary not found")                                                \
	X(WORKER_REASON_TEMP, "temporary storage unusable")                                        \
	X(WORKER_REASON_WALL, "a wall is down")                                                    \
	X(WORKER_REASON_RESOURCE, "memory or descriptors ran out")

#include "base/name_table.h"

enum load_phase { LOAD_PHASE_LIST(NAME_TABLE_MEMBER) LOAD_PHASE_COUNT };
enum worker_reason { WORKER_REASON_LIST(NAME_TABLE_MEMBER) WORKER_REASON_COUNT };

const char *load_phase_name(unsigned phase);
const char *worker_reason_name(unsigned reason);

#endif
