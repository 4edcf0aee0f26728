/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/configuration.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ampdaemon/configuration_inspect.h"
#include "ampdaemon/configuration_updates.h"
#include "base/limits.h"
#include "io/log.h"

#define PATH_KEY(key)                                                                              \
	CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER, struct configuration, key, 1, 4000)
#define OPTIONAL_TEXT(key, max)                                                                    \
	CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,                     \
			       struct configuration, key, 1, max)
#define SWITCH(key) CYAML_FIELD_BOOL(#key, CYAML_FLAG_OPTIONAL, struct configuration, key)
#define NUMBER(key) CYAML_FIELD_UINT(#key, CYAML_FLAG_OPTIONAL, struct configuration, key)

static const cyaml_schema_field_t mirror_fields[] = {
	CYAML_FIELD_STRING_PTR("url", CYAML_FLAG_POINTER, struct configuration_mirror, url, 1,
			       LIMIT_URL_BYTES),
	CYAML_FIELD_BOOL("private", CYAML_FLAG_OPTIONAL, struct configuration_mirror, is_private),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t mirror_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct configuration_mirror, mirror_fields),
};

static const cyaml_schema_value_t database_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, LIMIT_DATABASE_BYTES),
};

static const cyaml_schema_field_t fields[] = {
	PATH_KEY(run_dir),
	PATH_KEY(state_dir),
	PATH_KEY(log_dir),
	PATH_KEY(builtin_dir),
	OPTIONAL_TEXT(definitions_dir, 4000),
	OPTIONAL_TEXT(definitions_root, 4000),
	OPTIONAL_TEXT(certs_dir, 4000),
	NUMBER(max_definition_bytes),
	NUMBER(probation_ms),
	PATH_KEY(scan_service),
	OPTIONAL_TEXT(scan_user, 31),
	NUMBER(scan_workers),
	NUMBER(scan_timeout_ms),
	NUMBER(max_scan_file_size),
	NUMBER(max_archive_scan_size),
	NUMBER(temp_bytes),
	NUMBER(temp_inodes),
	NUMBER(worker_memory_bytes),
	NUMBER(canary_every),
	NUMBER(recycle_jobs),
	OPTIONAL_TEXT(log_level, 16),
	SWITCH(log_to_stderr),
	NUMBER(journal_max_bytes),
	NUMBER(journal_max_days),
	OPTIONAL_TEXT(install_root, 4000),
	SWITCH(create_account),
	SWITCH(standby_service),
	NUMBER(failure_limit),
	NUMBER(failure_window_ms),
	NUMBER(calm_ms),
	NUMBER(replace_limit),
	NUMBER(replace_window_ms),
	NUMBER(restart_every_ms),
	NUMBER(no_success_ms),
	NUMBER(start_attempts),
	NUMBER(start_retry_ms),
	NUMBER(down_limit_ms),
	NUMBER(recheck_ms),
	CYAML_FIELD_SEQUENCE("update_mirrors", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			     struct configuration, update_mirrors, &mirror_schema, 0,
			     LIMIT_MIRRORS),
	CYAML_FIELD_SEQUENCE("update_databases", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			     struct configuration, update_databases, &database_schema, 0,
			     LIMIT_DATABASES),
	OPTIONAL_TEXT(update_window, 11),
	OPTIONAL_TEXT(update_proxy, LIMIT_URL_BYTES),
	OPTIONAL_TEXT(update_proxy_user, LIMIT_NAME_BYTES),
	OPTIONAL_TEXT(update_proxy_password, LIMIT_NAME_BYTES),
	OPTIONAL_TEXT(update_dns, LIMIT_URL_BYTES),
	OPTIONAL_TEXT(update_user, 31),
	OPTIONAL_TEXT(updater, 4000),
	NUMBER(update_interval_ms),
	NUMBER(update_retry_ms),
	NUMBER(update_retry_max_ms),
	NUMBER(update_limit_ms),
	NUMBER(update_connect_timeout_ms),
	NUMBER(update_request_timeout_ms),
	NUMBER(max_definition_age_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct configuration, fields),
};

/* libcyaml leaves a missing optional number at 0, so 0 means the default here. */
struct range {
	const char *key;
	size_t offset;
	bool wide; /* uint64_t, else uint32_t */
	uint64_t standard, least, most;
};

#define RANGE(key, standard, least, most)                                                          \
	{                                                                                          \
#key, offsetof(struct configuration, key),                                         \
			sizeof(((struct configuration *)0)->key) == 8, standard, least, most       \
	}
#define MIB (UINT64_C(1) << 20)

