/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/control_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ampdaemon/away_scans.h"
#include "ampdaemon/control_session.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"
#include "io/packet.h"
#include "io/peer.h"

#define BACKLOG 1024
#define ACCEPTS_PER_WAKE 64
#define CHECK_EVERY_MS 2000

struct control_server {
	uv_loop_t *loop;
	uv_poll_t poll;
	uv_timer_t timer;
	int socket;
	bool resting; /* accepting has failed; the timer tries again */
	char *path;
	unsigned handles_open;
	struct control_services services;
	struct session_host host;
	struct control_session *sessions[CONTROL_SESSIONS];
	uint32_t n_sessions, n_waiting;
	uint32_t resume_at; /* where the round of those that wait for room goes on */
	uint64_t next_session, next_scan;
	uint64_t violations, last_scan_utc_ms;
	struct away_scans *away;
};

/* A session's number holds its place, so that an answer finds it without a search; a serial above it makes the number of
 * a place's next user another one. */
static unsigned place_of(uint64_t id)
{
	return (unsigned)(id % CONTROL_SESSIONS);
}

static struct control_session *find(const struct control_server *server, uint64_t id)
{
	struct control_session *session = server->sessions[place_of(id)];

	return session && session_id(session) == id ? session : NULL;
}

/* ---- sessions end ---- */

static void on_session_end(void *context, struct control_session *session, bool violated)
{
	struct control_server *server = context;

	server->violations += violated;
	server->sessions[place_of(session_id(session))] = NULL;
	server->n_sessions--;
	session_free(session);
}

static void on_scan_ended(void *context)
{
	struct control_server *server = context;

	server->last_scan_utc_ms = clock_utc_ms();
}

static bool on_take_scan(void *context, uint64_t number, uint32_t uid,
			 struct scan_handover *ret_scan)
{
	return away_scans_take(((struct control_server *)context)->away, number, uid, ret_scan);
}

static void on_history(void *context, uint64_t token, const struct journal_row *rows, int n)
{
	struct control_session *session = find(context, token);

	if (session)
		session_history(session, rows, n);
}

void control_server_verdict(struct control_server *server, uint64_t client,
			    const struct reply *verdict)
{
	struct control_session *session = find(server, client);

	if (session)
		session_verdict(session, verdict);
}

void control_server_progress(struct control_server *server, uint64_t client,
			     const struct reply *progress)
{
	struct control_session *session = find(server, client);

	if (session)
		session_progress(session, progress);
}

/* ---- sessions begin ---- */

static uint32_t count_of_user(const struct control_server *server, uint32_t uid)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < CONTROL_SESSIONS; i++)
		n += server->sessions[i] && session_uid(server->sessions[i]) == uid;
	return n;
}

static int free_place(const struct control_server *server)
{
	for (unsigned i = 0; i < CONTROL_SESSIONS; i++) {
		if (!server->sessions[i])
			return (int)i;
	}
	return -1;
}

/* One sentence for the client, if it can be sent at once, and the door. */
static void turn_away(int socket, const char *reason)
{
	struct reply message = {.kind = REPLY_REFUSAL,
				.refusal = {.code = REFUSAL_TOO_MANY, .reason = reason}};
	uint8_t packet[512];
	ssize_t len = reply_encode(&message, packet, sizeof(packet));

	if (len > 0)
		(void)packet_send(socket, packet, (size_t)len, -1,
				  MSG_DONTWAIT); /* it sees the end anyway */
	packet_discard(socket, SESSION_WINDOW + 1);
	close(socket);
}

static void admit(struct control_server *server, int socket)
{
	struct control_session *session;
	struct peer peer;
	int place = free_place(server);

	if (peer_of_socket(socket, &peer)) {
		close(socket);
		return;
	}
	if (place < 0) {
		turn_away(socket, "the daemon has as many sessions as it can hold; try again");
		return;
	}
	if (peer.uid != 0 && count_of_user(server, peer.uid) >= CONTROL_SESSIONS_PER_USER) {
		turn_away(socket, "this user has as many sessions as one user may have");
		return;
	}
	session = session_new(server->loop, socket,
			      ++server->next_session * CONTROL_SESSIONS + (unsigned)place, &peer,
			      &server->host);
	if (!session)
		return;
	server->sessions[place] = session;
	server->n_sessions++;
}

