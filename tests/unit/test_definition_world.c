/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The definition machine in a world that answers late or never, forgets and is killed: a disk that does errands in their order and may fail at
 * them, a journal that loses its end, a scan service that loads what was ordered last, sets that never come up and sets that make workers crash.
 * What must hold of each step, and that all comes to rest when the world does.
 */
#include "ampdaemon/core/definition_machine.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit_main.h"

#define PROBATION 900000
#define SEQUENCES 300
#define EVENTS 400
#define NUMBERS 1000 /* more than a sequence gives */
#define QUEUE 64
#define DIGESTS 40

/* What the next life finds. */
struct kept {
	uint64_t last, probation;
	mono_ms probation_ends;
	bool rejected[DIGESTS + 1];
};

static struct world {
	struct definition_machine m;
	mono_ms now;
	/* the disk */
	char disk[NUMBERS]; /* digest of the generation; 0: there is none */
	uint64_t active_link, good_link;
	struct definition_effect errands[QUEUE];
	unsigned n_errands;
	bool disk_fails;
	/* the journal: what was written, what is safe */
	struct kept written, safe;
	/* the service */
	uint64_t choice, serving;
	/* the candidate */
	uint64_t tried; /* 0: no trial runs */
	char digest;
	uint64_t begun, ended;
	/* what has been */
	mono_ms first_up[NUMBERS];
} w;

/* ---- what sets are like ---- */

static bool never_comes_up(char digest)
{
	return digest % 5 == 0;
}

static bool crashes_workers(char digest)
{
	return digest % 5 == 1;
}

static struct definition_facts facts_of(char digest)
{
	return (struct definition_facts){.digest = {(uint8_t)digest}, .signatures = 100};
}

/* ---- the disk ---- */

static void do_errand(void)
{
	struct definition_effect e = w.errands[0];
	bool fails = w.disk_fails && rand() % 3 == 0;

	memmove(&w.errands[0], &w.errands[1], --w.n_errands * sizeof(e));
	if (e.kind == DEFINITION_PUBLISH) {
		if (!fails) {
			w.disk[e.generation] = w.digest;
			w.first_up[e.generation] = MONO_NEVER;
		}
		definition_machine_published(&w.m, !fails);
	} else if (e.kind == DEFINITION_POINT_ACTIVE && !fails) {
		CU_ASSERT(!e.generation || w.disk[e.generation]);
		w.active_link = e.generation;
	} else if (e.kind == DEFINITION_POINT_GOOD && !fails) {
		w.good_link = e.generation;
	} else if (e.kind == DEFINITION_DROP && !fails && e.generation != w.active_link &&
		   e.generation != w.good_link) {
		CU_ASSERT_NOT_EQUAL(e.generation, w.choice); /* births would find nothing */
		w.disk[e.generation] = 0;
	}
}

/* ---- effects ---- */

/* The one that serves may be rejected by another trial of the same content: it is not taken away for that. */
static void order(const struct definition_effect *e)
{
	const struct generation *g = definition_machine_find(&w.m, e->generation);

	CU_ASSERT(!g || e->generation == w.m.active ||
		  w.m.candidate.phase == CANDIDATE_ACTIVATING ||
		  !definition_machine_is_rejected(&w.m, g->facts.digest));

	CU_ASSERT(!e->generation || (g && !g->is_bad));
	w.choice = e->generation;
}

static void ask_disk(const struct definition_effect *e)
{
	if (e->kind == DEFINITION_POINT_ACTIVE && e->generation)
		CU_ASSERT_NOT_EQUAL(w.first_up[e->generation], MONO_NEVER);
	if (e->kind == DEFINITION_POINT_GOOD && e->generation)
		CU_ASSERT(w.first_up[e->generation] + PROBATION <= w.now);
	CU_ASSERT_FATAL(w.n_errands < QUEUE);
	w.errands[w.n_errands++] = *e;
}

