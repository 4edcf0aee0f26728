/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_client: the half that the clients of all servers measured have in common, so that all pay the same: N sessions, one
 * thread each, which take the next file of one list, open it, send its descriptor, and keep up to `depth` files under way.
 *
 *   PROGRAM --socket PATH --list FILE [--sessions N] [--depth N] [--verdicts FILE]
 *
 * Owns threads, clock and report. Must not own a protocol: that is struct scan_protocol of the program.
 * Diagnostics: exit 1 with one line on stderr when a session fails; a run is whole or it is nothing.
 */
#ifndef AMP_TESTS_BENCH_SCAN_CLIENT_H
#define AMP_TESTS_BENCH_SCAN_CLIENT_H

#include <stdint.h>

#include "base/verdict.h"

#define SCAN_CLIENT_DEPTH_MAX 256
#define SCAN_CLIENT_SESSIONS_MAX 64

struct scan_protocol {
	const char *name;

	/* A session ready for files; NULL with errno set. */
	void *(*open)(const char *socket);

	/* Sends the file as number `serial` of this session (1, 2, 3...). `fd` stays the caller's. 0 or -errno. */
	int (*submit)(void *session, uint64_t serial, int fd, const char *path);

	/* Waits for one answer. 0 or -errno. */
	int (*answer)(void *session, uint64_t *ret_serial, enum verdict *ret_verdict);

	/* After the last answer. */
	void (*close)(void *session);
};

int scan_client_main(const struct scan_protocol *protocol, int argc, char **argv);

#endif
