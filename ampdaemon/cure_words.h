/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cure_words: fault 7 in words: what fails, of what, how often, what serves meanwhile, when it is tried again; and what a person should do.
 * Words only; core/cure_plan decides.
 */
#ifndef AMP_AMPDAEMON_CURE_WORDS_H
#define AMP_AMPDAEMON_CURE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "ampdaemon/configuration.h"
#include "ampdaemon/core/cure_plan.h"
#include "ampdaemon/service_birth.h"
#include "base/limits.h"

/* The last birth that failed, by what it was to load. */
struct cure_failure {
	uint32_t count; /* since the last good start; 0: none failed */
	struct birth_problem problem;
	char refused[1500]; /* definition files with their reasons; "" */
};

struct cure_facts {
	const struct configuration *configuration;
	const struct cure_plan *plan;
	const struct cure_failure *failures; /* DEFINITION_SOURCE_COUNT */
	const uint64_t
		*needs; /* the same; bytes of the engine at the last good load, 0: not known */
	uint64_t available;
	mono_ms now, next_try; /* MONO_NEVER: one is under way */
};

/* Returns `out`. */
char *cure_words_detail(const struct cure_facts *facts, char *out, size_t size);
char *cure_words_remedy(const struct cure_facts *facts, char *out, size_t size);

#endif
