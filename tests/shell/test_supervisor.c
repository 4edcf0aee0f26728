/* SPDX-License-Identifier: GPL-2.0-only */
/* What the supervisor does with two lives of the scan service, definitions that fail, memory, accounts (support/supervisor_lab.h). */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/clock.h"
#include "tests/support/own_fds.h"
#include "tests/support/supervisor_lab.h"
#include "tests/support/unit_main.h"

static void it_starts_serves_and_stops(void)
{
	lab_begin(false);
	CU_ASSERT(lab_comes(&t.ups, 1));
	CU_ASSERT_EQUAL(t.serving, 1);
	CU_ASSERT_EQUAL(t.generation, 1);
	CU_ASSERT_EQUAL(lab_view().state, SERVICE_UP);
	CU_ASSERT_EQUAL(lab_view().uid, UID);
	CU_ASSERT(!lab_view().as_root && lab_view().builtin);
	CU_ASSERT_EQUAL(supervisor_look(t.supervisor, 1).pid, lab_view().pid);
	CU_ASSERT_EQUAL(supervisor_look(t.supervisor, 2).pid, 0);
	lab_end();
	CU_ASSERT_EQUAL(t.losts, 1);
	CU_ASSERT_EQUAL(t.certificates + t.raised[FAULT_SERVICE_START], 0);
}

static void a_generation_is_loaded_and_another_follows(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	CU_ASSERT(t.served == 10 && t.opened == 10 && t.generation == 10);
	CU_ASSERT(!lab_view().builtin && lab_view().generation == 10);
	lab_load(10, false); /* it is there: that is told again, and nothing is replaced */
	CU_ASSERT(t.serves == 2 && t.ups == 1);
	lab_load(11, false);
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT(t.served == 11 && t.generation == 11 && t.outgoing == 1);
	CU_ASSERT_EQUAL(t.asides + t.raised[FAULT_SERVICE_START], 0);
	CU_ASSERT_FALSE(supervisor_look(t.supervisor, t.serving).is_makeshift);
	lab_end();
}

static void one_that_does_not_come_up_beside_the_old_one_is_put_aside(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	pretended.manner = NO_CONFIGURED;
	lab_load(11, false);
	CU_ASSERT(lab_comes(&t.asides, 1));
	CU_ASSERT(t.aside == 11 && t.aside_is_bad);
	CU_ASSERT_EQUAL(pretended.births, 4);  /* start_attempts of them */
	CU_ASSERT(t.ups == 1 && t.losts == 0); /* the old one never stopped */
	lab_load(10, false);
	CU_ASSERT(t.served == 10 && t.asides == 1);
	CU_ASSERT_EQUAL(t.raised[FAULT_SERVICE_START], 0);
	lab_end();
}

static void one_that_does_not_start_is_put_aside_and_others_follow(void)
{
	lab_begin_with(10, NO_CONFIGURED);
	CU_ASSERT(lab_comes(&t.asides, 1));
	CU_ASSERT(t.aside == 10 && t.aside_is_bad);
	CU_ASSERT(t.active[FAULT_SERVICE_START]);
	pretended.manner = GOOD;
	lab_load(9999, false);
	CU_ASSERT(lab_comes(&t.ups, 1));
	CU_ASSERT(t.served == 9999 && t.opened == 9999);
	CU_ASSERT_FALSE(t.active[FAULT_SERVICE_START]);
	lab_end();
}

static void with_every_generation_aside_the_built_in_set_serves_as_a_makeshift(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	t.open_error = -ENOENT;
	lab_load(12, false);
	CU_ASSERT(lab_comes(&t.asides, 1));
	lab_load(0, true);
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT(t.served == 0 && lab_view().builtin && t.generation == 1);
	CU_ASSERT(supervisor_look(t.supervisor, t.serving).is_makeshift);
	CU_ASSERT(t.active[FAULT_SERVICE_START]);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.detail, "put aside"));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.remedy, "ampcli"));
	supervisor_drained(t.supervisor, t.outgoing);
	t.open_error = 0;
	lab_load(13, false);
	CU_ASSERT(lab_comes(&t.ups, 3));
	CU_ASSERT(t.served == 13 && !t.active[FAULT_SERVICE_START]);
	lab_end();
}

