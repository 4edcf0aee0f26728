/* SPDX-License-Identifier: GPL-2.0-only */
/* The definition machine as transcripts: events in, the effects as one line of words; and any sequence of events against what must hold of all. */
#include "ampdaemon/core/definition_machine.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/unit_main.h"

#define PROBATION 900000
#define SEQUENCES 300
#define EVENTS 400

static char said[1024];

static const char *const words[] = {
	[DEFINITION_TRY] = "try",           [DEFINITION_PUBLISH] = "publish",
	[DEFINITION_DISCARD] = "discard",   [DEFINITION_ACTIVATE] = "activate",
	[DEFINITION_POINT_ACTIVE] = "link", [DEFINITION_POINT_GOOD] = "link-good",
	[DEFINITION_DROP] = "drop",         [DEFINITION_REMEMBER] = "remember",
	[DEFINITION_ENDED] = "ended",       [DEFINITION_BACK] = "back",
	[DEFINITION_GOOD] = "good",         [DEFINITION_FORGIVE] = "forgive",
};

/* All effects that wait, "word number" each, with the reason behind a slash where there is one. */
static const char *effects(struct definition_machine *m)
{
	struct definition_effect e;
	size_t at = 0;

	said[0] = '\0';
	while (definition_machine_next_effect(m, &e)) {
		text_append(said, sizeof(said), &at, "%s%s", at ? ", " : "", words[e.kind]);
		if (e.kind == DEFINITION_REMEMBER || e.kind == DEFINITION_FORGIVE)
			text_append(said, sizeof(said), &at, " %c", e.digest[0]);
		else
			text_append(said, sizeof(said), &at, " %llu",
				    (unsigned long long)e.generation);
		if (e.rejection != REJECTION_NONE)
			text_append(said, sizeof(said), &at, "/%u", e.rejection);
	}
	return said;
}

#define SAYS(machine, ...)                                                                         \
	do {                                                                                       \
		char expected[1024];                                                               \
		(void)snprintf(expected, sizeof(expected), __VA_ARGS__);                           \
		CU_ASSERT_STRING_EQUAL(effects(machine), expected);                                \
	} while (0)

static struct definition_facts facts_of(char digest, uint64_t signatures, uint32_t version)
{
	struct definition_facts facts = {.digest = {(uint8_t)digest},
					 .signatures = signatures,
					 .n_databases = 2,
					 .databases = {{.name = "main", .version = 1},
						       {.name = "daily", .version = version}}};

	return facts;
}

static struct trial_report passed(char digest, uint64_t signatures, uint32_t version)
{
	return (struct trial_report){.promise_kept = true,
				     .facts = facts_of(digest, signatures, version)};
}

static struct definition_machine fresh(void)
{
	struct definition_machine m;

	definition_machine_init(&m, PROBATION);
	definition_machine_start(&m, 0, 0, 0);
	SAYS(&m, "activate 0");
	definition_machine_up(&m, 0, 0);
	SAYS(&m, "%s", "");
	return m;
}

static uint64_t stage(struct definition_machine *m, bool forced, char digest)
{
	uint8_t bytes[LIMIT_DIGEST_BYTES] = {(uint8_t)digest};
	uint64_t number = 0;

	CU_ASSERT_EQUAL(definition_machine_stage(m, ORIGIN_UPDATE, forced, &number), 0);
	definition_machine_staged(m, bytes);
	return number;
}

/* As far as the order to activate. */
static uint64_t accept(struct definition_machine *m, bool forced, char digest, uint32_t version)
{
	uint64_t number = stage(m, forced, digest);
	struct trial_report report = passed(digest, 100, version);

	SAYS(m, "try %llu", (unsigned long long)number);
	definition_machine_tried(m, &report);
	SAYS(m, "publish %llu", (unsigned long long)number);
	definition_machine_published(m, true);
	SAYS(m, "activate %llu", (unsigned long long)number);
	return number;
}

static uint64_t serve(struct definition_machine *m, mono_ms now, char digest, uint32_t version)
{
	uint64_t number = accept(m, false, digest, version);

	definition_machine_up(m, now, number);
	(void)effects(m);
	CU_ASSERT_EQUAL(m->active, number);
	return number;
}

