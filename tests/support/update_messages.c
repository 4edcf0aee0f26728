/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/update_messages.h"

#include <string.h>

#include "base/exit_code.h"

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))
#define SAME(field) (a->field == b->field)
#define SAME_TEXT(field) (!strcmp(a->field, b->field))

#define NO_PROXY                                                                                   \
	{                                                                                          \
		.url = "", .user = "", .password = ""                                              \
	}

const struct update_start *sample_update_starts(unsigned *ret_n)
{
	static const struct update_start samples[] = {
		{.protocol = 1,
		 .uid = 995,
		 .gid = 994,
		 .max_file_bytes = UINT64_C(1) << 30,
		 .memory_bytes = UINT64_C(1) << 29,
		 .connect_timeout_s = 30,
		 .request_timeout_s = 60,
		 .deadline_ms = 3600000,
		 .scripted = true,
		 .dns = "current.cvd.clamav.net",
		 .n_databases = 3,
		 .databases = {"main", "daily", "bytecode"},
		 .n_mirrors = 2,
		 .mirrors = {{.url = "https://mirror.example/definitions",
			      .is_private = true,
			      .refused = {0, INT32_MAX, 27000}},
			     {.url = "https://database.clamav.net"}},
		 .proxy = {.url = "http://proxy.example",
			   .port = 3128,
			   .user = "amp",
			   .password = "a word"}},
		{.protocol = UINT32_MAX,
		 .uid = UINT32_MAX,
		 .gid = 1,
		 .max_file_bytes = UINT64_MAX,
		 .connect_timeout_s = 3600,
		 .request_timeout_s = 1,
		 .deadline_ms = 1,
		 .dns = "",
		 .n_databases = 1,
		 .databases = {"a-0_z"},
		 .n_mirrors = 1,
		 .mirrors = {{.url = "http://[::1]:8080", .refused = {1}}},
		 .proxy = NO_PROXY},
	};

	*ret_n = COUNT(samples);
	return samples;
}

const struct from_updater *sample_from_updater(unsigned *ret_n)
{
	static struct from_updater samples[] = {
		{.kind = FROM_UPDATER_HELLO,
		 .hello = {.protocol = 1, .library = "ClamAV 1.4.6", .uid = 995, .gid = 994}},
		{.kind = FROM_UPDATER_PROGRESS,
		 .progress = {.database = 15, .mirror = 7, .bytes = UINT64_MAX}},
		{.kind = FROM_UPDATER_ATTEMPT,
		 .attempt = {.database = 1,
			     .mirror = 1,
			     .outcome = UPDATE_UPDATED,
			     .file = "daily.cld",
			     .version = 27000,
			     .bytes = 200000000,
			     .detail = "a part"}},
		{.kind = FROM_UPDATER_ATTEMPT,
		 .attempt = {.outcome = UPDATE_WAIT,
			     .wait_s = LIMIT_WAIT_S,
			     .file = "",
			     .detail = ""}},
		{.kind = FROM_UPDATER_ATTEMPT,
		 .attempt = {.outcome = UPDATE_FAILED, .file = "", .detail = "of old age"}},
		{.kind = FROM_UPDATER_FINISHED,
		 .finished = {.outcome = UPDATE_NO_SPACE, .updated = 16}},
		{.kind = FROM_UPDATER_FAILED,
		 .failed = {.code = EXIT_CODE_WALLS, .reason = "cannot change the user"}},
	};

	samples[0].hello.n_walls = WALL_COUNT;
	for (unsigned i = 0; i < WALL_COUNT; i++)
		samples[0].hello.walls[i] = (struct wall_report){
			.id = i, .state = WALL_STATE_UP, .detail = i % 2 ? "" : "tried"};
	*ret_n = COUNT(samples);
	return samples;
}

static bool same_lists(const struct update_start *a, const struct update_start *b)
{
	if (!SAME(n_databases) || !SAME(n_mirrors))
		return false;
	for (unsigned i = 0; i < a->n_databases; i++) {
		if (!SAME_TEXT(databases[i]))
			return false;
	}
	for (unsigned i = 0; i < a->n_mirrors; i++) {
		if (!SAME_TEXT(mirrors[i].url) || !SAME(mirrors[i].is_private) ||
		    memcmp(a->mirrors[i].refused, b->mirrors[i].refused,
			   sizeof(a->mirrors[i].refused)) != 0)
			return false;
	}
	return true;
}

bool update_start_equal(const struct update_start *a, const struct update_start *b)
{
	return SAME(protocol) && SAME(uid) && SAME(gid) && SAME(max_file_bytes) &&
	       SAME(memory_bytes) && SAME(connect_timeout_s) && SAME(request_timeout_s) &&
	       SAME(deadline_ms) && SAME(scripted) && SAME_TEXT(dns) && same_lists(a, b) &&
	       SAME_TEXT(proxy.url) && SAME(proxy.port) && SAME_TEXT(proxy.user) &&
	       SAME_TEXT(proxy.password);
}

static bool same_hello(const struct update_hello *a, const struct update_hello *b)
{
	if (!SAME(protocol) || !SAME_TEXT(library) || !SAME(uid) || !SAME(gid) || !SAME(n_walls))
		return false;
	for (unsigned i = 0; i < a->n_walls; i++) {
		if (!SAME(walls[i].id) || !SAME(walls[i].state) || !SAME_TEXT(walls[i].detail))
			return false;
	}
	return true;
}

static bool same_attempt(const struct update_attempt *a, const struct update_attempt *b)
{
	return SAME(database) && SAME(mirror) && SAME(outcome) && SAME(wait_s) && SAME_TEXT(file) &&
	       SAME(version) && SAME(bytes) && SAME_TEXT(detail);
}

bool from_updater_equal(const struct from_updater *a, const struct from_updater *b)
{
	if (!SAME(kind))
		return false;
	switch (a->kind) {
	case FROM_UPDATER_HELLO:
		return same_hello(&a->hello, &b->hello);
	case FROM_UPDATER_PROGRESS:
		return SAME(progress.database) && SAME(progress.mirror) && SAME(progress.bytes);
	case FROM_UPDATER_ATTEMPT:
		return same_attempt(&a->attempt, &b->attempt);
	case FROM_UPDATER_FINISHED:
		return SAME(finished.outcome) && SAME(finished.updated);
	case FROM_UPDATER_FAILED:
		return SAME(failed.code) && SAME_TEXT(failed.reason);
	}
	return false;
}
