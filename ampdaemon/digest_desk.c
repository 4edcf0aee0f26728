/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/digest_desk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mono.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/quiet_thread.h"
#include "io/sha256.h"

#define PIECE_BYTES (256u << 10)
#define STACK_BYTES (256u << 10)
#define NICENESS 10

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_RUNNING, SLOT_DONE };

struct slot {
	enum slot_state state;
	uint64_t ticket; /* never given twice: a thread that comes back late finds nobody */
	int fd;          /* while WAITING */
	mono_ms due;
	int error; /* when DONE */
	uint8_t digest[LIMIT_DIGEST_BYTES];
	uint64_t token;
	digest_fn *done;
	void *context;
};

/* What threads and loop share; it outlives the desk as long as a thread hangs. */
struct shop {
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned holders; /* the desk, and each thread */
	unsigned threads, idle;
	unsigned stuck; /* threads whose answer was given up */
	unsigned busy;  /* threads that have a file */
	bool closed;
	uint64_t max_bytes, last_ticket;
	uv_async_t *async; /* not after `closed` */
	struct slot slots[DIGEST_QUEUE];
};

struct digest_desk {
	uv_async_t async;
	uv_timer_t timer;
	unsigned handles_open;
	bool freed;
	struct shop *shop;
};

struct work {
	int fd;
	uint64_t ticket, max_bytes;
	int error;
	uint8_t digest[LIMIT_DIGEST_BYTES];
};

/* ---- on the threads ---- */

static void leave(struct shop *shop)
{
	bool last;

	pthread_mutex_lock(&shop->lock);
	last = --shop->holders == 0;
	pthread_mutex_unlock(&shop->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&shop->lock);
	pthread_cond_destroy(&shop->more);
	free(shop);
}

/* With the lock. */
static struct slot *slot_of(struct shop *shop, uint64_t ticket)
{
	for (unsigned i = 0; i < DIGEST_QUEUE; i++) {
		if (shop->slots[i].state != SLOT_FREE && shop->slots[i].ticket == ticket)
			return &shop->slots[i];
	}
	return NULL;
}

static bool is_wanted(struct shop *shop, uint64_t ticket)
{
	bool wanted;

	pthread_mutex_lock(&shop->lock);
	wanted = !shop->closed && slot_of(shop, ticket);
	pthread_mutex_unlock(&shop->lock);
	return wanted;
}

/* 0; the file may grow while it is read, so that its size is looked at on the way too. */
static int read_all(struct shop *shop, const struct work *work, struct sha256 *hash, uint8_t *piece)
{
	uint64_t at = 0;

	while (is_wanted(shop, work->ticket)) {
		ssize_t n = pread(work->fd, piece, PIECE_BYTES, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		at += (uint64_t)n;
		if (at > work->max_bytes)
			return -EFBIG;
		if (sha256_add(hash, piece, (size_t)n))
			return -ENOMEM;
	}
	return -ECANCELED;
}

static int check_size(const struct work *work)
{
	struct stat st;
	struct statfs storage;

	if (fstat(work->fd, &st) || fstatfs(work->fd, &storage))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (storage.f_type == FUSE_SUPER_MAGIC)
		return -EOPNOTSUPP;
	return (uint64_t)st.st_size > work->max_bytes ? -EFBIG : 0;
}

static int hash_file(struct shop *shop, struct work *work)
{
	struct sha256 *hash = sha256_new();
	uint8_t *piece = malloc(PIECE_BYTES);
	int r = -ENOMEM;

	if (hash && piece && !sha256_begin(hash))
		r = check_size(work);
	if (!r)
		r = read_all(shop, work, hash, piece);
	if (!r)
		r = sha256_end(hash, work->digest);
	sha256_free(hash);
	free(piece);
	return r;
}

static struct slot *oldest_waiting(struct shop *shop)
{
	struct slot *oldest = NULL;

	for (unsigned i = 0; i < DIGEST_QUEUE; i++) {
		struct slot *slot = &shop->slots[i];

		if (slot->state == SLOT_WAITING && (!oldest || slot->ticket < oldest->ticket))
			oldest = slot;
	}
	return oldest;
}

/* False when the desk is closed. */
static bool take(struct shop *shop, struct work *work)
{
	struct slot *slot;

	pthread_mutex_lock(&shop->lock);
	while (!shop->closed && !(slot = oldest_waiting(shop))) {
		shop->idle++;
		pthread_cond_wait(&shop->more, &shop->lock);
		shop->idle--;
	}
	if (!shop->closed) {
		slot->state = SLOT_RUNNING;
		*work = (struct work){
			.fd = slot->fd, .ticket = slot->ticket, .max_bytes = shop->max_bytes};
		slot->fd = -1;
		shop->busy++;
		pthread_mutex_unlock(&shop->lock);
		return true;
	}
	pthread_mutex_unlock(&shop->lock);
	return false;
}

static void give(struct shop *shop, const struct work *work)
{
	struct slot *slot;

	pthread_mutex_lock(&shop->lock);
	slot = slot_of(shop, work->ticket);
	if (slot) {
		slot->state = SLOT_DONE;
		slot->error = work->error;
		memcpy(slot->digest, work->digest, sizeof(slot->digest));
	} else {
		shop->stuck--;
	}
	if (slot && !shop->closed)
		(void)uv_async_send(shop->async); /* cannot fail on an open handle */
	pthread_mutex_unlock(&shop->lock);
}

static void rest(struct shop *shop)
{
	pthread_mutex_lock(&shop->lock);
	shop->busy--;
	pthread_mutex_unlock(&shop->lock);
}

static void *run(void *argument)
{
	struct shop *shop = argument;
	struct work work;

	/* A file is hashed beside the hand-over of the job that it was in: the loop and the next worker go first. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
	while (take(shop, &work)) {
		work.error = hash_file(shop, &work);
		give(shop, &work);
		close(work.fd); /* may wait for its storage: that is what these threads are for */
		rest(shop);
	}
	leave(shop);
	return NULL;
}

