/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/suspect_list.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "io/log.h"

#define KEY_PREFIX "suspect/"
#define SAVED_VERSION 2
#define DIGEST_TEXT_BYTES (2 * LIMIT_DIGEST_BYTES + 1)
#define TAIL_BYTES 64 /* of the last words of a list that does not fit */

struct suspect {
	mono_ms at, first; /* the last failure, and the first that is known */
	uint64_t order;    /* 0: the place is free; the newest has the highest */
	char digest[DIGEST_TEXT_BYTES];
	char path[LIMIT_SHOWN_PATH_BYTES]; /* last: kept up to its NUL */
};

/* Native byte order: a database does not move. */
struct saved_suspect {
	uint32_t version;
	char boot_id[BOOT_ID_BYTES];
	struct suspect suspect;
};

struct suspect_list {
	char boot_id[BOOT_ID_BYTES];
	uint64_t last_order;
	mono_ms crowded_out_at; /* the last time that one gave way; MONO_NEVER */
	mono_ms started;
	mono_ms spared_since, spared_until; /* MONO_NEVER: none */
	struct saved_suspect saving;
	char key[JOURNAL_KEY_BYTES];
	struct suspect places[SUSPECTS];
};

/* ---- shape ---- */

/* The path as a person can type it behind printf(1): every byte that is not printable ASCII as \xNN. */
static void write_path(struct span path, char out[LIMIT_SHOWN_PATH_BYTES])
{
	size_t at = 0;

	for (size_t i = 0; i < path.len; i++) {
		char piece[8];
		uint8_t byte = path.data[i];
		size_t len = 1;

		if (byte == '\\')
			len = (size_t)snprintf(piece, sizeof(piece), "\\\\");
		else if (text_is_printable(&byte, 1))
			piece[0] = (char)byte;
		else
			len = (size_t)snprintf(piece, sizeof(piece), "\\x%02x", byte);
		if (at + len + sizeof("...") > LIMIT_SHOWN_PATH_BYTES) {
			memcpy(out + at, "...", sizeof("..."));
			return;
		}
		memcpy(out + at, piece, len);
		at += len;
	}
	out[at] = '\0';
}

static void write_digest(struct span digest, char out[DIGEST_TEXT_BYTES])
{
	out[0] = '\0';
	for (size_t i = 0; i < digest.len && i < LIMIT_DIGEST_BYTES; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest.data[i]);
}

/* ---- the journal ---- */

static bool is_sound(const struct saved_suspect *saved, size_t len)
{
	const struct suspect *s = &saved->suspect;
	size_t fixed = offsetof(struct saved_suspect, suspect.path);

	return len > fixed && len <= sizeof(*saved) && saved->version == SAVED_VERSION &&
	       s->order > 0 && memchr(s->digest, '\0', sizeof(s->digest)) &&
	       memchr(s->path, '\0', len - fixed);
}

static void restore(void *context, const char *key, const void *data, size_t len)
{
	static struct saved_suspect saved; /* a kilobyte; of the start */
	struct suspect_list *list = context;
	char *end;
	unsigned long place = strtoul(key + strlen(KEY_PREFIX), &end, 10);

	memset(&saved, 0, sizeof(saved));
	memcpy(&saved, data, len < sizeof(saved) ? len : sizeof(saved));
	if (!is_sound(&saved, len) || *end || place >= SUSPECTS) {
		log_warning("%s cannot be read back: it is not used", key);
		return;
	}
	if (memcmp(saved.boot_id, list->boot_id, sizeof(saved.boot_id)) != 0 ||
	    saved.suspect.at > list->started || saved.suspect.first > saved.suspect.at)
		return;
	list->places[place] = saved.suspect;
	if (saved.suspect.order > list->last_order)
		list->last_order = saved.suspect.order;
}

static void save(struct suspect_list *list, const struct suspect *suspect,
		 struct journal_value *ret_value)
{
	list->saving = (struct saved_suspect){.version = SAVED_VERSION, .suspect = *suspect};
	memcpy(list->saving.boot_id, list->boot_id, sizeof(list->saving.boot_id));
	(void)snprintf(list->key, sizeof(list->key), KEY_PREFIX "%03u",
		       (unsigned)(suspect - list->places));
	*ret_value = (struct journal_value){.key = list->key,
					    .data = &list->saving,
					    .len = offsetof(struct saved_suspect, suspect.path) +
						   strlen(suspect->path) + 1};
}

