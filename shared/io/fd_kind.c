/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/fd_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

int fd_is_readable_file(int fd, uint64_t *ret_bytes)
{
	struct statx st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (flags & O_PATH || (flags & O_ACCMODE) != O_RDONLY)
		return -EBADF;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE, &st))
		return -errno;
	if (!S_ISREG(st.stx_mode))
		return -EINVAL;
	*ret_bytes = st.stx_size;
	return 0;
}

static int socket_option(int fd, int option)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) ? -errno : value;
}

int fd_is_packet_socket(int fd)
{
	int domain = socket_option(fd, SO_DOMAIN);

	if (domain < 0)
		return domain;
	if (domain != AF_UNIX || socket_option(fd, SO_TYPE) != SOCK_SEQPACKET ||
	    socket_option(fd, SO_ACCEPTCONN) != 0)
		return -EINVAL;
	return 0;
}
