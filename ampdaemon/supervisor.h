/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervisor: the shell around core/service_machine: spawns the scan service, speaks on the service channel, kills and
 * buries. Everything that the service says is checked against session rules and incarnation; a lie ends it.
 *
 * Owns: the process, its pidfd, the service channel, what the service reported of itself. Must not own workers or jobs
 * (scan_link, scan_desk) nor decide (service_machine).
 */
#ifndef AMP_AMPDAEMON_SUPERVISOR_H
#define AMP_AMPDAEMON_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/service_machine.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/service_report.h"
#include "wire/scan_codec.h"

struct supervisor;

struct supervisor_callbacks {
	void (*on_up)(void *context, uint64_t incarnation);
	void (*on_lost)(void *context); /* it was up: its workers are gone or going */
	void (*on_worker_exited)(void *context, uint64_t worker, uint32_t status); /* hearsay */
	void (*on_worker_failed)(void *context, uint64_t worker,
				 const char *reason); /* could not be forked */
	void (*on_down)(void *context); /* DOWN was reached: after supervisor_stop() */
};

/* What is known of the service, for the status. Texts are valid until the next turn of the loop. */
struct service_view {
	enum service_state state;
	uint32_t pid, starts;
	uint32_t uid; /* of the process, as the kernel says; UINT32_MAX when it is not there */
	const char *user;
	bool as_root;       /* the account is missing */
	const char *reason; /* why it is not up; "" */
	uint64_t incarnation;
	const struct service_report *report;
	bool builtin;
	uint64_t generation;
	uint64_t violations;
};

struct supervisor *supervisor_new(uv_loop_t *loop, const struct configuration *configuration,
				  struct journal *journal,
				  const struct supervisor_callbacks *callbacks, void *context);
struct supervisor *supervisor_free(struct supervisor *supervisor);

void supervisor_start(struct supervisor *supervisor);

/* It is not wanted any more; on_down follows, within SERVICE_STOP_LIMIT_MS. */
void supervisor_stop(struct supervisor *supervisor);

/* Something is rotten in it that only a new one can cure: kills it; the machine starts the next. */
void supervisor_replace(struct supervisor *supervisor, const char *reason);

/* Asks for a worker whose job channel is `channel` (stays the caller's). 0 or -errno. */
int supervisor_spawn_worker(struct supervisor *supervisor, uint64_t worker, int channel);

/* Of the definitions that the present service has. */
uint64_t supervisor_generation(const struct supervisor *supervisor);

/* Of the present service; 0 when there is none. */
int64_t supervisor_pid(const struct supervisor *supervisor);

void supervisor_view(const struct supervisor *supervisor, struct service_view *ret_view);

#endif
