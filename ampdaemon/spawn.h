/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spawn: the birth of a scan service: clone, descriptors, exec. What the newborn is given is base/birth_contract.h.
 * Knows no loop and no state machine; the supervisor owns what comes out.
 */
#ifndef AMP_AMPDAEMON_SPAWN_H
#define AMP_AMPDAEMON_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

struct spawn_order {
	const char *program; /* an executable of root that nobody else may write */
	int channel;         /* the service's end of the service channel */
	int builtin;         /* directory */
	int definitions;     /* directory, or -1 */
};

struct spawned {
	pid_t pid;
	int pidfd; /* becomes readable when it has ended; the caller's to close */
};

/*
 * Starts the program in a pid namespace of its own where the kernel allows, else without. All descriptors stay the caller's. 0, or
 * -errno with one sentence in `ret_error`. A failure of exec itself is told here too, not as an exit status. Waits for the exec, 5
 * seconds at most; -ETIMEDOUT may leave a process behind that SIGKILL did not end. After low_fds_reserve().
 */
int spawn_service(const struct spawn_order *order, struct spawned *ret_spawned, char *ret_error,
		  size_t size);

#endif
