/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The desk over lives of the daemon. Checks are played by the test: it sees what a check is told and says what came of it. The journal keeps its values
 * from one life to the next.
 */
#include "ampdaemon/update_desk.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/update_check.h"
#include "io/clock.h"
#include "tests/support/unit_main.h"

#define CLIENT 7
#define DAY_MS 86400000

static struct {
	uv_loop_t loop;
	struct configuration configuration;
	struct update_desk *desk;
	struct definition_machine machine;
	bool is_in_charge;

	/* the journal */
	uint8_t kept[65536];
	size_t len;
	unsigned events_failed, events_old, events_fresh;
	char reason[LIMIT_REASON_BYTES + 1];

	/* the check */
	struct update_check_callbacks check;
	void *check_context;
	bool is_running;
	unsigned begun, dropped, swept;
	struct check_order order;

	/* the client */
	unsigned verdicts, progresses;
	struct update_answer verdict;
	bool is_asking; /* no verdict may come now */
} t;

/* ---- stand-ins ---- */

int journal_recall(struct journal *journal, const char *prefix, journal_recall_fn *each,
		   void *context)
{
	(void)journal;
	if (t.len)
		each(context, prefix, t.kept, t.len);
	return 0;
}

void journal_record_with(struct journal *journal, const struct event *event,
			 const struct journal_value *values, unsigned n)
{
	(void)journal;
	CU_ASSERT_PTR_NULL(event);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	CU_ASSERT_STRING_EQUAL(values[0].key, "updates");
	memcpy(t.kept, values[0].data, values[0].len);
	t.len = values[0].len;
}

void journal_record(struct journal *journal, const struct event *event)
{
	(void)journal;
	CU_ASSERT_EQUAL(event->body, EVENT_BODY_DEFINITIONS);
	t.events_failed += event->type == EVENT_DEFINITIONS_UPDATE_FAILED;
	t.events_old += event->type == EVENT_DEFINITIONS_OLD;
	t.events_fresh += event->type == EVENT_DEFINITIONS_FRESH;
	(void)snprintf(t.reason, sizeof(t.reason), "%s", event->definitions.reason);
}

const struct definition_machine *definition_desk_machine(const struct definition_desk *desk)
{
	(void)desk;
	return &t.machine;
}

bool definition_desk_is_in_charge(const struct definition_desk *desk)
{
	(void)desk;
	return t.is_in_charge;
}

struct update_check *update_check_new(const struct update_check_needs *needs,
				      const struct update_check_callbacks *callbacks, void *context)
{
	CU_ASSERT_PTR_EQUAL(needs->configuration, &t.configuration);
	t.check = *callbacks;
	t.check_context = context;
	return (struct update_check *)&t; /* only its address counts */
}

struct update_check *update_check_free(struct update_check *check)
{
	(void)check;
	t.is_running = false;
	return NULL;
}

void update_check_begin(struct update_check *check, const struct check_order *order)
{
	(void)check;
	CU_ASSERT_FALSE(t.is_running);
	t.is_running = true;
	t.begun++;
	t.order = *order;
}

void update_check_drop(struct update_check *check)
{
	(void)check;
	t.is_running = false;
	t.dropped++;
}

void update_check_sweep(struct update_check *check)
{
	(void)check;
	t.swept++;
}

bool update_check_is_busy(const struct update_check *check)
{
	(void)check;
	return t.is_running;
}

void update_check_answered(struct update_check *check, const struct definition_answer *answer)
{
	(void)check;
	(void)answer;
}

void update_check_phase(struct update_check *check, enum candidate_phase phase)
{
	(void)check;
	(void)phase;
}

static void on_verdict(void *context, uint64_t client, const struct update_answer *answer)
{
	(void)context;
	CU_ASSERT_EQUAL(client, CLIENT);
	CU_ASSERT_FALSE(t.is_asking);
	t.verdicts++;
	t.verdict = *answer;
}

static void on_progress(void *context, uint64_t client, const char *text, uint64_t done,
			uint64_t total)
{
	(void)context;
	CU_ASSERT_EQUAL(client, CLIENT);
	CU_ASSERT_TRUE(done == 5 && total == 0 && *text);
	t.progresses++;
}

