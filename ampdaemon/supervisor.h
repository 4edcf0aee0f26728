/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * supervisor: the scan service as a whole: up to two lives (service_life) in the roles that core/succession gives them, the plan of cure
 * (core/cure_plan) that says which definitions a birth gets and when that is fault 7, and the account (scan_account) with fault 5.
 *
 * Owns: the two lives and their incarnation numbers (one sequence), fault 7; through scan_site the account, the directories and fault 5.
 * Must not own workers or jobs (scan_link, scan_desk), failures in windows and fault 6 (incident_desk), nor decide (the cores).
 * Callbacks may call back into the supervisor: what that changes is done after they return.
 */
#ifndef AMP_AMPDAEMON_SUPERVISOR_H
#define AMP_AMPDAEMON_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/certificate.h"
#include "ampdaemon/configuration.h"
#include "ampdaemon/core/service_machine.h"
#include "ampdaemon/fault_desk.h"
#include "ampdaemon/handover.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/scan_site.h"
#include "ampdaemon/service_report.h"
#include "wire/scan_codec.h"

struct supervisor;

struct supervisor_callbacks {
	/* This service serves from now on; workers of another one are outgoing. */
	void (*on_up)(void *context, uint64_t incarnation, uint64_t generation);
	/* This one is ready beside it: a worker of it is kept. */
	void (*on_standby)(void *context, uint64_t incarnation, uint64_t generation);
	/* It was up, in whatever role: its workers are gone or going. */
	void (*on_lost)(void *context, uint64_t incarnation);
	void (*on_worker_exited)(void *context, uint64_t worker, uint32_t status); /* hearsay */
	void (*on_worker_failed)(void *context, uint64_t worker,
				 const char *reason); /* could not be forked */
	/* A service that had been ready ended without having been told to. Births that fail are not told: fault 7 has them. */
	void (*on_certificate)(void *context, const struct death_certificate *certificate);
	/* This generation of the definitions (0: the built-in set, or a directory of the configuration) serves. */
	void (*on_serves)(void *context, uint64_t generation, const struct service_report *report);
	/* The directory of a generation, the caller's from now on; -errno and a sentence. */
	int (*on_open)(void *context, uint64_t generation, char *ret_why);
	/* It has had all its births. `is_bad`: the set is the reason. */
	void (*on_aside)(void *context, uint64_t generation, bool is_bad, const char *why);
	/* The plan of cure asks for a restart of the connector. */
	void (*on_restart)(void *context, const char *reason);
	void (*on_down)(void *context); /* all is down: after supervisor_stop() */
};

/* What is known of the service, for the status: of the active life. Texts are valid until the next turn of the loop. */
struct service_view {
	enum service_state state;
	uint32_t pid, starts;
	uint32_t uid; /* of the process, as the kernel says; UINT32_MAX when it is not there */
	const char *user;
	bool as_root;       /* the account cannot be used */
	const char *reason; /* why it is not up; "" */
	uint64_t incarnation;
	const struct service_report *report;
	bool builtin;
	uint64_t generation;
	uint64_t violations;
	uint32_t replacements;
	bool standby_wanted, standby_ready;
	uint32_t standby_pid;
};

struct supervisor *supervisor_new(uv_loop_t *loop, const struct configuration *configuration,
				  struct journal *journal, struct fault_desk *faults,
				  const struct supervisor_callbacks *callbacks, void *context);
struct supervisor *supervisor_free(struct supervisor *supervisor);

void supervisor_start(struct supervisor *supervisor);

/* It is not wanted any more; on_down follows, within SERVICE_STOP_LIMIT_MS. */
void supervisor_stop(struct supervisor *supervisor);

/* Which definitions there should be from now on: a generation of the store, or (0) the built-in set. A service that has others is replaced. */
struct supervisor_load {
	uint64_t generation;
	bool is_makeshift; /* the built-in set, where there should be another one */
	uint64_t need;     /* bytes of its engine; 0: not known */
	const char *reason;
};
void supervisor_load(struct supervisor *supervisor, const struct supervisor_load *load);

/* A new service follows this one, without a gap where memory allows; else the present one is ended and starts again. */
void supervisor_replace(struct supervisor *supervisor, const char *reason);

/* Something is rotten in this one that only its end can cure: kills it; its machine starts the next. No certificate: it was told to. */
void supervisor_kill(struct supervisor *supervisor, uint64_t incarnation, const char *reason);

/* Looks at account, directories, executable and definitions again, now: SIGHUP, `ampcli recheck`, a watched file. Clears fault 5
 * or replaces the service when something was put right. */
void supervisor_recheck(struct supervisor *supervisor);

/* From the desk: an outgoing service has no workers any more. */
void supervisor_drained(struct supervisor *supervisor, uint64_t incarnation);

/* Asks for a worker whose job channel is `channel` (stays the caller's). 0 or -errno. */
int supervisor_spawn_worker(struct supervisor *supervisor, uint64_t incarnation, uint64_t worker,
			    int channel);

/* What others have to know of one service. */
struct supervised {
	int64_t pid;    /* 0: there is none of that number */
	int last_words; /* its memory, the supervisor's; -1: none. Still there while on_lost is told */
	bool has_hung_up; /* its end has begun, though on_lost may still be to come: what the ends of its workers mean depends on it */
	bool is_makeshift; /* it has the built-in definitions in place of configured ones: what it finds clean is not proved clean */
};

/* One that is not known has hung up, and is makeshift where configured definitions are wanted. */
struct supervised supervisor_look(const struct supervisor *supervisor, uint64_t incarnation);

/* Where births happen and as whom; the supervisor's. */
struct scan_site *supervisor_site(struct supervisor *supervisor);

/* Restart in place: the serving life, for the next image. -EAGAIN when none is up (then the next image starts anew). Everything
 * else is let go; after this only exec or supervisor_free() may follow. The descriptors in it are the caller's. */
int supervisor_hand_over(struct supervisor *supervisor, struct service_handover *ret_handover);

/* Before supervisor_start(): takes the service with its descriptors; on_up follows from supervisor_start(). 0 or -errno (then nothing
 * was taken: the caller closes, the service ends by itself). */
int supervisor_adopt(struct supervisor *supervisor, const struct service_handover *handover);

/* The number of the newest service, and, before supervisor_start(), where to go on: no number is given twice across a restart in place. */
uint64_t supervisor_incarnations(const struct supervisor *supervisor);
void supervisor_count_from(struct supervisor *supervisor, uint64_t incarnations);

void supervisor_view(const struct supervisor *supervisor, struct service_view *ret_view);

#endif
