/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/dispatcher.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <string.h>

#include "tests/support/unit_main.h"

static struct dispatcher_settings settings(void)
{
	return (struct dispatcher_settings){
		.jobs = 100,
		.active = 2,
		.depth = 2,
		.depth_bytes = 1000,
		.recycle_jobs = 1000,
		.scan_ms = 1000,
		.queue_ms = 60000,
		.outage_ms = 30000,
		.worker_ms = 5000,
		.min_share = 10,
		.first_worker = 1,
	};
}

static unsigned take_effects(struct dispatcher *d)
{
	struct effect effect;
	unsigned n = 0;

	while (dispatcher_next_effect(d, &effect))
		n++;
	return n;
}

static int submit(struct dispatcher *d, uint32_t uid, job_id *ret_job)
{
	struct job_request request = {.priority = PRIORITY_WRITE, .uid = uid, .owner = uid};

	return dispatcher_submit(d, 0, &request, ret_job);
}

static unsigned submit_until_refused(struct dispatcher *d, uint32_t uid)
{
	unsigned n = 0;
	job_id job;

	while (submit(d, uid, &job) == 0)
		n++;
	return n;
}

static struct dispatcher *with_ready_workers(unsigned count)
{
	struct dispatcher_settings s = settings();
	struct dispatcher *d = dispatcher_new(&s, 0);

	dispatcher_service_up(d, 0, 1);
	for (uint64_t worker = 1; worker <= count; worker++)
		dispatcher_worker_ready(d, 0, worker);
	(void)take_effects(d); /* the orders */
	return d;
}

static void a_user_alone_gets_half_of_the_book(void)
{
	struct dispatcher_settings s = settings();
	struct dispatcher *d = dispatcher_new(&s, 0);
	job_id job;

	CU_ASSERT_EQUAL(dispatcher_room(d, 1), 100);
	CU_ASSERT_EQUAL(submit(d, 1, &job), 0);
	CU_ASSERT_EQUAL(dispatcher_room(d, 1), 49);
	CU_ASSERT_EQUAL(submit_until_refused(d, 1), 49);
	CU_ASSERT_EQUAL(dispatcher_room(d, 1), 0);
	CU_ASSERT_EQUAL(submit(d, 1, &job), -EAGAIN);
	CU_ASSERT_EQUAL(dispatcher_room(d, 2), 50);
	CU_ASSERT_PTR_NULL(dispatcher_free(d));
}

static void the_book_is_shared_until_it_is_full(void)
{
	struct dispatcher_settings s = settings();
	struct dispatcher *d = dispatcher_new(&s, 0);
	unsigned all = 0;

	for (uint32_t uid = 0; uid < 50; uid++)
		all += submit_until_refused(d, uid);
	CU_ASSERT_EQUAL(all, 100);
	CU_ASSERT_EQUAL(dispatcher_room(d, 99), 0);
	CU_ASSERT_EQUAL(dispatcher_users(d), 3); /* with 50, 33 and 17 */
	dispatcher_cancel_owner(d, 0, 0);
	CU_ASSERT_EQUAL(take_effects(d), 50);
	CU_ASSERT_EQUAL(dispatcher_users(d), 2);
	CU_ASSERT_EQUAL(dispatcher_room(d, 99), 33);
	CU_ASSERT_EQUAL(dispatcher_room(d, 1), 0);
	dispatcher_free(d);
}

static void many_users_have_a_least_share_each(void)
{
	struct dispatcher_settings s = settings();
	struct dispatcher *d = dispatcher_new(&s, 0);
	job_id job;

	for (uint32_t uid = 0; uid < 50; uid++)
		CU_ASSERT_EQUAL(submit(d, uid, &job), 0);
	CU_ASSERT_EQUAL(dispatcher_room(d, 0), 9);
	CU_ASSERT_EQUAL(dispatcher_room(d, 99), 10);
	dispatcher_free(d);
}

