/* SPDX-License-Identifier: GPL-2.0-only */
/* The definition machine and its generations: starts, what is kept, what is rejected; and any sequence of events against what must hold of all. */
#include "tests/support/machine_lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit_main.h"

#define SEQUENCES 300
#define EVENTS 400

static struct definition_machine three_on_disk(uint64_t active, uint64_t good, mono_ms left)
{
	struct definition_machine m;

	definition_machine_init(&m, MACHINE_PROBATION);
	for (uint64_t number = 20; number < 23; number++) {
		struct definition_facts facts = machine_facts((char)('a' + number - 20), 100, 5);

		CU_ASSERT_EQUAL(definition_machine_restore(&m, number, &facts), 0);
		CU_ASSERT_EQUAL(definition_machine_restore(&m, number, &facts), -EINVAL);
	}
	definition_machine_start(&m, active, good, left);
	return m;
}

/* Content that came a second time, by force: what is left is rejected by its digest, and would take its twin along at the next start. */
static void nobody_goes_back_to_the_content_that_is_left(void)
{
	struct definition_machine m = machine_fresh();
	uint64_t first = machine_serve(&m, 0, 'a', 5), other, twin;

	definition_machine_tick(&m, MACHINE_PROBATION);
	(void)machine_effects(&m);
	other = machine_serve(&m, MACHINE_PROBATION + 1, 'b', 5);
	twin = machine_serve(&m, MACHINE_PROBATION + 2, 'a', 5);
	CU_ASSERT(m.active == twin && m.good == first);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, first), -EALREADY);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, twin), -EALREADY);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 0), 0);
	CU_ASSERT_EQUAL(m.target, other);
}

static void the_start_takes_the_active_one(void)
{
	struct definition_machine m = three_on_disk(22, 21, 5000);
	uint64_t number;

	SAYS(&m, "activate 22");
	definition_machine_up(&m, 100, 22);
	SAYS(&m, "link 22");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), 5100); /* the rest of the probation */
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_UPDATE, false, &number), 0);
	CU_ASSERT_EQUAL(number, 23);
}

static void the_start_goes_through_all_that_there_is(void)
{
	struct definition_machine m = three_on_disk(22, 20, 0);

	SAYS(&m, "activate 22");
	definition_machine_not_up(&m, 22, true);
	SAYS(&m, "remember c/%u, back 20/%u, activate 20", REJECTION_NOT_UP, REJECTION_NOT_UP);
	definition_machine_not_up(&m, 20, true);
	SAYS(&m, "link-good 0, remember a/%u, back 21/%u, activate 21", REJECTION_NOT_UP,
	     REJECTION_NOT_UP);
	definition_machine_not_up(&m, 21, true);
	SAYS(&m, "remember b/%u, back 0/%u, activate 0", REJECTION_NOT_UP, REJECTION_NOT_UP);
	definition_machine_up(&m, 100, 0);
	SAYS(&m, "link 0, drop 20, drop 21, drop 22");
	CU_ASSERT_EQUAL(m.active, 0);
}

static void links_that_lead_nowhere(void)
{
	struct definition_machine m = three_on_disk(99, 98, 0);

	SAYS(&m, "activate 22");
	definition_machine_up(&m, 100, 22);
	SAYS(&m, "link 22");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), 100 + MACHINE_PROBATION);
}

static void three_are_kept_and_what_is_needed(void)
{
	struct definition_machine m = machine_fresh();

	(void)machine_serve(&m, 0, 'a', 5);
	definition_machine_tick(&m, MACHINE_PROBATION); /* 10 is good, and stays */
	(void)machine_effects(&m);
	for (int i = 0; i < 6; i++)
		(void)machine_serve(&m, 1000000, (char)('b' + i), 5);
	CU_ASSERT_PTR_NOT_NULL(definition_machine_find(&m, 10));
	CU_ASSERT_PTR_NOT_NULL(definition_machine_find(&m, 15));
	CU_ASSERT_PTR_NOT_NULL(definition_machine_find(&m, 16));
	CU_ASSERT_PTR_NULL(definition_machine_find(&m, 14));
}

static void rejections_are_bounded_and_the_newest_are_kept(void)
{
	struct definition_machine m = machine_fresh();
	uint8_t digest[LIMIT_DIGEST_BYTES] = {0};

	for (unsigned i = 0; i < DEFINITIONS_REJECTED_MAX + 10; i++) {
		digest[1] = (uint8_t)i;
		digest[2] = (uint8_t)(i >> 8);
		definition_machine_restore_rejected(&m, digest);
		definition_machine_restore_rejected(&m, digest);
	}
	CU_ASSERT_TRUE(definition_machine_is_rejected(&m, digest));
	memset(digest, 0, sizeof(digest));
	CU_ASSERT_FALSE(definition_machine_is_rejected(&m, digest));
	digest[1] = 10;
	CU_ASSERT_TRUE(definition_machine_is_rejected(&m, digest));
}

