/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/dispatcher_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REFUSAL_MS 50

uint64_t model_draw(struct model *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random % below;
}

void model_demand(struct model *m, bool holds, const char *what)
{
	if (!holds && m->complaints++ < 5)
		printf("# seed %" PRIu64 ", at %" PRId64 " ms: %s\n", m->seed, m->now, what);
}

struct model_worker *model_worker_with(struct model *m, uint64_t id)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (m->workers[i].id == id)
			return &m->workers[i];
	}
	return NULL;
}

static struct model_job *job_with(struct model *m, job_id id)
{
	struct model_job *job = &m->jobs[job_index(id) % MODEL_JOBS];

	return id != 0 && job->id == id ? job : NULL;
}

void model_take_back(struct model *m, struct model_worker *worker, job_id id)
{
	unsigned at = 0;

	while (at < worker->n_sent && worker->sent[at] != id)
		at++;
	model_demand(m, at < worker->n_sent, "a job is at the worker that it was sent to");
	if (at == worker->n_sent)
		return;
	worker->n_sent--;
	memmove(&worker->sent[at], &worker->sent[at + 1], (worker->n_sent - at) * sizeof(job_id));
	m->jobs[job_index(id)].worker = 0;
}

void model_forget_worker(struct model *m, struct model_worker *worker)
{
	while (worker->n_sent > 0)
		model_take_back(m, worker, worker->sent[0]);
}

bool model_is_able(const struct model *m, const struct model_worker *worker)
{
	return worker->id != 0 && worker->ready && !worker->killed && !worker->retired &&
	       worker->owed == 0 && worker->answered < m->settings.recycle_jobs;
}

static unsigned able_of(const struct model *m, uint64_t epoch)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		n += m->workers[i].epoch == epoch && model_is_able(m, &m->workers[i]);
	return n;
}

/* Its epoch is the current one, or it stands in until there are enough of that. */
bool model_is_permitted(const struct model *m, const struct model_worker *worker)
{
	if (worker->epoch == m->standby)
		return false;
	return worker->epoch == m->current || able_of(m, m->current) < m->settings.active;
}

static void see_order(struct model *m, const struct effect *e)
{
	struct model_worker *worker = model_worker_with(m, 0);

	model_demand(m, e->epoch != 0 && (e->epoch == m->current || e->epoch == m->standby),
		     "an order goes to a service that is there and is not outgoing");
	model_demand(m, e->worker > m->last_worker, "a worker's number is new");
	m->last_worker = e->worker;
	model_demand(m, worker, "there are no more workers than places");
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
	struct model_worker *worker = model_worker_with(m, e->worker);
	struct model_job *job = job_with(m, e->job);

	model_demand(m, job && job->worker == 0,
		     "a job that is sent is in the book and nowhere else");
	model_demand(m, worker && worker->ready && !worker->killed && !worker->retired,
		     "a job is sent to a worker that is ready");
	if (!worker || !job)
		return;
	model_demand(m, model_is_permitted(m, worker),
		     "its service is the current one, or stands in");
	model_demand(m, worker->owed == 0, "a worker that owes answers gets nothing");
	model_demand(m, !job->held, "a held job is given to nobody");
	model_demand(m, worker->n_sent < m->settings.depth, "no worker holds more than depth");
	model_demand(m, worker->answered < m->settings.recycle_jobs,
		     "a worker to be retired gets no more");
	if (worker->n_sent < DEPTH_MAX)
		worker->sent[worker->n_sent++] = e->job;
	job->worker = e->worker;
	m->sends++;
	/* One more where the new ones must wait for the old ones' places. */
	model_demand(m,
		     workers_with_jobs(m, worker->epoch) <=
			     m->settings.active + (m->settings.active == LIMIT_WORKERS - 2 &&
						   worker->epoch != m->current),
		     "at most `active` workers of a service hold jobs");
}

static void see_finish(struct model *m, const struct effect *e)
{
	struct model_job *job = job_with(m, e->job);

	model_demand(m, job, "a job finishes once");
	if (!job)
		return;
	model_demand(m, job->cancelled == (e->end.verdict == VERDICT_NONE),
		     "only cancelled ones end as NONE");
	model_demand(m, !e->end.answered || e->job == m->answered_now,
		     "an answer belongs to its job");
	model_demand(m, e->end.answered || e->end.verdict != VERDICT_CLEAN,
		     "nothing is CLEAN unasked");
	model_demand(m, e->end.attempts <= 2, "nobody is charged three times");
	model_demand(m,
		     job->cancelled || job->refused == (e->end.reason == SCAN_REASON_UNSCANNABLE &&
							!e->end.answered),
		     "who was refused ends so, and nobody else");
	model_demand(m, !e->end.answered || e->end.epoch != 0 || job->cancelled,
		     "an answer has an epoch");
	if (job->worker != 0)
		model_take_back(m, model_worker_with(m, job->worker), e->job);
	m->finished += !job->cancelled;
	*job = (struct model_job){0};
}

static void see_kill(struct model *m, const struct effect *e)
{
	struct model_worker *worker = model_worker_with(m, e->worker);

	model_demand(m, worker && !worker->killed, "a worker is killed once");
	if (!worker)
		return;
	worker->killed = true;
	model_forget_worker(m, worker);
}

static void see_retire(struct model *m, const struct effect *e)
{
	struct model_worker *worker = model_worker_with(m, e->worker);

	model_demand(m, worker && !worker->retired && !worker->killed, "a worker is retired once");
	if (!worker)
		return;
	model_demand(m, worker->n_sent == 0, "a worker is retired when it is empty");
	model_demand(m,
		     worker->answered >= m->settings.recycle_jobs ||
			     (worker->epoch != m->current && worker->epoch != m->standby),
		     "a worker is retired when it is used up or outgoing");
	worker->retired = true;
	model_demand(m, !m->new_ready || m->lost_one || able_of(m, m->current) > 0,
		     "nobody is retired for a successor that is not there");
}

static void refuse(struct model *m, const struct effect *e)
{
	struct model_worker *worker = model_worker_with(m, e->worker);

	if (!worker || worker->n_sent == 0)
		return;
	model_take_back(m, worker, e->job);
	worker->refused_until = m->now + REFUSAL_MS;
	dispatcher_send_failed(m->d, m->now, e->worker, e->job);
}

void model_lose_worker(struct model *m, struct model_worker *worker)
{
	uint64_t id = worker->id;

	model_forget_worker(m, worker);
	*worker = (struct model_worker){0};
	m->lost_one = true;
	dispatcher_worker_gone(m->d, m->now, id,
			       (enum death_cause)model_draw(m, DEATH_CAUSE_COUNT));
}

/* Events between two effects are permitted; so some sends fail, and some workers die of being
 * ordered or sent to. */
void model_see_effects(struct model *m)
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
		if (e.kind == EFFECT_SEND_JOB && model_draw(m, 50) == 0)
			refuse(m, &e);
		if (e.kind != EFFECT_FINISH_JOB && model_draw(m, 100) == 0 &&
		    model_worker_with(m, e.worker))
			model_lose_worker(m, model_worker_with(m, e.worker));
	}
}
