/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/atomic_file.h"

int peer_of_socket(int socket, struct peer *ret_peer)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &len))
		return -errno;
	*ret_peer = (struct peer){
		.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid};
	return 0;
}

int peer_pidfd(int socket, int64_t pid)
{
	struct pollfd poller = {.fd = socket};
	int fd;

	if (pid <= 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd < 0)
		return -errno;
	if (poll(&poller, 1, 0) != 0) { /* POLLHUP or POLLERR: nothing else was asked for */
		close(fd);
		return -ESRCH;
	}
	return fd;
}

/* A number of /proc/PID/status; `otherwise` when there is none. */
static uint64_t status_number(int64_t pid, const char *name, uint64_t otherwise)
{
	char path[40], text[4096];
	const char *line;

	(void)snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
	if (pid <= 0 || atomic_file_read(path, text, sizeof(text)) < 0)
		return otherwise;
	line = strstr(text, name);
	return line ? strtoull(line + strlen(name), NULL, 10) : otherwise;
}

int64_t peer_parent_of_process(int64_t pid)
{
	return (int64_t)status_number(pid, "\nPPid:", 0);
}

uint32_t peer_uid_of_process(int64_t pid)
{
	return (uint32_t)status_number(pid, "\nUid:", UINT32_MAX);
}

uint32_t peer_gid_of_process(int64_t pid)
{
	return (uint32_t)status_number(pid, "\nGid:", UINT32_MAX);
}
