/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/site_watch.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/clock.h"
#include "tests/support/own_fds.h"
#include "tests/support/private_etc.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define CEILING_MS 5000
#define SETTLE_MS ((mono_ms)SITE_WATCH_SETTLE_MS)
#define QUIET_MS (2 * SETTLE_MS)

struct site {
	uv_loop_t loop;
	uv_timer_t clock; /* keeps the loop turning */
	struct configuration configuration;
	struct site_watch *watch;
	unsigned told;
	bool frees;
};

static void on_change(void *context)
{
	struct site *site = context;

	site->told++;
	if (site->frees)
		site->watch = site_watch_free(site->watch);
}

static void turn(uv_timer_t *timer)
{
	(void)timer;
}

static char *copy(const char *path)
{
	char *made = strdup(path);

	if (!made)
		exit(EXIT_FAILURE);
	return made;
}

static void make(const char *name)
{
	if (mkdir(test_path(name), 0755) && access(test_path(name), X_OK)) {
		perror(name);
		exit(EXIT_FAILURE);
	}
}

static void make_tree(void)
{
	make("opt");
	make("opt/amp");
	make("opt/amp/bin");
	make("opt/amp/builtin");
	make("defs");
	(void)test_file("opt/amp/bin/service", "x");
	(void)test_file("opt/amp/bin/other", "x");
}

static void open_site(struct site *site)
{
	make_tree();
	*site = (struct site){.configuration = {
				      .install_root = copy(test_path("opt")),
				      .scan_service = copy(test_path("opt/amp/bin/service")),
				      .builtin_dir = copy(test_path("opt/amp/builtin")),
				      .definitions_dir = copy(test_path("defs")),
				      .recheck_ms = 60000,
			      }};
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&site->loop), 0);
	(void)uv_timer_init(&site->loop, &site->clock); /* always 0 */
	(void)uv_timer_start(&site->clock, turn, 10, 10);
	site->watch = site_watch_new(&site->loop, &site->configuration, on_change, site);
	CU_ASSERT_PTR_NOT_NULL_FATAL(site->watch);
}

static void close_site(struct site *site)
{
	site->watch = site_watch_free(site->watch);
	uv_close((uv_handle_t *)&site->clock, NULL);
	(void)uv_run(&site->loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&site->loop), 0); /* no handle of the watch is left */
	free(site->configuration.install_root);
	free(site->configuration.scan_service);
	free(site->configuration.builtin_dir);
	free(site->configuration.definitions_dir);
}

/* How often it was told until it was told `wanted` times, and for as long again as changes are gathered. */
static unsigned wait_for(struct site *site, unsigned wanted)
{
	mono_ms limit = clock_mono_ms() + CEILING_MS;
	unsigned told;

	while (site->told < wanted && clock_mono_ms() < limit)
		(void)uv_run(&site->loop, UV_RUN_ONCE);
	limit = clock_mono_ms() + QUIET_MS;
	while (clock_mono_ms() < limit)
		(void)uv_run(&site->loop, UV_RUN_ONCE);
	told = site->told;
	site->told = 0;
	return told;
}

