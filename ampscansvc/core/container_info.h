/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * container_info: is a container of definitions what its own list says? Pure: the text of the .info member and what lies in the
 * archive -> the name of the database, or one sentence. libclamav compares only what it happens to load: it takes a .cld with
 * members cut off as whole, and follows a container inside a container through a null pointer.
 *
 * Owns: which names, sizes and lists are right, what a family's header promises. Must not own: the archive (container_members.c),
 * whether the list is signed (libclamav has said so before anybody comes here).
 *
 * Stricter than libclamav wherever two readers of one archive could disagree: the text is lines of printable ASCII, the header first, the
 * signature last; a name is there once, whatever its case.
 */
#ifndef AMP_AMPSCANSVC_CORE_CONTAINER_INFO_H
#define AMP_AMPSCANSVC_CORE_CONTAINER_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define CONTAINER_HEADER_BYTES 512
#define CONTAINER_NAME_BYTES 100 /* tar's own */
#define CONTAINER_MEMBERS 512    /* bytecode has a hundred */
#define CONTAINER_INFO_BYTES (CONTAINER_MEMBERS * 200)

struct container_member {
	char name[CONTAINER_NAME_BYTES + 1];
	uint64_t bytes;
	uint8_t digest[LIMIT_DIGEST_BYTES]; /* SHA-256 */
};

struct container_list {
	unsigned n;
	struct container_member members[CONTAINER_MEMBERS];
};

/*
 * May a member of this name lie in a container? 0, or -EBADMSG with a sentence. `list` has those before it. What weakens the engine is
 * refused unless `may_weaken`: the vendor may, and who fills a directory that is no generation.
 */
int container_info_name(const struct container_list *list, const char *name, bool may_weaken,
			char why[LIMIT_DETAIL_BYTES]);

/* Is it the list? */
bool container_info_is_list(const char *name);

/* 0 and the database's name, or -EBADMSG with a sentence. Each name has been through container_info_name(). */
int container_info_compare(const char *text, size_t len, const struct container_list *list,
			   bool is_signed, char ret_database[LIMIT_DATABASE_BYTES + 1],
			   char why[LIMIT_DETAIL_BYTES]);

/*
 * Of a .cld, whose header nobody signs: libfreshclam makes it of the first line of the list, which is signed, and blanks. 0, or -EBADMSG with a
 * sentence. `text` has passed container_info_compare().
 */
int container_info_header(const char header[CONTAINER_HEADER_BYTES], const char *text, size_t len,
			  char why[LIMIT_DETAIL_BYTES]);

/*
 * The fewest signatures that may have been loaded of an official container whose header promises `promised`, of which
 * `passed_over` are of kinds that we do not load. At least 1.
 *   test         all of them: measured (spec libclamav.md 1), the counts agree
 *   main, daily  nine of ten: the header counts what libclamav does not (.fp, .crb), and signatures for other versions of the engine or
 *                ignored by .ign2 are passed over; never measured on the real ones, and a rule too strict would end all updates
 *   others       1: a bytecode is one to the header and several to libclamav, or none when it is for another version
 */
uint32_t container_info_floor(const char *database, uint32_t promised, uint32_t passed_over);

#endif
