/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile_session: one connection to the control socket, from below the rules: what an honest client says, for those who
 * then stop being honest. Owns nothing but the encoding; sockets are the caller's.
 */
#ifndef AMP_TESTS_SUPPORT_HOSTILE_SESSION_H
#define AMP_TESTS_SUPPORT_HOSTILE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/control_codec.h"

/* A connected socket; ends the process when there is no daemon. */
int session_connect(const char *path);

/* 0 or -errno. */
int session_hello(int socket);
int session_begin(int socket);
int session_file(int socket, uint64_t number, const char *path, int fd);
int session_end(int socket);
int session_say(int socket, const struct request *request, int fd);

/* The next reply: 1; 0 at the end of the session; -ETIMEDOUT when nothing came in time. */
int session_hear(int socket, int timeout_ms, struct reply *ret_reply);

int64_t session_clock_ms(void);

/* Loads, see hostile_client.c; each prints one line of figures and returns an exit status. */
int scan_many(const char *path, unsigned sessions, unsigned files, const char *file);
int scan_hold(const char *path, unsigned sessions, unsigned seconds);
int scan_unread(const char *path, unsigned files, const char *file);
int scan_moved(const char *path, unsigned times, const char *file);
int scan_flood(const char *path, unsigned files, const char *file);

/* Lies about definitions, see hostile_client.c: an exit status, or -1 when it is none of them. */
int definitions_lie(int argc, char **argv);

#endif
