/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * suspect_list: the files that workers had in hand when they failed, each once, with path and digest: what fault 6 names.
 *
 * Owns the list (bounded: the oldest gives way) and its form in the journal ("suspect/NNN", one value a place, so that a death
 * writes one file and not all of them). Must not own the decision that a file is not scanned any more (core/unscannable), nor times of
 * failures (core/restart_ledger).
 * Times are of the monotonic clock of one boot; what another boot kept is not taken over.
 */
#ifndef AMP_AMPDAEMON_SUSPECT_LIST_H
#define AMP_AMPDAEMON_SUSPECT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "ampdaemon/journal.h"
#include "base/mono.h"
#include "base/span.h"

#define SUSPECTS 128     /* the fifty of a bad directory, and more; what a detail can hold */
#define BOOT_ID_BYTES 40 /* with the NUL */

struct suspect_list;

/* Takes over what the journal kept. NULL when there is no memory. */
struct suspect_list *suspect_list_new(struct journal *journal, const char *boot_id, mono_ms now);
struct suspect_list *suspect_list_free(struct suspect_list *list);

/* A worker failed with this file in hand; `digest` may be empty. What is to be kept comes in `ret_value`, a view valid until the next call. When it
 * failed first, or another file of the same content did. */
mono_ms suspect_list_note(struct suspect_list *list, mono_ms now, struct span path,
			  struct span digest, struct journal_value *ret_value);

/* First failures from `since` to `until` were somebody else's fault: they are taken for none. */
void suspect_list_spare(struct suspect_list *list, mono_ms since, mono_ms until);

/* Those that failed after `since`, the newest first, as "PATH (sha256 DIGEST), ..." in printable ASCII; those that do not fit are
 * counted. "" when there are none. */
void suspect_list_write(const struct suspect_list *list, mono_ms since, char *out, size_t size);

#endif
