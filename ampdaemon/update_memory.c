/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/update_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/clock.h"

#define KEY "updates"
#define NONE UINT32_MAX

_Static_assert(sizeof(struct update_state) <= 65536, "one journal_value");

/* ---- recalling ---- */

static void make_sound(struct update_state *state)
{
	state->reason[LIMIT_REASON_BYTES] = '\0';
	if (state->outcome >= UPDATE_OUTCOME_COUNT)
		state->outcome = UPDATE_FAILED;
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		state->databases[i][LIMIT_DATABASE_BYTES] = '\0';
		if (state->set.files[i].mirror >= LIMIT_MIRRORS)
			state->set.files[i].is_known = 0;
	}
	for (unsigned i = 0; i < LIMIT_MIRRORS; i++)
		state->mirrors[i].url[LIMIT_URL_BYTES] = '\0';
}

/* What is not exactly of our layout is of another version, and is not known. */
static void recall(void *context, const char *key, const void *data, size_t len)
{
	struct update_memory *memory = context;

	if (strcmp(key, KEY) != 0 || len != sizeof(memory->state))
		return;
	memcpy(&memory->state, data, len);
	make_sound(&memory->state);
}

struct update_memory *update_memory_new(struct journal *journal,
					const struct configuration *configuration)
{
	struct update_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	memory->journal = journal;
	memory->configuration = configuration;
	memory->state.outcome = UPDATE_NOTHING_NEW;
	(void)journal_recall(journal, KEY, recall, memory); /* else nothing is known */
	memory->kept = memory->state;
	return memory;
}

struct update_memory *update_memory_free(struct update_memory *memory)
{
	free(memory);
	return NULL;
}

/* ---- restoring ---- */

/* Where it is configured now. */
static uint32_t find_mirror(const struct configuration *c, const char *url)
{
	for (uint32_t i = 0; i < c->update_mirrors_count; i++) {
		if (!strcmp(c->update_mirrors[i].url, url))
			return i;
	}
	return NONE;
}

static uint32_t find_database(const struct configuration *c, const char *name)
{
	for (uint32_t i = 0; i < c->update_databases_count; i++) {
		if (!strcmp(c->update_databases[i], name))
			return i;
	}
	return NONE;
}

static mono_ms left_until(uint64_t utc)
{
	uint64_t now = clock_utc_ms();
	uint64_t left = utc > now ? utc - now : 0;

	return left > INT64_MAX / 4 ? INT64_MAX / 4 : (mono_ms)left; /* the plan has ceilings */
}

static void restore_mirror(const struct update_memory *memory,
			   const struct remembered_mirror *mirror, struct update_plan *plan,
			   mono_ms now)
{
	uint32_t number = find_mirror(memory->configuration, mirror->url);

	if (number == NONE)
		return;
	update_plan_restore_wait(plan, now, number, left_until(mirror->closed_until_utc));
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		uint32_t database =
			find_database(memory->configuration, memory->state.databases[i]);
		struct update_refusal left = {mirror->refused[i].version,
					      left_until(mirror->refused[i].until_utc)};

		if (database != NONE)
			update_plan_restore_refused(plan, now, number, database, left);
	}
}

/* The places of its mirrors and databases may be others now. */
static void restore_set(struct update_memory *memory)
{
	struct remembered_set old = memory->state.set, *set = &memory->state.set;

	memset(set->files, 0, sizeof(set->files));
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		uint32_t database =
			find_database(memory->configuration, memory->state.databases[i]);
		uint32_t mirror;

		if (!old.files[i].is_known || database == NONE)
			continue;
		mirror = find_mirror(memory->configuration,
				     memory->state.mirrors[old.files[i].mirror].url);
		if (mirror == NONE)
			continue;
		set->files[database].is_known = 1;
		set->files[database].mirror = mirror;
		set->files[database].version = old.files[i].version;
	}
}

void update_memory_restore(struct update_memory *memory, struct update_plan *plan, mono_ms now)
{
	for (unsigned i = 0; i < LIMIT_MIRRORS; i++)
		restore_mirror(memory, &memory->state.mirrors[i], plan, now);
	restore_set(memory);
}

/* ---- keeping ---- */

static uint64_t utc_of(mono_ms at, mono_ms now)
{
	return at > now && at != MONO_NEVER ? clock_utc_ms() + (uint64_t)(at - now) : 0;
}

static void take_mirror(const char *url, const struct mirror_state *known, mono_ms now,
			struct remembered_mirror *mirror)
{
	(void)snprintf(mirror->url, sizeof(mirror->url), "%s", url); /* fits: it was checked */
	mirror->closed_until_utc = utc_of(known->closed_until, now);
	for (unsigned i = 0; i < LIMIT_DATABASES; i++) {
		mirror->refused[i].until_utc = utc_of(known->refused[i].until, now);
		mirror->refused[i].version =
			mirror->refused[i].until_utc ? known->refused[i].version : 0;
	}
}

void update_memory_save(struct update_memory *memory, const struct update_plan *plan, mono_ms now)
{
	const struct configuration *c = memory->configuration;
	const struct journal_value value = {
		.key = KEY, .data = &memory->state, .len = sizeof(memory->state)};

	memset(memory->state.mirrors, 0, sizeof(memory->state.mirrors));
	memset(memory->state.databases, 0, sizeof(memory->state.databases));
	for (unsigned i = 0; i < c->update_mirrors_count; i++)
		take_mirror(c->update_mirrors[i].url, &plan->mirrors[i], now,
			    &memory->state.mirrors[i]);
	for (unsigned i = 0; i < c->update_databases_count; i++)
		(void)snprintf(memory->state.databases[i], sizeof(memory->state.databases[i]), "%s",
			       c->update_databases[i]); /* fits, as above */
	if (memcmp(&memory->state, &memory->kept, sizeof(memory->state)) == 0)
		return;
	memory->kept = memory->state;
	journal_record_with(memory->journal, NULL, &value, 1);
}