static void a_number_is_free_when_its_end_was_taken(void)
{
	struct dispatcher *d = with_ready_workers(1);
	struct effect effect;
	job_id first, second;

	CU_ASSERT_EQUAL(submit(d, 1, &first), 0);
	CU_ASSERT_EQUAL(take_effects(d), 1);
	CU_ASSERT_EQUAL(dispatcher_answered(d, 1, 1, first, VERDICT_CLEAN), 0);
	CU_ASSERT_FALSE(dispatcher_is_idle(d));
	CU_ASSERT_TRUE(dispatcher_next_effect(d, &effect));
	CU_ASSERT_EQUAL(effect.kind, EFFECT_FINISH_JOB);
	CU_ASSERT_TRUE(effect.end.answered);
	CU_ASSERT_TRUE(dispatcher_is_idle(d));
	CU_ASSERT_EQUAL(submit(d, 1, &second), 0);
	CU_ASSERT_EQUAL(job_index(first), job_index(second));
	CU_ASSERT_NOT_EQUAL(first, second);
	CU_ASSERT_EQUAL(take_effects(d), 1);
	CU_ASSERT_EQUAL(dispatcher_answered(d, 1, 1, first, VERDICT_CLEAN), -EPROTO);
	CU_ASSERT_EQUAL(dispatcher_answered(d, 1, 1, second, VERDICT_CLEAN), 0);
	dispatcher_free(d);
}

static void an_answer_to_what_was_not_sent_yet_is_a_lie(void)
{
	struct dispatcher *d = with_ready_workers(1);
	job_id job;

	CU_ASSERT_EQUAL(submit(d, 1, &job), 0);
	CU_ASSERT_EQUAL(dispatcher_answered(d, 0, 1, job, VERDICT_CLEAN), -EPROTO);
	CU_ASSERT_EQUAL(take_effects(d), 1);
	CU_ASSERT_EQUAL(dispatcher_answered(d, 0, 1, job, VERDICT_COUNT), -EPROTO);
	CU_ASSERT_EQUAL(dispatcher_answered(d, 0, 1, job, VERDICT_CLEAN), 0);
	dispatcher_free(d);
}

static void an_effect_that_was_not_taken_dies_with_its_worker(void)
{
	struct dispatcher *d = with_ready_workers(1);
	struct effect effect;
	job_id job;

	CU_ASSERT_EQUAL(submit(d, 1, &job), 0);
	dispatcher_service_lost(d, 1, 1);
	CU_ASSERT_FALSE(dispatcher_next_effect(d, &effect));
	CU_ASSERT_EQUAL(dispatcher_queued(d), 1);
	CU_ASSERT_EQUAL(dispatcher_counters(d)->deaths[DEATH_SERVICE], 3);
	dispatcher_free(d);
}

static void a_later_decision_replaces_one_that_was_not_taken(void)
{
	struct dispatcher *d = with_ready_workers(1);
	struct effect effect;
	job_id job;

	CU_ASSERT_EQUAL(submit(d, 1, &job), 0);
	dispatcher_cancel_owner(d, 1, 1);
	dispatcher_worker_gone(d, 2, 1, DEATH_CRASH);
	CU_ASSERT_TRUE(dispatcher_next_effect(d, &effect));
	CU_ASSERT_EQUAL(effect.kind, EFFECT_FINISH_JOB);
	CU_ASSERT_EQUAL(effect.job, job);
	CU_ASSERT_EQUAL(effect.end.verdict, VERDICT_NONE);
	CU_ASSERT_TRUE(dispatcher_next_effect(d, &effect));
	CU_ASSERT_EQUAL(effect.kind, EFFECT_ORDER_WORKER);
	CU_ASSERT_FALSE(dispatcher_next_effect(d, &effect));
	CU_ASSERT_TRUE(dispatcher_is_idle(d));
	dispatcher_free(d);
}

