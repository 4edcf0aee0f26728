/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/definition_send.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/mono.h"
#include "io/clock.h"

#define SILENCE_LIMIT_MS 1800000 /* longer than the daemon's own limits for a trial and for loads */
#define SEND_LIMIT_MS 30000

static int wait_for(struct control_client *client, short events, mono_ms limit)
{
	struct pollfd end = {.fd = control_client_fd(client), .events = events};
	mono_ms now = clock_mono_ms();

	if (now >= limit)
		return -ETIMEDOUT;
	(void)poll(&end, 1, (int)(limit - now)); /* an interruption only means to look again */
	return 0;
}

/* Who turned us away has said why, and may have gone. */
static int not_taken(struct control_client *client, int error, struct failure *ret_failure)
{
	struct reply reply;

	while (control_client_receive(client, &reply, ret_failure) > 0) {
		if (reply.kind == REPLY_REFUSAL)
			return control_client_refused(&reply, ret_failure);
	}
	return failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
			   "the daemon does not take the request: %s", strerror(-error));
}

static int send_whole(struct control_client *client, const struct request *request, int fd,
		      struct failure *ret_failure)
{
	mono_ms limit = mono_add(clock_mono_ms(), SEND_LIMIT_MS);
	int r = control_client_send(client, request, fd);

	while (r == -EAGAIN && !wait_for(client, POLLOUT, limit))
		r = control_client_send(client, request, fd);
	return r ? not_taken(client, r, ret_failure) : 0;
}

/* 1: the answer is there; 0: only how far it is; -1. */
static int take(const struct reply *reply, enum reply_kind verdict, struct wait_line *line,
		struct failure *ret_failure)
{
	if (reply->kind == verdict)
		return 1;
	if (reply->kind == REPLY_PROGRESS) {
		wait_line_draw(line, reply->progress.text, reply->progress.done,
			       reply->progress.total);
		return 0;
	}
	if (reply->kind == REPLY_REFUSAL)
		return control_client_refused(reply, ret_failure);
	if (reply->kind == REPLY_RECONNECT)
		return control_client_leaving(reply, ret_failure);
	return failure_set(ret_failure, CLI_EXIT_NO_DAEMON, "the daemon answered something else");
}

static int await(struct control_client *client, enum reply_kind verdict, struct wait_line *line,
		 struct reply *ret_reply, struct failure *ret_failure)
{
	mono_ms limit = mono_add(clock_mono_ms(), SILENCE_LIMIT_MS);
	int r;

	while ((r = control_client_receive(client, ret_reply, ret_failure)) >= 0) {
		if (!r && wait_for(client, POLLIN, limit))
			return failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
					   "the daemon has said nothing for half an hour");
		if (!r)
			continue;
		r = take(ret_reply, verdict, line, ret_failure);
		if (r)
			return r > 0 ? 0 : -1;
		limit = mono_add(clock_mono_ms(), SILENCE_LIMIT_MS);
	}
	return -1;
}

int definition_ask(struct control_client *client, const struct request *request,
		   enum reply_kind verdict, struct wait_line *line, struct reply *ret_reply,
		   struct failure *ret_failure)
{
	int r = send_whole(client, request, -1, ret_failure);

	if (!r)
		r = await(client, verdict, line, ret_reply, ret_failure);
	wait_line_clear(line);
	return r;
}

static int send_file(struct control_client *client, const struct definition_file_in *file,
		     struct failure *ret_failure)
{
	const struct request request = {
		.kind = REQUEST_CHECK_FILE,
		.check_file = {.name = file->name,
			       .custom = !definition_files_is_official(file->name)}};
	int fd = definition_files_open(file, ret_failure);
	int r = fd;

	if (fd >= 0)
		r = send_whole(client, &request, fd, ret_failure);
	definition_files_close(file, fd);
	return r < 0 ? -1 : 0;
}

int definition_send(struct control_client *client, const struct request *begin,
		    const struct definition_files *files, struct wait_line *line,
		    struct reply *ret_reply, struct failure *ret_failure)
{
	const struct request end = {.kind = REQUEST_CHECK_END};

	if (control_client_ask(client, begin, REPLY_DONE, ret_reply, ret_failure))
		return -1;
	for (unsigned i = 0; i < files->n; i++) {
		if (send_file(client, &files->all[i], ret_failure))
			return -1;
	}
	return definition_ask(client, &end, REPLY_CHECK_VERDICT, line, ret_reply, ret_failure);
}