static void too_little_memory_is_no_fault_of_a_generation(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	pretended.available = 1u << 20;
	lab_load(11, false); /* no room for two: the present one is ended first */
	CU_ASSERT(lab_comes(&t.raised[FAULT_SERVICE_START], 1));
	CU_ASSERT(t.asides == 1 && t.aside == 11 &&
		  !t.aside_is_bad); /* who waits for it hears it */
	pretended.available = 64ull << 30;
	CU_ASSERT(lab_comes(&t.cleared[FAULT_SERVICE_START], 1));
	CU_ASSERT(t.served == 11);
	lab_end();
}

/* A candidate that took the old one's place and does not fit: the old one does, and nothing is scanned meanwhile. */
static void who_hears_of_too_little_memory_has_the_old_one_back(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	pretended.available = 1u << 20;
	lab_load(11, false);
	CU_ASSERT(lab_comes(&t.asides, 1));
	pretended.available = ENGINE;
	lab_load(10, false);
	CU_ASSERT(lab_comes(&t.cleared[FAULT_SERVICE_START], 1));
	CU_ASSERT_EQUAL(t.served, 10);
	lab_end();
}

static void nobody_is_ended_for_a_set_that_cannot_fit(void)
{
	struct supervisor_load order = {.generation = 11, .need = UINT64_MAX, .reason = "big"};

	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	supervisor_load(t.supervisor, &order);
	CU_ASSERT(t.asides == 1 && t.aside == 11 && !t.aside_is_bad);
	CU_ASSERT(t.losts == 0 && pretended.births == 1);
	lab_load(10, false);
	CU_ASSERT(t.served == 10 && t.serves == 2);
	lab_end();
}

/* Else what was rejected would serve on. */
static void the_built_in_set_is_tried_until_it_serves(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	pretended.manner = NEVER_GOOD;
	lab_load(0, true);
	CU_ASSERT(lab_comes(&t.raised[FAULT_SERVICE_START], 4)); /* at once, and by each birth */
	CU_ASSERT_EQUAL(pretended.births, 4);
	CU_ASSERT(t.losts + t.asides == 0 && t.ups == 1);
	pretended.manner = GOOD;
	supervisor_recheck(t.supervisor);
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT(t.served == 0 && lab_view().builtin);
	lab_end();
}

static void what_fails_for_want_of_rights_is_tried_again(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	pretended.manner = SILENT_END;
	lab_load(11, false);
	CU_ASSERT(lab_comes(&t.asides, 1));
	CU_ASSERT(t.aside == 11 && !t.aside_is_bad && t.ups == 1);
	pretended.manner = GOOD;
	CU_ASSERT_EQUAL(t.asides, 1);
	supervisor_recheck(t.supervisor);
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT_EQUAL(t.served, 11);
	lab_end();
}

static void one_that_dies_before_the_old_one_is_gone_is_put_aside_if_it_does_not_come_back(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	lab_load(11, false);
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT_EQUAL(t.served, 11);
	pretended.manner = NO_CONFIGURED;
	CU_ASSERT_EQUAL(kill((pid_t)lab_view().pid, SIGKILL), 0);
	CU_ASSERT(lab_comes(&t.ups, 3)); /* the outgoing one has the service back */
	CU_ASSERT_EQUAL(t.served, 10);
	CU_ASSERT(lab_comes(&t.asides, 1));
	CU_ASSERT(t.aside == 11 && t.aside_is_bad);
	lab_load(10, false);
	CU_ASSERT(t.served == 10 && t.ups == 3);
	lab_end();
}

/* What was loaded once, and does not start any more when there is memory again: others may. */
static void one_that_fails_beside_the_built_in_set_is_put_aside_too(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	pretended.available = 1u << 20;
	CU_ASSERT_EQUAL(kill((pid_t)lab_view().pid, SIGKILL), 0);
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT(lab_view().builtin && t.asides == 1 && !t.aside_is_bad);
	pretended.manner = NO_CONFIGURED;
	pretended.available = 64ull << 30;
	CU_ASSERT(lab_comes(&t.asides, 2));
	CU_ASSERT(t.aside == 10 && t.aside_is_bad);
	CU_ASSERT(t.losts == 1 && lab_view().builtin); /* never in its place */
	lab_end();
}

