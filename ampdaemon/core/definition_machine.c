/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/core/definition_machine.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

NAME_TABLE_DEFINE(candidate_origin, CANDIDATE_ORIGIN_LIST)
NAME_TABLE_DEFINE(candidate_phase, CANDIDATE_PHASE_LIST)
NAME_TABLE_DEFINE(rejection, REJECTION_LIST)

/* ---- effects ---- */

static struct definition_effect *emit(struct definition_machine *m,
				      enum definition_effect_kind kind, uint64_t generation)
{
	unsigned at = (m->first_effect + m->n_effects) % DEFINITION_EFFECTS_MAX;

	assert(m->n_effects < DEFINITION_EFFECTS_MAX); /* taken after each event */
	m->n_effects++;
	m->effects[at] = (struct definition_effect){.kind = kind, .generation = generation};
	return &m->effects[at];
}

bool definition_machine_next_effect(struct definition_machine *m,
				    struct definition_effect *ret_effect)
{
	if (m->n_effects == 0)
		return false;
	*ret_effect = m->effects[m->first_effect];
	m->first_effect = (m->first_effect + 1) % DEFINITION_EFFECTS_MAX;
	m->n_effects--;
	return true;
}

/* ---- generations ---- */

static struct generation *find(struct definition_machine *m, uint64_t number)
{
	for (unsigned i = 0; i < DEFINITIONS_MAX; i++) {
		if (m->all[i].number == number)
			return &m->all[i];
	}
	return NULL;
}

static bool is_needed(const struct definition_machine *m, uint64_t number)
{
	return number == m->active || number == m->good || number == m->target ||
	       number == m->linked_active || number == m->linked_good ||
	       (m->candidate.phase != CANDIDATE_NONE && number == m->candidate.number);
}

/* Of those that nothing needs. */
static struct generation *oldest_spare(struct definition_machine *m, bool bad)
{
	struct generation *oldest = NULL;

	for (unsigned i = 0; i < DEFINITIONS_MAX; i++) {
		struct generation *g = &m->all[i];

		if (g->number && g->is_bad == bad && !is_needed(m, g->number) &&
		    (!oldest || g->number < oldest->number))
			oldest = g;
	}
	return oldest;
}

static unsigned count(const struct definition_machine *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DEFINITIONS_MAX; i++)
		n += m->all[i].number != 0;
	return n;
}

static void drop(struct definition_machine *m, struct generation *g)
{
	(void)emit(m, DEFINITION_DROP, g->number);
	*g = (struct generation){0};
}

static void retain(struct definition_machine *m)
{
	struct generation *g;

	while ((g = oldest_spare(m, true)))
		drop(m, g);
	while (count(m) > DEFINITIONS_KEPT && (g = oldest_spare(m, false)))
		drop(m, g);
}

/* ---- rejection ---- */

bool definition_machine_is_rejected(const struct definition_machine *m,
				    const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	for (unsigned i = 0; i < m->n_rejected; i++) {
		if (memcmp(m->rejected[i], digest, LIMIT_DIGEST_BYTES) == 0)
			return true;
	}
	return false;
}

void definition_machine_restore_rejected(struct definition_machine *m,
					 const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	if (definition_machine_is_rejected(m, digest))
		return;
	memcpy(m->rejected[m->next_rejected], digest, LIMIT_DIGEST_BYTES);
	m->next_rejected = (m->next_rejected + 1) % DEFINITIONS_REJECTED_MAX;
	if (m->n_rejected < DEFINITIONS_REJECTED_MAX)
		m->n_rejected++;
}

static void remember(struct definition_machine *m, const struct definition_facts *facts,
		     enum rejection rejection)
{
	struct definition_effect *effect = emit(m, DEFINITION_REMEMBER, DEFINITIONS_NONE);

	definition_machine_restore_rejected(m, facts->digest);
	effect->rejection = rejection;
	memcpy(effect->digest, facts->digest, LIMIT_DIGEST_BYTES);
}

