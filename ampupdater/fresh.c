/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampupdater/fresh.h"

#include <clamav.h>
#include <errno.h>
#include <fcntl.h>
#include <libfreshclam.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ampupdater/incoming.h"
#include "ampupdater/stand_in.h"
#include "ampupdater/view.h"

/* A second attempt follows five seconds after the first and rarely helps: the next mirror is asked instead. */
#define ATTEMPTS 1

#define MEMORY_MAGIC "FreshClamData"

/* The library's own record in its file, behind the magic: libfreshclam_internal.h of 1.0 to 1.5. */
struct memory {
	uint32_t version;
	char uuid[37];
	time_t retry_after;
};

#define MEMORY_BYTES ((off_t)(sizeof(MEMORY_MAGIC) - 1 + sizeof(struct memory)))
#define WAIT_OFFSET ((off_t)(sizeof(MEMORY_MAGIC) - 1 + offsetof(struct memory, retry_after)))

bool fresh_prepare(void)
{
	return cl_init(CL_INIT_DEFAULT) == CL_SUCCESS;
}

const char *fresh_library(void)
{
	static char name[LIMIT_NAME_BYTES + 1];

	(void)snprintf(name, sizeof(name), "ClamAV %s", cl_retver()); /* cut is fine */
	return name;
}

static enum transfer_code code_of(fc_error_t code)
{
	switch (code) {
	case FC_SUCCESS:
	case FC_UPTODATE:
		return TRANSFER_OK;
	case FC_ECONNECTION:
		return TRANSFER_CONNECTION;
	case FC_EEMPTYFILE:
	case FC_EBADCVD:
	case FC_EFAILEDUPDATE:
		return TRANSFER_DAMAGED;
	case FC_EFAILEDGET:
	case FC_EFORBIDDEN:
	case FC_ERETRYLATER:
	case FC_EMIRRORNOTSYNC:
		return TRANSFER_REFUSED;
	case FC_EDBDIRACCESS:
	case FC_EDIRECTORY:
	case FC_EFILE:
		return TRANSFER_DISK;
	case FC_EINIT:
	case FC_ETESTFAIL:
	case FC_ECONFIG:
	case FC_ELOGGING:
	case FC_EMEM:
	case FC_EARG:
	case FC_ERROR:
		break;
	}
	return TRANSFER_OTHER;
}

static fc_error_t set_up(const struct update_start *start, const char *directory)
{
	const struct update_proxy *proxy = &start->proxy;
	fc_config config = {
		.msgFlags = 0,
		.maxAttempts = ATTEMPTS,
		.connectTimeout = start->connect_timeout_s,
		.requestTimeout = start->request_timeout_s,
		.databaseDirectory = directory,
		.tempDirectory = VIEW_INCOMING,
	};

	if (proxy->url[0]) {
		config.proxyServer = proxy->url;
		config.proxyPort = proxy->port;
		config.proxyUsername = proxy->user[0] ? proxy->user : NULL;
		config.proxyPassword = proxy->user[0] ? proxy->password : NULL;
	}
	return fc_initialize(&config);
}

/* NULL when nobody asked for it, or nobody answers: then the library asks the mirror. */
static char *ask_dns(const struct update_start *start)
{
	char *versions = NULL, *program = NULL;

	if (!start->dns[0] ||
	    fc_dns_query_update_info(start->dns, &versions, &program) != FC_SUCCESS)
		return NULL;
	free(program);
	return versions;
}

static uint32_t version_of(const char *database)
{
	static const char *const endings[] = {".cvd", ".cld"};
	uint32_t version = 0;

	for (unsigned i = 0; i < 2; i++) {
		char file[LIMIT_DATABASE_BYTES + 5];
		struct cl_cvd *head;

		(void)snprintf(file, sizeof(file), "%s%s", database, endings[i]); /* fits */
		head = access(file, R_OK) == 0 ? cl_cvdhead(file) : NULL;
		if (!head)
			continue;
		if (head->version > version)
			version = head->version;
		cl_cvdfree(head);
	}
	return version;
}

/* One question, with the file in `directory` to compare with. */
static fc_error_t ask(const struct fresh_order *order, const char *directory, bool is_scripted,
		      struct fresh_result *ret_result)
{
	const struct update_start *start = order->start;
	const struct update_mirror *mirror = &start->mirrors[order->mirror];
	char url[LIMIT_URL_BYTES + 1], *servers[] = {url}, *versions;
	int is_updated = 0;
	fc_error_t code = set_up(start, directory);

