/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walls: the names of the sandbox's walls and the states they can be in. Owns the lists; ampscansvc/walls.c builds and
 * tries them, the daemon and ampcli only show them. The wire carries the numbers: append only.
 */
#ifndef AMP_SHARED_BASE_WALLS_H
#define AMP_SHARED_BASE_WALLS_H

#include "base/name_table.h"

/* member, name, what it promises */
#define WALL_LIST(X)                                                                               \
	X(WALL_USER, "user", "own user and group, no supplementary groups")                        \
	X(WALL_CAPABILITIES, "capabilities", "no capability in any set")                           \
	X(WALL_NO_NEW_PRIVS, "no-new-privs", "no program can give rights back")                    \
	X(WALL_NOT_DUMPABLE, "not-dumpable", "no core dump, no look from outside")                 \
	X(WALL_NET_NAMESPACE, "net-namespace", "no network interface")                             \
	X(WALL_IPC_NAMESPACE, "ipc-namespace", "no shared memory or queues of others")             \
	X(WALL_UTS_NAMESPACE, "uts-namespace", "no host name")                                     \
	X(WALL_MOUNT_NAMESPACE, "mount-namespace", "no mount of the host")                         \
	X(WALL_PID_NAMESPACE, "pid-namespace", "no process of the host; all end with the parent")  \
	X(WALL_EMPTY_ROOT, "empty-root", "the root is an empty read-only tree")                    \
	X(WALL_PRIVATE_TEMP, "private-temp", "own bounded temporary storage")                      \
	X(WALL_LANDLOCK, "landlock", "files only below the own temporary storage")                 \
	X(WALL_SECCOMP, "seccomp", "a system call outside the list kills")                         \
	X(WALL_NO_EXEC_MEMORY, "no-exec-memory", "memory cannot become executable")                \
	X(WALL_LIMITS, "limits", "resource limits")                                                \
	X(WALL_ENVIRONMENT, "environment", "no environment variables")                             \
	X(WALL_DESCRIPTORS, "descriptors", "no descriptor but its channels")

enum wall_id { WALL_LIST(NAME_TABLE_MEMBER) WALL_COUNT };

#define WALL_STATE_LIST(X)                                                                         \
	X(WALL_STATE_UNKNOWN, "unknown")                                                           \
	X(WALL_STATE_UP, "up")             /* built, and an attempt against it failed */           \
	X(WALL_STATE_MISSING, "missing")   /* this kernel or set-up has no such wall */            \
	X(WALL_STATE_BREACHED, "breached") /* built, but the attempt succeeded */

enum wall_state { WALL_STATE_LIST(NAME_TABLE_MEMBER) WALL_STATE_COUNT };

const char *wall_name(unsigned wall);
const char *wall_state_name(unsigned state);

#endif
