/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/scan_account.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>

#include "io/log.h"

struct scan_account scan_account_find(const char *name)
{
	const struct passwd *user = getpwnam(name);
	const struct group *group = getgrnam(name);
	bool no_user = !user || user->pw_uid == 0;

	if (no_user || !group || group->gr_gid == 0) {
		log_error(
			"%s %s does not exist or is root's; the scan service runs as root behind all "
			"its other walls: create user and group %s",
			no_user ? "user" : "group", name, name);
		return (struct scan_account){.missing = true};
	}
	return (struct scan_account){.uid = user->pw_uid, .gid = group->gr_gid};
}
