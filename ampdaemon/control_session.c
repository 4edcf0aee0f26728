/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/control_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ampdaemon/session_definitions.h"
#include "ampdaemon/session_reports.h"
#include "ampdaemon/session_scan.h"
#include "io/channel.h"
#include "io/clock.h"
#include "io/fd_kind.h"
#include "io/late_close.h"
#include "io/log.h"
#include "wire/session_rules.h"

#define OUT_OF_MEMORY "the daemon is out of memory"

enum awaiting {
	AWAITING_NOTHING,
	AWAITING_ROOM,
	AWAITING_STATUS,
	AWAITING_HISTORY,
	AWAITING_VERDICT
};

struct held_file {
	uint64_t file, bytes;
	int fd;
	size_t path_len;
	uint8_t *path;
};

struct control_session {
	const struct session_host *host;
	struct channel *channel;
	struct session rules;
	uint64_t id;
	struct peer peer;
	enum awaiting awaiting; /* while it waits it is not read from */
	mono_ms born, unread_since;

	struct session_scan scan; /* .counts.scan 0: none */
	struct held_file held;    /* .path NULL: none */
};

static void put_out(struct control_session *s, const char *why)
{
	log_security("client %d of user %u broke the protocol: %s; its session is ended",
		     s->peer.pid, s->peer.uid, why);
	s->host->on_end(s->host->context, s, true);
}

/* Nothing is read from a client that we wait for something for, nor from one that does not read. */
static void set_reading(struct control_session *s)
{
	channel_pause(s->channel,
		      s->awaiting != AWAITING_NOTHING || channel_queued(s->channel) > 0);
}

/* ---- replies ---- */

static uint8_t packet[LIMIT_PACKET_BYTES]; /* of the loop thread */

/* `len` bytes of `packet`, or the error of what should have filled it. False when the session is gone after it: the client does not
 * read. */
static bool send_packet(struct control_session *s, ssize_t len)
{
	int r = len < 0 ? (int)len : channel_send(s->channel, packet, (size_t)len, -1);

	set_reading(s);
	if (!r)
		return true;
	if (r == -ENOBUFS)
		log_warning("client %d of user %u does not read its replies; its session is ended",
			    s->peer.pid, s->peer.uid);
	channel_end(s->channel, r);
	return false;
}

static bool reply(struct control_session *s, const struct reply *message)
{
	return send_packet(s, reply_encode(message, packet, sizeof(packet)));
}

void session_refuse(struct control_session *s, enum refusal_code code, const char *reason)
{
	struct reply message = {.kind = REPLY_REFUSAL, .refusal = {.code = code, .reason = reason}};

	(void)reply(s, &message); /* the session may be gone: nobody to tell */
}

/* `len`: as of send_packet(); an error is the client's. */
static void send_or_refuse(struct control_session *s, ssize_t len, const char *why)
{
	if (len < 0)
		session_refuse(s, REFUSAL_UNAVAILABLE, why);
	else
		(void)send_packet(s, len); /* the session may be gone: nobody to tell */
}

/* ---- the scan ---- */

/* A client that comes back goes on with its scan, when we know it and it is its own. */
static void begin_scan(struct control_session *s, const struct request *request)
{
	struct reply message = {.kind = REPLY_SCAN_BEGUN};
	struct scan_handover from;
	uint64_t continues = request->scan_begin.continues;

	if (continues && s->host->take_scan(s->host->context, continues, s->peer.uid, &from))
		session_scan_continue(&s->scan, &from, &s->peer);
	else
		session_scan_begin(&s->scan, ++*s->host->next_scan, &s->peer,
				   request->scan_begin.label, s->host->services->journal);
	message.scan_begun.scan = s->scan.counts.scan;
	(void)reply(s, &message); /* the session may be gone: the scan ends with it */
}

static void end_scan(struct control_session *s, bool whole)
{
	session_scan_end(&s->scan, whole, s->host->services->journal);
	s->host->on_scan_ended(s->host->context);
}

