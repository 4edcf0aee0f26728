/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * private_etc: an /etc of this process and its children alone, in a mount namespace of their own, so that tests can make up accounts
 * and have the system's own tools make them. /var/log is empty there too: useradd(8) writes in it.
 */
#ifndef AMP_TESTS_SUPPORT_PRIVATE_ETC_H
#define AMP_TESTS_SUPPORT_PRIVATE_ETC_H

#include <stdbool.h>

/* False with the reason on standard output, as TAP's "skip all", when this machine does not allow it. Before any other thread. */
bool private_etc_enter(void);

/* Writes the file /etc/`name`; ends the program when that fails. */
void private_etc_write(const char *name, const char *text, unsigned mode);

/* The whole of it, "" when it is not there; valid until the next call. */
const char *private_etc_read(const char *name);

#endif
