/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * temp_slot: the temporary storages. BIRTH_WORKER_SLOTS small file systems, mounted before the rights to mount are given
 * away (docs/design/0001), one per living worker, empty when a worker gets it.
 *
 * Owns the slots' paths, their making, checking and wiping. Must not own who has which (service.c).
 */
#ifndef AMP_AMPSCANSVC_TEMP_SLOT_H
#define AMP_AMPSCANSVC_TEMP_SLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TEMP_SLOT_PARENT_PATH "/slot" /* a slot is /slot/NN */
#define TEMP_SLOT_PATH_BYTES 16

struct temp_slot {
	unsigned number;
	char path[TEMP_SLOT_PATH_BYTES];
	dev_t dev; /* of the directory at open: another one later is not ours */
	ino_t ino;
};

struct temp_slot_size {
	uint64_t bytes, inodes;
	uid_t uid;
	gid_t gid;
};

/* Makes and mounts slot `number` below the working directory (the root to be). 0 or -errno. */
int temp_slot_mount(unsigned number, const struct temp_slot_size *size);

/* The slot as it is now. 0 or -errno (-ESTALE: no file system of its own is there). */
int temp_slot_open(unsigned number, struct temp_slot *ret_slot);

/* 0 when the slot is the same directory and can be written; `ret_used` is whether anything is in it. -ESTALE, -EROFS... */
int temp_slot_check(const struct temp_slot *slot, bool *ret_used);

/* -ENOSPC when the slot has no room for a scan: under half of its bytes or inodes are free. */
int temp_slot_has_room(const struct temp_slot *slot);

/* Deletes everything in the slot. 0 or the first -errno. */
int temp_slot_wipe(const struct temp_slot *slot);

#endif
