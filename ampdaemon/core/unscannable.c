/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/unscannable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ampdaemon/core/index_list.h"
#include "ampdaemon/core/user_tally.h"
#include "base/lives.h"

#define PLACES LIMIT_UNSCANNABLE
#define ALIASES LIMIT_UNSCANNABLE /* other identities of known contents; then the oldest goes */
#define BUCKETS 2048u             /* a power of two */

/* Lists: of ages the newest is first. */
#define AGE_HEAD PLACES
#define FREE_HEAD (PLACES + 1)

struct alias {
	struct file_identity identity;
	unsigned place;
	uint64_t serial; /* of the entry that it was made for */
};

struct unscannable {
	struct unscannable_entry entries[PLACES];
	uint64_t serials[PLACES]; /* another one for each content that a place has */
	struct alias aliases[ALIASES];
	unsigned next_alias;
	uint64_t last_serial, forgotten;
	uint32_t count;
	struct index_link *ages;  /* entries, the head; free ones, their head */
	struct index_link *names; /* entries and aliases by identity */
	struct index_link *sizes; /* entries by size, the newest first */
};

static uint32_t name_head(const struct file_identity *identity)
{
	return PLACES + ALIASES + number_bucket(identity->inode ^ identity->device << 40, BUCKETS);
}

static uint32_t size_head(uint64_t bytes)
{
	return PLACES + number_bucket(bytes, BUCKETS);
}

struct unscannable *unscannable_free(struct unscannable *table)
{
	if (!table)
		return NULL;
	free(table->ages);
	free(table->names);
	free(table->sizes);
	free(table);
	return NULL;
}

struct unscannable *unscannable_new(void)
{
	struct unscannable *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->ages = index_list_new(PLACES + 2);
	table->names = index_list_new(PLACES + ALIASES + BUCKETS);
	table->sizes = index_list_new(PLACES + BUCKETS);
	if (!table->ages || !table->names || !table->sizes)
		return unscannable_free(table);
	for (uint32_t place = 0; place < PLACES; place++)
		index_list_insert_before(table->ages, FREE_HEAD, place);
	return table;
}

/* ---- looking ---- */

static bool is_same_people(const struct file_identity *a, const struct file_identity *b)
{
	return a->owner == b->owner && a->asker == b->asker;
}

bool file_identity_equals(const struct file_identity *a, const struct file_identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns && is_same_people(a, b);
}

/* The place that a member of `names` stands for; INDEX_NONE when its entry has gone. */
static uint32_t place_of(const struct unscannable *table, uint32_t member)
{
	const struct alias *alias;

	if (member < PLACES)
		return member;
	alias = &table->aliases[member - PLACES];
	return table->serials[alias->place] == alias->serial ? alias->place : INDEX_NONE;
}

static const struct file_identity *identity_of(const struct unscannable *table, uint32_t member)
{
	return member < PLACES ? &table->entries[member].identity
			       : &table->aliases[member - PLACES].identity;
}

static uint32_t find_known(const struct unscannable *table, const struct file_identity *identity,
			   uint64_t generation)
{
	uint32_t head = name_head(identity);

	for (uint32_t i = table->names[head].next; i != head; i = table->names[i].next) {
		uint32_t place = place_of(table, i);

		if (place != INDEX_NONE && table->entries[place].generation == generation &&
		    file_identity_equals(identity_of(table, i), identity))
			return place;
	}
	return INDEX_NONE;
}

static bool has_size(const struct unscannable *table, const struct file_identity *identity,
		     uint64_t generation)
{
	uint32_t head = size_head(identity->bytes);

	for (uint32_t i = table->sizes[head].next; i != head; i = table->sizes[i].next) {
		const struct unscannable_entry *entry = &table->entries[i];

		if (entry->has_digest && entry->identity.bytes == identity->bytes &&
		    entry->generation == generation && is_same_people(&entry->identity, identity))
			return true;
	}
	return false;
}

enum unscannable_answer unscannable_ask(struct unscannable *table,
					const struct file_identity *identity, uint64_t generation)
{
	uint32_t place;

	if (table->count == 0)
		return UNSCANNABLE_NO;
	place = find_known(table, identity, generation);
	if (place != INDEX_NONE) {
		table->entries[place].spared++;
		return UNSCANNABLE_YES;
	}
	return has_size(table, identity, generation) ? UNSCANNABLE_ASK_HASH : UNSCANNABLE_NO;
}

bool unscannable_knows(const struct unscannable *table, const struct file_identity *identity,
		       uint64_t generation)
{
	return table->count && find_known(table, identity, generation) != INDEX_NONE;
}

