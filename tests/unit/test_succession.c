/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/succession.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit_main.h"

#define TEXT 200

/* One letter and the place for each effect: S start, X stop, K kill, P promote, B standby, L lost, G gave up, D all down. */
static const char *said(const struct succession *s)
{
	static char text[TEXT];
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < s->n_effects; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%c%u", i ? " " : "",
				       "SXKPBLGD"[s->effects[i].kind], s -> effects[i].place);
	return text;
}

static void step(struct succession *s, enum succession_event event, unsigned place,
		 const char *expected)
{
	succession_step(s, event, place, true);
	if (strcmp(said(s), expected) != 0)
		printf("# %s %u: %s, expected %s\n", succession_event_name(event), place, said(s),
		       expected);
	CU_ASSERT_STRING_EQUAL(said(s), expected);
}

static struct succession begun(bool standby)
{
	struct succession s;

	succession_init(&s, standby);
	step(&s, SUCCESSION_START, 0, "S0");
	return s;
}

static struct succession serving(bool standby)
{
	struct succession s = begun(standby);

	step(&s, SUCCESSION_UP, 0, standby ? "P0 S1" : "P0");
	return s;
}

static struct succession with_standby(void)
{
	struct succession s = serving(true);

	step(&s, SUCCESSION_UP, 1, "B1");
	return s;
}

static struct succession switched(void)
{
	struct succession s = serving(false);

	step(&s, SUCCESSION_REPLACE, 0, "S1");
	step(&s, SUCCESSION_UP, 1, "P1");
	CU_ASSERT_EQUAL(s.roles[0], ROLE_OUTGOING);
	return s;
}

static void one_life_serves_and_comes_back(void)
{
	struct succession s = serving(false);

	step(&s, SUCCESSION_LOST, 0, "L0");
	step(&s, SUCCESSION_FAILED, 0, "");
	step(&s, SUCCESSION_UP, 0, "P0");
	CU_ASSERT_EQUAL(succession_active(&s), 0);
	step(&s, SUCCESSION_START, 0, "");
}

static void a_replacement_has_no_gap(void)
{
	struct succession s = switched();

	CU_ASSERT_EQUAL(succession_active(&s), 1);
	step(&s, SUCCESSION_DRAINED, 0, "X0");
	step(&s, SUCCESSION_LOST, 0, ""); /* it was up when it was told to stop */
	step(&s, SUCCESSION_DOWN, 0, "");
	CU_ASSERT_EQUAL(s.roles[0], ROLE_NONE);
	step(&s, SUCCESSION_REPLACE, 0, "S0");
}

static void a_replacement_that_fails_is_given_up(void)
{
	struct succession s = serving(false);

	step(&s, SUCCESSION_REPLACE, 0, "S1");
	step(&s, SUCCESSION_FAILED, 1, "G1 X1");
	step(&s, SUCCESSION_DOWN, 1, "");
	CU_ASSERT_EQUAL(succession_active(&s), 0);
}

static void without_memory_for_two_there_is_a_gap(void)
{
	struct succession s = serving(false);

	succession_step(&s, SUCCESSION_REPLACE, 0, false);
	CU_ASSERT_STRING_EQUAL(said(&s), "K0");
	step(&s, SUCCESSION_LOST, 0, "L0");
	step(&s, SUCCESSION_UP, 0, "P0");
}

static void a_standby_takes_over_at_once(void)
{
	struct succession s = with_standby();

	step(&s, SUCCESSION_LOST, 0, "P1");
	CU_ASSERT_EQUAL(s.roles[0], ROLE_STANDBY);
	step(&s, SUCCESSION_FAILED, 0, "");
	step(&s, SUCCESSION_UP, 0, "B0");
	step(&s, SUCCESSION_LOST, 1, "P0");
}

static void a_standby_that_is_up_first_serves(void)
{
	struct succession s = serving(true);

	step(&s, SUCCESSION_LOST, 0, "L0");
	step(&s, SUCCESSION_UP, 1, "P1");
	CU_ASSERT_EQUAL(s.roles[0], ROLE_STANDBY);
	step(&s, SUCCESSION_UP, 0, "B0");
}

static void a_standby_makes_room_for_the_next(void)
{
	struct succession s = with_standby();

	step(&s, SUCCESSION_REPLACE, 0, "X1");
	step(&s, SUCCESSION_LOST, 1, "");
	step(&s, SUCCESSION_DOWN, 1, "S1");
	CU_ASSERT_EQUAL(s.roles[1], ROLE_NEXT);
	step(&s, SUCCESSION_UP, 1, "P1");
	step(&s, SUCCESSION_DRAINED, 0, "X0");
	step(&s, SUCCESSION_DOWN, 0, "S0"); /* the new standby */
	CU_ASSERT_EQUAL(s.roles[0], ROLE_STANDBY);
}

