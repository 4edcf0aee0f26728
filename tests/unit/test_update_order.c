/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_order.h"

#include <CUnit/CUnit.h>
#include <string.h>

#include "tests/support/unit_main.h"

static char url_a[] = "http://a", url_b[] = "https://b/c", proxy[] = "http://p", user[] = "u",
	    password[] = "w", none[] = "", record[] = "current.example", database_0[] = "main",
	    database_1[] = "daily";
static struct configuration_mirror mirrors[] = {{url_a, false}, {url_b, true}};
static char *databases[] = {database_0, database_1};
static const struct scan_account account = {.uid = 61, .gid = 62};

static struct configuration settings(void)
{
	return (struct configuration){
		.update_mirrors = mirrors,
		.update_mirrors_count = 2,
		.update_databases = databases,
		.update_databases_count = 2,
		.update_dns = none,
		.update_connect_timeout_ms = 1001,
		.update_request_timeout_ms = 60000,
		.update_limit_ms = 3600000,
		.max_definition_bytes = 1 << 20,
	};
}

static const struct check_order both = {
	.n_mirrors = 2, .mirrors = {1, 0}, .refused = {{0, 7}, {8, 0}}};

static void mirrors_come_in_the_order_of_the_plan(void)
{
	const struct configuration c = settings();
	struct update_start start;

	update_order_write(&c, &account, &both, &start);
	CU_ASSERT_EQUAL_FATAL(start.n_mirrors, 2);
	CU_ASSERT_STRING_EQUAL(start.mirrors[0].url, "https://b/c");
	CU_ASSERT_TRUE(start.mirrors[0].is_private);
	CU_ASSERT_TRUE(start.mirrors[0].refused[0] == 8 && start.mirrors[0].refused[1] == 0);
	CU_ASSERT_STRING_EQUAL(start.mirrors[1].url, "http://a");
	CU_ASSERT_FALSE(start.mirrors[1].is_private);
	CU_ASSERT_TRUE(start.mirrors[1].refused[0] == 0 && start.mirrors[1].refused[1] == 7);
}

static void databases_keep_their_numbers(void)
{
	const struct configuration c = settings();
	struct update_start start;

	update_order_write(&c, &account, &both, &start);
	CU_ASSERT_EQUAL_FATAL(start.n_databases, 2);
	CU_ASSERT_STRING_EQUAL(start.databases[0], "main");
	CU_ASSERT_STRING_EQUAL(start.databases[1], "daily");
}

static void limits_are_those_of_the_settings(void)
{
	const struct configuration c = settings();
	struct update_start start;

	update_order_write(&c, &account, &both, &start);
	CU_ASSERT_EQUAL(start.protocol, UPDATE_PROTOCOL_VERSION);
	CU_ASSERT_TRUE(start.uid == 61 && start.gid == 62);
	CU_ASSERT_EQUAL(start.max_file_bytes, 1 << 20);
	CU_ASSERT_TRUE(start.memory_bytes > 0);
	CU_ASSERT_EQUAL(start.connect_timeout_s, 2);
	CU_ASSERT_EQUAL(start.request_timeout_s, 60);
	CU_ASSERT_EQUAL(start.deadline_ms, 3600000);
	CU_ASSERT_TRUE(start.scripted);
}

/* What the encoder refuses would be no check at all. */
static void what_is_written_can_be_sent(void)
{
	struct configuration c = settings();
	struct update_start start;
	uint8_t packet[4096];

	update_order_write(&c, &account, &both, &start);
	CU_ASSERT_TRUE(update_start_encode(&start, packet, sizeof(packet)) > 0);
	CU_ASSERT_STRING_EQUAL(start.proxy.url, "");
	CU_ASSERT_EQUAL(start.proxy.port, 0);
	c.update_proxy = proxy;
	c.update_proxy_port = 3128;
	c.update_proxy_user = user;
	c.update_proxy_password = password;
	c.update_dns = record;
	update_order_write(&c, &account, &both, &start);
	CU_ASSERT_TRUE(update_start_encode(&start, packet, sizeof(packet)) > 0);
	CU_ASSERT_STRING_EQUAL(start.proxy.url, "http://p");
	CU_ASSERT_EQUAL(start.proxy.port, 3128);
	CU_ASSERT_STRING_EQUAL(start.proxy.user, "u");
	CU_ASSERT_STRING_EQUAL(start.proxy.password, "w");
	CU_ASSERT_STRING_EQUAL(start.dns, "current.example");
}

static void fewer_mirrors_leave_nothing_of_the_others(void)
{
	const struct check_order one = {.n_mirrors = 1, .mirrors = {1}};
	const struct configuration c = settings();
	struct update_start start;

	memset(&start, 0xff, sizeof(start));
	update_order_write(&c, &account, &one, &start);
	CU_ASSERT_EQUAL(start.n_mirrors, 1);
	CU_ASSERT_STRING_EQUAL(start.mirrors[0].url, "https://b/c");
	CU_ASSERT_PTR_NULL(start.mirrors[1].url);
}

static const struct unit_test tests[] = {
	{"mirrors come in the order of the plan", mirrors_come_in_the_order_of_the_plan},
	{"databases keep their numbers", databases_keep_their_numbers},
	{"limits are those of the settings", limits_are_those_of_the_settings},
	{"what is written can be sent", what_is_written_can_be_sent},
	{"fewer mirrors leave nothing of the others", fewer_mirrors_leave_nothing_of_the_others},
};

UNIT_MAIN("update_order", tests)
