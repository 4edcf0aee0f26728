/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/service_machine.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "base/birth_contract.h"
#include "tests/support/unit_main.h"

#define LOST SERVICE_EFFECT_LOST
#define KILL SERVICE_EFFECT_KILL
#define CLOSE SERVICE_EFFECT_CLOSE
#define SPAWN SERVICE_EFFECT_SPAWN
#define UP SERVICE_EFFECT_UP
#define PING SERVICE_EFFECT_PING

#define NOW 1000

static unsigned step(struct service_machine *m, enum service_event event, mono_ms now)
{
	return service_machine_step(m, event, now);
}

/* The shortest way into each state, at time 0. */
static struct service_machine machine_in(enum service_state state)
{
	static const enum service_event ways[SERVICE_STATE_COUNT][4] = {
		[SERVICE_STARTING] = {SERVICE_EVENT_START, SERVICE_EVENT_COUNT},
		[SERVICE_LOADING] = {SERVICE_EVENT_START, SERVICE_EVENT_HELLO, SERVICE_EVENT_COUNT},
		[SERVICE_UP] = {SERVICE_EVENT_START, SERVICE_EVENT_HELLO, SERVICE_EVENT_READY,
				SERVICE_EVENT_COUNT},
		[SERVICE_KILLED] = {SERVICE_EVENT_START, SERVICE_EVENT_LIED, SERVICE_EVENT_COUNT},
		[SERVICE_WAITING] = {SERVICE_EVENT_START, SERVICE_EVENT_EXITED,
				     SERVICE_EVENT_COUNT},
		[SERVICE_STOPPING] = {SERVICE_EVENT_START, SERVICE_EVENT_STOP, SERVICE_EVENT_COUNT},
		[SERVICE_DOWN] = {SERVICE_EVENT_COUNT},
	};
	struct service_machine m;

	service_machine_init(&m);
	for (unsigned i = 0; ways[state][i] != SERVICE_EVENT_COUNT; i++)
		(void)step(&m, ways[state][i], 0); /* the state says whether it worked */
	CU_ASSERT_EQUAL_FATAL(m.state, state);
	return m;
}

struct cell {
	enum service_state next;
	unsigned effects;
};

#define STAY(state)                                                                                \
	{                                                                                          \
		state, 0                                                                           \
	}

/* What must come out of each event in each state when something is due: time is late enough for
 * every deadline. */
static const struct cell late[SERVICE_STATE_COUNT] = {
	[SERVICE_DOWN] = STAY(SERVICE_DOWN),
	[SERVICE_STARTING] = {SERVICE_KILLED, KILL},
	[SERVICE_LOADING] = {SERVICE_KILLED, KILL},
	[SERVICE_UP] = {SERVICE_UP, PING},
	[SERVICE_KILLED] = {SERVICE_WAITING, SERVICE_EFFECT_ABANDON},
	[SERVICE_WAITING] = {SERVICE_STARTING, SPAWN},
	[SERVICE_STOPPING] = {SERVICE_KILLED, KILL},
};

/* In the order of the events: start hello progress ready pong lied exited deadline stop. */
static const struct cell cells[SERVICE_STATE_COUNT][SERVICE_EVENT_COUNT] = {
	[SERVICE_DOWN] = {{SERVICE_STARTING, SPAWN},
			  STAY(SERVICE_DOWN),
			  STAY(SERVICE_DOWN),
			  STAY(SERVICE_DOWN),
			  STAY(SERVICE_DOWN),
			  STAY(SERVICE_DOWN),
			  STAY(SERVICE_DOWN),
			  STAY(SERVICE_DOWN),
			  STAY(SERVICE_DOWN)},
	[SERVICE_STARTING] = {STAY(SERVICE_STARTING),
			      STAY(SERVICE_LOADING),
			      {SERVICE_KILLED, KILL},
			      {SERVICE_KILLED, KILL},
			      {SERVICE_KILLED, KILL},
			      {SERVICE_KILLED, KILL},
			      STAY(SERVICE_WAITING),
			      STAY(SERVICE_STARTING),
			      {SERVICE_STOPPING, CLOSE}},
	[SERVICE_LOADING] = {STAY(SERVICE_LOADING),
			     {SERVICE_KILLED, KILL},
			     STAY(SERVICE_LOADING),
			     {SERVICE_UP, UP},
			     {SERVICE_KILLED, KILL},
			     {SERVICE_KILLED, KILL},
			     STAY(SERVICE_WAITING),
			     STAY(SERVICE_LOADING),
			     {SERVICE_STOPPING, CLOSE}},
	[SERVICE_UP] = {STAY(SERVICE_UP),
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_WAITING, LOST},
			STAY(SERVICE_UP),
			{SERVICE_STOPPING, LOST | CLOSE}},
	[SERVICE_KILLED] = {STAY(SERVICE_KILLED), STAY(SERVICE_KILLED), STAY(SERVICE_KILLED),
			    STAY(SERVICE_KILLED), STAY(SERVICE_KILLED), STAY(SERVICE_KILLED),
			    STAY(SERVICE_WAITING), STAY(SERVICE_KILLED), STAY(SERVICE_KILLED)},
	[SERVICE_WAITING] = {STAY(SERVICE_WAITING), STAY(SERVICE_WAITING), STAY(SERVICE_WAITING),
			     STAY(SERVICE_WAITING), STAY(SERVICE_WAITING), STAY(SERVICE_WAITING),
			     STAY(SERVICE_WAITING), STAY(SERVICE_WAITING), STAY(SERVICE_DOWN)},
	[SERVICE_STOPPING] = {STAY(SERVICE_STOPPING), STAY(SERVICE_STOPPING),
			      STAY(SERVICE_STOPPING), STAY(SERVICE_STOPPING),
			      STAY(SERVICE_STOPPING), STAY(SERVICE_STOPPING), STAY(SERVICE_DOWN),
			      STAY(SERVICE_STOPPING), STAY(SERVICE_STOPPING)},
};

