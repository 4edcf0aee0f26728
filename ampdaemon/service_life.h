/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service_life: one of the two lives of the scan service: process, pidfd, channel, session, what it said, and the service_machine that
 * brings it back when it ends. What the life is for - serving, next, standby - is the supervisor's to know.
 *
 * Owns all of that, and the last-words memory of the present process (until the next birth). Must not own incarnation numbers,
 * account, choice of definitions (asked for at each birth: on_birth), workers, faults.
 * Callbacks may call back into the life.
 */
#ifndef AMP_AMPDAEMON_SERVICE_LIFE_H
#define AMP_AMPDAEMON_SERVICE_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/certificate.h"
#include "ampdaemon/configuration.h"
#include "ampdaemon/core/cure_plan.h"
#include "ampdaemon/core/service_machine.h"
#include "ampdaemon/handover.h"
#include "ampdaemon/installation.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/left_behind.h"
#include "ampdaemon/scan_account.h"
#include "ampdaemon/service_birth.h"
#include "ampdaemon/service_report.h"

struct service_life;

/* What a birth gets. */
struct life_order {
	uint64_t incarnation, generation;
	enum definition_source source;
	bool has_directory; /* of a generation: */
	int directory;      /* the life's from now on */
	struct scan_account account;
	uint64_t need; /* bytes of the engine at the last good load; 0: not known */
};

struct life_callbacks {
	/* A birth is due: 0, or -errno with the problem: it counts as a birth that failed. */
	int (*on_birth)(void *context, struct service_life *life, struct life_order *ret_order,
			struct birth_problem *ret_problem);
	void (*on_failed)(void *context, struct service_life *life,
			  const struct birth_problem *problem); /* tried again after a while */
	void (*on_up)(void *context, struct service_life *life);
	void (*on_lost)(void *context, struct service_life *life); /* it was up */
	void (*on_down)(void *context, struct service_life *life); /* after service_life_stop() */
	void (*on_worker_exited)(void *context, uint64_t worker, uint32_t status);
	void (*on_worker_failed)(void *context, uint64_t worker, const char *reason);
	void (*on_certificate)(void *context, const struct death_certificate *certificate);
};

/* What all lives share; outlives them. */
struct life_base {
	uv_loop_t *loop;
	const struct configuration *configuration;
	struct journal *journal;
	struct installation *installation;
	struct left_behind left_behind;
	const struct life_callbacks *callbacks;
	void *context;
};

/* What is known of it. Texts are valid until the next turn of the loop. */
struct life_view {
	enum service_state state;
	struct life_order order; /* of the present process, or the last one */
	int64_t pid;             /* 0: none */
	uint32_t starts;
	const char *reason; /* why it is not up; "" */
	const struct service_report *report;
	uint64_t violations;
	mono_ms deadline; /* of the state: in SERVICE_WAITING the next birth */
};

struct service_life *service_life_new(struct life_base *base);

/* Ends the process, a second at most; NULL. */
struct service_life *service_life_free(struct service_life *life);

void service_life_start(struct service_life *life);
void service_life_stop(struct service_life *life); /* on_down follows */

/* Ends the process at once because of `reason`; the machine starts the next. */
void service_life_kill(struct service_life *life, const char *reason);

/* Something was put right: a back-off is cut short. */
void service_life_hurry(struct service_life *life);

/* 0 or -errno. `channel` stays the caller's. */
int service_life_spawn_worker(struct service_life *life, uint64_t worker, int channel);

/* The line to it is closed, or it has closed its end and we have not read so far. */
bool service_life_has_hung_up(const struct service_life *life);

/* What the last birth that failed, failed of. */
enum birth_failure service_life_failure(const struct service_life *life);

/* The number of the definitions that it has loaded. */
void service_life_number(struct service_life *life, uint64_t generation);

void service_life_view(const struct service_life *life, struct life_view *ret_view);
int service_life_last_words(const struct service_life *life);

/* Restart in place: lets go of the process without ending it; the descriptors are the caller's. -EAGAIN when it is not up. */
int service_life_hand_over(struct service_life *life, struct service_handover *ret_handover);

/* Takes a service that is up; no callback. 0, or -errno and nothing was taken. */
int service_life_adopt(struct service_life *life, const struct service_handover *handover);

#endif
