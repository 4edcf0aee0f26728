/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/configuration.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "tests/support/own_fds.h"
#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

/* Five lines that every file needs. */
#define PATHS                                                                                      \
	"run_dir: /run/amp\n"                                                                      \
	"state_dir: /var/lib/amp\n"                                                                \
	"log_dir: /var/log/amp\n"                                                                  \
	"builtin_dir: /opt/amp/builtin\n"                                                          \
	"scan_service: /opt/amp/ampscansvc\n"

static char error[400];

static struct configuration *read_text(const char *text)
{
	error[0] = '\0';
	return configuration_read(test_file("amp.yaml", text), error, sizeof(error));
}

static void the_paths_alone_are_enough(void)
{
	struct configuration *c = read_text(PATHS);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (!c)
		return; /* for the static analysis, which does not know _FATAL */
	CU_ASSERT_STRING_EQUAL(c->run_dir, "/run/amp");
	CU_ASSERT_STRING_EQUAL(c->scan_service, "/opt/amp/ampscansvc");
	CU_ASSERT_PTR_NULL(c->definitions_dir);
	CU_ASSERT_PTR_NULL(c->certs_dir);
	CU_ASSERT_STRING_EQUAL(c->scan_user, "cisco-amp-scan-svc");
	CU_ASSERT_STRING_EQUAL(c->log_level, "notice");
	CU_ASSERT_FALSE(c->log_to_stderr);
	CU_ASSERT(c->scan_workers >= 1 && c->scan_workers <= 8);
	CU_ASSERT_EQUAL(c->scan_timeout_ms, 120000);
	CU_ASSERT_EQUAL(c->max_scan_file_size, 100u << 20);
	CU_ASSERT_EQUAL(c->journal_max_days, 30);
	CU_ASSERT_PTR_NULL(c->install_root);
	CU_ASSERT_TRUE(c->create_account);
	CU_ASSERT_FALSE(c->standby_service);
	CU_ASSERT_STRING_EQUAL(c->path, test_path("amp.yaml"));
	CU_ASSERT_PTR_NULL(configuration_free(c));
}

static void the_thresholds_are_those_of_the_faults_contract(void)
{
	struct configuration *c = read_text(PATHS);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (!c)
		return; /* for the static analysis, which does not know _FATAL */
	CU_ASSERT_EQUAL(c->failure_limit, 5);
	CU_ASSERT_EQUAL(c->failure_window_ms, 600000);
	CU_ASSERT_EQUAL(c->calm_ms, 300000);
	CU_ASSERT_EQUAL(c->replace_limit, 3);
	CU_ASSERT_EQUAL(c->replace_window_ms, 60000);
	CU_ASSERT_EQUAL(c->restart_every_ms, 600000);
	CU_ASSERT_EQUAL(c->no_success_ms, 60000);
	CU_ASSERT_EQUAL(c->start_attempts, 3);
	CU_ASSERT_EQUAL(c->start_retry_ms, 60000);
	CU_ASSERT_EQUAL(c->down_limit_ms, 10000);
	CU_ASSERT_EQUAL(c->recheck_ms, 60000);
	(void)configuration_free(c); /* NULL always */
}

