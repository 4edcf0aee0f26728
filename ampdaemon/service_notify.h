/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * service_notify: what systemd is told, when it is there: ready, status line, watchdog, stopping. The only file that knows
 * libsystemd; without the library or without systemd everything here is a no-op that succeeds.
 */
#ifndef AMP_AMPDAEMON_SERVICE_NOTIFY_H
#define AMP_AMPDAEMON_SERVICE_NOTIFY_H

#include <stdint.h>

void service_notify_ready(const char *status);
void service_notify_status(const char *status);
void service_notify_stopping(void);
void service_notify_watchdog(void);

/* How often the watchdog wants to be fed, half of what systemd allows; 0: not at all. */
uint64_t service_notify_watchdog_ms(void);

#endif