static void forgive(struct definition_machine *m, const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	unsigned n = m->n_rejected, first = n < DEFINITIONS_REJECTED_MAX ? 0 : m->next_rejected;
	uint8_t all[DEFINITIONS_REJECTED_MAX][LIMIT_DIGEST_BYTES];

	if (!definition_machine_is_rejected(m, digest))
		return;
	memcpy(all, m->rejected, sizeof(all));
	m->n_rejected = m->next_rejected = 0;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *one = all[(first + i) % DEFINITIONS_REJECTED_MAX];

		if (memcmp(one, digest, LIMIT_DIGEST_BYTES) != 0)
			definition_machine_restore_rejected(m, one);
	}
	memcpy(emit(m, DEFINITION_FORGIVE, DEFINITIONS_NONE)->digest, digest, LIMIT_DIGEST_BYTES);
}

static void mark_bad(struct definition_machine *m, struct generation *g)
{
	g->is_bad = true;
	if (m->active == g->number) /* it may serve on until another one does */
		m->probation_began = m->probation_ends = MONO_NEVER;
	if (m->good == g->number)
		m->good = DEFINITIONS_BUILTIN;
	if (m->linked_good != g->number)
		return;
	m->linked_good = DEFINITIONS_BUILTIN;
	(void)emit(m, DEFINITION_POINT_GOOD, DEFINITIONS_BUILTIN);
}

static void reject_generation(struct definition_machine *m, uint64_t number,
			      enum rejection rejection)
{
	struct generation *g = number ? find(m, number) : NULL;

	if (!g)
		return; /* the built-in set has no digest */
	mark_bad(m, g);
	remember(m, &g->facts, rejection);
}

/* ---- the search for what serves ---- */

/* Also one that has the same content as one that fell. */
static bool may_follow(const struct definition_machine *m, const struct generation *g, uint64_t but)
{
	return g->number && g->number != but && !g->is_bad &&
	       !definition_machine_is_rejected(m, g->facts.digest);
}

static uint64_t choose(const struct definition_machine *m, uint64_t but)
{
	uint64_t newest = DEFINITIONS_BUILTIN;

	for (unsigned i = 0; i < DEFINITIONS_MAX; i++) {
		const struct generation *g = &m->all[i];

		if (!may_follow(m, g, but))
			continue;
		if (g->number == m->good)
			return g->number;
		if (g->number > newest)
			newest = g->number;
	}
	return newest;
}

static void seek(struct definition_machine *m, uint64_t number)
{
	m->target = number;
	(void)emit(m, DEFINITION_ACTIVATE, number);
}

static void fall_back(struct definition_machine *m, uint64_t from, enum rejection rejection)
{
	struct definition_effect *effect;
	uint64_t next;

	m->probation_began = m->probation_ends = MONO_NEVER;
	if (rejection_is_of_set(rejection))
		reject_generation(m, from, rejection);
	next = choose(m, from);
	effect = emit(m, DEFINITION_BACK, next);
	effect->rejection = rejection;
	seek(m, next);
}

/* ---- the candidate ---- */

static void end_candidate(struct definition_machine *m, enum rejection rejection)
{
	emit(m, DEFINITION_ENDED, m->candidate.number)->rejection = rejection;
	m->candidate = (struct definition_candidate_state){.phase = CANDIDATE_NONE};
	retain(m);
}

static void refuse(struct definition_machine *m, enum rejection rejection)
{
	(void)emit(m, DEFINITION_DISCARD, m->candidate.number);
	if (rejection_is_of_set(rejection) && m->candidate.origin != ORIGIN_CHECK)
		remember(m, &m->candidate.facts, rejection);
	end_candidate(m, rejection);
}

int definition_machine_stage(struct definition_machine *m, enum candidate_origin origin,
			     bool forced, uint64_t *ret_number)
{
	if (origin == ORIGIN_ROLLBACK)
		return -EINVAL;
	if (m->candidate.phase != CANDIDATE_NONE)
		return -EBUSY;
	m->candidate = (struct definition_candidate_state){.phase = CANDIDATE_STAGING,
							   .origin = origin,
							   .forced = forced,
							   .number = ++m->last};
	*ret_number = m->candidate.number;
	return 0;
}

/* A check is told all that can be found out. */
static enum rejection judge_digest(struct definition_machine *m, const uint8_t *digest)
{
	const struct generation *active = find(m, m->active);

