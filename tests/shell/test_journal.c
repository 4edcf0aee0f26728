/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/journal.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io/clock.h"
#include "io/log.h"
#include "tests/support/test_directory.h"
#include "tests/support/tiny_disk.h"
#include "tests/support/unit_main.h"

#define WAIT_MS 20000

static const struct journal_bounds bounds = {.max_bytes = 1 << 20, .max_days = 30};
static uv_loop_t loop;
static uv_timer_t
	keeper; /* as the daemon's sockets do: without it a loop whose timers are unreferenced runs none */
static struct journal *journal;
static struct journal_state state;

static void do_nothing(uv_timer_t *timer)
{
	(void)timer;
}

static void begin(const char *name)
{
	static const struct log_settings quiet = {.level = LOG_LEVEL_ERROR};

	(void)log_open(&quiet); /* no file that could fail */
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(uv_timer_init(&loop, &keeper), 0);
	CU_ASSERT_EQUAL_FATAL(uv_timer_start(&keeper, do_nothing, 3600000, 0), 0);
	journal = journal_new(&loop, test_path(name), &bounds);
	CU_ASSERT_PTR_NOT_NULL_FATAL(journal);
	journal_state(journal, &state);
}

static void close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* The memory of the journal's timer goes with it, so that its handle is closed first. */
static void finish(void)
{
	uv_walk(&loop, close_handle, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT); /* says whether handles are left */
	journal = journal_free(journal);
	CU_ASSERT_EQUAL(uv_loop_close(&loop), 0);
}

static void record(unsigned n)
{
	struct event event = {.type = EVENT_CONNECTOR_STARTED,
			      .body = EVENT_BODY_CONNECTOR,
			      .connector = {.version = "1", .pid = 1, .reason = "test"}};

	while (n--)
		journal_record(journal, &event);
}

/* Turns of the loop until `waiting` events wait; false when that does not come. */
static bool wait_until_waiting(unsigned waiting)
{
	uint64_t end = clock_mono_us() + WAIT_MS * UINT64_C(1000);

	do {
		(void)uv_run(&loop, UV_RUN_NOWAIT);
		journal_state(journal, &state);
		if (state.waiting == waiting && (waiting || journal_is_idle(journal)))
			return true;
		uv_sleep(1);
	} while (clock_mono_us() < end);
	return false;
}

static struct {
	unsigned calls;
	uint64_t token;
	int n;
	uint64_t newest, oldest;
	uint32_t newest_type;
} page;

static void on_page(void *context, uint64_t token, const struct journal_row *rows, int n)
{
	CU_ASSERT_PTR_EQUAL(context, &page);
	page.calls++;
	page.token = token;
	page.n = n;
	if (n > 0) {
		page.newest = rows[0].sequence;
		page.newest_type = rows[0].type;
		page.oldest = rows[n - 1].sequence;
	}
}

static void read_page(unsigned limit)
{
	const struct history_request request = {.limit = limit};

	memset(&page, 0, sizeof(page));
	CU_ASSERT_EQUAL(journal_read(journal, &request, 42, on_page, &page), 0);
	for (int i = 0; i < WAIT_MS && !page.calls; i++) {
		(void)uv_run(&loop, UV_RUN_NOWAIT);
		uv_sleep(1);
	}
	CU_ASSERT_EQUAL(page.calls, 1);
	CU_ASSERT_EQUAL(page.token, 42);
}

static void events_reach_the_disk_in_batches_and_are_read_back(void)
{
	begin("events.db");
	CU_ASSERT_STRING_EQUAL(state.error, "");
	record(3 * JOURNAL_BATCH + 5);
	CU_ASSERT_TRUE(wait_until_waiting(0));
	CU_ASSERT_EQUAL(state.newest, 3 * JOURNAL_BATCH + 5);
	CU_ASSERT_EQUAL(state.lost, 0);
	read_page(10);
	CU_ASSERT_EQUAL(page.n, 10);
	CU_ASSERT_EQUAL(page.newest, 3 * JOURNAL_BATCH + 5);
	CU_ASSERT_EQUAL(page.oldest, 3 * JOURNAL_BATCH - 4);
	finish();
}

static void what_waits_at_the_stop_is_written(void)
{
	begin("stop.db");
	record(1);
	CU_ASSERT_TRUE(wait_until_waiting(0));
	uv_walk(&loop, close_handle, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT); /* says whether handles are left */
	journal = journal_free(journal);
	CU_ASSERT_EQUAL(uv_loop_close(&loop), 0);
	begin("stop.db");
	CU_ASSERT_EQUAL(state.newest, 1);
	finish();
}

static void what_waits_at_the_end_is_tried_once_more(void)
{
	begin("last/journal.db");
	record(3);
	journal_state(journal, &state);
	CU_ASSERT_EQUAL(state.waiting, 3);
	CU_ASSERT_EQUAL_FATAL(mkdir(test_path("last"), 0700), 0);
	finish();
	begin("last/journal.db");
	CU_ASSERT_EQUAL(state.newest, 3);
	finish();
}