/* The summary comes when the last answer has gone out. */
static void end_when_due(struct control_session *s)
{
	struct reply message = {.kind = REPLY_SCAN_SUMMARY};

	if (!s->scan.end_asked || s->scan.under_way || s->held.path)
		return;
	end_scan(s, !s->scan.end_stopped);
	message.scan_summary = s->scan.counts;
	s->scan.counts.scan = 0;
	(void)reply(s, &message);
}

void session_result(struct control_session *s, struct span path, const struct file_result *result)
{
	struct reply message = {.kind = REPLY_FILE_RESULT, .file_result = *result};

	session_scan_count(&s->scan, path, result, s->host->services->journal);
	if (reply(s, &message))
		end_when_due(s);
}

static void drop_held(struct control_session *s)
{
	if (s->held.path)
		late_close(s->held.fd);
	free(s->held.path);
	s->held.path = NULL;
}

static void wait_for(struct control_session *s, enum awaiting what)
{
	*s->host->n_waiting +=
		(uint32_t)(what == AWAITING_ROOM) - (uint32_t)(s->awaiting == AWAITING_ROOM);
	s->awaiting = what;
	set_reading(s);
}

/* What the desk does not take is answered: nothing is lost in silence. */
static void answer_error(struct control_session *s, const struct desk_file *file,
			 enum scan_reason reason, const char *detail)
{
	struct file_result result = {
		.file = file->file, .verdict = VERDICT_ERROR, .reason = reason, .detail = detail};

	session_result(s, file->path, &result);
}

static void submit(struct control_session *s, const struct desk_file *file)
{
	s->scan.under_way++;
	if (desk_submit(s->host->services->desk, file))
		answer_error(s, file, SCAN_REASON_RESOURCE, OUT_OF_MEMORY);
	else if (!desk_has_room(s->host->services->desk, s->peer.uid))
		wait_for(s, AWAITING_ROOM);
}

static struct desk_file describe(const struct control_session *s, uint64_t number, struct span path,
				 uint64_t bytes, int fd)
{
	return (struct desk_file){
		.client = s->id,
		.file = number,
		.uid = s->peer.uid,
		.priority = PRIORITY_INTERACTIVE,
		.bytes = bytes,
		.path = path,
		.fd = fd,
	};
}

/* No room now: the file waits with the session, and the session is not read from. */
static void hold(struct control_session *s, const struct desk_file *file)
{
	s->held = (struct held_file){.file = file->file,
				     .bytes = file->bytes,
				     .fd = file->fd,
				     .path_len = file->path.len};
	s->held.path = malloc(file->path.len + 1);
	if (!s->held.path) {
		s->scan.under_way++;
		answer_error(s, file, SCAN_REASON_RESOURCE, OUT_OF_MEMORY);
		late_close(file->fd);
		return;
	}
	memcpy(s->held.path, file->path.data, file->path.len);
	wait_for(s, AWAITING_ROOM);
}

/* A file system that hides its files from root is somebody's own (FUSE). A worker that read or closed such a file would
 * wait for that somebody, and no signal could end it; the parent could not end without it. */
static void answer_hidden(struct control_session *s, const struct desk_file *file)
{
	s->scan.under_way++;
	late_close(file->fd);
	answer_error(s, file, SCAN_REASON_READ, "its file system hides it from the daemon");
}

static void hear_file(struct control_session *s, const struct request *request, int fd)
{
	struct desk_file file;
	uint64_t bytes;
	int kind = fd_is_readable_file(fd, &bytes);

	if (kind == -EBADF || kind == -EINVAL || request->scan_file.file <= s->scan.last_file ||
	    s->scan.under_way >= SESSION_WINDOW || s->scan.end_asked) {
		late_close(fd);
		put_out(s, kind ? "a descriptor that is not a regular file opened for reading"
				: "a file out of order or past its window");
		return;
	}
	s->scan.last_file = request->scan_file.file;
	if (kind)
		bytes = 0; /* the file system does not say: the worker will find out */
	file = describe(s, request->scan_file.file, request->scan_file.path, bytes, fd);
	if (kind == -EACCES)
		answer_hidden(s, &file);
	else if (desk_has_room(s->host->services->desk, s->peer.uid))
		submit(s, &file);
	else
		hold(s, &file);
}