	if (m->candidate.origin == ORIGIN_CHECK)
		return REJECTION_NONE;
	if (m->active && active && memcmp(active->facts.digest, digest, LIMIT_DIGEST_BYTES) == 0)
		return REJECTION_NOTHING_NEW;
	if (!m->candidate.forced && definition_machine_is_rejected(m, digest))
		return REJECTION_KNOWN;
	return REJECTION_NONE;
}

void definition_machine_staged(struct definition_machine *m, const uint8_t *digest)
{
	enum rejection rejection;

	if (m->candidate.phase != CANDIDATE_STAGING)
		return;
	rejection = digest ? judge_digest(m, digest) : REJECTION_STAGING;
	if (rejection != REJECTION_NONE) {
		refuse(m, rejection);
		return;
	}
	memcpy(m->candidate.facts.digest, digest, LIMIT_DIGEST_BYTES);
	m->candidate.phase = CANDIDATE_TRIAL;
	(void)emit(m, DEFINITION_TRY, m->candidate.number);
}

static bool goes_back(const struct definition_facts *before, const struct definition_facts *now)
{
	for (unsigned i = 0; i < now->n_databases; i++) {
		for (unsigned k = 0; k < before->n_databases; k++) {
			if (strcmp(now->databases[i].name, before->databases[k].name) == 0 &&
			    now->databases[i].version < before->databases[k].version)
				return true;
		}
	}
	return false;
}

static enum rejection judge(struct definition_machine *m, const struct trial_report *report)
{
	const struct definition_facts *facts = &report->facts;
	const struct generation *before = find(m, m->active ? m->active : m->good);

	if (report->refused != REJECTION_NONE)
		return report->refused;
	if (facts->signatures == 0)
		return REJECTION_EMPTY;
	if (!report->promise_kept)
		return REJECTION_PROMISE;
	if (!before || !before->number || m->candidate.forced)
		return REJECTION_NONE;
	if (facts->signatures < before->facts.signatures / 2)
		return REJECTION_SHRUNK;
	return goes_back(&before->facts, facts) ? REJECTION_OLDER : REJECTION_NONE;
}

void definition_machine_tried(struct definition_machine *m, const struct trial_report *report)
{
	enum rejection rejection;
	uint8_t digest[LIMIT_DIGEST_BYTES];

	if (m->candidate.phase != CANDIDATE_TRIAL)
		return;
	rejection = judge(m, report);
	memcpy(digest, m->candidate.facts.digest,
	       sizeof(digest)); /* ours: the trial's word is hearsay */
	m->candidate.facts = report->facts;
	memcpy(m->candidate.facts.digest, digest, sizeof(digest));
	if (rejection != REJECTION_NONE || m->candidate.origin == ORIGIN_CHECK) {
		refuse(m, rejection);
		return;
	}
	m->candidate.phase = CANDIDATE_PUBLISHING;
	(void)emit(m, DEFINITION_PUBLISH, m->candidate.number);
}

void definition_machine_published(struct definition_machine *m, bool done)
{
	struct generation *place = find(m, 0);

	if (m->candidate.phase != CANDIDATE_PUBLISHING)
		return;
	if (!done || !place) { /* retain() leaves room: three, and what is needed beside them */
		refuse(m, REJECTION_STORE);
		return;
	}
	*place = (struct generation){.number = m->candidate.number, .facts = m->candidate.facts};
	forgive(m, m->candidate.facts.digest); /* it was forced */
	m->candidate.phase = CANDIDATE_ACTIVATING;
	seek(m, m->candidate.number);
}

/* What is left by command is rejected by its digest: one of the same content would be rejected with it, and go from the disk at the next start. */
static bool is_twin_of_active(const struct definition_machine *m, const struct generation *g)
{
	const struct generation *active = definition_machine_find(m, m->active);

	return active && memcmp(active->facts.digest, g->facts.digest, LIMIT_DIGEST_BYTES) == 0;
}

