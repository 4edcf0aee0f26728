/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/definition_crew.h"
#include "ampdaemon/definition_job.h"
#include "ampdaemon/refusal.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/sha256.h"

struct definition_stage {
	uv_async_t async;
	uv_timer_t timer;
	unsigned handles_open;
	bool freed;
	struct definition_crew *crew;
	const struct definition_store *store;
	struct definition_stage_bounds bounds;
	struct definition_job *next; /* begun, and not started */
	uint64_t last_number;
};

/* What a thread made that hangs, or that is gone. */
static void sweep(struct definition_stage *stage, uint64_t number)
{
	char why[LIMIT_REASON_BYTES];
	struct definition_job *job;

	if (!definition_job_new(DEFINITION_JOB_SWEEP, number, stage->store, &job, why) &&
	    !definition_crew_send(stage->crew, job))
		return;
	definition_job_free(job);
	(void)definition_store_discard(stage->store, number); /* fails: the next start does it */
}

static void forget(struct definition_stage *stage, enum crew_place place)
{
	uint64_t number;

	if (definition_crew_forget(stage->crew, place, &number) && place == CREW_SET)
		sweep(stage, number);
}

static void on_timer(uv_timer_t *timer);

/* Each order has the same time, so that the timer that runs is never too late. */
static void arm(struct definition_stage *stage)
{
	mono_ms due, now = clock_mono_ms();

	if (stage->freed || uv_is_active((uv_handle_t *)&stage->timer))
		return;
	due = definition_crew_due(stage->crew);
	if (due != MONO_NEVER)
		(void)uv_timer_start(&stage->timer, on_timer, due > now ? (uint64_t)(due - now) : 0,
				     0); /* cannot fail with a callback */
}

static void give_up(struct definition_stage *stage, enum crew_place place, struct crew_order *order)
{
	order->result = (struct stage_result){0};
	order->result.error =
		refusal_say(order->result.why, -ETIMEDOUT,
			    "the files could not be read within %llu seconds: their storage hangs",
			    (unsigned long long)(stage->bounds.limit_ms / 1000));
	if (place == CREW_SET)
		sweep(stage, order->number);
}

static void answer_place(struct definition_stage *stage, enum crew_place place)
{
	struct crew_order order;

	if (stage->freed || !definition_crew_take(stage->crew, place, clock_mono_ms(), &order))
		return;
	if (order.state != CREW_DONE)
		give_up(stage, place, &order);
	order.done(order.context, order.number, &order.result);
}

/* The stage may be freed by who is answered; its memory stays until the handles are closed. */
static void answer(struct definition_stage *stage)
{
	for (unsigned place = 0; place < CREW_PLACE_COUNT; place++)
		answer_place(stage, place);
	arm(stage);
}

static void on_timer(uv_timer_t *timer)
{
	answer(timer->data);
}

static void on_async(uv_async_t *async)
{
	answer(async->data);
}

struct definition_stage *definition_stage_new(uv_loop_t *loop, const struct definition_store *store,
					      const struct definition_stage_bounds *bounds)
{
	struct definition_stage *stage = calloc(1, sizeof(*stage));

	if (!stage)
		return NULL;
	sha256_prepare();
	stage->crew = definition_crew_new(&stage->async);
	if (!stage->crew || uv_async_init(loop, &stage->async, on_async)) {
		if (stage->crew)
			definition_crew_free(stage->crew);
		free(stage);
		return NULL;
	}
	(void)uv_timer_init(loop, &stage->timer); /* cannot fail */
	stage->async.data = stage->timer.data = stage;
	stage->handles_open = 2;
	stage->store = store;
	stage->bounds = *bounds;
	return stage;
}

static void on_closed(uv_handle_t *handle)
{
	struct definition_stage *stage = handle->data;

	if (--stage->handles_open == 0)
		free(stage);
}