static void from_staging_to_good(void)
{
	struct definition_machine m = fresh();

	CU_ASSERT_EQUAL(accept(&m, false, 'a', 5), 10);
	CU_ASSERT_EQUAL(m.active, 0); /* not before it is up */
	definition_machine_up(&m, 1000, 10);
	SAYS(&m, "link 10, ended 10");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), 1000 + PROBATION);
	definition_machine_tick(&m, 999 + PROBATION);
	SAYS(&m, "%s", "");
	definition_machine_tick(&m, 1000 + PROBATION);
	SAYS(&m, "link-good 10, good 10");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), MONO_NEVER);
	definition_machine_storm(&m, 2000 + PROBATION);
	SAYS(&m, "%s", ""); /* it has passed */
}

static void one_at_a_time(void)
{
	struct definition_machine m = fresh();
	struct trial_report report = passed('a', 100, 5);
	uint64_t number;

	(void)stage(&m, false, 'a');
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_IMPORT, true, &number), -EBUSY);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 0), -EBUSY);
	definition_machine_tried(&m, &report);
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_CHECK, false, &number), -EBUSY);
	definition_machine_published(&m, true);
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_UPDATE, false, &number), -EBUSY);
	definition_machine_up(&m, 1, 10);
	(void)effects(&m);
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_UPDATE, false, &number), 0);
	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_ROLLBACK, false, &number), -EINVAL);
}

static void answers_that_nobody_asked_for_change_nothing(void)
{
	struct definition_machine m = fresh();
	struct trial_report report = passed('a', 100, 5);

	definition_machine_tried(&m, &report);
	definition_machine_published(&m, true);
	definition_machine_staged(&m, NULL);
	definition_machine_up(&m, 5, 77);
	definition_machine_not_up(&m, 77, true);
	definition_machine_not_up(&m, 0, true);
	definition_machine_storm(&m, 5);
	definition_machine_tick(&m, 5);
	SAYS(&m, "%s", "");
	CU_ASSERT_EQUAL(m.active, 0);
	CU_ASSERT_EQUAL(m.good, 0);
	CU_ASSERT_EQUAL(m.target, DEFINITIONS_NONE);
	CU_ASSERT_EQUAL(m.candidate.phase, CANDIDATE_NONE);
	CU_ASSERT_EQUAL(m.n_rejected, 0);
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), MONO_NEVER);
}

struct judged {
	const char *name;
	enum rejection refused;
	bool promise_kept;
	uint64_t signatures;
	uint32_t version;
	bool forced;
	enum rejection expected;
};

static const struct judged judged[] = {
	{"the next one", REJECTION_NONE, true, 120, 6, false, REJECTION_NONE},
	{"the same version", REJECTION_NONE, true, 100, 5, false, REJECTION_NONE},
	{"half of it", REJECTION_NONE, true, 50, 5, false, REJECTION_NONE},
	{"less than half", REJECTION_NONE, true, 49, 6, false, REJECTION_SHRUNK},
	{"less than half, forced", REJECTION_NONE, true, 49, 6, true, REJECTION_NONE},
	{"older", REJECTION_NONE, true, 100, 4, false, REJECTION_OLDER},
	{"older, forced", REJECTION_NONE, true, 100, 4, true, REJECTION_NONE},
	{"empty", REJECTION_NONE, true, 0, 6, false, REJECTION_EMPTY},
	{"empty, forced", REJECTION_NONE, true, 0, 6, true, REJECTION_EMPTY},
	{"less than promised", REJECTION_NONE, false, 100, 6, false, REJECTION_PROMISE},
	{"less than promised, forced", REJECTION_NONE, false, 100, 6, true, REJECTION_PROMISE},
	{"refused", REJECTION_TRIAL, true, 100, 6, false, REJECTION_TRIAL},
	{"refused, forced", REJECTION_TRIAL, true, 100, 6, true, REJECTION_TRIAL},
	{"dead of it", REJECTION_TRIAL_DIED, false, 0, 0, false, REJECTION_TRIAL_DIED},
	{"no room", REJECTION_TRIAL_ROOM, false, 0, 0, false, REJECTION_TRIAL_ROOM},
};