	if (code == FC_EINIT) /* its file could not be made */
		return FC_EDBDIRACCESS;
	if (code != FC_SUCCESS)
		return code;
	(void)snprintf(url, sizeof(url), "%s", mirror->url); /* fits: checked by the codec */
	/* The record is ahead of mirrors for hours. Where a whole file is at stake the mirror's own word counts. */
	versions = ret_result->refused || order->whole ? NULL : ask_dns(start);
	code = fc_update_database(start->databases[order->database], servers, 1, mirror->is_private,
				  versions, is_scripted, ret_result, &is_updated);
	free(versions);
	ret_result->is_updated = code == FC_SUCCESS && is_updated;
	if (ret_result->is_updated) /* the library has changed to `directory` */
		ret_result->version = version_of(start->databases[order->database]);
	fc_cleanup();
	return code;
}

/* Asks for what is newer than the version that was refused, whole: what is there is not what a difference would be for. */
static fc_error_t ask_past(const struct fresh_order *order, struct fresh_result *ret_result)
{
	const char *database = order->start->databases[order->database];
	fc_error_t code;

	if (stand_in_make(database, ret_result->refused) < 0)
		return FC_EDBDIRACCESS;
	code = ask(order, STAND_IN_PLACE, false, ret_result);
	if (stand_in_bring_out(database, ret_result->is_updated) < 0)
		return FC_EDBDIRACCESS;
	return code;
}

void fresh_update(const struct fresh_order *order, struct fresh_result *ret_result)
{
	const struct update_start *start = order->start;
	uint32_t refused = start->mirrors[order->mirror].refused[order->database];
	fc_error_t code;

	*ret_result = (struct fresh_result){.code = TRANSFER_OTHER};
	ret_result->before = version_of(start->databases[order->database]);
	if (refused > ret_result->before) {
		ret_result->refused = refused;
		code = ask_past(order, ret_result);
	} else {
		code = ask(order, VIEW_INCOMING, start->scripted && !order->whole, ret_result);
	}
	ret_result->code = code_of(code);
}

/* All of it was written by a process that talked to strangers, and the next one prints and sends what stands there. */
static bool is_sound(int fd)
{
	char magic[sizeof(MEMORY_MAGIC) - 1];
	struct memory memory;
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
	       pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       memcmp(magic, MEMORY_MAGIC, sizeof(magic)) == 0 &&
	       pread(fd, &memory, sizeof(memory), sizeof(magic)) == sizeof(memory) &&
	       memory.version == 1 && !memory.uuid[sizeof(memory.uuid) - 1] &&
	       strspn(memory.uuid, "0123456789abcdefABCDEF-") == sizeof(memory.uuid) - 1;
}

/* The library's file; -ENOENT: there is none, -EBADMSG: it is not as we know it. */
static int open_memory(int incoming, int flags)
{
	int fd = openat(incoming, INCOMING_MEMORY, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (is_sound(fd))
		return fd;
	close(fd);
	return -EBADMSG;
}

int fresh_forget_wait(int incoming)
{
	const time_t none = 0;
	int fd = open_memory(incoming, O_RDWR);
	int result = 0;

	/* One that is not ours, whoever put it there: the library makes a new one. */
	if (fd < 0 && fd != -ENOENT)
		return unlinkat(incoming, INCOMING_MEMORY, 0) < 0 ? -errno : 0;
	if (fd < 0)
		return 0;
	/* What stands behind it is for the library's own reports. */
	if (pwrite(fd, &none, sizeof(none), WAIT_OFFSET) != sizeof(none) ||
	    ftruncate(fd, MEMORY_BYTES) < 0)
		result = -EIO;
	close(fd);
	return result;
}

uint32_t fresh_wait(int incoming, uint64_t now_s)
{
	const uint32_t most = LIMIT_WAIT_S;
	int fd = open_memory(incoming, O_RDONLY);
	time_t until = 0;
	bool is_read;

	if (fd < 0)
		return 0;
	is_read = pread(fd, &until, sizeof(until), WAIT_OFFSET) == sizeof(until);
	close(fd);
	if (!is_read || until <= 0 || (uint64_t)until <= now_s)
		return 0;
	return (uint64_t)until - now_s < most ? (uint32_t)((uint64_t)until - now_s) : most;
}
