/* SPDX-License-Identifier: GPL-2.0-only */
/* capabilities: the only file that knows libcap-ng. Numbers are those of <linux/capability.h>. */
#ifndef AMP_SHARED_IO_CAPABILITIES_H
#define AMP_SHARED_IO_CAPABILITIES_H

#include <stdbool.h>

/* Reduces permitted, effective and bounding set to what `list` and the permitted set have in common, and empties the
 * inheritable and ambient sets. *ret_missing is the first of `list` that was not there to keep, or -1. 0 or -EPERM. */
int capabilities_keep(const int *list, unsigned n, int *ret_missing);

/* No capability in any set from here on. 0 or -EPERM. */
int capabilities_drop_all(void);

/* True when every set of this process is empty, asked of the kernel. */
bool capabilities_are_none(void);

#endif
