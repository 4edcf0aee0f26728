/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * overseer: the tiny parent of `ampdaemon --supervised`. Starts the daemon, starts it again when it ends or hangs, and does nothing else.
 * For systems without systemd, whose unit does the same.
 *
 * Owns: one child, its pidfd, the socket of its heartbeat. Must not own threads, a loop library, files, or anything that a daemon knows.
 * Rules: the child's end starts the next after 100 ms, doubling to 10 s, reset after 60 s of life. The end is final when the child
 * ended with 0 or was told to end (SIGTERM, SIGINT), and when no new start can help: EXIT_USAGE, EXIT_CONFIGURATION. No heartbeat for
 * `hang_limit` seconds: SIGABRT, 5 s later SIGKILL. SIGTERM, SIGINT and SIGHUP are forwarded. When the overseer dies the daemon goes on.
 * Diagnostics: a line each on standard error.
 */
#ifndef AMP_AMPDAEMON_OVERSEER_H
#define AMP_AMPDAEMON_OVERSEER_H

#define OVERSEER_HEARTBEAT "AMP_HEARTBEAT" /* in the environment: number of the child's end */
#define OVERSEER_HANG_LIMIT 30             /* seconds */
#define EXIT_USAGE 64
#define EXIT_CONFIGURATION 78 /* EX_CONFIG of sysexits.h */

/* Runs this program with `arguments` (first its name, NULL at the end) until its end is final; its exit status, 128 + the
 * signal when one ended it. */
int overseer_run(char *const *arguments, unsigned hang_limit);

#endif
