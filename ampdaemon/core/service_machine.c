/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/service_machine.h"

#include <assert.h>

#include "base/birth_contract.h"

NAME_TABLE_DEFINE(service_event, SERVICE_EVENT_LIST)

typedef unsigned reaction(struct service_machine *m, mono_ms now);

/* The only place that assigns the state. What holds in one state only is put back to rest here. */
static void enter(struct service_machine *m, enum service_state state, mono_ms deadline)
{
	m->state = state;
	m->deadline = deadline;
	if (state != SERVICE_LOADING)
		m->load_deadline = MONO_NEVER;
	if (state != SERVICE_UP)
		m->next_ping = m->pong_due = MONO_NEVER;
}

static unsigned ignore(struct service_machine *m, mono_ms now)
{
	(void)m; /* silence is the chosen reaction */
	(void)now;
	return 0;
}

static unsigned want(struct service_machine *m, mono_ms now)
{
	(void)now; /* takes effect when the present life has ended */
	m->wanted = true;
	return 0;
}

static unsigned unwant(struct service_machine *m, mono_ms now)
{
	(void)now; /* its end is awaited already */
	m->wanted = false;
	return 0;
}

static unsigned spawn(struct service_machine *m, mono_ms now)
{
	m->starts++;
	m->up_since = MONO_NEVER;
	enter(m, SERVICE_STARTING, mono_add(now, BIRTH_HELLO_LIMIT_MS));
	return SERVICE_EFFECT_SPAWN;
}

static unsigned start(struct service_machine *m, mono_ms now)
{
	m->wanted = true;
	m->backoff = SERVICE_BACKOFF_FIRST_MS;
	m->births_failed = 0;
	return spawn(m, now);
}

static unsigned begin_load(struct service_machine *m, mono_ms now)
{
	mono_ms limit = mono_add(now, BIRTH_LOAD_LIMIT_MS);

	enter(m, SERVICE_LOADING, mono_min(limit, mono_add(now, BIRTH_PROGRESS_LIMIT_MS)));
	m->load_deadline = limit;
	return 0;
}

static unsigned heartbeat(struct service_machine *m, mono_ms now)
{
	m->deadline = mono_min(m->load_deadline, mono_add(now, BIRTH_PROGRESS_LIMIT_MS));
	return 0;
}

static unsigned come_up(struct service_machine *m, mono_ms now)
{
	m->births_failed = 0;
	m->up_since = now;
	enter(m, SERVICE_UP, mono_add(now, SERVICE_PING_EVERY_MS));
	m->next_ping = m->deadline;
	return SERVICE_EFFECT_UP;
}

static unsigned kill_newborn(struct service_machine *m, mono_ms now)
{
	enter(m, SERVICE_KILLED, mono_add(now, SERVICE_KILL_LIMIT_MS));
	return SERVICE_EFFECT_KILL;
}

static unsigned close_newborn(struct service_machine *m, mono_ms now)
{
	m->wanted = false;
	enter(m, SERVICE_STOPPING, mono_add(now, SERVICE_STOP_LIMIT_MS));
	return SERVICE_EFFECT_CLOSE;
}

/* Every way out of UP goes through here. */
static unsigned leave_up(struct service_machine *m, mono_ms now)
{
	if (now - m->up_since >= SERVICE_STABLE_MS)
		m->backoff = SERVICE_BACKOFF_FIRST_MS;
	return SERVICE_EFFECT_LOST;
}

static unsigned kill_up(struct service_machine *m, mono_ms now)
{
	return leave_up(m, now) | kill_newborn(m, now);
}

static unsigned close_up(struct service_machine *m, mono_ms now)
{
	return leave_up(m, now) | close_newborn(m, now);
}

static unsigned note_pong(struct service_machine *m, mono_ms now)
{
	if (m->pong_due == MONO_NEVER)
		return kill_up(m, now); /* an answer that nobody asked for */
	m->pong_due = MONO_NEVER;
	m->next_ping = mono_add(now, SERVICE_PING_EVERY_MS);
	m->deadline = m->next_ping;
	return 0;
}

/* One ping is out at a time: the next one waits for its pong. */
static unsigned ping_or_kill(struct service_machine *m, mono_ms now)
{
	if (m->pong_due != MONO_NEVER)
		return kill_up(m, now);
	m->next_ping = MONO_NEVER;
	m->pong_due = mono_add(now, SERVICE_PONG_LIMIT_MS);
	m->deadline = m->pong_due;
	return SERVICE_EFFECT_PING;
}

static void fail_birth(struct service_machine *m)
{
	m->births_failed++;
	m->backoff = mono_min(2 * m->backoff, SERVICE_BACKOFF_MAX_MS);
}

