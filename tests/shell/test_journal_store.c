/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/journal_store.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/test_directory.h"
#include "tests/support/tiny_disk.h"
#include "tests/support/unit_main.h"

#define DAY_MS UINT64_C(86400000)
#define NOW (20000 * DAY_MS)

static const struct journal_bounds bounds = {.max_bytes = 1 << 20, .max_days = 30};
static struct journal_store *store;
static bool set_aside;
static char error[300];
static struct journal_row rows[400];

static void open_store(const char *name)
{
	error[0] = '\0';
	store = journal_store_open(test_path(name), &bounds, &set_aside, error, sizeof(error));
}

static void open_new(const char *name)
{
	open_store(name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_FALSE(set_aside);
	CU_ASSERT_STRING_EQUAL(error, "");
}

static void close_store(void)
{
	store = journal_store_close(store);
	CU_ASSERT_PTR_NULL(store);
}

/* `n` rows with bodies of `len` bytes, a millisecond apart. */
static int append(unsigned n, uint64_t utc_ms, uint32_t type, size_t len)
{
	static uint8_t body[8192];

	memset(body, (int)type, sizeof(body));
	for (unsigned i = 0; i < n; i++)
		rows[i] = (struct journal_row){
			.utc_ms = utc_ms + i, .type = type, .len = (uint32_t)len, .body = body};
	return journal_store_append(store, rows, n);
}

static int read_back(uint64_t before, uint32_t type, uint64_t since, unsigned n)
{
	static struct journal_row found[400];
	int got = journal_store_read(store, before, type, since, found, n);

	for (int i = 0; i < got; i++) {
		CU_ASSERT(i == 0 || found[i].sequence < found[i - 1].sequence);
		free(found[i].body);
		rows[i] = found[i];
	}
	return got;
}

/* How many files there are that were put aside; the name of the first of them. */
static size_t asides(const char *name)
{
	char pattern[PATH_MAX];
	glob_t found;
	size_t n;

	(void)snprintf(pattern, sizeof(pattern), "%s.aside-*[0-9]", test_path(name));
	n = glob(pattern, 0, NULL, &found) ? 0 : found.gl_pathc;
	globfree(&found);
	return n;
}

static void rows_are_numbered_and_read_newest_first(void)
{
	open_new("rows.db");
	CU_ASSERT_EQUAL(journal_store_newest(store), 0);
	CU_ASSERT_EQUAL(append(3, NOW, 7, 10), 0);
	CU_ASSERT_EQUAL(rows[0].sequence, 1);
	CU_ASSERT_EQUAL(rows[2].sequence, 3);
	CU_ASSERT_EQUAL(append(2, NOW + 10, 8, 0), 0);
	CU_ASSERT_EQUAL(journal_store_newest(store), 5);
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 400), 5);
	CU_ASSERT_EQUAL(rows[0].sequence, 5);
	CU_ASSERT_EQUAL(rows[0].type, 8);
	CU_ASSERT_EQUAL(rows[0].utc_ms, NOW + 11);
	CU_ASSERT_EQUAL(rows[0].len, 0);
	CU_ASSERT_EQUAL(rows[4].len, 10);
	CU_ASSERT_EQUAL(read_back(3, 0, 0, 400), 2);
	CU_ASSERT_EQUAL(read_back(0, 7, 0, 400), 3);
	CU_ASSERT_EQUAL(read_back(0, 0, NOW + 10, 400), 2);
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 1), 1);
	CU_ASSERT_EQUAL(read_back(UINT64_MAX, 0, 0, 400), 5);
	CU_ASSERT_EQUAL(read_back(0, 0, UINT64_MAX, 400), 0);
	close_store();
}

static void a_body_comes_back_as_it_was(void)
{
	uint8_t body[] = {0, 1, 0xff, '\'', 0};
	struct journal_row row = {.utc_ms = 1, .type = 2, .len = sizeof(body), .body = body}, back;

	open_new("body.db");
	CU_ASSERT_EQUAL(journal_store_append(store, &row, 1), 0);
	CU_ASSERT_EQUAL_FATAL(journal_store_read(store, 0, 0, 0, &back, 1), 1);
	CU_ASSERT_EQUAL_FATAL(back.len, sizeof(body));
	CU_ASSERT_EQUAL(memcmp(back.body, body, sizeof(body)), 0);
	free(back.body);
	close_store();
}

static void what_was_written_is_there_after_a_new_start(void)
{
	open_new("again.db");
	CU_ASSERT_EQUAL(append(5, NOW, 7, 10), 0);
	close_store();
	open_new("again.db");
	CU_ASSERT_EQUAL(journal_store_newest(store), 5);
	CU_ASSERT_EQUAL(append(1, NOW, 7, 10), 0);
	CU_ASSERT_EQUAL(rows[0].sequence, 6);
	close_store();
}

