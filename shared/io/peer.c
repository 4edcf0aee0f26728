/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/peer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

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
