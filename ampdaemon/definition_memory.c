/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/definition_memory.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "definitions/"
#define REJECTED_KEY PREFIX "rejected"
#define FACTS_KEY PREFIX "facts"
#define STATE_KEY PREFIX "state"
#define VALUE_BYTES 65536 /* of a journal_value */

_Static_assert(sizeof(((struct definition_memory *)0)->rejected) <= VALUE_BYTES, "one value");
_Static_assert(sizeof(((struct definition_memory *)0)->facts) <= VALUE_BYTES, "one value");

/* ---- recalling: what is not exactly of our layout is of another version, and is not known ---- */

static void make_sound(struct definition_memory *memory)
{
	for (unsigned i = 0; i < memory->n_rejected; i++) {
		struct definition_rejected *rejected = &memory->rejected[i];

		rejected->detail[sizeof(rejected->detail) - 1] = '\0';
		if (rejected->rejection >= REJECTION_COUNT)
			rejected->rejection = REJECTION_TRIAL;
	}
	for (unsigned i = 0; i < memory->n_facts; i++) {
		struct definition_facts *facts = &memory->facts[i].facts;

		if (facts->n_databases > LIMIT_DEFINITION_FILES)
			facts->n_databases = 0;
		for (unsigned k = 0; k < facts->n_databases; k++)
			facts->databases[k].name[LIMIT_NAME_BYTES] = '\0';
	}
}

static unsigned take(void *place, size_t max, size_t each, const void *data, size_t len)
{
	if (len % each || len / each > max)
		return 0;
	memcpy(place, data, len);
	return (unsigned)(len / each);
}

static void recall(void *context, const char *key, const void *data, size_t len)
{
	struct definition_memory *m = context;

	if (strcmp(key, REJECTED_KEY) == 0)
		m->n_rejected = take(m->rejected, DEFINITIONS_REJECTED_MAX, sizeof(m->rejected[0]),
				     data, len);
	else if (strcmp(key, FACTS_KEY) == 0)
		m->n_facts = take(m->facts, DEFINITIONS_MAX, sizeof(m->facts[0]), data, len);
	else if (strcmp(key, STATE_KEY) == 0 && len == sizeof(m->state))
		memcpy(&m->state, data, len);
}

struct definition_memory *definition_memory_new(struct journal *journal)
{
	struct definition_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	memory->journal = journal;
	(void)journal_recall(journal, PREFIX, recall, memory); /* else nothing is known */
	memory->kept = memory->state;
	make_sound(memory);
	return memory;
}

struct definition_memory *definition_memory_free(struct definition_memory *memory)
{
	free(memory);
	return NULL;
}

/* ---- keeping ---- */

static void keep(struct definition_memory *memory, const char *key, const void *data, size_t len)
{
	const struct journal_value value = {.key = key, .data = data, .len = len};

	journal_record_with(memory->journal, NULL, &value, 1);
}

static void remove_rejected(struct definition_memory *m, unsigned i)
{
	m->n_rejected--;
	memmove(&m->rejected[i], &m->rejected[i + 1], (m->n_rejected - i) * sizeof(m->rejected[0]));
}

void definition_memory_reject(struct definition_memory *m,
			      const struct definition_rejected *rejected)
{
	for (unsigned i = m->n_rejected; i > 0; i--) {
		if (memcmp(m->rejected[i - 1].digest, rejected->digest, LIMIT_DIGEST_BYTES) == 0)
			remove_rejected(m, i - 1);
	}
	if (m->n_rejected == DEFINITIONS_REJECTED_MAX)
		remove_rejected(m, 0);
	m->rejected[m->n_rejected++] = *rejected;
	keep(m, REJECTED_KEY, m->rejected, m->n_rejected * sizeof(m->rejected[0]));
}

void definition_memory_forgive(struct definition_memory *m,
			       const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	for (unsigned i = m->n_rejected; i > 0; i--) {
		if (memcmp(m->rejected[i - 1].digest, digest, LIMIT_DIGEST_BYTES) == 0)
			remove_rejected(m, i - 1);
	}
	keep(m, REJECTED_KEY, m->rejected, m->n_rejected * sizeof(m->rejected[0]));
}

const struct definition_facts *definition_memory_facts(const struct definition_memory *m,
						       uint64_t number,
						       const uint8_t digest[LIMIT_DIGEST_BYTES])
{
	for (unsigned i = 0; i < m->n_facts; i++) {
		if (m->facts[i].number == number &&
		    memcmp(m->facts[i].facts.digest, digest, LIMIT_DIGEST_BYTES) == 0)
			return &m->facts[i].facts;
	}
	return NULL;
}

void definition_memory_learn(struct definition_memory *m, const struct definition_machine *machine)
{
	memset(m->facts, 0, sizeof(m->facts));
	m->n_facts = 0;
	for (unsigned i = 0; i < DEFINITIONS_MAX; i++) {
		if (!machine->all[i].number)
			continue;
		m->facts[m->n_facts].number = machine->all[i].number;
		m->facts[m->n_facts++].facts = machine->all[i].facts;
	}
	keep(m, FACTS_KEY, m->facts, m->n_facts * sizeof(m->facts[0]));
}

void definition_memory_save(struct definition_memory *m)
{
	if (memcmp(&m->state, &m->kept, sizeof(m->state)) == 0)
		return;
	m->kept = m->state;
	keep(m, STATE_KEY, &m->state, sizeof(m->state));
}
