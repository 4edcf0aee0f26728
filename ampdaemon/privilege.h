/* SPDX-License-Identifier: GPL-2.0-only */
/* privilege: which capabilities the daemon keeps, with a reason each. Owns the list. */
#ifndef AMP_AMPDAEMON_PRIVILEGE_H
#define AMP_AMPDAEMON_PRIVILEGE_H

/* Cuts this process to the list. 0, or -errno with the log told. Missing ones are logged with what will not work. */
int privilege_cut(void);

#endif