static const struct range ranges[] = {
	RANGE(scan_timeout_ms, 120000, 100, 3600000),
	RANGE(max_scan_file_size, 100 * MIB, 1, 2047 * MIB), /* libclamav clamps at INT_MAX - 2 */
	RANGE(max_archive_scan_size, 400 * MIB, 1, 4096 * MIB),
	RANGE(temp_bytes, 512 * MIB, 65536, 65536 * MIB),
	RANGE(temp_inodes, 20000, 16, 10000000),
	RANGE(worker_memory_bytes, 3072 * MIB, 64 * MIB, 65536 * MIB),
	RANGE(canary_every, 200, 1, 1000000),
	RANGE(recycle_jobs, 20000, 1, 100000000),
	RANGE(max_definition_bytes, 1024 * MIB, 1 * MIB, 16384 * MIB),
	RANGE(probation_ms, 900000, 100, 86400000), /* 15 minutes: issue 4 */
	RANGE(journal_max_bytes, 1024 * MIB, 1 * MIB, 1048576 * MIB),
	RANGE(journal_max_days, 30, 1, 3650),
	RANGE(failure_limit, 5, 1, 1000),
	RANGE(failure_window_ms, 600000, 100, 86400000),
	RANGE(calm_ms, 300000, 100, 86400000),
	RANGE(replace_limit, 3, 1, 1000),
	RANGE(replace_window_ms, 60000, 100, 86400000),
	RANGE(restart_every_ms, 600000, 100, 86400000),
	RANGE(no_success_ms, 60000, 100, 86400000),
	RANGE(start_attempts, 3, 1, 100),
	RANGE(start_retry_ms, 60000, 100, 3600000),
	RANGE(down_limit_ms, 10000, 100, 3600000),
	RANGE(recheck_ms, 60000, 100, 3600000),
	RANGE(update_interval_ms, 86400000, 1000, 2592000000), /* a month */
	RANGE(update_retry_ms, 600000, 100, 86400000),
	RANGE(update_retry_max_ms, 14400000, 100, 86400000),
	RANGE(update_limit_ms, 3600000, 1000, 86400000),
	RANGE(update_connect_timeout_ms, 30000, 1000, 3600000),
	RANGE(update_request_timeout_ms, 60000, 1000, 3600000),
	RANGE(max_definition_age_ms, 259200000, 1000, 3153600000000), /* 3 days: issue 4 */
};

_Static_assert(sizeof(fields) / sizeof(fields[0]) <= 64,
	       "struct configuration_report's `seen` has a bit for each");

/* What libcyaml said, in its order. */
struct words {
	char lines[600];
};

/* libcyaml tells the error first and then, outermost last, where it was. */
static void gather(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
	struct words *words = context;
	size_t at = strlen(words->lines);

	if (level >= CYAML_LOG_ERROR && at + 1 < sizeof(words->lines))
		(void)vsnprintf(words->lines + at, sizeof(words->lines) - at, format, arguments);
}

static void find_place(const char *lines, unsigned *ret_line, unsigned *ret_column)
{
	const char *place = strstr(lines, "line: ");

	char *end;

	*ret_line = *ret_column = 1;
	if (!place)
		return;
	*ret_line = (unsigned)strtoul(place + strlen("line: "), &end, 10);
	if (!strncmp(end, ", column: ", 10))
		*ret_column = (unsigned)strtoul(end + 10, NULL, 10);
}

static void tell_load_error(struct configuration_report *report, struct words *words,
			    cyaml_err_t error)
{
	unsigned line, column;
	char *end;

	find_place(words->lines, &line, &column);
	end = strchr(words->lines, '\n');
	if (end)
		*end = '\0';
	(void)snprintf(report->out, report->size, "%s:%u:%u: %s; the configuration is not accepted",
		       report->path, line, column,
		       words->lines[0] ? words->lines + (strncmp(words->lines, "Load: ", 6) ? 0 : 6)
				       : cyaml_strerror(error));
}

static bool tell(struct configuration_report *report, const char *key, const char *what)
{
	return configuration_tell(report, key, CONFIGURATION_WHOLE, what);
}

static bool tell_range(struct configuration_report *report, const struct range *range)
{
	char what[80];

	(void)snprintf(what, sizeof(what), "must be from %" PRIu64 " to %" PRIu64, range->least,
		       range->most);
	return tell(report, range->key, what);
}

static bool settle_number(struct configuration *c, const struct range *range,
			  struct configuration_report *report)
{
	void *at = (char *)c + range->offset;
	uint64_t value;
	uint32_t narrow;

	memcpy(&narrow, at, sizeof(narrow));
	value = narrow;
	if (range->wide)
		memcpy(&value, at, sizeof(value));
	if (!value)
		value = range->standard;
	if (value < range->least || value > range->most)
		return tell_range(report, range);
	narrow = (uint32_t)value;
	if (range->wide)
		memcpy(at, &value, sizeof(value));
	else
		memcpy(at, &narrow, sizeof(narrow));
	return true;
}

static bool settle_workers(struct configuration *c, struct configuration_report *report)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	static const struct range range = {
		.key = "scan_workers", .least = 1, .most = CONFIGURATION_WORKERS_MAX};

	if (c->scan_workers > range.most)
		return tell_range(report, &range);
	if (!c->scan_workers)
		c->scan_workers = cores < 1 ? 1 : cores > 8 ? 8 : (uint32_t)cores;
	return true;
}

