/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * private_root: the file system that the service sees. A read-only tmpfs that holds the definitions' directories (read-only
 * binds), the temporary slots, and a small stage for the loader; nothing of the host.
 *
 * Owns the mount namespace's making. Needs CAP_SYS_ADMIN; call before rights are dropped.
 */
#ifndef AMP_AMPSCANSVC_PRIVATE_ROOT_H
#define AMP_AMPSCANSVC_PRIVATE_ROOT_H

#include "ampscansvc/temp_slot.h"

#define ROOT_BUILTIN "/builtin"
#define ROOT_DEFINITIONS "/definitions"
#define ROOT_STAGE "/stage"

struct private_root_order {
	int builtin;     /* directory descriptor */
	int definitions; /* directory descriptor, or -1 */
	struct temp_slot_size slot;
};

/* Takes the two descriptors' trees, makes the root and enters it. 0 or -errno; *ret_step names what failed. */
int private_root_enter(const struct private_root_order *order, const char **ret_step);

#endif
