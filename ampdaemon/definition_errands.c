/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_errands.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/definition_link.h"
#include "ampdaemon/refusal.h"
#include "io/quiet_thread.h"

#define STACK_BYTES (512u << 10) /* some manifests and their texts, 10 KB each */

struct definition_errands {
	uv_async_t async;
	const struct definition_store *store;
	definition_errands_fn *done;
	void *context;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more, gone;
	bool is_closed, has_thread;
	unsigned first, n, n_done; /* the oldest `n_done` of `n` wait to be answered */
	struct definition_errand ring[DEFINITION_ERRANDS_MAX];
};

/* ---- on the thread ---- */

static int do_one(const struct definition_store *store, const struct definition_errand *errand,
		  char *why)
{
	switch (errand->kind) {
	case ERRAND_PUBLISH:
		return definition_store_publish(store, errand->number, why);
	case ERRAND_DISCARD:
		return definition_store_discard(store, errand->number);
	case ERRAND_POINT_ACTIVE:
		return definition_link_point(store, DEFINITION_LINK_ACTIVE, errand->number);
	case ERRAND_POINT_GOOD:
		return definition_link_point(store, DEFINITION_LINK_GOOD, errand->number);
	case ERRAND_DROP:
		return definition_store_drop(store, errand->number);
	}
	return -EINVAL;
}

static void carry_out(const struct definition_store *store, struct definition_errand *errand)
{
	errand->why[0] = '\0';
	errand->error = do_one(store, errand, errand->why);
	if (errand->error && !errand->why[0])
		(void)refusal_say(errand->why, errand->error, "generation %llu: %s",
				  (unsigned long long)errand->number, strerror(-errand->error));
}

/* With the lock; the errand stays in its place, which nobody else touches until it is done. */
static struct definition_errand *next_one(struct definition_errands *errands)
{
	while (errands->n_done == errands->n && !errands->is_closed)
		pthread_cond_wait(&errands->more, &errands->lock);
	if (errands->n_done == errands->n)
		return NULL;
	return &errands->ring[(errands->first + errands->n_done) % DEFINITION_ERRANDS_MAX];
}

static void *run(void *argument)
{
	struct definition_errands *errands = argument;
	struct definition_errand *errand;

	pthread_mutex_lock(&errands->lock);
	while ((errand = next_one(errands))) {
		pthread_mutex_unlock(&errands->lock);
		carry_out(errands->store, errand);
		pthread_mutex_lock(&errands->lock);
		errands->n_done++;
		if (!errands->is_closed)
			(void)uv_async_send(&errands->async); /* cannot fail on an open handle */
	}
	errands->has_thread = false;
	pthread_cond_signal(&errands->gone);
	pthread_mutex_unlock(&errands->lock);
	return NULL;
}

/* ---- on the loop ---- */

static bool take_answer(struct definition_errands *errands, struct definition_errand *ret_errand)
{
	bool found;

	pthread_mutex_lock(&errands->lock);
	found = errands->n_done > 0 && !errands->is_closed;
	if (found) {
		*ret_errand = errands->ring[errands->first];
		errands->first = (errands->first + 1) % DEFINITION_ERRANDS_MAX;
		errands->n--;
		errands->n_done--;
	}
	pthread_mutex_unlock(&errands->lock);
	return found;
}

/* It may be freed by who is answered; its memory stays until the handle is closed. */
static void on_async(uv_async_t *async)
{
	struct definition_errands *errands = async->data;
	struct definition_errand errand;

	while (take_answer(errands, &errand))
		errands->done(errands->context, &errand);
}

struct definition_errands *definition_errands_new(uv_loop_t *loop,
						  const struct definition_store *store,
						  definition_errands_fn *done, void *context)
{
	struct definition_errands *errands = calloc(1, sizeof(*errands));

	if (!errands)
		return NULL;
	if (uv_async_init(loop, &errands->async, on_async)) {
		free(errands);
		return NULL;
	}
	errands->async.data = errands;
	errands->store = store;
	errands->done = done;
	errands->context = context;
	pthread_mutex_init(&errands->lock, NULL);
	pthread_cond_init(&errands->more, NULL);
	pthread_cond_init(&errands->gone, NULL);
	errands->has_thread = true;
	if (!quiet_thread_start(run, errands, STACK_BYTES))
		return errands;
	errands->has_thread = false;
	return definition_errands_free(errands);
}

static void on_closed(uv_handle_t *handle)
{
	struct definition_errands *errands = handle->data;

	pthread_mutex_destroy(&errands->lock);
	pthread_cond_destroy(&errands->more);
	pthread_cond_destroy(&errands->gone);
	free(errands);
}

struct definition_errands *definition_errands_free(struct definition_errands *errands)
{
	if (!errands || errands->is_closed)
		return NULL;
	pthread_mutex_lock(&errands->lock);
	errands->is_closed = true;
	pthread_cond_signal(&errands->more);
	while (errands->has_thread)
		pthread_cond_wait(&errands->gone, &errands->lock);
	pthread_mutex_unlock(&errands->lock);
	uv_close((uv_handle_t *)&errands->async, on_closed);
	return NULL;
}

int definition_errands_ask(struct definition_errands *errands, enum definition_errand_kind kind,
			   uint64_t number)
{
	struct definition_errand *errand;
	int r = -EBUSY;

	pthread_mutex_lock(&errands->lock);
	if (errands->n < DEFINITION_ERRANDS_MAX) {
		errand = &errands->ring[(errands->first + errands->n++) % DEFINITION_ERRANDS_MAX];
		errand->kind = kind;
		errand->number = number;
		pthread_cond_signal(&errands->more);
		r = 0;
	}
	pthread_mutex_unlock(&errands->lock);
	return r;
}

unsigned definition_errands_under_way(struct definition_errands *errands)
{
	unsigned n;

	pthread_mutex_lock(&errands->lock);
	n = errands->n;
	pthread_mutex_unlock(&errands->lock);
	return n;
}