static void expect(const struct service_machine *m, unsigned effects, const struct cell *cell,
		   enum service_state state, enum service_event event)
{
	if (m->state != cell->next || effects != cell->effects)
		printf("# %s + %s: %s, effects %#x\n", service_state_name(state),
		       service_event_name(event), service_state_name(m->state), effects);
	CU_ASSERT_EQUAL(m->state, cell->next);
	CU_ASSERT_EQUAL(effects, cell->effects);
}

static void every_event_in_every_state(void)
{
	for (unsigned state = 0; state < SERVICE_STATE_COUNT; state++) {
		for (unsigned event = 0; event < SERVICE_EVENT_COUNT; event++) {
			struct service_machine m = machine_in(state);
			unsigned effects = step(&m, event, NOW - 1);

			expect(&m, effects, &cells[state][event], state, event);
		}
	}
}

static void every_deadline_of_a_state(void)
{
	for (unsigned state = 0; state < SERVICE_STATE_COUNT; state++) {
		struct service_machine m = machine_in(state);
		mono_ms deadline = service_machine_deadline(&m);
		bool comes = state != SERVICE_DOWN;
		mono_ms then = comes ? deadline : 100000000;
		unsigned effects;

		CU_ASSERT_EQUAL(deadline != MONO_NEVER, comes);
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, then - 1), 0);
		CU_ASSERT_EQUAL(m.state, state);
		effects = step(&m, SERVICE_EVENT_DEADLINE, then);
		expect(&m, effects, &late[state], state, SERVICE_EVENT_DEADLINE);
	}
}

static void births_that_fail_double_the_back_off_up_to_a_limit(void)
{
	static const mono_ms waits[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
	struct service_machine m = machine_in(SERVICE_STARTING);
	mono_ms now = 0;

	for (unsigned i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now), 0);
		CU_ASSERT_EQUAL(m.births_failed, i + 1);
		CU_ASSERT_EQUAL(service_machine_deadline(&m), now + waits[i]);
		now += waits[i];
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, now), SPAWN);
		CU_ASSERT_EQUAL(m.starts, i + 2);
	}
}

static mono_ms live(struct service_machine *m, mono_ms now, mono_ms span)
{
	(void)step(m, SERVICE_EVENT_HELLO, now); /* the state is looked at below */
	CU_ASSERT_EQUAL(step(m, SERVICE_EVENT_READY, now), UP);
	CU_ASSERT_EQUAL(m->births_failed, 0);
	for (mono_ms end = now + span; service_machine_deadline(m) < end;) {
		now = service_machine_deadline(m);
		CU_ASSERT_EQUAL(step(m, SERVICE_EVENT_DEADLINE, now), PING);
		CU_ASSERT_EQUAL(step(m, SERVICE_EVENT_PONG, now), 0);
	}
	return now;
}

static void a_life_that_was_up_does_not_lengthen_the_back_off(void)
{
	struct service_machine m = machine_in(SERVICE_STARTING);
	mono_ms now = 0;

	for (unsigned i = 0; i < 5; i++) {
		now = live(&m, now, 0) + 10;
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now), LOST);
		CU_ASSERT_EQUAL(service_machine_deadline(&m), now + SERVICE_BACKOFF_FIRST_MS);
		now += SERVICE_BACKOFF_FIRST_MS;
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, now), SPAWN);
	}
	CU_ASSERT_EQUAL(m.backoff, SERVICE_BACKOFF_FIRST_MS);
}