/* With the lock. */
static int add_thread(struct shop *shop)
{
	int r = quiet_thread_start(run, shop, STACK_BYTES);

	if (r)
		return r;
	shop->threads++;
	shop->holders++;
	return 0;
}

/* ---- on the loop ---- */

/* One answer that is due, taken out; false when there is none. */
static bool take_answer(struct shop *shop, mono_ms now, struct slot *ret_slot)
{
	bool found = false;

	pthread_mutex_lock(&shop->lock);
	for (unsigned i = 0; i < DIGEST_QUEUE && !found; i++) {
		struct slot *slot = &shop->slots[i];

		found = slot->state == SLOT_DONE || (slot->state != SLOT_FREE && slot->due <= now);
		if (!found)
			continue;
		*ret_slot = *slot;
		shop->stuck += slot->state == SLOT_RUNNING;
		slot->state = SLOT_FREE;
	}
	pthread_mutex_unlock(&shop->lock);
	return found;
}

static mono_ms next_due(struct shop *shop)
{
	mono_ms due = MONO_NEVER;

	pthread_mutex_lock(&shop->lock);
	for (unsigned i = 0; i < DIGEST_QUEUE; i++) {
		if (shop->slots[i].state != SLOT_FREE)
			due = mono_min(due, shop->slots[i].due);
	}
	pthread_mutex_unlock(&shop->lock);
	return due;
}

static void on_timer(uv_timer_t *timer);

/* Each has the same time, so that the timer that runs is never too late. */
static void arm(struct digest_desk *desk)
{
	mono_ms due, now = clock_mono_ms();

	if (desk->freed || uv_is_active((uv_handle_t *)&desk->timer))
		return;
	due = next_due(desk->shop);
	if (due != MONO_NEVER)
		(void)uv_timer_start(&desk->timer, on_timer, due > now ? (uint64_t)(due - now) : 0,
				     0); /* cannot fail with a callback */
}

/* The desk may be freed by who is answered; its memory stays until the handles are closed. */
static void answer(struct digest_desk *desk)
{
	struct slot slot;

	while (!desk->freed && take_answer(desk->shop, clock_mono_ms(), &slot)) {
		if (slot.state != SLOT_DONE)
			slot.error = -ETIMEDOUT;
		if (slot.state == SLOT_WAITING)
			late_close(slot.fd);
		slot.done(slot.context, slot.token, slot.error, slot.digest);
	}
	arm(desk);
}

static void on_timer(uv_timer_t *timer)
{
	answer(timer->data);
}

static void on_async(uv_async_t *async)
{
	answer(async->data);
}

