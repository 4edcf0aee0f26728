/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The supervisor with real processes and channels: a service is a child of the test that behaves as it is told (support/pretended_birth.h).
 * Journal and fault desk are stand-ins that the tests look at.
 */
#include "ampdaemon/supervisor.h"

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
#include "tests/support/pretended_birth.h"
#include "tests/support/unit_main.h"

#define PATIENCE_MS 8000
#define UID 54321
#define ENGINE PRETENDED_ENGINE_BYTES
#define SAVED_MAX 8

static struct {
	uv_loop_t loop;
	struct configuration configuration;
	struct supervisor *supervisor;

	bool active[FAULT_SELINUX + 1];
	char detail[LIMIT_FAULT_DETAIL_BYTES + 1], remedy[LIMIT_REASON_BYTES + 1];
	unsigned raised[FAULT_SELINUX + 1], cleared[FAULT_SELINUX + 1];
	unsigned cures, replaced, started;
	struct {
		char key[64];
		uint8_t data[256];
		size_t len;
	} saved[SAVED_MAX];

	unsigned ups, losts, downs, restarts, certificates, standbys;
	uint64_t serving, generation, standby, lost, outgoing;
	unsigned serves, asides;
	uint64_t served, opened, aside;
	bool aside_is_bad, cannot_open;
	enum death_cause cause;
	uint32_t status;
} t;

/* ---- stand-ins ---- */

void journal_record(struct journal *journal, const struct event *event)
{
	(void)journal;
	if (!event)
		return; /* values alone */
	t.cures += event->type == EVENT_SERVICE_CURE;
	t.replaced += event->type == EVENT_SERVICE_REPLACED;
	t.started += event->type == EVENT_SERVICE_STARTED;
}

static void save(const struct journal_value *value)
{
	unsigned i = 0;

	while (t.saved[i].key[0] && strcmp(t.saved[i].key, value->key) != 0)
		i++;
	CU_ASSERT_FATAL(i < SAVED_MAX && value->len <= sizeof(t.saved[i].data));
	(void)snprintf(t.saved[i].key, sizeof(t.saved[i].key), "%s", value->key);
	memcpy(t.saved[i].data, value->data, value->len);
	t.saved[i].len = value->len;
}

void journal_record_with(struct journal *journal, const struct event *event,
			 const struct journal_value *values, unsigned n)
{
	journal_record(journal, event);
	for (unsigned i = 0; i < n; i++)
		save(&values[i]);
}

int journal_recall(struct journal *journal, const char *prefix, journal_recall_fn *each,
		   void *context)
{
	(void)journal;
	for (unsigned i = 0; i < SAVED_MAX && t.saved[i].key[0]; i++) {
		if (strncmp(t.saved[i].key, prefix, strlen(prefix)) == 0)
			each(context, t.saved[i].key, t.saved[i].data, t.saved[i].len);
	}
	return 0;
}

void fault_desk_raise(struct fault_desk *desk, enum fault_id id, enum fault_severity severity,
		      const char *detail, const char *remedy)
{
	(void)desk;
	CU_ASSERT_EQUAL(severity, id == FAULT_SERVICE_USER ? FAULT_MAJOR : FAULT_CRITICAL);
	t.active[id] = true;
	t.raised[id]++;
	(void)snprintf(t.detail, sizeof(t.detail), "%s", detail);
	(void)snprintf(t.remedy, sizeof(t.remedy), "%s", remedy ? remedy : "");
}

void fault_desk_clear(struct fault_desk *desk, enum fault_id id, const char *reason)
{
	(void)desk;
	CU_ASSERT(reason[0] != '\0');
	t.cleared[id] += t.active[id];
	t.active[id] = false;
}

bool fault_desk_is_active(const struct fault_desk *desk, enum fault_id id)
{
	(void)desk;
	return t.active[id];
}

/* ---- what the supervisor tells ---- */

static void on_up(void *context, uint64_t incarnation, uint64_t generation)
{
	(void)context;
	t.ups++;
	t.outgoing = t.serving;
	t.serving = incarnation;
	t.generation = generation;
}

static void on_standby(void *context, uint64_t incarnation, uint64_t generation)
{
	(void)context;
	(void)generation;
	t.standbys++;
	t.standby = incarnation;
}

