/* SPDX-License-Identifier: GPL-2.0-only */
/* Definitions from their bringer to the links of the store, and back; what a next life of the daemon makes of them (support/desk_lab.h). */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampdaemon/definition_desk_internal.h"
#include "io/clock.h"
#include "tests/support/definition_lab.h"
#include "tests/support/desk_lab.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define TOLD(text) CU_ASSERT_STRING_EQUAL(t.events, text)

/* ---- tests ---- */

static void an_import_becomes_what_serves(void)
{
	uint64_t number;

	desk_begin("import");
	CU_ASSERT(t.loads == 1 && t.load == 0 && !t.is_makeshift);
	desk_up(0);
	number = desk_bring("one", 100, 1);
	CU_ASSERT_EQUAL(number, DEFINITIONS_FIRST);
	CU_ASSERT(!t.was_strict && t.answers == 0 && desk_link("active") == 0);
	desk_up(number);
	CU_ASSERT(t.answers == 1 && t.rejection == REJECTION_NONE && t.generation == number);
	CU_ASSERT_EQUAL(desk_link("active"), number);
	CU_ASSERT_EQUAL(desk_link("last-good"), 0);
	CU_ASSERT(lab_has(desk_file("daily.cvd", number), "one"));
	CU_ASSERT_STRING_EQUAL(t.phases, "staging trial publishing activating");
	desk_prove();
	CU_ASSERT_EQUAL(desk_link("last-good"), number);
	TOLD("Staged 10, Accepted 10, Activated 10, Proved 10");
	CU_ASSERT_EQUAL(definition_machine_find(definition_desk_machine(t.desk), number)
				->facts.engine_bytes,
			100000);
	desk_die();
	desk_live(); /* the next life knows all of it */
	CU_ASSERT(t.loads == 1 && t.load == number);
	CU_ASSERT_EQUAL(
		definition_machine_find(definition_desk_machine(t.desk), number)->facts.signatures,
		100);
	desk_up(number);
	TOLD("");
	CU_ASSERT_EQUAL(desk_bring("two", 100, 2), number + 1);
	desk_die();
}

static void what_is_rejected_leaves_nothing_and_is_known_again(void)
{
	desk_begin("rejected");
	desk_up(0);
	t.refused = REJECTION_TRIAL_DIED;
	CU_ASSERT_EQUAL(desk_offer("daily.cvd", "bad", ORIGIN_UPDATE, false), 0);
	CU_ASSERT(desk_comes(&t.answers, 1));
	CU_ASSERT(t.rejection == REJECTION_TRIAL_DIED && !strcmp(t.detail, "as told"));
	desk_rest();
	CU_ASSERT_EQUAL(lab_count(test_path("rejected/staging")), 0);
	CU_ASSERT_EQUAL(lab_count(test_path("rejected/generations")), 0);
	desk_die();
	desk_live();
	t.refused = REJECTION_NONE;
	CU_ASSERT_EQUAL(desk_offer("daily.cvd", "bad", ORIGIN_UPDATE, false), 0);
	CU_ASSERT(desk_comes(&t.answers, 1));
	CU_ASSERT(t.rejection == REJECTION_KNOWN && t.trials == 0);
	CU_ASSERT_EQUAL(desk_offer("daily.cvd", "bad", ORIGIN_UPDATE, true), 0); /* by force */
	CU_ASSERT(desk_comes(&t.loads, 2));
	desk_up(t.load);
	CU_ASSERT(t.answers == 2 && t.rejection == REJECTION_NONE);
	CU_ASSERT_EQUAL(desk_offer("daily.cvd", "bad", ORIGIN_UPDATE, false), 0);
	CU_ASSERT(desk_comes(&t.answers, 3));
	CU_ASSERT_EQUAL(t.rejection, REJECTION_NOTHING_NEW);
	TOLD("Rejected 11, Staged 12, Accepted 12, Activated 12");
	desk_die();
}

