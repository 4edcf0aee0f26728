/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/update_lab.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct update_lab t;

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
	CU_ASSERT_EQUAL(client, LAB_CLIENT);
	CU_ASSERT_FALSE(t.is_asking);
	t.verdicts++;
	t.verdict = *answer;
}

static void on_progress(void *context, uint64_t client, const char *text, uint64_t done,
			uint64_t total)
{
	(void)context;
	CU_ASSERT_EQUAL(client, LAB_CLIENT);
	CU_ASSERT_TRUE(done == 5 && total == 0 && *text);
	t.progresses++;
}

/* ---- lives ---- */

static char url_a[] = "http://a", url_b[] = "http://b";
struct configuration_mirror lab_mirrors[2] = {{url_a, false}, {url_b, true}};
static char main_name[] = "main", daily_name[] = "daily";
char *lab_databases[2] = {main_name, daily_name};

void lab_born(void)
{
	static const struct update_callbacks callbacks = {.on_verdict = on_verdict,
							  .on_progress = on_progress};
	const struct update_needs needs = {.loop = &t.loop, .configuration = &t.configuration};

	t.is_running = false;
	t.desk = update_desk_new(&needs, &callbacks, &t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t.desk);
}

void lab_live(void)
{
	lab_born();
	update_desk_start(t.desk);
}

void lab_die(void)
{
	t.desk = update_desk_free(t.desk);
	(void)uv_run(&t.loop, UV_RUN_NOWAIT);
}

void lab_begin(void)
{
	memset(&t.machine, 0, sizeof(t) - offsetof(__typeof__(t), machine));
	t.is_in_charge = true;
	t.configuration = (struct configuration){
		.update_mirrors = lab_mirrors,
		.update_mirrors_count = 2,
		.update_databases = lab_databases,
		.update_databases_count = 2,
		.update_interval_ms = 30u * LAB_DAY_MS,
		.update_retry_ms = 10u * LAB_DAY_MS,
		.update_retry_max_ms = 20u * LAB_DAY_MS,
		.max_definition_age_ms = UINT64_C(3) * LAB_DAY_MS,
	};
	lab_live();
}

static void on_limit(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

void lab_turn(uint64_t ms)
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

int lab_ask(void)
{
	char why[LIMIT_REASON_BYTES + 1] = "";
	int r;

	t.is_asking = true;
	r = update_desk_ask(t.desk, LAB_CLIENT, why);
	t.is_asking = false;
	CU_ASSERT_EQUAL(r != 0, why[0] != '\0');
	lab_turn(1);
	return r;
}

void lab_end(const struct check_result *result)
{
	CU_ASSERT_TRUE(t.is_running);
	t.is_running = false;
	t.check.on_done(t.check_context, result);
	lab_turn(1);
}

void lab_succeed(void)
{
	const struct check_result result = {
		.outcome = UPDATE_NOTHING_NEW, .went_well = true, .reason = "as new as can be"};

	lab_end(&result);
}

void lab_fail(void)
{
	const struct check_result result = {.outcome = UPDATE_UNREACHABLE, .reason = "nobody"};

	lab_end(&result);
}
