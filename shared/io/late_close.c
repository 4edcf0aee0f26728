/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/late_close.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "io/quiet_thread.h"

#define THREADS 256
#define QUEUE 16384 /* the daemon has no more descriptors than that */
#define CROWD 16 /* waiting while no thread is idle: one more is started, the others may be held */
#define STACK_BYTES (64u << 10)

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool started;
	unsigned threads, idle;
	unsigned first, waiting, closing;
	int fds[QUEUE];
} closer = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static int take(void)
{
	int fd;

	while (!closer.waiting) {
		closer.idle++;
		pthread_cond_wait(&closer.more, &closer.lock);
		closer.idle--;
	}
	fd = closer.fds[closer.first];
	closer.first = (closer.first + 1) % QUEUE;
	closer.waiting--;
	closer.closing++;
	return fd;
}

static void *work(void *nothing)
{
	(void)nothing;
	pthread_mutex_lock(&closer.lock);
	for (;;) {
		int fd = take();

		pthread_mutex_unlock(&closer.lock);
		close(fd);
		pthread_mutex_lock(&closer.lock);
		closer.closing--;
	}
	return NULL;
}

static int add_thread(void)
{
	int r = quiet_thread_start(work, NULL, STACK_BYTES);

	if (!r)
		closer.threads++;
	return r;
}

int late_close_start(void)
{
	int r = 0;

	pthread_mutex_lock(&closer.lock);
	if (!closer.started)
		r = add_thread();
	closer.started = r == 0;
	pthread_mutex_unlock(&closer.lock);
	return r;
}

static bool enqueue(int fd)
{
	bool taken = closer.started && closer.waiting < QUEUE;

	if (!taken)
		return false;
	closer.fds[(closer.first + closer.waiting++) % QUEUE] = fd;
	if (closer.idle)
		pthread_cond_signal(&closer.more);
	else if (closer.waiting > CROWD && closer.threads < THREADS)
		(void)add_thread(); /* fails: they wait longer */
	return true;
}

void late_close(int fd)
{
	bool taken;

	if (fd < 0)
		return;
	pthread_mutex_lock(&closer.lock);
	taken = enqueue(fd);
	pthread_mutex_unlock(&closer.lock);
	if (!taken)
		close(fd);
}

unsigned late_close_held(void)
{
	unsigned held;

	pthread_mutex_lock(&closer.lock);
	held = closer.waiting + closer.closing;
	pthread_mutex_unlock(&closer.lock);
	return held;
}
