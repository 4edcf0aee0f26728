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
#define RETRY 60000

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

	service_machine_init(&m, RETRY);
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

/* In the order of the events: start hello progress ready pong lied exited deadline stop hurry. */
static const struct cell cells[SERVICE_STATE_COUNT][SERVICE_EVENT_COUNT] = {
	[SERVICE_DOWN] = {{SERVICE_STARTING, SPAWN},
			  STAY(SERVICE_DOWN),
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
			      {SERVICE_STOPPING, CLOSE},
			      STAY(SERVICE_STARTING)},
	[SERVICE_LOADING] = {STAY(SERVICE_LOADING),
			     {SERVICE_KILLED, KILL},
			     STAY(SERVICE_LOADING),
			     {SERVICE_UP, UP},
			     {SERVICE_KILLED, KILL},
			     {SERVICE_KILLED, KILL},
			     STAY(SERVICE_WAITING),
			     STAY(SERVICE_LOADING),
			     {SERVICE_STOPPING, CLOSE},
			     STAY(SERVICE_LOADING)},
	[SERVICE_UP] = {STAY(SERVICE_UP),
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_KILLED, LOST | KILL},
			{SERVICE_WAITING, LOST},
			STAY(SERVICE_UP),
			{SERVICE_STOPPING, LOST | CLOSE},
			STAY(SERVICE_UP)},
	[SERVICE_KILLED] = {STAY(SERVICE_KILLED), STAY(SERVICE_KILLED), STAY(SERVICE_KILLED),
			    STAY(SERVICE_KILLED), STAY(SERVICE_KILLED), STAY(SERVICE_KILLED),
			    STAY(SERVICE_WAITING), STAY(SERVICE_KILLED), STAY(SERVICE_KILLED),
			    STAY(SERVICE_KILLED)},
	[SERVICE_WAITING] = {STAY(SERVICE_WAITING), STAY(SERVICE_WAITING), STAY(SERVICE_WAITING),
			     STAY(SERVICE_WAITING), STAY(SERVICE_WAITING), STAY(SERVICE_WAITING),
			     STAY(SERVICE_WAITING), STAY(SERVICE_WAITING), STAY(SERVICE_DOWN),
			     STAY(SERVICE_WAITING)},
	[SERVICE_STOPPING] = {STAY(SERVICE_STOPPING), STAY(SERVICE_STOPPING),
			      STAY(SERVICE_STOPPING), STAY(SERVICE_STOPPING),
			      STAY(SERVICE_STOPPING), STAY(SERVICE_STOPPING), STAY(SERVICE_DOWN),
			      STAY(SERVICE_STOPPING), STAY(SERVICE_STOPPING),
			      STAY(SERVICE_STOPPING)},
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

static void births_that_fail_wait_longer_up_to_a_limit(void)
{
	static const mono_ms waits[] = {1000, 2000, 4000, RETRY, RETRY, RETRY};
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

static void no_back_off_is_longer_than_the_retry(void)
{
	struct service_machine m;

	service_machine_init(&m, 1500);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_START, 0), SPAWN);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, 0), 0);
	CU_ASSERT_EQUAL(service_machine_deadline(&m), 1000);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, 1000), SPAWN);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, 1000), 0);
	CU_ASSERT_EQUAL(service_machine_deadline(&m), 2500);
}

/* Three failed births: the next is a minute away. */
static struct service_machine machine_that_failed(mono_ms *ret_now)
{
	struct service_machine m = machine_in(SERVICE_WAITING);

	*ret_now = 0;
	for (unsigned i = 0; i < 3; i++) {
		*ret_now = service_machine_deadline(&m);
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, *ret_now), SPAWN);
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, *ret_now), 0);
	}
	CU_ASSERT_EQUAL(service_machine_deadline(&m), *ret_now + RETRY);
	return m;
}

static void hurry_ends_a_long_back_off(void)
{
	mono_ms now;
	struct service_machine m = machine_that_failed(&now);

	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_HURRY, now + 1500), SPAWN);
	CU_ASSERT_EQUAL(m.state, SERVICE_STARTING);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now + 1600), 0);
	CU_ASSERT_EQUAL(service_machine_deadline(&m), now + 1600 + 1000);
}

static void hurry_does_not_spawn_more_than_once_a_second(void)
{
	mono_ms now;
	struct service_machine m = machine_that_failed(&now);

	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_HURRY, now + 100), 0);
	CU_ASSERT_EQUAL(service_machine_deadline(&m), now + 1000);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_HURRY, now + 999), 0);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, now + 1000), SPAWN);
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

static void a_short_life_is_followed_after_a_second_however_often(void)
{
	struct service_machine m = machine_in(SERVICE_STARTING);
	mono_ms now = 0;

	for (unsigned i = 0; i < 50; i++) {
		now = live(&m, now, 0) + 10;
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now), LOST);
		CU_ASSERT_EQUAL(service_machine_deadline(&m), now + SERVICE_BACKOFF_FIRST_MS);
		now += SERVICE_BACKOFF_FIRST_MS;
		CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, now), SPAWN);
	}
	CU_ASSERT_EQUAL(m.level, 0);
}