static void a_candidate_goes_on_with_what_it_does_not_replace(void)
{
	uint64_t first;
	char why[LIMIT_REASON_BYTES + 1];

	desk_begin("rest");
	desk_up(0);
	CU_ASSERT_EQUAL(definition_desk_begin(t.desk, DESK_CLIENT, ORIGIN_IMPORT, false, why), 0);
	CU_ASSERT_EQUAL(definition_desk_add(t.desk, DESK_CLIENT, "main.cvd", false,
					    lab_source("m", 1), why),
			0);
	CU_ASSERT_EQUAL(definition_desk_add(t.desk, DESK_CLIENT, "daily.cvd", false,
					    lab_source("d", 1), why),
			0);
	CU_ASSERT_EQUAL(definition_desk_add(t.desk, DESK_CLIENT, "daily.cvd.sign", false,
					    lab_source("s", 1), why),
			0);
	CU_ASSERT_EQUAL(definition_desk_go(t.desk, DESK_CLIENT, why), 0);
	CU_ASSERT(desk_comes(&t.loads, 2));
	first = t.load;
	desk_up(first);
	lab_write(test_path("rest/custom/mine.ndb"), "mine");
	CU_ASSERT_EQUAL(desk_offer("daily.cld", "d2", ORIGIN_UPDATE, false), 0);
	CU_ASSERT(desk_comes(&t.loads, 3));
	CU_ASSERT(lab_has(desk_file("main.cvd", t.load), "m"));
	CU_ASSERT(lab_has(desk_file("daily.cld", t.load), "d2"));
	CU_ASSERT_NOT_EQUAL(access(desk_file("daily.cvd", t.load), F_OK), 0);
	CU_ASSERT_NOT_EQUAL(access(desk_file("daily.cvd.sign", t.load), F_OK), 0);
	CU_ASSERT(lab_has(desk_file("custom/mine.ndb", t.load), "mine"));
	desk_up(t.load);
	CU_ASSERT(lab_has(desk_file("daily.cvd", first), "d")); /* immutable */
	desk_die();
}

/* Else who brings a signature alone would take the database away, unseen as long as half of all signatures is left. */
static void only_a_container_replaces_a_container(void)
{
	static const char *const names[] = {"daily.cvd.sign", "daily.sign", "daily",
					    "daily.cld.sign"};

	desk_begin("sign");
	desk_up(0);
	desk_serve("one", 100, 1);
	CU_ASSERT_EQUAL(desk_offer("daily.cvd.sign", "s", ORIGIN_UPDATE, false), 0);
	CU_ASSERT(desk_comes(&t.loads, 3));
	CU_ASSERT(lab_has(desk_file("daily.cvd", t.load), "one"));
	CU_ASSERT(lab_has(desk_file("daily.cvd.sign", t.load), "s"));
	desk_up(t.load);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CU_ASSERT_EQUAL(desk_offer(names[i], "other", ORIGIN_UPDATE, false), 0);
		CU_ASSERT(desk_comes(&t.loads, 4 + i));
		CU_ASSERT(lab_has(desk_file("daily.cvd", t.load), "one"));
		CU_ASSERT(lab_has(desk_file(names[i], t.load), "other"));
		desk_up(t.load);
	}
	desk_die();
}

static void who_does_not_come_up_leaves_the_one_that_serves(void)
{
	uint64_t first, second;

	desk_begin("notup");
	desk_up(0);
	first = desk_serve("one", 100, 1);
	desk_prove();
	second = desk_bring("two", 100, 2);
	definition_desk_not_up(t.desk, second, true, "it died");
	CU_ASSERT(desk_comes(&t.answers, 2));
	CU_ASSERT(t.rejection == REJECTION_NOT_UP && !strcmp(t.detail, "it died"));
	CU_ASSERT_EQUAL(t.load, first); /* said again: who tried must not go on trying */
	desk_up(first);
	CU_ASSERT_EQUAL(desk_link("active"), first);
	CU_ASSERT_NOT_EQUAL(access(desk_file("", second), F_OK), 0);
	desk_die();
}