static void a_request_while_one_is_under_way_is_kept(void)
{
	struct succession s = serving(false);

	step(&s, SUCCESSION_REPLACE, 0, "S1");
	step(&s, SUCCESSION_REPLACE, 0, "");
	step(&s, SUCCESSION_UP, 1, "P1");
	step(&s, SUCCESSION_DRAINED, 0, "X0");
	step(&s, SUCCESSION_DOWN, 0, "S0");
	step(&s, SUCCESSION_UP, 0, "P0");
	step(&s, SUCCESSION_DRAINED, 1, "X1");
	step(&s, SUCCESSION_DOWN, 1, "");
}

static void of_two_that_are_born_the_first_serves(void)
{
	struct succession s = serving(false);

	step(&s, SUCCESSION_REPLACE, 0, "S1");
	step(&s, SUCCESSION_LOST, 0, "L0");
	step(&s, SUCCESSION_UP, 1, "P1 X0");
	step(&s, SUCCESSION_DOWN, 0, "");
	step(&s, SUCCESSION_REPLACE, 0, "S0");
	step(&s, SUCCESSION_LOST, 1, "L1");
	step(&s, SUCCESSION_UP, 1, "P1 X0");
}

static void an_outgoing_one_that_still_lives_takes_over_again(void)
{
	struct succession s = switched();

	step(&s, SUCCESSION_LOST, 1, "P0");
	CU_ASSERT_EQUAL(s.roles[1], ROLE_NEXT);
	step(&s, SUCCESSION_DRAINED, 0, ""); /* said before it served again */
	step(&s, SUCCESSION_UP, 1, "P1");
	step(&s, SUCCESSION_DRAINED, 0, "X0");
}

static void an_outgoing_one_that_dies_is_not_brought_back(void)
{
	struct succession s = switched();

	step(&s, SUCCESSION_LOST, 0, "X0");
	step(&s, SUCCESSION_DOWN, 0, "");
}

static void a_request_before_the_first_is_up_waits_for_it(void)
{
	struct succession s = begun(false);

	step(&s, SUCCESSION_REPLACE, 0, "");
	step(&s, SUCCESSION_UP, 0, "P0 S1");
}

static void stop_ends_all(void)
{
	struct succession s = with_standby();

	step(&s, SUCCESSION_STOP, 0, "X0 X1");
	step(&s, SUCCESSION_LOST, 0, "");
	step(&s, SUCCESSION_DOWN, 1, "");
	step(&s, SUCCESSION_UP, 0, "");
	step(&s, SUCCESSION_DOWN, 0, "D0");
	step(&s, SUCCESSION_STOP, 0, "D0");
	step(&s, SUCCESSION_REPLACE, 0, "");
}

static void started_again_while_it_stops(void)
{
	struct succession s = with_standby();

	step(&s, SUCCESSION_STOP, 0, "X0 X1");
	step(&s, SUCCESSION_START, 0, "");
	step(&s, SUCCESSION_DOWN, 1, "S1");
	step(&s, SUCCESSION_DOWN, 0, "");
	step(&s, SUCCESSION_UP, 1, "P1 S0");
}

static void an_adopted_one_serves_without_a_start(void)
{
	struct succession s;

	succession_init(&s, true);
	succession_adopt(&s, 1);
	step(&s, SUCCESSION_START, 0, "P1 S0");
	step(&s, SUCCESSION_UP, 0, "B0");
}

/* ---- any sequence: two lives that behave as service_machine lets them, and succession between them ---- */

struct life {
	bool wanted, up;
};

struct world {
	struct succession s;
	struct life lives[SUCCESSION_PLACES];
	int current; /* whom the dispatcher was told last; -1 */
	bool stopped, killing;
};

static void settle_effect(struct world *w, const struct succession_effect *effect)
{
	struct life *life = &w->lives[effect->place];

	switch (effect->kind) {
	case SUCCESSION_DO_START:
		CU_ASSERT(!life->wanted && !w->stopped);
		life->wanted = true;
		break;
	case SUCCESSION_DO_STOP:
		CU_ASSERT(life->wanted);
		CU_ASSERT(w->stopped || !life->up || w->lives[1 - effect->place].up);
		life->wanted = false;
		break;
	case SUCCESSION_DO_KILL:
		CU_ASSERT(life->up && !w->stopped);
		w->killing = true;
		break;
	case SUCCESSION_DO_PROMOTE:
		CU_ASSERT(life->up && life->wanted);
		w->current = (int)effect->place;
		break;
	case SUCCESSION_DO_STANDBY:
		CU_ASSERT(life->up && w->current == 1 - (int)effect->place);
		break;
	case SUCCESSION_DO_LOST:
		CU_ASSERT(!life->up && w->current == (int)effect->place);
		w->current = -1;
		break;
	case SUCCESSION_GAVE_UP:
		CU_ASSERT(!life->up);
		break;
	case SUCCESSION_ALL_DOWN:
		CU_ASSERT(w->stopped && !w->lives[0].wanted && !w->lives[1].wanted);
		break;
	}
}

