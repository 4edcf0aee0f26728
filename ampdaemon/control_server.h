/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control_server: the control socket and its sessions. Accepts, asks the kernel who it is, keeps the quotas, and lets go of
 * clients that never speak or never read.
 *
 * Owns: the listening socket, the table of sessions. Must not own what a session does (control_session) nor the desk.
 * Quotas: CONTROL_SESSIONS in all; a user other than root may have half of them, so that root always gets in.
 */
#ifndef AMP_AMPDAEMON_CONTROL_SERVER_H
#define AMP_AMPDAEMON_CONTROL_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "ampdaemon/definition_desk.h"
#include "ampdaemon/fault_desk.h"
#include "ampdaemon/journal.h"
#include "ampdaemon/scan_desk.h"
#include "wire/control_codec.h"
#include "wire/handover_codec.h"

#define CONTROL_SESSIONS 2048
#define CONTROL_SESSIONS_PER_USER (CONTROL_SESSIONS / 2)
#define CONTROL_HELLO_MS 10000  /* from accept to hello */
#define CONTROL_ADOPT_MS 60000  /* a scan waits so long for its client after a restart in place */
#define CONTROL_UNREAD_MS 60000 /* replies that nobody reads for so long end the session */

struct control_server;

/* What sessions need of the rest of the daemon. */
struct control_services {
	struct scan_desk *desk;
	struct definition_desk *definitions;
	struct journal *journal;
	/* Fills a report; what it points to is valid until the next turn of the loop. */
	void (*fill_status)(void *context, struct status_report *ret_report);
	/* Brings measured figures (memory of workers) up to date; control_server_status_fresh() is called when they are. */
	void (*refresh_status)(void *context);
	/* For root, from `ampcli`. restart: 0, or -errno (-EBUSY: not now) with a sentence in `ret_error`; it happens after the reply, so
	 * it must not begin from within the call. */
	int (*restart)(void *context, char *ret_error, size_t size);
	void (*recheck)(void *context);
	/* Asks the mirrors for `client`: 0 and a verdict follows, or -errno with a sentence. The client is gone. What is known of updates. */
	int (*update)(void *context, uint64_t client, char *ret_why);
	void (*cancel_update)(void *context, uint64_t client);
	void (*fill_updates)(void *context, struct generations_report *ret_report);
	void *context;
	struct fault_desk *faults;
	uint64_t last_scan; /* scans are numbered from here on */
	int listening;      /* of the image before this one; taken. 0: the socket is made */
	uint64_t violations, last_scan_utc_ms; /* of the image before this one */
};

/* Binds `path` (of any length), mode 0666: reading is for everybody, the kernel says who asks. NULL with a sentence in `ret_error`. */
struct control_server *control_server_new(uv_loop_t *loop, const char *path,
					  const struct control_services *services, char *ret_error,
					  size_t size);

/* Restart in place, arriving: a scan whose client is away. It may come back within CONTROL_ADOPT_MS and goes on with ScanBegin.continues;
 * else the scan has failed. Adopt before the loop turns. -ENOMEM, -ENOSPC: it has failed at once. */
int control_server_adopt_scan(struct control_server *server, const struct scan_handover *scan);

/* Restart in place, leaving: each session is told to reconnect and ends; the scans under way, and those that still wait for their
 * client, are left in `scans` (how many is returned; those past `max` end as failed; labels are valid until control_server_free()). Nothing is
 * accepted any more; who connects waits in the socket's backlog for the next image. */
unsigned control_server_hand_over(struct control_server *server, const char *reason,
				  struct scan_handover *scans, unsigned max);

/* The listening socket (stays the server's), what it counted, the last scan's number: for the head of a handover. */
int control_server_socket(const struct control_server *server);
uint64_t control_server_last_scan(const struct control_server *server);

/* It could not be: sessions are accepted again. Scans that were left wait for their clients. */
void control_server_go_on(struct control_server *server);
struct control_server *control_server_free(struct control_server *server);

/* No new sessions; those that are there may be answered. */
void control_server_stop_accepting(struct control_server *server);

/* From the desk. */
void control_server_result(struct control_server *server, uint64_t client, struct span path,
			   const struct file_result *result);
/* From the desks of definitions and updates: the verdict that a client waits for, and how far it is (dropped when it does not read). */
void control_server_verdict(struct control_server *server, uint64_t client,
			    const struct reply *verdict);
void control_server_progress(struct control_server *server, uint64_t client,
			     const struct reply *progress);
void control_server_room(struct control_server *server);

void control_server_status_fresh(struct control_server *server);

struct control_figures {
	uint32_t sessions, scans;
	uint64_t violations;
	uint64_t last_scan_utc_ms;
};
void control_server_figures(const struct control_server *server,
			    struct control_figures *ret_figures);

#endif