static void each_kind_of_change_is_told_once(void)
{
	struct site site;

	open_site(&site);
	CU_ASSERT_EQUAL(wait_for(&site, 0), 0);
	CU_ASSERT_EQUAL(chmod(test_path("opt"), 0777), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	CU_ASSERT_EQUAL(chmod(test_path("opt"), 0755), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	CU_ASSERT_EQUAL(chmod(test_path("opt/amp/bin"), 0700), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	CU_ASSERT_EQUAL(chmod(test_path("opt/amp/bin/service"), 0700), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	CU_ASSERT_EQUAL(unlink(test_path("opt/amp/bin/service")), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	(void)test_file("defs/main.cvd", "x");
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	(void)test_file("opt/amp/builtin/canary.ndb", "x");
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	close_site(&site);
}

static void what_does_not_matter_is_not_told(void)
{
	struct site site;

	open_site(&site);
	CU_ASSERT_EQUAL(chmod(test_path("opt/amp/bin/other"), 0700), 0);
	(void)test_file("opt/stranger", "x");
	(void)test_file("opt/amp/state", "x");
	private_etc_write("hosts", "127.0.0.1 localhost\n", 0644);
	CU_ASSERT_EQUAL(wait_for(&site, 0), 0);
	close_site(&site);
}

static void account_files_are_watched(void)
{
	static const char *const names[] = {"passwd",  "group",      "shadow",
					    "gshadow", "login.defs", "nsswitch.conf"};
	struct site site;

	open_site(&site);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		private_etc_write(names[i], "\n", 0644);
		CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	}
	CU_ASSERT_EQUAL(rename("/etc/passwd", "/etc/passwd-"), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	CU_ASSERT_EQUAL(rename("/etc/passwd-", "/etc/passwd"), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	close_site(&site);
}

static void a_directory_that_was_replaced_is_watched_again(void)
{
	struct site site;

	open_site(&site);
	CU_ASSERT_EQUAL(rename(test_path("opt/amp"), test_path("opt/away")), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	make_tree();
	CU_ASSERT(wait_for(&site, 1) >= 1);
	CU_ASSERT_EQUAL(chmod(test_path("opt/amp/bin/service"), 0711), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	CU_ASSERT_EQUAL(chmod(test_path("opt/away/bin"), 0711), 0); /* the one of before */
	CU_ASSERT_EQUAL(wait_for(&site, 0), 0);
	close_site(&site);
}

/* The directory above the definitions is not watched: only the timer can find the new one. */
static void the_timer_finds_a_directory_that_comes_later(void)
{
	struct site site;

	open_site(&site);
	(void)uv_timer_stop(&site.clock);
	site.watch = site_watch_free(site.watch);
	site.configuration.recheck_ms = 100;
	free(site.configuration.definitions_dir);
	site.configuration.definitions_dir = copy(test_path("late"));
	(void)uv_timer_start(&site.clock, turn, 10, 10);
	site.watch = site_watch_new(&site.loop, &site.configuration, on_change, &site);
	CU_ASSERT_PTR_NOT_NULL_FATAL(site.watch);
	make("late");
	CU_ASSERT_EQUAL(wait_for(&site, 0), 0); /* armed meanwhile */
	(void)test_file("late/main.cvd", "x");
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	close_site(&site);
}

static void a_storm_is_one_call_per_settling(void)
{
	struct site site;
	mono_ms begin, end;
	unsigned changes = 0;

	open_site(&site);
	begin = clock_mono_ms();
	do {
		(void)test_file("defs/daily.cvd", changes % 2 ? "a" : "b");
		changes++;
		(void)uv_run(&site.loop, UV_RUN_NOWAIT);
		end = clock_mono_ms();
	} while (end - begin < 4 * SETTLE_MS);
	CU_ASSERT(changes > 100);
	CU_ASSERT(site.told >= 2); /* it is not put off for ever */
	CU_ASSERT(site.told <= 1 + (end - begin) / SETTLE_MS);
	printf("# %u changes, told %u times\n", changes, site.told);
	CU_ASSERT(wait_for(&site, 0) >= 1);
	close_site(&site);
}

static void the_watch_may_be_freed_by_whom_it_tells(void)
{
	int before = own_fds();
	struct site site;

	open_site(&site);
	site.frees = true;
	CU_ASSERT_EQUAL(chmod(test_path("defs"), 0711), 0);
	CU_ASSERT_EQUAL(wait_for(&site, 1), 1);
	CU_ASSERT_PTR_NULL(site.watch);
	close_site(&site);
	CU_ASSERT_EQUAL(own_fds(), before);
	CU_ASSERT_PTR_NULL(site_watch_free(NULL));
}

static const struct unit_test tests[] = {
	{"each kind of change is told once", each_kind_of_change_is_told_once},
	{"what does not matter is not told", what_does_not_matter_is_not_told},
	{"account files are watched", account_files_are_watched},
	{"a directory that was replaced is watched again",
	 a_directory_that_was_replaced_is_watched_again},
	{"the timer finds a directory that comes later",
	 the_timer_finds_a_directory_that_comes_later},
	{"a storm is one call per settling", a_storm_is_one_call_per_settling},
	{"the watch may be freed by whom it tells", the_watch_may_be_freed_by_whom_it_tells},
};

int main(void)
{
	if (!private_etc_enter())
		return 0;
	return unit_main("site_watch", tests, sizeof(tests) / sizeof(tests[0]));
}