struct suspect_list *suspect_list_new(struct journal *journal, const char *boot_id, mono_ms now)
{
	struct suspect_list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	(void)snprintf(list->boot_id, sizeof(list->boot_id), "%s", boot_id);
	list->started = now;
	list->crowded_out_at = MONO_NEVER;
	list->spared_since = list->spared_until = MONO_NEVER;
	if (journal_recall(journal, KEY_PREFIX, restore, list))
		log_warning(
			"the files of earlier failures cannot be read: fault 6 names only new ones");
	return list;
}

struct suspect_list *suspect_list_free(struct suspect_list *list)
{
	free(list);
	return NULL;
}

/* ---- the list ---- */

/* The same content at the same path; a digest that is not known may be any. */
static bool is_same(const struct suspect *a, const struct suspect *b)
{
	return a->order && !strcmp(a->path, b->path) &&
	       (!a->digest[0] || !b->digest[0] || !strcmp(a->digest, b->digest));
}

/* Its own place, else a free one or the oldest's. */
static struct suspect *place_for(struct suspect_list *list, const struct suspect *suspect)
{
	struct suspect *oldest = &list->places[0];

	for (unsigned i = 0; i < SUSPECTS; i++) {
		struct suspect *place = &list->places[i];

		if (is_same(place, suspect))
			return place;
		if (place->order < oldest->order)
			oldest = place;
	}
	if (oldest->order)
		list->crowded_out_at = oldest->at;
	return oldest;
}

void suspect_list_spare(struct suspect_list *list, mono_ms since, mono_ms until)
{
	list->spared_since = since;
	list->spared_until = until;
}

static bool is_spared(const struct suspect_list *list, mono_ms first)
{
	return first >= list->spared_since && first <= list->spared_until;
}

static mono_ms first_of(const struct suspect_list *list, const struct suspect *suspect)
{
	mono_ms first = suspect->at;

	for (unsigned i = 0; i < SUSPECTS; i++) {
		const struct suspect *place = &list->places[i];
		bool is_copy = place->order && suspect->digest[0] &&
			       !strcmp(place->digest, suspect->digest);

		if ((is_copy || is_same(place, suspect)) && !is_spared(list, place->first))
			first = mono_min(first, place->first);
	}
	return first;
}

mono_ms suspect_list_note(struct suspect_list *list, mono_ms now, struct span path,
			  struct span digest, struct journal_value *ret_value)
{
	struct suspect suspect = {.at = now, .order = ++list->last_order};
	struct suspect *place;

	write_path(path, suspect.path);
	write_digest(digest, suspect.digest);
	suspect.first = first_of(list, &suspect);
	place = place_for(list, &suspect);
	if (!suspect.digest[0] && is_same(place, &suspect))
		memcpy(suspect.digest, place->digest, sizeof(suspect.digest));
	*place = suspect;
	save(list, place, ret_value);
	return suspect.first;
}

static int newest_first(const void *a, const void *b)
{
	const struct suspect *const *x = a, *const *y = b;

	return ((*y)->order > (*x)->order) - ((*y)->order < (*x)->order);
}

static unsigned sort_recent(const struct suspect_list *list, mono_ms since,
			    const struct suspect *sorted[SUSPECTS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < SUSPECTS; i++) {
		if (list->places[i].order && list->places[i].at > since)
			sorted[n++] = &list->places[i];
	}
	qsort(sorted, n, sizeof(sorted[0]), newest_first);
	return n;
}

void suspect_list_write(const struct suspect_list *list, mono_ms since, char *out, size_t size)
{
	const struct suspect *sorted[SUSPECTS];
	unsigned n = sort_recent(list, since, sorted), shown = 0;
	size_t at = 0;

	out[0] = '\0';
	for (; shown < n; shown++) {
		const struct suspect *s = sorted[shown];
		const char *digest = s->digest[0] ? s->digest : "not known";

		if (at + strlen(s->path) + strlen(digest) + TAIL_BYTES > size)
			break;
		text_append(out, size, &at, "%s%s (sha256 %s)", shown ? ", " : "", s->path, digest);
	}
	if (shown < n)
		text_append(out, size, &at, "%sand %u more", shown ? ", " : "", n - shown);
	else if (list->crowded_out_at != MONO_NEVER && list->crowded_out_at > since)
		text_append(out, size, &at, ", and older ones");
}