static void carry_out(const struct definition_effect *e)
{
	if (e->kind == DEFINITION_ACTIVATE)
		order(e);
	else if (e->kind == DEFINITION_TRY)
		w.tried = e->generation;
	else if (e->kind == DEFINITION_REMEMBER || e->kind == DEFINITION_FORGIVE)
		w.written.rejected[e->digest[0]] = e->kind == DEFINITION_REMEMBER;
	else if (e->kind == DEFINITION_ENDED)
		w.ended++;
	else if (e->kind == DEFINITION_PUBLISH || e->kind == DEFINITION_POINT_ACTIVE ||
		 e->kind == DEFINITION_POINT_GOOD || e->kind == DEFINITION_DROP)
		ask_disk(e);
}

static void pump(void)
{
	struct definition_effect e;
	uint64_t probation;

	while (definition_machine_next_effect(&w.m, &e))
		carry_out(&e);
	probation = w.m.probation_ends == MONO_NEVER ? 0 : w.m.active;
	if (probation != w.written.probation)
		w.written.probation_ends = w.m.probation_ends;
	w.written.probation = probation;
	w.written.last = w.m.last;
	CU_ASSERT_EQUAL(w.begun - w.ended, w.m.candidate.phase != CANDIDATE_NONE);
	CU_ASSERT(w.m.target == DEFINITIONS_NONE || w.m.target == w.choice);
	CU_ASSERT(w.m.target != DEFINITIONS_NONE || w.m.active == w.choice);
	CU_ASSERT(!w.choice || definition_machine_find(&w.m, w.choice));
}

/* ---- lives ---- */

static void live(void)
{
	uint64_t active = w.disk[w.active_link] ? w.active_link : 0;
	uint64_t good = w.disk[w.good_link] ? w.good_link : 0;
	mono_ms left = 0;

	w.tried = w.begun = w.ended = w.n_errands = 0;
	w.serving = DEFINITIONS_NONE;
	w.written = w.safe;
	definition_machine_init(&w.m, PROBATION);
	definition_machine_count_from(&w.m, w.safe.last);
	for (unsigned i = 1; i <= DIGESTS; i++) {
		struct definition_facts facts = facts_of((char)i);

		if (w.safe.rejected[i])
			definition_machine_restore_rejected(&w.m, facts.digest);
	}
	for (uint64_t number = NUMBERS - 1; number > 0; number--) {
		struct definition_facts facts = facts_of(w.disk[number]);

		if (w.disk[number] && definition_machine_restore(&w.m, number, &facts))
			w.errands[w.n_errands++] = (struct definition_effect){
				.kind = DEFINITION_DROP, .generation = number};
	}
	if (w.safe.probation && w.safe.probation == active)
		left = w.safe.probation_ends > w.now ? w.safe.probation_ends - w.now : 1;
	definition_machine_start(&w.m, active, good, left);
	pump();
}

static void die(void)
{
	if (rand() % 2)
		w.safe = w.written;
	live();
}

/* ---- events ---- */

static void birth(void)
{
	char digest = w.choice ? w.disk[w.choice] : 0;

	if (w.choice && (!digest || never_comes_up(digest))) {
		definition_machine_not_up(&w.m, w.choice, true);
		return;
	}
	w.serving = w.choice;
	if (w.choice && w.first_up[w.choice] == MONO_NEVER)
		w.first_up[w.choice] = w.now;
	definition_machine_up(&w.m, w.now, w.choice);
}

/* It serves again though another one was ordered: outgoing, standby. */
static void old_one_again(void)
{
	uint64_t number = w.m.last - (uint64_t)(rand() % 6);

	if (number == w.choice || number < DEFINITIONS_FIRST || !w.disk[number])
		return;
	w.serving = number;
	definition_machine_up(&w.m, w.now, number);
}