static void old_rows_go_and_their_numbers_do_not_come_again(void)
{
	open_new("prune.db");
	CU_ASSERT_EQUAL(append(3, NOW - 31 * DAY_MS, 7, 10), 0);
	CU_ASSERT_EQUAL(journal_store_prune(store, NOW), 0);
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 400), 0);
	CU_ASSERT_EQUAL(append(2, NOW - 29 * DAY_MS, 7, 10), 0);
	CU_ASSERT_EQUAL(rows[0].sequence, 4);
	CU_ASSERT_EQUAL(journal_store_prune(store, NOW), 0);
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 400), 2);
	CU_ASSERT_EQUAL(journal_store_prune(store, 5), 0); /* a clock before the bound */
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 400), 2);
	close_store();
}

static long long bytes_on_disk(const char *name)
{
	struct stat st;

	return stat(test_path(name), &st) ? -1 : (long long)st.st_size;
}

static void a_journal_above_its_ceiling_loses_its_oldest_rows_and_shrinks(void)
{
	uint64_t newest;

	open_new("bytes.db");
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL_FATAL(append(200, NOW, 7, 4000), 0);
	newest = journal_store_newest(store);
	close_store(); /* what was in the write-ahead log is in the file now */
	CU_ASSERT(bytes_on_disk("bytes.db") > 3LL << 20);
	open_new("bytes.db");
	for (int i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(journal_store_prune(store, NOW), 0);
	CU_ASSERT_EQUAL(journal_store_newest(store), newest);
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 1), 1);
	CU_ASSERT_EQUAL(rows[0].sequence, newest);
	close_store();
	CU_ASSERT(bytes_on_disk("bytes.db") > 500000);
	CU_ASSERT(bytes_on_disk("bytes.db") <= 1 << 20);
}

static void a_file_that_is_no_database_is_set_aside(void)
{
	test_file("garbage.db", "this is not a database, and it is longer than a header, by far: "
				"0123456789012345678901234567890123456789012345678901234567890");
	open_store("garbage.db");
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_TRUE(set_aside);
	CU_ASSERT(strlen(error) > 0);
	CU_ASSERT_EQUAL(asides("garbage.db"), 1);
	CU_ASSERT_EQUAL(append(1, NOW, 7, 10), 0);
	close_store();
}

/* Pages in the middle are overwritten: the header is that of a good database. */
static void a_database_with_damaged_pages_is_set_aside(void)
{
	static char noise[65536];
	FILE *file;

	open_new("damaged.db");
	CU_ASSERT_EQUAL(append(300, NOW, 7, 1000), 0);
	close_store();
	memset(noise, 0x5a, sizeof(noise));
	file = fopen(test_path("damaged.db"), "r+e");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fseek(file, 8192, SEEK_SET), 0);
	CU_ASSERT_EQUAL(fwrite(noise, 1, sizeof(noise), file), sizeof(noise));
	CU_ASSERT_EQUAL(fclose(file), 0);
	open_store("damaged.db");
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_TRUE(set_aside);
	CU_ASSERT_EQUAL(asides("damaged.db"), 1);
	CU_ASSERT_EQUAL(journal_store_newest(store), 0);
	CU_ASSERT_EQUAL(append(1, NOW, 7, 10), 0);
	close_store();
}

/* The version number is at a fixed place of the header (sqlite.org/fileformat2, offset 60, big endian). */
static void a_database_of_a_newer_schema_is_set_aside(void)
{
	FILE *file;

	open_new("newer.db");
	CU_ASSERT_EQUAL(append(1, NOW, 7, 10), 0);
	close_store();
	file = fopen(test_path("newer.db"), "r+e");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fseek(file, 60, SEEK_SET), 0);
	CU_ASSERT_EQUAL(fwrite("\0\0\0\3", 1, 4, file), 4);
	CU_ASSERT_EQUAL(fclose(file), 0);
	open_store("newer.db");
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_TRUE(set_aside);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "newer version"));
	CU_ASSERT_EQUAL(asides("newer.db"), 1);
	CU_ASSERT_EQUAL(journal_store_newest(store), 0);
	close_store();
}

/* ---- what is kept with rows ---- */

static struct journal_kept *kept_of(const char *key, const char *value)
{
	struct journal_kept *kept = calloc(1, sizeof(*kept) + strlen(value));

	CU_ASSERT_PTR_NOT_NULL_FATAL(kept);
	(void)snprintf(kept->key, sizeof(kept->key), "%s", key);
	kept->len = strlen(value);
	memcpy(kept->data, value, kept->len);
	return kept;
}

