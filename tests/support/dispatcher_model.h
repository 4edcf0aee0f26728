/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dispatcher_model: what a shell around the dispatcher knows - who was ordered, who was sent what, which jobs are held - and every effect
 * held against that. For random sequences of events (story/test_any_sequence.c makes them).
 *
 * Owns the model and its complaints. Must not own the dispatcher, nor know how it decides.
 */
#ifndef AMP_TESTS_SUPPORT_DISPATCHER_MODEL_H
#define AMP_TESTS_SUPPORT_DISPATCHER_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/dispatcher.h"

#define MODEL_JOBS 64
#define DEPTH_MAX 6
#define EPOCHS 3 /* services that live at a time */

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
	struct model_job jobs[MODEL_JOBS];
	struct model_worker workers[LIMIT_WORKERS];
	uint64_t last_worker;
	job_id answered_now; /* what dispatcher_answered() is being called with */
	uint64_t submitted, finished, cancelled, sends, answers, switches, releases, owed;
	unsigned complaints;
};

/* The model's random numbers: its seed makes the whole sequence. */
uint64_t model_draw(struct model *m, uint64_t below);

/* A complaint with seed and time when it does not hold. */
void model_demand(struct model *m, bool holds, const char *what);

/* NULL when there is none; 0 finds a free place. */
struct model_worker *model_worker_with(struct model *m, uint64_t id);

void model_take_back(struct model *m, struct model_worker *worker, job_id id);
void model_forget_worker(struct model *m, struct model_worker *worker);

/* It is gone, for whatever reason, and the dispatcher is told. */
void model_lose_worker(struct model *m, struct model_worker *worker);

/* Ready, and nothing keeps it from work. */
bool model_is_able(const struct model *m, const struct model_worker *worker);

/* Its service may give it jobs now. */
bool model_is_permitted(const struct model *m, const struct model_worker *worker);

/* Takes all effects and looks at each; some sends fail, some workers go in between. */
void model_see_effects(struct model *m);

#endif