static bool check_paths(const struct configuration *c, struct configuration_report *report)
{
	const struct {
		const char *key, *path;
	} paths[] = {{"run_dir", c->run_dir},           {"state_dir", c->state_dir},
		     {"log_dir", c->log_dir},           {"builtin_dir", c->builtin_dir},
		     {"scan_service", c->scan_service}, {"definitions_dir", c->definitions_dir},
		     {"install_root", c->install_root}, {"definitions_root", c->definitions_root},
		     {"certs_dir", c->certs_dir},       {"updater", c->updater}};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (paths[i].path && paths[i].path[0] != '/')
			return tell(report, paths[i].key, "must be an absolute path");
	}
	return true;
}

static bool check_log_level(const struct configuration *c, struct configuration_report *report)
{
	for (unsigned level = 0; level < LOG_LEVEL_COUNT; level++) {
		if (!strcmp(c->log_level, log_level_name(level)))
			return true;
	}
	return tell(report, "log_level", "must be error, security, warning, notice, info or debug");
}

/* libcyaml leaves a switch that is not there at false. */
static void settle_switches(struct configuration *c, const struct configuration_report *report)
{
	if (!configuration_has(report, "create_account"))
		c->create_account = true;
}

/* The installed tree begins above the prefix: /opt/cisco of /opt/cisco/amp. */
static bool settle_root(struct configuration *c)
{
	static const char prefix[] = AMP_PREFIX;
	const char *last = strrchr(prefix, '/');

	if (c->install_root || !last || last == prefix ||
	    strncmp(c->scan_service, prefix, strlen(prefix)) != 0 ||
	    c->scan_service[strlen(prefix)] != '/')
		return true;
	c->install_root = strndup(prefix, (size_t)(last - prefix));
	return c->install_root != NULL;
}

/* Absolute, for the daemon may stand elsewhere when it reads it again; links stay, the file may be replaced by its link. */
static bool settle_path(struct configuration *c, const char *path)
{
	char directory[PATH_MAX];

	if (path[0] == '/')
		c->path = strdup(path);
	else if (!getcwd(directory, sizeof(directory)) ||
		 asprintf(&c->path, "%s/%s", directory, path) < 0)
		c->path = NULL;
	return c->path != NULL;
}

static bool settle_texts(struct configuration *c, struct configuration_report *report)
{
	if (configuration_default(&c->scan_user, AMP_SCAN_USER) &&
	    configuration_default(&c->log_level, "notice") && settle_root(c) &&
	    settle_path(c, report->path))
		return true;
	(void)snprintf(report->out, report->size, "%s: no memory to read it", report->path);
	return false;
}

static bool settle_updates(struct configuration *c, struct configuration_report *report)
{
	struct configuration_complaint complaint = {.item = CONFIGURATION_WHOLE};

	return configuration_updates_settle(c, &complaint) ||
	       configuration_tell(report, complaint.key, complaint.item, complaint.what);
}

static bool settle(struct configuration *c, struct configuration_report *report)
{
	if (!settle_texts(c, report))
		return false;
	settle_switches(c, report);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (!settle_number(c, &ranges[i], report))
			return false;
	}
	return settle_workers(c, report) && check_paths(c, report) && check_log_level(c, report) &&
	       settle_updates(c, report);
}

static bool is_file(const char *path, char *ret_error, size_t size)
{
	struct stat st;

	if (stat(path, &st)) {
		(void)snprintf(ret_error, size, "%s: cannot be read: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)snprintf(ret_error, size, "%s: is not a regular file", path);
		return false;
	}
	return true;
}

struct configuration *configuration_read(const char *path, char *ret_error, size_t size)
{
	struct configuration_report report = {
		.path = path, .out = ret_error, .size = size, .fields = fields};
	struct words words = {""};
	cyaml_config_t config = {.log_fn = gather,
				 .log_ctx = &words,
				 .mem_fn = cyaml_mem,
				 .log_level = CYAML_LOG_ERROR,
				 .flags = CYAML_CFG_DEFAULT};
	struct configuration *c = NULL;
	cyaml_err_t error;

	if (!is_file(path, ret_error, size) || !configuration_inspect(&report))
		return NULL;
	error = cyaml_load_file(path, &config, &schema, (cyaml_data_t **)&c, NULL);
	if (error != CYAML_OK || !c) {
		tell_load_error(&report, &words, error);
		return NULL;
	}
	if (!settle(c, &report))
		return configuration_free(c);
	return c;
}

struct configuration *configuration_free(struct configuration *c)
{
	static const cyaml_config_t config = {.mem_fn = cyaml_mem};

	if (!c)
		return NULL;
	free(c->path);                            /* no key: libcyaml does not know it */
	(void)cyaml_free(&config, &schema, c, 0); /* fails only for a wrong schema */
	return NULL;
}