static void the_job_in_hand_is_known_before_and_after_the_kill(void)
{
	struct dispatcher *d = with_ready_workers(2);
	uint32_t attempts = 9;
	job_id job;

	CU_ASSERT_EQUAL(dispatcher_in_hand(d, 1, &attempts), 0);
	CU_ASSERT_EQUAL(attempts, 0);
	CU_ASSERT_EQUAL(submit(d, 1, &job), 0);
	(void)take_effects(d); /* sent to 1 */
	CU_ASSERT_EQUAL(dispatcher_in_hand(d, 1, &attempts), job);
	dispatcher_tick(d, 1000);
	(void)take_effects(d); /* killed, sent to 2 */
	CU_ASSERT_EQUAL(dispatcher_in_hand(d, 1, &attempts), job);
	CU_ASSERT_EQUAL(attempts, 0);
	CU_ASSERT_EQUAL(dispatcher_in_hand(d, 2, &attempts), job);
	CU_ASSERT_EQUAL(attempts, 1);
	dispatcher_worker_gone(d, 1001, 1, DEATH_CRASH);
	CU_ASSERT_EQUAL(dispatcher_counters(d)->deaths[DEATH_DEADLINE], 1);
	CU_ASSERT_EQUAL(dispatcher_counters(d)->deaths[DEATH_CRASH], 0);
	CU_ASSERT_EQUAL(dispatcher_counters(d)->retried, 1);
	CU_ASSERT_EQUAL(dispatcher_in_hand(d, 1, &attempts), 0);
	dispatcher_free(d);
}

static void the_view_shows_who_is_there(void)
{
	struct dispatcher *d = with_ready_workers(2);
	struct worker_view views[LIMIT_WORKERS];
	job_id job;

	CU_ASSERT_EQUAL(submit(d, 1, &job), 0);
	(void)take_effects(d); /* sent to 1 */
	CU_ASSERT_EQUAL(dispatcher_workers(d, views, 2), 2);
	CU_ASSERT_EQUAL_FATAL(dispatcher_workers(d, views, LIMIT_WORKERS), 3);
	CU_ASSERT_EQUAL(views[0].state, WORKER_BUSY);
	CU_ASSERT_EQUAL(views[0].held, 1);
	CU_ASSERT_EQUAL(views[0].in_hand, job);
	CU_ASSERT_EQUAL(views[1].state, WORKER_SPARE);
	CU_ASSERT_EQUAL(views[2].state, WORKER_ORDERED);
	dispatcher_free(d);
}

static void nothing_to_do_has_no_deadline(void)
{
	struct dispatcher *d = with_ready_workers(3);

	CU_ASSERT_EQUAL(dispatcher_deadline(d), MONO_NEVER);
	dispatcher_tick(d, 5000000);
	CU_ASSERT_EQUAL(take_effects(d), 0);
	CU_ASSERT_EQUAL(dispatcher_deadline(d), MONO_NEVER);
	dispatcher_free(d);
}

static void workers_are_never_more_than_places(void)
{
	struct dispatcher_settings s = settings();
	struct dispatcher *d;
	struct worker_view views[LIMIT_WORKERS];

	s.active = LIMIT_WORKERS - 2;
	d = dispatcher_new(&s, 0);
	dispatcher_service_up(d, 0, 1);
	CU_ASSERT_EQUAL(take_effects(d), LIMIT_WORKERS - 1);
	dispatcher_tick(d, 5000); /* none became ready: all are killed, one place is left */
	CU_ASSERT_EQUAL(take_effects(d), LIMIT_WORKERS - 1);
	dispatcher_tick(d, 9999);
	CU_ASSERT_EQUAL(take_effects(d), 0);
	dispatcher_tick(d, 10000);
	CU_ASSERT_EQUAL(take_effects(d), 1);
	dispatcher_tick(d, 15000);
	CU_ASSERT_EQUAL(dispatcher_workers(d, views, LIMIT_WORKERS), LIMIT_WORKERS);
	CU_ASSERT_EQUAL(take_effects(d), 1); /* the kill of the last one; no place for another */
	CU_ASSERT_EQUAL(dispatcher_deadline(d), MONO_NEVER);
	dispatcher_free(d);
}

