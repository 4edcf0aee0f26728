/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cure_plan: what is done when the scan service does not start, step by step, and when that is fault 7. Pure: events with the time in,
 * effects out, next deadline asked. spec faults.md, 7.
 *
 * Owns: which definitions the next birth gets, what was tried, the conditions of the fault. Must not own births and their
 * back-off (service_machine: 1 s, 2 s, 4 s, then every 60 s), definitions on disk, the words of the fault.
 *
 * Order of cure: retry (`attempts` births); then, when a generation of the store is what fails, it is put aside and whoever has others says what
 * is to be loaded instead (CURE_STEP_ASIDE, cure_plan_want()); then the built-in set, when the configured one is what fails; then the connector
 * is restarted, once in restart_every_ms; then on and on every retry_ms. While the built-in set serves in place of the configured
 * one the fault stays, and the configured one is tried beside it (CURE_TRY_CONFIGURED) every retry_ms; not when there is none left to try.
 * The fault is raised after `attempts` failed births, or after one when scanning is down for down_ms; cleared when a service is
 * ready with what it should have. Too little memory does not make definitions invalid: it is said, and cured the same way.
 */
#ifndef AMP_AMPDAEMON_CORE_CURE_PLAN_H
#define AMP_AMPDAEMON_CORE_CURE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "base/name_table.h"

#define DEFINITION_SOURCE_LIST(X)                                                                  \
	X(SOURCE_BUILTIN, "built-in")                                                              \
	X(SOURCE_CONFIGURED, "configured")

enum definition_source { DEFINITION_SOURCE_LIST(NAME_TABLE_MEMBER) DEFINITION_SOURCE_COUNT };

#define BIRTH_FAILURE_LIST(X)                                                                      \
	X(BIRTH_FAILURE_EXECUTABLE, "the executable is missing or not trusted", false)             \
	X(BIRTH_FAILURE_DIRECTORY, "a directory is missing or not trusted", false)                 \
	X(BIRTH_FAILURE_DEFINITIONS, "the definitions do not load", true)                          \
	X(BIRTH_FAILURE_MEMORY, "there is too little memory", true)                                \
	X(BIRTH_FAILURE_WALLS, "the sandbox cannot be built", false)                               \
	X(BIRTH_FAILURE_HANG, "it hung", true)                                                     \
	X(BIRTH_FAILURE_DIED, "it died", true)                                                     \
	X(BIRTH_FAILURE_OTHER, "it cannot be started", false)
/* member, words, can the built-in set cure it */

enum birth_failure { BIRTH_FAILURE_LIST(NAME_TABLE_MEMBER) BIRTH_FAILURE_COUNT };

/* What there should be. */
#define CURE_WANT_LIST(X)                                                                          \
	X(CURE_WANT_BUILTIN, "the built-in set")                                                   \
	X(CURE_WANT_CONFIGURED, "the configured set")                                              \
	X(CURE_WANT_BETTER, "a better set than the built-in one") /* all others are put aside */

enum cure_want { CURE_WANT_LIST(NAME_TABLE_MEMBER) CURE_WANT_COUNT };

struct cure_settings {
	enum cure_want want;      /* at the start */
	bool has_store;           /* the configured set is a generation, which can be put aside */
	uint32_t attempts;        /* 3 */
	mono_ms down_ms;          /* 10,000 */
	mono_ms retry_ms;         /* 60,000 */
	mono_ms restart_every_ms; /* 600,000 */
};

/* A set, in this order. */
enum cure_effect {
	CURE_RAISE =
		1 << 0, /* fault 7; also when it is raised already and the words may have changed */
	CURE_CLEAR = 1 << 1,
	CURE_STEP_BUILTIN = 1 << 2, /* event: the next birth gets the built-in set */
	CURE_STEP_RESTART = 1 << 3, /* event, and the restart of the connector */
	CURE_TRY_CONFIGURED =
		1 << 4, /* replace the serving built-in service by one with the configured set */
	CURE_STEP_ASIDE =
		1
		<< 5, /* the generation that fails: at each further failure until another one is wanted */
};

struct cure_plan {
	struct cure_settings settings;
	enum cure_want want;
	enum definition_source next; /* of births in the active place */
	enum definition_source serving;
	bool up, raised;
	uint32_t failed; /* births since the last that had what it should have */
	bool tried_builtin;
	mono_ms down_since;   /* MONO_NEVER while up */
	mono_ms restarted_at; /* MONO_NEVER: not yet */
	mono_ms next_try;     /* of the configured set, beside the built-in one */
	enum birth_failure last;
};

void cure_plan_init(struct cure_plan *plan, const struct cure_settings *settings, mono_ms now,
		    bool raised, mono_ms restarted_at);

/* What the next birth loads; a replacement (beside a serving one) always gets what there should be. */
enum definition_source cure_plan_source(const struct cure_plan *plan, bool is_replacement);

unsigned cure_plan_failed(struct cure_plan *plan, mono_ms now, enum definition_source source,
			  enum birth_failure failure);
unsigned cure_plan_up(struct cure_plan *plan, mono_ms now, enum definition_source source);
unsigned cure_plan_lost(struct cure_plan *plan, mono_ms now);

/* Time passed. Early or late calls are harmless. */
unsigned cure_plan_tick(struct cure_plan *plan, mono_ms now);
mono_ms cure_plan_deadline(const struct cure_plan *plan);

/* Something was put right (SIGHUP, recheck, a watched file): the next birth tries the configured set again. */
void cure_plan_hope(struct cure_plan *plan, mono_ms now);

/* Another set is what there should be from now on; births get it with all their attempts. */
unsigned cure_plan_want(struct cure_plan *plan, mono_ms now, enum cure_want want);

const char *definition_source_name(unsigned source);
const char *cure_want_name(unsigned want);
const char *birth_failure_name(unsigned failure);

#endif