static void a_storm_in_the_probation_goes_back(void)
{
	struct definition_rejected rejected;
	uint64_t first, second;

	desk_begin("storm");
	desk_up(0);
	first = desk_serve("one", 100, 1);
	desk_prove();
	t.configuration.probation_ms = 60000;
	desk_die();
	desk_live();
	desk_up(first);
	t.answers = 0;
	second = desk_serve("two", 100, 2);
	definition_desk_storm(t.desk, clock_mono_ms());
	CU_ASSERT_EQUAL(t.load, first);
	desk_up(first);
	CU_ASSERT_EQUAL(desk_link("active"), first);
	TOLD("Staged 11, Accepted 11, Activated 11, Rolled Back 10, Activated 10");
	CU_ASSERT(definition_desk_rejected(t.desk, 0, &rejected));
	CU_ASSERT_EQUAL(rejected.rejection, REJECTION_PROBATION);
	CU_ASSERT_FALSE(definition_desk_rejected(t.desk, 1, &rejected));
	CU_ASSERT_NOT_EQUAL(access(desk_file("", second), F_OK), 0);
	desk_die();
	desk_live();
	CU_ASSERT_EQUAL(t.load, first);
	desk_die();
}

/* The power goes between the decision and the switch of the link: the next life must not load what was rejected. */
static void a_restart_in_the_middle_of_a_rollback_goes_on_with_it(void)
{
	uint64_t first, second;

	desk_begin("middle");
	t.configuration.probation_ms = 60000;
	desk_die();
	desk_live();
	desk_up(0);
	first = desk_serve("one", 100, 1);
	second = desk_serve("two", 100, 2);
	definition_desk_storm(t.desk, clock_mono_ms());
	desk_die();
	CU_ASSERT_EQUAL(desk_link("active"), second);
	desk_live();
	CU_ASSERT_EQUAL(t.load, first);
	desk_up(first);
	CU_ASSERT_EQUAL(desk_link("active"), first);
	desk_die();
}

static void a_probation_goes_on_after_a_restart(void)
{
	uint64_t first, second;

	desk_begin("resume");
	t.configuration.probation_ms = 60000;
	desk_die();
	desk_live();
	desk_up(0);
	first = desk_serve("one", 100, 1);
	second = desk_serve("two", 100, 2);
	(void)usleep(20000);
	desk_die();
	desk_live();
	CU_ASSERT_EQUAL(t.load, second);
	desk_up(second);
	CU_ASSERT(definition_machine_deadline(definition_desk_machine(t.desk)) <
		  mono_add(clock_mono_ms(), 59990));
	definition_desk_storm(t.desk, clock_mono_ms());
	CU_ASSERT_EQUAL(t.load, first);
	desk_die();
}

/* The link was switched, and the journal had no time to say whose probation it is. */
static void the_rest_of_anothers_probation_is_not_its(void)
{
	struct definition_state state;
	uint64_t number;
	unsigned k = 0;

	desk_begin("anothers");
	t.configuration.probation_ms = 60000;
	desk_die();
	desk_live();
	desk_up(0);
	number = desk_serve("one", 100, 1);
	desk_die();
	while (strcmp(t.kept[k].key, "definitions/state") != 0)
		CU_ASSERT_FATAL(++k < DESK_KEYS);
	memcpy(&state, t.kept[k].data, sizeof(state));
	CU_ASSERT_EQUAL(state.probation, number);
	state.probation--;
	state.probation_ends_utc = 1;
	memcpy(t.kept[k].data, &state, sizeof(state));
	desk_live();
	desk_up(number);
	CU_ASSERT(definition_machine_deadline(definition_desk_machine(t.desk)) >
		  mono_add(clock_mono_ms(), 30000));
	CU_ASSERT_EQUAL(desk_link("last-good"), 0);
	desk_die();
}

static void files_that_the_disk_changed_are_not_held_against_their_content(void)
{
	struct definition_rejected rejected;
	uint64_t first, second;

	desk_begin("broken");
	desk_up(0);
	first = desk_serve("one", 100, 1);
	desk_prove();
	second = desk_serve("two", 100, 2);
	desk_prove();
	CU_ASSERT_EQUAL(chmod(desk_file("daily.cvd", second), 0644), 0);
	lab_write(desk_file("daily.cvd", second), "tWo"); /* of the same size */
	desk_die();
	desk_live();
	CU_ASSERT_EQUAL(t.load, second);
	definition_desk_not_up(t.desk, second, true, "it does not load");
	CU_ASSERT(desk_comes(&t.loads, 2));
	CU_ASSERT_EQUAL(t.load, first);
	desk_up(first);
	CU_ASSERT_FALSE(definition_desk_rejected(t.desk, 0, &rejected));
	CU_ASSERT_EQUAL(desk_serve("two", 100, 2), second + 1);
	desk_die();
}