/* ---- any sequence ---- */

struct watcher {
	uint64_t staged, ended, shut; /* candidates; of shut: published or discarded */
	uint64_t ordered;             /* by the last ACTIVATE */
	uint64_t active_link, good_link;
};

static void watch(struct definition_machine *m, struct watcher *w)
{
	struct definition_effect e;

	while (definition_machine_next_effect(m, &e)) {
		w->ended += e.kind == DEFINITION_ENDED;
		if (e.kind == DEFINITION_ACTIVATE)
			w->ordered = e.generation;
		if (e.kind == DEFINITION_DROP) {
			CU_ASSERT(e.generation != m->active && e.generation != m->good &&
				  e.generation != m->target);
			CU_ASSERT(e.generation != w->active_link && e.generation != w->good_link);
		}
		if (e.kind == DEFINITION_POINT_ACTIVE || e.kind == DEFINITION_POINT_GOOD)
			CU_ASSERT(!e.generation || definition_machine_find(m, e.generation));
		if (e.kind == DEFINITION_POINT_ACTIVE)
			w->active_link = e.generation;
		if (e.kind == DEFINITION_POINT_GOOD)
			w->good_link = e.generation;
	}
	CU_ASSERT(m->target == DEFINITIONS_NONE || m->target == w->ordered);
	CU_ASSERT(!m->active || definition_machine_find(m, m->active));
	CU_ASSERT(!m->good || !definition_machine_find(m, m->good)->is_bad);
	CU_ASSERT_EQUAL(w->staged - w->ended, m->candidate.phase != CANDIDATE_NONE);
}

static void any_event(struct definition_machine *m, struct watcher *w, mono_ms now)
{
	uint64_t any = m->last ? m->last - (uint64_t)(rand() % 4) : 0, number;
	struct trial_report report =
		machine_passed((char)(rand() % 40), (uint64_t)(rand() % 300), 5);
	uint8_t digest[LIMIT_DIGEST_BYTES] = {(uint8_t)(rand() % 40)};

	switch (rand() % 10) {
	case 9:
		definition_machine_broken(m, rand() % 2 ? m->active : any);
		break;
	case 0:
		w->staged += !definition_machine_stage(m, rand() % 3, rand() % 2, &number);
		break;
	case 1:
		definition_machine_staged(m, rand() % 9 ? digest : NULL);
		break;
	case 2:
		report.refused = rand() % 4 ? REJECTION_NONE : REJECTION_TRIAL_DIED;
		definition_machine_tried(m, &report);
		break;
	case 3:
		definition_machine_published(m, rand() % 5);
		break;
	case 4:
		definition_machine_up(m, now, rand() % 4 ? m->target : any);
		break;
	case 5:
		definition_machine_not_up(m, rand() % 4 ? m->active : any, rand() % 2);
		break;
	case 6:
		definition_machine_storm(m, now - rand() % 1000);
		break;
	case 7:
		definition_machine_tick(m, now);
		break;
	default:
		w->staged += !definition_machine_roll_back(m, rand() % 2 ? any : 0);
		break;
	}
	watch(m, w);
}

/* What the disk has changed may come again. */
static void broken_files_are_put_aside_but_not_rejected(void)
{
	struct definition_machine m = machine_fresh();
	uint64_t first = machine_serve(&m, 0, 'a', 5), second;

	definition_machine_tick(&m, MACHINE_PROBATION);
	(void)machine_effects(&m);
	second = machine_serve(&m, MACHINE_PROBATION + 1, 'b', 6);
	definition_machine_broken(&m, second);
	SAYS(&m, "back %llu/%d, activate %llu", (unsigned long long)first, REJECTION_BROKEN,
	     (unsigned long long)first);
	definition_machine_up(&m, MACHINE_PROBATION + 2, first);
	SAYS(&m, "link %llu, drop %llu", (unsigned long long)first, (unsigned long long)second);
	CU_ASSERT_EQUAL(m.n_rejected, 0);
	CU_ASSERT_EQUAL(machine_serve(&m, MACHINE_PROBATION + 3, 'b', 6), second + 1);
	definition_machine_broken(&m, first); /* nothing needs it: it only goes */
	SAYS(&m, "link-good 0, drop %llu", (unsigned long long)first);
	CU_ASSERT_EQUAL(m.good, DEFINITIONS_BUILTIN);
	CU_ASSERT_EQUAL(m.active, second + 1);
}