static void every_cause_and_state_has_a_name_and_a_judgement(void)
{
	for (unsigned cause = 0; cause < DEATH_CAUSE_COUNT; cause++) {
		CU_ASSERT(strcmp(death_cause_name(cause), "unknown") != 0);
		CU_ASSERT(!death_cause_charges(cause) || death_cause_is_failure(cause));
	}
	for (unsigned state = 0; state < WORKER_STATE_COUNT; state++)
		CU_ASSERT(strcmp(worker_state_name(state), "unknown") != 0);
	CU_ASSERT_TRUE(death_cause_charges(DEATH_CRASH));
	CU_ASSERT_FALSE(death_cause_charges(DEATH_NOTICE));
	CU_ASSERT_TRUE(death_cause_is_failure(DEATH_NOTICE));
	CU_ASSERT_TRUE(death_cause_is_failure(DEATH_NOT_READY));
	CU_ASSERT_FALSE(death_cause_is_failure(DEATH_REQUESTED));
	CU_ASSERT_FALSE(death_cause_is_failure(DEATH_SERVICE));
	CU_ASSERT_FALSE(death_cause_charges(DEATH_CAUSE_COUNT));
}

static void an_end_names_the_epoch_it_came_from(void)
{
	struct dispatcher *d = with_ready_workers(3);
	struct effect effect;
	job_id answered, failed;

	CU_ASSERT_EQUAL(submit(d, 1, &answered), 0);
	CU_ASSERT_EQUAL(submit(d, 1, &failed), 0);
	(void)take_effects(d); /* sent to 1 and 2 */
	CU_ASSERT_EQUAL(dispatcher_answered(d, 1, 1, answered, VERDICT_CLEAN), 0);
	CU_ASSERT_TRUE(dispatcher_next_effect(d, &effect));
	CU_ASSERT_EQUAL(effect.end.epoch, 1);
	dispatcher_worker_gone(d, 2, 2, DEATH_CRASH);
	(void)take_effects(d); /* sent to another */
	dispatcher_service_lost(d, 3, 1);
	dispatcher_service_up(d, 3, 5);
	CU_ASSERT_TRUE(dispatcher_next_effect(d, &effect));
	CU_ASSERT_EQUAL(effect.kind, EFFECT_ORDER_WORKER);
	CU_ASSERT_EQUAL(effect.epoch, 5);
	dispatcher_worker_ready(d, 4, effect.worker);
	(void)take_effects(d);
	dispatcher_worker_gone(d, 5, effect.worker, DEATH_CRASH);
	CU_ASSERT_TRUE(dispatcher_next_effect(d, &effect));
	CU_ASSERT_EQUAL(effect.kind, EFFECT_FINISH_JOB);
	CU_ASSERT_EQUAL(effect.job, failed);
	CU_ASSERT_EQUAL(effect.end.attempts, 2);
	CU_ASSERT_EQUAL(effect.end.epoch, 5);
	dispatcher_free(d);
}

static void an_epoch_is_empty_when_its_last_worker_has_gone(void)
{
	struct dispatcher *d = with_ready_workers(3);

	CU_ASSERT_FALSE(dispatcher_epoch_is_empty(d, 1));
	CU_ASSERT_TRUE(dispatcher_epoch_is_empty(d, 2));
	dispatcher_service_up(d, 1, 2);
	CU_ASSERT_EQUAL(take_effects(d), 3); /* orders 4 to 6 */
	dispatcher_worker_ready(d, 2, 4);
	CU_ASSERT_EQUAL(take_effects(d), 0);
	dispatcher_worker_ready(d, 2, 5);
	CU_ASSERT_EQUAL(take_effects(d), 3); /* all of epoch 1 are retired */
	for (uint64_t worker = 1; worker <= 3; worker++) {
		CU_ASSERT_FALSE(dispatcher_epoch_is_empty(d, 1));
		dispatcher_worker_gone(d, 3, worker, DEATH_REQUESTED);
	}
	CU_ASSERT_TRUE(dispatcher_epoch_is_empty(d, 1));
	CU_ASSERT_EQUAL(take_effects(d), 0);
	dispatcher_free(d);
}

