/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile_peer: what the lying service and its lying workers share: who they are, the plan, one packet under construction
 * and what can be done to any packet.
 *
 * Owns: `self`, `outer` (the packet), `inner` (its body), the plan file's reading. Must not own: a protocol.
 */
#ifndef AMP_TESTS_SUPPORT_HOSTILE_PEER_H
#define AMP_TESTS_SUPPORT_HOSTILE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "raw_message.h"

struct hostile_self {
	int channel; /* of this process: the service's or the worker's */
	int directory;
	uint64_t incarnation, worker, job, last_ping;
	uint32_t uid, gid, protocol;
};

extern struct hostile_self self;
extern struct raw outer, inner; /* too large for a stack */

typedef void behaviour(void);
struct entry {
	const char *word;
	behaviour *act;
};

/* Does what the plan says when the word is in `table`. */
bool hostile_act(const struct entry *table);

/* "birth-cut" and the like: does to `outer`, which holds an honest packet, what stands behind `prefix`. */
bool hostile_act_on_packet(const char *prefix);

void hostile_plan(char plan[64]);
void hostile_send(
	unsigned
		n_fds); /* `outer`, with so many descriptors; ends the process when it is put out */
void hostile_rest(void);
void hostile_sleep_ms(long ms);

_Noreturn void hostile_worker_run(void);

#endif
