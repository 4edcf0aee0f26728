/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/journal_store.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"

#define SCHEMA_VERSION 2 /* 1 had no table of kept values */
#define DAY_MS UINT64_C(86400000)

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS event("
	"  sequence INTEGER PRIMARY KEY AUTOINCREMENT," /* never reused, even when the newest row is removed */
	"  utc_ms INTEGER NOT NULL,"
	"  type INTEGER NOT NULL,"
	"  body BLOB NOT NULL) STRICT;"
	"CREATE INDEX IF NOT EXISTS event_type ON event(type, sequence);"
	"CREATE INDEX IF NOT EXISTS event_time ON event(utc_ms);"
	"CREATE TABLE IF NOT EXISTS kept("
	"  key TEXT PRIMARY KEY,"
	"  value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"PRAGMA user_version=2;";

struct journal_store {
	sqlite3 *db;
	sqlite3_stmt *append, *keep, *forget;
	struct journal_bounds bounds;
	char error[300];
};

static int fail(struct journal_store *store)
{
	int code = sqlite3_errcode(store->db);

	(void)snprintf(store->error, sizeof(store->error), "the journal cannot be written: %s",
		       sqlite3_errmsg(store->db));
	return code == SQLITE_FULL ? -ENOSPC : -EIO;
}

static int run(struct journal_store *store, const char *sql)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(store);
}

/* The first column of the first row, as a number; `otherwise` when there is none. */
static int64_t ask(struct journal_store *store, const char *sql, int64_t otherwise)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return otherwise;
	if (sqlite3_step(statement) == SQLITE_ROW)
		otherwise = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement); /* repeats the error of step */
	return otherwise;
}

static bool is_sound(struct journal_store *store)
{
	sqlite3_stmt *statement;
	bool sound = false;

	if (sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &statement, NULL) !=
	    SQLITE_OK)
		return false;
	if (sqlite3_step(statement) == SQLITE_ROW)
		sound = !strcmp((const char *)sqlite3_column_text(statement, 0), "ok");
	(void)sqlite3_finalize(statement);
	return sound;
}

