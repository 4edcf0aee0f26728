/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * container_members: what really lies in a container of definitions. Goes through the archive once, without writing anything, and holds
 * each member against the list (core/container_info.h).
 *
 * Not by cl_cvdunpack(): the official set does not fit into a temporary slot, one member would overwrite another of its name unseen, and a
 * bomb would be found when it has gone off. Decompression is zlib's, as libclamav's is.
 *
 * Owns: zlib, the format of the archive, the ceilings of what it may unfold to. Must not own: signatures (engine.c, detached_signature.c).
 * Runs in the proving child: what it reads is hostile until it is through.
 */
#ifndef AMP_AMPSCANSVC_CONTAINER_MEMBERS_H
#define AMP_AMPSCANSVC_CONTAINER_MEMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "ampscansvc/core/definition_kind.h"
#include "base/limits.h"

struct container_facts {
	char database[LIMIT_DATABASE_BYTES + 1];
	uint32_t passed_over; /* signatures of kinds that are not loaded: a line each */
};

/* `may_weaken`: as of container_info_name(). 0, -EBADMSG with a sentence, or -ENOMEM. */
int container_members_check(const char *path, enum definition_kind kind, bool may_weaken,
			    struct container_facts *ret_facts, char why[LIMIT_DETAIL_BYTES]);

#endif