static uint64_t one_before(const struct definition_machine *m)
{
	uint64_t newest = DEFINITIONS_BUILTIN;

	for (unsigned i = 0; i < DEFINITIONS_MAX; i++) {
		const struct generation *g = &m->all[i];

		if (!may_follow(m, g, m->active) || is_twin_of_active(m, g))
			continue;
		if (g->number == m->good)
			return g->number;
		if (g->number > newest)
			newest = g->number;
	}
	return newest;
}

int definition_machine_roll_back(struct definition_machine *m, uint64_t number)
{
	const struct generation *g;

	if (m->candidate.phase != CANDIDATE_NONE || m->target != DEFINITIONS_NONE)
		return -EBUSY;
	if (number == DEFINITIONS_BUILTIN)
		number = one_before(m);
	g = number ? find(m, number) : NULL;
	if (!g || g->is_bad)
		return -ENOENT;
	if (is_twin_of_active(m, g))
		return -EALREADY;
	m->candidate = (struct definition_candidate_state){
		.phase = CANDIDATE_ACTIVATING, .origin = ORIGIN_ROLLBACK, .number = number};
	seek(m, number);
	return 0;
}

/* ---- services ---- */

static void begin_probation(struct definition_machine *m, mono_ms now)
{
	mono_ms left = m->resumes == m->active && m->probation_left > 0 ? m->probation_left
									: m->probation_ms;

	m->probation_left = 0;
	m->probation_began = m->probation_ends = MONO_NEVER;
	if (m->active == DEFINITIONS_BUILTIN || m->active == m->good)
		return;
	m->probation_ends = mono_add(now, left);
	m->probation_began = now - (m->probation_ms - left);
}

/* What was active gives way by command, or because it failed: only the first is still to be rejected. */
static void end_activation(struct definition_machine *m, uint64_t before)
{
	const struct generation *g = before ? find(m, before) : NULL;

	if (m->candidate.phase != CANDIDATE_ACTIVATING)
		return;
	if (m->candidate.origin == ORIGIN_ROLLBACK && g && !g->is_bad)
		reject_generation(m, before, REJECTION_ROLLED_BACK);
	end_candidate(m, REJECTION_NONE);
}

void definition_machine_up(struct definition_machine *m, mono_ms now, uint64_t generation)
{
	uint64_t before = m->active;

	if (generation == DEFINITIONS_NONE || generation != m->target)
		return; /* the same again, or one that is not wanted any more */
	m->target = DEFINITIONS_NONE;
	if (generation == m->active && m->has_served)
		return; /* it never went, or was loaded again after one that could not take its place */
	m->active = generation;
	m->has_served = true;
	if (generation != DEFINITIONS_BUILTIN || m->linked_active)
		(void)emit(m, DEFINITION_POINT_ACTIVE, generation);
	m->linked_active = generation;
	begin_probation(m, now);
	end_activation(m, before);
	retain(m);
}

/* Where there was no room for two, the old one has to be loaded again; it may have failed itself meanwhile. */
static void give_up_candidate(struct definition_machine *m, struct generation *g, bool bad)
{
	const struct generation *active = m->active ? find(m, m->active) : NULL;

	if (bad)
		reject_generation(m, m->candidate.number, REJECTION_NOT_UP);
	else if (g && m->candidate.origin != ORIGIN_ROLLBACK)
		g->is_bad = true; /* its digest is not remembered: it may come again */
	m->target = DEFINITIONS_NONE;
	end_candidate(m, REJECTION_NOT_UP);
	seek(m, active && active->is_bad ? choose(m, m->active) : m->active);
}

void definition_machine_not_up(struct definition_machine *m, uint64_t generation, bool bad)
{
	struct generation *g = generation ? find(m, generation) : NULL;

	if (m->candidate.phase == CANDIDATE_ACTIVATING && m->candidate.number == generation) {
		give_up_candidate(m, g, bad);
		return;
	}
	if (!bad || !g || g->is_bad)
		return;
	if (generation == m->target || (generation == m->active && m->target == DEFINITIONS_NONE))
		fall_back(m, generation, REJECTION_NOT_UP);
}

