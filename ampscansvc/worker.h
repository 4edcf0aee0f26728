/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker: one process that scans. Born by fork() from the service's parent with the engine in its memory; puts up its own
 * walls, finds its canaries, says hello, and answers one result per job until the daemon closes the job channel.
 *
 * Owns the life of a job inside the worker. Hostile content is read from here on down, nowhere else. Ends itself with a
 * notice when it can no longer be believed (canary lost, temporary storage unusable).
 */
#ifndef AMP_AMPSCANSVC_WORKER_H
#define AMP_AMPSCANSVC_WORKER_H

#include <stdint.h>
#include <sys/types.h>

#include "ampscansvc/engine.h"
#include "ampscansvc/temp_slot.h"
#include "ampscansvc/walls.h"

struct worker_birth {
	struct engine *engine;
	const struct wall_book *walls; /* of the parent */
	struct temp_slot slot;
	uint64_t incarnation, worker;
	uint64_t vm_bytes;     /* ceiling of the address space, 0: none */
	uint32_t canary_every; /* jobs; 0: only at birth */
	pid_t parent;          /* as the parent sees itself */
	int channel;           /* job channel; the worker's */
};

/* In the child, right after fork(). Never returns. */
_Noreturn void worker_run(const struct worker_birth *birth);

/* In a child as well: walls and all canaries, no channel; exits with an exit_code. For the proof before ServiceReady. */
_Noreturn void worker_prove(const struct worker_birth *birth, int why_pipe);

#endif
