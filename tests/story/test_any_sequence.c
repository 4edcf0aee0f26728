/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any sequence of events: random ones against the dispatcher, with a model beside it that knows
 * only what a shell knows - who was ordered, who was sent what - and holds every effect against
 * that. Services come, stand by, follow one another and go; workers are adopted; jobs are held.
 */
#include <CUnit/CUnit.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/core/dispatcher.h"
#include "tests/support/unit_main.h"

#define SEED UINT64_C(20250701)
#define ROUNDS 16
#define EVENTS_PER_ROUND 25000
#define JOBS 64
#define OWNERS 12
#define DEPTH_MAX 6
#define EPOCHS 3 /* services that live at a time */
#define REFUSAL_MS 50

struct model_job {
	job_id id; /* 0: free */
	uint64_t owner;
	uint64_t worker; /* 0: not at one */
	bool cancelled, held, refused;
};

struct model_worker {
	uint64_t id; /* 0: free */
	uint64_t epoch;
	uint32_t owed;
	mono_ms refused_until;
	bool ready, killed, retired;
	uint32_t answered;
	job_id sent[DEPTH_MAX];
	unsigned n_sent;
};

struct model {
	uint64_t seed, random;
	struct dispatcher *d;
	struct dispatcher_settings settings;
	mono_ms now;
	uint64_t current, standby, last_epoch, alive[EPOCHS];
	bool new_ready, lost_one; /* what the present effects are of; a worker went among them */
	struct model_job jobs[JOBS];
	struct model_worker workers[LIMIT_WORKERS];
	uint64_t last_worker;
	job_id answered_now; /* what dispatcher_answered() is being called with */
	uint64_t submitted, finished, cancelled, sends, answers, switches, releases, owed;
	unsigned complaints;
};

static uint64_t draw(struct model *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random % below;
}

static void demand(struct model *m, bool holds, const char *what)
{
	if (!holds && m->complaints++ < 5)
		printf("# seed %" PRIu64 ", at %" PRId64 " ms: %s\n", m->seed, m->now, what);
}

static struct model_worker *worker_with(struct model *m, uint64_t id)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (m->workers[i].id == id)
			return &m->workers[i];
	}
	return NULL;
}

static struct model_job *job_with(struct model *m, job_id id)
{
	struct model_job *job = &m->jobs[job_index(id) % JOBS];

	return id != 0 && job->id == id ? job : NULL;
}

static void take_back(struct model *m, struct model_worker *worker, job_id id)
{
	unsigned at = 0;

	while (at < worker->n_sent && worker->sent[at] != id)
		at++;
	demand(m, at < worker->n_sent, "a job is at the worker that it was sent to");
	if (at == worker->n_sent)
		return;
	worker->n_sent--;
	memmove(&worker->sent[at], &worker->sent[at + 1], (worker->n_sent - at) * sizeof(job_id));
	m->jobs[job_index(id)].worker = 0;
}

static void forget_worker(struct model *m, struct model_worker *worker)
{
	while (worker->n_sent > 0)
		take_back(m, worker, worker->sent[0]);
}

static bool is_able(const struct model *m, const struct model_worker *worker)
{
	return worker->id != 0 && worker->ready && !worker->killed && !worker->retired &&
	       worker->owed == 0 && worker->answered < m->settings.recycle_jobs;
}

static unsigned able_of(const struct model *m, uint64_t epoch)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		n += m->workers[i].epoch == epoch && is_able(m, &m->workers[i]);
	return n;
}

/* Its epoch is the current one, or it stands in until there are enough of that. */
static bool is_permitted(const struct model *m, const struct model_worker *worker)
{
	if (worker->epoch == m->standby)
		return false;
	return worker->epoch == m->current || able_of(m, m->current) < m->settings.active;
}