struct definition_stage *definition_stage_free(struct definition_stage *stage)
{
	if (!stage || stage->freed)
		return NULL;
	stage->freed = true;
	definition_job_free(stage->next);
	stage->next = NULL;
	for (unsigned place = 0; place < CREW_PLACE_COUNT; place++)
		forget(stage, place);
	definition_crew_free(stage->crew);
	uv_close((uv_handle_t *)&stage->async, on_closed);
	uv_close((uv_handle_t *)&stage->timer, on_closed);
	return NULL;
}

/* Takes the job in any case. */
static int launch(struct definition_stage *stage, struct definition_job *job,
		  definition_stage_fn *done, void *context, char *why)
{
	mono_ms due = mono_add(clock_mono_ms(), (mono_ms)stage->bounds.limit_ms);
	int r = definition_crew_order(
		stage->crew, job,
		&(struct crew_order){.due = due, .done = done, .context = context});

	if (!r)
		arm(stage);
	else if (r == -EBUSY)
		(void)refusal_say(why, r, "%u threads before still hang on their storage",
				  DEFINITION_STAGE_STUCK);
	else
		(void)refusal_say(why, r, "no thread can be started: %s", strerror(-r));
	return r;
}

bool definition_stage_is_busy(const struct definition_stage *stage)
{
	return stage->next || !definition_crew_is_free(stage->crew, CREW_SET);
}

int definition_stage_begin(struct definition_stage *stage, uint64_t number,
			   char why[LIMIT_REASON_BYTES])
{
	int r;

	if (definition_stage_is_busy(stage))
		return refusal_say(why, -EBUSY, "another set is being copied");
	if (number <= stage->last_number)
		return refusal_say(why, -EINVAL, "the number %llu was used before",
				   (unsigned long long)number);
	r = definition_job_new(DEFINITION_JOB_SET, number, stage->store, &stage->next, why);
	if (r)
		return r;
	stage->last_number = number;
	stage->next->bounds = stage->bounds;
	return 0;
}

/* Takes the descriptor in any case. */
static int add(struct definition_stage *stage, const char *name, bool is_custom,
	       const struct definition_source *source, char *why)
{
	if (stage->next)
		return definition_job_add(stage->next, name, is_custom, source, why);
	late_close(source->fd);
	return refusal_say(why, -EINVAL, "no set was begun");
}

int definition_stage_add(struct definition_stage *stage, const char *name, bool is_custom, int fd,
			 char why[LIMIT_REASON_BYTES])
{
	if (fd < 0)
		return refusal_say(why, -EBADF, "a file has no descriptor");
	return add(stage, name, is_custom, &(struct definition_source){.fd = fd}, why);
}

int definition_stage_keep(struct definition_stage *stage, const char *name, bool is_custom,
			  uint64_t number, char why[LIMIT_REASON_BYTES])
{
	return add(stage, name, is_custom,
		   &(struct definition_source){.fd = -1, .generation = number}, why);
}

int definition_stage_start(struct definition_stage *stage, definition_stage_fn *done, void *context,
			   char why[LIMIT_REASON_BYTES])
{
	struct definition_job *job = stage->next;

	if (!job)
		return refusal_say(why, -EINVAL, "no set was begun");
	stage->next = NULL;
	return launch(stage, job, done, context, why);
}

void definition_stage_cancel(struct definition_stage *stage)
{
	definition_job_free(stage->next);
	stage->next = NULL;
	forget(stage, CREW_SET);
}

int definition_stage_check(struct definition_stage *stage, uint64_t number,
			   definition_stage_fn *done, void *context, char why[LIMIT_REASON_BYTES])
{
	struct definition_job *job;
	int r;

	if (!definition_crew_is_free(stage->crew, CREW_CHECK))
		return refusal_say(why, -EBUSY, "another generation is being read");
	r = definition_job_new(DEFINITION_JOB_CHECK, number, stage->store, &job, why);
	return r ? r : launch(stage, job, done, context, why);
}

unsigned definition_stage_under_way(const struct definition_stage *stage, unsigned *ret_stuck)
{
	return definition_crew_count(stage->crew, ret_stuck);
}