/* Nobody can read them, or they are gone: what they were is not known, so it is not to blame. */
static void files_that_cannot_be_read_are_not_held_against_their_content(void)
{
	struct definition_rejected rejected;
	uint64_t first, second;

	desk_begin("gone");
	desk_up(0);
	first = desk_serve("one", 100, 1);
	desk_prove();
	second = desk_serve("two", 100, 2);
	CU_ASSERT_EQUAL(rename(desk_file("", second), test_path("gone-elsewhere")), 0);
	definition_desk_not_up(t.desk, second, true, "it cannot be opened");
	CU_ASSERT(desk_comes(&t.loads, 4));
	CU_ASSERT_EQUAL(t.load, first);
	desk_up(first);
	CU_ASSERT_FALSE(definition_desk_rejected(t.desk, 0, &rejected));
	CU_ASSERT_EQUAL(desk_serve("two", 100, 2), second + 1);
	CU_ASSERT_EQUAL(chmod(desk_file("daily.cvd", second + 1), 0666), 0);
	definition_desk_not_up(t.desk, second + 1, true, "it is refused");
	CU_ASSERT(desk_comes(&t.loads, 6));
	CU_ASSERT_EQUAL(t.load, first);
	desk_up(first);
	CU_ASSERT_FALSE(definition_desk_rejected(t.desk, 0, &rejected));
	desk_die();
}

/* Else an update of one database would become the whole set, with nothing to be held against. */
static void a_store_that_opens_late_is_known_before_anything_is_brought(void)
{
	char why[LIMIT_REASON_BYTES + 1];
	uint64_t first;

	desk_begin("late");
	desk_up(0);
	first = desk_serve("one", 100, 1);
	desk_prove();
	desk_die();
	t.configuration.start_retry_ms = 60000;
	CU_ASSERT_EQUAL(chmod(test_path("late/generations"), 0777), 0);
	desk_live();
	CU_ASSERT(t.loads == 1 && t.load == 0 && t.is_makeshift);
	desk_up(0);
	CU_ASSERT_EQUAL(definition_desk_begin(t.desk, DESK_CLIENT, ORIGIN_UPDATE, false, why),
			-EPERM);
	CU_ASSERT_EQUAL(chmod(test_path("late/generations"), 0755), 0);
	CU_ASSERT_EQUAL(desk_offer("main.cvd", "m", ORIGIN_UPDATE, false), 0);
	CU_ASSERT(t.loads == 2 && t.load == first);
	CU_ASSERT(desk_comes(&t.loads, 3));
	CU_ASSERT(lab_has(desk_file("daily.cvd", t.load), "one"));
	desk_up(t.load);
	CU_ASSERT_EQUAL(desk_link("active"), t.load);
	CU_ASSERT_EQUAL(t.answers, 1);
	desk_die();
}

static void a_store_that_opens_late_is_found_by_itself(void)
{
	uint64_t first;

	desk_begin("itself");
	desk_up(0);
	first = desk_serve("one", 100, 1);
	desk_die();
	t.configuration.start_retry_ms = 20;
	CU_ASSERT_EQUAL(chmod(test_path("itself/staging"), 0777), 0);
	desk_live();
	CU_ASSERT_EQUAL(t.load, 0);
	desk_up(0);
	CU_ASSERT_EQUAL(chmod(test_path("itself/staging"), 0700), 0);
	CU_ASSERT(desk_comes(&t.loads, 2));
	CU_ASSERT_EQUAL(t.load, first);
	desk_up(first);
	CU_ASSERT_NOT_EQUAL(definition_machine_deadline(definition_desk_machine(t.desk)),
			    MONO_NEVER); /* its probation goes on */
	desk_die();
}

