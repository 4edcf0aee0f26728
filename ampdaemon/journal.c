/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"
#include "io/log.h"

#define READS_WAITING 64

struct reading {
	struct reading *next;
	struct history_request request;
	uint64_t token;
	journal_read_fn *done;
	void *context;
	struct journal_row *rows;
	int n;
};

/* What the pool thread works on; see the header for who owns it when. */
struct turn {
	struct journal_row rows[JOURNAL_BATCH];
	unsigned n_rows;
	struct reading *reading;
	bool prune;
	int result;
	bool set_aside;
	char error[400];
};

struct journal {
	uv_loop_t *loop;
	uv_work_t work;
	uv_timer_t retry;
	uv_timer_t kick; /* what one turn of the loop records goes into one transaction */
	bool working, failing, closing;
	struct journal_store *store; /* the pool thread's while working */
	char *path;
	struct journal_bounds bounds;
	struct journal_row ring[JOURNAL_RING];
	unsigned first, count;
	size_t bytes;
	struct journal_kept
		*pending; /* values whose row found no place: they go with the next one */
	uint64_t lost, lost_told, newest;
	unsigned batches, n_readings;
	struct reading *readings, **last_reading;
	struct turn turn;
	char error[400];
};

static void start_turn(struct journal *journal);

static struct journal_row *ring_at(struct journal *journal, unsigned i)
{
	return &journal->ring[(journal->first + i) % JOURNAL_RING];
}

static void free_kept(struct journal_kept *kept)
{
	while (kept) {
		struct journal_kept *next = kept->next;

		free(kept);
		kept = next;
	}
}

static bool has_key(const struct journal_kept *list, const char *key)
{
	for (; list; list = list->next) {
		if (!strcmp(list->key, key))
			return true;
	}
	return false;
}

/* `older` ahead of `newer`, without what is newer there. Takes both. */
static struct journal_kept *merge_kept(struct journal_kept *older, struct journal_kept *newer)
{
	struct journal_kept *merged = newer;

	while (older) {
		struct journal_kept *next = older->next;

		older->next = NULL;
		if (has_key(newer, older->key)) {
			free_kept(older);
		} else {
			older->next = merged;
			merged = older;
		}
		older = next;
	}
	return merged;
}

static void drop_oldest(struct journal *journal)
{
	struct journal_row *row = ring_at(journal, 0);

	journal->bytes -= row->len;
	free(row->body);
	row->body = NULL;
	free_kept(row->kept);
	row->kept = NULL;
	journal->first = (journal->first + 1) % JOURNAL_RING;
	journal->count--;
}

/* ---- on the pool thread ---- */

static void open_store(struct journal *journal)
{
	struct turn *turn = &journal->turn;

	journal->store = journal_store_open(journal->path, &journal->bounds, &turn->set_aside,
					    turn->error, sizeof(turn->error));
	journal->bounds.was_closed_cleanly = false; /* "a moment ago" is over */
}

static void do_reading(struct journal_store *store, struct reading *reading)
{
	const struct history_request *request = &reading->request;

	reading->n = -EIO;
	reading->rows = calloc(request->limit, sizeof(*reading->rows));
	if (reading->rows && store)
		reading->n = journal_store_read(store, request->before, request->type,
						request->since_ms, reading->rows, request->limit);
}

static void do_turn(uv_work_t *work)
{
	struct journal *journal = work->data;
	struct turn *turn = &journal->turn;

	turn->result = 0;
	turn->set_aside = false;
	turn->error[0] = '\0';
	if (!journal->store)
		open_store(journal);
	if (!journal->store) {
		turn->result = -EIO;
	} else if (turn->n_rows) {
		turn->result = journal_store_append(journal->store, turn->rows, turn->n_rows);
		if (turn->result)
			(void)snprintf(turn->error, sizeof(turn->error), "%s",
				       journal_store_error(journal->store));
	}
	if (turn->reading)
		do_reading(journal->store, turn->reading);
	if (turn->prune && journal->store && !turn->result)
		(void)journal_store_prune(journal->store, clock_utc_ms()); /* tried again later */
}

/* ---- on the loop ---- */

static void finish_reading(struct journal *journal)
{
	struct reading *reading = journal->turn.reading;

	journal->turn.reading = NULL;
	if (!reading)
		return;
	journal->n_readings--;
	if (!journal->closing)
		reading->done(reading->context, reading->token, reading->rows, reading->n);
	for (int i = 0; i < reading->n; i++)
		free(reading->rows[i].body);
	free(reading->rows);
	free(reading);
}

static void on_retry(uv_timer_t *timer)
{
	start_turn(timer->data);
}

static void on_kick(uv_timer_t *timer)
{
	start_turn(timer->data);
}

