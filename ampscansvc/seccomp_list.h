/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seccomp_list: the system calls that the service and its workers may make; any other kills the process. Owns both lists
 * (the parent's contains the worker's, because filters stack) and libseccomp.
 *
 * The programs are compiled once, before any right is dropped: entering a list is then one system call, so that a spare
 * worker is ready soon.
 */
#ifndef AMP_AMPSCANSVC_SECCOMP_LIST_H
#define AMP_AMPSCANSVC_SECCOMP_LIST_H

enum seccomp_list { SECCOMP_LIST_PARENT, SECCOMP_LIST_WORKER, SECCOMP_LIST_COUNT };

/* Compiles both lists. 0 or -errno. */
int seccomp_list_prepare(void);

/* From here on only the calls of `list`, for ever. Needs no_new_privs. 0 or -errno (-EINVAL: the kernel has no seccomp). */
int seccomp_list_enter(enum seccomp_list list);

#endif
