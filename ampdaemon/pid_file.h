/* SPDX-License-Identifier: GPL-2.0-only */
/* pid_file: one daemon per tree. The lock is the truth, the number in the file is for people and scripts. */
#ifndef AMP_AMPDAEMON_PID_FILE_H
#define AMP_AMPDAEMON_PID_FILE_H

/* Locks `path` and writes our pid. The descriptor that holds the lock, -EWOULDBLOCK when another daemon has it, or -errno. */
int pid_file_take(const char *path);

/* Goes on with the lock `fd` of the image before this one (taken): `fd`, or -errno when `path` is another file by now or
 * another daemon has it; then it is closed. */
int pid_file_adopt(const char *path, int fd);

/* Removes the file and lets go. */
void pid_file_release(const char *path, int fd);

#endif
