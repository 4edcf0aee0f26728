/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/definition_check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mono.h"
#include "base/text.h"
#include "io/clock.h"

#define VERDICT_LIMIT_MS                                                                           \
	900000 /* longer than the daemon's own limits for copying and for a trial */
#define SEND_LIMIT_MS 30000

/* What libclamav's makers sign; all other kinds are the administrator's own. */
static bool is_official(const char *name)
{
	static const char *const endings[] = {".cvd", ".cld", ".sign"};
	const char *ending = strrchr(name, '.');

	for (unsigned i = 0; ending && i < sizeof(endings) / sizeof(endings[0]); i++) {
		if (strcasecmp(ending, endings[i]) == 0)
			return true;
	}
	return false;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int wait_for(struct control_client *client, short events, mono_ms limit)
{
	struct pollfd end = {.fd = control_client_fd(client), .events = events};
	mono_ms now = clock_mono_ms();

	return now < limit && poll(&end, 1, (int)(limit - now)) >= 0 ? 0 : -ETIMEDOUT;
}

static int send_whole(struct control_client *client, const struct request *request, int fd,
		      struct failure *ret_failure)
{
	mono_ms limit = mono_add(clock_mono_ms(), SEND_LIMIT_MS);
	int r = control_client_send(client, request, fd);

	while (r == -EAGAIN && !wait_for(client, POLLOUT, limit))
		r = control_client_send(client, request, fd);
	return r ? failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
			       "the daemon does not take the files: %s", strerror(-r))
		 : 0;
}

static int send_file(struct control_client *client, const char *path, struct failure *ret_failure)
{
	struct request request = {.kind = REQUEST_CHECK_FILE,
				  .check_file = {.name = name_of(path),
						 .custom = !is_official(name_of(path))}};
	char shown[1000];
	int fd, r;

	(void)text_escape(span_of_text(path), shown, sizeof(shown));
	if (strlen(request.check_file.name) > LIMIT_NAME_BYTES || !*request.check_file.name)
		return failure_set(ret_failure, CLI_EXIT_USAGE, "%s: a name has 1 to %d characters",
				   shown, LIMIT_NAME_BYTES);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return failure_set(ret_failure, CLI_EXIT_NOT_ALL_SCANNED, "%s cannot be read: %s",
				   shown, strerror(errno));
	r = send_whole(client, &request, fd, ret_failure);
	(void)close(fd);
	return r;
}

static int await(struct control_client *client, struct reply *ret_reply,
		 struct failure *ret_failure)
{
	mono_ms limit = mono_add(clock_mono_ms(), VERDICT_LIMIT_MS);
	int r;

	while ((r = control_client_receive(client, ret_reply, ret_failure)) == 0) {
		if (wait_for(client, POLLIN, limit))
			return failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
					   "the daemon has not answered for a quarter of an hour");
	}
	if (r < 0)
		return -1;
	if (ret_reply->kind == REPLY_CHECK_VERDICT)
		return 0;
	if (ret_reply->kind == REPLY_REFUSAL)
		return control_client_refused(ret_reply, ret_failure);
	if (ret_reply->kind == REPLY_RECONNECT)
		return control_client_leaving(ret_reply, ret_failure);
	return failure_set(ret_failure, CLI_EXIT_NO_DAEMON, "the daemon answered something else");
}

int definition_check(struct control_client *client, char *const *paths, int n_paths,
		     struct reply *ret_reply, struct failure *ret_failure)
{
	const struct request begin = {.kind = REQUEST_CHECK_BEGIN};
	const struct request end = {.kind = REQUEST_CHECK_END};

	if (control_client_ask(client, &begin, REPLY_DONE, ret_reply, ret_failure))
		return -1;
	for (int i = 0; i < n_paths; i++) {
		if (send_file(client, paths[i], ret_failure))
			return -1;
	}
	if (send_whole(client, &end, -1, ret_failure))
		return -1;
	return await(client, ret_reply, ret_failure);
}