static void only_a_stable_life_forgets_failed_births(void)
{
	struct service_machine m = machine_in(SERVICE_WAITING);
	mono_ms now = SERVICE_BACKOFF_FIRST_MS;

	CU_ASSERT_EQUAL(m.backoff, (mono_ms)2 * SERVICE_BACKOFF_FIRST_MS);
	(void)step(&m, SERVICE_EVENT_DEADLINE, now); /* spawns */
	now = live(&m, now, 0) + 10;
	(void)step(&m, SERVICE_EVENT_EXITED, now); /* a short life */
	CU_ASSERT_EQUAL(m.backoff, (mono_ms)2 * SERVICE_BACKOFF_FIRST_MS);
	now = service_machine_deadline(&m);
	(void)step(&m, SERVICE_EVENT_DEADLINE, now); /* spawns */
	now = live(&m, now, SERVICE_STABLE_MS + SERVICE_PING_EVERY_MS) + 1;
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now), LOST);
	CU_ASSERT_EQUAL(m.backoff, SERVICE_BACKOFF_FIRST_MS);
}

static void heartbeats_do_not_stretch_a_load_for_ever(void)
{
	struct service_machine m = machine_in(SERVICE_LOADING);
	mono_ms now = 0;

	while (now + BIRTH_PROGRESS_LIMIT_MS / 2 < BIRTH_LOAD_LIMIT_MS) {
		now += BIRTH_PROGRESS_LIMIT_MS / 2;
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_PROGRESS, now), 0);
		CU_ASSERT(service_machine_deadline(&m) <= BIRTH_LOAD_LIMIT_MS);
	}
	CU_ASSERT_EQUAL(service_machine_deadline(&m), BIRTH_LOAD_LIMIT_MS);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_PROGRESS, BIRTH_LOAD_LIMIT_MS), KILL);
	CU_ASSERT_EQUAL(m.state, SERVICE_KILLED);
}

static void a_silent_service_is_killed_after_one_ping(void)
{
	struct service_machine m = machine_in(SERVICE_UP);
	mono_ms due;

	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, SERVICE_PING_EVERY_MS), PING);
	due = SERVICE_PING_EVERY_MS + SERVICE_PONG_LIMIT_MS;
	CU_ASSERT_EQUAL(service_machine_deadline(&m), due);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, due - 1), 0);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, due), LOST | KILL);
}

static void what_is_due_comes_before_the_event(void)
{
	struct service_machine m = machine_in(SERVICE_STARTING);

	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_HELLO, BIRTH_HELLO_LIMIT_MS), KILL);
	CU_ASSERT_EQUAL(m.state, SERVICE_KILLED);
	m = machine_in(SERVICE_STARTING);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, BIRTH_HELLO_LIMIT_MS), 0);
	CU_ASSERT_EQUAL(m.state, SERVICE_WAITING);
	m = machine_in(SERVICE_UP);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_LIED, SERVICE_PING_EVERY_MS), LOST | KILL);
	m = machine_in(SERVICE_WAITING);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_STOP, SERVICE_BACKOFF_FIRST_MS), 0);
	CU_ASSERT_EQUAL(m.state, SERVICE_DOWN);
}

static void wanted_again_while_stopping_it_starts_at_once(void)
{
	struct service_machine m = machine_in(SERVICE_STOPPING);

	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_START, 10), 0);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, 20), SPAWN);
	CU_ASSERT_EQUAL(m.state, SERVICE_STARTING);
}

static void unwanted_after_the_kill_it_stays_down(void)
{
	struct service_machine m = machine_in(SERVICE_KILLED);

	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_STOP, 10), 0);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, 20), 0);
	CU_ASSERT_EQUAL(m.state, SERVICE_DOWN);
	CU_ASSERT_EQUAL(service_machine_deadline(&m), MONO_NEVER);
}

static void every_state_and_event_has_a_name(void)
{
	for (unsigned state = 0; state < SERVICE_STATE_COUNT; state++)
		CU_ASSERT(strcmp(service_state_name(state), "unknown") != 0);
	for (unsigned event = 0; event < SERVICE_EVENT_COUNT; event++)
		CU_ASSERT(strcmp(service_event_name(event), "unknown") != 0);
	CU_ASSERT_STRING_EQUAL(service_state_name(SERVICE_STATE_COUNT), "unknown");
	CU_ASSERT_STRING_EQUAL(service_event_name(SERVICE_EVENT_COUNT), "unknown");
}

static const struct unit_test tests[] = {
	{"every event in every state", every_event_in_every_state},
	{"every deadline of a state", every_deadline_of_a_state},
	{"births that fail double the back-off up to a limit",
	 births_that_fail_double_the_back_off_up_to_a_limit},
	{"a life that was up does not lengthen the back-off",
	 a_life_that_was_up_does_not_lengthen_the_back_off},
	{"only a stable life forgets failed births", only_a_stable_life_forgets_failed_births},
	{"heartbeats do not stretch a load for ever", heartbeats_do_not_stretch_a_load_for_ever},
	{"a silent service is killed after one ping", a_silent_service_is_killed_after_one_ping},
	{"what is due comes before the event", what_is_due_comes_before_the_event},
	{"wanted again while stopping, it starts at once",
	 wanted_again_while_stopping_it_starts_at_once},
	{"unwanted after the kill, it stays down", unwanted_after_the_kill_it_stays_down},
	{"every state and event has a name", every_state_and_event_has_a_name},
};

UNIT_MAIN("service_machine", tests)
