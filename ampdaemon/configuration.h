/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * configuration: the daemon's settings, from one YAML file. It and configuration_inspect are the only files that know libcyaml and libyaml.
 *
 * A file is accepted whole or not at all; an error is one sentence with file:line:column. Whoever runs the daemon writes it, so
 * it is not hostile, but it may be wrong. (The policy, edited by fleets, is another file and comes later.)
 */
#ifndef AMP_AMPDAEMON_CONFIGURATION_H
#define AMP_AMPDAEMON_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* Two services may live at once, each with its workers and a spare, and a standby keeps one: all in LIMIT_WORKERS places. */
#define CONFIGURATION_WORKERS_MAX ((LIMIT_WORKERS - 1) / 2 - 1)

struct configuration_mirror {
	char *url;
	bool is_private;
};

struct configuration {
	char *run_dir;   /* control socket and pid file */
	char *state_dir; /* journal */
	char *log_dir;
	char *builtin_dir;             /* our own definitions */
	char *definitions_dir;         /* NULL: the built-in set */
	char *definitions_root;        /* of the store (definition_store.h); NULL: there is none */
	char *certs_dir;               /* for detached signatures (trust_anchors.h); NULL: none */
	uint64_t max_definition_bytes; /* of one file; a set may have twice as many */
	uint32_t probation_ms;         /* of definitions: failures within it take them back */
	char *scan_service;            /* path of ampscansvc */
	char *scan_user;               /* its account and group */
	uint32_t
		scan_workers; /* never 0 after reading: "number of cores, at most 8" is worked out */
	uint32_t scan_timeout_ms;
	uint64_t max_scan_file_size;
	uint64_t max_archive_scan_size;
	uint64_t temp_bytes;
	uint64_t temp_inodes;
	uint64_t worker_memory_bytes;
	uint32_t canary_every;
	uint32_t recycle_jobs;
	char *log_level;
	bool log_to_stderr;
	uint64_t journal_max_bytes;
	uint32_t journal_max_days;
	char *install_root; /* directories from here down to what is executed and loaded must be as installed; NULL: not looked at */
	bool create_account; /* make the scan service's account when it is missing */
	bool standby_service; /* keep a second service loaded: no gap when the first dies, twice the memory */
	uint32_t
		failure_limit; /* thresholds of faults.md 5 to 7, in milliseconds where they are times */
	uint32_t failure_window_ms, calm_ms;
	uint32_t replace_limit, replace_window_ms;
	uint32_t restart_every_ms, no_success_ms;
	uint32_t start_attempts, start_retry_ms, down_limit_ms;
	uint32_t recheck_ms;

	struct configuration_mirror *update_mirrors; /* in the order in which they are asked */
	uint32_t update_mirrors_count;               /* 0: updates are off */
	char **update_databases;
	uint32_t update_databases_count;
	char *update_window; /* "HH:MM-HH:MM", local time; NULL: the whole day */
	unsigned update_window_from, update_window_to; /* its minutes */
	char *update_proxy;                            /* URL without its port; NULL: none */
	uint16_t update_proxy_port;
	char *update_proxy_user, *update_proxy_password; /* NULL: none */
	char *update_dns; /* name of the record with the newest versions; "": it is not asked for */
	char *update_user; /* account and group of ampupdater */
	char *updater;     /* path of ampupdater */
	uint32_t update_interval_ms, update_retry_ms, update_retry_max_ms;
	uint32_t update_limit_ms, update_connect_timeout_ms, update_request_timeout_ms;
	uint64_t max_definition_age_ms; /* older ones are a warning */

	char *path; /* of the file itself, absolute: a restart in place reads it again */
};

/* NULL with one sentence in `ret_error` (cut to `size`) when the file cannot be accepted. */
struct configuration *configuration_read(const char *path, char *ret_error, size_t size);
struct configuration *configuration_free(struct configuration *configuration);

#endif
