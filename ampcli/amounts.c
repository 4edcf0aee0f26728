/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampcli/amounts.h"

#include <stdio.h>
#include <time.h>

char *amount_of_bytes(uint64_t bytes, char out[AMOUNT_TEXT])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024.0;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(out, AMOUNT_TEXT, "%u B", (unsigned)bytes);
		return out;
	}
	/* 1023.95 would be shown as 1024.0 */
	while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024.0;
		unit++;
	}
	(void)snprintf(out, AMOUNT_TEXT, "%.1f %s", value, units[unit]);
	return out;
}

char *amount_of_time(uint64_t ms, char out[AMOUNT_TEXT])
{
	unsigned long long s = ms / 1000;

	if (s < 60)
		(void)snprintf(out, AMOUNT_TEXT, "%.1f s", (double)ms / 1000.0);
	else if (s < 3600)
		(void)snprintf(out, AMOUNT_TEXT, "%llu min %llu s", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(out, AMOUNT_TEXT, "%llu h %llu min", s / 3600, s / 60 % 60);
	else
		(void)snprintf(out, AMOUNT_TEXT, "%llu d %llu h", s / 86400, s / 3600 % 24);
	return out;
}

char *amount_of_utc(uint64_t utc_ms, char out[AMOUNT_TEXT])
{
	time_t seconds = (time_t)(utc_ms / 1000);
	struct tm tm;

	if (utc_ms == 0)
		(void)snprintf(out, AMOUNT_TEXT, "never");
	else if (!gmtime_r(&seconds, &tm) ||
		 strftime(out, AMOUNT_TEXT, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(out, AMOUNT_TEXT, "unknown");
	return out;
}