static void want_of_descriptors_is_no_fault_of_a_generation(void)
{
	lab_begin_with(10, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	t.open_error = -EMFILE;
	lab_load(11, false);
	CU_ASSERT(lab_comes(&t.asides, 1));
	CU_ASSERT(t.aside == 11 && !t.aside_is_bad);
	t.open_error = -EIO;
	lab_load(12, false);
	CU_ASSERT(lab_comes(&t.asides, 2));
	CU_ASSERT(t.aside == 12 && t.aside_is_bad);
	lab_end();
}

static void without_any_generation_the_built_in_set_is_no_fault(void)
{
	lab_begin_with(0, GOOD);
	CU_ASSERT(lab_comes(&t.serves, 1));
	CU_ASSERT(t.served == 0 && lab_view().builtin);
	CU_ASSERT_FALSE(supervisor_look(t.supervisor, t.serving).is_makeshift);
	CU_ASSERT_EQUAL(t.raised[FAULT_SERVICE_START], 0);
	lab_end();
}

static void one_that_dies_has_a_certificate_and_comes_back(void)
{
	lab_begin(false);
	CU_ASSERT(lab_comes(&t.ups, 1));
	CU_ASSERT_EQUAL(kill((pid_t)lab_view().pid, SIGABRT), 0);
	CU_ASSERT(lab_comes(&t.certificates, 1));
	CU_ASSERT_EQUAL(t.cause, DEATH_CRASH);
	CU_ASSERT_EQUAL(t.status & 0x7f, SIGABRT);
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT_EQUAL(t.serving, 2);
	CU_ASSERT_EQUAL(t.raised[FAULT_SERVICE_START], 0);
	lab_end();
	CU_ASSERT_EQUAL(t.certificates, 1);
}

static void a_replacement_leaves_no_gap(void)
{
	lab_begin(false);
	CU_ASSERT(lab_comes(&t.ups, 1));
	supervisor_replace(t.supervisor, "for the test");
	CU_ASSERT_EQUAL(t.losts, 0);
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT_EQUAL(t.losts, 0);
	CU_ASSERT_EQUAL(t.replaced, 1);
	CU_ASSERT_EQUAL(lab_view().replacements, 1);
	CU_ASSERT(supervisor_look(t.supervisor, 1).pid > 0);
	supervisor_drained(t.supervisor, 1);
	CU_ASSERT(lab_comes(&t.losts, 1));
	CU_ASSERT_EQUAL(t.lost, 1);
	lab_end();
	CU_ASSERT_EQUAL(t.certificates, 0);
}

static void without_memory_for_two_the_old_one_ends_first(void)
{
	lab_begin(false);
	CU_ASSERT(lab_comes(&t.ups, 1));
	pretended.available = ENGINE;
	supervisor_replace(t.supervisor, "for the test");
	CU_ASSERT_EQUAL(t.losts, 1);
	CU_ASSERT_EQUAL(t.replaced, 1);
	CU_ASSERT(lab_comes(&t.ups, 2));
	lab_end();
	CU_ASSERT_EQUAL(t.certificates, 0);
}

static void a_standby_takes_over_within_milliseconds(void)
{
	mono_ms died;

	lab_set_up(false);
	supervisor_free(t.supervisor);
	t.configuration.standby_service = true;
	lab_make();
	supervisor_start(t.supervisor);
	CU_ASSERT(lab_comes(&t.standbys, 1));
	CU_ASSERT(lab_view().standby_ready);
	died = clock_mono_ms();
	CU_ASSERT_EQUAL(kill((pid_t)lab_view().pid, SIGKILL), 0);
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT(clock_mono_ms() - died < 500); /* the machine may be busy; 2 ms are usual */
	CU_ASSERT_EQUAL(t.serving, t.standby);
	CU_ASSERT(lab_comes(&t.standbys, 2));
	CU_ASSERT_EQUAL(t.standby, 3);
	lab_end();
}

static void definitions_that_do_not_load_are_cured_and_tried_again(void)
{
	lab_set_up(true);
	pretended.manner = NO_CONFIGURED;
	supervisor_start(t.supervisor);
	CU_ASSERT(lab_comes(&t.ups, 1));
	CU_ASSERT_EQUAL(t.generation, 1);
	CU_ASSERT(t.active[FAULT_SERVICE_START]);
	CU_ASSERT_EQUAL(pretended.births, 4);
	CU_ASSERT_EQUAL(t.cures, 4); /* three attempts and the step to the built-in set */
	CU_ASSERT(strstr(t.detail, "/nowhere/definitions") != NULL);
	CU_ASSERT(strstr(t.detail, "broken.ndb: line 3 is malformed") != NULL);
	CU_ASSERT(strstr(t.detail, "attempts that failed: 3") != NULL);
	CU_ASSERT(strstr(t.detail, "the built-in definitions serve") != NULL);
	CU_ASSERT(strstr(t.remedy, "/nowhere/definitions") != NULL);
	CU_ASSERT(lab_comes(&pretended.births, 6)); /* tried beside it */
	CU_ASSERT_EQUAL(t.losts, 0);
	pretended.manner = GOOD;
	CU_ASSERT(lab_comes(&t.cleared[FAULT_SERVICE_START], 1));
	CU_ASSERT_EQUAL(t.generation, 2);
	CU_ASSERT_EQUAL(t.losts, 0);
	CU_ASSERT_EQUAL(t.restarts, 0);
	lab_end();
}

static void when_nothing_starts_the_connector_restarts_once(void)
{
	lab_set_up(true);
	pretended.manner = NEVER_GOOD;
	supervisor_start(t.supervisor);
	CU_ASSERT(lab_comes(&t.restarts, 1));
	CU_ASSERT(lab_comes(&pretended.births, 6));
	CU_ASSERT_EQUAL(t.restarts, 1);
	supervisor_free(t.supervisor); /* as if it had: the next image */
	lab_make();
	supervisor_start(t.supervisor);
	CU_ASSERT(lab_comes(&pretended.births, 11));
	CU_ASSERT_EQUAL(t.restarts, 1);
	pretended.manner = GOOD;
	supervisor_recheck(t.supervisor);
	CU_ASSERT(lab_comes(&t.cleared[FAULT_SERVICE_START], 1));
	lab_end();
}

static void a_missing_executable_is_named_and_put_right(void)
{
	lab_set_up(true);
	pretended.program_missing = true;
	supervisor_start(t.supervisor);
	CU_ASSERT(lab_comes(&t.raised[FAULT_SERVICE_START], 1));
	CU_ASSERT(strstr(t.detail, "/nowhere/bin/ampscansvc cannot be opened") != NULL);
	CU_ASSERT(strstr(t.detail, "nothing is scanned") != NULL);
	CU_ASSERT(strstr(t.remedy, "/nowhere/bin/ampscansvc") != NULL);
	pretended.program_missing = false;
	supervisor_recheck(t.supervisor);
	CU_ASSERT(lab_comes(&t.ups, 1));
	CU_ASSERT(!t.active[FAULT_SERVICE_START]);
	CU_ASSERT_EQUAL(t.generation, 2); /* the built-in set would not have cured it */
	lab_end();
}

static void walls_that_cannot_be_built_are_told_by_the_exit_status(void)
{
	lab_set_up(false);
	pretended.manner = SILENT_END;
	supervisor_start(t.supervisor);
	CU_ASSERT(lab_comes(&t.raised[FAULT_SERVICE_START], 1));
	CU_ASSERT(strstr(t.detail, "the sandbox cannot be built") != NULL);
	CU_ASSERT(strstr(t.detail, "exit status 66") != NULL);
	lab_end();
}

static void what_does_not_fit_into_memory_is_not_tried(void)
{
	lab_begin(false);
	CU_ASSERT(lab_comes(&t.ups, 1));
	pretended.available = ENGINE / 4;
	CU_ASSERT_EQUAL(kill((pid_t)lab_view().pid, SIGKILL), 0);
	CU_ASSERT(lab_comes(&t.raised[FAULT_SERVICE_START], 1));
	CU_ASSERT_EQUAL(pretended.births, 1);
	CU_ASSERT(strstr(t.detail, "there is too little memory") != NULL);
	CU_ASSERT(strstr(t.detail, "needs 100 MiB, measured at the last good load") != NULL);
	CU_ASSERT(strstr(t.detail, "25 MiB are available") != NULL);
	pretended.available = 64ull << 30;
	CU_ASSERT(lab_comes(&t.ups, 2));
	CU_ASSERT(!t.active[FAULT_SERVICE_START]);
	lab_end();
}

static void without_an_account_it_runs_as_root_until_there_is_one(void)
{
	lab_set_up(false);
	pretended.account = (struct scan_account){.unsound = true};
	supervisor_start(t.supervisor);
	CU_ASSERT(lab_comes(&t.ups, 1));
	CU_ASSERT(t.active[FAULT_SERVICE_USER] && lab_view().as_root);
	CU_ASSERT_EQUAL(lab_view().uid, 0);
	CU_ASSERT(strstr(t.detail, "user scan does not exist") != NULL);
	pretended.account = (struct scan_account){.uid = UID, .gid = UID};
	supervisor_recheck(t.supervisor);
	CU_ASSERT(t.active[FAULT_SERVICE_USER]);
	CU_ASSERT(lab_comes(&t.cleared[FAULT_SERVICE_USER], 1));
	CU_ASSERT_EQUAL(lab_view().uid, UID);
	CU_ASSERT_EQUAL(t.losts, 0);
	lab_end();
}

static void a_running_service_goes_on_without_its_account(void)
{
	lab_begin(false);
	CU_ASSERT(lab_comes(&t.ups, 1));
	pretended.account = (struct scan_account){.unsound = true};
	pretended.changed = true;
	supervisor_recheck(t.supervisor);
	CU_ASSERT(strstr(t.detail, "does not exist") && strstr(t.detail, "mode 0777"));
	pretended.account = (struct scan_account){.uid = UID, .gid = UID};
	supervisor_recheck(t.supervisor);
	CU_ASSERT(t.active[FAULT_SERVICE_USER]);
	pretended.changed = false;
	supervisor_recheck(t.supervisor);
	CU_ASSERT_EQUAL(t.cleared[FAULT_SERVICE_USER], 1);
	CU_ASSERT_EQUAL(pretended.births, 1);
	lab_end();
}

static void a_creation_that_fails_is_in_the_detail_and_not_tried_at_once_again(void)
{
	lab_set_up(false);
	t.configuration.create_account = true;
	pretended.account = (struct scan_account){.unsound = true};
	supervisor_start(t.supervisor);
	CU_ASSERT(lab_comes(&t.ups, 1));
	CU_ASSERT(strstr(t.detail, "useradd ended with exit status 1") != NULL);
	lab_end();
}

static void a_service_is_handed_over_and_goes_on(void)
{
	static struct service_handover handover;
	int64_t pid;

	lab_begin(true);
	CU_ASSERT(lab_comes(&t.ups, 1));
	pid = lab_view().pid;
	CU_ASSERT_EQUAL(supervisor_hand_over(t.supervisor, &handover), 0);
	CU_ASSERT_EQUAL(handover.pid, pid);
	supervisor_free(t.supervisor);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
	lab_make();
	CU_ASSERT_EQUAL(supervisor_adopt(t.supervisor, &handover), 0);
	supervisor_count_from(t.supervisor, 9);
	supervisor_start(t.supervisor);
	CU_ASSERT_EQUAL(t.ups, 2);
	CU_ASSERT_EQUAL(t.serving, 1);
	CU_ASSERT_EQUAL(t.generation, 2);
	CU_ASSERT_EQUAL(lab_view().pid, pid);
	CU_ASSERT_STRING_EQUAL(lab_view().report->engine, "test");
	supervisor_replace(t.supervisor, "for the test");
	CU_ASSERT(lab_comes(&t.ups, 3));
	CU_ASSERT_EQUAL(t.serving, 10);
	CU_ASSERT_EQUAL(t.losts, 0);
	lab_end();
	CU_ASSERT_EQUAL(t.certificates, 0);
}

static void nothing_is_handed_over_when_none_is_up(void)
{
	static struct service_handover handover;

	lab_begin(false);
	CU_ASSERT_EQUAL(supervisor_hand_over(t.supervisor, &handover), -EAGAIN);
	supervisor_free(t.supervisor);
	(void)uv_run(&t.loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
}

static void no_descriptor_is_left(void)
{
	int before = own_fds();

	a_replacement_leaves_no_gap();
	when_nothing_starts_the_connector_restarts_once();
	a_service_is_handed_over_and_goes_on();
	CU_ASSERT_EQUAL(own_fds(), before);
}

static const struct unit_test tests[] = {
	{"it starts, serves and stops", it_starts_serves_and_stops},
	{"a generation is loaded and another follows", a_generation_is_loaded_and_another_follows},
	{"one that does not come up beside the old one is put aside",
	 one_that_does_not_come_up_beside_the_old_one_is_put_aside},
	{"one that does not start is put aside and others follow",
	 one_that_does_not_start_is_put_aside_and_others_follow},
	{"with every generation aside the built-in set serves as a makeshift",
	 with_every_generation_aside_the_built_in_set_serves_as_a_makeshift},
	{"without any generation the built-in set is no fault",
	 without_any_generation_the_built_in_set_is_no_fault},
	{"too little memory is no fault of a generation",
	 too_little_memory_is_no_fault_of_a_generation},
	{"who hears of too little memory has the old one back",
	 who_hears_of_too_little_memory_has_the_old_one_back},
	{"nobody is ended for a set that cannot fit", nobody_is_ended_for_a_set_that_cannot_fit},
	{"the built-in set is tried until it serves", the_built_in_set_is_tried_until_it_serves},
	{"what fails for want of rights is tried again",
	 what_fails_for_want_of_rights_is_tried_again},
	{"one that dies before the old one is gone is put aside if it does not come back",
	 one_that_dies_before_the_old_one_is_gone_is_put_aside_if_it_does_not_come_back},
	{"one that fails beside the built-in set is put aside, too",
	 one_that_fails_beside_the_built_in_set_is_put_aside_too},
	{"want of descriptors is no fault of a generation",
	 want_of_descriptors_is_no_fault_of_a_generation},
	{"one that dies has a certificate and comes back",
	 one_that_dies_has_a_certificate_and_comes_back},
	{"a replacement leaves no gap", a_replacement_leaves_no_gap},
	{"without memory for two the old one ends first",
	 without_memory_for_two_the_old_one_ends_first},
	{"a standby takes over within milliseconds", a_standby_takes_over_within_milliseconds},
	{"definitions that do not load are cured and tried again",
	 definitions_that_do_not_load_are_cured_and_tried_again},
	{"when nothing starts the connector restarts once",
	 when_nothing_starts_the_connector_restarts_once},
	{"a missing executable is named and put right",
	 a_missing_executable_is_named_and_put_right},
	{"walls that cannot be built are told by the exit status",
	 walls_that_cannot_be_built_are_told_by_the_exit_status},
	{"what does not fit into memory is not tried", what_does_not_fit_into_memory_is_not_tried},
	{"without an account it runs as root until there is one",
	 without_an_account_it_runs_as_root_until_there_is_one},
	{"a running service goes on without its account",
	 a_running_service_goes_on_without_its_account},
	{"a creation that fails is in the detail",
	 a_creation_that_fails_is_in_the_detail_and_not_tried_at_once_again},
	{"a service is handed over and goes on", a_service_is_handed_over_and_goes_on},
	{"nothing is handed over when none is up", nothing_is_handed_over_when_none_is_up},
	{"no descriptor is left", no_descriptor_is_left},
};

UNIT_MAIN("supervisor", tests)