static void too_many_reads_are_refused(void)
{
	const struct history_request request = {.limit = 1};
	unsigned taken = 0;

	begin("reads.db");
	memset(&page, 0, sizeof(page));
	while (journal_read(journal, &request, taken, on_page, &page) == 0 && taken < 1000)
		taken++;
	CU_ASSERT(taken >= 16 && taken < 1000);
	CU_ASSERT_EQUAL(journal_read(journal, &request, 0, on_page, &page), -EBUSY);
	CU_ASSERT_TRUE(wait_until_waiting(0));
	CU_ASSERT_EQUAL(page.calls, taken);
	CU_ASSERT_EQUAL(page.token, taken - 1);
	finish();
}

static void a_journal_that_cannot_be_opened_keeps_events_and_heals(void)
{
	begin("later/journal.db");
	CU_ASSERT(strlen(state.error) > 0);
	uv_sleep(JOURNAL_RETRY_MS + 100); /* a try with nothing to write */
	CU_ASSERT_TRUE(wait_until_waiting(0));
	record(5);
	journal_state(journal, &state);
	CU_ASSERT_EQUAL(state.waiting, 5);
	CU_ASSERT_EQUAL_FATAL(mkdir(test_path("later"), 0700), 0);
	CU_ASSERT_TRUE(wait_until_waiting(0));
	CU_ASSERT_STRING_EQUAL(state.error, "");
	CU_ASSERT_EQUAL(state.newest, 5);
	CU_ASSERT_EQUAL(state.lost, 0);
	finish();
}

static void a_full_ring_loses_the_oldest_and_says_how_many(void)
{
	begin("ring/journal.db");
	record(JOURNAL_RING + 100);
	journal_state(journal, &state);
	CU_ASSERT_EQUAL(state.waiting, JOURNAL_RING);
	CU_ASSERT_EQUAL(state.lost, 100);
	CU_ASSERT_EQUAL_FATAL(mkdir(test_path("ring"), 0700), 0);
	CU_ASSERT_TRUE(wait_until_waiting(0));
	CU_ASSERT_EQUAL(state.newest, JOURNAL_RING + 1);
	CU_ASSERT_EQUAL(state.lost, 100);
	read_page(1);
	CU_ASSERT_EQUAL(page.newest, JOURNAL_RING + 1);
	finish();
}

static void the_ring_is_bounded_in_bytes_too(void)
{
	static uint8_t path[LIMIT_PATH_BYTES];
	struct event event = {.type = EVENT_THREAT_DETECTED, .body = EVENT_BODY_THREAT};

	begin("bytes/journal.db");
	event.threat.path = span_of(path, sizeof(path));
	for (int i = 0; i < 1000; i++)
		journal_record(journal, &event);
	journal_state(journal, &state);
	CU_ASSERT(state.waiting <= JOURNAL_RING_BYTES / sizeof(path));
	CU_ASSERT(state.waiting > JOURNAL_RING_BYTES / sizeof(path) - 3);
	CU_ASSERT_EQUAL(state.waiting + state.lost, 1000);
	read_page(10);
	CU_ASSERT_EQUAL(page.n, -EIO);
	finish();
}

/* ---- values ---- */

static void keep(uint32_t type, const char *key, const char *value)
{
	struct event event = {.type = type, .body = EVENT_BODY_CONNECTOR};
	struct journal_value kept = {.key = key, .data = value, .len = strlen(value)};

	journal_record_with(journal, type ? &event : NULL, &kept, 1);
}

static void list(void *context, const char *key, const void *data, size_t len)
{
	char *out = context;
	size_t at = strlen(out);

	(void)snprintf(out + at, 200 - at, "%s=%.*s ", key, (int)len, (const char *)data);
}

/* "KEY=VALUE " for each that the journal on disk has; closes the journal and opens it again. */
static const char *recalled(const char *name)
{
	static char out[200];

	finish();
	begin(name);
	out[0] = '\0';
	CU_ASSERT_EQUAL(journal_recall(journal, "", list, out), 0);
	return out;
}

static void values_are_kept_with_and_without_events(void)
{
	begin("kept.db");
	keep(EVENT_CONNECTOR_STARTED, "a", "1");
	keep(0, "b", "2");
	keep(EVENT_CONNECTOR_STARTED, "a", "3");
	keep(0, "c", "4");
	keep(0, "c", "");
	CU_ASSERT_TRUE(wait_until_waiting(0));
	CU_ASSERT_EQUAL(state.newest, 2);
	CU_ASSERT_STRING_EQUAL(recalled("kept.db"), "a=3 b=2 ");
	finish();
}

