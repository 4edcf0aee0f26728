/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan_account: may the scan service run as its own user? Looks at user and group in the account database and says exactly what is not as
 * installed (spec faults.md, 5); makes the account where that is allowed. Asks the account database, which may read files or a
 * network: at births and rechecks only.
 *
 * Sound is: user and group of that name exist; neither uid nor gid is 0; the user's primary group is the group; no login shell (nologin or
 * false); a member of no other group; no other user has the uid.
 */
#ifndef AMP_AMPDAEMON_SCAN_ACCOUNT_H
#define AMP_AMPDAEMON_SCAN_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan_account {
	bool unsound; /* uid and gid are 0 then: the service runs as root behind its other walls */
	uint32_t uid, gid;
};

/* `detail`: what is wrong with found and expected value, "" when the account is sound. */
struct scan_account scan_account_find(const char *name, char *detail, size_t size);

/* Makes what is missing of group and user with groupadd(8) and useradd(8), 10 seconds at most; never changes what is there. 0; or
 * -errno with one sentence in `detail`: which command, its exit status, what USERGROUPS_ENAB of /etc/login.defs has to do with it. */
int scan_account_create(const char *name, char *detail, size_t size);

#endif
