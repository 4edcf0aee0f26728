/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "io/clock.h"
#include "io/packet.h"
#include "io/peer.h"
#include "wire/session_rules.h"

#define CONNECT_LIMIT_S 10    /* a full backlog of a busy daemon clears in milliseconds */
#define ANSWER_LIMIT_MS 30000 /* a daemon that says nothing for so long is stuck */
#define WINDOW_MAX 1024       /* more files under way only cost us memory for their names */
#define SHOWN_PATH_BYTES 400

struct control_client {
	int fd;
	unsigned window;
	char version[LIMIT_NAME_BYTES + 1];
	char path[SHOWN_PATH_BYTES]; /* of the socket, fit to be shown */
	struct client_patience patience;
	struct session session;
	struct wire_arena *arena;
	uint8_t packet[LIMIT_PACKET_BYTES];
};

/* sun_path takes 108 bytes: a longer path is named through its open directory. -errno, or a descriptor to close, or
 * AT_FDCWD. */
static int make_address(const char *path, struct sockaddr_un *ret_address)
{
	const char *base = strrchr(path, '/');
	char dir[4096]; /* PATH_MAX */
	int fd, len;

	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) < sizeof(ret_address->sun_path)) {
		memcpy(ret_address->sun_path, path, strlen(path));
		return AT_FDCWD;
	}
	if (!base || (size_t)(base - path) >= sizeof(dir) - 1)
		return -ENAMETOOLONG;
	memcpy(dir, path, (size_t)(base - path) + 1);
	dir[base - path + 1] = '\0';
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "/proc/self/fd/%d/%s",
		       fd, base + 1);
	if (len < 0 || (size_t)len >= sizeof(ret_address->sun_path)) {
		close(fd);
		return -ENAMETOOLONG;
	}
	return fd;
}

static int join(struct control_client *client, const char *path)
{
	const struct timeval limit = {.tv_sec = CONNECT_LIMIT_S};
	struct sockaddr_un address;
	int dir = make_address(path, &address);
	int r = 0;

	if (dir < 0 && dir != AT_FDCWD)
		return dir;
	client->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	/* The limit of sending is also that of waiting for a place in the backlog. */
	if (client->fd < 0 ||
	    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
	    connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		r = -errno;
	if (dir != AT_FDCWD)
		close(dir);
	return r;
}

static int explain(const struct control_client *client, const char *path, int error,
		   struct failure *ret_failure)
{
	struct stat st;

	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return failure_set(
			ret_failure, CLI_EXIT_NO_DAEMON,
			"cannot reach ampdaemon: there is no socket %s; is the connector running?",
			client->path);
	case ECONNREFUSED:
		if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
			return failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
					   "cannot reach ampdaemon: %s is not a socket",
					   client->path);
		return failure_set(
			ret_failure, CLI_EXIT_NO_DAEMON,
			"cannot reach ampdaemon: nobody listens at %s; the connector is not running",
			client->path);
	case EPROTOTYPE:
		return failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
				   "%s is a socket of another program, not of ampdaemon",
				   client->path);
	case EACCES:
	case EPERM:
		return failure_set(ret_failure, CLI_EXIT_NOT_PERMITTED,
				   "no permission to connect to %s", client->path);
	case EAGAIN:
		return failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
				   "ampdaemon does not accept connections at %s", client->path);
	default:
		return failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
				   "cannot reach ampdaemon at %s: %s", client->path,
				   strerror(error));
	}
}

static int check_peer(const struct control_client *client, struct failure *ret_failure)
{
	struct peer peer;
	int r = peer_of_socket(client->fd, &peer);

	if (r < 0)
		return failure_set(ret_failure, CLI_EXIT_NO_DAEMON, "cannot tell who serves %s: %s",
				   client->path, strerror(-r));
	if (peer.uid != 0 && peer.uid != geteuid())
		return failure_set(
			ret_failure, CLI_EXIT_NO_DAEMON,
			"%s is served by user %u, neither root nor you: not trusted with files",
			client->path, peer.uid);
	return 0;
}

static int greet(struct control_client *client, struct failure *ret_failure)
{
	const struct request hello = {.kind = REQUEST_HELLO,
				      .hello = {.protocol = CONTROL_PROTOCOL_VERSION}};
	struct reply reply = {.kind = REPLY_REFUSAL};

	if (control_client_ask(client, &hello, REPLY_HELLO, &reply, ret_failure) < 0)
		return -1;
	if (reply.hello.protocol != CONTROL_PROTOCOL_VERSION)
		return failure_set(
			ret_failure, CLI_EXIT_NO_DAEMON,
			"ampdaemon speaks protocol %u, this ampcli %u: they are of different versions",
			reply.hello.protocol, CONTROL_PROTOCOL_VERSION);
	client->window = reply.hello.window < 1 ? 1 : reply.hello.window;
	if (client->window > WINDOW_MAX)
		client->window = WINDOW_MAX;
	(void)snprintf(client->version, sizeof(client->version), "%s", reply.hello.version);
	return 0;
}

int control_client_open(const char *socket_path, struct control_client **ret_client,
			struct failure *ret_failure)
{
	const struct client_patience ours = {.limit = MONO_NEVER, .stop_fd = -1};

	return control_client_open_within(socket_path, &ours, ret_client, ret_failure);
}

int control_client_open_within(const char *socket_path, const struct client_patience *patience,
			       struct control_client **ret_client, struct failure *ret_failure)
{
	struct control_client *client = calloc(1, sizeof(*client));
	int r;

