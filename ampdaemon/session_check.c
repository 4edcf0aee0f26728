/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/session_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/fd_kind.h"
#include "io/late_close.h"

static int hear_file(struct definition_desk *desk, uint64_t client, const struct request *request,
		     int fd, char why[LIMIT_REASON_BYTES + 1])
{
	uint64_t bytes;

	if (fd_is_readable_file(fd, &bytes)) {
		late_close(fd);
		(void)snprintf(why, LIMIT_REASON_BYTES + 1,
			       "%s is not a regular file that is open for reading",
			       request->check_file.name);
		definition_desk_cancel(desk, client);
		return -EINVAL;
	}
	return definition_desk_add(desk, client, request->check_file.name,
				   request->check_file.custom, fd, why);
}

int session_check_hear(struct definition_desk *desk, uint64_t client, const struct request *request,
		       int fd, char why[LIMIT_REASON_BYTES + 1])
{
	if (request->kind == REQUEST_CHECK_FILE)
		return hear_file(desk, client, request, fd, why);
	return request->kind == REQUEST_CHECK_BEGIN ? definition_desk_begin(desk, client, ORIGIN_CHECK, false, why)
						    : definition_desk_go(desk, client, why);
}

static void fill(const struct definition_answer *answer, char reason[LIMIT_REASON_BYTES + 1],
		 struct check_verdict *ret_verdict)
{
	const struct service_report *report = answer->report;

	ret_verdict->passed = answer->rejection == REJECTION_NONE;
	if (!ret_verdict->passed)
		(void)snprintf(reason, LIMIT_REASON_BYTES + 1, "%s%s%s",
			       rejection_name(answer->rejection), *answer->detail ? ": " : "",
			       answer->detail); /* cut is fine */
	ret_verdict->reason = reason;
	if (!report)
		return;
	ret_verdict->signatures = report->ready.signatures;
	ret_verdict->engine_bytes = report->ready.memory_bytes;
	ret_verdict->load_ms = report->ready.load_ms;
	ret_verdict->n_files = report->n_files;
	memcpy(ret_verdict->files, report->files, report->n_files * sizeof(report->files[0]));
}

ssize_t session_check_verdict(const struct definition_answer *answer, uint8_t *packet, size_t size)
{
	struct reply *message = calloc(1, sizeof(*message)); /* large: not for the stack */
	char reason[LIMIT_REASON_BYTES + 1] = "";
	ssize_t len;

	if (!message)
		return -ENOMEM;
	message->kind = REPLY_CHECK_VERDICT;
	fill(answer, reason, &message->check_verdict);
	len = reply_encode(message, packet, size);
	free(message);
	return len;
}
