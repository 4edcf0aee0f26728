/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service_machine: the life of the scan service, from spawn to obituary. Pure: event with time in,
 * effects out, next deadline asked. The states and events are lists; the reaction to each event in
 * each state is one complete table.
 *
 * Owns: state, deadlines of birth (birth_contract.h), back-off. Must not own: processes, channels,
 * jobs (the dispatcher has those), what a birth loads and when it is a fault (cure_plan), which of two lives serves (succession).
 *
 * Back-off: births that fail wait 1 s, 2 s, 4 s, then retry_ms each. A life that was up for SERVICE_STABLE_MS is followed at once, a
 * shorter one after 1 s, however often: hostile files can cost a load a second at most, and never lengthen the gap.
 */
#ifndef AMP_AMPDAEMON_CORE_SERVICE_MACHINE_H
#define AMP_AMPDAEMON_CORE_SERVICE_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lives.h"
#include "base/mono.h"
#include "base/name_table.h"

#define SERVICE_EVENT_LIST(X)                                                                      \
	X(SERVICE_EVENT_START, "start") /* it is wanted */                                         \
	X(SERVICE_EVENT_HELLO, "hello")                                                            \
	X(SERVICE_EVENT_PROGRESS, "progress")                                                      \
	X(SERVICE_EVENT_READY, "ready")                                                            \
	X(SERVICE_EVENT_PONG, "pong")         /* one that nobody asked for is a lie */             \
	X(SERVICE_EVENT_LIED, "lied")         /* broke the protocol, or closed its channel */      \
	X(SERVICE_EVENT_EXITED, "exited")     /* or could not be spawned */                        \
	X(SERVICE_EVENT_DEADLINE, "deadline") /* made by the machine itself in step() */           \
	X(SERVICE_EVENT_STOP, "stop")         /* it is not wanted any more */                      \
	X(SERVICE_EVENT_HURRY, "hurry")       /* something was put right: no long back-off */

enum service_event { SERVICE_EVENT_LIST(NAME_TABLE_MEMBER) SERVICE_EVENT_COUNT };

/* A set of effects, to be done in this order. */
enum service_effect {
	SERVICE_EFFECT_LOST = 1 << 0, /* it was UP: tell the dispatcher that its workers are gone */
	SERVICE_EFFECT_KILL = 1 << 1, /* SIGKILL by pidfd; EXITED follows */
	SERVICE_EFFECT_ABANDON =
		1 << 2, /* SIGKILL does not end it: go on without; no EXITED follows */
	SERVICE_EFFECT_CLOSE =
		1 << 3, /* close the service channel: it ends itself; EXITED follows */
	SERVICE_EFFECT_SPAWN = 1 << 4, /* EXITED follows if it fails */
	SERVICE_EFFECT_UP = 1 << 5,    /* tell the dispatcher */
	SERVICE_EFFECT_PING = 1 << 6,
};

#define SERVICE_BACKOFF_FIRST_MS 1000
#define SERVICE_BACKOFF_DOUBLINGS 3 /* failed births that wait 1 s, 2 s, 4 s */
#define SERVICE_STABLE_MS                                                                          \
	10000 /* up so long: it is followed at once, failed births are forgotten */
#define SERVICE_PING_EVERY_MS 10000
#define SERVICE_PONG_LIMIT_MS                                                                      \
	30000 /* silent so long after a ping: hung, kill it. Forking a worker off a large engine takes tens of ms */
#define SERVICE_STOP_LIMIT_MS 5000 /* from CLOSE to the end, then KILL */

/* From KILL to the end. A worker in an uninterruptible wait for its file's storage keeps the whole pid namespace from
 * ending, for as long as that storage likes. */
#define SERVICE_KILL_LIMIT_MS 10000

struct service_machine {
	enum service_state state;
	bool wanted;
	mono_ms deadline;      /* of the present state: what DEADLINE means there */
	mono_ms load_deadline; /* absolute end of LOADING, however lively the heartbeats */
	mono_ms next_ping;
	mono_ms pong_due;
	mono_ms retry_ms;
	mono_ms spawned_at; /* the last one; MONO_NEVER: none yet */
	mono_ms up_since;   /* of this life; MONO_NEVER: it was not up */
	mono_ms rest;       /* before the next life, after one that was up */
	uint32_t level;     /* failed births that lengthen the back-off */
	uint32_t starts;
	uint32_t births_failed; /* since the last READY */
};

void service_machine_init(struct service_machine *machine, mono_ms retry_ms);

/* A service that is up already (restart in place): it is pinged at once. After init. */
void service_machine_adopt(struct service_machine *machine, mono_ms now, mono_ms up_since,
			   uint32_t starts);

/* One event; SERVICE_EVENT_DEADLINE may be given at any time and does nothing when nothing is due.
 * Returns the effects. Before the event itself, whatever is due at `now` is handled; not before
 * STOP, which makes it moot. */
unsigned service_machine_step(struct service_machine *machine, enum service_event event,
			      mono_ms now);

/* When to call step(DEADLINE) at the latest; MONO_NEVER for never. */
mono_ms service_machine_deadline(const struct service_machine *machine);

const char *service_event_name(unsigned event);

#endif