/* ---- lives ---- */

static char url_a[] = "http://a", url_b[] = "http://b", url_c[] = "http://c";
static struct configuration_mirror mirrors[] = {{url_a, false}, {url_b, true}};
static char main_name[] = "main", daily_name[] = "daily";
static char *databases[] = {main_name, daily_name};

static void live(void)
{
	static const struct update_callbacks callbacks = {.on_verdict = on_verdict,
							  .on_progress = on_progress};
	const struct update_needs needs = {.loop = &t.loop, .configuration = &t.configuration};

	t.is_running = false;
	t.desk = update_desk_new(&needs, &callbacks, &t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.desk);
	update_desk_start(t.desk);
}

static void die(void)
{
	t.desk = update_desk_free(t.desk);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
}

/* A machine that knows nothing, and whose checks come by command only for a long time. */
static void begin(void)
{
	memset(&t.machine, 0, sizeof(t) - offsetof(__typeof__(t), machine));
	t.is_in_charge = true;
	t.configuration = (struct configuration){
		.update_mirrors = mirrors,
		.update_mirrors_count = 2,
		.update_databases = databases,
		.update_databases_count = 2,
		.update_interval_ms = 30u * DAY_MS,
		.update_retry_ms = 10u * DAY_MS,
		.update_retry_max_ms = 20u * DAY_MS,
		.max_definition_age_ms = UINT64_C(3) * DAY_MS,
	};
	live();
}

static void on_limit(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void turn(uint64_t ms)
{
	bool is_over = false;
	uv_timer_t limit;

	(void)uv_timer_init(&t.loop, &limit);
	limit.data = &is_over;
	uv_update_time(&t.loop);
	(void)uv_timer_start(&limit, on_limit, ms, 0);
	while (!is_over)
		(void)uv_run(&t.loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&limit, NULL);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
}

static int ask(void)
{
	char why[LIMIT_REASON_BYTES + 1] = "";
	int r;

	t.is_asking = true;
	r = update_desk_ask(t.desk, CLIENT, why);
	t.is_asking = false;
	CU_ASSERT_EQUAL(r != 0, why[0] != '\0');
	turn(1);
	return r;
}

static void end_check(const struct check_result *result)
{
	CU_ASSERT_TRUE(t.is_running);
	t.is_running = false;
	t.check.on_done(t.check_context, result);
	turn(1);
}

static void succeed(void)
{
	const struct check_result result = {
		.outcome = UPDATE_NOTHING_NEW, .went_well = true, .reason = "as new as can be"};

	end_check(&result);
}

static void fail(void)
{
	const struct check_result result = {.outcome = UPDATE_UNREACHABLE, .reason = "nobody"};

	end_check(&result);
}

/* ---- who asks ---- */

static void one_client_asks_and_is_answered_once(void)
{
	begin();
	CU_ASSERT_EQUAL(t.swept, 1);
	turn(20);
	CU_ASSERT_EQUAL(t.begun, 0);
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.begun, 1);
	CU_ASSERT_EQUAL(t.order.n_mirrors, 2);
	CU_ASSERT_TRUE(t.order.mirrors[0] == 0 && t.order.mirrors[1] == 1);
	CU_ASSERT_EQUAL(ask(), -EBUSY);
	t.check.on_progress(t.check_context, "so far", 5);
	CU_ASSERT_EQUAL(t.progresses, 1);
	CU_ASSERT_EQUAL(t.verdicts, 0);
	succeed();
	CU_ASSERT_EQUAL(t.verdicts, 1);
	CU_ASSERT_EQUAL(t.verdict.outcome, UPDATE_NOTHING_NEW);
	CU_ASSERT_EQUAL(t.events_failed, 0);
	CU_ASSERT_EQUAL(ask(), 0);
	update_desk_cancel(t.desk, CLIENT);
	t.check.on_progress(t.check_context, "nobody hears it", 5);
	succeed();
	CU_ASSERT_EQUAL(t.verdicts, 1);
	CU_ASSERT_EQUAL(t.progresses, 1);
	die();
}

