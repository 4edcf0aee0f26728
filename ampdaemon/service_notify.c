/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/service_notify.h"

#if AMP_HAVE_SYSTEMD

#include <systemd/sd-daemon.h>

/* Results are ignored on purpose: without systemd there is nobody to tell, and nothing depends on it. */
void service_notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void service_notify_status(const char *status)
{
	(void)sd_notifyf(0, "STATUS=%s", status);
}

void service_notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

void service_notify_watchdog(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

uint64_t service_notify_watchdog_ms(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec / 2000 : 0;
}

#else

void service_notify_ready(const char *status)
{
	(void)status;
}

void service_notify_status(const char *status)
{
	(void)status;
}

void service_notify_stopping(void)
{
}

void service_notify_watchdog(void)
{
}

uint64_t service_notify_watchdog_ms(void)
{
	return 0;
}

#endif