static void what_a_trial_tells_is_judged(void)
{
	for (unsigned i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
		const struct judged *j = &judged[i];
		struct definition_machine m = fresh();
		struct trial_report report = passed('b', j->signatures, j->version);
		bool remembered = rejection_is_of_set(j->expected);

		(void)serve(&m, 0, 'a', 5);
		report.refused = j->refused;
		report.promise_kept = j->promise_kept;
		(void)stage(&m, j->forced, 'b');
		(void)effects(&m);
		definition_machine_tried(&m, &report);
		if (j->expected == REJECTION_NONE)
			SAYS(&m, "publish 11");
		else if (remembered)
			SAYS(&m, "discard 11, remember b/%u, ended 11/%u", j->expected,
			     j->expected);
		else
			SAYS(&m, "discard 11, ended 11/%u", j->expected);
		CU_ASSERT_EQUAL(definition_machine_is_rejected(&m, report.facts.digest),
				remembered);
		CU_ASSERT_EQUAL(m.active, 10);
	}
}

static void what_was_rejected_is_not_tried_again(void)
{
	struct definition_machine m = fresh();
	struct trial_report report = passed('b', 0, 5);

	(void)stage(&m, false, 'b');
	definition_machine_tried(&m, &report);
	(void)effects(&m);
	(void)stage(&m, false, 'b');
	SAYS(&m, "discard 11, ended 11/%u", REJECTION_KNOWN);
	(void)stage(&m, true, 'b'); /* root insists */
	SAYS(&m, "try 12");
}

static void the_active_set_is_nothing_new(void)
{
	struct definition_machine m = fresh();

	(void)serve(&m, 0, 'a', 5);
	(void)stage(&m, true, 'a');
	SAYS(&m, "discard 11, ended 11/%u", REJECTION_NOTHING_NEW);
}

static void a_check_ends_after_the_trial_and_rejects_nothing(void)
{
	struct definition_machine m = fresh();
	uint8_t digest[LIMIT_DIGEST_BYTES] = {'b'};
	struct trial_report bad = passed('b', 0, 5), good = passed('b', 10, 5);
	uint64_t number;

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_CHECK, false, &number), 0);
		definition_machine_staged(&m, digest);
		(void)effects(&m);
		definition_machine_tried(&m, i ? &good : &bad);
		if (i)
			SAYS(&m, "discard 11, ended 11");
		else
			SAYS(&m, "discard 10, ended 10/%u", REJECTION_EMPTY);
	}
	CU_ASSERT_FALSE(definition_machine_is_rejected(&m, digest));
}

static void a_failed_copy_or_publication_leaves_nothing(void)
{
	struct definition_machine m = fresh();
	struct trial_report report = passed('a', 100, 5);
	uint64_t number;

	CU_ASSERT_EQUAL(definition_machine_stage(&m, ORIGIN_IMPORT, false, &number), 0);
	definition_machine_staged(&m, NULL);
	SAYS(&m, "discard 10, ended 10/%u", REJECTION_STAGING);
	(void)stage(&m, false, 'a');
	definition_machine_tried(&m, &report);
	(void)effects(&m);
	definition_machine_published(&m, false);
	SAYS(&m, "discard 11, ended 11/%u", REJECTION_STORE);
	CU_ASSERT_PTR_NULL(definition_machine_find(&m, 11));
}

static void who_does_not_come_up_leaves_the_old_one(void)
{
	struct definition_machine m = fresh();

	(void)serve(&m, 0, 'a', 5);
	CU_ASSERT_EQUAL(accept(&m, false, 'b', 6), 11);
	definition_machine_not_up(&m, 11, true);
	SAYS(&m, "remember b/%u, ended 11/%u, drop 11, activate 10", REJECTION_NOT_UP,
	     REJECTION_NOT_UP);
	definition_machine_up(&m, 500, 10);
	SAYS(&m, "%s", "");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), PROBATION); /* its own goes on */
}

static void want_of_memory_makes_no_set_bad(void)
{
	struct definition_machine m = fresh();

	(void)serve(&m, 0, 'a', 5);
	(void)accept(&m, false, 'b', 6);
	definition_machine_not_up(&m, 11, false);
	SAYS(&m, "ended 11/%u, drop 11, activate 10", REJECTION_NOT_UP);
	definition_machine_up(&m, 500, 10);
	definition_machine_not_up(&m, 10, false); /* later, by itself */
	SAYS(&m, "%s", "");
	CU_ASSERT_EQUAL(accept(&m, false, 'b', 6), 12);
}