static void on_lost(void *context, uint64_t incarnation)
{
	(void)context;
	t.losts++;
	t.lost = incarnation;
	CU_ASSERT(supervisor_look(t.supervisor, incarnation).last_words >= 0);
}

static void on_worker_exited(void *context, uint64_t worker, uint32_t status)
{
	(void)context;
	(void)worker;
	(void)status;
	CU_FAIL("nobody said so");
}

static void on_worker_failed(void *context, uint64_t worker, const char *reason)
{
	(void)context;
	(void)worker;
	(void)reason;
	CU_FAIL("nobody said so");
}

static void on_certificate(void *context, const struct death_certificate *certificate)
{
	(void)context;
	CU_ASSERT(certificate->is_service && certificate->has_status);
	CU_ASSERT_EQUAL(certificate->failure, FAILURE_UNEXPLAINED);
	t.certificates++;
	t.cause = certificate->cause;
	t.status = certificate->status;
}

static void on_restart(void *context, const char *reason)
{
	(void)context;
	CU_ASSERT(reason[0] != '\0');
	t.restarts++;
}

static void on_serves(void *context, uint64_t generation, const struct service_report *report)
{
	(void)context;
	CU_ASSERT(report->ready.signatures > 0);
	t.serves++;
	t.served = generation;
}

