/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/fair_queue.h"

#include <assert.h>
#include <stdlib.h>

#include "ampdaemon/core/index_list.h"

_Static_assert(FAIR_QUEUE_LANES == 64, "a rank keeps its occupied lanes in 64 bits");

NAME_TABLE_DEFINE(priority, PRIORITY_LIST)

struct lane {
	uint32_t uid; /* of whoever opened it; others may share it */
	uint32_t len;
};

/* The lanes of one priority. */
struct rank {
	uint64_t occupied; /* bit per lane */
	unsigned turn;     /* the lane to be asked first */
	unsigned passed;   /* picks from ranks above since this one had its last */
	struct lane lanes[FAIR_QUEUE_LANES];
};

struct fair_queue {
	uint32_t capacity;
	uint32_t len;
	struct index_link *links; /* jobs, then one head per lane */
	uint16_t *places;         /* per job: the number of its lane over all ranks */
	struct rank ranks[PRIORITY_COUNT];
};

struct fair_queue *fair_queue_new(uint32_t capacity)
{
	struct fair_queue *queue = calloc(1, sizeof(*queue));

	assert(capacity > 0 && capacity < INDEX_NONE - PRIORITY_COUNT * FAIR_QUEUE_LANES);
	if (!queue)
		return NULL;
	queue->capacity = capacity;
	queue->links = index_list_new(capacity + PRIORITY_COUNT * FAIR_QUEUE_LANES);
	queue->places = calloc(capacity, sizeof(*queue->places));
	if (!queue->links || !queue->places)
		return fair_queue_free(queue);
	return queue;
}

struct fair_queue *fair_queue_free(struct fair_queue *queue)
{
	if (queue) {
		free(queue->links);
		free(queue->places);
		free(queue);
	}
	return NULL;
}

/* The lane that `uid` has; else an empty one; else one to share. Starts at home, so that one look
 * is the rule. */
static unsigned find_lane(const struct rank *rank, uint32_t uid)
{
	unsigned home = uid % FAIR_QUEUE_LANES;
	unsigned empty = FAIR_QUEUE_LANES;

	for (unsigned i = 0; i < FAIR_QUEUE_LANES; i++) {
		unsigned lane = (home + i) % FAIR_QUEUE_LANES;

		if (rank->lanes[lane].len > 0 && rank->lanes[lane].uid == uid)
			return lane;
		if (rank->lanes[lane].len == 0 && empty == FAIR_QUEUE_LANES)
			empty = lane;
	}
	return empty < FAIR_QUEUE_LANES ? empty : home;
}

void fair_queue_push(struct fair_queue *queue, uint32_t job, enum priority priority, uint32_t uid,
		     bool front)
{
	struct rank *rank = &queue->ranks[priority];
	unsigned lane = find_lane(rank, uid);
	unsigned place = priority * FAIR_QUEUE_LANES + lane;
	uint32_t head = queue->capacity + place;

	assert(job < queue->capacity && index_list_is_alone(queue->links, job));
	if (rank->lanes[lane].len++ == 0) {
		rank->lanes[lane].uid = uid;
		rank->occupied |= UINT64_C(1) << lane;
	}
	if (front)
		index_list_insert_after(queue->links, head, job);
	else
		index_list_insert_before(queue->links, head, job);
	queue->places[job] = (uint16_t)place;
	queue->len++;
}

bool fair_queue_remove(struct fair_queue *queue, uint32_t job)
{
	struct rank *rank;
	unsigned lane;

	if (job >= queue->capacity || index_list_is_alone(queue->links, job))
		return false;
	rank = &queue->ranks[queue->places[job] / FAIR_QUEUE_LANES];
	lane = queue->places[job] % FAIR_QUEUE_LANES;
	index_list_remove(queue->links, job);
	if (--rank->lanes[lane].len == 0)
		rank->occupied &= ~(UINT64_C(1) << lane);
	if (rank->occupied == 0)
		rank->passed = 0;
	queue->len--;
	return true;
}

/* The highest rank that was passed over too often; else the highest that has anything. */
static struct rank *pick_rank(struct fair_queue *queue)
{
	struct rank *first = NULL;

	for (unsigned i = 0; i < PRIORITY_COUNT; i++) {
		struct rank *rank = &queue->ranks[i];

		if (rank->occupied == 0)
			continue;
		if (rank->passed >= FAIR_QUEUE_PATIENCE)
			return rank;
		if (!first)
			first = rank;
	}
	return first;
}

static void count_pick(struct fair_queue *queue, struct rank *picked)
{
	picked->passed = 0;
	for (struct rank *rank = picked + 1; rank < queue->ranks + PRIORITY_COUNT; rank++) {
		if (rank->occupied != 0)
			rank->passed++;
	}
}

/* The next occupied lane at or after the one whose turn it is. */
static unsigned pick_lane(struct rank *rank)
{
	unsigned turn = rank->turn;
	uint64_t turned = turn == 0 ? rank->occupied
				    : rank->occupied >> turn | rank->occupied
								       << (FAIR_QUEUE_LANES - turn);
	unsigned lane = (turn + (unsigned)__builtin_ctzll(turned)) % FAIR_QUEUE_LANES;

	rank->turn = (lane + 1) % FAIR_QUEUE_LANES;
	return lane;
}

bool fair_queue_pop(struct fair_queue *queue, uint32_t *ret_job)
{
	struct rank *rank = pick_rank(queue);
	unsigned place;

	if (!rank)
		return false;
	place = (unsigned)(rank - queue->ranks) * FAIR_QUEUE_LANES + pick_lane(rank);
	*ret_job = queue->links[queue->capacity + place].next;
	count_pick(queue, rank);
	return fair_queue_remove(queue, *ret_job);
}

uint32_t fair_queue_len(const struct fair_queue *queue)
{
	return queue->len;
}