bool session_waits_for_room(const struct control_session *s)
{
	return s->awaiting == AWAITING_ROOM;
}

void session_resume(struct control_session *s)
{
	if (s->held.path) {
		struct desk_file file =
			describe(s, s->held.file, span_of(s->held.path, s->held.path_len),
				 s->held.bytes, s->held.fd);
		uint8_t *path = s->held.path;

		s->held.path = NULL;
		wait_for(s, AWAITING_NOTHING);
		submit(s, &file);
		free(path);
		return;
	}
	wait_for(s, AWAITING_NOTHING);
}

/* ---- other requests ---- */

static void hear_hello(struct control_session *s, const struct request *request, int fd)
{
	struct reply message = {.kind = REPLY_HELLO,
				.hello = {.protocol = CONTROL_PROTOCOL_VERSION,
					  .version = AMP_VERSION,
					  .window = SESSION_WINDOW}};

	(void)fd;
	if (request->hello.protocol == CONTROL_PROTOCOL_VERSION) {
		(void)reply(s, &message); /* the session may be gone: nobody to tell */
		return;
	}
	session_refuse(s, REFUSAL_PROTOCOL, "ampcli and ampdaemon are of different versions");
	channel_end(s->channel, -EPROTONOSUPPORT);
}

static void hear_status(struct control_session *s, const struct request *request, int fd)
{
	(void)request;
	(void)fd;
	wait_for(s, AWAITING_STATUS);
	s->host->services->refresh_status(s->host->services->context);
}

void session_status_fresh(struct control_session *s)
{
	struct reply *message;

	if (s->awaiting != AWAITING_STATUS)
		return;
	wait_for(s, AWAITING_NOTHING);
	message = calloc(1, sizeof(*message));
	if (!message) {
		session_refuse(s, REFUSAL_UNAVAILABLE, OUT_OF_MEMORY);
		return;
	}
	message->kind = REPLY_STATUS;
	s->host->services->fill_status(s->host->services->context, &message->status);
	(void)reply(s, message);
	free(message);
}

static void hear_history(struct control_session *s, const struct request *request, int fd)
{
	int r = journal_read(s->host->services->journal, &request->history, s->id,
			     s->host->on_history, s->host->context);

	(void)fd;
	if (r)
		session_refuse(s, REFUSAL_UNAVAILABLE,
			       "too many others read the history; try again");
	else
		wait_for(s, AWAITING_HISTORY);
}

void session_history(struct control_session *s, const struct journal_row *rows, int n)
{
	ssize_t len = session_report_history(rows, n, packet, sizeof(packet));

	if (s->awaiting == AWAITING_HISTORY)
		wait_for(s, AWAITING_NOTHING);
	send_or_refuse(s, len, "the journal cannot be read");
}

static void hear_faults(struct control_session *s, const struct request *request, int fd)
{
	ssize_t len = session_report_faults(s->host->services->faults, request->faults.id, packet,
					    sizeof(packet));

	(void)fd;
	send_or_refuse(s, len,
		       len == -ENOENT ? "there is no fault of this number"
				      : "the faults cannot be told: out of memory");
}

static void hear_unscannable(struct control_session *s, const struct request *request, int fd)
{
	(void)fd;
	send_or_refuse(s,
		       session_report_unscannable(
			       desk_unscannable(s->host->services->desk), request->unscannable.from,
			       request->unscannable.limit, packet, sizeof(packet)),
		       OUT_OF_MEMORY);
}

static void say_done(struct control_session *s, const char *text)
{
	struct reply message = {.kind = REPLY_DONE, .done = {.text = text}};

	(void)reply(s, &message); /* the session may be gone: nobody to tell */
}