static void a_storm_in_probation_rolls_back(void)
{
	struct definition_machine m = fresh();

	(void)serve(&m, 0, 'a', 5);
	definition_machine_tick(&m, PROBATION);
	(void)effects(&m);
	(void)serve(&m, 2000000, 'b', 6);
	definition_machine_storm(&m, 1999999);
	SAYS(&m, "%s", ""); /* began before the switch */
	definition_machine_storm(&m, 2000001);
	SAYS(&m, "remember b/%u, back 10/%u, activate 10", REJECTION_PROBATION,
	     REJECTION_PROBATION);
	CU_ASSERT_EQUAL(m.active, 11); /* serves until then */
	definition_machine_storm(&m, 2000002);
	SAYS(&m, "%s", "");
	definition_machine_up(&m, 2000100, 10);
	SAYS(&m, "link 10, drop 11");
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), MONO_NEVER); /* it is good */
}

static void with_nothing_to_go_back_to_the_built_in_set_serves(void)
{
	struct definition_machine m = fresh();

	(void)serve(&m, 0, 'a', 5);
	definition_machine_storm(&m, 10);
	SAYS(&m, "remember a/%u, back 0/%u, activate 0", REJECTION_PROBATION, REJECTION_PROBATION);
	definition_machine_up(&m, 20, 0);
	SAYS(&m, "link 0, drop 10");
	CU_ASSERT_EQUAL(accept(&m, false, 'b', 1), 11); /* nothing is there to be older than */
}

static void a_rollback_by_command(void)
{
	struct definition_machine m = fresh();

	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 0), -ENOENT);
	(void)serve(&m, 0, 'a', 5);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 10), -EALREADY);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 0), -ENOENT);
	(void)serve(&m, 10, 'b', 6);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 12), -ENOENT);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 0), 0);
	SAYS(&m, "activate 10");
	definition_machine_up(&m, 20, 10);
	SAYS(&m, "link 10, remember b/%u, ended 10, drop 11", REJECTION_ROLLED_BACK);
	(void)stage(&m, false, 'b'); /* the next update brings it again */
	SAYS(&m, "discard 12, ended 12/%u", REJECTION_KNOWN);
}

static void a_rollback_that_does_not_come_up(void)
{
	struct definition_machine m = fresh();

	(void)serve(&m, 0, 'a', 5);
	(void)serve(&m, 10, 'b', 6);
	CU_ASSERT_EQUAL(definition_machine_roll_back(&m, 10), 0);
	(void)effects(&m);
	definition_machine_not_up(&m, 10, false);
	SAYS(&m, "ended 10/%u, activate 11", REJECTION_NOT_UP);
	CU_ASSERT_PTR_NOT_NULL(definition_machine_find(&m, 10)); /* it may be tried again */
}

static struct definition_machine three_on_disk(uint64_t active, uint64_t good, mono_ms left)
{
	struct definition_machine m;

	definition_machine_init(&m, PROBATION);
	for (uint64_t number = 20; number < 23; number++) {
		struct definition_facts facts = facts_of((char)('a' + number - 20), 100, 5);

		CU_ASSERT_EQUAL(definition_machine_restore(&m, number, &facts), 0);
		CU_ASSERT_EQUAL(definition_machine_restore(&m, number, &facts), -EINVAL);
	}
	definition_machine_start(&m, active, good, left);
	return m;
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
	CU_ASSERT_EQUAL(definition_machine_deadline(&m), 100 + PROBATION);
}

static void three_are_kept_and_what_is_needed(void)
{
	struct definition_machine m = fresh();

	(void)serve(&m, 0, 'a', 5);
	definition_machine_tick(&m, PROBATION); /* 10 is good, and stays */
	(void)effects(&m);
	for (int i = 0; i < 6; i++)
		(void)serve(&m, 1000000, (char)('b' + i), 5);
	CU_ASSERT_PTR_NOT_NULL(definition_machine_find(&m, 10));
	CU_ASSERT_PTR_NOT_NULL(definition_machine_find(&m, 15));
	CU_ASSERT_PTR_NOT_NULL(definition_machine_find(&m, 16));
	CU_ASSERT_PTR_NULL(definition_machine_find(&m, 14));
}

