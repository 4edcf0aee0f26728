/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/privilege.h"

#include <linux/capability.h>
#include <stddef.h>

#include "io/capabilities.h"
#include "io/log.h"

static const struct {
	int capability;
	const char *name;
	const char *reason;
} kept[] = {
	{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "namespaces and mounts of the scan service"},
	{CAP_SETUID, "CAP_SETUID", "the scan service becomes its own user"},
	{CAP_SETGID, "CAP_SETGID", "the scan service becomes its own group and leaves all others"},
	{CAP_SETPCAP, "CAP_SETPCAP", "the scan service empties its bounding set"},
	{CAP_KILL, "CAP_KILL",
	 "a worker that misses its deadline is ended; it runs as another user"},
	{CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH",
	 "a private tree or definitions below a directory that is closed to others"},
	{CAP_CHOWN, "CAP_CHOWN", "groupadd and useradd: shadow files that belong to group shadow"},
	{CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE",
	 "groupadd and useradd: shadow files of mode 0000 are written"},
	{CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "the memory of workers, for the status"},
};

int privilege_cut(void)
{
	enum { N_KEPT = sizeof(kept) / sizeof(kept[0]) };
	int list[N_KEPT];
	int missing, r;

	for (size_t i = 0; i < N_KEPT; i++)
		list[i] = kept[i].capability;
	r = capabilities_keep(list, N_KEPT, &missing);
	if (r) {
		log_error("capabilities cannot be reduced to the daemon's list; it does not start");
		return r;
	}
	for (size_t i = 0; i < N_KEPT; i++) {
		if (kept[i].capability == missing)
			log_warning("%s is not available to the daemon; without it fails: %s",
				    kept[i].name, kept[i].reason);
	}
	return 0;
}
