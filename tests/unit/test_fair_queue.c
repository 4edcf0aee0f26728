/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/fair_queue.h"

#include <CUnit/CUnit.h>
#include <string.h>

#include "tests/support/unit_main.h"

#define CAPACITY 512
#define NOTHING UINT32_MAX

static uint32_t pop(struct fair_queue *queue)
{
	uint32_t job = NOTHING;

	return fair_queue_pop(queue, &job) ? job : NOTHING;
}

static void push(struct fair_queue *queue, uint32_t job, enum priority priority, uint32_t uid)
{
	fair_queue_push(queue, job, priority, uid, false);
}

static void first_come_first_served(void)
{
	struct fair_queue *queue = fair_queue_new(CAPACITY);

	for (uint32_t job = 0; job < CAPACITY; job++)
		push(queue, job, PRIORITY_WRITE, 7);
	CU_ASSERT_EQUAL(fair_queue_len(queue), CAPACITY);
	for (uint32_t job = 0; job < CAPACITY; job++)
		CU_ASSERT_EQUAL(pop(queue), job);
	CU_ASSERT_EQUAL(pop(queue), NOTHING);
	CU_ASSERT_EQUAL(fair_queue_len(queue), 0);
	CU_ASSERT_PTR_NULL(fair_queue_free(queue));
}

static void higher_priorities_go_first(void)
{
	struct fair_queue *queue = fair_queue_new(CAPACITY);

	for (unsigned p = PRIORITY_COUNT; p-- > 0;)
		push(queue, p, (enum priority)p, 7);
	for (unsigned p = 0; p < PRIORITY_COUNT; p++)
		CU_ASSERT_EQUAL(pop(queue), p);
	fair_queue_free(queue);
}

static void patience_ends_after_so_many_picks_above(void)
{
	struct fair_queue *queue = fair_queue_new(CAPACITY);

	push(queue, 400, PRIORITY_BACKGROUND, 7);
	push(queue, 401, PRIORITY_BACKGROUND, 7);
	for (uint32_t job = 0; job < 3 * FAIR_QUEUE_PATIENCE; job++)
		push(queue, job, PRIORITY_EXECUTION, 7);
	for (uint32_t job = 0; job < FAIR_QUEUE_PATIENCE; job++)
		CU_ASSERT_EQUAL(pop(queue), job);
	CU_ASSERT_EQUAL(pop(queue), 400);
	for (uint32_t job = FAIR_QUEUE_PATIENCE; job < 2 * FAIR_QUEUE_PATIENCE; job++)
		CU_ASSERT_EQUAL(pop(queue), job);
	CU_ASSERT_EQUAL(pop(queue), 401);
	fair_queue_free(queue);
}

/* Each waiting priority gets its pick within a few dozen, whatever is above it. */
static void no_priority_starves(void)
{
	struct fair_queue *queue = fair_queue_new(CAPACITY);
	unsigned got[PRIORITY_COUNT] = {0};

	for (uint32_t job = 0; job < PRIORITY_COUNT * 100; job++)
		push(queue, job, (enum priority)(job % PRIORITY_COUNT), 7);
	for (unsigned i = 0; i < 90; i++)
		got[pop(queue) % PRIORITY_COUNT]++;
	for (unsigned p = 0; p < PRIORITY_COUNT; p++)
		CU_ASSERT(got[p] >= 90 / (FAIR_QUEUE_PATIENCE + PRIORITY_COUNT));
	CU_ASSERT(got[PRIORITY_EXECUTION] > 60);
	fair_queue_free(queue);
}

static void users_take_turns_within_a_priority(void)
{
	struct fair_queue *queue = fair_queue_new(CAPACITY);

	for (uint32_t job = 0; job < 10; job++)
		push(queue, job, PRIORITY_WRITE, 1);
	push(queue, 100, PRIORITY_WRITE, 2);
	push(queue, 101, PRIORITY_WRITE, 2);
	CU_ASSERT_EQUAL(pop(queue), 0);
	CU_ASSERT_EQUAL(pop(queue), 100);
	CU_ASSERT_EQUAL(pop(queue), 1);
	CU_ASSERT_EQUAL(pop(queue), 101);
	CU_ASSERT_EQUAL(pop(queue), 2);
	CU_ASSERT_EQUAL(pop(queue), 3);
	fair_queue_free(queue);
}