static void check(const struct world *w)
{
	int active = succession_active(&w->s);

	CU_ASSERT(w->s.roles[0] != ROLE_ACTIVE || w->s.roles[1] != ROLE_ACTIVE);
	if (w->stopped)
		return;
	CU_ASSERT(active >= 0 || w->s.stopping[0] || w->s.stopping[1]);
	/* Scanning goes on as long as one that was not told to end is up. */
	for (unsigned place = 0; place < SUCCESSION_PLACES; place++) {
		if (w->lives[place].up && w->lives[place].wanted)
			CU_ASSERT(w->current >= 0 && w->lives[w->current].up);
		if (w->s.roles[place] == ROLE_STANDBY)
			CU_ASSERT(w->s.standby_wanted);
	}
}

static void tell(struct world *w, enum succession_event event, unsigned place, bool fits)
{
	struct succession_effect effects[SUCCESSION_EFFECTS];
	unsigned n;

	succession_step(&w->s, event, place, fits);
	n = w->s.n_effects;
	memcpy(effects, w->s.effects, sizeof(effects));
	for (unsigned i = 0; i < n; i++)
		settle_effect(w, &effects[i]);
	if (w->killing) {
		int active = succession_active(&w->s);

		w->killing = w->lives[active].up = false;
		tell(w, SUCCESSION_LOST, (unsigned)active, false);
	}
	check(w);
}

static void live(struct world *w, unsigned place)
{
	struct life *life = &w->lives[place];
	bool was_up = life->up;

	if (!life->wanted) {
		if (!w->s.stopping[place])
			return;
		life->up = false;
		if (was_up)
			tell(w, SUCCESSION_LOST, place, false);
		tell(w, SUCCESSION_DOWN, place, false);
		return;
	}
	life->up = !was_up && random() % 2;
	tell(w,
	     was_up     ? SUCCESSION_LOST
	     : life->up ? SUCCESSION_UP
			: SUCCESSION_FAILED,
	     place, false);
}

static void happen(struct world *w)
{
	unsigned place = (unsigned)random() % SUCCESSION_PLACES;

	switch (random() % 10) {
	case 0:
		tell(w, SUCCESSION_REPLACE, 0, random() % 2);
		break;
	case 1:
	case 2:
		tell(w, SUCCESSION_DRAINED, place, false);
		break;
	case 3:
		if (random() % 8 == 0) {
			w->stopped = true;
			tell(w, SUCCESSION_STOP, 0, false);
		}
		break;
	case 4:
		w->stopped = false;
		tell(w, SUCCESSION_START, 0, false);
		break;
	default:
		live(w, place);
	}
}

static void any_sequence_keeps_the_promises(void)
{
	srandom(7); /* the same run each time */
	for (unsigned run = 0; run < 400; run++) {
		struct world w = {.current = -1};

		succession_init(&w.s, run % 2);
		tell(&w, SUCCESSION_START, 0, false);
		for (unsigned i = 0; i < 500; i++)
			happen(&w);
		w.stopped = true;
		tell(&w, SUCCESSION_STOP, 0, false);
		live(&w, 0);
		live(&w, 1);
		CU_ASSERT(w.s.roles[0] == ROLE_NONE && w.s.roles[1] == ROLE_NONE);
		step(&w.s, SUCCESSION_STOP, 0, "D0");
	}
}

static const struct unit_test tests[] = {
	{"one life serves and comes back", one_life_serves_and_comes_back},
	{"a replacement has no gap", a_replacement_has_no_gap},
	{"a replacement that fails is given up", a_replacement_that_fails_is_given_up},
	{"without memory for two there is a gap", without_memory_for_two_there_is_a_gap},
	{"a standby takes over at once", a_standby_takes_over_at_once},
	{"a standby that is up first serves", a_standby_that_is_up_first_serves},
	{"a standby makes room for the next", a_standby_makes_room_for_the_next},
	{"a request while one is under way is kept", a_request_while_one_is_under_way_is_kept},
	{"of two that are born, the first serves", of_two_that_are_born_the_first_serves},
	{"an outgoing one that still lives takes over again",
	 an_outgoing_one_that_still_lives_takes_over_again},
	{"an outgoing one that dies is not brought back",
	 an_outgoing_one_that_dies_is_not_brought_back},
	{"a request before the first is up waits for it",
	 a_request_before_the_first_is_up_waits_for_it},
	{"stop ends all", stop_ends_all},
	{"started again while it stops", started_again_while_it_stops},
	{"an adopted one serves without a start", an_adopted_one_serves_without_a_start},
	{"any sequence keeps the promises", any_sequence_keeps_the_promises},
};

UNIT_MAIN("succession", tests)