static void who_cannot_be_served_is_told_why(void)
{
	begin();
	die();
	t.is_in_charge = false;
	live();
	CU_ASSERT_EQUAL(ask(), -EPERM);
	die();
	t.is_in_charge = true;
	t.configuration.update_mirrors_count = 0;
	live();
	CU_ASSERT_EQUAL(ask(), -EPERM);
	CU_ASSERT_EQUAL(t.begun, 0);
	die();
}

static void a_failure_is_one_event_and_is_remembered(void)
{
	struct update_view view;

	begin();
	CU_ASSERT_EQUAL(ask(), 0);
	fail();
	CU_ASSERT_EQUAL(t.events_failed, 1);
	CU_ASSERT_STRING_EQUAL(t.reason, "nobody");
	CU_ASSERT_EQUAL(t.verdict.outcome, UPDATE_UNREACHABLE);
	die();
	live();
	update_desk_view(t.desk, &view);
	CU_ASSERT_EQUAL(view.last_outcome, UPDATE_UNREACHABLE);
	CU_ASSERT_STRING_EQUAL(view.last_reason, "nobody");
	CU_ASSERT_TRUE(view.last_check_ms > 0 && view.last_check_ms <= clock_utc_ms());
	/* Five to ten days: the pause goes on, though there was never a success. */
	CU_ASSERT_TRUE(view.next_check_ms > clock_utc_ms() + UINT64_C(4) * DAY_MS);
	CU_ASSERT_TRUE(view.next_check_ms < clock_utc_ms() + UINT64_C(11) * DAY_MS);
	die();
}

static void the_last_success_counts_over_a_restart(void)
{
	struct update_view view;

	begin();
	CU_ASSERT_EQUAL(ask(), 0);
	succeed();
	die();
	live();
	update_desk_view(t.desk, &view);
	CU_ASSERT_TRUE(view.is_on && !view.is_running);
	CU_ASSERT_TRUE(view.next_check_ms > clock_utc_ms() + UINT64_C(26) * DAY_MS);
	turn(20);
	CU_ASSERT_EQUAL(t.begun, 1);
	die();
}

static void checks_come_by_themselves(void)
{
	begin();
	die();
	t.configuration.update_retry_ms = t.configuration.update_retry_max_ms = 20;
	t.configuration.update_interval_ms = 40;
	live();
	turn(60);
	CU_ASSERT_EQUAL(t.begun, 1);
	succeed();
	turn(80);
	CU_ASSERT_EQUAL(t.begun, 2);
	CU_ASSERT_EQUAL(ask(), 0); /* joins it */
	CU_ASSERT_EQUAL(t.begun, 2);
	fail();
	CU_ASSERT_EQUAL(t.verdicts, 1);
	turn(60);
	CU_ASSERT_EQUAL(t.begun, 3);
	die();
}

/* ---- what is known of mirrors ---- */

static void who_is_to_be_left_alone_is_after_a_crash_too(void)
{
	begin();
	CU_ASSERT_EQUAL(ask(), 0);
	t.check.on_attempt(t.check_context, 0, UPDATE_WAIT, 3600000);
	die(); /* in the midst of it */
	live();
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.order.n_mirrors, 1);
	CU_ASSERT_EQUAL(t.order.mirrors[0], 1);
	t.check.on_attempt(t.check_context, 1, UPDATE_WAIT, 3600000);
	fail();
	CU_ASSERT_EQUAL(ask(), -EAGAIN);
	die();
	mirrors[0].url = url_c; /* another one is nobody who was heard */
	live();
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.order.n_mirrors, 1);
	CU_ASSERT_EQUAL(t.order.mirrors[0], 0);
	die();
	mirrors[0].url = url_a;
}

static struct check_result brought(enum rejection rejection)
{
	return (struct check_result){
		.outcome = UPDATE_UPDATED,
		.rejection = rejection,
		.was_tried = true,
		.went_well = rejection == REJECTION_NONE,
		.reason = "tried",
		.files = {{.was_brought = true, .is_blamed = false, .mirror = 0, .version = 61},
			  {.was_brought = true, .is_blamed = true, .mirror = 1, .version = 27000}}};
}