static void rejections_are_bounded_and_the_newest_are_kept(void)
{
	struct definition_machine m = fresh();
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
	struct trial_report report = passed((char)(rand() % 40), (uint64_t)(rand() % 300), 5);
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
	struct definition_machine m = fresh();
	uint64_t first = serve(&m, 0, 'a', 5), second;

	definition_machine_tick(&m, PROBATION);
	(void)effects(&m);
	second = serve(&m, PROBATION + 1, 'b', 6);
	definition_machine_broken(&m, second);
	SAYS(&m, "back %llu/%d, activate %llu", (unsigned long long)first, REJECTION_BROKEN,
	     (unsigned long long)first);
	definition_machine_up(&m, PROBATION + 2, first);
	SAYS(&m, "link %llu, drop %llu", (unsigned long long)first, (unsigned long long)second);
	CU_ASSERT_EQUAL(m.n_rejected, 0);
	CU_ASSERT_EQUAL(serve(&m, PROBATION + 3, 'b', 6), second + 1);
	definition_machine_broken(&m, first); /* nothing needs it: it only goes */
	SAYS(&m, "link-good 0, drop %llu", (unsigned long long)first);
	CU_ASSERT_EQUAL(m.good, DEFINITIONS_BUILTIN);
	CU_ASSERT_EQUAL(m.active, second + 1);
}

static void what_was_not_known_is_learnt_from_a_service(void)
{
	struct definition_facts unknown = {.digest = {'a'}, .bytes = 7};
	struct definition_facts told = facts_of('z', 100, 5);
	struct definition_machine m;
	const struct generation *g;

	definition_machine_init(&m, PROBATION);
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
	(void)effects(&m);
	CU_ASSERT_EQUAL(stage(&m, false, 'c'), 41);
}

/* Else a restart would take it for bad, though root wanted it and it serves. */
static void what_was_forced_is_forgiven(void)
{
	struct definition_machine m = fresh();
	struct trial_report report = passed('a', 100, 5);
	uint64_t number;

	for (unsigned i = 0; i < DEFINITIONS_REJECTED_MAX + 3; i++)
		definition_machine_restore_rejected(
			&m, (const uint8_t[LIMIT_DIGEST_BYTES]){(uint8_t)i, (uint8_t)(i >> 8), 1});
	definition_machine_restore_rejected(&m, report.facts.digest);
	number = stage(&m, true, 'a');
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
	struct definition_facts good = facts_of('a', 100, 5), bad = facts_of('b', 100, 6);
	struct definition_machine m;

	definition_machine_init(&m, PROBATION);
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
		struct definition_machine m = fresh();
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
	{"from staging to good", from_staging_to_good},
	{"one at a time", one_at_a_time},
	{"answers that nobody asked for change nothing",
	 answers_that_nobody_asked_for_change_nothing},
	{"what a trial tells is judged", what_a_trial_tells_is_judged},
	{"what was rejected is not tried again", what_was_rejected_is_not_tried_again},
	{"the active set is nothing new", the_active_set_is_nothing_new},
	{"a check ends after the trial and rejects nothing",
	 a_check_ends_after_the_trial_and_rejects_nothing},
	{"a failed copy or publication leaves nothing",
	 a_failed_copy_or_publication_leaves_nothing},
	{"who does not come up leaves the old one", who_does_not_come_up_leaves_the_old_one},
	{"want of memory makes no set bad", want_of_memory_makes_no_set_bad},
	{"a storm in probation rolls back", a_storm_in_probation_rolls_back},
	{"with nothing to go back to the built-in set serves",
	 with_nothing_to_go_back_to_the_built_in_set_serves},
	{"a rollback by command", a_rollback_by_command},
	{"a rollback that does not come up", a_rollback_that_does_not_come_up},
	{"the start takes the active one", the_start_takes_the_active_one},
	{"the start goes through all that there is", the_start_goes_through_all_that_there_is},
	{"links that lead nowhere", links_that_lead_nowhere},
	{"three are kept and what is needed", three_are_kept_and_what_is_needed},
	{"rejections are bounded and the newest are kept",
	 rejections_are_bounded_and_the_newest_are_kept},
	{"any sequence keeps what must hold", any_sequence_keeps_what_must_hold},
};

UNIT_MAIN("definition_machine", tests)