/* No descriptors or no memory: those that wait stay in the backlog until the next round of the timer. To be told
 * again and again that they wait would cost a core. */
static void rest(struct control_server *server, int error)
{
	log_warning("no session can be accepted: %s; tried again in %d ms", strerror(error),
		    CHECK_EVERY_MS);
	server->resting = true;
	(void)uv_poll_stop(&server->poll); /* cannot fail */
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct control_server *server = poll->data;

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPTS_PER_WAKE && server->socket >= 0; i++) {
		int socket = accept4(server->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (socket < 0 && errno != EAGAIN && errno != ECONNABORTED)
			rest(server, errno);
		if (socket < 0)
			return;
		admit(server, socket);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct control_server *server = timer->data;
	mono_ms now = clock_mono_ms();

	for (unsigned i = 0; i < CONTROL_SESSIONS; i++) {
		if (server->sessions[i])
			session_check(server->sessions[i], now);
	}
	away_scans_check(server->away, now);
	if (server->resting && server->socket >= 0)
		server->resting = uv_poll_start(&server->poll, UV_READABLE, on_poll) != 0;
}

/* ---- the socket ---- */

/* sun_path holds 107 bytes; a longer path is reached through its directory's descriptor. */
static int name_socket(const char *path, struct sockaddr_un *address, int *ret_directory)
{
	const char *slash = strrchr(path, '/');
	char directory[4096];

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	*ret_directory = -1;
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (!slash || (size_t)(slash - path) >= sizeof(directory))
		return -ENAMETOOLONG;
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = '\0';
	*ret_directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_directory < 0)
		return -errno;
	return snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s",
			*ret_directory, slash) < (int)sizeof(address->sun_path)
		       ? 0
		       : -ENAMETOOLONG;
}

/* The pid file's lock has been taken before: a socket that is still there is a dead daemon's. */
static int listen_at(const char *path)
{
	struct sockaddr_un address;
	int directory, r = name_socket(path, &address, &directory);
	int fd = r ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (!r && fd < 0)
		r = -errno;
	if (!r && unlink(path) && errno != ENOENT)
		r = -errno;
	if (!r && bind(fd, (struct sockaddr *)&address, sizeof(address)))
		r = -errno;
	if (!r && chmod(path, 0666))
		r = -errno;
	if (!r && listen(fd, BACKLOG))
		r = -errno;
	if (directory >= 0)
		close(directory);
	if (r && fd >= 0)
		close(fd);
	return r ? r : fd;
}

/* Of the image before this one: bound, and connected to already. */
static int take_socket(int listening)
{
	if (fcntl(listening, F_SETFD, FD_CLOEXEC) || fcntl(listening, F_SETFL, O_NONBLOCK))
		return -errno;
	return listening;
}

static int watch(struct control_server *server)
{
	if (uv_poll_init(server->loop, &server->poll, server->socket))
		return -EIO;
	(void)uv_timer_init(server->loop, &server->timer); /* cannot fail */
	server->poll.data = server->timer.data = server;
	server->handles_open = 2;
	if (uv_poll_start(&server->poll, UV_READABLE, on_poll) ||
	    uv_timer_start(&server->timer, on_timer, CHECK_EVERY_MS, CHECK_EVERY_MS))
		return -EIO;
	uv_unref((uv_handle_t *)&server->timer);
	return 0;
}

struct control_server *control_server_new(uv_loop_t *loop, const char *path,
					  const struct control_services *services, char *ret_error,
					  size_t size)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int r = server ? 0 : -ENOMEM;

	if (!r)
		r = services->listening > 0 ? take_socket(services->listening) : listen_at(path);
	if (r >= 0) {
		server->socket = r;
		server->loop = loop;
		server->services = *services;
		server->next_scan = services->last_scan;
		server->violations = services->violations;
		server->last_scan_utc_ms = services->last_scan_utc_ms;
		server->away = away_scans_new(services->journal, CONTROL_ADOPT_MS);
		server->path = strdup(path);
		server->host = (struct session_host){
			.services = &server->services,
			.arena = wire_arena_new(),
			.next_scan = &server->next_scan,
			.n_waiting = &server->n_waiting,
			.context = server,
			.on_end = on_session_end,
			.on_scan_ended = on_scan_ended,
			.take_scan = on_take_scan,
			.on_history = on_history,
		};
		r = server->path && server->host.arena && server->away ? watch(server) : -ENOMEM;
	}
	if (!r)
		return server;
	(void)snprintf(ret_error, size, "the control socket %s cannot be made: %s", path,
		       strerror(-r));
	free(server); /* the program ends: descriptors and the rest with it */
	return NULL;
}