static int on_open(void *context, uint64_t generation, char *ret_why)
{
	(void)context;
	t.opened = generation;
	if (t.cannot_open) {
		(void)snprintf(ret_why, LIMIT_REASON_BYTES, "it is gone");
		return -ENOENT;
	}
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void on_aside(void *context, uint64_t generation, bool is_bad, const char *why)
{
	(void)context;
	CU_ASSERT(why[0] != '\0');
	t.asides++;
	t.aside = generation;
	t.aside_is_bad = is_bad;
}

static void on_down(void *context)
{
	(void)context;
	t.downs++;
}

static const struct supervisor_callbacks callbacks = {.on_up = on_up,
						      .on_standby = on_standby,
						      .on_lost = on_lost,
						      .on_worker_exited = on_worker_exited,
						      .on_worker_failed = on_worker_failed,
						      .on_certificate = on_certificate,
						      .on_serves = on_serves,
						      .on_open = on_open,
						      .on_aside = on_aside,
						      .on_restart = on_restart,
						      .on_down = on_down};

/* ---- running ---- */

static void on_patience(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void on_closed(uv_handle_t *handle)
{
	(void)handle;
}

/* Turns the loop until *counter is at least `wanted`. */
static bool comes(const unsigned *counter, unsigned wanted)
{
	uv_timer_t timer;
	bool over = false;

	(void)uv_timer_init(&t.loop, &timer); /* only fills the handle */
	timer.data = &over;
	(void)uv_timer_start(&timer, on_patience, PATIENCE_MS, 0); /* open: cannot fail */
	while (*counter < wanted && !over)
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, on_closed);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
	if (*counter < wanted)
		printf("# waited in vain; last detail: %s\n", t.detail);
	return *counter >= wanted;
}

static struct service_view view(void)
{
	struct service_view v;

	supervisor_view(t.supervisor, &v);
	return v;
}

static void make(void)
{
	t.supervisor = supervisor_new(&t.loop, &t.configuration, NULL, NULL, &callbacks, NULL);
	CU_ASSERT_FATAL(t.supervisor != NULL);
}

static void set_up(bool has_configured)
{
	static char scan_service[] = "/nowhere/bin/ampscansvc", builtin[] = "/nowhere/builtin";
	static char configured[] = "/nowhere/definitions", user[] = "scan";

	memset(&t, 0, sizeof(t));
	memset(&pretended, 0, sizeof(pretended));
	CU_ASSERT_EQUAL(uv_loop_init(&t.loop), 0);
	t.configuration =
		(struct configuration){.scan_service = scan_service,
				       .builtin_dir = builtin,
				       .definitions_dir = has_configured ? configured : NULL,
				       .scan_user = user,
				       .scan_timeout_ms = 1000,
				       .start_attempts = 3,
				       .start_retry_ms = 300,
				       .down_limit_ms = 10000,
				       .recheck_ms = 60000,
				       .restart_every_ms = 600000};
	pretended.available = 64ull << 30;
	pretended.account = (struct scan_account){.uid = UID, .gid = UID};
	make();
}

static void load(uint64_t generation, bool is_makeshift)
{
	const struct supervisor_load order = {.generation = generation,
					      .is_makeshift = is_makeshift,
					      .need = generation ? ENGINE : 0,
					      .reason = "for the test"};

	supervisor_load(t.supervisor, &order);
}

static void begin_with(uint64_t generation, enum manner manner)
{
	static char root[] = "/nowhere/store";

	set_up(false);
	(void)supervisor_free(t.supervisor);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
	t.configuration.definitions_root = root;
	pretended.manner = manner;
	make();
	load(generation, false);
	supervisor_start(t.supervisor);
}

static void begin(bool has_configured)
{
	set_up(has_configured);
	supervisor_start(t.supervisor);
}

static void end(void)
{
	supervisor_stop(t.supervisor);
	CU_ASSERT(comes(&t.downs, 1));
	supervisor_free(t.supervisor);
	(void)uv_run(&t.loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&t.loop), 0);
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

/* ---- tests ---- */

static void it_starts_serves_and_stops(void)
{
	begin(false);
	CU_ASSERT(comes(&t.ups, 1));
	CU_ASSERT_EQUAL(t.serving, 1);
	CU_ASSERT_EQUAL(t.generation, 1);
	CU_ASSERT_EQUAL(view().state, SERVICE_UP);
	CU_ASSERT_EQUAL(view().uid, UID);
	CU_ASSERT(!view().as_root && view().builtin);
	CU_ASSERT_EQUAL(supervisor_look(t.supervisor, 1).pid, view().pid);
	CU_ASSERT_EQUAL(supervisor_look(t.supervisor, 2).pid, 0);
	end();
	CU_ASSERT_EQUAL(t.losts, 1);
	CU_ASSERT_EQUAL(t.certificates + t.raised[FAULT_SERVICE_START], 0);
}

static void a_generation_is_loaded_and_another_follows(void)
{
	begin_with(10, GOOD);
	CU_ASSERT(comes(&t.serves, 1));
	CU_ASSERT(t.served == 10 && t.opened == 10 && t.generation == 10);
	CU_ASSERT(!view().builtin && view().generation == 10);
	load(10, false); /* it is there: that is told again, and nothing is replaced */
	CU_ASSERT(t.serves == 2 && t.ups == 1);
	load(11, false);
	CU_ASSERT(comes(&t.ups, 2));
	CU_ASSERT(t.served == 11 && t.generation == 11 && t.outgoing == 1);
	CU_ASSERT_EQUAL(t.asides + t.raised[FAULT_SERVICE_START], 0);
	CU_ASSERT_FALSE(supervisor_look(t.supervisor, t.serving).is_makeshift);
	end();
}

static void one_that_does_not_come_up_beside_the_old_one_is_put_aside(void)
{
	begin_with(10, GOOD);
	CU_ASSERT(comes(&t.serves, 1));
	pretended.manner = NO_CONFIGURED;
	load(11, false);
	CU_ASSERT(comes(&t.asides, 1));
	CU_ASSERT(t.aside == 11 && t.aside_is_bad);
	CU_ASSERT_EQUAL(pretended.births, 4);  /* start_attempts of them */
	CU_ASSERT(t.ups == 1 && t.losts == 0); /* the old one never stopped */
	load(10, false);
	CU_ASSERT(t.served == 10 && t.asides == 1);
	CU_ASSERT_EQUAL(t.raised[FAULT_SERVICE_START], 0);
	end();
}

static void one_that_does_not_start_is_put_aside_and_others_follow(void)
{
	begin_with(10, NO_CONFIGURED);
	CU_ASSERT(comes(&t.asides, 1));
	CU_ASSERT(t.aside == 10 && t.aside_is_bad);
	CU_ASSERT(t.active[FAULT_SERVICE_START]);
	pretended.manner = GOOD;
	load(9999, false);
	CU_ASSERT(comes(&t.ups, 1));
	CU_ASSERT(t.served == 9999 && t.opened == 9999);
	CU_ASSERT_FALSE(t.active[FAULT_SERVICE_START]);
	end();
}

static void with_every_generation_aside_the_built_in_set_serves_as_a_makeshift(void)
{
	begin_with(10, GOOD);
	CU_ASSERT(comes(&t.serves, 1));
	t.cannot_open = true;
	load(12, false);
	CU_ASSERT(comes(&t.asides, 1));
	load(0, true);
	CU_ASSERT(comes(&t.ups, 2));
	CU_ASSERT(t.served == 0 && view().builtin && t.generation == 1);
	CU_ASSERT(supervisor_look(t.supervisor, t.serving).is_makeshift);
	CU_ASSERT(t.active[FAULT_SERVICE_START]);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.detail, "put aside"));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.remedy, "ampcli"));
	supervisor_drained(t.supervisor, t.outgoing);
	t.cannot_open = false;
	load(13, false);
	CU_ASSERT(comes(&t.ups, 3));
	CU_ASSERT(t.served == 13 && !t.active[FAULT_SERVICE_START]);
	end();
}