static void with_everything_broken_the_built_in_set_is_a_makeshift(void)
{
	uint64_t first;

	desk_begin("everything");
	desk_up(0);
	first = desk_serve("one", 100, 1);
	desk_prove();
	definition_desk_not_up(t.desk, first, true, "it does not load");
	CU_ASSERT(desk_comes(&t.loads, 3));
	CU_ASSERT(t.load == 0 && t.is_makeshift);
	desk_up(0);
	desk_die();
	desk_live();
	CU_ASSERT(t.load == 0 && t.is_makeshift);
	desk_die();
}

static void a_rollback_by_command(void)
{
	char why[LIMIT_REASON_BYTES + 1];
	uint64_t first, second;

	desk_begin("command");
	desk_up(0);
	CU_ASSERT_EQUAL(definition_desk_roll_back(t.desk, DESK_CLIENT, 0, why), -ENOENT);
	CU_ASSERT_STRING_EQUAL(why, "there is no generation to go back to");
	first = desk_serve("one", 100, 1);
	second = desk_serve("two", 100, 2);
	CU_ASSERT_EQUAL(definition_desk_roll_back(t.desk, DESK_CLIENT, second, why), -EALREADY);
	CU_ASSERT_EQUAL(definition_desk_roll_back(t.desk, DESK_CLIENT, 99, why), -ENOENT);
	CU_ASSERT_EQUAL(definition_desk_roll_back(t.desk, DESK_CLIENT, 0, why), 0);
	CU_ASSERT_EQUAL(t.load, first);
	CU_ASSERT_EQUAL(definition_desk_begin(t.desk, DESK_CLIENT, ORIGIN_IMPORT, false, why),
			-EBUSY);
	CU_ASSERT_STRING_EQUAL(why, "a rollback of definitions is under way (activating)");
	desk_up(first);
	CU_ASSERT(t.answers == 3 && t.rejection == REJECTION_NONE && t.generation == first);
	desk_die();
}

static void who_hangs_up_or_asks_for_nonsense_leaves_nothing(void)
{
	char why[LIMIT_REASON_BYTES + 1];

	desk_begin("hangup");
	desk_up(0);
	CU_ASSERT_EQUAL(definition_desk_begin(t.desk, DESK_CLIENT, ORIGIN_IMPORT, false, why), 0);
	CU_ASSERT_EQUAL(definition_desk_add(t.desk, DESK_CLIENT, "a.ndb", true, lab_source("x", 1),
					    why),
			-EINVAL); /* unsigned files have their own place */
	CU_ASSERT_EQUAL(definition_desk_go(t.desk, DESK_CLIENT, why), -EPROTO);
	CU_ASSERT_EQUAL(definition_desk_begin(t.desk, DESK_CLIENT, ORIGIN_IMPORT, false, why), 0);
	definition_desk_cancel(t.desk, DESK_CLIENT);
	CU_ASSERT_EQUAL(definition_desk_begin(t.desk, DESK_CLIENT, ORIGIN_IMPORT, false, why), 0);
	TOLD("");
	CU_ASSERT_EQUAL(definition_desk_go(t.desk, DESK_CLIENT, why), 0); /* no file */
	CU_ASSERT(desk_comes(&t.answers, 1));
	CU_ASSERT_EQUAL(t.rejection, REJECTION_STAGING);
	desk_rest();
	CU_ASSERT_EQUAL(lab_count(test_path("hangup/staging")), 0);
	CU_ASSERT_EQUAL(desk_offer("daily.cvd", "one", ORIGIN_IMPORT, false), 0);
	definition_desk_cancel(t.desk, DESK_CLIENT); /* what is staged goes on without it */
	CU_ASSERT(desk_comes(&t.loads, 2));
	desk_up(t.load);
	CU_ASSERT_EQUAL(t.answers, 1);
	CU_ASSERT_EQUAL(desk_link("active"), t.load);
	desk_die();
}

