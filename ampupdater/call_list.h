/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * call_list: the system calls that the updater and its children may make; any other kills the process. Owns both lists: the parent's
 * contains the child's, because filters stack. The child talks to strangers: it cannot start a process, signal another one, or load a filter.
 */
#ifndef AMP_AMPUPDATER_CALL_LIST_H
#define AMP_AMPUPDATER_CALL_LIST_H

enum call_list { CALL_LIST_PARENT, CALL_LIST_CHILD };

/* From here on only the calls of `list`, for ever. Needs no_new_privs. 0 or -errno (-EINVAL: the kernel has no seccomp). */
int call_list_enter(enum call_list list);

#endif
