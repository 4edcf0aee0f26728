/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fd_kind: is a received descriptor what it must be? Never blocks: statx with AT_STATX_DONT_SYNC, so that a file of a
 * hostile FUSE server cannot hold the asker.
 */
#ifndef AMP_SHARED_IO_FD_KIND_H
#define AMP_SHARED_IO_FD_KIND_H

#include <stdint.h>

/* 0 and the size when `fd` is a regular file opened for reading only (not O_PATH, not writable); else -EBADF (access mode), -EINVAL
 * (not a regular file), or the errno of statx. */
int fd_is_readable_file(int fd, uint64_t *ret_bytes);

/* 0 when `fd` is a connected AF_UNIX SOCK_SEQPACKET socket, else -EINVAL or -ENOTSOCK. */
int fd_is_packet_socket(int fd);

#endif
