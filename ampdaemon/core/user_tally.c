/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/user_tally.h"

#include <assert.h>

static uint32_t bucket_of(const struct user_tally *tally, uint32_t uid)
{
	return tally->capacity + number_bucket(uid, tally->buckets);
}

static uint32_t free_head(const struct user_tally *tally)
{
	return tally->capacity + tally->buckets;
}

bool user_tally_init(struct user_tally *tally, uint32_t capacity)
{
	*tally = (struct user_tally){.capacity = capacity, .buckets = bucket_count(capacity)};
	tally->counts = calloc(capacity, sizeof(*tally->counts));
	tally->links = index_list_new(capacity + tally->buckets + 1);
	if (!tally->counts || !tally->links)
		return false;
	for (uint32_t i = 0; i < capacity; i++)
		index_list_insert_before(tally->links, free_head(tally), i);
	return true;
}

void user_tally_done(struct user_tally *tally)
{
	free(tally->counts);
	free(tally->links);
	*tally = (struct user_tally){0};
}

static uint32_t find(const struct user_tally *tally, uint32_t uid)
{
	uint32_t head = bucket_of(tally, uid);

	for (uint32_t i = tally->links[head].next; i != head; i = tally->links[i].next) {
		if (tally->counts[i].uid == uid)
			return i;
	}
	return INDEX_NONE;
}

uint32_t user_tally_add(struct user_tally *tally, uint32_t uid)
{
	uint32_t user = find(tally, uid);

	if (user == INDEX_NONE) {
		user = tally->links[free_head(tally)].next;
		assert(user < tally->capacity);
		index_list_remove(tally->links, user);
		index_list_insert_before(tally->links, bucket_of(tally, uid), user);
		tally->counts[user] = (struct user_count){.uid = uid};
		tally->users++;
	}
	tally->counts[user].jobs++;
	return user;
}

void user_tally_drop(struct user_tally *tally, uint32_t user)
{
	assert(tally->counts[user].jobs > 0);
	if (--tally->counts[user].jobs > 0)
		return;
	index_list_remove(tally->links, user);
	index_list_insert_after(tally->links, free_head(tally), user);
	tally->users--;
}

uint32_t user_tally_jobs(const struct user_tally *tally, uint32_t uid)
{
	uint32_t user = find(tally, uid);

	return user == INDEX_NONE ? 0 : tally->counts[user].jobs;
}
