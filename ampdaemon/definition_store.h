/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * definition_store: the sets of definitions on disk, below one directory that is opened once. docs/design/0005.
 *
 *   generations/N/  a set that never changes (definition_generation); N is its number
 *   active, last-good  links to generations/N (definition_link)
 *   staging/N/      a set that is being made; closed to others, emptied at the start
 *   custom/         the administrator's unsigned files (definition_custom)
 *   incoming/       the updater's; not looked at here
 *
 * Owns the layout and the order in which things reach the disk; what a start puts away is in definition_clean. Whatever moment it is killed at, the next start
 * finds what was before or what was to be, and nothing else. Must not own which generation is to be active or is to go (definition_machine),
 * nor where candidates come from (definition_stage).
 *
 * Everything here waits for the disk and keeps nothing, so that any thread may call it: on the loop before it turns, later by
 * definition_errands. A disk that cannot be written is no reason not to open: what is there serves.
 * Diagnostics: -errno, and a sentence where a person has to know which file.
 */
#ifndef AMP_AMPDAEMON_DEFINITION_STORE_H
#define AMP_AMPDAEMON_DEFINITION_STORE_H

#include <stdint.h>

#include "base/limits.h"

#define DEFINITION_STORE_LISTED 64 /* generations; more than a few are a fault of ours */
#define DEFINITION_NUMBER_BYTES 21 /* text of a number, with its NUL */

struct definition_store;

struct stored_generation {
	uint64_t number;
	uint64_t bytes; /* of its files, the manifest apart */
	unsigned n_files;
	uint8_t digest[LIMIT_DIGEST_BYTES];
};

/* A sentence about what was put away or left alone, for the log. */
typedef void definition_tell_fn(void *context, const char *text);

/*
 * Makes what is missing, `root` itself too (its parent is there), and puts away: what is staged, generations that are not whole for certain,
 * links that lead to none. 0; -EPERM when others may write to it, -ENOTDIR when something else has one of the names, or -errno: `why` is written.
 */
int definition_store_open(const char *root, definition_tell_fn *tell, void *context,
			  struct definition_store **ret_store, char why[LIMIT_REASON_BYTES]);
struct definition_store *definition_store_close(struct definition_store *store);

/* ---- looking ---- */

/* Those that are whole, the newest first. The number of them, or -errno. */
int definition_store_list(const struct definition_store *store,
			  struct stored_generation ret_all[DEFINITION_STORE_LISTED]);

/* A descriptor of the directory, the caller's. -ENOENT, -EPERM, -ENOTDIR or -errno. */
int definition_store_open_generation(const struct definition_store *store, uint64_t number);
int definition_store_open_staged(const struct definition_store *store, uint64_t number);

/* What generations and staging take on the disk. */
uint64_t definition_store_bytes(const struct definition_store *store);

/* Descriptors of their own, the caller's: for a thread that may outlive the store. -EROFS: there was none, and it could not be made. */
int definition_store_open_staging(const struct definition_store *store);
int definition_store_open_generations(const struct definition_store *store);

/* As definition_tree_open() says. */
int definition_store_open_custom(const struct definition_store *store);

/* ---- changing ---- */

/* What is staged as `number` becomes a generation. On failure it stays staged, and `why` is written. -EEXIST, -EBADMSG (it is not whole). */
int definition_store_publish(const struct definition_store *store, uint64_t number,
			     char why[LIMIT_REASON_BYTES]);

/* What is staged goes; 0 as well when there is none. */
int definition_store_discard(const struct definition_store *store, uint64_t number);

/* -EBUSY when a link leads to it; 0 as well when there is none. */
int definition_store_drop(const struct definition_store *store, uint64_t number);

/* The name of a generation's directory; returns `text`. */
const char *definition_number_text(uint64_t number, char text[DEFINITION_NUMBER_BYTES]);

#endif
