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
	m->spawned_at = now;
	m->up_since = MONO_NEVER;
	enter(m, SERVICE_STARTING, mono_add(now, BIRTH_HELLO_LIMIT_MS));
	return SERVICE_EFFECT_SPAWN;
}

static unsigned start(struct service_machine *m, mono_ms now)
{
	m->wanted = true;
	m->level = m->births_failed = 0;
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
	bool stable = now - m->up_since >= SERVICE_STABLE_MS;

	if (stable)
		m->level = 0;
	m->rest = stable ? 0 : SERVICE_BACKOFF_FIRST_MS;
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

/* Failed births wait longer and longer, but never longer than retry_ms. */
static mono_ms fail_birth(struct service_machine *m)
{
	mono_ms doubled = SERVICE_BACKOFF_FIRST_MS;

	m->births_failed++;
	if (m->level == SERVICE_BACKOFF_DOUBLINGS)
		return m->retry_ms;
	doubled <<= m->level++;
	return mono_min(doubled, m->retry_ms);
}

/* Only a life that never was UP lengthens the back-off. A rest of nothing ends in the next step, not in this one: so no
 * event of the old life meets the new one. */
static unsigned wait_again(struct service_machine *m, mono_ms now)
{
	mono_ms delay = m->up_since == MONO_NEVER ? fail_birth(m) : m->rest;

	enter(m, SERVICE_WAITING, mono_add(now, delay));
	return 0;
}

/* What was put right may not be all: it is not spawned more often than the shortest back-off allows. */
static unsigned hurry(struct service_machine *m, mono_ms now)
{
	m->level = 0;
	m->deadline = mono_min(m->deadline, mono_add(m->spawned_at, SERVICE_BACKOFF_FIRST_MS));
	if (m->deadline > now)
		return 0;
	return spawn(m, now);
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

#define ROW(START, HELLO, PROGRESS, READY, PONG, LIED, EXITED, DEADLINE, STOP, HURRY)              \
	{                                                                                          \
		[SERVICE_EVENT_START] = START, [SERVICE_EVENT_HELLO] = HELLO,                      \
		[SERVICE_EVENT_PROGRESS] = PROGRESS, [SERVICE_EVENT_READY] = READY,                \
		[SERVICE_EVENT_PONG] = PONG, [SERVICE_EVENT_LIED] = LIED,                          \
		[SERVICE_EVENT_EXITED] = EXITED, [SERVICE_EVENT_DEADLINE] = DEADLINE,              \
		[SERVICE_EVENT_STOP] = STOP, [SERVICE_EVENT_HURRY] = HURRY,                        \
	}

/* clang-format off */
static reaction *const reactions[SERVICE_STATE_COUNT][SERVICE_EVENT_COUNT] = {
	/*                          start   hello         progress      ready */
	/*                          pong          lied          exited             deadline      stop           hurry */
	[SERVICE_DOWN]     = ROW(start,  ignore,       ignore,       ignore,
				 ignore,       ignore,       ignore,            ignore,       unwant, ignore),
	[SERVICE_STARTING] = ROW(want,   begin_load,   kill_newborn, kill_newborn,
				 kill_newborn, kill_newborn, wait_again,        kill_newborn, close_newborn, ignore),
	[SERVICE_LOADING]  = ROW(want,   kill_newborn, heartbeat,    come_up,
				 kill_newborn, kill_newborn, wait_again,        kill_newborn, close_newborn, ignore),
	[SERVICE_UP]       = ROW(want,   kill_up,      kill_up,      kill_up,
				 note_pong,    kill_up,      wait_after_up,     ping_or_kill, close_up, ignore),
	[SERVICE_KILLED]   = ROW(want,   ignore,       ignore,       ignore,
				 ignore,       ignore,       wait_or_lie_down,  abandon,      unwant, ignore),
	[SERVICE_WAITING]  = ROW(want,   ignore,       ignore,       ignore,
				 ignore,       ignore,       ignore,            spawn,        lie_down, hurry),
	[SERVICE_STOPPING] = ROW(want,   ignore,       ignore,       ignore,
				 ignore,       ignore,       spawn_or_lie_down, kill_newborn, unwant, ignore),
};
/* clang-format on */

void service_machine_init(struct service_machine *machine, mono_ms retry_ms)
{
	*machine = (struct service_machine){
		.retry_ms = retry_ms,
		.spawned_at = MONO_NEVER,
		.up_since = MONO_NEVER,
	};
	enter(machine, SERVICE_DOWN, MONO_NEVER);
}

void service_machine_adopt(struct service_machine *machine, mono_ms now, mono_ms up_since,
			   uint32_t starts)
{
	machine->wanted = true;
	machine->starts = starts;
	machine->spawned_at = machine->up_since = mono_min(up_since, now);
	enter(machine, SERVICE_UP, now);
	machine->next_ping = now;
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