static void orders_that_nobody_took_do_not_go_to_an_outgoing_service(void)
{
	struct dispatcher_settings s = settings();
	struct dispatcher *d = dispatcher_new(&s, 0);
	struct effect effect;
	unsigned n = 0;

	dispatcher_service_up(d, 0, 1);
	dispatcher_service_up(d, 0, 2);
	for (; dispatcher_next_effect(d, &effect); n++)
		CU_ASSERT_EQUAL(effect.epoch, 2);
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_TRUE(dispatcher_epoch_is_empty(d, 1));
	dispatcher_free(d);
}

/* With as many workers as there are places, the new service's take the old one's places one by one. */
static void a_switch_goes_on_when_both_do_not_fit(void)
{
	struct dispatcher_settings s = settings();
	struct dispatcher *d;
	struct effect effect;

	s.active = LIMIT_WORKERS - 2;
	d = dispatcher_new(&s, 0);
	dispatcher_service_up(d, 0, 1);
	while (dispatcher_next_effect(d, &effect))
		dispatcher_worker_ready(d, 0, effect.worker);
	dispatcher_service_up(d, 1, 2);
	for (unsigned i = 0; dispatcher_next_effect(d, &effect) && i < 500; i++) {
		if (effect.kind == EFFECT_ORDER_WORKER)
			dispatcher_worker_ready(d, 2, effect.worker);
		else if (effect.kind == EFFECT_RETIRE_WORKER)
			dispatcher_worker_gone(d, 2, effect.worker, DEATH_REQUESTED);
	}
	CU_ASSERT_TRUE(dispatcher_epoch_is_empty(d, 1));
	CU_ASSERT_EQUAL(dispatcher_deadline(d), MONO_NEVER);
	dispatcher_free(d);
}

static void an_image_goes_on_where_another_stopped(void)
{
	struct dispatcher_settings s = settings();
	struct job_counters counters = {.submitted = 10, .finished = 6, .cancelled = 1};
	struct adopted_worker adopted = {.worker = 40, .epoch = 9, .answered = 3};
	struct dispatcher *d;
	job_id job;

	s.first_serial = 77;
	s.first_worker = 30;
	d = dispatcher_new(&s, 0);
	CU_ASSERT_EQUAL(dispatcher_next_worker(d), 30);
	CU_ASSERT_EQUAL(dispatcher_next_serial(d), 77);
	dispatcher_adopt_counters(d, &counters);
	CU_ASSERT_EQUAL(dispatcher_adopt(d, 0, &adopted), 0);
	CU_ASSERT_EQUAL(dispatcher_next_worker(d), 41);
	CU_ASSERT_EQUAL(submit(d, 1, &job), 0);
	CU_ASSERT_EQUAL(job >> 32, 77);
	CU_ASSERT_EQUAL(dispatcher_next_serial(d), 78);
	CU_ASSERT_EQUAL(dispatcher_counters(d)->submitted, 11);
	CU_ASSERT_EQUAL(dispatcher_counters(d)->finished, 6);
	CU_ASSERT_EQUAL(dispatcher_counters(d)->cancelled, 4); /* with what was in that book */
	adopted.worker = 0;
	CU_ASSERT_EQUAL(dispatcher_adopt(d, 0, &adopted), -EINVAL);
	for (adopted.worker = 1; adopted.worker < LIMIT_WORKERS; adopted.worker++)
		CU_ASSERT_EQUAL(dispatcher_adopt(d, 0, &adopted), 0);
	CU_ASSERT_EQUAL(dispatcher_adopt(d, 0, &adopted), -ENOSPC);
	dispatcher_free(d);
}

/* Of the service before, until the new one's have the work: at no moment is there nobody. */
static void a_switch_beside_the_old_service_has_no_gap(void)
{
	struct dispatcher *d = with_ready_workers(3);

	dispatcher_service_up(d, 10, 2);
	CU_ASSERT_EQUAL(take_effects(d), 3); /* orders 4 to 6 */
	dispatcher_worker_ready(d, 20, 4);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 20).switches, 0); /* both services' take jobs */
	dispatcher_worker_ready(d, 25, 5);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 25).switches, 1);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 1000).of_switch, 0);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 1000).longest, 0);
	dispatcher_free(d);
}

