/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_account: which user and group the scan service is to run as. Asks the account database, which
 * may read files or a network: to be called at births only.
 */
#ifndef AMP_AMPDAEMON_SCAN_ACCOUNT_H
#define AMP_AMPDAEMON_SCAN_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct scan_account {
	bool missing; /* user or group does not exist, or is root's: uid and gid are 0 then */
	uint32_t uid, gid;
};

/* Looks up user and group `name`. Without them the service runs as root behind all its other walls, and
 * the log says so at every birth. */
struct scan_account scan_account_find(const char *name);

#endif