/* One row, with an event unless `type` is 0. */
static int keep(uint32_t type, const char *key, const char *value)
{
	uint8_t body[] = "body";
	struct journal_row row = {.utc_ms = NOW, .type = type, .len = sizeof(body), .body = body};
	int r;

	row.kept = kept_of(key, value);
	r = journal_store_append(store, &row, 1);
	free(row.kept);
	return r;
}

static void list(void *context, const char *key, const void *data, size_t len)
{
	char *out = context;
	size_t at = strlen(out);

	(void)snprintf(out + at, 200 - at, "%s=%.*s ", key, (int)len, (const char *)data);
}

/* "KEY=VALUE " for each. */
static const char *recalled(const char *prefix)
{
	static char out[200];

	out[0] = '\0';
	CU_ASSERT_EQUAL(journal_store_recall(store, prefix, list, out), 0);
	return out;
}

static void what_is_kept_is_replaced_removed_and_found_by_prefix(void)
{
	open_new("kept.db");
	CU_ASSERT_STRING_EQUAL(recalled(""), "");
	CU_ASSERT_EQUAL(keep(7, "fault/7", "b"), 0);
	CU_ASSERT_EQUAL(keep(0, "fault/6", "a"), 0);
	CU_ASSERT_EQUAL(keep(0, "faults", "z"), 0);
	CU_ASSERT_EQUAL(keep(8, "ledger", "l"), 0);
	CU_ASSERT_STRING_EQUAL(recalled("fault/"), "fault/6=a fault/7=b ");
	CU_ASSERT_STRING_EQUAL(recalled("f%"), "");
	CU_ASSERT_EQUAL(keep(7, "fault/7", "c"), 0);
	CU_ASSERT_EQUAL(keep(0, "fault/6", ""), 0);      /* removed */
	CU_ASSERT_EQUAL(keep(0, "fault/8", ""), 0);      /* was not there */
	CU_ASSERT_EQUAL(journal_store_newest(store), 3); /* rows without an event have no number */
	close_store();
	open_new("kept.db");
	CU_ASSERT_STRING_EQUAL(recalled(""), "fault/7=c faults=z ledger=l ");
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 400), 3);
	close_store();
}

static void what_is_kept_outlives_its_event(void)
{
	open_new("outlives.db");
	CU_ASSERT_EQUAL(keep(7, "fault/6", "a"), 0);
	CU_ASSERT_EQUAL(journal_store_prune(store, NOW + 31 * DAY_MS), 0);
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 400), 0);
	CU_ASSERT_STRING_EQUAL(recalled("fault/"), "fault/6=a ");
	close_store();
}

static void run_sql(const char *name, const char *sql)
{
	sqlite3 *db;

	CU_ASSERT_EQUAL_FATAL(sqlite3_open(test_path(name), &db), SQLITE_OK);
	CU_ASSERT_EQUAL_FATAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_close(db), SQLITE_OK);
}

static void a_database_of_the_first_version_is_taken_over(void)
{
	run_sql("first.db",
		"PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
		"CREATE TABLE event(sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
		" utc_ms INTEGER NOT NULL, type INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
		"CREATE INDEX event_type ON event(type, sequence);"
		"CREATE INDEX event_time ON event(utc_ms);"
		"INSERT INTO event(utc_ms, type, body) VALUES(1, 7, x'00'), (2, 7, x'01');"
		"PRAGMA user_version=1;");
	open_new("first.db");
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 400), 2);
	CU_ASSERT_STRING_EQUAL(recalled(""), "");
	CU_ASSERT_EQUAL(keep(8, "fault/6", "a"), 0);
	close_store();
	open_new("first.db");
	CU_ASSERT_EQUAL(journal_store_newest(store), 3);
	CU_ASSERT_STRING_EQUAL(recalled(""), "fault/6=a ");
	CU_ASSERT_EQUAL(asides("first.db"), 0);
	close_store();
}