/* The old service ended before the new one was there: its gap is the switch's. */
static void a_switch_after_the_old_service_has_one(void)
{
	struct dispatcher *d = with_ready_workers(3);

	dispatcher_service_lost(d, 100, 1);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 149).longest, 50); /* not over, and counted */
	dispatcher_service_up(d, 150, 2);
	(void)take_effects(d);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 150).switches, 0);
	dispatcher_worker_ready(d, 199, 4);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 199).switches, 1);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 500).of_switch, 100);
	dispatcher_service_up(d, 600, 3);
	(void)take_effects(d);
	dispatcher_worker_ready(d, 601, 7);
	dispatcher_worker_ready(d, 601, 8);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 700).switches, 2);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 700).of_switch, 0);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 700).longest, 100);
	dispatcher_free(d);
}

static void nobody_is_missed_before_there_was_one(void)
{
	struct dispatcher_settings s = settings();
	struct dispatcher *d = dispatcher_new(&s, 0);

	dispatcher_service_up(d, 0, 1);
	(void)take_effects(d);
	dispatcher_service_standby(d, 0, 2);
	(void)take_effects(d);
	dispatcher_worker_ready(d, 40, 4); /* the standby's takes no jobs */
	dispatcher_tick(d, 50);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 50).longest, 0);
	dispatcher_worker_ready(d, 60, 1);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 60).switches, 0); /* the first follows nobody */
	dispatcher_worker_gone(d, 70, 1, DEATH_CRASH);
	dispatcher_tick(d, 70);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 70).longest, 1); /* some of a millisecond is one */
	dispatcher_service_up(d, 70, 2);
	CU_ASSERT_EQUAL(dispatcher_gap(d, 90).of_switch, 1);
	dispatcher_free(d);
}

static const struct unit_test tests[] = {
	{"a user alone gets half of the book", a_user_alone_gets_half_of_the_book},
	{"the book is shared until it is full", the_book_is_shared_until_it_is_full},
	{"many users have a least share each", many_users_have_a_least_share_each},
	{"a number is free when its end was taken", a_number_is_free_when_its_end_was_taken},
	{"an answer to what was not sent yet is a lie",
	 an_answer_to_what_was_not_sent_yet_is_a_lie},
	{"an effect that was not taken dies with its worker",
	 an_effect_that_was_not_taken_dies_with_its_worker},
	{"a later decision replaces one that was not taken",
	 a_later_decision_replaces_one_that_was_not_taken},
	{"the job in hand is known before and after the kill",
	 the_job_in_hand_is_known_before_and_after_the_kill},
	{"the view shows who is there", the_view_shows_who_is_there},
	{"nothing to do has no deadline", nothing_to_do_has_no_deadline},
	{"workers are never more than places", workers_are_never_more_than_places},
	{"an end names the epoch it came from", an_end_names_the_epoch_it_came_from},
	{"an epoch is empty when its last worker has gone",
	 an_epoch_is_empty_when_its_last_worker_has_gone},
	{"orders that nobody took do not go to an outgoing service",
	 orders_that_nobody_took_do_not_go_to_an_outgoing_service},
	{"a switch goes on when both do not fit", a_switch_goes_on_when_both_do_not_fit},
	{"an image goes on where another stopped", an_image_goes_on_where_another_stopped},
	{"a switch beside the old service has no gap", a_switch_beside_the_old_service_has_no_gap},
	{"a switch after the old service has one", a_switch_after_the_old_service_has_one},
	{"nobody is missed before there was one", nobody_is_missed_before_there_was_one},
	{"every cause and state has a name and a judgement",
	 every_cause_and_state_has_a_name_and_a_judgement},
};

UNIT_MAIN("dispatcher", tests)
