/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz_configuration: the daemon's settings as an administrator may have written them; the input is the file. */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ampdaemon/configuration.h"
#include "base/limits.h"
#include "tests/fuzz/fuzz_check.h"

static bool is_absolute(const char *path)
{
	return path && path[0] == '/';
}

static void check_accepted(const struct configuration *c)
{
	FUZZ_CHECK(is_absolute(c->run_dir) && is_absolute(c->state_dir) && is_absolute(c->log_dir));
	FUZZ_CHECK(is_absolute(c->builtin_dir) && is_absolute(c->scan_service));
	FUZZ_CHECK(!c->definitions_dir || is_absolute(c->definitions_dir));
	FUZZ_CHECK(c->scan_user && c->scan_user[0] && c->log_level);
	FUZZ_CHECK(c->scan_workers >= 1 && c->scan_workers <= CONFIGURATION_WORKERS_MAX);
	FUZZ_CHECK(c->scan_timeout_ms >= 100 && c->scan_timeout_ms <= 3600000);
	FUZZ_CHECK(c->max_scan_file_size && c->max_archive_scan_size && c->temp_bytes >= 65536);
	FUZZ_CHECK(c->temp_inodes >= 16 && c->worker_memory_bytes >= UINT64_C(64) << 20);
	FUZZ_CHECK(c->canary_every && c->recycle_jobs && c->journal_max_days);
	FUZZ_CHECK(c->journal_max_bytes >= 1u << 20);
	FUZZ_CHECK(!c->install_root || is_absolute(c->install_root));
	FUZZ_CHECK(c->path && is_absolute(c->path));
	FUZZ_CHECK(c->update_mirrors_count <= LIMIT_MIRRORS && is_absolute(c->updater));
	FUZZ_CHECK(c->update_databases_count && c->update_databases_count <= LIMIT_DATABASES);
	FUZZ_CHECK(c->update_window_from < 1440 && c->update_window_to < 1440);
	FUZZ_CHECK(!c->update_proxy == !c->update_proxy_port && c->update_dns && c->update_user);
	FUZZ_CHECK(c->update_interval_ms && c->update_retry_ms <= c->update_retry_max_ms);
	FUZZ_CHECK(c->failure_limit && c->replace_limit && c->start_attempts);
	FUZZ_CHECK(c->failure_window_ms >= 100 && c->calm_ms >= 100 && c->replace_window_ms >= 100);
	FUZZ_CHECK(c->restart_every_ms >= 100 && c->no_success_ms >= 100);
	FUZZ_CHECK(c->start_retry_ms >= 100 && c->down_limit_ms >= 100 && c->recheck_ms >= 100);
}

static void write_file(int fd, const uint8_t *data, size_t size)
{
	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(ftruncate(fd, 0) == 0);
	FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[40];
	char error[300] = "";
	struct configuration *c;

	if (fd < 0) {
		fd = memfd_create("configuration", MFD_CLOEXEC);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	write_file(fd, data, size);
	c = configuration_read(path, error, sizeof(error));
	if (c)
		check_accepted(c);
	else
		FUZZ_CHECK(!strncmp(error, path, strlen(path)) && strlen(error) > strlen(path));
	(void)configuration_free(c);
	return 0;
}