static void hear_restart(struct control_session *s, const struct request *request, int fd)
{
	const struct control_services *services = s->host->services;
	char error[LIMIT_REASON_BYTES + 1] = "";

	(void)request;
	(void)fd;
	if (services->restart(services->context, error, sizeof(error)))
		session_refuse(s, REFUSAL_STATE, error);
	else
		say_done(s, "the daemon restarts in place");
}

static void hear_recheck(struct control_session *s, const struct request *request, int fd)
{
	(void)request;
	(void)fd;
	s->host->services->recheck(s->host->services->context);
	say_done(s, "account, directories, executable and definitions are looked at again");
}

/* Definitions are tried; nothing else is read meanwhile. */
static void hear_definitions(struct control_session *s, const struct request *request, int fd)
{
	char why[LIMIT_REASON_BYTES + 1] = "";

	if (session_definitions_hear(s->host->services, s->id, request, fd, why))
		session_refuse(s, REFUSAL_STATE, why);
	else if (request->kind == REQUEST_CHECK_BEGIN)
		say_done(s, "files of definitions are taken");
	else if (session_definitions_waits(request->kind))
		wait_for(s, AWAITING_VERDICT);
}

void session_verdict(struct control_session *s, const struct reply *verdict)
{
	if (s->awaiting != AWAITING_VERDICT)
		return;
	wait_for(s, AWAITING_NOTHING);
	(void)reply(s, verdict); /* the session may be gone: nobody to tell */
}

void session_progress(struct control_session *s, const struct reply *progress)
{
	if (s->awaiting == AWAITING_VERDICT && !channel_queued(s->channel))
		(void)reply(s, progress); /* as above */
}

static void hear_generations(struct control_session *s, const struct request *request, int fd)
{
	(void)request;
	(void)fd;
	send_or_refuse(s, session_definitions_list(s->host->services, packet, sizeof(packet)),
		       OUT_OF_MEMORY);
}

static void hear_scan_begin(struct control_session *s, const struct request *request, int fd)
{
	(void)fd;
	if (s->scan.counts.scan)
		put_out(s, "a scan within a scan");
	else
		begin_scan(s, request);
}

static void hear_scan_end(struct control_session *s, const struct request *request, int fd)
{
	(void)fd;
	session_scan_ask_end(&s->scan, request->scan_end.not_scanned, request->scan_end.stopped);
	end_when_due(s);
}

/* Who may ask for what. Which come with a descriptor: wire/session_rules.h. */
static const struct request_row {
	void (*hear)(struct control_session *s, const struct request *request, int fd);
	bool root_only;
} request_rows[] = {
	[REQUEST_HELLO] = {hear_hello, false},
	[REQUEST_STATUS] = {hear_status, false},
	[REQUEST_SCAN_BEGIN] = {hear_scan_begin, false},
	[REQUEST_SCAN_FILE] = {hear_file, false},
	[REQUEST_SCAN_END] = {hear_scan_end, false},
	[REQUEST_HISTORY] = {hear_history, false},
	[REQUEST_FAULTS] = {hear_faults, false},
	[REQUEST_RESTART] = {hear_restart, true},
	[REQUEST_RECHECK] = {hear_recheck, true},
	[REQUEST_UNSCANNABLE] = {hear_unscannable, false},
	[REQUEST_CHECK_BEGIN] = {hear_definitions, true},
	[REQUEST_CHECK_FILE] = {hear_definitions, true},
	[REQUEST_CHECK_END] = {hear_definitions, true},
	[REQUEST_GENERATIONS] = {hear_generations, false},
	[REQUEST_ROLLBACK] = {hear_definitions, true},
	[REQUEST_UPDATE] = {hear_definitions, true},
};

static void hear(struct control_session *s, const struct request *request, int fd)
{
	const struct request_row *row = &request_rows[request->kind];

	if (!row->root_only || s->peer.uid == 0) {
		row->hear(s, request, fd);
		return;
	}
	late_close(fd);
	session_refuse(s, REFUSAL_NOT_PERMITTED, "only root may ask for this");
}

