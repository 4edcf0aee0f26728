/* SPDX-License-Identifier: GPL-2.0-only */
/* peer: who is at the other end of a connected AF_UNIX socket, as the kernel says. Nothing of it comes from a message. */
#ifndef AMP_SHARED_IO_PEER_H
#define AMP_SHARED_IO_PEER_H

#include <stdbool.h>
#include <stdint.h>

struct peer {
	uint32_t uid, gid;
	int32_t pid; /* at the time of connect(2); 0 when outside our pid namespace */
};

/* 0 or -errno. */
int peer_of_socket(int socket, struct peer *ret_peer);

/*
 * A pidfd for the process that sent a packet on `socket` and whose pid the kernel gave as `pid` (SO_PASSCRED). That
 * process holds the other end, alone: as long as the socket is not hung up *after* pidfd_open(2), the pid cannot have
 * passed to another process before it. Close-on-exec; -ESRCH when the process is gone; or -errno.
 */
int peer_pidfd(int socket, int64_t pid);

/* The parent of a process, 0 when either is not there. */
int64_t peer_parent_of_process(int64_t pid);

/* The real uid and gid of a process, UINT32_MAX when it is not there. From its status file: the directory belongs to
 * root when the process is not dumpable. */
uint32_t peer_uid_of_process(int64_t pid);
uint32_t peer_gid_of_process(int64_t pid);

/* Is a process gone, or its first thread? One whose other threads the kernel holds (in a close that a stranger's file system does not
 * answer) does not come to its end, and nobody can wait for it; but it is dead. */
bool peer_has_ended(int64_t pid);

#endif
