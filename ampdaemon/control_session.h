/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control_session: one client of the control socket: what it may say now, what it has under way, what it is answered.
 *
 * Owns: the channel, the rule state, the counts of its scan, at most one file that waits for room. Must not own files that the
 * desk has taken. A client that breaks the protocol, floods past its window or does not read is put out.
 */
#ifndef AMP_AMPDAEMON_CONTROL_SESSION_H
#define AMP_AMPDAEMON_CONTROL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/control_server.h"
#include "io/peer.h"

#define SESSION_WINDOW 64               /* files under way */
#define SESSION_QUEUE_BYTES (96u << 10) /* a history page and a window of results */

struct control_session;

struct session_host {
	const struct control_services *services;
	struct wire_arena *arena; /* shared: a packet is consumed before the next is decoded */
	uint64_t *next_scan;      /* numbers of scans */
	uint32_t *n_waiting;      /* sessions that wait for room */
	void *context;
	void (*on_end)(void *context, struct control_session *session, bool violated);
	void (*on_scan_ended)(void *context);
	/* A scan of `uid` whose client is away: true, and it is the session's. The label is valid during the turn. */
	bool (*take_scan)(void *context, uint64_t number, uint32_t uid,
			  struct scan_handover *ret_scan);
	journal_read_fn *on_history; /* its token is the session's number */
};

/* Takes `socket`. NULL when there is no memory. */
struct control_session *session_new(uv_loop_t *loop, int socket, uint64_t id,
				    const struct peer *peer, const struct session_host *host);
struct control_session *session_free(struct control_session *session);

/* Tells the client why not. */
void session_refuse(struct control_session *session, enum refusal_code code, const char *reason);

void session_result(struct control_session *session, struct span path,
		    const struct file_result *result);

/* True when it waits for room on the desk; session_resume() tries again. */
bool session_waits_for_room(const struct control_session *session);
void session_resume(struct control_session *session);

void session_status_fresh(struct control_session *session);
void session_verdict(struct control_session *session, const struct reply *verdict);
void session_progress(struct control_session *session, const struct reply *progress);
void session_history(struct control_session *session, const struct journal_row *rows, int n);

/* Its last word: connect again. True: it had a scan, which is the caller's now (its label: until session_free(), which comes next). */
bool session_hand_over(struct control_session *session, const char *reason,
		       struct scan_handover *ret_scan);

/* Housekeeping: ends a session that has been silent before hello, or has not read, for too long. */
void session_check(struct control_session *session, mono_ms now);

bool session_is_scanning(const struct control_session *session);
uint32_t session_uid(const struct control_session *session);
uint64_t session_id(const struct control_session *session);

#endif