/* Only a life that never was UP lengthens the back-off. */
static unsigned wait_again(struct service_machine *m, mono_ms now)
{
	mono_ms delay = SERVICE_BACKOFF_FIRST_MS;

	if (m->up_since == MONO_NEVER) {
		delay = m->backoff;
		fail_birth(m);
	}
	enter(m, SERVICE_WAITING, mono_add(now, delay));
	return 0;
}

static unsigned wait_after_up(struct service_machine *m, mono_ms now)
{
	return leave_up(m, now) | wait_again(m, now);
}

static unsigned lie_down(struct service_machine *m, mono_ms now)
{
	(void)now; /* nothing is due any more */
	m->wanted = false;
	enter(m, SERVICE_DOWN, MONO_NEVER);
	return 0;
}

static unsigned wait_or_lie_down(struct service_machine *m, mono_ms now)
{
	return m->wanted ? wait_again(m, now) : lie_down(m, now);
}

static unsigned abandon(struct service_machine *m, mono_ms now)
{
	return SERVICE_EFFECT_ABANDON | wait_or_lie_down(m, now);
}

static unsigned spawn_or_lie_down(struct service_machine *m, mono_ms now)
{
	return m->wanted ? spawn(m, now) : lie_down(m, now);
}

#define ROW(START, HELLO, PROGRESS, READY, PONG, LIED, EXITED, DEADLINE, STOP)                     \
	{                                                                                          \
		[SERVICE_EVENT_START] = START, [SERVICE_EVENT_HELLO] = HELLO,                      \
		[SERVICE_EVENT_PROGRESS] = PROGRESS, [SERVICE_EVENT_READY] = READY,                \
		[SERVICE_EVENT_PONG] = PONG, [SERVICE_EVENT_LIED] = LIED,                          \
		[SERVICE_EVENT_EXITED] = EXITED, [SERVICE_EVENT_DEADLINE] = DEADLINE,              \
		[SERVICE_EVENT_STOP] = STOP,                                                       \
	}

/* clang-format off */
static reaction *const reactions[SERVICE_STATE_COUNT][SERVICE_EVENT_COUNT] = {
	/*                          start   hello         progress      ready */
	/*                          pong          lied          exited             deadline      stop */
	[SERVICE_DOWN]     = ROW(start,  ignore,       ignore,       ignore,
				 ignore,       ignore,       ignore,            ignore,       unwant),
	[SERVICE_STARTING] = ROW(want,   begin_load,   kill_newborn, kill_newborn,
				 kill_newborn, kill_newborn, wait_again,        kill_newborn, close_newborn),
	[SERVICE_LOADING]  = ROW(want,   kill_newborn, heartbeat,    come_up,
				 kill_newborn, kill_newborn, wait_again,        kill_newborn, close_newborn),
	[SERVICE_UP]       = ROW(want,   kill_up,      kill_up,      kill_up,
				 note_pong,    kill_up,      wait_after_up,     ping_or_kill, close_up),
	[SERVICE_KILLED]   = ROW(want,   ignore,       ignore,       ignore,
				 ignore,       ignore,       wait_or_lie_down,  abandon,      unwant),
	[SERVICE_WAITING]  = ROW(want,   ignore,       ignore,       ignore,
				 ignore,       ignore,       ignore,            spawn,        lie_down),
	[SERVICE_STOPPING] = ROW(want,   ignore,       ignore,       ignore,
				 ignore,       ignore,       spawn_or_lie_down, kill_newborn, unwant),
};
/* clang-format on */

void service_machine_init(struct service_machine *machine)
{
	*machine = (struct service_machine){
		.backoff = SERVICE_BACKOFF_FIRST_MS,
		.up_since = MONO_NEVER,
	};
	enter(machine, SERVICE_DOWN, MONO_NEVER);
}

static unsigned react(struct service_machine *m, enum service_event event, mono_ms now)
{
	return reactions[m->state][event](m, now);
}

/* What the event has made pointless: nobody is left to be killed, or to answer. */
static unsigned moot(const struct service_machine *m, enum service_event event)
{
	unsigned effects = 0;

	if (event == SERVICE_EVENT_EXITED)
		effects |= SERVICE_EFFECT_KILL | SERVICE_EFFECT_ABANDON;
	if (m->state != SERVICE_UP)
		effects |= SERVICE_EFFECT_PING;
	return effects;
}

unsigned service_machine_step(struct service_machine *machine, enum service_event event,
			      mono_ms now)
{
	unsigned effects = 0;

	assert(event < SERVICE_EVENT_COUNT);
	/* STOP overrides what is due: else one step could ask for a spawn and for its close. */
	if (machine->deadline <= now && event != SERVICE_EVENT_STOP)
		effects |= react(machine, SERVICE_EVENT_DEADLINE, now);
	if (event != SERVICE_EVENT_DEADLINE)
		effects |= react(machine, event, now);
	return effects & ~moot(machine, event);
}

mono_ms service_machine_deadline(const struct service_machine *machine)
{
	return machine->deadline;
}
