/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/cure_words.h"

#include <stdio.h>

#include "base/text.h"

static const char *place_of(const struct cure_facts *facts, enum definition_source source)
{
	const struct configuration *c = facts->configuration;

	if (source == SOURCE_BUILTIN)
		return c->builtin_dir;
	return c->definitions_dir ? c->definitions_dir : c->definitions_root;
}

static void add_memory(const struct cure_facts *facts, enum definition_source source, char *out,
		       size_t size, size_t *at)
{
	if (facts->needs[source])
		text_append(out, size, at, "; needs %llu MiB, measured at the last good load",
			    (unsigned long long)(facts->needs[source] >> 20));
	if (facts->available != UINT64_MAX)
		text_append(out, size, at, "; %llu MiB are available",
			    (unsigned long long)(facts->available >> 20));
}

static void add_failure(const struct cure_facts *facts, enum definition_source source, char *out,
			size_t size, size_t *at)
{
	const struct cure_failure *failure = &facts->failures[source];

	if (!failure->count)
		return;
	text_append(out, size, at, "with the %s definitions (%s) it does not start: %s: %s",
		    definition_source_name(source), place_of(facts, source),
		    birth_failure_name(failure->problem.failure), failure->problem.text);
	if (failure->refused[0])
		text_append(out, size, at, "; refused: %s", failure->refused);
	if (failure->problem.failure == BIRTH_FAILURE_MEMORY)
		add_memory(facts, source, out, size, at);
	text_append(out, size, at, "; attempts that failed: %u; ", failure->count);
}

static void add_outlook(const struct cure_facts *facts, char *out, size_t size, size_t *at)
{
	text_append(out, size, at, "meanwhile ");
	if (facts->plan->up)
		text_append(out, size, at, "the %s definitions serve; ",
			    definition_source_name(facts->plan->serving));
	else
		text_append(out, size, at, "nothing is scanned; ");
	if (facts->next_try == MONO_NEVER && facts->plan->want == CURE_WANT_BETTER)
		text_append(out, size, at, "other definitions are waited for");
	else if (facts->next_try == MONO_NEVER)
		text_append(out, size, at, "the next try is under way");
	else
		text_append(out, size, at, "the next try is in %lld s",
			    facts->next_try > facts->now
				    ? (long long)((facts->next_try - facts->now + 999) / 1000)
				    : 0LL);
}

char *cure_words_detail(const struct cure_facts *facts, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	add_failure(facts, SOURCE_CONFIGURED, out, size, &at);
	add_failure(facts, SOURCE_BUILTIN, out, size, &at);
	if (!at && facts->plan->want != CURE_WANT_BETTER)
		text_append(out, size, &at,
			    "the scan service did not start before the connector was restarted; ");
	if (facts->plan->want == CURE_WANT_BETTER)
		text_append(out, size, &at,
			    "every generation of the definitions is put aside or gone; ");
	add_outlook(facts, out, size, &at);
	return out;
}

char *cure_words_remedy(const struct cure_facts *facts, char *out, size_t size)
{
	const struct configuration *c = facts->configuration;
	enum definition_source source =
		facts->failures[SOURCE_CONFIGURED].count ? SOURCE_CONFIGURED : SOURCE_BUILTIN;

	if (facts->plan->want == CURE_WANT_BETTER && facts->plan->up) {
		(void)snprintf(
			out, size,
			"Bring definitions: `ampcli defupdate`, or `ampcli definitions import FILE|DIR...`. `ampcli definitions list` says why each was put aside.");
		return out;
	}
	switch (facts->plan->last) {
	case BIRTH_FAILURE_EXECUTABLE:
		(void)snprintf(
			out, size,
			"Put %.200s back as installed: a file of root that root alone may write, in directories of root.",
			c->scan_service);
		break;
	case BIRTH_FAILURE_DIRECTORY:
		(void)snprintf(
			out, size,
			"Give the directory that the detail names back to root:root with mode 0755.");
		break;
	case BIRTH_FAILURE_DEFINITIONS:
		(void)snprintf(
			out, size,
			"Replace or remove the files that the detail names in %.200s; changes there are noticed at once.",
			place_of(facts, source));
		break;
	case BIRTH_FAILURE_MEMORY:
		(void)snprintf(
			out, size,
			"Free memory, or raise the memory limit of the unit, or use a smaller definition set. The definitions themselves are not in doubt.");
		break;
	case BIRTH_FAILURE_WALLS:
		(void)snprintf(
			out, size,
			"Let the connector build its sandbox: namespaces, mounts and seccomp, as the detail names them, must be allowed to it.");
		break;
	case BIRTH_FAILURE_HANG:
		(void)snprintf(
			out, size,
			"Look at the storage below %.200s and at the load of the machine: the load did not go on.",
			place_of(facts, source));
		break;
	case BIRTH_FAILURE_DIED:
	case BIRTH_FAILURE_OTHER:
	case BIRTH_FAILURE_COUNT:
		(void)snprintf(
			out, size,
			"If the definitions in %.200s are new, put the former ones back; else report the detail.",
			place_of(facts, source));
	}
	return out;
}
