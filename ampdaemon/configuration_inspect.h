/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * configuration_inspect: the file of settings as YAML, before libcyaml makes a struct of it: what libcyaml would let pass, or tell with a wrong place.
 * Owns the sentence with file:line:column. Must not own what a value means (configuration, configuration_updates).
 */
#ifndef AMP_AMPDAEMON_CONFIGURATION_INSPECT_H
#define AMP_AMPDAEMON_CONFIGURATION_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cyaml/cyaml.h>

#define CONFIGURATION_WHOLE (-1) /* not one of a list */

struct configuration_report {
	const char *path;
	char *out; /* for the sentence */
	size_t size;
	const cyaml_schema_field_t *fields; /* 64 at most */
	uint64_t seen;                      /* keys that are there, by their place in `fields` */
};

/* Reads the file; false with a sentence. */
bool configuration_inspect(struct configuration_report *report);

/* After it: is the key there? */
bool configuration_has(const struct configuration_report *report, const char *key);

/* Says what is wrong with the value of a key, or with entry `item` of its list. Returns false. */
bool configuration_tell(struct configuration_report *report, const char *key, int item,
			const char *what);

#endif
