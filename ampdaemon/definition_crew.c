/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "io/quiet_thread.h"

#define STACK_BYTES (512u << 10) /* some manifests and their texts, 10 KB each */

struct definition_crew {
	pthread_mutex_t lock;
	unsigned holders; /* the stage, and each thread */
	unsigned stuck;   /* threads whose order was taken away */
	uint64_t last_ticket;
	uv_async_t *async; /* while an order is open */
	struct crew_order orders[CREW_PLACE_COUNT];
};

/* What a thread has. */
struct hand {
	struct definition_crew *crew;
	uint64_t ticket; /* 0: nobody waits */
	struct definition_job *job;
};

/* ---- on the threads ---- */

void definition_crew_free(struct definition_crew *crew)
{
	bool is_last;

	pthread_mutex_lock(&crew->lock);
	is_last = --crew->holders == 0;
	pthread_mutex_unlock(&crew->lock);
	if (!is_last)
		return;
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

/* With the lock. */
static struct crew_order *order_of(struct definition_crew *crew, uint64_t ticket)
{
	for (unsigned i = 0; i < CREW_PLACE_COUNT; i++) {
		struct crew_order *order = &crew->orders[i];

		if (order->state == CREW_RUNNING && order->ticket == ticket)
			return order;
	}
	return NULL;
}

static bool is_wanted(void *context)
{
	const struct hand *hand = context;
	bool wanted;

	pthread_mutex_lock(&hand->crew->lock);
	wanted = order_of(hand->crew, hand->ticket);
	pthread_mutex_unlock(&hand->crew->lock);
	return wanted;
}

/* False: nobody waits any more. */
static bool give(struct hand *hand)
{
	struct definition_crew *crew = hand->crew;
	struct crew_order *order;

	pthread_mutex_lock(&crew->lock);
	order = order_of(crew, hand->ticket);
	if (order) {
		order->state = CREW_DONE;
		order->result = hand->job->result;
		(void)uv_async_send(crew->async); /* cannot fail on an open handle */
	} else {
		crew->stuck -= hand->ticket != 0;
	}
	pthread_mutex_unlock(&crew->lock);
	return order;
}

static void *run(void *argument)
{
	struct hand *hand = argument;
	struct definition_job *job = hand->job;

	definition_job_run(job, is_wanted, hand);
	if (!give(hand) && job->kind == DEFINITION_JOB_SET && !job->result.error)
		definition_job_undo(job);
	definition_job_free(job);
	definition_crew_free(hand->crew);
	free(hand);
	return NULL;
}

/* ---- on the loop ---- */

struct definition_crew *definition_crew_new(uv_async_t *async)
{
	struct definition_crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return NULL;
	pthread_mutex_init(&crew->lock, NULL);
	crew->holders = 1;
	crew->async = async;
	return crew;
}

/* Takes the job when it returns 0. */
static int start(struct definition_crew *crew, struct definition_job *job, uint64_t ticket)
{
	struct hand *hand = malloc(sizeof(*hand));
	int r;

	if (!hand)
		return -ENOMEM;
	*hand = (struct hand){.crew = crew, .ticket = ticket, .job = job};
	pthread_mutex_lock(&crew->lock);
	crew->holders++;
	pthread_mutex_unlock(&crew->lock);
	r = quiet_thread_start(run, hand, STACK_BYTES);
	if (!r)
		return 0;
	pthread_mutex_lock(&crew->lock);
	crew->holders--; /* not the last one: the stage is */
	pthread_mutex_unlock(&crew->lock);
	free(hand);
	return r;
}

/* False when too many threads hang. */
static bool place_order(struct definition_crew *crew, enum crew_place place,
			const struct crew_order *order)
{
	bool has_room;

	pthread_mutex_lock(&crew->lock);
	has_room = crew->stuck < DEFINITION_STAGE_STUCK;
	if (has_room)
		crew->orders[place] = *order;
	pthread_mutex_unlock(&crew->lock);
	return has_room;
}

int definition_crew_order(struct definition_crew *crew, struct definition_job *job,
			  const struct crew_order *order)
{
	enum crew_place place = job->kind == DEFINITION_JOB_CHECK ? CREW_CHECK : CREW_SET;
	struct crew_order placed = *order;
	int r = -EBUSY;

	placed.state = CREW_RUNNING;
	placed.ticket = ++crew->last_ticket;
	placed.number = job->number;
	if (place_order(crew, place, &placed)) {
		r = start(crew, job, placed.ticket);
		if (!r)
			return 0;
		placed.state = CREW_FREE;
		(void)place_order(crew, place, &placed); /* as a moment before */
	}
	definition_job_free(job);
	return r;
}

int definition_crew_send(struct definition_crew *crew, struct definition_job *job)
{
	return start(crew, job, 0);
}

bool definition_crew_take(struct definition_crew *crew, enum crew_place place, mono_ms now,
			  struct crew_order *ret_order)
{
	struct crew_order *order = &crew->orders[place];
	bool found;

	pthread_mutex_lock(&crew->lock);
	found = order->state == CREW_DONE || (order->state == CREW_RUNNING && order->due <= now);
	if (found) {
		*ret_order = *order;
		crew->stuck += order->state == CREW_RUNNING;
		order->state = CREW_FREE;
	}
	pthread_mutex_unlock(&crew->lock);
	return found;
}

bool definition_crew_forget(struct definition_crew *crew, enum crew_place place,
			    uint64_t *ret_number)
{
	struct crew_order *order = &crew->orders[place];
	bool was_open;

	pthread_mutex_lock(&crew->lock);
	was_open = order->state != CREW_FREE;
	crew->stuck += order->state == CREW_RUNNING;
	order->state = CREW_FREE;
	*ret_number = order->number;
	pthread_mutex_unlock(&crew->lock);
	return was_open;
}

bool definition_crew_is_free(struct definition_crew *crew, enum crew_place place)
{
	bool is_free;

	pthread_mutex_lock(&crew->lock);
	is_free = crew->orders[place].state == CREW_FREE;
	pthread_mutex_unlock(&crew->lock);
	return is_free;
}

mono_ms definition_crew_due(struct definition_crew *crew)
{
	mono_ms due = MONO_NEVER;

	pthread_mutex_lock(&crew->lock);
	for (unsigned i = 0; i < CREW_PLACE_COUNT; i++) {
		if (crew->orders[i].state != CREW_FREE)
			due = mono_min(due, crew->orders[i].due);
	}
	pthread_mutex_unlock(&crew->lock);
	return due;
}

unsigned definition_crew_count(struct definition_crew *crew, unsigned *ret_stuck)
{
	unsigned n;

	pthread_mutex_lock(&crew->lock);
	n = crew->holders - 1;
	*ret_stuck = crew->stuck;
	pthread_mutex_unlock(&crew->lock);
	return n;
}
