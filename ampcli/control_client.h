/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control_client: a session with ampdaemon over its control socket. Owns the socket, the handshake, the rule book of the
 * session and the sentence that a person gets when any of them fails. Must not know what the requests are for.
 *
 * A socket that is served by somebody who is neither root nor us is not talked to: we hand over open files.
 */
#ifndef AMP_AMPCLI_CONTROL_CLIENT_H
#define AMP_AMPCLI_CONTROL_CLIENT_H

#include "ampcli/failure.h"
#include "base/mono.h"
#include "wire/control_codec.h"

struct control_client;

/* 0, or -1 with the reason in *ret_failure. */
int control_client_open(const char *socket_path, struct control_client **ret_client,
			struct failure *ret_failure);

/* How long the hello and each control_client_ask() of a session may take beside their own limit. */
struct client_patience {
	mono_ms limit; /* monotonic */
	int stop_fd;   /* readable: no longer; -1: none */
};

int control_client_open_within(const char *socket_path, const struct client_patience *patience,
			       struct control_client **ret_client, struct failure *ret_failure);
struct control_client *control_client_free(struct control_client *client);

/* What the daemon said in its hello. */
unsigned control_client_window(const struct control_client *client);
const char *control_client_peer_version(const struct control_client *client);

/* For poll(2). */
int control_client_fd(const struct control_client *client);

/* Never waits. 0, -EAGAIN (the daemon's queue is full), or another -errno: the connection is lost. `fd` stays the caller's. */
int control_client_send(struct control_client *client, const struct request *request, int fd);

/* Never waits. 1 and a reply (valid until the next call), 0 when there is none yet; -ECONNRESET when the connection is
 * lost, -EBADMSG when the daemon broke the protocol; then *ret_failure says so. */
int control_client_receive(struct control_client *client, struct reply *ret_reply,
			   struct failure *ret_failure);

/* One request, its one reply of kind `kind`, within a limit. 0, or -1 with the reason in *ret_failure. */
int control_client_ask(struct control_client *client, const struct request *request,
		       enum reply_kind kind, struct reply *ret_reply, struct failure *ret_failure);

/* The failure that a refusal means. Returns -1. */
int control_client_refused(const struct reply *reply, struct failure *ret_failure);

/* The failure that a daemon which asks to reconnect means. Returns -1. */
int control_client_leaving(const struct reply *reply, struct failure *ret_failure);

#endif
