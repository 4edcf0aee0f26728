/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/support/machine_lab.h"

#include "base/text.h"

static char said[1024];

static const char *const words[] = {
	[DEFINITION_TRY] = "try",           [DEFINITION_PUBLISH] = "publish",
	[DEFINITION_DISCARD] = "discard",   [DEFINITION_ACTIVATE] = "activate",
	[DEFINITION_POINT_ACTIVE] = "link", [DEFINITION_POINT_GOOD] = "link-good",
	[DEFINITION_DROP] = "drop",         [DEFINITION_REMEMBER] = "remember",
	[DEFINITION_ENDED] = "ended",       [DEFINITION_BACK] = "back",
	[DEFINITION_GOOD] = "good",         [DEFINITION_FORGIVE] = "forgive",
};

const char *machine_effects(struct definition_machine *m)
{
	struct definition_effect e;
	size_t at = 0;

	said[0] = '\0';
	while (definition_machine_next_effect(m, &e)) {
		text_append(said, sizeof(said), &at, "%s%s", at ? ", " : "", words[e.kind]);
		if (e.kind == DEFINITION_REMEMBER || e.kind == DEFINITION_FORGIVE)
			text_append(said, sizeof(said), &at, " %c", e.digest[0]);
		else
			text_append(said, sizeof(said), &at, " %llu",
				    (unsigned long long)e.generation);
		if (e.rejection != REJECTION_NONE)
			text_append(said, sizeof(said), &at, "/%u", e.rejection);
	}
	return said;
}

struct definition_facts machine_facts(char digest, uint64_t signatures, uint32_t version)
{
	struct definition_facts facts = {.digest = {(uint8_t)digest},
					 .signatures = signatures,
					 .n_databases = 2,
					 .databases = {{.name = "main", .version = 1},
						       {.name = "daily", .version = version}}};

	return facts;
}

struct trial_report machine_passed(char digest, uint64_t signatures, uint32_t version)
{
	return (struct trial_report){.promise_kept = true,
				     .facts = machine_facts(digest, signatures, version)};
}

struct definition_machine machine_fresh(void)
{
	struct definition_machine m;

	definition_machine_init(&m, MACHINE_PROBATION);
	definition_machine_start(&m, 0, 0, 0);
	SAYS(&m, "activate 0");
	definition_machine_up(&m, 0, 0);
	SAYS(&m, "%s", "");
	return m;
}

uint64_t machine_stage(struct definition_machine *m, bool forced, char digest)
{
	uint8_t bytes[LIMIT_DIGEST_BYTES] = {(uint8_t)digest};
	uint64_t number = 0;

	CU_ASSERT_EQUAL(definition_machine_stage(m, ORIGIN_UPDATE, forced, &number), 0);
	definition_machine_staged(m, bytes);
	return number;
}

uint64_t machine_accept(struct definition_machine *m, bool forced, char digest, uint32_t version)
{
	uint64_t number = machine_stage(m, forced, digest);
	struct trial_report report = machine_passed(digest, 100, version);

	SAYS(m, "try %llu", (unsigned long long)number);
	definition_machine_tried(m, &report);
	SAYS(m, "publish %llu", (unsigned long long)number);
	definition_machine_published(m, true);
	SAYS(m, "activate %llu", (unsigned long long)number);
	return number;
}

uint64_t machine_serve(struct definition_machine *m, mono_ms now, char digest, uint32_t version)
{
	uint64_t number = machine_accept(m, false, digest, version);

	definition_machine_up(m, now, number);
	(void)machine_effects(m);
	CU_ASSERT_EQUAL(m->active, number);
	return number;
}