void definition_machine_broken(struct definition_machine *m, uint64_t generation)
{
	struct generation *g = generation ? find(m, generation) : NULL;

	if (!g || g->is_bad)
		return;
	mark_bad(m, g);
	if (m->candidate.phase == CANDIDATE_ACTIVATING && m->candidate.number == generation)
		give_up_candidate(m, g, false);
	else if (generation == m->target ||
		 (generation == m->active && m->target == DEFINITIONS_NONE))
		fall_back(m, generation, REJECTION_BROKEN);
	else
		retain(m);
}

void definition_machine_learn(struct definition_machine *m, uint64_t generation,
			      const struct definition_facts *facts)
{
	struct generation *g = generation ? find(m, generation) : NULL;
	struct definition_facts known;

	if (!g)
		return;
	if (facts->engine_bytes)
		g->facts.engine_bytes = facts->engine_bytes; /* measured again */
	if (g->facts.signatures)
		return;
	known = g->facts;
	g->facts = *facts;
	g->facts.bytes = known.bytes;
	memcpy(g->facts.digest, known.digest, sizeof(known.digest));
}

bool definition_machine_storm(struct definition_machine *m, mono_ms since)
{
	if (m->probation_ends == MONO_NEVER || since < m->probation_began ||
	    m->candidate.phase == CANDIDATE_ACTIVATING || m->target != DEFINITIONS_NONE)
		return false;
	fall_back(m, m->active, REJECTION_PROBATION);
	return true;
}

void definition_machine_tick(struct definition_machine *m, mono_ms now)
{
	if (m->probation_ends == MONO_NEVER || now < m->probation_ends)
		return;
	m->probation_began = m->probation_ends = MONO_NEVER;
	m->good = m->linked_good = m->active;
	(void)emit(m, DEFINITION_POINT_GOOD, m->good);
	(void)emit(m, DEFINITION_GOOD, m->good);
	retain(m);
}

mono_ms definition_machine_deadline(const struct definition_machine *m)
{
	return m->probation_ends;
}

/* ---- the start ---- */

void definition_machine_init(struct definition_machine *m, mono_ms probation_ms)
{
	*m = (struct definition_machine){.probation_ms = probation_ms,
					 .last = DEFINITIONS_FIRST - 1,
					 .target = DEFINITIONS_NONE,
					 .probation_began = MONO_NEVER,
					 .probation_ends = MONO_NEVER};
}

int definition_machine_restore(struct definition_machine *m, uint64_t number,
			       const struct definition_facts *facts)
{
	struct generation *place = find(m, 0);

	if (number < DEFINITIONS_FIRST || number == DEFINITIONS_NONE || find(m, number))
		return -EINVAL;
	if (!place)
		return -ENOSPC;
	*place = (struct generation){
		.number = number,
		.is_bad = definition_machine_is_rejected(m, facts->digest),
		.facts = *facts,
	};
	if (number > m->last)
		m->last = number;
	return 0;
}

void definition_machine_count_from(struct definition_machine *m, uint64_t last)
{
	if (last > m->last && last < DEFINITIONS_NONE - 1)
		m->last = last;
}

static bool is_sound(struct definition_machine *m, uint64_t number)
{
	const struct generation *g = number ? find(m, number) : NULL;

	return g && !g->is_bad;
}

void definition_machine_start(struct definition_machine *m, uint64_t active, uint64_t good,
			      mono_ms probation_left)
{
	m->has_served = false;
	m->linked_active = active;
	m->linked_good = good;
	m->good = is_sound(m, good) ? good : DEFINITIONS_BUILTIN;
	m->active = is_sound(m, active) ? active : DEFINITIONS_BUILTIN;
	m->resumes = m->active;
	m->probation_left = mono_min(probation_left, m->probation_ms);
	seek(m, m->active ? m->active : choose(m, DEFINITIONS_BUILTIN));
	retain(m);
}

/* ---- looking ---- */

const struct generation *definition_machine_find(const struct definition_machine *m,
						 uint64_t number)
{
	return number ? find((struct definition_machine *)m, number) : NULL;
}

bool rejection_is_of_set(unsigned rejection)
{
#define OF_SET(member, sentence, of_set) [member] = (of_set),
	static const bool of_sets[] = {REJECTION_LIST(OF_SET)};
#undef OF_SET

	return rejection < REJECTION_COUNT && of_sets[rejection];
}