static void every_threshold_is_taken(void)
{
	struct configuration *c =
		read_text(PATHS "certs_dir: /etc/x\ninstall_root: /opt/x\ncreate_account: false\n"
				"standby_service: true\n"
				"failure_limit: 1\nfailure_window_ms: 101\ncalm_ms: 102\n"
				"replace_limit: 2\nreplace_window_ms: 103\nrestart_every_ms: 104\n"
				"no_success_ms: 105\nstart_attempts: 3\nstart_retry_ms: 106\n"
				"down_limit_ms: 107\nrecheck_ms: 108\n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (!c)
		return; /* for the static analysis, which does not know _FATAL */
	CU_ASSERT_STRING_EQUAL(c->install_root, "/opt/x");
	CU_ASSERT_STRING_EQUAL(c->certs_dir, "/etc/x");
	CU_ASSERT_FALSE(c->create_account);
	CU_ASSERT_TRUE(c->standby_service);
	CU_ASSERT_EQUAL(c->failure_limit, 1);
	CU_ASSERT_EQUAL(c->failure_window_ms, 101);
	CU_ASSERT_EQUAL(c->calm_ms, 102);
	CU_ASSERT_EQUAL(c->replace_limit, 2);
	CU_ASSERT_EQUAL(c->replace_window_ms, 103);
	CU_ASSERT_EQUAL(c->restart_every_ms, 104);
	CU_ASSERT_EQUAL(c->no_success_ms, 105);
	CU_ASSERT_EQUAL(c->start_attempts, 3);
	CU_ASSERT_EQUAL(c->start_retry_ms, 106);
	CU_ASSERT_EQUAL(c->down_limit_ms, 107);
	CU_ASSERT_EQUAL(c->recheck_ms, 108);
	(void)configuration_free(c); /* NULL always */
}

static void the_installed_service_has_the_installed_root(void)
{
	static const char paths[] = "run_dir: /r\nstate_dir: /s\nlog_dir: /l\nbuiltin_dir: /b\n";
	static const char prefix[] = AMP_PREFIX;
	char text[400];
	struct configuration *c;

	(void)snprintf(text, sizeof(text), "%sscan_service: %s/bin/x\n", paths, AMP_PREFIX);
	c = read_text(text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_PTR_NOT_NULL(c->install_root);
	if (c && c->install_root) {
		size_t len = strlen(c->install_root);

		CU_ASSERT_EQUAL(strncmp(prefix, c->install_root, len), 0);
		CU_ASSERT_PTR_EQUAL(strrchr(prefix, '/'), prefix + len);
	}
	(void)configuration_free(c); /* NULL always */
	(void)snprintf(text, sizeof(text), "%sscan_service: %s-other/x\n", paths, AMP_PREFIX);
	c = read_text(text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (c)
		CU_ASSERT_PTR_NULL(c->install_root);
	(void)configuration_free(c); /* NULL always */
}

static void a_relative_name_is_remembered_whole(void)
{
	struct configuration *c;

	(void)test_file("near.yaml", PATHS);
	CU_ASSERT_EQUAL_FATAL(chdir(test_directory()), 0);
	c = configuration_read("near.yaml", error, sizeof(error));
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (c) {
		CU_ASSERT_EQUAL(c->path[0], '/');
		CU_ASSERT_EQUAL(access(c->path, R_OK), 0);
	}
	(void)configuration_free(c); /* NULL always */
	CU_ASSERT_EQUAL(chdir("/"), 0);
}

static void every_key_is_taken(void)
{
	struct configuration *c = read_text(
		PATHS "definitions_dir: /d\nscan_user: other\nscan_workers: 3\n"
		      "scan_timeout_ms: 100\nmax_scan_file_size: 1\nmax_archive_scan_size: 2\n"
		      "temp_bytes: 65536\ntemp_inodes: 16\nworker_memory_bytes: 67108864\n"
		      "canary_every: 4\nrecycle_jobs: 5\nlog_level: debug\nlog_to_stderr: true\n"
		      "journal_max_bytes: 1048576\njournal_max_days: 6\n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (!c)
		return; /* for the static analysis, which does not know _FATAL */
	CU_ASSERT_STRING_EQUAL(c->definitions_dir, "/d");
	CU_ASSERT_STRING_EQUAL(c->scan_user, "other");
	CU_ASSERT_EQUAL(c->scan_workers, 3);
	CU_ASSERT_EQUAL(c->scan_timeout_ms, 100);
	CU_ASSERT_EQUAL(c->max_scan_file_size, 1);
	CU_ASSERT_EQUAL(c->max_archive_scan_size, 2);
	CU_ASSERT_EQUAL(c->temp_bytes, 65536);
	CU_ASSERT_EQUAL(c->temp_inodes, 16);
	CU_ASSERT_EQUAL(c->worker_memory_bytes, 67108864);
	CU_ASSERT_EQUAL(c->canary_every, 4);
	CU_ASSERT_EQUAL(c->recycle_jobs, 5);
	CU_ASSERT_STRING_EQUAL(c->log_level, "debug");
	CU_ASSERT_TRUE(c->log_to_stderr);
	CU_ASSERT_EQUAL(c->journal_max_bytes, 1048576);
	CU_ASSERT_EQUAL(c->journal_max_days, 6);
	(void)configuration_free(c); /* NULL always */
}

static void without_mirrors_updates_are_off(void)
{
	struct configuration *c = read_text(PATHS);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (!c)
		return; /* for the static analysis, which does not know _FATAL */
	CU_ASSERT_EQUAL(c->update_mirrors_count, 0);
	CU_ASSERT_EQUAL_FATAL(c->update_databases_count, 3);
	CU_ASSERT_STRING_EQUAL(c->update_databases[0], "main");
	CU_ASSERT_STRING_EQUAL(c->update_databases[1], "daily");
	CU_ASSERT_STRING_EQUAL(c->update_databases[2], "bytecode");
	CU_ASSERT_EQUAL(c->update_window_from, c->update_window_to);
	CU_ASSERT_STRING_EQUAL(c->update_dns, "");
	CU_ASSERT_PTR_NULL(c->update_proxy);
	CU_ASSERT_STRING_EQUAL(c->update_user, "cisco-amp-updater");
	CU_ASSERT_STRING_EQUAL(c->updater, "/opt/amp/ampupdater");
	CU_ASSERT_EQUAL(c->update_interval_ms, 86400000);
	CU_ASSERT_EQUAL(c->update_retry_ms, 600000);
	CU_ASSERT_EQUAL(c->update_retry_max_ms, 14400000);
	CU_ASSERT_EQUAL(c->update_limit_ms, 3600000);
	CU_ASSERT_EQUAL(c->update_connect_timeout_ms, 30000);
	CU_ASSERT_EQUAL(c->update_request_timeout_ms, 60000);
	CU_ASSERT_EQUAL(c->max_definition_age_ms, 259200000);
	(void)configuration_free(c); /* NULL always */
}

static void every_setting_of_updates_is_taken(void)
{
	struct configuration *c = read_text(
		PATHS "update_mirrors:\n  - url: https://one.example\n"
		      "  - {url: 'http://10.0.0.5:8080/clamav', private: true}\n"
		      "update_databases: [daily, own-2]\nupdate_window: 22:30-05:07\n"
		      "update_proxy: http://proxy.example:3128/\nupdate_proxy_user: u\n"
		      "update_proxy_password: p\nupdate_dns: current.example\n"
		      "update_user: other\nupdater: /x/y\nupdate_interval_ms: 1000\n"
		      "update_retry_ms: 101\nupdate_retry_max_ms: 102\nupdate_limit_ms: 1003\n"
		      "update_connect_timeout_ms: 1004\nupdate_request_timeout_ms: 1005\n"
		      "max_definition_age_ms: 3153600000000\n");

	CU_ASSERT_STRING_EQUAL(error, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (!c)
		return; /* for the static analysis, which does not know _FATAL */
	CU_ASSERT_EQUAL_FATAL(c->update_mirrors_count, 2);
	CU_ASSERT_STRING_EQUAL(c->update_mirrors[0].url, "https://one.example");
	CU_ASSERT_FALSE(c->update_mirrors[0].is_private);
	CU_ASSERT_STRING_EQUAL(c->update_mirrors[1].url, "http://10.0.0.5:8080/clamav");
	CU_ASSERT_TRUE(c->update_mirrors[1].is_private);
	CU_ASSERT_EQUAL_FATAL(c->update_databases_count, 2);
	CU_ASSERT_STRING_EQUAL(c->update_databases[1], "own-2");
	CU_ASSERT_EQUAL(c->update_window_from, 22 * 60 + 30);
	CU_ASSERT_EQUAL(c->update_window_to, 5 * 60 + 7);
	CU_ASSERT_STRING_EQUAL(c->update_proxy, "http://proxy.example");
	CU_ASSERT_EQUAL(c->update_proxy_port, 3128);
	CU_ASSERT_STRING_EQUAL(c->update_proxy_user, "u");
	CU_ASSERT_STRING_EQUAL(c->update_proxy_password, "p");
	CU_ASSERT_STRING_EQUAL(c->update_dns, "current.example");
	CU_ASSERT_STRING_EQUAL(c->update_user, "other");
	CU_ASSERT_STRING_EQUAL(c->updater, "/x/y");
	CU_ASSERT_EQUAL(c->update_interval_ms, 1000);
	CU_ASSERT_EQUAL(c->update_retry_ms, 101);
	CU_ASSERT_EQUAL(c->update_retry_max_ms, 102);
	CU_ASSERT_EQUAL(c->update_limit_ms, 1003);
	CU_ASSERT_EQUAL(c->update_connect_timeout_ms, 1004);
	CU_ASSERT_EQUAL(c->update_request_timeout_ms, 1005);
	CU_ASSERT_EQUAL(c->max_definition_age_ms, UINT64_C(3153600000000));
	(void)configuration_free(c); /* NULL always */
}

static void check_record(const char *text, const char *expected)
{
	struct configuration *c = read_text(text);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	if (c)
		CU_ASSERT_STRING_EQUAL(c->update_dns, expected);
	(void)configuration_free(c); /* NULL always */
}

static void the_official_record_is_that_of_public_mirrors(void)
{
	check_record(PATHS "update_mirrors: []\n", "");
	check_record(PATHS "update_mirrors: [{url: http://a}]\n", "current.cvd.clamav.net");
	check_record(PATHS "update_mirrors: [{url: http://a, private: true}]\n", "");
	check_record(PATHS "update_mirrors: [{url: http://a}]\nupdate_dns: none\n", "");
}

/* What is wrong, and "line:column: words" that the sentence must have. */
static const struct {
	const char *text, *place, *words;
} wrong[] = {
	{PATHS "no_such_key: 1\n", ":6:1: ", "no_such_key"},
	{PATHS "scan_workers: many\n", ":6:15: ", "scan_workers must be a number"},
	{PATHS "scan_workers: [1]\n", ":6:15: ", ""},
	{PATHS "scan_workers: {a: b}\n", ":6:15: ", ""},
	{PATHS "scan_workers: 1.5\n", ":6:15: ", ""},
	{PATHS "scan_workers: -1\n", ":6:15: ", ""},
	{PATHS "scan_workers: 11\n", ":6:15: ", "must be from 1 to 10"},
	{PATHS "scan_workers: 99999999999\n", ":6:15: ", ""},
	{PATHS "log_to_stderr: perhaps\n", ":6:16: ", "must be true or false"},
	{PATHS "scan_timeout_ms: 99\n", ":6:18: ", "must be from 100 to 3600000"},
	{PATHS "scan_timeout_ms: 3600001\n", ":6:18: ", "must be from 100 to 3600000"},
	{PATHS "temp_inodes:   15\n", ":6:16: ", "must be from 16 to 10000000"},
	{PATHS "max_scan_file_size: 2146435073\n", ":6:21: ", "must be from 1 to"},
	{PATHS "journal_max_bytes: 1048575\n", ":6:20: ", "must be from 1048576 to"},
	{PATHS "journal_max_days: 3651\n", ":6:19: ", "must be from 1 to 3650"},
	{PATHS "journal_max_bytes: 18446744073709551616\n", ":6:20: ", ""},
	{PATHS "failure_limit: 1001\n", ":6:16: ", "must be from 1 to 1000"},
	{PATHS "failure_window_ms: 99\n", ":6:20: ", "must be from 100 to 86400000"},
	{PATHS "calm_ms: 86400001\n", ":6:10: ", "must be from 100 to 86400000"},
	{PATHS "replace_limit: -3\n", ":6:16: ", "must be a number"},
	{PATHS "replace_window_ms: 99\n", ":6:20: ", "must be from 100 to"},
	{PATHS "restart_every_ms: 1\n", ":6:19: ", "must be from 100 to"},
	{PATHS "no_success_ms: 1\n", ":6:16: ", "must be from 100 to"},
	{PATHS "start_attempts: 101\n", ":6:17: ", "must be from 1 to 100"},
	{PATHS "start_retry_ms: 3600001\n", ":6:17: ", "must be from 100 to 3600000"},
	{PATHS "down_limit_ms: 4294967296\n", ":6:16: ", ""},
	{PATHS "recheck_ms: 99\n", ":6:13: ", "must be from 100 to 3600000"},
	{PATHS "recheck_ms: 100\nrecheck_ms: 100\n", ":7:1: ", "second time"},
	{PATHS "create_account: yes\n", ":6:17: ", "must be true or false"},
	{PATHS "standby_service: 1\n", ":6:18: ", "must be true or false"},
	{PATHS "install_root: opt/cisco\n", ":6:15: ", "must be an absolute path"},
	{PATHS "certs_dir: etc/certs\n", ":6:12: ", "must be an absolute path"},
	{PATHS "path: /x\n", ":6:1: ", "path is not a key"},
	{PATHS "definitions_dir: relative/path\n", ":6:18: ", "must be an absolute path"},
	{PATHS "definitions_dir: ''\n", ":6:18: ", ""},
	{PATHS "log_level: loud\n", ":6:12: ", "must be error"},
	{PATHS "scan_user: abcdefghijklmnopqrstuvwxyz0123456789\n", ":6:12: ", ""},
	{PATHS "\tscan_workers: 1\n", ":6:1: ", ""},
	{PATHS "scan_workers:\t1\n\tlog_level: info\n", ":7:1: ", ""},
	{PATHS "scan_workers: 'open\n", ":", ""},
	{PATHS "scan_workers: [1\n", ":", ""},
	{PATHS "  scan_workers: 1\n", ":", ""},
	{"run_dir: rel\nstate_dir: /s\nlog_dir: /l\nbuiltin_dir: /b\nscan_service: /x\n",
	 ":1:10: ", "run_dir must be an absolute path"},
	{"run_dir: /r\nstate_dir: /s\nlog_dir: /l\nscan_service: /x\n",
	 ":1:1: ", "builtin_dir is missing"},
	{"", ":1:1: ", ""},
	{"# a comment alone\n", ":", ""},
	{"just words\n", ":1:1: ", ""},
	{"- a\n- b\n", ":1:1: ", ""},
	{"\xff\xfe\x01", ":", ""},
	{"a: \x01\n", ":", ""},
	{PATHS "---\nscan_workers: nothing\n", ":7:1: ", "second document"},
	{PATHS "a\tkey: 1\n", ":6:1: ", "a\\tkey is not a key"},
	{PATHS "update_mirrors: http://a\n", ":6:17: ", "update_mirrors must be a list"},
	{PATHS "update_mirrors:\n", ":6:16: ", "update_mirrors must be a list"},
	{PATHS "update_mirrors:\n- http://a\n", ":7:3: ", "must be a list of 'key: value'"},
	{PATHS "update_mirrors:\n- private: true\n", ":7:3: ", "url is missing"},
	{PATHS "update_mirrors:\n- url: http://a\n  privat: true\n",
	 ":8:3: ", "privat is not a key"},
	{PATHS "update_mirrors:\n- url: http://a\n  url: http://b\n",
	 ":8:3: ", "url is there a second"},
	{PATHS "update_mirrors:\n- url: http://a\n  private: yes\n",
	 ":8:12: ", "must be true or false"},
	{PATHS "update_mirrors:\n- url: [http://a]\n", ":7:8: ", "url must be a text"},
	{PATHS "update_mirrors:\n- url: http://a\n- url: ftp://b\n",
	 ":8:3: ", "update_mirrors must have URLs"},
	{PATHS "update_mirrors:\n- url: http://u:p@a\n", ":7:3: ", "without user and password"},
	{PATHS "update_mirrors:\n- url: http://a\n- url: http://a\n", ":8:3: ", "has a URL twice"},
	{PATHS "update_mirrors:\n- url: http://a\nupdate_user: cisco-amp-scan-svc\n",
	 ":8:14: ", "must be another account"},
	{PATHS "update_databases: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]\n", ":6:52: ", "too many"},
	{PATHS "update_databases: [daily, '']\n", ":6:27: ", "must be a list of texts"},
	{PATHS "update_databases: [daily, [main]]\n", ":6:27: ", "must be a list of texts"},
	{PATHS "update_databases: [daily.cvd]\n", ":6:20: ", "without an ending"},
	{PATHS "update_databases: [../daily]\n", ":6:20: ", "names of a-z"},
	{PATHS "update_databases: [daily, main, daily]\n", ":6:33: ", "has a name twice"},
	{PATHS "update_window: 22:00\n", ":6:16: ", "must have the form"},
	{PATHS "update_window: 24:00-01:00\n", ":6:16: ", "must have the form"},
	{PATHS "update_window: 23:60-01:00\n", ":6:16: ", "must have the form"},
	{PATHS "update_window: 1:00-02:000\n", ":6:16: ", "must have the form"},
	{PATHS "update_window: 22:00-05:001\n", ":6:16: ", ""},
	{PATHS "update_proxy: proxy:3128\n", ":6:15: ", "http://HOST:PORT"},
	{PATHS "update_proxy: http://proxy\n", ":6:15: ", "http://HOST:PORT"},
	{PATHS "update_proxy: http://proxy:0\n", ":6:15: ", "http://HOST:PORT"},
	{PATHS "update_proxy: http://proxy:65536\n", ":6:15: ", "http://HOST:PORT"},
	{PATHS "update_proxy: http://proxy:80x\n", ":6:15: ", "http://HOST:PORT"},
	{PATHS "update_proxy_user: u\n", ":6:20: ", "needs an update_proxy"},
	{PATHS "update_proxy: http://p:1\nupdate_proxy_password: x\n",
	 ":7:24: ", "needs an update_proxy_user"},
	{PATHS "update_dns: a b\n", ":6:13: ", "a name of the DNS"},
	{PATHS "updater: bin/ampupdater\n", ":6:10: ", "must be an absolute path"},
	{PATHS "update_interval_ms: 999\n", ":6:21: ", "must be from 1000 to 2592000000"},
	{PATHS "update_retry_ms: 200\nupdate_retry_max_ms: 199\n", ":7:22: ", "must not be less"},
	{PATHS "max_definition_age_ms: 999\n", ":6:24: ", "must be from 1000 to 3153600000000"},
};

static void what_is_wrong_is_told_with_its_place(void)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct configuration *c = read_text(wrong[i].text);
		size_t path = strlen(test_path("amp.yaml"));

		CU_ASSERT_PTR_NULL(c);
		if (c || strncmp(error, test_path("amp.yaml"), path) != 0 ||
		    strncmp(error + path, wrong[i].place, strlen(wrong[i].place)) != 0 ||
		    !strstr(error, wrong[i].words)) {
			printf("# row %zu (%s): %s\n", i, wrong[i].place, error);
			CU_FAIL("the sentence has not the place or the words");
		}
		CU_ASSERT_PTR_NULL(strchr(error, '\n'));
		(void)configuration_free(c); /* NULL always */
	}
}

static void the_bounds_themselves_are_accepted(void)
{
	static const char *const good[] = {
		PATHS "scan_workers: 10\n",       PATHS "scan_timeout_ms: 3600000\n",
		PATHS "scan_timeout_ms: 100\n",   PATHS "max_scan_file_size: 2146435072\n",
		PATHS "temp_inodes: 10000000\n",  PATHS "journal_max_days: 3650\n",
		PATHS "worker_memory_bytes: 0\n", /* 0 is the default */
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct configuration *c = read_text(good[i]);

		CU_ASSERT_PTR_NOT_NULL(c);
		CU_ASSERT_STRING_EQUAL(error, "");
		(void)configuration_free(c); /* NULL always */
	}
}

static void a_key_that_comes_twice_is_refused(void)
{
	struct configuration *c = read_text(PATHS "run_dir: /other\n");

	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, ":6:"));
	(void)configuration_free(c); /* NULL always */
	c = read_text(PATHS "scan_workers: 1\nscan_workers: 2\n");
	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, ":7:"));
	(void)configuration_free(c); /* NULL always */
}

