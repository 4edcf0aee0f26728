/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any sequence of events: random ones against the dispatcher, with a model beside it that knows
 * only what a shell knows - who was ordered, who was sent what - and holds every effect against
 * that. Services come, stand by, follow one another and go; workers are adopted; jobs are held.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "ampdaemon/core/dispatcher.h"
#include "tests/support/dispatcher_model.h"
#include "tests/support/unit_main.h"

#define SEED UINT64_C(20250701)
#define ROUNDS 16
#define EVENTS_PER_ROUND 25000
#define OWNERS 12

static void do_submit(struct model *m)
{
	struct job_request request = {
		.priority = (enum priority)model_draw(m, PRIORITY_COUNT),
		.uid = (uint32_t)model_draw(m, 5),
		.owner = model_draw(m, OWNERS),
		.bytes = model_draw(m, 3000),
		.held = model_draw(m, 10) == 0,
	};
	uint32_t room = dispatcher_room(m->d, request.uid);
	struct model_job *slot;
	job_id id = 0;
	int error = dispatcher_submit(m->d, m->now, &request, &id);

	model_demand(m, (error == 0) == (room > 0), "what has room is accepted, nothing else");
	if (error != 0)
		return;
	slot = &m->jobs[job_index(id)];
	model_demand(m, id != 0 && slot->id == 0, "a new job's index is free");
	*slot = (struct model_job){.id = id, .owner = request.owner, .held = request.held};
	m->submitted++;
}

static struct model_worker *draw_busy(struct model *m)
{
	unsigned start = (unsigned)model_draw(m, LIMIT_WORKERS);

	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct model_worker *worker = &m->workers[(start + i) % LIMIT_WORKERS];

		if (worker->n_sent > 0)
			return worker;
	}
	return NULL;
}

static void do_answer(struct model *m)
{
	struct model_worker *worker = draw_busy(m);
	job_id job;

	if (!worker)
		return;
	job = worker->sent[0];
	if (worker->n_sent > 1)
		model_demand(m,
			     dispatcher_answered(m->d, m->now, worker->id, worker->sent[1],
						 VERDICT_CLEAN) == -EPROTO,
			     "an answer out of order is refused");
	m->answered_now = job;
	worker->answered++;
	worker->refused_until = 0;
	m->answers++;
	model_take_back(m, worker, job);
	model_demand(m, dispatcher_answered(m->d, m->now, worker->id, job, VERDICT_INFECTED) == 0,
		     "the answer to the job in hand is taken");
	model_demand(m,
		     dispatcher_answered(m->d, m->now, worker->id, job, VERDICT_CLEAN) == -EPROTO,
		     "a second answer is refused");
	model_see_effects(m);
	m->answered_now = 0;
}

static void do_cancel(struct model *m)
{
	uint64_t owner = model_draw(m, OWNERS);

	for (unsigned i = 0; i < MODEL_JOBS; i++) {
		if (m->jobs[i].id != 0 && m->jobs[i].owner == owner && !m->jobs[i].cancelled) {
			m->jobs[i].cancelled = true;
			m->cancelled++;
		}
	}
	dispatcher_cancel_owner(m->d, m->now, owner);
}

/* Decides about a job that is held; sometimes about one that is not. */
static void do_release(struct model *m)
{
	unsigned start = (unsigned)model_draw(m, MODEL_JOBS);
	struct model_job *job = &m->jobs[start];

	for (unsigned i = 0; i < MODEL_JOBS && !job->held; i++)
		job = &m->jobs[(start + i) % MODEL_JOBS];
	if (job->id == 0)
		return;
	m->releases += job->held;
	if (model_draw(m, 3) != 0) {
		job->held = false;
		dispatcher_release(m->d, m->now, job->id);
		return;
	}
	job->refused = job->worker == 0;
	dispatcher_refuse(m->d, m->now, job->id, VERDICT_FAILED, SCAN_REASON_UNSCANNABLE);
}

/* An answer to a job of the image before this one; one to a job of this one is a lie. */
static void do_owed(struct model *m)
{
	struct model_worker *worker = &m->workers[model_draw(m, LIMIT_WORKERS)];
	const struct model_job *job = &m->jobs[model_draw(m, MODEL_JOBS)];

	if (worker->owed == 0 || worker->killed)
		return;
	if (job->id != 0)
		model_demand(m,
			     dispatcher_answered(m->d, m->now, worker->id, job->id,
						 VERDICT_CLEAN) == -EPROTO,
			     "who owes an answer does not answer something else");
	worker->owed--;
	worker->answered++;
	m->owed++;
	model_demand(m,
		     dispatcher_answered(m->d, m->now, worker->id,
					 UINT64_C(1) << 63 | model_draw(m, 99), VERDICT_CLEAN) == 0,
		     "an answer that is owed is taken");
}

