/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * user_tally: how many jobs each uid has in the book. Bounded: a uid is remembered as long as it
 * has jobs, and there are no more of them than jobs.
 *
 * Owns the counts. Must not own shares or jobs. Pure; memory is taken once, at init; O(1) on
 * average.
 */
#ifndef AMP_AMPDAEMON_CORE_USER_TALLY_H
#define AMP_AMPDAEMON_CORE_USER_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "ampdaemon/core/index_list.h"

struct user_count {
	uint32_t uid;
	uint32_t jobs;
};

struct user_tally {
	uint32_t capacity;
	uint32_t buckets; /* a power of two */
	uint32_t users;
	struct user_count *counts;
	struct index_link *links; /* counts, one head per bucket, the head of the free ones */
};

/* False when there is no memory; user_tally_done() is permitted then, too. */
bool user_tally_init(struct user_tally *tally, uint32_t capacity);
void user_tally_done(struct user_tally *tally);

/* One job more; returns what user_tally_drop() wants. Never more than `capacity` jobs. */
uint32_t user_tally_add(struct user_tally *tally, uint32_t uid);
void user_tally_drop(struct user_tally *tally, uint32_t user);

uint32_t user_tally_jobs(const struct user_tally *tally, uint32_t uid);

/* For hash tables of numbers that strangers choose: spreads neighbours over `buckets`, a power of
 * two. */
static inline uint32_t number_bucket(uint64_t number, uint32_t buckets)
{
	return (uint32_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (buckets - 1);
}

/* The smallest power of two that is not below `count`. */
static inline uint32_t bucket_count(uint32_t count)
{
	uint32_t buckets = 1;

	while (buckets < count)
		buckets *= 2;
	return buckets;
}

#endif