static void see_order(struct model *m, const struct effect *e)
{
	struct model_worker *worker = worker_with(m, 0);

	demand(m, e->epoch != 0 && (e->epoch == m->current || e->epoch == m->standby),
	       "an order goes to a service that is there and is not outgoing");
	demand(m, e->worker > m->last_worker, "a worker's number is new");
	m->last_worker = e->worker;
	demand(m, worker, "there are no more workers than places");
	if (worker)
		*worker = (struct model_worker){.id = e->worker, .epoch = e->epoch};
}

static unsigned workers_with_jobs(const struct model *m, uint64_t epoch)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		n += m->workers[i].n_sent > 0 && m->workers[i].epoch == epoch;
	return n;
}

static void see_send(struct model *m, const struct effect *e)
{
	struct model_worker *worker = worker_with(m, e->worker);
	struct model_job *job = job_with(m, e->job);

	demand(m, job && job->worker == 0, "a job that is sent is in the book and nowhere else");
	demand(m, worker && worker->ready && !worker->killed && !worker->retired,
	       "a job is sent to a worker that is ready");
	if (!worker || !job)
		return;
	demand(m, is_permitted(m, worker), "its service is the current one, or stands in");
	demand(m, worker->owed == 0, "a worker that owes answers gets nothing");
	demand(m, !job->held, "a held job is given to nobody");
	demand(m, worker->n_sent < m->settings.depth, "no worker holds more than depth");
	demand(m, worker->answered < m->settings.recycle_jobs,
	       "a worker to be retired gets no more");
	if (worker->n_sent < DEPTH_MAX)
		worker->sent[worker->n_sent++] = e->job;
	job->worker = e->worker;
	m->sends++;
	/* One more where the new ones must wait for the old ones' places. */
	demand(m,
	       workers_with_jobs(m, worker->epoch) <=
		       m->settings.active + (m->settings.active == LIMIT_WORKERS - 2 &&
					     worker->epoch != m->current),
	       "at most `active` workers of a service hold jobs");
}

static void see_finish(struct model *m, const struct effect *e)
{
	struct model_job *job = job_with(m, e->job);

	demand(m, job, "a job finishes once");
	if (!job)
		return;
	demand(m, job->cancelled == (e->end.verdict == VERDICT_NONE),
	       "only cancelled ones end as NONE");
	demand(m, !e->end.answered || e->job == m->answered_now, "an answer belongs to its job");
	demand(m, e->end.answered || e->end.verdict != VERDICT_CLEAN, "nothing is CLEAN unasked");
	demand(m, e->end.attempts <= 2, "nobody is charged three times");
	demand(m,
	       job->cancelled || job->refused == (e->end.reason == SCAN_REASON_UNSCANNABLE &&
						  !e->end.answered),
	       "who was refused ends so, and nobody else");
	demand(m, !e->end.answered || e->end.epoch != 0 || job->cancelled,
	       "an answer has an epoch");
	if (job->worker != 0)
		take_back(m, worker_with(m, job->worker), e->job);
	m->finished += !job->cancelled;
	*job = (struct model_job){0};
}

static void see_kill(struct model *m, const struct effect *e)
{
	struct model_worker *worker = worker_with(m, e->worker);

	demand(m, worker && !worker->killed, "a worker is killed once");
	if (!worker)
		return;
	worker->killed = true;
	forget_worker(m, worker);
}

static void see_retire(struct model *m, const struct effect *e)
{
	struct model_worker *worker = worker_with(m, e->worker);

	demand(m, worker && !worker->retired && !worker->killed, "a worker is retired once");
	if (!worker)
		return;
	demand(m, worker->n_sent == 0, "a worker is retired when it is empty");
	demand(m,
	       worker->answered >= m->settings.recycle_jobs ||
		       (worker->epoch != m->current && worker->epoch != m->standby),
	       "a worker is retired when it is used up or outgoing");
	worker->retired = true;
	demand(m, !m->new_ready || m->lost_one || able_of(m, m->current) > 0,
	       "nobody is retired for a successor that is not there");
}