static void note_success(struct journal *journal)
{
	struct turn *turn = &journal->turn;

	for (unsigned i = 0; i < turn->n_rows; i++) {
		if (turn->rows[i].sequence)
			journal->newest = turn->rows[i].sequence;
		drop_oldest(journal);
	}
	if (journal->failing)
		log_notice("journal can be written again; %llu events were lost meanwhile",
			   (unsigned long long)(journal->lost - journal->lost_told));
	journal->failing = false;
	journal->error[0] = '\0';
}

static void note_failure(struct journal *journal)
{
	(void)snprintf(journal->error, sizeof(journal->error), "%s", journal->turn.error);
	if (!journal->failing)
		log_error(
			"journal: %s; events wait in memory (at most %d, then the oldest are lost)",
			journal->error, JOURNAL_RING);
	journal->failing = true;
	(void)uv_timer_start(&journal->retry, on_retry, JOURNAL_RETRY_MS,
			     0); /* fails only when closing */
}

static void tell_lost(struct journal *journal)
{
	struct event event = {.type = EVENT_EVENTS_LOST, .body = EVENT_BODY_LOST};

	if (journal->lost == journal->lost_told)
		return;
	event.lost.events = journal->lost - journal->lost_told;
	event.lost.reason = "the journal could not be written in time";
	journal->lost_told = journal->lost;
	journal_record(journal, &event);
}

static void append_pending(struct journal *journal);

static void after_turn(uv_work_t *work, int status)
{
	struct journal *journal = work->data;

	(void)status; /* turns are not cancelled */
	journal->working = false;
	if (journal->turn.set_aside)
		log_error("journal: %s; it was set aside and a new one begun", journal->turn.error);
	if (journal->turn.result)
		note_failure(journal);
	else
		note_success(journal);
	if (!journal->newest && journal->store)
		journal->newest = journal_store_newest(journal->store);
	finish_reading(journal);
	if (!journal->failing) {
		tell_lost(journal);
		append_pending(journal);
		start_turn(journal);
	}
}

static struct reading *take_reading(struct journal *journal)
{
	struct reading *reading = journal->readings;

	if (reading) {
		journal->readings = reading->next;
		if (!journal->readings)
			journal->last_reading = &journal->readings;
	}
	return reading;
}

/* The rows stay in the ring until they are on disk; while a turn works on copies of their structs, the ring must not
 * drop them (journal_record sees to that). */
static void prepare_turn(struct journal *journal)
{
	struct turn *turn = &journal->turn;

	turn->n_rows = journal->count < JOURNAL_BATCH ? journal->count : JOURNAL_BATCH;
	for (unsigned i = 0; i < turn->n_rows; i++)
		turn->rows[i] = *ring_at(journal, i);
	turn->reading = take_reading(journal);
	turn->prune = turn->n_rows && journal->batches++ % JOURNAL_PRUNE_EVERY == 0;
}

static void start_turn(struct journal *journal)
{
	/* While failing there is always something to do: to try again. */
	if (journal->working || journal->closing ||
	    (!journal->count && !journal->readings && !journal->failing))
		return;
	prepare_turn(journal);
	journal->working = true;
	journal->work.data = journal;
	if (uv_queue_work(journal->loop, &journal->work, do_turn, after_turn)) {
		journal->working = false; /* only for a null callback, as libuv is written */
		finish_reading(journal);
	}
}

struct journal *journal_new(uv_loop_t *loop, const char *path, const struct journal_bounds *bounds)
{
	struct journal *journal = calloc(1, sizeof(*journal));

	if (!journal)
		return NULL;
	journal->path = strdup(path);
	if (!journal->path || uv_timer_init(loop, &journal->retry) ||
	    uv_timer_init(loop, &journal->kick)) {
		free(journal->path);
		free(journal);
		return NULL;
	}
	uv_unref((uv_handle_t *)&journal->retry);
	journal->loop = loop;
	journal->retry.data = journal->kick.data = journal;
	journal->bounds = *bounds;
	journal->last_reading = &journal->readings;
	journal->work.data = journal;
	do_turn(&journal->work); /* before the loop runs: opens the store, so that trouble is told at the start */
	after_turn(&journal->work, 0);
	return journal;
}

struct journal *journal_free(struct journal *journal)
{
	if (!journal)
		return NULL;
	append_pending(journal);
	while (journal->count) {
		prepare_turn(journal);
		do_turn(&journal->work);
		finish_reading(journal);
		if (journal->turn.result) {
			log_error("journal: %s; %u events are lost at the stop",
				  journal->turn.error, journal->count);
			break;
		}
		note_success(journal);
	}
	journal->closing = true;
	while ((journal->turn.reading = take_reading(journal)))
		finish_reading(journal);
	while (journal->count)
		drop_oldest(journal);
	free_kept(journal->pending);
	journal_store_close(journal->store);
	free(journal->path);
	free(journal);
	return NULL;
}