static void what_is_rejected_is_not_asked_for_again(void)
{
	struct check_result result = brought(REJECTION_TRIAL);

	begin();
	CU_ASSERT_EQUAL(ask(), 0);
	end_check(&result);
	CU_ASSERT_EQUAL(t.events_failed, 0); /* the definition desk tells it */
	CU_ASSERT_EQUAL(t.verdict.rejection, REJECTION_TRIAL);
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[1][1], 27000);
	CU_ASSERT_EQUAL(t.order.refused[0][1], 0);
	CU_ASSERT_EQUAL(t.order.refused[0][0], 0);
	CU_ASSERT_EQUAL(t.order.mirrors[0], 0);
	succeed();
	die();
	databases[0] = daily_name; /* in another place */
	databases[1] = main_name;
	live();
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[1][0], 27000);
	CU_ASSERT_EQUAL(t.order.refused[1][1], 0);
	die();
	databases[0] = main_name;
	databases[1] = daily_name;
}

static void want_of_room_is_no_fault_of_a_mirror(void)
{
	struct check_result result = brought(REJECTION_TRIAL_ROOM);

	begin();
	CU_ASSERT_EQUAL(ask(), 0);
	end_check(&result);
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[1][1], 0);
	die();
}

/* In its probation, or by command: of that no check hears. */
static void what_falls_later_is_not_asked_for_again(void)
{
	struct check_result result = brought(REJECTION_NONE);
	const uint8_t digest[LIMIT_DIGEST_BYTES] = {1, 2, 3};

	begin();
	t.machine.active = 12;
	t.machine.all[0].number = 12;
	memcpy(t.machine.all[0].facts.digest, digest, sizeof(digest));
	CU_ASSERT_EQUAL(ask(), 0);
	result.generation = 12;
	end_check(&result);
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[0][0], 0);
	succeed();
	die();
	definition_machine_restore_rejected(&t.machine, digest);
	live();
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.order.refused[0][0], 61);
	CU_ASSERT_EQUAL(t.order.refused[1][1], 27000);
	die();
}

/* ---- age ---- */

static uint64_t seconds_ago(uint64_t s)
{
	return clock_utc_ms() / 1000 - s;
}

static void what_turns_old_is_told_once(void)
{
	struct update_view view;
	char text[LIMIT_REASON_BYTES + 1];

	begin();
	t.machine.all[0].number = t.machine.active = 12;
	t.configuration.max_definition_age_ms = 2000;
	update_desk_serves(t.desk, seconds_ago(1));
	CU_ASSERT_EQUAL(t.events_old, 0);
	CU_ASSERT_FALSE(update_desk_notice(t.desk, 0, text));
	turn(3000);
	CU_ASSERT_EQUAL(t.events_old, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.reason, "seconds ago; the limit is 2 seconds"));
	CU_ASSERT_TRUE(update_desk_notice(t.desk, 0, text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "definitions are out of date: they were built"));
	CU_ASSERT_FALSE(update_desk_notice(t.desk, 1, text));
	update_desk_view(t.desk, &view);
	CU_ASSERT_EQUAL(view.age, DEFINITION_AGE_OLD);
	die();
	live();
	update_desk_serves(t.desk, seconds_ago(100));
	CU_ASSERT_EQUAL(t.events_old, 1);
	CU_ASSERT_EQUAL(t.events_fresh, 0);
	update_desk_serves(t.desk, seconds_ago(0));
	CU_ASSERT_EQUAL(t.events_fresh, 1);
	update_desk_serves(t.desk, seconds_ago(0));
	CU_ASSERT_EQUAL(t.events_fresh, 1);
	die();
}

static void who_never_had_any_is_out_of_date(void)
{
	begin();
	update_desk_serves(t.desk, 0);
	CU_ASSERT_EQUAL(t.events_old, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.reason, "none were ever installed"));
	t.machine.all[0].number = 10; /* of files that do not say when they were built */
	update_desk_serves(t.desk, 0);
	CU_ASSERT_EQUAL(t.events_fresh, 1);
	die();
	begin();
	die();
	t.configuration.update_mirrors_count = 0;
	live();
	update_desk_serves(t.desk, 0);
	CU_ASSERT_EQUAL(t.events_old, 0); /* nobody wants any */
	die();
}