static void on_packet(void *context, const void *bytes, size_t len, const struct packet_meta *meta)
{
	struct control_session *s = context;
	struct request request;
	const char *why = "";

	if (request_decode(s->host->arena, bytes, len, &request, &why) ||
	    session_admit(&s->rules, request.kind, meta->fd >= 0, &why)) {
		late_close(meta->fd);
		put_out(s, why);
		return;
	}
	hear(s, &request, meta->fd);
}

static void on_end(void *context, int error)
{
	struct control_session *s = context;

	if (error == -EPROTO || error == -EMSGSIZE)
		put_out(s, error == -EPROTO ? "a packet with too many descriptors"
					    : "a packet that is too long");
	else
		s->host->on_end(s->host->context, s, false);
}

static void on_drained(void *context)
{
	set_reading(context);
}

static const struct channel_callbacks session_callbacks = {
	.on_packet = on_packet, .on_end = on_end, .on_drained = on_drained};

/* ---- life ---- */

struct control_session *session_new(uv_loop_t *loop, int socket, uint64_t id,
				    const struct peer *peer, const struct session_host *host)
{
	struct control_session *s = calloc(1, sizeof(*s));

	if (!s) {
		close(socket);
		return NULL;
	}
	s->channel = channel_new(loop, socket, &session_callbacks, s, SESSION_QUEUE_BYTES);
	if (!s->channel) {
		free(s);
		return NULL;
	}
	s->host = host;
	s->id = id;
	s->peer = *peer;
	s->born = clock_mono_ms();
	s->unread_since = MONO_NEVER;
	session_init(&s->rules, &rules_request);
	return s;
}

struct control_session *session_free(struct control_session *s)
{
	if (!s)
		return NULL;
	desk_cancel(s->host->services->desk, s->id);
	session_definitions_cancel(s->host->services, s->id);
	if (s->scan.counts.scan) { /* the client left in the middle of it */
		uint32_t unanswered = s->scan.under_way + (s->held.path != NULL);

		s->scan.counts.not_scanned += unanswered;
		s->scan.counts.files += unanswered;
		end_scan(s, false);
	}
	drop_held(s);
	wait_for(s, AWAITING_NOTHING);
	channel_free(s->channel);
	free(s);
	return NULL;
}

/* What waits in the queue of the channel is lost to the client; it asks again. */
bool session_hand_over(struct control_session *s, const char *reason,
		       struct scan_handover *ret_scan)
{
	struct reply message = {.kind = REPLY_RECONNECT, .reconnect = {.reason = reason}};
	ssize_t len = reply_encode(&message, packet, sizeof(packet));

	if (len > 0)
		(void)packet_send(channel_socket(s->channel), packet, (size_t)len, -1,
				  MSG_DONTWAIT); /* it sees the end anyway */
	packet_discard(channel_socket(s->channel), SESSION_WINDOW + 1);
	if (!s->scan.counts.scan)
		return false;
	*ret_scan = (struct scan_handover){.counts = s->scan.counts, .began = s->scan.began};
	s->scan.counts.scan = 0; /* it goes on without this session */
	return true;
}

void session_check(struct control_session *s, mono_ms now)
{
	if (s->rules.phase == REQUEST_PHASE_NEW && now - s->born > CONTROL_HELLO_MS)
		channel_end(s->channel, -ETIMEDOUT);
	if (!channel_queued(s->channel))
		s->unread_since = MONO_NEVER;
	else if (s->unread_since == MONO_NEVER)
		s->unread_since = now;
	else if (now - s->unread_since > CONTROL_UNREAD_MS)
		channel_end(s->channel, -ETIMEDOUT);
}

bool session_is_scanning(const struct control_session *s)
{
	return s->scan.counts.scan != 0;
}

uint32_t session_uid(const struct control_session *s)
{
	return s->peer.uid;
}

uint64_t session_id(const struct control_session *s)
{
	return s->id;
}