	if (!client || !(client->arena = wire_arena_new())) {
		free(client);
		return failure_set(ret_failure, CLI_EXIT_NO_DAEMON, "not enough memory");
	}
	client->fd = -1;
	client->patience = *patience;
	(void)text_escape(span_of_text(socket_path), client->path, sizeof(client->path));
	session_init(&client->session, &rules_reply);
	r = join(client, socket_path);
	if (r < 0)
		r = explain(client, socket_path, -r, ret_failure);
	if (r == 0)
		r = check_peer(client, ret_failure);
	if (r == 0)
		r = greet(client, ret_failure);
	if (r < 0) {
		(void)control_client_free(client);
		return -1;
	}
	*ret_client = client;
	return 0;
}

struct control_client *control_client_free(struct control_client *client)
{
	if (!client)
		return NULL;
	if (client->fd >= 0)
		close(client->fd);
	(void)wire_arena_free(client->arena);
	free(client);
	return NULL;
}

unsigned control_client_window(const struct control_client *client)
{
	return client->window;
}

const char *control_client_peer_version(const struct control_client *client)
{
	return client->version;
}

int control_client_fd(const struct control_client *client)
{
	return client->fd;
}

int control_client_send(struct control_client *client, const struct request *request, int fd)
{
	ssize_t len = request_encode(request, client->packet, sizeof(client->packet));

	return len < 0 ? (int)len
		       : packet_send(client->fd, client->packet, (size_t)len, fd, MSG_DONTWAIT);
}

static int lost(const struct control_client *client, int error, struct failure *ret_failure)
{
	(void)failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
			  "the connection to ampdaemon at %s was lost%s%s", client->path,
			  error ? ": " : "", error ? strerror(error) : "");
	return -ECONNRESET;
}

static int lied(const struct control_client *client, const char *why, struct failure *ret_failure)
{
	(void)failure_set(ret_failure, CLI_EXIT_NO_DAEMON,
			  "%s does not speak ampdaemon's protocol: %s", client->path, why);
	return -EBADMSG;
}

/* When a peer leaves requests of ours unread the kernel says ECONNRESET once, ahead of the answers that did arrive. */
static ssize_t receive_packet(struct control_client *client, struct packet_meta *ret_meta)
{
	ssize_t len = -ECONNRESET;

	for (int i = 0; i < 2 && len == -ECONNRESET; i++)
		len = packet_receive(client->fd, client->packet, sizeof(client->packet),
				     MSG_DONTWAIT, ret_meta);
	return len;
}

int control_client_receive(struct control_client *client, struct reply *ret_reply,
			   struct failure *ret_failure)
{
	const char *why = "";
	struct packet_meta meta;
	ssize_t len = receive_packet(client, &meta);

	if (len == -EAGAIN || len == -EINTR)
		return 0;
	if (len == -EMSGSIZE || len == -EPROTO)
		return lied(client, "a packet that is too long, or with too many descriptors",
			    ret_failure);
	if (len <= 0)
		return lost(client, (int)-len, ret_failure);
	if (meta.fd >= 0)
		close(meta.fd); /* no reply carries one: the rule book ends the session below */
	if (reply_decode(client->arena, client->packet, (size_t)len, ret_reply, &why) < 0 ||
	    session_admit(&client->session, ret_reply->kind, meta.fd >= 0, &why) < 0)
		return lied(client, why, ret_failure);
	return 1;
}

int control_client_refused(const struct reply *reply, struct failure *ret_failure)
{
	enum cli_exit code = CLI_EXIT_REFUSED;

	if (reply->refusal.code == REFUSAL_NOT_PERMITTED)
		code = CLI_EXIT_NOT_PERMITTED;
	return failure_set(ret_failure, code, "refused (%s): %s", refusal_name(reply->refusal.code),
			   reply->refusal.reason);
}

int control_client_leaving(const struct reply *reply, struct failure *ret_failure)
{
	return failure_set(ret_failure, CLI_EXIT_NO_DAEMON, "ampdaemon restarts: %s",
			   reply->reconnect.reason);
}

/* 0 when the socket is ready, -1 when the time is up or nobody wants to wait any longer. */
static int await(const struct control_client *client, short events, mono_ms deadline)
{
	struct pollfd waits[] = {{.fd = client->fd, .events = events},
				 {.fd = client->patience.stop_fd, .events = POLLIN}};
	mono_ms left = deadline - clock_mono_ms();

	if (left <= 0)
		return -1;
	(void)poll(waits, 2, (int)left); /* an interruption only means to look again */
	return waits[1].revents ? -1 : 0;
}

static int mute(const struct control_client *client, struct failure *ret_failure)
{
	return failure_set(ret_failure, CLI_EXIT_NO_DAEMON, "ampdaemon at %s does not answer",
			   client->path);
}

int control_client_ask(struct control_client *client, const struct request *request,
		       enum reply_kind kind, struct reply *ret_reply, struct failure *ret_failure)
{
	mono_ms deadline = mono_min(clock_mono_ms() + ANSWER_LIMIT_MS, client->patience.limit);
	int r;

	while (control_client_send(client, request, -1) == -EAGAIN) {
		if (await(client, POLLOUT, deadline) < 0)
			return mute(client, ret_failure);
	}
	/* A daemon that turns us away may have closed already: its refusal is still to be read. */
	while ((r = control_client_receive(client, ret_reply, ret_failure)) == 0) {
		if (await(client, POLLIN, deadline) < 0)
			return mute(client, ret_failure);
	}
	if (r < 0)
		return -1;
	if (ret_reply->kind == REPLY_REFUSAL)
		return control_client_refused(ret_reply, ret_failure);
	if (ret_reply->kind == REPLY_RECONNECT)
		return control_client_leaving(ret_reply, ret_failure);
	if (ret_reply->kind != kind) {
		(void)lied(client, "an answer that was not asked for", ret_failure);
		return -1;
	}
	return 0;
}
