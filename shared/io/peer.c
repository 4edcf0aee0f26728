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

/* What stands behind `name` in /proc/PID/status; NULL when there is none. */
static const char *status_of(int64_t pid, const char *name, char text[4096])
{
	char path[40];
	const char *line;

	(void)snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
	if (pid <= 0 || atomic_file_read(path, text, 4096) < 0)
		return NULL;
	line = strstr(text, name);
	return line ? line + strlen(name) : NULL;
}

static uint64_t status_number(int64_t pid, const char *name, uint64_t otherwise)
{
	char text[4096];
	const char *value = status_of(pid, name, text);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

bool peer_has_ended(int64_t pid)
{
	char text[4096];
	const char *state = status_of(pid, "\nState:\t", text);

	return !state || *state == 'Z' || *state == 'X';
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