static bool is_content(const struct unscannable_entry *entry, const struct file_identity *identity,
		       const uint8_t *digest)
{
	return entry->has_digest && entry->identity.bytes == identity->bytes &&
	       is_same_people(&entry->identity, identity) &&
	       memcmp(entry->digest, digest, LIMIT_DIGEST_BYTES) == 0;
}

static void add_alias(struct unscannable *table, const struct file_identity *identity,
		      uint32_t place)
{
	struct alias *alias = &table->aliases[table->next_alias];
	uint32_t member = PLACES + table->next_alias;

	table->next_alias = (table->next_alias + 1) % ALIASES;
	*alias = (struct alias){
		.identity = *identity, .place = place, .serial = table->serials[place]};
	index_list_remove(table->names, member);
	index_list_insert_after(table->names, name_head(identity), member);
}

bool unscannable_ask_digest(struct unscannable *table, const struct file_identity *identity,
			    const uint8_t digest[LIMIT_DIGEST_BYTES], uint64_t generation)
{
	uint32_t head = size_head(identity->bytes);

	for (uint32_t i = table->sizes[head].next; i != head; i = table->sizes[i].next) {
		if (table->entries[i].generation != generation ||
		    !is_content(&table->entries[i], identity, digest))
			continue;
		table->entries[i].spared++;
		if (find_known(table, identity, generation) == INDEX_NONE)
			add_alias(table, identity, i);
		return true;
	}
	return false;
}

/* ---- changing ---- */

/* Where an entry of the same file or of the same content is. */
static uint32_t find_like(const struct unscannable *table, const struct unscannable_entry *entry)
{
	uint32_t head = name_head(&entry->identity);

	for (uint32_t i = table->names[head].next; i != head; i = table->names[i].next) {
		if (i < PLACES &&
		    file_identity_equals(&table->entries[i].identity, &entry->identity))
			return i;
	}
	head = size_head(entry->identity.bytes);
	for (uint32_t i = table->sizes[head].next; i != head && entry->has_digest;
	     i = table->sizes[i].next) {
		if (is_content(&table->entries[i], &entry->identity, entry->digest))
			return i;
	}
	return INDEX_NONE;
}

static void put(struct unscannable *table, uint32_t place, const struct unscannable_entry *entry)
{
	table->entries[place] = *entry;
	table->serials[place] = ++table->last_serial;
	index_list_remove(table->names, place);
	index_list_remove(table->sizes, place);
	index_list_insert_after(table->names, name_head(&entry->identity), place);
	index_list_insert_after(table->sizes, size_head(entry->identity.bytes), place);
}

/* A free place, or that of the oldest entry. */
static uint32_t make_place(struct unscannable *table)
{
	if (table->count == PLACES) {
		table->forgotten++;
		return table->ages[AGE_HEAD].prev;
	}
	table->count++;
	return table->ages[FREE_HEAD].next;
}

unsigned unscannable_add(struct unscannable *table, const struct unscannable_entry *entry)
{
	uint32_t place = find_like(table, entry);
	uint64_t spared = entry->spared;

	if (place == INDEX_NONE)
		place = make_place(table);
	else if (table->entries[place].generation == entry->generation &&
		 table->entries[place].spared > spared)
		spared = table->entries[place].spared; /* the same news, now with more of it */
	put(table, place, entry);
	table->entries[place].spared = spared;
	index_list_remove(table->ages, place);
	index_list_insert_after(table->ages, AGE_HEAD, place);
	return place;
}

static bool is_sound(const struct unscannable_entry *entry)
{
	return entry->cause < DEATH_CAUSE_COUNT && entry->path_len <= LIMIT_SHOWN_PATH_BYTES;
}

int unscannable_restore(struct unscannable *table, unsigned place,
			const struct unscannable_entry *entry)
{
	uint32_t older;

	if (place >= PLACES || table->serials[place] != 0 || !is_sound(entry))
		return -EINVAL;
	put(table, place, entry);
	table->count++;
	older = table->ages[AGE_HEAD].next;
	while (older != AGE_HEAD && table->entries[older].since_ms > entry->since_ms)
		older = table->ages[older].next;
	index_list_remove(table->ages, place);
	index_list_insert_before(table->ages, older, place);
	return 0;
}

/* ---- views ---- */

uint32_t unscannable_count(const struct unscannable *table)
{
	return table->count;
}

uint64_t unscannable_forgotten(const struct unscannable *table)
{
	return table->forgotten;
}

const struct unscannable_entry *unscannable_at(const struct unscannable *table, uint32_t index)
{
	uint32_t place = table->ages[AGE_HEAD].next;

	while (place != AGE_HEAD && index-- > 0)
		place = table->ages[place].next;
	return place == AGE_HEAD ? NULL : &table->entries[place];
}