static int prepare(struct journal_store *store)
{
	if (sqlite3_prepare_v2(store->db, "INSERT INTO event(utc_ms, type, body) VALUES(?,?,?)", -1,
			       &store->append, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO kept(key, value) VALUES(?,?)", -1,
			       &store->keep, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(store->db, "DELETE FROM kept WHERE key = ?", -1, &store->forget,
			       NULL) == SQLITE_OK)
		return 0;
	return fail(store);
}

static int open_database(struct journal_store *store, const char *path)
{
	int64_t version;

	if (sqlite3_open_v2(path, &store->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
				    SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK)
		return fail(store);
	(void)sqlite3_busy_timeout(store->db, 2000); /* a backup or a person with sqlite3(1) */
	/* auto_vacuum first: setting the journal mode writes the first page, and from then on it is fixed. */
	if (run(store,
		"PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		"PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
		"PRAGMA journal_size_limit=4194304;"))
		return -EIO;
	if (!store->bounds.was_closed_cleanly && !is_sound(store)) {
		(void)snprintf(store->error, sizeof(store->error), "the database is damaged");
		return -EUCLEAN;
	}
	version = ask(store, "PRAGMA user_version", -1);
	if (version > SCHEMA_VERSION) {
		(void)snprintf(store->error, sizeof(store->error),
			       "the database was written by a newer version");
		return -EUCLEAN;
	}
	/* Not for nothing: on a full disk what is kept can still be read. */
	if (version < SCHEMA_VERSION && run(store, schema))
		return -EIO;
	return prepare(store);
}

static void close_database(struct journal_store *store)
{
	(void)sqlite3_finalize(store->append);
	(void)sqlite3_finalize(store->keep);
	(void)sqlite3_finalize(store->forget);
	(void)sqlite3_close(store->db); /* no statement is left open */
	store->append = store->keep = store->forget = NULL;
	store->db = NULL;
}

/* With its write-ahead log and shared memory: alone they would be taken for those of the new database. */
static void set_aside(const char *path)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	uint64_t now = clock_utc_ms();

	for (size_t i = 0; i < 3; i++) {
		char from[PATH_MAX], to[PATH_MAX];

		(void)snprintf(from, sizeof(from), "%s%s", path, parts[i]);
		(void)snprintf(to, sizeof(to), "%s.aside-%" PRIu64 "%s", path, now, parts[i]);
		if (rename(from, to) && errno != ENOENT)
			(void)unlink(from); /* opening it again tells if even that failed */
	}
}

struct journal_store *journal_store_open(const char *path, const struct journal_bounds *bounds,
					 bool *ret_set_aside, char *ret_error, size_t size)
{
	struct journal_store *store = calloc(1, sizeof(*store));
	int r, code;

	*ret_set_aside = false;
	if (!store)
		return NULL;
	store->bounds = *bounds;
	r = open_database(store, path);
	code = store->db ? sqlite3_errcode(store->db) : SQLITE_OK;
	if (r == -EUCLEAN || (r && (code == SQLITE_CORRUPT || code == SQLITE_NOTADB))) {
		(void)snprintf(ret_error, size, "%s", store->error);
		*ret_set_aside = true;
		close_database(store);
		set_aside(path);
		r = open_database(store, path);
	}
	if (r) {
		(void)snprintf(ret_error, size, "%s: %s", path, store->error);
		return journal_store_close(store);
	}
	return store;
}

struct journal_store *journal_store_close(struct journal_store *store)
{
	if (store)
		close_database(store);
	free(store);
	return NULL;
}

static int append_one(struct journal_store *store, struct journal_row *row)
{
	(void)sqlite3_reset(store->append); /* repeats the error of the last step */
	if (sqlite3_bind_int64(store->append, 1, (sqlite3_int64)row->utc_ms) != SQLITE_OK ||
	    sqlite3_bind_int64(store->append, 2, row->type) != SQLITE_OK ||
	    sqlite3_bind_blob(store->append, 3, row->body, (int)row->len, SQLITE_STATIC) !=
		    SQLITE_OK ||
	    sqlite3_step(store->append) != SQLITE_DONE)
		return fail(store);
	row->sequence = (uint64_t)sqlite3_last_insert_rowid(store->db);
	return 0;
}

static int keep_one(struct journal_store *store, const struct journal_kept *kept)
{
	sqlite3_stmt *statement = kept->len ? store->keep : store->forget;

	(void)sqlite3_reset(statement); /* repeats the error of the last step */
	if (sqlite3_bind_text(statement, 1, kept->key, -1, SQLITE_STATIC) != SQLITE_OK)
		return fail(store);
	if (kept->len &&
	    sqlite3_bind_blob(statement, 2, kept->data, (int)kept->len, SQLITE_STATIC) != SQLITE_OK)
		return fail(store);
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : fail(store);
}

static int append_whole(struct journal_store *store, struct journal_row *row)
{
	int r = row->type ? append_one(store, row) : 0;

	for (const struct journal_kept *kept = row->kept; kept && !r; kept = kept->next)
		r = keep_one(store, kept);
	return r;
}

static void reset_all(struct journal_store *store)
{
	(void)sqlite3_reset(store->append); /* repeats the error of the last step */
	(void)sqlite3_reset(store->keep);
	(void)sqlite3_reset(store->forget);
}

int journal_store_append(struct journal_store *store, struct journal_row *rows, unsigned n)
{
	int r = run(store, "BEGIN IMMEDIATE");

	if (r)
		return r;
	for (unsigned i = 0; i < n && !r; i++)
		r = append_whole(store, &rows[i]);
	reset_all(store);
	if (!r)
		r = run(store, "COMMIT");
	if (r) {
		char error[sizeof(store->error)];

		memcpy(error, store->error, sizeof(error));
		(void)run(store, "ROLLBACK"); /* fails when SQLite has rolled back itself */
		memcpy(store->error, error, sizeof(error));
	}
	return r;
}

int journal_store_recall(struct journal_store *store, const char *prefix,
			 void (*each)(void *context, const char *key, const void *data, size_t len),
			 void *context)
{
	static const char sql[] =
		"SELECT key, value FROM kept WHERE substr(key, 1, length(?1)) = ?1 "
		"ORDER BY key";
	sqlite3_stmt *statement;
	int step = SQLITE_ERROR;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return fail(store);
	if (sqlite3_bind_text(statement, 1, prefix, -1, SQLITE_STATIC) == SQLITE_OK) {
		while ((step = sqlite3_step(statement)) == SQLITE_ROW)
			each(context, (const char *)sqlite3_column_text(statement, 0),
			     sqlite3_column_blob(statement, 1),
			     (size_t)sqlite3_column_bytes(statement, 1));
	}
	if (step != SQLITE_DONE)
		(void)fail(store); /* the sentence */
	(void)sqlite3_finalize(statement);
	return step == SQLITE_DONE ? 0 : -EIO;
}

uint64_t journal_store_newest(struct journal_store *store)
{
	return (uint64_t)ask(store, "SELECT max(sequence) FROM event", 0);
}

static int copy_row(sqlite3_stmt *statement, struct journal_row *row)
{
	row->sequence = (uint64_t)sqlite3_column_int64(statement, 0);
	row->utc_ms = (uint64_t)sqlite3_column_int64(statement, 1);
	row->type = (uint32_t)sqlite3_column_int64(statement, 2);
	row->len = (uint32_t)sqlite3_column_bytes(statement, 3);
	row->body = malloc(row->len + 1);
	if (!row->body)
		return -ENOMEM;
	if (row->len)
		memcpy(row->body, sqlite3_column_blob(statement, 3), row->len);
	return 0;
}

int journal_store_read(struct journal_store *store, uint64_t before, uint32_t type,
		       uint64_t since_ms, struct journal_row *rows, unsigned n)
{
	static const char sql[] = "SELECT sequence, utc_ms, type, body FROM event "
				  "WHERE sequence < ?1 AND (?2 = 0 OR type = ?2) AND utc_ms >= ?3 "
				  "ORDER BY sequence DESC LIMIT ?4";
	sqlite3_stmt *statement;
	int found = 0, step = SQLITE_DONE;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return fail(store);
	if (sqlite3_bind_int64(statement, 1,
			       before && before < INT64_MAX ? (sqlite3_int64)before : INT64_MAX) ==
		    SQLITE_OK &&
	    sqlite3_bind_int64(statement, 2, type) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 3, (sqlite3_int64)(since_ms & INT64_MAX)) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 4, n) == SQLITE_OK) {
		while ((unsigned)found < n && (step = sqlite3_step(statement)) == SQLITE_ROW) {
			if (copy_row(statement, &rows[found]))
				break;
			found++;
		}
	}
	if (step != SQLITE_DONE && step != SQLITE_ROW && !found)
		found = fail(store); /* rows that were read are good all the same */
	(void)sqlite3_finalize(statement);
	return found;
}

int journal_store_prune(struct journal_store *store, uint64_t now_utc_ms)
{
	char sql[200];
	uint64_t bytes;

	(void)snprintf(sql, sizeof(sql), "DELETE FROM event WHERE utc_ms < %" PRIu64,
		       now_utc_ms > store->bounds.max_days * DAY_MS
			       ? now_utc_ms - store->bounds.max_days * DAY_MS
			       : 0);
	if (run(store, sql))
		return -EIO;
	bytes = (uint64_t)(ask(store, "PRAGMA page_count", 0) -
			   ask(store, "PRAGMA freelist_count", 0)) *
		(uint64_t)ask(store, "PRAGMA page_size", 4096);
	if (bytes > store->bounds.max_bytes &&
	    run(store, "DELETE FROM event WHERE sequence < (SELECT min(sequence) + "
		       "(max(sequence) - min(sequence)) / 10 + 1 FROM event)"))
		return -EIO;
	return run(store, "PRAGMA incremental_vacuum");
}

const char *journal_store_error(const struct journal_store *store)
{
	return store->error;
}