static void do_hold(struct model *m)
{
	struct model_job *job = &m->jobs[model_draw(m, MODEL_JOBS)];

	if (job->id == 0)
		return;
	model_demand(m, dispatcher_hold(m->d, m->now, job->id) == (job->worker == 0 && !job->held),
		     "who waits can be held");
	job->held |= job->worker == 0;
}

static uint64_t *place_of_epoch(struct model *m, uint64_t epoch)
{
	for (unsigned i = 0; i < EPOCHS; i++) {
		if (m->alive[i] == epoch)
			return &m->alive[i];
	}
	return NULL;
}

/* 0: no more live at a time. */
static uint64_t new_epoch(struct model *m)
{
	uint64_t *place = place_of_epoch(m, 0);

	return place ? *place = ++m->last_epoch : 0;
}

static void service_up(struct model *m)
{
	uint64_t epoch = m->standby != 0 && model_draw(m, 2) ? m->standby : new_epoch(m);

	if (epoch == 0)
		return;
	if (epoch == m->standby)
		m->standby = 0;
	m->current = epoch;
	m->switches++;
	dispatcher_service_up(m->d, m->now, epoch);
}

static void service_standby(struct model *m)
{
	uint64_t epoch = m->standby == 0 ? new_epoch(m) : 0;

	if (epoch == 0)
		return;
	m->standby = epoch;
	dispatcher_service_standby(m->d, m->now, epoch);
}

static void service_lost(struct model *m)
{
	uint64_t *place = &m->alive[model_draw(m, EPOCHS)], epoch = *place;

	if (epoch == 0)
		return;
	*place = 0;
	m->current = m->current == epoch ? 0 : m->current;
	m->standby = m->standby == epoch ? 0 : m->standby;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (m->workers[i].epoch != epoch)
			continue;
		model_forget_worker(m, &m->workers[i]);
		m->workers[i] = (struct model_worker){0};
	}
	dispatcher_service_lost(m->d, m->now, epoch);
	model_demand(m, dispatcher_epoch_is_empty(m->d, epoch), "a lost service has no workers");
}

static void do_service(struct model *m)
{
	uint64_t what = model_draw(m, 30);

	if (m->current == 0 || what == 0)
		service_up(m);
	else if (what == 1)
		service_standby(m);
	else if (what < 4)
		service_lost(m);
}

static void do_ready(struct model *m)
{
	struct model_worker *worker = &m->workers[model_draw(m, LIMIT_WORKERS)];

	if (worker->id == 0 || worker->killed)
		return;
	worker->ready = true; /* a second time is harmless */
	m->new_ready = true;
	dispatcher_worker_ready(m->d, m->now, worker->id);
}

static void do_gone(struct model *m)
{
	struct model_worker *worker = &m->workers[model_draw(m, LIMIT_WORKERS)];
	bool expected = worker->killed || worker->retired;

	if (worker->id != 0 && (expected || model_draw(m, 6) == 0))
		model_lose_worker(m, worker);
	else
		dispatcher_worker_gone(m->d, m->now, m->last_worker + 1 + model_draw(m, 9),
				       DEATH_CRASH);
}

static void do_time(struct model *m)
{
	m->now += (mono_ms)model_draw(m, model_draw(m, 20) == 0 ? 2000 : 20);
	dispatcher_tick(m->d, m->now);
	model_demand(m, dispatcher_deadline(m->d) > m->now, "after a tick nothing is due");
}

/* Whoever can take a job has one when jobs wait. */
static void look_for_idlers(struct model *m)
{
	unsigned idle = 0, working = 0;
	uint64_t waiting = dispatcher_queued(m->d);

	for (unsigned i = 0; i < MODEL_JOBS; i++)
		waiting -= m->jobs[i].id != 0 && m->jobs[i].held;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		const struct model_worker *worker = &m->workers[i];

		working += worker->n_sent > 0;
		idle += model_is_able(m, worker) && model_is_permitted(m, worker) &&
			worker->n_sent == 0 && worker->refused_until <= m->now;
	}
	model_demand(m, waiting == 0 || idle == 0 || working >= m->settings.active,
		     "no job waits while somebody could take it");
}

static void compare_epochs(struct model *m)
{
	for (unsigned i = 0; i < EPOCHS; i++) {
		bool has = false;

		for (unsigned k = 0; k < LIMIT_WORKERS; k++)
			has |= m->alive[i] != 0 && m->workers[k].epoch == m->alive[i];
		model_demand(
			m, m->alive[i] == 0 || dispatcher_epoch_is_empty(m->d, m->alive[i]) == !has,
			"who has workers is known");
	}
}