static void candidate_goes_on(void)
{
	struct trial_report report = {.promise_kept = rand() % 20 != 0,
				      .facts = facts_of(w.digest)};

	if (w.m.candidate.phase == CANDIDATE_STAGING) {
		w.digest = (char)(1 + rand() % DIGESTS);
		report.facts = facts_of(w.digest);
		definition_machine_staged(&w.m, rand() % 20 ? report.facts.digest : NULL);
	} else if (w.tried) {
		w.tried = 0;
		report.refused = rand() % 10 ? REJECTION_NONE : REJECTION_TRIAL_DIED;
		definition_machine_tried(&w.m, &report);
	}
}

static void storm(void)
{
	if (w.serving != DEFINITIONS_NONE && w.serving && crashes_workers(w.disk[w.serving]))
		definition_machine_storm(&w.m, w.now - rand() % 100000);
}

static void begin(void)
{
	uint64_t number;

	if (!definition_machine_stage(&w.m, rand() % 4 ? ORIGIN_UPDATE : ORIGIN_CHECK,
				      rand() % 8 == 0, &number))
		w.begun++;
}

static void any_event(void)
{
	uint64_t any = w.m.last - (uint64_t)(rand() % 6);

	switch (rand() % 16) {
	case 0:
	case 1:
		begin();
		break;
	case 2:
	case 3:
	case 4:
		candidate_goes_on();
		break;
	case 5:
	case 6:
	case 7:
		if (w.n_errands)
			do_errand();
		break;
	case 8:
	case 9:
		birth();
		break;
	case 10:
		old_one_again();
		break;
	case 11:
		storm();
		break;
	case 12:
		definition_machine_not_up(&w.m, w.choice, false); /* no memory */
		break;
	case 13:
		w.begun += !definition_machine_roll_back(&w.m, rand() % 2 ? any : 0);
		break;
	case 14:
		if (rand() % 4 == 0)
			definition_machine_broken(&w.m, any);
		break;
	default:
		if (rand() % 10 == 0)
			die();
		else if (rand() % 4 == 0)
			w.safe = w.written;
	}
	definition_machine_tick(&w.m, w.now);
	pump();
}

/* Nothing fails any more, and each order is answered. */
static void come_to_rest(void)
{
	w.disk_fails = false;
	for (unsigned i = 0; i < 300; i++) {
		w.now += 1000;
		candidate_goes_on();
		pump();
		if (w.n_errands)
			do_errand();
		pump();
		birth();
		pump();
	}
	CU_ASSERT_EQUAL(w.m.candidate.phase, CANDIDATE_NONE);
	CU_ASSERT_EQUAL(w.m.target, DEFINITIONS_NONE);
	CU_ASSERT_EQUAL(w.begun, w.ended);
	CU_ASSERT(w.serving == w.m.active && w.choice == w.m.active);
	CU_ASSERT(!w.m.active || w.disk[w.m.active]);
	CU_ASSERT_EQUAL(w.n_errands, 0);
	w.now += PROBATION;
	definition_machine_tick(&w.m, w.now);
	pump();
	CU_ASSERT_EQUAL(definition_machine_deadline(&w.m), MONO_NEVER);
	CU_ASSERT_EQUAL(w.m.good, w.m.active);
}

static void run(unsigned seed, bool disk_fails)
{
	memset(&w, 0, sizeof(w));
	for (unsigned i = 0; i < NUMBERS; i++)
		w.first_up[i] = MONO_NEVER;
	srand(seed);
	live();
	w.disk_fails = disk_fails;
	for (unsigned i = 0; i < EVENTS; i++) {
		w.now += rand() % 60000;
		any_event();
	}
	come_to_rest();
}

static void on_a_disk_that_works(void)
{
	for (unsigned seed = 0; seed < SEQUENCES; seed++)
		run(seed, false);
}

static void on_a_disk_that_fails(void)
{
	for (unsigned seed = 0; seed < SEQUENCES; seed++)
		run(SEQUENCES + seed, true);
}

static const struct unit_test tests[] = {
	{"on a disk that works", on_a_disk_that_works},
	{"on a disk that fails", on_a_disk_that_fails},
};

UNIT_MAIN("definition_world", tests)