/* Nothing can be written: the ring fills up and drops events, but never the newest of each value. */
static void a_full_ring_loses_no_value(void)
{
	begin("values/journal.db");
	keep(EVENT_CONNECTOR_STARTED, "a", "old");
	keep(EVENT_CONNECTOR_STARTED, "a", "new");
	keep(0, "b", "gone");
	keep(EVENT_CONNECTOR_STARTED, "b", "");
	keep(0, "c", "kept");
	record(2 * JOURNAL_RING);
	keep(0, "d", "last");
	journal_state(journal, &state);
	CU_ASSERT_EQUAL(state.waiting, JOURNAL_RING);
	/* Three events of the five, and one more that gave way to the row of the last value. */
	CU_ASSERT_EQUAL(state.lost, JOURNAL_RING + 3 + 1);
	CU_ASSERT_EQUAL_FATAL(mkdir(test_path("values"), 0700), 0);
	CU_ASSERT_TRUE(wait_until_waiting(0));
	CU_ASSERT_STRING_EQUAL(recalled("values/journal.db"), "a=new c=kept d=last ");
	finish();
}

/* A turn of the pool thread holds the first rows and the ring is full: the newcomer's event is lost, its values are not. */
static void values_that_find_the_ring_full_and_held_go_with_the_next_batch(void)
{
	begin("held.db");
	record(JOURNAL_RING);
	(void)uv_run(&loop, UV_RUN_NOWAIT); /* the turn begins; whether it has ended is not known */
	keep(0, "before", "1");
	record(JOURNAL_RING);
	keep(EVENT_CONNECTOR_STARTED, "a", "1");
	keep(0, "b", "2");
	keep(0, "a", "3");
	CU_ASSERT_TRUE(wait_until_waiting(0));
	CU_ASSERT_STRING_EQUAL(recalled("held.db"), "a=3 b=2 before=1 ");
	finish();
}

static void values_that_wait_at_the_end_are_written(void)
{
	begin("wait/journal.db");
	keep(0, "a", "1");
	keep(0, "b", "2");
	CU_ASSERT_EQUAL_FATAL(mkdir(test_path("wait"), 0700), 0);
	CU_ASSERT_STRING_EQUAL(recalled("wait/journal.db"), "a=1 b=2 ");
	finish();
}

static void nothing_is_recalled_from_a_journal_that_cannot_be_opened(void)
{
	char out[200] = "";

	begin("nowhere/journal.db");
	CU_ASSERT_EQUAL(journal_recall(journal, "", list, out), -EIO);
	CU_ASSERT_STRING_EQUAL(out, "");
	finish();
}

static void a_full_disk_delays_events_and_loses_none(void)
{
	const char *disk = test_path("disk");

	CU_ASSERT_EQUAL_FATAL(mkdir(disk, 0700), 0);
	if (!tiny_disk_mount(disk, 2 << 20)) {
		printf("# no tmpfs can be mounted here: %s\n", strerror(errno));
		CU_FAIL("needs the right to mount");
		return;
	}
	begin("disk/journal.db");
	record(1);
	CU_ASSERT_TRUE(wait_until_waiting(0));
	CU_ASSERT_TRUE_FATAL(tiny_disk_fill(disk));
	keep(0, "a", "of the full disk");
	record(3000);
	for (int i = 0; i < 200; i++) {
		(void)uv_run(&loop, UV_RUN_NOWAIT);
		uv_sleep(1);
	}
	journal_state(journal, &state);
	CU_ASSERT(state.waiting > 0);
	CU_ASSERT(strlen(state.error) > 0);
	CU_ASSERT_TRUE(tiny_disk_empty(disk));
	CU_ASSERT_TRUE(wait_until_waiting(0));
	CU_ASSERT_EQUAL(state.newest, 3001);
	CU_ASSERT_EQUAL(state.lost, 0);
	CU_ASSERT_STRING_EQUAL(state.error, "");
	CU_ASSERT_STRING_EQUAL(recalled("disk/journal.db"), "a=of the full disk ");
	finish();
	tiny_disk_unmount(disk);
}

static const struct unit_test tests[] = {
	{"events reach the disk in batches and are read back",
	 events_reach_the_disk_in_batches_and_are_read_back},
	{"what was written is known after a new start", what_waits_at_the_stop_is_written},
	{"what waits at the end is tried once more", what_waits_at_the_end_is_tried_once_more},
	{"too many reads are refused", too_many_reads_are_refused},
	{"a journal that cannot be opened keeps events and heals",
	 a_journal_that_cannot_be_opened_keeps_events_and_heals},
	{"a full ring loses the oldest and says how many",
	 a_full_ring_loses_the_oldest_and_says_how_many},
	{"the ring is bounded in bytes too", the_ring_is_bounded_in_bytes_too},
	{"values are kept with and without events", values_are_kept_with_and_without_events},
	{"a full ring loses no value", a_full_ring_loses_no_value},
	{"values that find the ring full and held go with the next batch",
	 values_that_find_the_ring_full_and_held_go_with_the_next_batch},
	{"values that wait at the end are written", values_that_wait_at_the_end_are_written},
	{"nothing is recalled from a journal that cannot be opened",
	 nothing_is_recalled_from_a_journal_that_cannot_be_opened},
	{"a full disk delays events and loses none", a_full_disk_delays_events_and_loses_none},
};

UNIT_MAIN("journal", tests)