/* The same home lane, but a lane each. */
static void users_whose_numbers_collide_take_turns_too(void)
{
	struct fair_queue *queue = fair_queue_new(CAPACITY);

	for (uint32_t job = 0; job < 10; job++)
		push(queue, job, PRIORITY_WRITE, 3);
	push(queue, 100, PRIORITY_WRITE, 3 + FAIR_QUEUE_LANES);
	push(queue, 101, PRIORITY_WRITE, 3 + FAIR_QUEUE_LANES);
	CU_ASSERT_EQUAL(pop(queue), 0);
	CU_ASSERT_EQUAL(pop(queue), 100);
	CU_ASSERT_EQUAL(pop(queue), 1);
	CU_ASSERT_EQUAL(pop(queue), 101);
	fair_queue_free(queue);
}

static void more_users_than_lanes_are_all_served(void)
{
	struct fair_queue *queue = fair_queue_new(CAPACITY);
	bool seen[CAPACITY] = {false};

	for (uint32_t job = 0; job < CAPACITY; job++)
		push(queue, job, PRIORITY_WRITE, job);
	for (uint32_t i = 0; i < CAPACITY; i++) {
		uint32_t job = pop(queue);

		CU_ASSERT_FATAL(job < CAPACITY && !seen[job]);
		seen[job] = true;
	}
	CU_ASSERT_EQUAL(pop(queue), NOTHING);
	fair_queue_free(queue);
}

static void the_front_is_before_everything_in_the_lane(void)
{
	struct fair_queue *queue = fair_queue_new(CAPACITY);

	push(queue, 1, PRIORITY_WRITE, 7);
	push(queue, 2, PRIORITY_WRITE, 7);
	fair_queue_push(queue, 3, PRIORITY_WRITE, 7, true);
	fair_queue_push(queue, 4, PRIORITY_WRITE, 7, true);
	CU_ASSERT_EQUAL(pop(queue), 4);
	CU_ASSERT_EQUAL(pop(queue), 3);
	CU_ASSERT_EQUAL(pop(queue), 1);
	CU_ASSERT_EQUAL(pop(queue), 2);
	fair_queue_free(queue);
}

static void a_job_can_be_taken_out_of_the_middle_once(void)
{
	struct fair_queue *queue = fair_queue_new(CAPACITY);

	for (uint32_t job = 1; job <= 3; job++)
		push(queue, job, PRIORITY_WRITE, 7);
	CU_ASSERT_TRUE(fair_queue_remove(queue, 2));
	CU_ASSERT_FALSE(fair_queue_remove(queue, 2));
	CU_ASSERT_FALSE(fair_queue_remove(queue, 9));
	CU_ASSERT_FALSE(fair_queue_remove(queue, CAPACITY));
	CU_ASSERT_EQUAL(fair_queue_len(queue), 2);
	CU_ASSERT_EQUAL(pop(queue), 1);
	CU_ASSERT_EQUAL(pop(queue), 3);
	push(queue, 2, PRIORITY_BACKGROUND, 8);
	CU_ASSERT_EQUAL(pop(queue), 2);
	fair_queue_free(queue);
}

static void every_priority_has_a_name(void)
{
	for (unsigned p = 0; p < PRIORITY_COUNT; p++)
		CU_ASSERT(strcmp(priority_name(p), "unknown") != 0);
	CU_ASSERT_STRING_EQUAL(priority_name(PRIORITY_MOVE), "move");
	CU_ASSERT_STRING_EQUAL(priority_name(PRIORITY_COUNT), "unknown");
}

static const struct unit_test tests[] = {
	{"first come, first served", first_come_first_served},
	{"higher priorities go first", higher_priorities_go_first},
	{"patience ends after so many picks above", patience_ends_after_so_many_picks_above},
	{"no priority starves", no_priority_starves},
	{"users take turns within a priority", users_take_turns_within_a_priority},
	{"users whose numbers collide take turns too", users_whose_numbers_collide_take_turns_too},
	{"more users than lanes are all served", more_users_than_lanes_are_all_served},
	{"the front is before everything in the lane", the_front_is_before_everything_in_the_lane},
	{"a job can be taken out of the middle, once", a_job_can_be_taken_out_of_the_middle_once},
	{"every priority has a name", every_priority_has_a_name},
};

UNIT_MAIN("fair_queue", tests)
