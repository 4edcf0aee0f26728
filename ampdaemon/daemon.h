/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * daemon: the composition. Builds every object, connects their callbacks, owns the loop, starts and stops in order. Decides
 * nothing that has a core of its own.
 *
 * Start: pid file lock, journal, capabilities cut, supervisor, desk, control socket, ready (to systemd: when the scan
 * service is up or has failed its first start; the control socket answers before that).
 * Stop (SIGTERM, SIGINT): no new sessions, running jobs get DAEMON_DRAIN_MS, all others are answered; then the service, the
 * journal, the pid file.
 */
#ifndef AMP_AMPDAEMON_DAEMON_H
#define AMP_AMPDAEMON_DAEMON_H

#include "ampdaemon/configuration.h"

#define DAEMON_DRAIN_MS 10000

/* Runs until it is told to stop. The exit status of the program. */
int daemon_run(const struct configuration *configuration);

#endif