static void a_stable_life_is_followed_at_once(void)
{
	struct service_machine m = machine_in(SERVICE_STARTING);
	mono_ms now = live(&m, 0, SERVICE_STABLE_MS + SERVICE_PING_EVERY_MS) + 1;

	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now), LOST);
	CU_ASSERT_EQUAL(m.state, SERVICE_WAITING);
	CU_ASSERT_EQUAL(service_machine_deadline(&m), now);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, now), SPAWN);
}

static void one_that_was_killed_is_followed_as_it_lived(void)
{
	struct service_machine m = machine_in(SERVICE_STARTING);
	mono_ms now = live(&m, 0, SERVICE_STABLE_MS + SERVICE_PING_EVERY_MS) + 1;

	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_LIED, now), LOST | KILL);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now + 50), 0);
	CU_ASSERT_EQUAL(service_machine_deadline(&m), now + 50);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, now + 50), SPAWN);
	now = live(&m, now + 60, 0);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_LIED, now + 10), LOST | KILL);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now + 20), 0);
	CU_ASSERT_EQUAL(service_machine_deadline(&m), now + 20 + SERVICE_BACKOFF_FIRST_MS);
}

static void one_that_is_abandoned_does_not_take_the_next_with_it(void)
{
	struct service_machine m = machine_in(SERVICE_STARTING);
	mono_ms now = live(&m, 0, SERVICE_STABLE_MS + SERVICE_PING_EVERY_MS) + 1;

	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_LIED, now), LOST | KILL);
	now += SERVICE_KILL_LIMIT_MS;
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now), 0); /* in the last moment */
	CU_ASSERT_EQUAL(m.state, SERVICE_WAITING);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, now), SPAWN);
}

static void only_a_stable_life_forgets_failed_births(void)
{
	struct service_machine m = machine_in(SERVICE_WAITING);
	mono_ms now = SERVICE_BACKOFF_FIRST_MS;

	CU_ASSERT_EQUAL(m.level, 1);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, now), SPAWN);
	now = live(&m, now, 0) + 10;
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now), LOST);
	CU_ASSERT_EQUAL(m.level, 1);
	now = service_machine_deadline(&m);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_DEADLINE, now), SPAWN);
	now = live(&m, now, SERVICE_STABLE_MS + SERVICE_PING_EVERY_MS) + 1;
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, now), LOST);
	CU_ASSERT_EQUAL(m.level, 0);
}

static void an_adopted_service_is_up_and_pinged_at_once(void)
{
	struct service_machine m;

	service_machine_init(&m, RETRY);
	service_machine_adopt(&m, 5000, 1000, 7);
	CU_ASSERT_EQUAL(m.state, SERVICE_UP);
	CU_ASSERT_EQUAL(m.starts, 7);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_START, 5000), PING);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_PONG, 5010), 0);
	CU_ASSERT_EQUAL(step(&m, SERVICE_EVENT_EXITED, 5020), LOST);
	CU_ASSERT_EQUAL(service_machine_deadline(&m), 5020 + SERVICE_BACKOFF_FIRST_MS);
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
	{"births that fail wait longer, up to a limit", births_that_fail_wait_longer_up_to_a_limit},
	{"no back-off is longer than the retry", no_back_off_is_longer_than_the_retry},
	{"hurry ends a long back-off", hurry_ends_a_long_back_off},
	{"hurry does not spawn more than once a second",
	 hurry_does_not_spawn_more_than_once_a_second},
	{"a short life is followed after a second, however often",
	 a_short_life_is_followed_after_a_second_however_often},
	{"a stable life is followed at once", a_stable_life_is_followed_at_once},
	{"one that was killed is followed as it lived",
	 one_that_was_killed_is_followed_as_it_lived},
	{"one that is abandoned does not take the next with it",
	 one_that_is_abandoned_does_not_take_the_next_with_it},
	{"only a stable life forgets failed births", only_a_stable_life_forgets_failed_births},
	{"an adopted service is up and pinged at once",
	 an_adopted_service_is_up_and_pinged_at_once},
	{"heartbeats do not stretch a load for ever", heartbeats_do_not_stretch_a_load_for_ever},
	{"a silent service is killed after one ping", a_silent_service_is_killed_after_one_ping},
	{"what is due comes before the event", what_is_due_comes_before_the_event},
	{"wanted again while stopping, it starts at once",
	 wanted_again_while_stopping_it_starts_at_once},
	{"unwanted after the kill, it stays down", unwanted_after_the_kill_it_stays_down},
	{"every state and event has a name", every_state_and_event_has_a_name},
};

UNIT_MAIN("service_machine", tests)