static void too_little_memory_is_no_fault_of_a_generation(void)
{
	begin_with(10, GOOD);
	CU_ASSERT(comes(&t.serves, 1));
	pretended.available = 1u << 20;
	load(11, false); /* no room for two: the present one is ended first */
	CU_ASSERT(comes(&t.raised[FAULT_SERVICE_START], 1));
	CU_ASSERT_EQUAL(t.asides, 0);
	pretended.available = 64ull << 30;
	CU_ASSERT(comes(&t.cleared[FAULT_SERVICE_START], 1));
	CU_ASSERT(t.served == 11);
	end();
}

static void without_any_generation_the_built_in_set_is_no_fault(void)
{
	begin_with(0, GOOD);
	CU_ASSERT(comes(&t.serves, 1));
	CU_ASSERT(t.served == 0 && view().builtin);
	CU_ASSERT_FALSE(supervisor_look(t.supervisor, t.serving).is_makeshift);
	CU_ASSERT_EQUAL(t.raised[FAULT_SERVICE_START], 0);
	end();
}

static void one_that_dies_has_a_certificate_and_comes_back(void)
{
	begin(false);
	CU_ASSERT(comes(&t.ups, 1));
	CU_ASSERT_EQUAL(kill((pid_t)view().pid, SIGABRT), 0);
	CU_ASSERT(comes(&t.certificates, 1));
	CU_ASSERT_EQUAL(t.cause, DEATH_CRASH);
	CU_ASSERT_EQUAL(t.status & 0x7f, SIGABRT);
	CU_ASSERT(comes(&t.ups, 2));
	CU_ASSERT_EQUAL(t.serving, 2);
	CU_ASSERT_EQUAL(t.raised[FAULT_SERVICE_START], 0);
	end();
	CU_ASSERT_EQUAL(t.certificates, 1);
}

static void a_replacement_leaves_no_gap(void)
{
	begin(false);
	CU_ASSERT(comes(&t.ups, 1));
	supervisor_replace(t.supervisor, "for the test");
	CU_ASSERT_EQUAL(t.losts, 0);
	CU_ASSERT(comes(&t.ups, 2));
	CU_ASSERT_EQUAL(t.losts, 0);
	CU_ASSERT_EQUAL(t.replaced, 1);
	CU_ASSERT_EQUAL(view().replacements, 1);
	CU_ASSERT(supervisor_look(t.supervisor, 1).pid > 0);
	supervisor_drained(t.supervisor, 1);
	CU_ASSERT(comes(&t.losts, 1));
	CU_ASSERT_EQUAL(t.lost, 1);
	end();
	CU_ASSERT_EQUAL(t.certificates, 0);
}

static void without_memory_for_two_the_old_one_ends_first(void)
{
	begin(false);
	CU_ASSERT(comes(&t.ups, 1));
	pretended.available = ENGINE;
	supervisor_replace(t.supervisor, "for the test");
	CU_ASSERT_EQUAL(t.losts, 1);
	CU_ASSERT_EQUAL(t.replaced, 1);
	CU_ASSERT(comes(&t.ups, 2));
	end();
	CU_ASSERT_EQUAL(t.certificates, 0);
}

