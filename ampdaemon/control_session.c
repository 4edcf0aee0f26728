/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/control_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "io/channel.h"
#include "io/clock.h"
#include "io/fd_kind.h"
#include "io/late_close.h"
#include "io/log.h"
#include "wire/session_rules.h"

enum awaiting { AWAITING_NOTHING, AWAITING_ROOM, AWAITING_STATUS, AWAITING_HISTORY };

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

	/* The scan under way, if any. */
	struct scan_counts counts;
	char label[LIMIT_LABEL_BYTES];
	mono_ms scan_began;
	uint64_t last_file;
	uint32_t under_way;
	bool end_asked, end_stopped;
	uint64_t end_not_scanned;
	struct held_file held; /* .path NULL: none */
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

/* False when the session is gone after it: the client does not read. */
static bool reply(struct control_session *s, const struct reply *message)
{
	static uint8_t packet[LIMIT_PACKET_BYTES]; /* of the loop thread */
	ssize_t len = reply_encode(message, packet, sizeof(packet));
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

void session_refuse(struct control_session *s, enum refusal_code code, const char *reason)
{
	struct reply message = {.kind = REPLY_REFUSAL, .refusal = {.code = code, .reason = reason}};

	(void)reply(s, &message); /* the session may be gone: nobody to tell */
}

/* ---- the scan ---- */

static void record_scan(const struct control_session *s, uint32_t type)
{
	struct event event = {.type = type, .body = EVENT_BODY_SCAN, .scan = s->counts};

	journal_record(s->host->services->journal, &event);
}

static void begin_scan(struct control_session *s, struct span label)
{
	struct reply message = {.kind = REPLY_SCAN_BEGUN};

	if (label.len)
		memcpy(s->label, label.data, label.len);
	s->counts = (struct scan_counts){
		.scan = ++*s->host->next_scan,
		.uid = s->peer.uid,
		.pid = (uint32_t)s->peer.pid,
		.label = span_of(s->label, label.len),
	};
	s->scan_began = clock_mono_ms();
	s->last_file = 0;
	s->end_asked = s->end_stopped = false;
	record_scan(s, EVENT_SCAN_STARTED);
	message.scan_begun.scan = s->counts.scan;
	(void)reply(s, &message);
}

static uint32_t type_of_end(const struct control_session *s, bool whole)
{
	const struct scan_counts *c = &s->counts;

	if (c->infected)
		return EVENT_SCAN_COMPLETED_DETECTIONS;
	if (!whole)
		return EVENT_SCAN_FAILED;
	if (c->incomplete || c->error || c->failed || c->not_scanned)
		return EVENT_SCAN_INCOMPLETE;
	return EVENT_SCAN_COMPLETED_CLEAN;
}

static void end_scan(struct control_session *s, bool whole)
{
	s->counts.not_scanned += s->end_not_scanned;
	s->counts.files += s->end_not_scanned;
	s->counts.ms = (uint64_t)(clock_mono_ms() - s->scan_began);
	record_scan(s, type_of_end(s, whole));
	s->end_asked = false;
	s->host->on_scan_ended(s->host->context);
}

/* The summary comes when the last answer has gone out. */
static void end_when_due(struct control_session *s)
{
	struct reply message = {.kind = REPLY_SCAN_SUMMARY};

	if (!s->end_asked || s->under_way || s->held.path)
		return;
	end_scan(s, !s->end_stopped);
	message.scan_summary = s->counts;
	s->counts.scan = 0;
	(void)reply(s, &message);
}

static void count(struct scan_counts *counts, const struct file_result *result)
{
	counts->files++;
	counts->bytes += result->bytes;
	switch (result->verdict) {
	case VERDICT_CLEAN:
		counts->clean++;
		break;
	case VERDICT_INFECTED:
		counts->infected++;
		break;
	case VERDICT_INCOMPLETE:
		counts->incomplete++;
		break;
	case VERDICT_FAILED:
		counts->failed++;
		break;
	case VERDICT_NOT_SCANNED:
		counts->not_scanned++;
		break;
	case VERDICT_ERROR:
	case VERDICT_NONE:
	case VERDICT_COUNT:
		counts->error++;
		break;
	}
}

static void record_threat(struct control_session *s, struct span path,
			  const struct file_result *result)
{
	struct event event = {.type = EVENT_THREAT_DETECTED, .body = EVENT_BODY_THREAT};
	char shown[1024];

	event.threat.scan = s->counts.scan;
	event.threat.path = path;
	event.threat.n_threats = result->n_threats;
	memcpy(event.threat.threats, result->threats, sizeof(result->threats));
	event.threat.generation = result->generation;
	event.threat.bytes = result->bytes;
	journal_record(s->host->services->journal, &event);
	log_warning("threat %s found in %s (scan %llu of user %u)", result->threats[0],
		    text_escape(path, shown, sizeof(shown)), (unsigned long long)s->counts.scan,
		    s->peer.uid);
}

void session_result(struct control_session *s, struct span path, const struct file_result *result)
{
	struct reply message = {.kind = REPLY_FILE_RESULT, .file_result = *result};

	s->under_way--;
	count(&s->counts, result);
	if (result->verdict == VERDICT_INFECTED)
		record_threat(s, path, result);
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

/* A file that the desk refuses for want of memory is answered: nothing is lost in silence. */
static void answer_unsubmitted(struct control_session *s, const struct desk_file *file)
{
	struct file_result result = {.file = file->file,
				     .verdict = VERDICT_ERROR,
				     .reason = SCAN_REASON_RESOURCE,
				     .detail = "the daemon is out of memory"};

	session_result(s, file->path, &result);
}

static void submit(struct control_session *s, const struct desk_file *file)
{
	s->under_way++;
	if (desk_submit(s->host->services->desk, file))
		answer_unsubmitted(s, file);
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
		s->under_way++;
		answer_unsubmitted(s, file);
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
	struct file_result result = {.file = file->file,
				     .verdict = VERDICT_ERROR,
				     .reason = SCAN_REASON_READ,
				     .detail = "its file system hides it from the daemon"};

	s->under_way++;
	late_close(file->fd);
	session_result(s, file->path, &result);
}

static void hear_file(struct control_session *s, const struct request *request, int fd)
{
	struct desk_file file;
	uint64_t bytes;
	int kind = fd_is_readable_file(fd, &bytes);

	if (kind == -EBADF || kind == -EINVAL || request->scan_file.file <= s->last_file ||
	    s->under_way >= SESSION_WINDOW || s->end_asked) {
		late_close(fd);
		put_out(s, kind ? "a descriptor that is not a regular file opened for reading"
				: "a file out of order or past its window");
		return;
	}
	s->last_file = request->scan_file.file;
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

static void hear_hello(struct control_session *s, uint32_t protocol)
{
	struct reply message = {.kind = REPLY_HELLO,
				.hello = {.protocol = CONTROL_PROTOCOL_VERSION,
					  .version = AMP_VERSION,
					  .window = SESSION_WINDOW}};

	if (protocol == CONTROL_PROTOCOL_VERSION) {
		(void)reply(s, &message);
		return;
	}
	session_refuse(s, REFUSAL_PROTOCOL, "ampcli and ampdaemon are of different versions");
	channel_end(s->channel, -EPROTONOSUPPORT);
}

void session_status_fresh(struct control_session *s)
{
	struct reply *message;

	if (s->awaiting != AWAITING_STATUS)
		return;
	wait_for(s, AWAITING_NOTHING);
	message = calloc(1, sizeof(*message));
	if (!message) {
		session_refuse(s, REFUSAL_UNAVAILABLE, "the daemon is out of memory");
		return;
	}
	message->kind = REPLY_STATUS;
	s->host->services->fill_status(s->host->services->context, &message->status);
	(void)reply(s, message);
	free(message);
}

static void hear_history(struct control_session *s, const struct history_request *request)
{
	int r = journal_read(s->host->services->journal, request, s->id, s->host->on_history,
			     s->host->context);

	if (r)
		session_refuse(s, REFUSAL_UNAVAILABLE,
			       "too many others read the history; try again");
	else
		wait_for(s, AWAITING_HISTORY);
}

static void hear_scan_end(struct control_session *s, const struct request *request)
{
	s->end_asked = true;
	s->end_stopped = request->scan_end.stopped;
	s->end_not_scanned = request->scan_end.not_scanned;
	end_when_due(s);
}

static void hear(struct control_session *s, const struct request *request, int fd)
{
	switch (request->kind) {
	case REQUEST_HELLO:
		hear_hello(s, request->hello.protocol);
		break;
	case REQUEST_STATUS:
		wait_for(s, AWAITING_STATUS);
		s->host->services->refresh_status(s->host->services->context);
		break;
	case REQUEST_SCAN_BEGIN:
		if (s->counts.scan)
			put_out(s, "a scan within a scan");
		else
			begin_scan(s, request->scan_begin.label);
		break;
	case REQUEST_SCAN_FILE:
		hear_file(s, request, fd);
		break;
	case REQUEST_SCAN_END:
		hear_scan_end(s, request);
		break;
	case REQUEST_HISTORY:
		hear_history(s, &request->history);
		break;
	}
}

static void on_packet(void *context, const void *packet, size_t len, const struct packet_meta *meta)
{
	struct control_session *s = context;
	struct request request;
	const char *why = "";

	if (request_decode(s->host->arena, packet, len, &request, &why) ||
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

/* ---- history pages ---- */

/* As many of the events as fit into a packet. */
static void send_page(struct control_session *s, struct event *events, unsigned n, bool more)
{
	static uint8_t packet[LIMIT_PACKET_BYTES]; /* of the loop thread */
	struct reply message = {.kind = REPLY_HISTORY, .history = {.events = events}};
	ssize_t len = -EMSGSIZE;

	for (unsigned fit = n; len == -EMSGSIZE; fit = fit > 1 ? fit - (fit + 3) / 4 : 0) {
		message.history.n_events = fit;
		message.history.more = more || fit < n;
		len = reply_encode(&message, packet, sizeof(packet));
		if (!fit)
			break;
	}
	if (len < 0 || channel_send(s->channel, packet, (size_t)len, -1))
		channel_end(s->channel, -ENOBUFS);
	set_reading(s);
}

/* Rows of our own database: one that does not decode is left out and logged, not a reason to hide the others. */
static unsigned decode_rows(struct wire_arena *arena, const struct journal_row *rows, int n,
			    struct event *events)
{
	unsigned good = 0;
	const char *why;

	for (int i = 0; i < n; i++) {
		if (event_decode_more(arena, rows[i].body, rows[i].len, &events[good], &why)) {
			log_warning("journal row %llu cannot be shown: %s",
				    (unsigned long long)rows[i].sequence, why);
			continue;
		}
		events[good++].sequence = rows[i].sequence;
	}
	return good;
}

void session_history(struct control_session *s, const struct journal_row *rows, int n)
{
	struct event *events = calloc(n > 0 ? (size_t)n : 1, sizeof(*events));
	struct wire_arena *arena = wire_arena_new();

	if (s->awaiting == AWAITING_HISTORY)
		wait_for(s, AWAITING_NOTHING);
	if (n < 0 || !events || !arena)
		session_refuse(s, REFUSAL_UNAVAILABLE, "the journal cannot be read");
	else
		send_page(s, events, decode_rows(arena, rows, n, events),
			  n > 0 && rows[n - 1].sequence > 1);
	free(events);
	wire_arena_free(arena);
}

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
	if (s->counts.scan) { /* the client left in the middle of it */
		uint32_t unanswered = s->under_way + (s->held.path != NULL);

		s->counts.not_scanned += unanswered;
		s->counts.files += unanswered;
		end_scan(s, false);
	}
	drop_held(s);
	wait_for(s, AWAITING_NOTHING);
	channel_free(s->channel);
	free(s);
	return NULL;
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
	return s->counts.scan != 0;
}

uint32_t session_uid(const struct control_session *s)
{
	return s->peer.uid;
}

uint64_t session_id(const struct control_session *s)
{
	return s->id;
}