static struct shop *shop_new(uint64_t max_bytes, uv_async_t *async)
{
	struct shop *shop = calloc(1, sizeof(*shop));

	if (!shop)
		return NULL;
	pthread_mutex_init(&shop->lock, NULL);
	pthread_cond_init(&shop->more, NULL);
	shop->holders = 1;
	shop->max_bytes = max_bytes;
	shop->async = async;
	return shop;
}

struct digest_desk *digest_desk_new(uv_loop_t *loop, uint64_t max_bytes)
{
	struct digest_desk *desk = calloc(1, sizeof(*desk));

	if (!desk)
		return NULL;
	sha256_prepare();
	desk->shop = shop_new(max_bytes, &desk->async);
	if (!desk->shop || uv_async_init(loop, &desk->async, on_async)) {
		if (desk->shop)
			leave(desk->shop);
		free(desk);
		return NULL;
	}
	(void)uv_timer_init(loop, &desk->timer); /* cannot fail */
	desk->async.data = desk->timer.data = desk;
	desk->handles_open = 2;
	return desk;
}

static void on_closed(uv_handle_t *handle)
{
	struct digest_desk *desk = handle->data;

	if (--desk->handles_open == 0)
		free(desk);
}

struct digest_desk *digest_desk_free(struct digest_desk *desk)
{
	struct shop *shop;

	if (!desk || desk->freed)
		return NULL;
	desk->freed = true;
	shop = desk->shop;
	pthread_mutex_lock(&shop->lock);
	shop->closed = true;
	for (unsigned i = 0; i < DIGEST_QUEUE; i++) {
		if (shop->slots[i].state == SLOT_WAITING)
			late_close(shop->slots[i].fd);
		shop->stuck += shop->slots[i].state == SLOT_RUNNING;
		shop->slots[i].state = SLOT_FREE;
	}
	pthread_cond_broadcast(&shop->more);
	pthread_mutex_unlock(&shop->lock);
	leave(shop);
	uv_close((uv_handle_t *)&desk->async, on_closed);
	uv_close((uv_handle_t *)&desk->timer, on_closed);
	return NULL;
}

static struct slot *free_slot(struct shop *shop)
{
	for (unsigned i = 0; i < DIGEST_QUEUE; i++) {
		if (shop->slots[i].state == SLOT_FREE)
			return &shop->slots[i];
	}
	return NULL;
}

/* With the lock: somebody who can do it. Where every thread hangs, waiting would only cost time. */
static int find_hands(struct shop *shop)
{
	int r = 0;

	if (shop->stuck >= DIGEST_THREADS)
		return -EBUSY;
	if (!shop->idle && shop->threads < DIGEST_THREADS)
		r = add_thread(shop);
	return shop->threads ? 0 : r;
}

static int enqueue(struct shop *shop, const struct slot *wanted)
{
	struct slot *slot;
	int r;

	pthread_mutex_lock(&shop->lock);
	slot = free_slot(shop);
	r = slot ? find_hands(shop) : -EBUSY;
	if (!r) {
		*slot = *wanted;
		slot->ticket = ++shop->last_ticket;
		pthread_cond_signal(&shop->more);
	}
	pthread_mutex_unlock(&shop->lock);
	return r;
}

int digest_desk_ask(struct digest_desk *desk, int fd, uint64_t token, digest_fn *done,
		    void *context)
{
	struct slot slot = {.state = SLOT_WAITING,
			    .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
			    .due = mono_add(clock_mono_ms(), DIGEST_LIMIT_MS),
			    .token = token,
			    .done = done,
			    .context = context};
	int r;

	if (slot.fd < 0)
		return -errno;
	r = enqueue(desk->shop, &slot);
	if (r)
		late_close(slot.fd);
	else
		arm(desk);
	return r;
}

unsigned digest_desk_under_way(const struct digest_desk *desk, unsigned *ret_stuck)
{
	struct shop *shop = desk->shop;
	unsigned n;

	pthread_mutex_lock(&shop->lock);
	n = shop->busy;
	for (unsigned i = 0; i < DIGEST_QUEUE; i++)
		n += shop->slots[i].state == SLOT_WAITING || shop->slots[i].state == SLOT_DONE;
	*ret_stuck = shop->stuck;
	pthread_mutex_unlock(&shop->lock);
	return n;
}