static void a_standby_takes_over_within_milliseconds(void)
{
	mono_ms died;

	set_up(false);
	supervisor_free(t.supervisor);
	t.configuration.standby_service = true;
	make();
	supervisor_start(t.supervisor);
	CU_ASSERT(comes(&t.standbys, 1));
	CU_ASSERT(view().standby_ready);
	died = clock_mono_ms();
	CU_ASSERT_EQUAL(kill((pid_t)view().pid, SIGKILL), 0);
	CU_ASSERT(comes(&t.ups, 2));
	CU_ASSERT(clock_mono_ms() - died < 500); /* the machine may be busy; 2 ms are usual */
	CU_ASSERT_EQUAL(t.serving, t.standby);
	CU_ASSERT(comes(&t.standbys, 2));
	CU_ASSERT_EQUAL(t.standby, 3);
	end();
}

static void definitions_that_do_not_load_are_cured_and_tried_again(void)
{
	set_up(true);
	pretended.manner = NO_CONFIGURED;
	supervisor_start(t.supervisor);
	CU_ASSERT(comes(&t.ups, 1));
	CU_ASSERT_EQUAL(t.generation, 1);
	CU_ASSERT(t.active[FAULT_SERVICE_START]);
	CU_ASSERT_EQUAL(pretended.births, 4);
	CU_ASSERT_EQUAL(t.cures, 4); /* three attempts and the step to the built-in set */
	CU_ASSERT(strstr(t.detail, "/nowhere/definitions") != NULL);
	CU_ASSERT(strstr(t.detail, "broken.ndb: line 3 is malformed") != NULL);
	CU_ASSERT(strstr(t.detail, "attempts that failed: 3") != NULL);
	CU_ASSERT(strstr(t.detail, "the built-in definitions serve") != NULL);
	CU_ASSERT(strstr(t.remedy, "/nowhere/definitions") != NULL);
	CU_ASSERT(comes(&pretended.births, 6)); /* tried beside it */
	CU_ASSERT_EQUAL(t.losts, 0);
	pretended.manner = GOOD;
	CU_ASSERT(comes(&t.cleared[FAULT_SERVICE_START], 1));
	CU_ASSERT_EQUAL(t.generation, 2);
	CU_ASSERT_EQUAL(t.losts, 0);
	CU_ASSERT_EQUAL(t.restarts, 0);
	end();
}

static void when_nothing_starts_the_connector_restarts_once(void)
{
	set_up(true);
	pretended.manner = NEVER_GOOD;
	supervisor_start(t.supervisor);
	CU_ASSERT(comes(&t.restarts, 1));
	CU_ASSERT(comes(&pretended.births, 6));
	CU_ASSERT_EQUAL(t.restarts, 1);
	supervisor_free(t.supervisor); /* as if it had: the next image */
	make();
	supervisor_start(t.supervisor);
	CU_ASSERT(comes(&pretended.births, 11));
	CU_ASSERT_EQUAL(t.restarts, 1);
	pretended.manner = GOOD;
	supervisor_recheck(t.supervisor);
	CU_ASSERT(comes(&t.cleared[FAULT_SERVICE_START], 1));
	end();
}

static void a_missing_executable_is_named_and_put_right(void)
{
	set_up(true);
	pretended.program_missing = true;
	supervisor_start(t.supervisor);
	CU_ASSERT(comes(&t.raised[FAULT_SERVICE_START], 1));
	CU_ASSERT(strstr(t.detail, "/nowhere/bin/ampscansvc cannot be opened") != NULL);
	CU_ASSERT(strstr(t.detail, "nothing is scanned") != NULL);
	CU_ASSERT(strstr(t.remedy, "/nowhere/bin/ampscansvc") != NULL);
	pretended.program_missing = false;
	supervisor_recheck(t.supervisor);
	CU_ASSERT(comes(&t.ups, 1));
	CU_ASSERT(!t.active[FAULT_SERVICE_START]);
	CU_ASSERT_EQUAL(t.generation, 2); /* the built-in set would not have cured it */
	end();
}