static void compare(struct model *m)
{
	const struct job_counters *c = dispatcher_counters(m->d);
	uint64_t living = 0, held = 0, kept = 0;

	for (unsigned i = 0; i < MODEL_JOBS; i++) {
		living += m->jobs[i].id != 0;
		kept += m->jobs[i].id != 0 && !m->jobs[i].cancelled;
	}
	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		held += m->workers[i].n_sent;
	model_demand(m, dispatcher_in_flight(m->d) == held, "in flight is what the workers hold");
	model_demand(m, dispatcher_queued(m->d) + held == living, "the rest is queued");
	model_demand(m,
		     c->submitted == m->submitted && c->finished == m->finished &&
			     c->cancelled == m->cancelled,
		     "the counters are right");
	model_demand(m, m->submitted == m->finished + m->cancelled + kept, "the counters add up");
	model_demand(m, c->dispatched >= m->sends, "each send was counted");
	model_demand(m, dispatcher_is_idle(m->d) == (living == 0), "idle is an empty book");
}

static void do_something(struct model *m)
{
	static void (*const events[])(struct model *) = {
		do_submit, do_submit, do_submit,  do_submit,  do_answer, do_answer,
		do_answer, do_answer, do_answer,  do_answer,  do_answer, do_answer,
		do_answer, do_ready,  do_ready,   do_ready,   do_time,   do_time,
		do_gone,   do_cancel, do_service, do_release, do_owed,   do_hold,
	};

	events[model_draw(m, sizeof(events) / sizeof(events[0]))](m);
	model_see_effects(m);
	m->new_ready = false;
	compare(m);
	compare_epochs(m);
	look_for_idlers(m);
}

static struct dispatcher_settings draw_settings(struct model *m)
{
	return (struct dispatcher_settings){
		.jobs = MODEL_JOBS,
		.active = model_draw(m, 4) ? 1 + (uint32_t)model_draw(m, 4) : LIMIT_WORKERS - 2,
		.depth = 1 + (uint32_t)model_draw(m, DEPTH_MAX),
		.depth_bytes = 500 + model_draw(m, 5000),
		.recycle_jobs = 5 + (uint32_t)model_draw(m, 100),
		.scan_ms = 500,
		.queue_ms = 4000,
		.outage_ms = 1000,
		.worker_ms = 300,
		.min_share = 1 + (uint32_t)model_draw(m, 20),
		.first_worker = 1000,
	};
}

static void drain(struct model *m)
{
	dispatcher_drain(m->d, m->now, m->now + 100);
	model_see_effects(m);
	model_demand(m, dispatcher_queued(m->d) == 0, "a drain leaves nothing queued");
	for (unsigned i = 0; i < 20; i++)
		do_answer(m);
	m->now += 100;
	dispatcher_tick(m->d, m->now);
	model_see_effects(m);
	model_demand(m, dispatcher_is_idle(m->d), "the book returns to empty");
	model_demand(m, dispatcher_users(m->d) == 0, "nobody has jobs any more");
	compare(m);
	model_demand(m, m->submitted == m->finished + m->cancelled,
		     "each job finished or was cancelled");
}

/* A restart in place: some of the workers of the image before this one, with what they owe. */
static void adopt(struct model *m)
{
	m->current = new_epoch(m);
	for (uint64_t id = 1; id <= 1 + model_draw(m, LIMIT_WORKERS); id++) {
		struct model_worker *worker = model_worker_with(m, 0);
		struct adopted_worker adopted = {
			.worker = id, .epoch = m->current, .owed = (uint32_t)model_draw(m, 4)};

		model_demand(m, (dispatcher_adopt(m->d, 0, &adopted) == 0) == (worker != NULL),
			     "who finds a place is adopted");
		if (worker)
			*worker = (struct model_worker){
				.id = id, .epoch = m->current, .owed = adopted.owed, .ready = true};
	}
	m->last_worker = m->settings.first_worker - 1;
	dispatcher_service_up(m->d, 0, m->current);
	model_see_effects(m);
}

static void play_round(uint64_t seed)
{
	struct model *m = calloc(1, sizeof(*m));

	m->seed = m->random = seed;
	m->settings = draw_settings(m);
	m->d = dispatcher_new(&m->settings, 0);
	adopt(m);
	for (unsigned i = 0; i < EVENTS_PER_ROUND && m->complaints == 0; i++)
		do_something(m);
	drain(m);
	model_demand(m, m->answers > EVENTS_PER_ROUND / 100, "the round was worth something");
	model_demand(m, m->switches > 3 && m->releases > 100,
		     "services and held jobs came and went");
	CU_ASSERT_EQUAL(m->complaints, 0);
	dispatcher_free(m->d);
	free(m);
}

static void any_sequence(void)
{
	for (uint64_t round = 0; round < ROUNDS; round++)
		play_round(SEED + round);
}

static const struct unit_test tests[] = {
	{"any sequence of events ends each job exactly once", any_sequence},
};

UNIT_MAIN("any sequence", tests)