static void refuse(struct model *m, const struct effect *e)
{
	struct model_worker *worker = worker_with(m, e->worker);

	if (!worker || worker->n_sent == 0)
		return;
	take_back(m, worker, e->job);
	worker->refused_until = m->now + REFUSAL_MS;
	dispatcher_send_failed(m->d, m->now, e->worker, e->job);
}

static void lose_worker(struct model *m, struct model_worker *worker)
{
	uint64_t id = worker->id;

	forget_worker(m, worker);
	*worker = (struct model_worker){0};
	m->lost_one = true;
	dispatcher_worker_gone(m->d, m->now, id, (enum death_cause)draw(m, DEATH_CAUSE_COUNT));
}

/* Events between two effects are permitted; so some sends fail, and some workers die of being
 * ordered or sent to. */
static void see_effects(struct model *m)
{
	struct effect e;

	m->lost_one = false;
	while (dispatcher_next_effect(m->d, &e)) {
		if (e.kind == EFFECT_ORDER_WORKER)
			see_order(m, &e);
		else if (e.kind == EFFECT_SEND_JOB)
			see_send(m, &e);
		else if (e.kind == EFFECT_FINISH_JOB)
			see_finish(m, &e);
		else if (e.kind == EFFECT_KILL_WORKER)
			see_kill(m, &e);
		else
			see_retire(m, &e);
		if (e.kind == EFFECT_SEND_JOB && draw(m, 50) == 0)
			refuse(m, &e);
		if (e.kind != EFFECT_FINISH_JOB && draw(m, 100) == 0 && worker_with(m, e.worker))
			lose_worker(m, worker_with(m, e.worker));
	}
}

static void do_submit(struct model *m)
{
	struct job_request request = {
		.priority = (enum priority)draw(m, PRIORITY_COUNT),
		.uid = (uint32_t)draw(m, 5),
		.owner = draw(m, OWNERS),
		.bytes = draw(m, 3000),
		.held = draw(m, 10) == 0,
	};
	uint32_t room = dispatcher_room(m->d, request.uid);
	struct model_job *slot;
	job_id id = 0;
	int error = dispatcher_submit(m->d, m->now, &request, &id);

	demand(m, (error == 0) == (room > 0), "what has room is accepted, nothing else");
	if (error != 0)
		return;
	slot = &m->jobs[job_index(id)];
	demand(m, id != 0 && slot->id == 0, "a new job's index is free");
	*slot = (struct model_job){.id = id, .owner = request.owner, .held = request.held};
	m->submitted++;
}

static struct model_worker *draw_busy(struct model *m)
{
	unsigned start = (unsigned)draw(m, LIMIT_WORKERS);

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
		demand(m,
		       dispatcher_answered(m->d, m->now, worker->id, worker->sent[1],
					   VERDICT_CLEAN) == -EPROTO,
		       "an answer out of order is refused");
	m->answered_now = job;
	worker->answered++;
	worker->refused_until = 0;
	m->answers++;
	take_back(m, worker, job);
	demand(m, dispatcher_answered(m->d, m->now, worker->id, job, VERDICT_INFECTED) == 0,
	       "the answer to the job in hand is taken");
	demand(m, dispatcher_answered(m->d, m->now, worker->id, job, VERDICT_CLEAN) == -EPROTO,
	       "a second answer is refused");
	see_effects(m);
	m->answered_now = 0;
}

