/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_errand.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ampdaemon/refusal.h"
#include "io/log.h"
#include "io/quiet_thread.h"

#define STACK_BYTES (512u << 10) /* a buffer of 64 KB, and what the library takes */

/* What a thread has: everything that it needs, for it may be the last one to know of it. */
struct work {
	struct desktop *desktop;
	bool is_sweep, is_wanted; /* wanted: the loop's */
	struct incoming_order order;
	char root[LIMIT_ROOT_BYTES + 1];
	char names[LIMIT_DATABASES][LIMIT_DATABASE_BYTES + 1];
	const char *databases[LIMIT_DATABASES];
	int result;
	char why[LIMIT_REASON_BYTES];
};

/* Where loop and thread meet. */
struct desktop {
	pthread_mutex_t lock;
	unsigned holders;
	uv_async_t *async; /* NULL: nobody is there any more */
	struct work *done;
};

struct update_errand {
	uv_async_t async;
	struct desktop *desktop;
	char root[LIMIT_ROOT_BYTES + 1];
	update_errand_fn *fn;
	void *context;
	struct work *under_way; /* the thread's; only `is_wanted` is ours */
	struct work *next;
};

static void free_work(struct work *work)
{
	if (!work)
		return;
	if (work->order.generation >= 0)
		close(work->order.generation);
	if (!work->is_sweep && work->result > 0)
		close(work->result);
	free(work);
}

static void leave_desktop(struct desktop *desktop)
{
	bool is_last;

	pthread_mutex_lock(&desktop->lock);
	is_last = --desktop->holders == 0;
	pthread_mutex_unlock(&desktop->lock);
	if (!is_last)
		return;
	pthread_mutex_destroy(&desktop->lock);
	free(desktop);
}

/* ---- on the thread ---- */

static void *run(void *argument)
{
	struct work *work = argument;
	struct desktop *desktop = work->desktop;
	bool is_taken;

	work->result = work->is_sweep ? update_incoming_sweep(work->root, work->why)
				      : update_incoming_prepare(&work->order, work->why);
	pthread_mutex_lock(&desktop->lock);
	is_taken = desktop->async != NULL;
	if (is_taken) {
		desktop->done = work;
		(void)uv_async_send(desktop->async); /* cannot fail on an open handle */
	}
	pthread_mutex_unlock(&desktop->lock);
	if (!is_taken)
		free_work(work);
	leave_desktop(desktop);
	return NULL;
}

/* ---- on the loop ---- */

static int start(struct update_errand *errand, struct work *work)
{
	int r;

	pthread_mutex_lock(&errand->desktop->lock);
	errand->desktop->holders++;
	pthread_mutex_unlock(&errand->desktop->lock);
	r = quiet_thread_start(run, work, STACK_BYTES);
	if (r)
		leave_desktop(errand->desktop);
	else
		errand->under_way = work;
	return r;
}

static struct work *take_done(struct update_errand *errand)
{
	struct work *work;

	pthread_mutex_lock(&errand->desktop->lock);
	work = errand->desktop->done;
	errand->desktop->done = NULL;
	pthread_mutex_unlock(&errand->desktop->lock);
	return work;
}

static void tell(struct update_errand *errand, struct work *work)
{
	int directory = work->result;
	char why[LIMIT_REASON_BYTES];

	(void)snprintf(why, sizeof(why), "%s", work->why);
	if (work->is_sweep && work->result)
		log_warning("updates: %s", why);
	if (!work->is_wanted) {
		free_work(work);
		return;
	}
	work->result = 0; /* the callee's */
	free_work(work);
	errand->fn(errand->context, directory, why);
}

static void start_next(struct update_errand *errand)
{
	struct work *next = errand->next;
	int r;

	errand->next = NULL;
	r = next ? start(errand, next) : 0;
	if (!r)
		return;
	next->result = r;
	(void)refusal_say(next->why, r, "no thread for it: %s", strerror(-r));
	tell(errand, next);
}

static void on_async(uv_async_t *async)
{
	struct update_errand *errand = async->data;
	struct work *work = take_done(errand);

	if (!work)
		return;
	errand->under_way = NULL;
	start_next(errand);
	tell(errand, work);
}

static struct desktop *make_desktop(uv_async_t *async)
{
	struct desktop *desktop = calloc(1, sizeof(*desktop));

	if (!desktop)
		return NULL;
	pthread_mutex_init(&desktop->lock, NULL);
	desktop->holders = 1;
	desktop->async = async;
	return desktop;
}

struct update_errand *update_errand_new(uv_loop_t *loop, const char *root, update_errand_fn *done,
					void *context)
{
	struct update_errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		return NULL;
	errand->desktop = make_desktop(&errand->async);
	if (!errand->desktop || uv_async_init(loop, &errand->async, on_async)) {
		if (errand->desktop)
			leave_desktop(errand->desktop);
		free(errand);
		return NULL;
	}
	errand->async.data = errand;
	(void)snprintf(errand->root, sizeof(errand->root), "%s", root);
	errand->fn = done;
	errand->context = context;
	return errand;
}

static void free_errand(uv_handle_t *handle)
{
	free(handle->data);
}

struct update_errand *update_errand_free(struct update_errand *errand)
{
	if (!errand)
		return NULL;
	pthread_mutex_lock(&errand->desktop->lock);
	errand->desktop->async = NULL;
	pthread_mutex_unlock(&errand->desktop->lock);
	free_work(take_done(errand));
	free_work(errand->next);
	leave_desktop(errand->desktop);
	uv_close((uv_handle_t *)&errand->async, free_errand);
	return NULL;
}

/* ---- asking ---- */

static struct work *make_work(struct update_errand *errand, const struct incoming_order *order)
{
	struct work *work = calloc(1, sizeof(*work));

	if (!work)
		return NULL;
	work->desktop = errand->desktop;
	work->order = *order;
	(void)snprintf(work->root, sizeof(work->root), "%s", errand->root);
	work->order.root = work->root;
	work->order.databases = work->databases;
	for (unsigned i = 0; i < order->n_databases; i++) {
		(void)snprintf(work->names[i], sizeof(work->names[i]), "%s", order->databases[i]);
		work->databases[i] = work->names[i];
	}
	return work;
}

int update_errand_prepare(struct update_errand *errand, const struct incoming_order *order,
			  char why[LIMIT_REASON_BYTES])
{
	struct work *work = make_work(errand, order);
	int r = 0;

	if (!work) {
		if (order->generation >= 0)
			close(order->generation);
		return refusal_say(why, -ENOMEM, "the daemon is out of memory");
	}
	work->is_wanted = true;
	free_work(errand->next); /* a sweep, or what nobody waits for: this one does it as well */
	errand->next = NULL;
	if (errand->under_way)
		errand->next = work;
	else
		r = start(errand, work);
	if (!r)
		return 0;
	free_work(work);
	return refusal_say(why, r, "no thread for it: %s", strerror(-r));
}

void update_errand_forget(struct update_errand *errand)
{
	free_work(errand->next);
	errand->next = NULL;
	if (errand->under_way)
		errand->under_way->is_wanted = false;
}

void update_errand_sweep(struct update_errand *errand)
{
	const struct incoming_order nothing = {.generation = -1};
	struct work *work = errand->next ? NULL : make_work(errand, &nothing);

	if (!work)
		return; /* the next check does it */
	work->is_sweep = true;
	if (errand->under_way)
		errand->next = work;
	else if (start(errand, work))
		free_work(work);
}

bool update_errand_is_busy(const struct update_errand *errand)
{
	return errand->under_way != NULL;
}