static void what_was_not_known_is_learnt_from_a_service(void)
{
	struct definition_facts unknown = {.digest = {'a'}, .bytes = 7};
	struct definition_facts told = machine_facts('z', 100, 5);
	struct definition_machine m;
	const struct generation *g;

	definition_machine_init(&m, MACHINE_PROBATION);
	definition_machine_count_from(&m, 40);
	CU_ASSERT_EQUAL(definition_machine_restore(&m, 12, &unknown), 0);
	definition_machine_start(&m, 12, 12, 0);
	SAYS(&m, "activate 12");
	definition_machine_learn(&m, 12, &told);
	g = definition_machine_find(&m, 12);
	CU_ASSERT(g->facts.signatures == 100 && g->facts.bytes == 7 && g->facts.digest[0] == 'a');
	told.signatures = 3;
	definition_machine_learn(&m, 12, &told);
	told.engine_bytes = 77;
	definition_machine_learn(&m, 12, &told);
	CU_ASSERT(g->facts.signatures == 100 &&
		  g->facts.engine_bytes == 77); /* what a trial found out stays */
	definition_machine_up(&m, 1, 12);
	(void)machine_effects(&m);
	CU_ASSERT_EQUAL(machine_stage(&m, false, 'c'), 41);
}

/* Else a restart would take it for bad, though root wanted it and it serves. */
static void what_was_forced_is_forgiven(void)
{
	struct definition_machine m = machine_fresh();
	struct trial_report report = machine_passed('a', 100, 5);
	uint64_t number;

	for (unsigned i = 0; i < DEFINITIONS_REJECTED_MAX + 3; i++)
		definition_machine_restore_rejected(
			&m, (const uint8_t[LIMIT_DIGEST_BYTES]){(uint8_t)i, (uint8_t)(i >> 8), 1});
	definition_machine_restore_rejected(&m, report.facts.digest);
	number = machine_stage(&m, true, 'a');
	SAYS(&m, "try %llu", (unsigned long long)number);
	definition_machine_tried(&m, &report);
	SAYS(&m, "publish %llu", (unsigned long long)number);
	definition_machine_published(&m, true);
	SAYS(&m, "forgive a, activate %llu", (unsigned long long)number);
	CU_ASSERT_FALSE(definition_machine_is_rejected(&m, report.facts.digest));
	CU_ASSERT_EQUAL(m.n_rejected, DEFINITIONS_REJECTED_MAX - 1);
	CU_ASSERT_TRUE(definition_machine_is_rejected(
		&m, (const uint8_t[LIMIT_DIGEST_BYTES]){4, 0, 1})); /* the oldest that is left */
	CU_ASSERT_FALSE(
		definition_machine_is_rejected(&m, (const uint8_t[LIMIT_DIGEST_BYTES]){3, 0, 1}));
}

static void what_a_link_leads_to_stays(void)
{
	struct definition_facts good = machine_facts('a', 100, 5), bad = machine_facts('b', 100, 6);
	struct definition_machine m;

	definition_machine_init(&m, MACHINE_PROBATION);
	definition_machine_restore_rejected(&m, bad.digest);
	CU_ASSERT_EQUAL(definition_machine_restore(&m, 12, &good), 0);
	CU_ASSERT_EQUAL(definition_machine_restore(&m, 13, &bad), 0);
	definition_machine_start(&m, 13, 12, 0);
	SAYS(&m, "activate 12");
	definition_machine_up(&m, 1, 12);
	SAYS(&m, "link 12, drop 13");
}

static void any_sequence_keeps_what_must_hold(void)
{
	for (unsigned seed = 0; seed < SEQUENCES; seed++) {
		struct definition_machine m = machine_fresh();
		struct watcher w = {0};
		mono_ms now = 0;

		srand(seed);
		for (unsigned i = 0; i < EVENTS; i++) {
			now += rand() % 200000;
			any_event(&m, &w, now);
		}
	}
}

static const struct unit_test tests[] = {
	{"what was forced is forgiven", what_was_forced_is_forgiven},
	{"what a link leads to stays", what_a_link_leads_to_stays},
	{"broken files are put aside but not rejected",
	 broken_files_are_put_aside_but_not_rejected},
	{"what was not known is learnt from a service",
	 what_was_not_known_is_learnt_from_a_service},
	{"nobody goes back to the content that is left",
	 nobody_goes_back_to_the_content_that_is_left},
	{"the start takes the active one", the_start_takes_the_active_one},
	{"the start goes through all that there is", the_start_goes_through_all_that_there_is},
	{"links that lead nowhere", links_that_lead_nowhere},
	{"three are kept and what is needed", three_are_kept_and_what_is_needed},
	{"rejections are bounded and the newest are kept",
	 rejections_are_bounded_and_the_newest_are_kept},
	{"any sequence keeps what must hold", any_sequence_keeps_what_must_hold},
};

UNIT_MAIN("definition_generations", tests);