static void do_cancel(struct model *m)
{
	uint64_t owner = draw(m, OWNERS);

	for (unsigned i = 0; i < JOBS; i++) {
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
	unsigned start = (unsigned)draw(m, JOBS);
	struct model_job *job = &m->jobs[start];

	for (unsigned i = 0; i < JOBS && !job->held; i++)
		job = &m->jobs[(start + i) % JOBS];
	if (job->id == 0)
		return;
	m->releases += job->held;
	if (draw(m, 3) != 0) {
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
	struct model_worker *worker = &m->workers[draw(m, LIMIT_WORKERS)];
	const struct model_job *job = &m->jobs[draw(m, JOBS)];

	if (worker->owed == 0 || worker->killed)
		return;
	if (job->id != 0)
		demand(m,
		       dispatcher_answered(m->d, m->now, worker->id, job->id, VERDICT_CLEAN) ==
			       -EPROTO,
		       "who owes an answer does not answer something else");
	worker->owed--;
	worker->answered++;
	m->owed++;
	demand(m,
	       dispatcher_answered(m->d, m->now, worker->id, UINT64_C(1) << 63 | draw(m, 99),
				   VERDICT_CLEAN) == 0,
	       "an answer that is owed is taken");
}

static void do_hold(struct model *m)
{
	struct model_job *job = &m->jobs[draw(m, JOBS)];

	if (job->id == 0)
		return;
	demand(m, dispatcher_hold(m->d, m->now, job->id) == (job->worker == 0 && !job->held),
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
	uint64_t epoch = m->standby != 0 && draw(m, 2) ? m->standby : new_epoch(m);

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
	uint64_t *place = &m->alive[draw(m, EPOCHS)], epoch = *place;

	if (epoch == 0)
		return;
	*place = 0;
	m->current = m->current == epoch ? 0 : m->current;
	m->standby = m->standby == epoch ? 0 : m->standby;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (m->workers[i].epoch != epoch)
			continue;
		forget_worker(m, &m->workers[i]);
		m->workers[i] = (struct model_worker){0};
	}
	dispatcher_service_lost(m->d, m->now, epoch);
	demand(m, dispatcher_epoch_is_empty(m->d, epoch), "a lost service has no workers");
}

static void do_service(struct model *m)
{
	uint64_t what = draw(m, 30);

	if (m->current == 0 || what == 0)
		service_up(m);
	else if (what == 1)
		service_standby(m);
	else if (what < 4)
		service_lost(m);
}

static void do_ready(struct model *m)
{
	struct model_worker *worker = &m->workers[draw(m, LIMIT_WORKERS)];

	if (worker->id == 0 || worker->killed)
		return;
	worker->ready = true; /* a second time is harmless */
	m->new_ready = true;
	dispatcher_worker_ready(m->d, m->now, worker->id);
}

static void do_gone(struct model *m)
{
	struct model_worker *worker = &m->workers[draw(m, LIMIT_WORKERS)];
	bool expected = worker->killed || worker->retired;

	if (worker->id != 0 && (expected || draw(m, 6) == 0))
		lose_worker(m, worker);
	else
		dispatcher_worker_gone(m->d, m->now, m->last_worker + 1 + draw(m, 9), DEATH_CRASH);
}

static void do_time(struct model *m)
{
	m->now += (mono_ms)draw(m, draw(m, 20) == 0 ? 2000 : 20);
	dispatcher_tick(m->d, m->now);
	demand(m, dispatcher_deadline(m->d) > m->now, "after a tick nothing is due");
}

/* Whoever can take a job has one when jobs wait. */
static void look_for_idlers(struct model *m)
{
	unsigned idle = 0, working = 0;
	uint64_t waiting = dispatcher_queued(m->d);

	for (unsigned i = 0; i < JOBS; i++)
		waiting -= m->jobs[i].id != 0 && m->jobs[i].held;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		const struct model_worker *worker = &m->workers[i];

		working += worker->n_sent > 0;
		idle += is_able(m, worker) && is_permitted(m, worker) && worker->n_sent == 0 &&
			worker->refused_until <= m->now;
	}
	demand(m, waiting == 0 || idle == 0 || working >= m->settings.active,
	       "no job waits while somebody could take it");
}

static void compare_epochs(struct model *m)
{
	for (unsigned i = 0; i < EPOCHS; i++) {
		bool has = false;

		for (unsigned k = 0; k < LIMIT_WORKERS; k++)
			has |= m->alive[i] != 0 && m->workers[k].epoch == m->alive[i];
		demand(m, m->alive[i] == 0 || dispatcher_epoch_is_empty(m->d, m->alive[i]) == !has,
		       "who has workers is known");
	}
}

static void compare(struct model *m)
{
	const struct dispatcher_counters *c = dispatcher_counters(m->d);
	uint64_t living = 0, held = 0, kept = 0;

	for (unsigned i = 0; i < JOBS; i++) {
		living += m->jobs[i].id != 0;
		kept += m->jobs[i].id != 0 && !m->jobs[i].cancelled;
	}
	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		held += m->workers[i].n_sent;
	demand(m, dispatcher_in_flight(m->d) == held, "in flight is what the workers hold");
	demand(m, dispatcher_queued(m->d) + held == living, "the rest is queued");
	demand(m,
	       c->submitted == m->submitted && c->finished == m->finished &&
		       c->cancelled == m->cancelled,
	       "the counters are right");
	demand(m, m->submitted == m->finished + m->cancelled + kept, "the counters add up");
	demand(m, c->dispatched >= m->sends, "each send was counted");
	demand(m, dispatcher_is_idle(m->d) == (living == 0), "idle is an empty book");
}

static void do_something(struct model *m)
{
	static void (*const events[])(struct model *) = {
		do_submit, do_submit, do_submit,  do_submit,  do_answer, do_answer,
		do_answer, do_answer, do_answer,  do_answer,  do_answer, do_answer,
		do_answer, do_ready,  do_ready,   do_ready,   do_time,   do_time,
		do_gone,   do_cancel, do_service, do_release, do_owed,   do_hold,
	};

	events[draw(m, sizeof(events) / sizeof(events[0]))](m);
	see_effects(m);
	m->new_ready = false;
	compare(m);
	compare_epochs(m);
	look_for_idlers(m);
}

static struct dispatcher_settings draw_settings(struct model *m)
{
	return (struct dispatcher_settings){
		.jobs = JOBS,
		.active = draw(m, 4) ? 1 + (uint32_t)draw(m, 4) : LIMIT_WORKERS - 2,
		.depth = 1 + (uint32_t)draw(m, DEPTH_MAX),
		.depth_bytes = 500 + draw(m, 5000),
		.recycle_jobs = 5 + (uint32_t)draw(m, 100),
		.scan_ms = 500,
		.queue_ms = 4000,
		.outage_ms = 1000,
		.worker_ms = 300,
		.min_share = 1 + (uint32_t)draw(m, 20),
		.first_worker = 1000,
	};
}

static void drain(struct model *m)
{
	dispatcher_drain(m->d, m->now, m->now + 100);
	see_effects(m);
	demand(m, dispatcher_queued(m->d) == 0, "a drain leaves nothing queued");
	for (unsigned i = 0; i < 20; i++)
		do_answer(m);
	m->now += 100;
	dispatcher_tick(m->d, m->now);
	see_effects(m);
	demand(m, dispatcher_is_idle(m->d), "the book returns to empty");
	demand(m, dispatcher_users(m->d) == 0, "nobody has jobs any more");
	compare(m);
	demand(m, m->submitted == m->finished + m->cancelled, "each job finished or was cancelled");
}

/* A restart in place: some of the workers of the image before this one, with what they owe. */
static void adopt(struct model *m)
{
	m->current = new_epoch(m);
	for (uint64_t id = 1; id <= 1 + draw(m, LIMIT_WORKERS); id++) {
		struct model_worker *worker = worker_with(m, 0);
		struct adopted_worker adopted = {
			.worker = id, .epoch = m->current, .owed = (uint32_t)draw(m, 4)};

		demand(m, (dispatcher_adopt(m->d, 0, &adopted) == 0) == (worker != NULL),
		       "who finds a place is adopted");
		if (worker)
			*worker = (struct model_worker){
				.id = id, .epoch = m->current, .owed = adopted.owed, .ready = true};
	}
	m->last_worker = m->settings.first_worker - 1;
	dispatcher_service_up(m->d, 0, m->current);
	see_effects(m);
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
	demand(m, m->answers > EVENTS_PER_ROUND / 100, "the round was worth something");
	demand(m, m->switches > 3 && m->releases > 100, "services and held jobs came and went");
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