/* Else nobody would ever bring anything again. */
static void who_stops_in_the_middle_is_not_waited_for(void)
{
	char why[LIMIT_REASON_BYTES + 1];

	desk_begin("idle");
	desk_up(0);
	t.desk->idle_ms = 300;
	CU_ASSERT_EQUAL(definition_desk_begin(t.desk, DESK_CLIENT, ORIGIN_IMPORT, false, why), 0);
	(void)usleep(200000);
	CU_ASSERT_EQUAL(definition_desk_add(t.desk, DESK_CLIENT, "main.cvd", false,
					    lab_source("m", 1), why),
			0);
	(void)usleep(200000);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
	CU_ASSERT_EQUAL(t.answers, 0); /* each file has its time */
	CU_ASSERT(desk_comes(&t.answers, 1));
	CU_ASSERT_EQUAL(t.rejection, REJECTION_STAGING);
	CU_ASSERT_EQUAL(definition_desk_go(t.desk, DESK_CLIENT, why), -EPROTO);
	t.desk->idle_ms = 60000;
	(void)desk_serve("one", 100, 1);
	desk_die();
}

static void a_directory_of_the_configuration_is_not_its_business(void)
{
	static char flat[] = "/nowhere/definitions";
	char why[LIMIT_REASON_BYTES + 1];

	desk_begin("flat");
	desk_die();
	t.configuration.definitions_dir = flat;
	desk_live();
	CU_ASSERT_EQUAL(t.loads, 0);
	CU_ASSERT_EQUAL(definition_desk_begin(t.desk, DESK_CLIENT, ORIGIN_IMPORT, false, why),
			-EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, flat));
	CU_ASSERT_EQUAL(definition_desk_roll_back(t.desk, DESK_CLIENT, 0, why), -EPERM);
	definition_desk_up(t.desk, 0, &t.report);
	definition_desk_storm(t.desk, clock_mono_ms());
	CU_ASSERT_EQUAL(desk_offer("daily.cvd", "one", ORIGIN_CHECK, false), 0);
	CU_ASSERT(desk_comes(&t.answers, 1));
	CU_ASSERT(t.was_strict && t.rejection == REJECTION_NONE && t.generation == 0);
	desk_rest();
	CU_ASSERT_EQUAL(lab_count(test_path("flat/staging")), 0);
	TOLD("");
	desk_die();
}

static const struct unit_test tests[] = {
	{"an import becomes what serves", an_import_becomes_what_serves},
	{"what is rejected leaves nothing and is known again",
	 what_is_rejected_leaves_nothing_and_is_known_again},
	{"a candidate goes on with what it does not replace",
	 a_candidate_goes_on_with_what_it_does_not_replace},
	{"only a container replaces a container", only_a_container_replaces_a_container},
	{"who does not come up leaves the one that serves",
	 who_does_not_come_up_leaves_the_one_that_serves},
	{"a storm in the probation goes back", a_storm_in_the_probation_goes_back},
	{"a restart in the middle of a rollback goes on with it",
	 a_restart_in_the_middle_of_a_rollback_goes_on_with_it},
	{"a probation goes on after a restart", a_probation_goes_on_after_a_restart},
	{"the rest of another's probation is not its", the_rest_of_anothers_probation_is_not_its},
	{"files that the disk changed are not held against their content",
	 files_that_the_disk_changed_are_not_held_against_their_content},
	{"files that cannot be read are not held against their content",
	 files_that_cannot_be_read_are_not_held_against_their_content},
	{"a store that opens late is known before anything is brought",
	 a_store_that_opens_late_is_known_before_anything_is_brought},
	{"a store that opens late is found by itself", a_store_that_opens_late_is_found_by_itself},
	{"with everything broken the built-in set is a makeshift",
	 with_everything_broken_the_built_in_set_is_a_makeshift},
	{"a rollback by command", a_rollback_by_command},
	{"who hangs up or asks for nonsense leaves nothing",
	 who_hangs_up_or_asks_for_nonsense_leaves_nothing},
	{"who stops in the middle is not waited for", who_stops_in_the_middle_is_not_waited_for},
	{"a directory of the configuration is not its business",
	 a_directory_of_the_configuration_is_not_its_business},
};

UNIT_MAIN("definition_desk", tests);