/* What was closed a moment ago is not read through again: a page that is damaged, and not needed to open it, is not seen. */
static void what_was_closed_cleanly_is_not_checked_again(void)
{
	const struct journal_bounds clean = {
		.max_bytes = 1 << 20, .max_days = 30, .was_closed_cleanly = true};
	static char noise[4096];
	FILE *file;

	open_new("clean.db");
	CU_ASSERT_EQUAL(append(300, NOW, 7, 1000), 0);
	close_store();
	memset(noise, 0x5a, sizeof(noise));
	file = fopen(test_path("clean.db"), "r+e");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_EQUAL(fseek(file, 32 * 4096, SEEK_SET), 0);
	CU_ASSERT_EQUAL(fwrite(noise, 1, sizeof(noise), file), sizeof(noise));
	CU_ASSERT_EQUAL(fclose(file), 0);
	store = journal_store_open(test_path("clean.db"), &clean, &set_aside, error, sizeof(error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_FALSE(set_aside);
	CU_ASSERT_EQUAL(journal_store_newest(store), 300);
	close_store();
	open_store("clean.db");
	CU_ASSERT_PTR_NOT_NULL_FATAL(store);
	CU_ASSERT_TRUE(set_aside);
	close_store();
}

static void a_place_where_nothing_can_be_written_is_told_and_nothing_set_aside(void)
{
	open_store("no/such/journal.db");
	CU_ASSERT_PTR_NULL(store);
	CU_ASSERT_FALSE(set_aside);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "journal.db"));
	CU_ASSERT_EQUAL(mkdir(test_path("directory.db"), 0700), 0);
	open_store("directory.db");
	CU_ASSERT_PTR_NULL(store);
	CU_ASSERT_FALSE(set_aside);
	CU_ASSERT_EQUAL(symlink("/dev/null", test_path("link.db")), 0);
	open_store("link.db");
	CU_ASSERT_PTR_NULL(store);
	CU_ASSERT_PTR_NULL(journal_store_close(NULL));
}

/* The value goes with the first row: it is written before the disk is full. */
static int append_with_value(unsigned n, uint32_t type, size_t len)
{
	static uint8_t body[8192];
	int r;

	memset(rows, 0, sizeof(rows));
	for (unsigned i = 0; i < n; i++)
		rows[i] = (struct journal_row){
			.utc_ms = NOW, .type = type, .len = (uint32_t)len, .body = body};
	rows[0].kept = kept_of("fault/6", "new");
	r = journal_store_append(store, rows, n);
	free(rows[0].kept);
	rows[0].kept = NULL;
	return r;
}

static void a_full_disk_refuses_the_whole_batch_and_heals(void)
{
	const char *disk = test_path("disk");

	CU_ASSERT_EQUAL_FATAL(mkdir(disk, 0700), 0);
	if (!tiny_disk_mount(disk, 1 << 20)) {
		printf("# no tmpfs can be mounted here: %s\n", strerror(errno));
		CU_FAIL("needs the right to mount");
		return;
	}
	open_new("disk/journal.db");
	CU_ASSERT_EQUAL(append(3, NOW, 7, 100), 0);
	CU_ASSERT_EQUAL(keep(0, "fault/6", "old"), 0);
	CU_ASSERT_TRUE_FATAL(tiny_disk_fill(disk));
	CU_ASSERT_EQUAL(append_with_value(200, 8, 4000), -ENOSPC);
	CU_ASSERT_STRING_EQUAL(recalled(""), "fault/6=old ");
	CU_ASSERT(strlen(journal_store_error(store)) > 0);
	CU_ASSERT_EQUAL(journal_store_newest(store), 3);
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 400), 3);
	CU_ASSERT_TRUE(tiny_disk_empty(disk));
	CU_ASSERT_EQUAL(append(10, NOW, 9, 4000), 0);
	CU_ASSERT_EQUAL(read_back(0, 0, 0, 400), 13);
	CU_ASSERT_EQUAL(read_back(0, 8, 0, 400), 0);
	close_store();
	tiny_disk_unmount(disk);
}

static const struct unit_test tests[] = {
	{"rows are numbered and read newest first", rows_are_numbered_and_read_newest_first},
	{"a body comes back as it was", a_body_comes_back_as_it_was},
	{"what was written is there after a new start",
	 what_was_written_is_there_after_a_new_start},
	{"old rows go and their numbers do not come again",
	 old_rows_go_and_their_numbers_do_not_come_again},
	{"a journal above its ceiling loses its oldest rows and shrinks",
	 a_journal_above_its_ceiling_loses_its_oldest_rows_and_shrinks},
	{"a file that is no database is set aside", a_file_that_is_no_database_is_set_aside},
	{"a database with damaged pages is set aside", a_database_with_damaged_pages_is_set_aside},
	{"a database of a newer schema is set aside", a_database_of_a_newer_schema_is_set_aside},
	{"a place where nothing can be written is told and nothing set aside",
	 a_place_where_nothing_can_be_written_is_told_and_nothing_set_aside},
	{"what is kept is replaced, removed and found by prefix",
	 what_is_kept_is_replaced_removed_and_found_by_prefix},
	{"what is kept outlives its event", what_is_kept_outlives_its_event},
	{"a database of the first version is taken over",
	 a_database_of_the_first_version_is_taken_over},
	{"what was closed cleanly is not checked again",
	 what_was_closed_cleanly_is_not_checked_again},
	{"a full disk refuses the whole batch and heals",
	 a_full_disk_refuses_the_whole_batch_and_heals},
};

UNIT_MAIN("journal_store", tests)