/* An event is lost; what was to be kept with it is not. */
static void lose_oldest(struct journal *journal)
{
	struct journal_row *row = ring_at(journal, 0);
	struct journal_kept **heir =
		journal->count > 1 ? &ring_at(journal, 1)->kept : &journal->pending;

	*heir = merge_kept(row->kept, *heir);
	row->kept = NULL;
	journal->lost += row->type != 0;
	drop_oldest(journal);
}

/* What the pool thread holds is not dropped: then the newcomer is the one that is lost. */
static bool make_room(struct journal *journal, size_t len)
{
	while (journal->count == JOURNAL_RING || journal->bytes + len > JOURNAL_RING_BYTES) {
		if (journal->working || !journal->count)
			return false;
		lose_oldest(journal);
	}
	return true;
}

/* False: the event is lost. */
static bool encode_row(struct journal *journal, const struct event *event, struct journal_row *row)
{
	static uint8_t buffer[LIMIT_PACKET_BYTES]; /* of the loop thread */
	struct event timed = *event;
	ssize_t len;

	row->utc_ms = timed.utc_ms = clock_utc_ms();
	len = event_encode(&timed, buffer, sizeof(buffer));
	if (len > 0 && make_room(journal, (size_t)len))
		row->body = malloc((size_t)len);
	if (!row->body)
		return false;
	memcpy(row->body, buffer, (size_t)len);
	row->type = event->type;
	row->len = (uint32_t)len;
	return true;
}

static struct journal_kept *copy_value(const struct journal_value *value)
{
	struct journal_kept *kept = malloc(sizeof(*kept) + value->len);

	if (!kept)
		return NULL;
	kept->next = NULL;
	kept->len = value->len;
	(void)snprintf(kept->key, sizeof(kept->key), "%s", value->key);
	if (value->len)
		memcpy(kept->data, value->data, value->len);
	return kept;
}

static struct journal_kept *copy_values(const struct journal_value *values, unsigned n)
{
	struct journal_kept *list = NULL;

	for (unsigned i = 0; i < n; i++) {
		struct journal_kept *kept = copy_value(&values[i]);

		if (kept)
			list = merge_kept(list, kept);
		else
			log_error("journal: no memory to keep %s: it is as it was after a restart",
				  values[i].key);
	}
	return list;
}

static void append_row(struct journal *journal, struct journal_row *row)
{
	row->kept = merge_kept(journal->pending, row->kept);
	journal->pending = NULL;
	journal->bytes += row->len;
	*ring_at(journal, journal->count++) = *row;
}

/* Values without an event, when there is room for their row. */
static void append_pending(struct journal *journal)
{
	struct journal_row row = {.type = 0};

	if (journal->pending && make_room(journal, 0))
		append_row(journal, &row);
}

void journal_record_with(struct journal *journal, const struct event *event,
			 const struct journal_value *values, unsigned n)
{
	struct journal_row row = {.type = 0};

	journal->pending = merge_kept(journal->pending, copy_values(values, n));
	if (event && encode_row(journal, event, &row))
		append_row(journal, &row);
	else
		append_pending(journal);
	journal->lost += event && !row.type;
	if (!journal->failing)
		(void)uv_timer_start(&journal->kick, on_kick, 0, 0); /* fails only when closing */
}

void journal_record(struct journal *journal, const struct event *event)
{
	journal_record_with(journal, event, NULL, 0);
}

int journal_recall(struct journal *journal, const char *prefix, journal_recall_fn *each,
		   void *context)
{
	if (!journal->store || journal->working)
		return -EIO;
	return journal_store_recall(journal->store, prefix, each, context);
}

int journal_read(struct journal *journal, const struct history_request *request, uint64_t token,
		 journal_read_fn *done, void *context)
{
	struct reading *reading;

	if (journal->n_readings >= READS_WAITING)
		return -EBUSY;
	reading = calloc(1, sizeof(*reading));
	if (!reading)
		return -ENOMEM;
	*reading = (struct reading){
		.request = *request, .token = token, .done = done, .context = context};
	journal->n_readings++;
	*journal->last_reading = reading;
	journal->last_reading = &reading->next;
	start_turn(journal);
	return 0;
}

void journal_state(const struct journal *journal, struct journal_state *ret_state)
{
	*ret_state = (struct journal_state){
		.newest = journal->newest,
		.waiting = journal->count,
		.lost = journal->lost,
		.error = journal->error,
	};
}

bool journal_is_idle(const struct journal *journal)
{
	return !journal->working && (!journal->count || journal->failing) && !journal->readings;
}