static void what_cannot_be_read_is_told_with_its_name(void)
{
	int before = own_fds();

	CU_ASSERT_PTR_NULL(configuration_read(test_path("none.yaml"), error, sizeof(error)));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "none.yaml: cannot be read: No such file"));
	CU_ASSERT_PTR_NULL(configuration_read(test_directory(), error, sizeof(error)));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, ": is not a regular file"));
	CU_ASSERT_EQUAL(own_fds(), before);
}

static void a_sentence_is_cut_to_the_room_for_it(void)
{
	char small[20];

	memset(small, 'x', sizeof(small));
	CU_ASSERT_PTR_NULL(configuration_read(test_file("cut.yaml", "a: 1\n"), small, 10));
	CU_ASSERT_EQUAL(strlen(small), 9);
	CU_ASSERT_EQUAL(small[10], 'x');
}

static void no_descriptor_stays_open(void)
{
	int before = own_fds();

	for (int i = 0; i < 20; i++) {
		(void)configuration_free(read_text(PATHS)); /* NULL always */
		(void)configuration_free(read_text(PATHS "scan_workers: 99\n"));
	}
	CU_ASSERT_EQUAL(own_fds(), before);
	CU_ASSERT_PTR_NULL(configuration_free(NULL));
}

static const struct unit_test tests[] = {
	{"the paths alone are enough", the_paths_alone_are_enough},
	{"every key is taken", every_key_is_taken},
	{"the thresholds are those of the faults contract",
	 the_thresholds_are_those_of_the_faults_contract},
	{"every threshold is taken", every_threshold_is_taken},
	{"the installed service has the installed root",
	 the_installed_service_has_the_installed_root},
	{"a relative name is remembered whole", a_relative_name_is_remembered_whole},
	{"without mirrors updates are off", without_mirrors_updates_are_off},
	{"every setting of updates is taken", every_setting_of_updates_is_taken},
	{"the official record is that of public mirrors",
	 the_official_record_is_that_of_public_mirrors},
	{"what is wrong is told with its place", what_is_wrong_is_told_with_its_place},
	{"the bounds themselves are accepted", the_bounds_themselves_are_accepted},
	{"a key that comes twice is refused", a_key_that_comes_twice_is_refused},
	{"what cannot be read is told with its name", what_cannot_be_read_is_told_with_its_name},
	{"a sentence is cut to the room for it", a_sentence_is_cut_to_the_room_for_it},
	{"no descriptor stays open", no_descriptor_stays_open},
};

UNIT_MAIN("configuration", tests)