static void what_is_told_before_the_start_forgets_nothing(void)
{
	begin();
	CU_ASSERT_EQUAL(ask(), 0);
	t.check.on_attempt(t.check_context, 0, UPDATE_WAIT, 3600000);
	fail();
	die();
	{
		const struct update_needs needs = {.loop = &t.loop,
						   .configuration = &t.configuration};
		static const struct update_callbacks callbacks = {.on_verdict = on_verdict};

		t.desk = update_desk_new(&needs, &callbacks, &t);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.desk);
	update_desk_serves(t.desk, 0); /* an event, and so the state is kept */
	CU_ASSERT_EQUAL(t.events_old, 1);
	die();
	live();
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.order.n_mirrors, 1);
	die();
}

/* ---- restart in place ---- */

static void a_restart_ends_the_check_and_tells_its_client(void)
{
	begin();
	CU_ASSERT_EQUAL(ask(), 0);
	update_desk_rest(t.desk);
	CU_ASSERT_EQUAL(t.dropped, 1);
	CU_ASSERT_EQUAL(t.verdicts, 1);
	CU_ASSERT_EQUAL(t.verdict.outcome, UPDATE_FAILED);
	CU_ASSERT_EQUAL(t.events_failed, 0);
	CU_ASSERT_EQUAL(ask(), -EBUSY);
	turn(20);
	CU_ASSERT_EQUAL(t.begun, 1);
	update_desk_go_on(t.desk);
	CU_ASSERT_EQUAL(ask(), 0);
	CU_ASSERT_EQUAL(t.begun, 2);
	succeed();
	CU_ASSERT_EQUAL(t.verdicts, 2);
	die();
}

static void a_memory_of_another_layout_is_none(void)
{
	struct update_view view;

	begin();
	CU_ASSERT_EQUAL(ask(), 0);
	fail();
	die();
	t.len--;
	live();
	update_desk_view(t.desk, &view);
	CU_ASSERT_EQUAL(view.last_check_ms, 0);
	die();
	t.len++;
	memset(t.kept, 0xff, t.len); /* our layout, and nonsense in it */
	live();
	update_desk_view(t.desk, &view);
	CU_ASSERT_TRUE(view.last_outcome < UPDATE_OUTCOME_COUNT);
	CU_ASSERT_TRUE(strlen(view.last_reason) <= LIMIT_REASON_BYTES);
	CU_ASSERT_EQUAL(ask(), 0);
	die();
}

static const struct unit_test tests[] = {
	{"one client asks and is answered once", one_client_asks_and_is_answered_once},
	{"who cannot be served is told why", who_cannot_be_served_is_told_why},
	{"a failure is one event, and is remembered", a_failure_is_one_event_and_is_remembered},
	{"the last success counts over a restart", the_last_success_counts_over_a_restart},
	{"checks come by themselves", checks_come_by_themselves},
	{"who is to be left alone is, after a crash too",
	 who_is_to_be_left_alone_is_after_a_crash_too},
	{"what is rejected is not asked for again", what_is_rejected_is_not_asked_for_again},
	{"want of room is no fault of a mirror", want_of_room_is_no_fault_of_a_mirror},
	{"what falls later is not asked for again", what_falls_later_is_not_asked_for_again},
	{"what turns old is told once", what_turns_old_is_told_once},
	{"who never had any is out of date", who_never_had_any_is_out_of_date},
	{"what is told before the start forgets nothing",
	 what_is_told_before_the_start_forgets_nothing},
	{"a restart ends the check and tells its client",
	 a_restart_ends_the_check_and_tells_its_client},
	{"a memory of another layout is none", a_memory_of_another_layout_is_none},
};

int main(void)
{
	if (uv_loop_init(&t.loop))
		return 1;
	return unit_main("update_desk", tests, sizeof(tests) / sizeof(tests[0]));
}