static void walls_that_cannot_be_built_are_told_by_the_exit_status(void)
{
	set_up(false);
	pretended.manner = SILENT_END;
	supervisor_start(t.supervisor);
	CU_ASSERT(comes(&t.raised[FAULT_SERVICE_START], 1));
	CU_ASSERT(strstr(t.detail, "the sandbox cannot be built") != NULL);
	CU_ASSERT(strstr(t.detail, "exit status 66") != NULL);
	end();
}

static void what_does_not_fit_into_memory_is_not_tried(void)
{
	begin(false);
	CU_ASSERT(comes(&t.ups, 1));
	pretended.available = ENGINE / 4;
	CU_ASSERT_EQUAL(kill((pid_t)view().pid, SIGKILL), 0);
	CU_ASSERT(comes(&t.raised[FAULT_SERVICE_START], 1));
	CU_ASSERT_EQUAL(pretended.births, 1);
	CU_ASSERT(strstr(t.detail, "there is too little memory") != NULL);
	CU_ASSERT(strstr(t.detail, "needs 100 MiB, measured at the last good load") != NULL);
	CU_ASSERT(strstr(t.detail, "25 MiB are available") != NULL);
	pretended.available = 64ull << 30;
	CU_ASSERT(comes(&t.ups, 2));
	CU_ASSERT(!t.active[FAULT_SERVICE_START]);
	end();
}

static void without_an_account_it_runs_as_root_until_there_is_one(void)
{
	set_up(false);
	pretended.account = (struct scan_account){.unsound = true};
	supervisor_start(t.supervisor);
	CU_ASSERT(comes(&t.ups, 1));
	CU_ASSERT(t.active[FAULT_SERVICE_USER] && view().as_root);
	CU_ASSERT_EQUAL(view().uid, 0);
	CU_ASSERT(strstr(t.detail, "user scan does not exist") != NULL);
	pretended.account = (struct scan_account){.uid = UID, .gid = UID};
	supervisor_recheck(t.supervisor);
	CU_ASSERT(t.active[FAULT_SERVICE_USER]);
	CU_ASSERT(comes(&t.cleared[FAULT_SERVICE_USER], 1));
	CU_ASSERT_EQUAL(view().uid, UID);
	CU_ASSERT_EQUAL(t.losts, 0);
	end();
}

static void a_running_service_goes_on_without_its_account(void)
{
	begin(false);
	CU_ASSERT(comes(&t.ups, 1));
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
	end();
}

static void a_creation_that_fails_is_in_the_detail_and_not_tried_at_once_again(void)
{
	set_up(false);
	t.configuration.create_account = true;
	pretended.account = (struct scan_account){.unsound = true};
	supervisor_start(t.supervisor);
	CU_ASSERT(comes(&t.ups, 1));
	CU_ASSERT(strstr(t.detail, "useradd ended with exit status 1") != NULL);
	end();
}

static void a_service_is_handed_over_and_goes_on(void)
{
	static struct service_handover handover;
	int64_t pid;

	begin(true);
	CU_ASSERT(comes(&t.ups, 1));
	pid = view().pid;
	CU_ASSERT_EQUAL(supervisor_hand_over(t.supervisor, &handover), 0);
	CU_ASSERT_EQUAL(handover.pid, pid);
	supervisor_free(t.supervisor);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
	make();
	CU_ASSERT_EQUAL(supervisor_adopt(t.supervisor, &handover), 0);
	supervisor_count_from(t.supervisor, 9);
	supervisor_start(t.supervisor);
	CU_ASSERT_EQUAL(t.ups, 2);
	CU_ASSERT_EQUAL(t.serving, 1);
	CU_ASSERT_EQUAL(t.generation, 2);
	CU_ASSERT_EQUAL(view().pid, pid);
	CU_ASSERT_STRING_EQUAL(view().report->engine, "test");
	supervisor_replace(t.supervisor, "for the test");
	CU_ASSERT(comes(&t.ups, 3));
	CU_ASSERT_EQUAL(t.serving, 10);
	CU_ASSERT_EQUAL(t.losts, 0);
	end();
	CU_ASSERT_EQUAL(t.certificates, 0);
}

static void nothing_is_handed_over_when_none_is_up(void)
{
	static struct service_handover handover;

	begin(false);
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