void control_server_stop_accepting(struct control_server *server)
{
	if (server->socket < 0)
		return;
	(void)uv_poll_stop(&server->poll); /* cannot fail */
	close(server->socket);
	server->socket = -1;
	(void)unlink(server->path); /* the next start replaces it otherwise */
}

static void on_closed(uv_handle_t *handle)
{
	struct control_server *server = handle->data;

	if (--server->handles_open)
		return;
	wire_arena_free(server->host.arena);
	free(server->path);
	free(server);
}

struct control_server *control_server_free(struct control_server *server)
{
	if (!server)
		return NULL;
	control_server_stop_accepting(server);
	for (unsigned i = 0; i < CONTROL_SESSIONS; i++) {
		if (server->sessions[i])
			on_session_end(server, server->sessions[i], false);
	}
	server->away = away_scans_free(server->away);
	uv_close((uv_handle_t *)&server->poll, on_closed);
	uv_close((uv_handle_t *)&server->timer, on_closed);
	return NULL;
}

/* ---- restart in place ---- */

int control_server_adopt_scan(struct control_server *server, const struct scan_handover *scan)
{
	return away_scans_add(server->away, scan, clock_mono_ms());
}

unsigned control_server_hand_over(struct control_server *server, const char *reason,
				  struct scan_handover *scans, unsigned max)
{
	struct scan_handover scan;

	(void)uv_poll_stop(&server->poll); /* cannot fail */
	server->resting = false;
	for (unsigned i = 0; i < CONTROL_SESSIONS; i++) {
		struct control_session *session = server->sessions[i];

		if (!session)
			continue;
		if (session_hand_over(session, reason, &scan))
			(void)control_server_adopt_scan(server, &scan); /* or it has failed */
		on_session_end(server, session, false);
	}
	return away_scans_list(server->away, scans, max);
}

void control_server_go_on(struct control_server *server)
{
	away_scans_renew(server->away, clock_mono_ms());
	server->resting = uv_poll_start(&server->poll, UV_READABLE, on_poll) != 0;
}

int control_server_socket(const struct control_server *server)
{
	return server->socket;
}

uint64_t control_server_last_scan(const struct control_server *server)
{
	return server->next_scan;
}

/* ---- from the rest of the daemon ---- */

void control_server_result(struct control_server *server, uint64_t client, struct span path,
			   const struct file_result *result)
{
	struct control_session *session = find(server, client);

	if (session)
		session_result(session, path, result);
}

/* Round by round, so that the first in the table does not take all room each time. */
void control_server_room(struct control_server *server)
{
	uint32_t start = server->resume_at;

	for (unsigned i = 0; i < CONTROL_SESSIONS && server->n_waiting; i++) {
		unsigned at = (start + i) % CONTROL_SESSIONS;
		struct control_session *session = server->sessions[at];

		if (!session || !session_waits_for_room(session) ||
		    !desk_has_room(server->services.desk, session_uid(session)))
			continue;
		server->resume_at = at + 1;
		session_resume(session);
	}
}

void control_server_status_fresh(struct control_server *server)
{
	for (unsigned i = 0; i < CONTROL_SESSIONS; i++) {
		if (server->sessions[i])
			session_status_fresh(server->sessions[i]);
	}
}

void control_server_figures(const struct control_server *server,
			    struct control_figures *ret_figures)
{
	*ret_figures = (struct control_figures){
		.sessions = server->n_sessions,
		.violations = server->violations,
		.last_scan_utc_ms = server->last_scan_utc_ms,
	};
	for (unsigned i = 0; i < CONTROL_SESSIONS; i++)
		ret_figures->scans +=
			server->sessions[i] && session_is_scanning(server->sessions[i]);
}
